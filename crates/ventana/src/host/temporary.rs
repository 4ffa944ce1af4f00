//! Folders for what a process keeps while it works, in `scratch` of the state folder. They go with the process that made them,
//! or, when it was killed, with the next one that needs one.
//!
//! Beside each lies a file whose lock its owner holds for as long as it lives: a lock that is free is a dead owner's, whatever
//! its pid has become since.

use crate::error::{Failure, io};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

const LOCK: &str = "lock";

/// A folder of this process, mode 0700; it goes when this is dropped.
pub struct Temporary {
    folder: PathBuf,
    lock: File,
    lock_path: PathBuf,
}

impl Temporary {
    /// A new folder in `root`, which is made where missing. Its name is short: sockets lie below it, and their paths may have
    /// 107 bytes.
    pub fn make(root: &Path, purpose: &str) -> Result<Temporary, Failure> {
        let root = std::path::absolute(root).map_err(io(format!("cannot find {}", root.display())))?;
        let what = format!("cannot make a folder in {}", root.display());
        fs::create_dir_all(&root).map_err(io(&what))?;
        let pid = std::process::id();
        let mut number = 1;
        loop {
            let name = match number {
                1 => format!("{purpose}_{pid}"),
                number => format!("{purpose}_{pid}_{number}"),
            };
            number += 1;
            let lock_path = root.join(format!("{name}.{LOCK}"));
            let lock = match OpenOptions::new()
                .append(true)
                .create_new(true)
                .mode(0o600)
                .open(&lock_path)
            {
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => continue,
                lock => lock.map_err(io(&what))?,
            };
            // Whoever clears away at this very moment holds it, and takes it for a dead one's. Where there are no locks nobody
            // clears away, and nobody is cleared away.
            if let Err(TryLockError::WouldBlock) = lock.try_lock() {
                continue;
            }
            // Whoever cleared away between the two took it for a dead one's.
            let mine = lock.metadata().map_err(io(&what))?.ino();
            if fs::metadata(&lock_path).map(|there| there.ino()).ok() != Some(mine) {
                continue;
            }
            let folder = root.join(name);
            fs::DirBuilder::new()
                .mode(0o700)
                .create(&folder)
                .map_err(io(&what))?;
            return Ok(Temporary {
                folder,
                lock,
                lock_path,
            });
        }
    }

    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Writes down, durably, what this process is about to make elsewhere: a line that [`Dead::owned`] gives back.
    pub fn owns(&self, what: &str) -> Result<(), Failure> {
        let mut file = &self.lock;
        file.write_all(format!("{what}\n").as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(io(format!("cannot write {}", self.lock_path.display())))
    }
}

impl Temporary {
    /// Leaves it to the next process: something that this one made elsewhere could not be removed.
    pub fn leave(self) {
        std::mem::forget(self);
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
        let _ = fs::remove_file(&self.lock_path);
    }
}

/// What a process that is no more has left.
pub struct Dead {
    /// Where its files are.
    pub folder: PathBuf,
    /// What it made elsewhere.
    pub owned: Vec<String>,
    lock_path: PathBuf,
    /// Ours from here on.
    _lock: File,
}

/// All of them in `root`. What somebody holds, or what cannot be locked, is left alone.
pub fn dead(root: &Path) -> Vec<Dead> {
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    let locks = entries.map(|entry| entry.path());
    locks
        .filter(|path| path.extension().is_some_and(|end| end == LOCK))
        .filter_map(|lock_path| {
            let mut lock = File::open(&lock_path).ok()?;
            lock.try_lock().ok()?;
            let mut text = String::new();
            lock.read_to_string(&mut text).ok()?;
            Some(Dead {
                folder: lock_path.with_extension(""),
                owned: text.lines().map(str::to_owned).collect(),
                lock_path,
                _lock: lock,
            })
        })
        .collect()
}

impl Dead {
    /// Removes the folder, and then that there was one. What cannot be removed stays for the next time.
    pub fn remove(self) {
        let gone = match fs::remove_dir_all(&self.folder) {
            Err(error) => error.kind() == std::io::ErrorKind::NotFound,
            Ok(()) => true,
        };
        if gone {
            let _ = fs::remove_file(&self.lock_path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lives_stays_and_what_is_dead_goes() {
        let root = tempfile::tempdir().unwrap();
        let mine = Temporary::make(root.path(), "verify").unwrap();
        mine.owns("schema a").unwrap();
        let other = Temporary::make(root.path(), "verify").unwrap();
        assert_ne!(mine.path(), other.path());
        assert!(dead(root.path()).is_empty(), "both live");
        // As a killed process leaves it: the lock is free, the files are there.
        let (folder, lock) = (mine.path().to_path_buf(), mine.lock.try_clone().unwrap());
        std::mem::forget(mine);
        lock.unlock().unwrap();
        let found = dead(root.path());
        assert_eq!(
            (found.len(), &found[0].folder, &found[0].owned),
            (1, &folder, &vec!["schema a".to_owned()])
        );
        assert!(dead(root.path()).is_empty(), "one clears away at a time");
        found.into_iter().for_each(Dead::remove);
        assert!(!folder.exists() && other.path().is_dir());
        drop(other);
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    }
}
