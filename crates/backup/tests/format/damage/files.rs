//! Files that went, came, or changed places.

use std::fs;
use std::os::unix::fs::symlink;

use backup::verify;

use super::tally::{Tally, names_for};
use crate::sample::{self, Dialect};

#[test]
fn files_removed_replaced_swapped_renamed_and_added_are_found() {
    for encrypted in [false, true] {
        let root = tempfile::tempdir().unwrap();
        let backup = if encrypted {
            sample::write_encrypted(root.path(), Dialect::MariaDb, 40, &[])
        } else {
            sample::write(root.path(), Dialect::MariaDb, 40)
        };
        let folder = backup.path();
        let files = sample::files(folder);
        let aside = root.path().join("aside");
        let mut tally = Tally::of(&backup);
        for file in &files {
            let (path, named) = (folder.join(file), names_for(file));
            fs::rename(&path, &aside).unwrap();
            tally.tried("removed", file, folder, &named);
            assert!(
                file == "README.txt" || file == "restore.sh" || sample::read_all(folder).is_err(),
                "{file}"
            );
            symlink(&aside, &path).unwrap();
            tally.tried("replaced by a link to the same bytes", file, folder, &named);
            fs::remove_file(&path).unwrap();
            fs::create_dir(&path).unwrap();
            tally.tried("replaced by a folder", file, folder, &named);
            fs::remove_dir(&path).unwrap();
            let renamed = format!("{file}.1");
            fs::rename(&aside, folder.join(&renamed)).unwrap();
            tally.tried("renamed: its name is missed", file, folder, &named);
            if !matches!(file.as_str(), "SHA256SUMS" | "manifest.json") {
                tally.tried("renamed: the new name is a stranger", file, folder, &[&renamed]);
            }
            fs::rename(folder.join(&renamed), &path).unwrap();
        }
        for (i, a) in files.iter().enumerate() {
            for b in &files[i + 1..] {
                let (a_path, b_path) = (folder.join(a), folder.join(b));
                let swap = || {
                    fs::rename(&a_path, &aside).unwrap();
                    fs::rename(&b_path, &a_path).unwrap();
                    fs::rename(&aside, &b_path).unwrap();
                };
                swap();
                let what = format!("{a} and {b}");
                tally.tried("two files swapped", &what, folder, &names_for(a));
                tally.tried("two files swapped", &what, folder, &names_for(b));
                swap();
            }
        }
        for stray in [
            "data/0003-vacia.0001.tsv.zst",
            "data/0003-vacia.0001.tsv.zst.age",
            "data/x",
            "schema/003-x.sql",
            "x",
            ".x",
            "data/.x",
            "proven.json",
        ] {
            fs::write(folder.join(stray), "x").unwrap();
            tally.tried("added", stray, folder, &[stray]);
            fs::remove_file(folder.join(stray)).unwrap();
            fs::create_dir(folder.join(stray)).unwrap();
            tally.tried("folder added", stray, folder, &[stray]);
            fs::remove_dir(folder.join(stray)).unwrap();
        }
        assert!(verify(folder, &mut |_, _| ()).is_ok(), "everything was put back");
        tally.all_found();
    }
}

type Change = fn(&mut Vec<u8>);

/// A file and its sum changed together: the manifest has the sum as well.
#[test]
fn a_file_changed_together_with_its_sum_is_found() {
    for encrypted in [false, true] {
        let root = tempfile::tempdir().unwrap();
        let backup = if encrypted {
            sample::write_encrypted(root.path(), Dialect::Sqlite, 40, &[])
        } else {
            sample::write(root.path(), Dialect::Sqlite, 40)
        };
        let mut tally = Tally::of(&backup);
        let files = sample::files(backup.path());
        let folder = root.path().join("x");
        for file in files
            .iter()
            .filter(|file| !matches!(file.as_str(), "SHA256SUMS" | "manifest.json"))
        {
            let changes: [(&str, Change); 4] = [
                ("a bit", |bytes| {
                    let middle = bytes.len() / 2;
                    bytes[middle] ^= 1;
                }),
                ("a byte more", |bytes| bytes.push(b'\n')),
                ("a byte less", |bytes| bytes.truncate(bytes.len() - 1)),
                ("emptied", Vec::clear),
            ];
            for (what, change) in changes {
                sample::copy(backup.path(), &folder);
                let mut bytes = fs::read(folder.join(file)).unwrap();
                change(&mut bytes);
                fs::write(folder.join(file), bytes).unwrap();
                sample::resum(&folder);
                // Which of the two is right cannot be told where the length fits; the file is named either way.
                let named = [file.as_str(), "manifest.json"];
                tally.tried(
                    "changed with its sum",
                    &format!("{file}: {what}"),
                    &folder,
                    &named,
                );
                fs::remove_dir_all(&folder).unwrap();
            }
        }
        // A file and its line left out, or put in, together.
        for file in files
            .iter()
            .filter(|file| !matches!(file.as_str(), "SHA256SUMS" | "manifest.json"))
        {
            sample::copy(backup.path(), &folder);
            fs::remove_file(folder.join(file)).unwrap();
            sample::resum(&folder);
            tally.tried("removed with its sum", file, &folder, &[file]);
            fs::remove_dir_all(&folder).unwrap();
        }
        for file in ["x", "data/0009-x.0001.sql.zst", "schema/009-x.sql"] {
            sample::copy(backup.path(), &folder);
            fs::write(folder.join(file), "x").unwrap();
            sample::resum(&folder);
            tally.tried("added with its sum", file, &folder, &["SHA256SUMS"]);
            fs::remove_dir_all(&folder).unwrap();
        }
        tally.all_found();
    }
}
