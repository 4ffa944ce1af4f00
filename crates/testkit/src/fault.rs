//! Faults that really happen: to files, to a disk, to a connection. See also
//! [`Process::file_size_limit`](crate::Process::file_size_limit), [`Service::kill9`](crate::Service::kill9) and
//! [`MariaDb::kill9`](crate::MariaDb::kill9).

mod disk;
mod proxy;

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::must;

pub use disk::SmallDisk;
pub use proxy::{Proxy, Rule};

/// A path in which nothing can be created, not even by root: its parent is a file (ENOTDIR).
#[track_caller]
pub fn unwritable(folder: &Path) -> PathBuf {
    let file = folder.join("not-a-folder");
    must(std::fs::write(&file, "in the way").with_context(|| format!("writing {}", file.display())));
    file.join("below")
}

/// Inverts every bit of the byte at `offset`; a negative offset counts from the end.
#[track_caller]
pub fn flip_byte(path: &Path, offset: i64) {
    let flip = || -> Result<()> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let length = i64::try_from(file.metadata()?.len())?;
        let position = if offset < 0 { length + offset } else { offset };
        ensure!(
            (0..length).contains(&position),
            "offset {offset} is outside of its {length} bytes"
        );
        let mut byte = [0];
        file.read_exact_at(&mut byte, position.unsigned_abs())?;
        file.write_all_at(&[!byte[0]], position.unsigned_abs())?;
        Ok(())
    };
    must(flip().with_context(|| format!("flipping a byte of {}", path.display())));
}

/// Cuts the file after `length` bytes.
#[track_caller]
pub fn truncate(path: &Path, length: u64) {
    must(resize(path, |_| length));
}

/// Cuts the last `bytes` off the file.
#[track_caller]
pub fn cut_tail(path: &Path, bytes: u64) {
    must(resize(path, |length| length.saturating_sub(bytes)));
}

fn resize(path: &Path, to: impl Fn(u64) -> u64) -> Result<()> {
    let cut = || -> Result<()> {
        let file: File = OpenOptions::new().write(true).open(path)?;
        let (before, after) = (file.metadata()?.len(), to(file.metadata()?.len()));
        ensure!(
            after < before,
            "it has {before} bytes, nothing to cut for {after}"
        );
        Ok(file.set_len(after)?)
    };
    cut().with_context(|| format!("truncating {}", path.display()))
}

#[cfg(test)]
mod tests;
