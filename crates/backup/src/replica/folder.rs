//! A folder of this machine: a disk, or a mount.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{Advice, fadvise, statvfs};

use super::Store;
use crate::error::{Error, Result};
use crate::files::{
    alone, create_dir, create_new, create_root, exists, is_left, lock_dir, open_regular, sync_dir,
};
use crate::hashed::BLOCK;
use crate::name::{DATA_DIR, SCHEMA_DIR, partial_of, without_partial};

/// A folder that holds backups.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    /// Of the folder being written; `None` inside where the file system has no locks.
    lock: Option<Option<File>>,
}

impl Folder {
    /// The folder need not be there yet.
    pub fn at(root: &Path) -> io::Result<Self> {
        Ok(Self {
            root: std::path::absolute(root)?,
            lock: None,
        })
    }

    fn path(&self, folder: &str, file: &str) -> PathBuf {
        self.root.join(folder).join(file)
    }
}

impl Store for Folder {
    fn place(&self, folder: &str) -> PathBuf {
        if folder.is_empty() {
            self.root.clone()
        } else {
            self.root.join(folder)
        }
    }

    fn local(&self, folder: &str) -> Option<PathBuf> {
        Some(self.place(folder))
    }

    fn folders(&mut self) -> io::Result<Vec<String>> {
        let entries = match fs::read_dir(&self.root) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry?;
            if let (true, Ok(name)) = (entry.path().is_dir(), entry.file_name().into_string()) {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn free(&mut self) -> io::Result<Option<u64>> {
        let there = self.root.ancestors().find(|path| path.exists());
        let stat = statvfs(there.unwrap_or(Path::new("/")))?;
        // Mounts of something that has no size say that it is 0.
        Ok((stat.f_blocks > 0).then(|| stat.f_bavail.saturating_mul(stat.f_frsize)))
    }

    fn files(&mut self, folder: &str) -> io::Result<Option<BTreeMap<String, u64>>> {
        let root = self.root.join(folder);
        if !exists(&root)? {
            return Ok(None);
        }
        let mut files = BTreeMap::new();
        // Somebody's file of that name: nothing of a backup is in it.
        if !root.is_dir() {
            return Ok(Some(files));
        }
        for below in ["", SCHEMA_DIR, DATA_DIR] {
            let entries = match fs::read_dir(root.join(below)) {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                entries => entries?,
            };
            for entry in entries {
                let entry = entry?;
                let metadata = entry.metadata()?;
                let name = entry.file_name().to_string_lossy().into_owned();
                if metadata.is_file() {
                    let path = if below.is_empty() {
                        name
                    } else {
                        format!("{below}/{name}")
                    };
                    files.insert(path, metadata.len());
                }
            }
        }
        Ok(Some(files))
    }

    fn read<'a>(&'a mut self, folder: &str, file: &str) -> io::Result<Box<dyn Read + 'a>> {
        Ok(Box::new(open_regular(&self.path(folder, file))?))
    }

    fn read_back<'a>(&'a mut self, folder: &str, file: &str) -> io::Result<Box<dyn Read + 'a>> {
        let file = open_regular(&self.path(folder, file))?;
        // What was written now, or left by an interrupted copy, may be right in the cache and not yet on the disk.
        file.sync_all()?;
        // Advice only: a file system that does not take it changes nothing but how much this reading proves.
        let _ = fadvise(&file, 0, None, Advice::DontNeed);
        Ok(Box::new(file))
    }

    fn working(&self, name: &str) -> String {
        partial_of(name)
    }

    fn begin(&mut self, name: &str) -> Result<()> {
        let unusable = |source| Error::Root {
            path: self.root.clone(),
            source,
        };
        create_root(&self.root).map_err(unusable)?;
        let partial = self.root.join(partial_of(name));
        if !exists(&partial).map_err(unusable)? {
            create_dir(&partial).map_err(unusable)?;
        }
        self.lock = Some(lock_dir(&partial)?);
        for folder in [SCHEMA_DIR, DATA_DIR] {
            let path = partial.join(folder);
            if !exists(&path).map_err(Error::io("read", &path))? {
                create_dir(&path).map_err(Error::io("create", &path))?;
            }
        }
        remove_no_files(&partial)
    }

    fn write(&mut self, folder: &str, file: &str, content: &mut dyn Read, _bytes: u64) -> io::Result<()> {
        // Reading back makes it durable.
        let mut target = create_new(&self.path(folder, file))?;
        let mut block = vec![0; BLOCK];
        loop {
            match content.read(&mut block) {
                Ok(0) => return Ok(()),
                Ok(n) => target.write_all(&block[..n])?,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn remove(&mut self, folder: &str, file: &str) -> io::Result<()> {
        fs::remove_file(self.path(folder, file))
    }

    fn finish(&mut self, name: &str) -> io::Result<()> {
        let (partial, complete) = (self.root.join(partial_of(name)), self.root.join(name));
        for folder in [SCHEMA_DIR, DATA_DIR, ""] {
            File::open(partial.join(folder))?.sync_all()?;
        }
        // A rename takes the place of an empty folder without a word.
        if exists(&complete)? {
            return Err(ErrorKind::AlreadyExists.into());
        }
        fs::rename(&partial, &complete)?;
        self.lock = None;
        File::open(&self.root)?.sync_all()
    }

    fn held(&mut self, folder: &str) -> bool {
        !matches!(is_left(&self.root.join(folder)), Ok(Some(_)))
    }

    fn discard(&mut self, folder: &str) -> Result<()> {
        let path = self.root.join(folder);
        let _alone = alone(&path)?;
        let partial = match without_partial(folder) {
            Some(_) => path.clone(),
            None => self.root.join(partial_of(folder)),
        };
        if partial != path {
            // What an older deletion that died has left would be in the way.
            if exists(&partial).map_err(Error::io("read", &partial))? {
                let left = is_left(&partial)?;
                let _lock = left.ok_or_else(|| Error::Busy {
                    path: partial.clone(),
                })?;
                fs::remove_dir_all(&partial).map_err(Error::io("remove", &partial))?;
            }
            fs::rename(&path, &partial).map_err(Error::io("take the name from", &path))?;
            sync_dir(&self.root)?;
        }
        let _lock = lock_dir(&partial)?;
        fs::remove_dir_all(&partial).map_err(Error::io("remove", &partial))?;
        sync_dir(&self.root)
    }
}

/// What an older interrupted copy of something else may have left: folders, links, devices. The folder is locked and
/// has the name of one being written, so nothing in it is anybody's backup.
fn remove_no_files(partial: &Path) -> Result<()> {
    for folder in ["", SCHEMA_DIR, DATA_DIR] {
        let below = partial.join(folder);
        for entry in fs::read_dir(&below).map_err(Error::io("read", &below))? {
            let path = entry.map_err(Error::io("read", &below))?.path();
            let metadata = fs::symlink_metadata(&path).map_err(Error::io("read", &path))?;
            let ours = path == partial.join(SCHEMA_DIR) || path == partial.join(DATA_DIR);
            if metadata.is_dir() && !ours {
                fs::remove_dir_all(&path).map_err(Error::io("remove", &path))?;
            } else if !metadata.is_dir() && !metadata.is_file() {
                fs::remove_file(&path).map_err(Error::io("remove", &path))?;
            }
        }
    }
    Ok(())
}
