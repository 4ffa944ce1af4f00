//! Files of a backup: made anew, private and fsynced with their folder; small ones read whole; and who may have it at once.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::hashed::{BLOCK, Hashed, Seal};
use crate::name::SUMS;

/// No manifest or list of sums is longer: 5,000 tables need about 10 MiB.
const LONGEST_TEXT: u64 = 1 << 30;

/// A new file with mode 0600; an existing one is an error, never opened.
pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

/// A new folder with mode 0700.
pub(crate) fn create_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}

/// A folder and those above it where missing, durably.
pub(crate) fn create_root(path: &Path) -> io::Result<()> {
    let missing = path.ancestors().take_while(|folder| !folder.exists()).count();
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    path.ancestors()
        .skip(1)
        .take(missing)
        .try_for_each(|folder| File::open(folder)?.sync_all())
}

/// Makes the folder's entries durable.
pub(crate) fn sync_dir(path: &Path) -> Result<()> {
    File::open(path)
        .and_then(|dir| dir.sync_all())
        .map_err(Error::io("make durable (fsync)", path))
}

/// Writes a small file whole and makes its content durable.
pub(crate) fn write_new(path: &Path, content: &[u8]) -> Result<()> {
    let write = || {
        let mut file = create_new(path)?;
        file.write_all(content)?;
        file.sync_all()
    };
    write().map_err(Error::io("write", path))
}

/// Opens a file that is really one: a link or device in a backup is refused.
pub(crate) fn open_regular(path: &Path) -> io::Result<File> {
    if !fs::symlink_metadata(path)?.is_file() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "it is not a regular file",
        ));
    }
    File::open(path)
}

/// Takes the advisory lock of a folder that is being written or copied. `None`: the file system has no locks. Who writes goes on without;
/// who would delete what a dead one left cannot tell, and leaves it alone ([`is_left`]).
pub(crate) fn lock_dir(path: &Path) -> Result<Option<File>> {
    let dir = File::open(path).map_err(Error::io("open", path))?;
    match dir.try_lock() {
        Ok(()) => Ok(Some(dir)),
        Err(TryLockError::WouldBlock) => Err(Error::Busy { path: path.into() }),
        Err(TryLockError::Error(_)) => Ok(None),
    }
}

/// The lock of a folder that nobody writes; `None` where somebody does, or where that cannot be told.
pub(crate) fn is_left(path: &Path) -> Result<Option<File>> {
    match lock_dir(path) {
        Err(Error::Busy { .. }) => Ok(None),
        lock => lock,
    }
}

/// Keeps a backup from being deleted as long as it lives; nothing inside where the file system has no locks.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    _sums: Option<Arc<File>>,
}

/// Shares a complete backup with whoever else reads it.
pub(crate) fn share(backup: &Path) -> Result<Shared> {
    let path = backup.join(SUMS);
    let sums = open_regular(&path).map_err(Error::io("read", &path))?;
    match sums.try_lock_shared() {
        Ok(()) => Ok(Shared {
            _sums: Some(Arc::new(sums)),
        }),
        Err(TryLockError::WouldBlock) => Err(Error::Busy { path: backup.into() }),
        Err(TryLockError::Error(_)) => Ok(Shared { _sums: None }),
    }
}

/// Takes a folder from whoever would read it, to delete it: [`Error::InUse`] while somebody does. `None`: the file system has
/// no locks, or there is nothing that could be read.
pub(crate) fn alone(backup: &Path) -> Result<Option<File>> {
    let Ok(sums) = open_regular(&backup.join(SUMS)) else {
        return Ok(None);
    };
    match sums.try_lock() {
        Ok(()) => Ok(Some(sums)),
        Err(TryLockError::WouldBlock) => Err(Error::InUse { path: backup.into() }),
        Err(TryLockError::Error(_)) => Ok(None),
    }
}

/// Reads a file to its end, telling how many bytes each block had.
pub(crate) fn seal_of(file: File, read: &mut dyn FnMut(u64)) -> io::Result<Seal> {
    let mut hashed = Hashed::new(file);
    let mut block = vec![0; BLOCK];
    loop {
        match hashed.read(&mut block) {
            Ok(0) => return Ok(hashed.seal().1),
            Ok(n) => read(n as u64),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Whether there is anything of that name, a dangling link included.
pub(crate) fn exists(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// A whole file that the format expects to be small.
pub(crate) fn read_small(path: &Path) -> Result<Vec<u8>> {
    let read = || {
        let mut bytes = Vec::new();
        open_regular(path)?
            .take(LONGEST_TEXT + 1)
            .read_to_end(&mut bytes)?;
        if bytes.len() as u64 > LONGEST_TEXT {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                "it is longer than 1 GiB",
            ));
        }
        Ok(bytes)
    };
    read().map_err(Error::io("read", path))
}
