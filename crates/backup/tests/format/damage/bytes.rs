//! Bytes of a file that changed, went, or came.

use std::fs;

use backup::Backup;

use super::tally::{Tally, damaged, names_for};
use crate::sample::{self, Dialect};

/// One changed bit in every `step`th byte of every file, and every bit of the byte in turn; the first and the last
/// hundred bytes always.
fn bits(backup: &Backup, step: usize) {
    let folder = backup.path();
    let mut tally = Tally::of(backup);
    for file in &sample::files(folder) {
        let path = folder.join(file);
        let length = fs::metadata(&path).unwrap().len() as usize;
        for at in (0..length).filter(|at| at % step == 0 || *at < 100 || *at + 100 >= length) {
            damaged(
                &path,
                |bytes| bytes[at] ^= 1 << ((at / step) % 8),
                || {
                    tally.tried(
                        "bit changed",
                        &format!("{file} at {at}"),
                        folder,
                        &names_for(file),
                    );
                    // Reading alone, without verifying, must not let it pass either.
                    if at % 16 == 0 && !matches!(file.as_str(), "README.txt" | "restore.sh") {
                        assert!(sample::read_all(folder).is_err(), "{file} at {at}");
                    }
                },
            );
        }
    }
    tally.all_found();
}

#[test]
fn a_bit_changed_in_any_byte_of_a_small_backup_is_found() {
    let root = tempfile::tempdir().unwrap();
    bits(&sample::write(root.path(), Dialect::MariaDb, 3), 1);
}

#[test]
fn a_bit_changed_in_an_encrypted_backup_is_found() {
    let root = tempfile::tempdir().unwrap();
    bits(&sample::write_encrypted(root.path(), Dialect::Sqlite, 3, &[]), 4);
}

/// Chunks beyond the 256 KiB from which a frame is streamed, and beyond a piece of age.
#[test]
fn a_bit_changed_in_a_longer_backup_is_found() {
    for encrypted in [false, true] {
        let root = tempfile::tempdir().unwrap();
        let backup = if encrypted {
            sample::write_encrypted(root.path(), Dialect::MariaDb, 4500, &[])
        } else {
            sample::write(root.path(), Dialect::MariaDb, 4500)
        };
        bits(&backup, 2111);
    }
}

#[test]
fn files_cut_or_lengthened_are_found() {
    for encrypted in [false, true] {
        let root = tempfile::tempdir().unwrap();
        let backup = if encrypted {
            sample::write_encrypted(root.path(), Dialect::MariaDb, 2000, &[])
        } else {
            sample::write(root.path(), Dialect::MariaDb, 2000)
        };
        let folder = backup.path();
        let mut tally = Tally::of(&backup);
        for file in &sample::files(folder) {
            let (path, named) = (folder.join(file), names_for(file));
            let length = fs::metadata(&path).unwrap().len() as usize;
            for keep in [0, 1, length / 3, length / 2, length - 2, length - 1] {
                damaged(
                    &path,
                    |bytes| bytes.truncate(keep),
                    || tally.tried("truncated", &format!("{file} to {keep}"), folder, &named),
                );
            }
            for tail in [&b"\n"[..], b"\0", &[0; 5000]] {
                damaged(
                    &path,
                    |bytes| bytes.extend_from_slice(tail),
                    || tally.tried("lengthened", file, folder, &named),
                );
            }
            // What a disk gives back that lost a sector.
            damaged(
                &path,
                |bytes| bytes[length / 4..length / 2].fill(0),
                || tally.tried("a part made zero", file, folder, &named),
            );
            damaged(
                &path,
                |bytes| drop(bytes.drain(length / 4..length / 4 + 1)),
                || tally.tried("a byte left out", file, folder, &named),
            );
        }
        tally.all_found();
    }
}
