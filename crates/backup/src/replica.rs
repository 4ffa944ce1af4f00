//! Replicas: a backup in another place, byte for byte, proven there.
//!
//! Where they live is a [`Store`]; what a copy is and promises is the same for all of them (`docs/BACKUP-FORMAT.md` §8).

mod copy;
mod examine;
mod folder;

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::files::lock_dir;
use crate::reader::Backup;

pub use copy::{Copied, copy, copy_known};
pub use examine::{Examined, examine, list_in};
pub use folder::Folder;

/// A place that holds backups, a folder each. Paths of files are relative to their folder (`data/…`).
///
/// A store does what it is told and judges nothing: which files belong there, whether they are right and whether
/// something may be replaced is decided by [`copy()`] and [`examine`].
pub trait Store {
    /// Where a folder lies, as people are told; of `""`, the store itself. Never a secret.
    fn place(&self, folder: &str) -> PathBuf;

    /// The folder on this machine, where it is on this machine.
    fn local(&self, folder: &str) -> Option<PathBuf>;

    /// Names of the folders in the store.
    fn folders(&mut self) -> io::Result<Vec<String>>;

    /// Bytes that are free there for this account; `None` where the place does not tell.
    fn free(&mut self) -> io::Result<Option<u64>> {
        Ok(None)
    }

    /// The files of a folder with their lengths in bytes; `None` where there is no such folder.
    fn files(&mut self, folder: &str) -> io::Result<Option<BTreeMap<String, u64>>>;

    /// The content of a file.
    fn read<'a>(&'a mut self, folder: &str, file: &str) -> io::Result<Box<dyn Read + 'a>>;

    /// As [`Store::read`]; what it gives is durable there, and comes from the disk rather than from a cache where the
    /// store can see to that.
    fn read_back<'a>(&'a mut self, folder: &str, file: &str) -> io::Result<Box<dyn Read + 'a>> {
        self.read(folder, file)
    }

    /// The folder in which a replica is written until [`Store::finish`]. Where it is the name itself, `SHA256SUMS` alone
    /// makes the replica complete.
    fn working(&self, name: &str) -> String;

    /// Makes that folder, or takes up one that is there, and keeps others from writing there where the store has locks.
    /// Takes out what is no file.
    fn begin(&mut self, name: &str) -> Result<()>;

    /// A new file of `bytes` bytes; one that is there already is an error.
    fn write(&mut self, folder: &str, file: &str, content: &mut dyn Read, bytes: u64) -> io::Result<()>;

    /// Removes a file.
    fn remove(&mut self, folder: &str, file: &str) -> io::Result<()>;

    /// Gives the written folder its name, durably; one that has the name already is an error.
    fn finish(&mut self, name: &str) -> io::Result<()>;

    /// Whether somebody writes this incomplete folder, as far as the store can tell: `true` when it cannot.
    fn held(&mut self, folder: &str) -> bool;

    /// Deletes a folder so that a crash in the middle leaves it plainly incomplete.
    fn discard(&mut self, folder: &str) -> Result<()>;
}

/// What a copy to a folder came to.
#[derive(Debug)]
pub struct Replica {
    /// The replica, opened.
    pub backup: Backup,
    /// It was there already, and every byte of it was found equal.
    pub already: bool,
    /// Bytes written now.
    pub copied_bytes: u64,
    /// Bytes that an interrupted copy had left and that were found right.
    pub kept_bytes: u64,
}

/// [`copy()`] of a complete backup to the folder `root` of this machine.
pub fn replicate(backup: &Backup, root: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<Replica> {
    let mut store = Folder::at(root).map_err(|source| Error::Root {
        path: root.into(),
        source,
    })?;
    let copied = copy_of(backup, &mut store, progress)?;
    Ok(Replica {
        backup: Backup::open(&copied.place)?,
        already: copied.already,
        copied_bytes: copied.copied_bytes,
        kept_bytes: copied.kept_bytes,
    })
}

/// [`copy()`] of a backup of this machine, of which one knows that it is this very one. One process at a time copies it
/// ([`Error::Busy`]): not every store can keep two from writing the same replica.
pub fn copy_of(backup: &Backup, to: &mut dyn Store, progress: &mut dyn FnMut(u64, u64)) -> Result<Copied> {
    let path = backup.path();
    let root = path.parent().unwrap_or(path);
    let folder = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let _alone = lock_dir(path)?;
    let mut from = Folder::at(root).map_err(Error::io("open", root))?;
    copy::copy_known(&mut from, folder, Some(backup.id()), to, progress)
}
