//! The configured replicas, opened as stores, and what is known of what lies in them.

mod ledger;

pub use ledger::{Act, HERE, Known, Ledger};

use crate::config::{Config, Keep, Place, Replica};
use crate::error::{Failure, io};
use crate::host::s3::{self, Bucket};
use crate::host::sftp::{Options, Sftp};
use crate::ui::format::counted;
use backup::{Backup, Copied, Entry, Folder, State, Store};
use std::collections::BTreeMap;
use std::path::Path;

/// Written last: what has it is complete.
const SUMS: &str = "SHA256SUMS";

/// A replica by its name.
#[derive(Clone, Debug)]
pub struct Named {
    pub name: String,
    pub replica: Replica,
}

/// All of them, `off_site` first.
pub fn all(config: &Config) -> Vec<Named> {
    let replicas = config.file.replicas().into_iter();
    replicas.map(|(name, replica)| Named { name, replica }).collect()
}

/// The one of this name, or the folder of this path.
pub fn find(config: &Config, name: &str) -> Result<Named, Failure> {
    let known = all(config);
    if let Some(named) = known.iter().find(|named| named.name == name) {
        return Ok(named.clone());
    }
    // A slip of the pen in a replica's name must not make a folder beside us.
    if name.contains('/') {
        return Ok(Named::folder(Path::new(name)));
    }
    let names: Vec<&str> = known.iter().map(|named| named.name.as_str()).collect();
    let configured = match names.as_slice() {
        [] => format!("[replica.{name}] in ventana.toml defines one"),
        names => format!("configured: {}", names.join(", ")),
    };
    let hint = format!("{configured}; a folder is named with a slash, as in ./{name}");
    Err(Failure::usage(format!("no replica is called {name}")).hint(hint))
}

impl Named {
    /// A folder that nobody configured; its path is its name.
    pub fn folder(path: &Path) -> Named {
        Named {
            name: path.display().to_string(),
            replica: Replica {
                folder: Some(path.to_path_buf()),
                ..Replica::default()
            },
        }
    }

    /// Connects where that is needed.
    pub fn open(&self, config: &Config) -> Result<Box<dyn Store>, Failure> {
        let replica = &self.replica;
        let place = replica
            .place()
            .map_err(|what| Failure::usage(format!("[replica.{}]: {what}", self.name)))?;
        let shown = replica.shown();
        let unreached =
            |error: std::io::Error| Failure::failed("replica", format!("cannot reach {shown}: {error}"));
        Ok(match place {
            Place::Folder(folder) => Box::new(Folder::at(folder).map_err(unreached)?),
            Place::Ssh(place) => {
                let hint = format!(
                    "try `sftp {}` as this account; nobody answers questions here",
                    place.host
                );
                let options = Options {
                    port: replica.port,
                    identity_file: replica.identity_file.as_deref(),
                    known_hosts: replica.known_hosts.as_deref(),
                };
                Box::new(Sftp::connect(place, &options).map_err(|error| unreached(error).hint(hint))?)
            }
            Place::S3(s3) => Box::new(Bucket::of(s3, s3::credentials(s3, &config.vars)?).map_err(unreached)?),
        })
    }

    /// What is kept there.
    pub fn keep(&self, config: &Config) -> Option<Keep> {
        self.replica.keep.or(config.file.backup.keep)
    }

    /// Copies a backup there, re-reads it there, and writes down that it is there.
    pub fn copy(
        &self,
        config: &Config,
        backup: &Backup,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Copied, Failure> {
        let mut store = self.open(config)?;
        self.must_be_there(config, &mut *store)?;
        let copied = backup::copy_of(backup, &mut *store, progress);
        // Which of the two is damaged stands in the error.
        if let Err(backup::Error::Spoiled { path, .. }) = &copied
            && let Some(name) = path.file_name()
        {
            let name = name.to_string_lossy();
            let place = path.display().to_string();
            Ledger::of(config).record(&self.name, &name, backup.id(), &place, Act::Damaged)?;
        }
        let copied = copied?;
        let place = copied.place.display().to_string();
        Ledger::of(config).record(&self.name, &copied.name, &copied.id, &place, Act::Copied)?;
        Ok(copied)
    }

    /// Removes what a copy of the backup `name` that was cut off has left there; a complete one stays.
    pub fn remove_half(&self, config: &Config, name: &str) -> Result<(), Failure> {
        let mut store = self.open(config)?;
        let folder = store.working(name);
        let place = store.place(&folder);
        let looked = store.files(&folder);
        let files = looked.map_err(io(format!("cannot look into {}", place.display())))?;
        // Where it is written under its final name, the sums, written last, tell a complete one, or that it was one once.
        let begun = |files: BTreeMap<String, u64>| !(files.is_empty() || files.contains_key(SUMS));
        let half = match folder != name {
            true => files.is_some(),
            false => files.is_some_and(begun) && !self.known(config)?.iter().any(|known| known.name == name),
        };
        if half {
            store.discard(&folder)?;
        }
        Ok(())
    }

    /// Whether it can be reached and, as far as that shows without writing, written to.
    pub fn preflight(&self, config: &Config) -> Result<(), Failure> {
        self.must_be_there(config, &mut *self.open(config)?)?;
        match &self.replica.folder {
            Some(folder) => crate::host::files::can_hold(folder),
            None => Ok(()),
        }
    }

    /// What this machine knows to lie there.
    pub fn known(&self, config: &Config) -> Result<Vec<Known>, Failure> {
        let mut known = Ledger::of(config).read()?;
        known.retain(|known| known.replica == self.name);
        Ok(known)
    }

    /// The service's backups there, newest first. One that was complete and has lost the file that makes it so is damaged,
    /// also where its name does not tell.
    pub fn list(&self, config: &Config, store: &mut dyn Store) -> Result<Vec<Entry>, Failure> {
        let mut entries = backup::list_in(store, &config.series())?;
        let known = self.known(config)?;
        for entry in &mut entries {
            let name = entry.name.to_string();
            let complete = known.iter().find(|known| known.name == name);
            if let (State::Incomplete { why }, Some(known)) = (&entry.state, complete)
                && entry.path.file_name().is_some_and(|folder| *folder == *name)
            {
                let why = format!("{why}, and it was complete at {}", known.at);
                entry.state = State::Unreadable { why };
            }
        }
        Ok(entries)
    }

    /// What is known to lie there and does not.
    pub fn lost(&self, config: &Config, entries: &[Entry]) -> Result<Vec<Known>, Failure> {
        let mut known = self.known(config)?;
        known.retain(|known| !entries.iter().any(|entry| entry.name.to_string() == known.name));
        Ok(known)
    }

    /// Refuses a place that is not what it was: where a disk is not mounted there is an empty folder, or none, and what is
    /// written there lies on another disk.
    fn must_be_there(&self, config: &Config, store: &mut dyn Store) -> Result<(), Failure> {
        let place = self.replica.shown();
        if let Some(folder) = &self.replica.folder {
            let folder = std::path::absolute(folder).map_err(io(format!("cannot find {place}")))?;
            let above = folder.parent().unwrap_or(&folder);
            if !above.is_dir() {
                let message = format!("cannot copy to {place}: there is no folder {}", above.display());
                let hint = "mount its disk, or make the folder: only the replica's own one is made for it";
                return Err(Failure::failed("replica", message).hint(hint));
            }
        }
        let known = self.known(config)?;
        let listed = store.folders();
        let there = listed.map_err(io(format!("cannot look into {place}")))?;
        if known.is_empty() || known.iter().any(|known| there.contains(&known.name)) {
            return Ok(());
        }
        let message = format!(
            "this machine knows of {} in {place}, and finds none there: nothing was copied",
            counted(known.len() as u64, "backup", "backups")
        );
        Err(Failure::failed("replica", message).hint(format!(
            "mount its disk, or correct its place; if they were deleted on purpose, `ventana backup prune --replica {} --forget`",
            self.name
        )))
    }
}
