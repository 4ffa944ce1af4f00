//! A replica over SFTP: the system's `ssh` carries it, so that its configuration, agents, jump hosts and known hosts count.
//!
//! Files only, no shell: accounts that may do SFTP and nothing else suffice.

mod connection;
mod file;
mod packet;

use crate::config::SshPlace;
use backup::{Error, Result, Store, partial_of};
use connection::Connection;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// Folders of a backup; the format has no others.
const BELOW: [&str; 3] = ["", "schema", "data"];

/// How to reach the far side, beside what ssh's own configuration says.
pub struct Options<'a> {
    pub port: Option<u16>,
    pub identity_file: Option<&'a Path>,
    pub known_hosts: Option<&'a Path>,
}

/// A folder on another machine.
pub struct Sftp {
    connection: Connection,
    place: SshPlace,
}

impl Sftp {
    pub fn connect(place: SshPlace, options: &Options<'_>) -> io::Result<Sftp> {
        Ok(Sftp {
            connection: Connection::open(&place.host, options)?,
            place,
        })
    }

    fn path(&self, folder: &str, file: &str) -> String {
        let mut path = self.place.path.clone();
        for part in [folder, file] {
            if !part.is_empty() {
                path = format!("{path}/{part}");
            }
        }
        path
    }

    fn exists(&mut self, path: &str) -> io::Result<bool> {
        match self.connection.lstat(path) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The replica's own folder, and none above it: where one of those is missing, a disk is not mounted.
    fn make_root(&mut self) -> io::Result<()> {
        let path = self.place.path.clone();
        if self.exists(&path)? {
            return Ok(());
        }
        let above = path
            .trim_end_matches('/')
            .rsplit_once('/')
            .map_or("", |(above, _)| above);
        if !above.is_empty() && !self.exists(above)? {
            let what =
                format!("there is no folder {above} on that machine: mount its disk, or make the folder");
            return Err(io::Error::new(ErrorKind::NotFound, what));
        }
        self.connection.make_folder(&path)
    }

    fn remove_all(&mut self, path: &str) -> io::Result<()> {
        for entry in self.connection.list(path)? {
            let below = format!("{path}/{}", entry.name);
            if entry.about.is_folder() {
                self.remove_all(&below)?;
            } else {
                self.connection.remove(&below)?;
            }
        }
        self.connection.remove_folder(path)
    }

    fn failed(&self, doing: &'static str, folder: &str) -> impl FnOnce(io::Error) -> Error + use<> {
        let path = self.place(folder);
        move |source| Error::Io { doing, path, source }
    }
}

impl Store for Sftp {
    fn place(&self, folder: &str) -> PathBuf {
        let path = self.path(folder, "");
        PathBuf::from(format!(
            "ssh://{}/{}",
            self.place.host,
            path.trim_start_matches('/')
        ))
    }

    fn local(&self, _folder: &str) -> Option<PathBuf> {
        None
    }

    fn folders(&mut self) -> io::Result<Vec<String>> {
        let root = self.place.path.clone();
        if !self.exists(&root)? {
            return Ok(Vec::new());
        }
        let entries = self.connection.list(&root)?;
        let folders = entries.into_iter().filter(|entry| entry.about.is_folder());
        Ok(folders.map(|entry| entry.name).collect())
    }

    fn free(&mut self) -> io::Result<Option<u64>> {
        // The folder may have to be made yet; above it there is one that is there.
        let mut path = self.place.path.as_str();
        loop {
            match self
                .connection
                .free_bytes(if path.is_empty() { "/" } else { path })
            {
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => return Err(error),
                // A server that refuses to tell is as one that cannot.
                Err(_) => {}
                told => return told,
            }
            match path.rfind('/') {
                Some(end) => path = &path[..end],
                None => return Ok(None),
            }
        }
    }

    fn files(&mut self, folder: &str) -> io::Result<Option<BTreeMap<String, u64>>> {
        let root = self.path(folder, "");
        let mut files = BTreeMap::new();
        match self.connection.lstat(&root) {
            Ok(about) if about.is_folder() => {}
            // Somebody's file of that name: nothing of a backup is in it.
            Ok(_) => return Ok(Some(files)),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        }
        for below in BELOW {
            let entries = match self.connection.list(&self.path(folder, below)) {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                entries => entries?,
            };
            for entry in entries.into_iter().filter(|entry| entry.about.is_file()) {
                let path = match below {
                    "" => entry.name,
                    below => format!("{below}/{}", entry.name),
                };
                files.insert(path, entry.about.bytes.unwrap_or(0));
            }
        }
        Ok(Some(files))
    }

    fn read<'a>(&'a mut self, folder: &str, file: &str) -> io::Result<Box<dyn Read + 'a>> {
        let path = self.path(folder, file);
        Ok(Box::new(file::Reader::open(&mut self.connection, &path)?))
    }

    fn read_back<'a>(&'a mut self, folder: &str, file: &str) -> io::Result<Box<dyn Read + 'a>> {
        let path = self.path(folder, file);
        let mut reader = file::Reader::open(&mut self.connection, &path)?;
        reader.make_durable()?;
        Ok(Box::new(reader))
    }

    fn working(&self, name: &str) -> String {
        partial_of(name)
    }

    fn begin(&mut self, name: &str) -> Result<()> {
        let partial = partial_of(name);
        let mut make = || {
            self.make_root()?;
            for below in BELOW {
                let path = self.path(&partial, below);
                if !self.exists(&path)? {
                    self.connection.make_folder(&path)?;
                }
            }
            for below in BELOW {
                let folder = self.path(&partial, below);
                for entry in self.connection.list(&folder)? {
                    let path = format!("{folder}/{}", entry.name);
                    let ours = below.is_empty() && BELOW.contains(&entry.name.as_str());
                    match entry.about.is_folder() {
                        true if !ours => self.remove_all(&path)?,
                        false if !entry.about.is_file() => self.connection.remove(&path)?,
                        _ => {}
                    }
                }
            }
            Ok(())
        };
        make().map_err(|source| Error::Root {
            path: self.place(""),
            source,
        })
    }

    fn write(&mut self, folder: &str, file: &str, content: &mut dyn Read, _bytes: u64) -> io::Result<()> {
        let path = self.path(folder, file);
        file::write(&mut self.connection, &path, content).map_err(|error| {
            // The protocol has no word for a full disk.
            match self.connection.free_bytes(&self.place.path) {
                Ok(Some(free)) if error.kind() == ErrorKind::Other && free < 1 << 20 => io::Error::new(
                    ErrorKind::StorageFull,
                    format!("the far side's disk is full, {free} bytes are free ({error})"),
                ),
                _ => error,
            }
        })
    }

    fn remove(&mut self, folder: &str, file: &str) -> io::Result<()> {
        let path = self.path(folder, file);
        self.connection.remove(&path)
    }

    fn finish(&mut self, name: &str) -> io::Result<()> {
        let partial = partial_of(name);
        for below in BELOW {
            let path = self.path(&partial, below);
            self.connection.sync_folder(&path)?;
        }
        let complete = self.path(name, "");
        if self.exists(&complete)? {
            return Err(ErrorKind::AlreadyExists.into());
        }
        self.connection.rename(&self.path(&partial, ""), &complete)?;
        self.connection.sync_folder(&self.place.path)
    }

    fn held(&mut self, _folder: &str) -> bool {
        true
    }

    fn discard(&mut self, folder: &str) -> Result<()> {
        let path = self.path(folder, "");
        let partial = match folder.starts_with('.') {
            true => path.clone(),
            false => self.path(&partial_of(folder), ""),
        };
        if partial != path {
            // What an older deletion that died has left would be in the way.
            if self.exists(&partial).map_err(self.failed("read", folder))? {
                self.remove_all(&partial).map_err(self.failed("remove", folder))?;
            }
            let renamed = self.connection.rename(&path, &partial);
            renamed.map_err(self.failed("take the name from", folder))?;
            let synced = self.connection.sync_folder(&self.place.path);
            synced.map_err(self.failed("make durable", ""))?;
        }
        self.remove_all(&partial).map_err(self.failed("remove", folder))
    }
}
