//! The configured replicas, opened as stores, and what is known of what lies in them.

mod ledger;

pub use ledger::{Act, HERE, Known, Ledger};

use crate::config::{Config, Keep, Place, Replica};
use crate::error::{Failure, exit};
use crate::host::s3::{self, Bucket};
use crate::host::sftp::{Options, Sftp};
use backup::{Backup, Copied, Folder, Store};
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

/// The one of this name.
pub fn find(config: &Config, name: &str) -> Result<Named, Failure> {
    let known = all(config);
    let names: Vec<&str> = known.iter().map(|named| named.name.as_str()).collect();
    let hint = match names.as_slice() {
        [] => "write [replica.NAME] or [backup] off_site in ventana.toml".to_owned(),
        names => format!("configured: {}", names.join(", ")),
    };
    let found = known.iter().find(|named| named.name == name).cloned();
    found.ok_or_else(|| Failure::usage(format!("no replica is called {name}")).hint(hint))
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
        let copied = backup::copy_of(backup, &mut *store, progress);
        // Which of the two is damaged stands in the error.
        if let Err(backup::Error::Spoiled { path, .. }) = &copied
            && let Some(name) = path.file_name()
        {
            let name = name.to_string_lossy();
            let place = path.display().to_string();
            Ledger::of(config).record(&self.name, &name, backup.id(), &place, Act::Damaged)?;
        }
        let copied = copied.map_err(|error| match error {
            backup::Error::Busy { .. } => Failure::new("lease_held", error.to_string(), exit::LEASE)
                .hint("somebody else copies it; see `ventana backup list` when that is done"),
            error => error.into(),
        })?;
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
        let files = looked.map_err(crate::error::io(format!("cannot look into {}", place.display())))?;
        // Where it is written under its final name, the sums, written last, tell a complete one.
        let half =
            files.is_some_and(|files| folder != name || !(files.is_empty() || files.contains_key(SUMS)));
        if half {
            store.discard(&folder)?;
        }
        Ok(())
    }

    /// Whether it can be reached and, as far as that shows without writing, written to.
    pub fn preflight(&self, config: &Config) -> Result<(), Failure> {
        if let Some(folder) = &self.replica.folder {
            return crate::host::files::can_hold(folder);
        }
        let place = self.replica.shown();
        let mut store = self.open(config)?;
        let listed = store.folders().map(drop);
        listed.map_err(crate::error::io(format!("cannot look into {place}")))
    }
}
