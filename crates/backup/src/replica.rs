//! Copies a backup to another root (an off-site mount) and proves the copy there.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{Advice, fadvise};

use crate::error::{Error, Result};
use crate::files::{create_dir, create_new, create_root, exists, lock_dir, open_regular, seal_of, sync_dir};
use crate::hashed::{BLOCK, Hashed};
use crate::name::{DATA_DIR, SCHEMA_DIR, SUMS, partial_of};
use crate::reader::{Backup, read_small};
use crate::sums;
use crate::verify::{VerifyError, verify};

/// What a copy came to.
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

/// Copies a complete backup to `root`. Each file is fsynced, read back and compared with `SHA256SUMS`; the folder gets
/// its name at the end. A copy that was interrupted goes on. A complete folder is never written over: one that is the
/// same and whole is success (`already`), any other an error. `progress` is told bytes done and in all, where
/// each byte counts once when it is written and once when it is read back.
pub fn replicate(backup: &Backup, root: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<Replica> {
    let unusable = |source| Error::Root {
        path: root.into(),
        source,
    };
    let root = std::path::absolute(root).map_err(unusable)?;
    create_root(&root).map_err(unusable)?;
    let name = &backup.manifest().name;
    let complete = root.join(name);
    if same_folder(&complete, backup.path()) {
        return Err(Error::Exists {
            path: complete,
            why: "is the backup itself, not a replica".into(),
        });
    }
    if exists(&complete).map_err(unusable)? {
        return already_there(backup, &complete, progress);
    }
    let partial = root.join(partial_of(name));
    if !exists(&partial).map_err(unusable)? {
        create_dir(&partial).map_err(unusable)?;
    }
    let _lock = lock_dir(&partial)?;
    let mut copy = Copy::new(backup, &partial, progress)?;
    copy.all()?;
    let (copied_bytes, kept_bytes) = (copy.copied, copy.kept);
    for folder in [SCHEMA_DIR, DATA_DIR, ""] {
        sync_dir(&partial.join(folder))?;
    }
    fs::rename(&partial, &complete).map_err(Error::io("give its name to", &complete))?;
    sync_dir(&root)?;
    Ok(Replica {
        backup: Backup::open(&complete)?,
        already: false,
        copied_bytes,
        kept_bytes,
    })
}

fn same_folder(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

fn already_there(backup: &Backup, complete: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<Replica> {
    let differs = |why: String| Error::Exists {
        path: complete.into(),
        why,
    };
    let there = Backup::open(complete).map_err(|error| differs(format!("cannot be opened: {error}")))?;
    if there.id() != backup.id() {
        return Err(differs("is another backup of the same name".into()));
    }
    match verify(complete, progress) {
        Ok(_) => Ok(Replica {
            backup: there,
            already: true,
            copied_bytes: 0,
            kept_bytes: 0,
        }),
        Err(VerifyError::Damaged(damages)) => {
            let damages: Vec<String> = damages.iter().map(ToString::to_string).collect();
            Err(differs(format!("is a damaged replica: {}", damages.join("; "))))
        }
        Err(VerifyError::Open(error)) => Err(error),
    }
}

/// One copy under way.
struct Copy<'a> {
    from: &'a Path,
    to: &'a Path,
    /// File, sum and length, in the order of copying: `SHA256SUMS` last.
    files: Vec<(String, String, u64)>,
    done: u64,
    total: u64,
    copied: u64,
    kept: u64,
    progress: &'a mut dyn FnMut(u64, u64),
}

impl<'a> Copy<'a> {
    fn new(backup: &'a Backup, to: &'a Path, progress: &'a mut dyn FnMut(u64, u64)) -> Result<Self> {
        let from = backup.path();
        let text = read_small(&from.join(SUMS))?;
        let (sums, wrong) = sums::parse(&text);
        let damaged = |file: &str, what: String| Error::Damaged {
            path: from.into(),
            file: file.into(),
            what,
        };
        // The text may have changed since the backup was opened: it still has to be about this very manifest.
        if !wrong.is_empty() || sums.get(crate::name::MANIFEST).map(String::as_str) != Some(backup.id()) {
            return Err(damaged(SUMS, "it changed since the backup was opened".into()));
        }
        let mut files = Vec::with_capacity(sums.len() + 1);
        for (file, sha256) in sums {
            let path = from.join(&file);
            let bytes = fs::symlink_metadata(&path)
                .map_err(Error::io("read", &path))?
                .len();
            files.push((file, sha256, bytes));
        }
        files.push((SUMS.into(), crate::hashed::sha256_hex(&text), text.len() as u64));
        let total = files.iter().map(|(_, _, bytes)| 2 * bytes).sum();
        Ok(Self {
            from,
            to,
            files,
            done: 0,
            total,
            copied: 0,
            kept: 0,
            progress,
        })
    }

    fn all(&mut self) -> Result<()> {
        for folder in [SCHEMA_DIR, DATA_DIR] {
            let path = self.to.join(folder);
            if !exists(&path).map_err(Error::io("read", &path))? {
                create_dir(&path).map_err(Error::io("create", &path))?;
            }
        }
        self.remove_strays()?;
        for (file, sha256, bytes) in std::mem::take(&mut self.files) {
            let there = self.to.join(&file);
            if self
                .sum_there(&there, false)?
                .is_some_and(|found| found == sha256)
            {
                self.kept += bytes;
                self.tell(2 * bytes);
                continue;
            }
            self.copy(&file, &sha256, &there)?;
            if self.sum_there(&there, true)?.is_none_or(|found| found != sha256) {
                let what =
                    "it was read back with another SHA-256 than was written: the disk or mount loses data"
                        .into();
                return Err(Error::Damaged {
                    path: self.to.into(),
                    file,
                    what,
                });
            }
            self.copied += bytes;
        }
        Ok(())
    }

    /// What an older interrupted copy of something else may have left. The folder is locked and has the name of one
    /// being written, so nothing in it is anybody's backup.
    fn remove_strays(&self) -> Result<()> {
        let wanted: BTreeSet<PathBuf> = self.files.iter().map(|(file, ..)| self.to.join(file)).collect();
        for folder in ["", SCHEMA_DIR, DATA_DIR] {
            let folder = self.to.join(folder);
            for entry in fs::read_dir(&folder).map_err(Error::io("read", &folder))? {
                let path = entry.map_err(Error::io("read", &folder))?.path();
                let metadata = fs::symlink_metadata(&path).map_err(Error::io("read", &path))?;
                let folders = path == self.to.join(SCHEMA_DIR) || path == self.to.join(DATA_DIR);
                if metadata.is_dir() && !folders {
                    fs::remove_dir_all(&path).map_err(Error::io("remove", &path))?;
                } else if !(metadata.is_dir() || metadata.is_file() && wanted.contains(&path)) {
                    fs::remove_file(&path).map_err(Error::io("remove", &path))?;
                }
            }
        }
        Ok(())
    }

    /// SHA-256 of a file on the far side, read from its disk rather than from our cache where the system lets us.
    fn sum_there(&mut self, path: &Path, tell: bool) -> Result<Option<String>> {
        let sum = |copy: &mut Self| {
            let file = match open_regular(path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                other => other?,
            };
            // What an interrupted copy left may be right in the cache and not yet on the disk.
            file.sync_all()?;
            // Advice only: a file system that does not take it changes nothing but how much this reading proves.
            let _ = fadvise(&file, 0, None, Advice::DontNeed);
            let seal = seal_of(file, &mut |n| copy.tell(if tell { n } else { 0 }))?;
            Ok(Some(seal.sha256))
        };
        sum(self).map_err(Error::io("read back", path))
    }

    fn copy(&mut self, file: &str, sha256: &str, there: &Path) -> Result<()> {
        match fs::remove_file(there) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Error::io("replace", there)(error));
            }
            _ => {}
        }
        let here = self.from.join(file);
        let mut source = Hashed::new(open_regular(&here).map_err(Error::io("read", &here))?);
        let mut target = create_new(there).map_err(Error::io("write", there))?;
        let mut block = vec![0; BLOCK];
        loop {
            let n = match source.read(&mut block) {
                Ok(0) => break,
                Ok(n) => n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Error::io("read", here)(error)),
            };
            target.write_all(&block[..n]).map_err(Error::io("write", there))?;
            self.tell(n as u64);
        }
        // Reading back makes it durable first.
        drop(target);
        if source.seal().1.sha256 != sha256 {
            let what = "its SHA-256 is not the one in SHA256SUMS".into();
            return Err(Error::Damaged {
                path: self.from.into(),
                file: file.into(),
                what,
            });
        }
        Ok(())
    }

    fn tell(&mut self, bytes: u64) {
        self.done += bytes;
        (self.progress)(self.done, self.total);
    }
}
