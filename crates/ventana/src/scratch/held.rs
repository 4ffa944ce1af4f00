//! Folders of scratch work that belong to a living process. Its lock goes with the process, however it dies; whoever comes
//! next removes what it left, a schema on the server too.

use super::Scratch;
use crate::config::Config;
use crate::error::{Failure, io};
use db::Address;
use std::fs::{File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

/// In a held folder: the address of the schema that goes with it.
const SCHEMA: &str = "schema";

/// The beginning of their names.
const PREFIX: &str = "held_";

/// A folder under `<state>/scratch`, gone when this is.
pub struct Held {
    path: PathBuf,
    /// A schema goes with it that may still be there.
    noted: bool,
    _lock: File,
}

impl Held {
    /// A new one. What dead processes have left is removed first.
    pub fn new(config: &Config) -> Result<Held, Failure> {
        let root = config.state_dir().join("scratch");
        let cannot = |doing: &str| io(format!("cannot {doing} {}", root.display()));
        std::fs::create_dir_all(&root).map_err(cannot("make folder"))?;
        // One process at a time makes and removes: a folder that was just made is not taken for a dead one.
        let all = File::open(&root).map_err(cannot("open"))?;
        all.lock().map_err(cannot("lock"))?;
        remove_dead(config, &root)?;
        let mut number = 1;
        let path = loop {
            let path = root.join(format!("{PREFIX}{}_{number}", std::process::id()));
            match std::fs::create_dir(&path) {
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
                made => break made.map_err(cannot("make a folder in")).map(|()| path)?,
            }
        };
        let lock = File::open(&path).map_err(cannot("open a folder in"))?;
        // Where the file system has no locks, nobody takes it for a dead one either.
        let _ = lock.try_lock();
        Ok(Held {
            path,
            noted: false,
            _lock: lock,
        })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes down the schema that goes with this folder; before it is made. From now on the folder stays where the schema
    /// may have stayed: until [`Held::dropped`].
    pub fn note(&mut self, scratch: &Scratch) -> Result<(), Failure> {
        if let Address::MySql { .. } = &scratch.address {
            let path = self.path.join(SCHEMA);
            let write = || {
                let mut file = File::create_new(&path)?;
                file.write_all(scratch.address.to_string().as_bytes())?;
                file.sync_all()
            };
            write().map_err(io(format!("cannot write {}", path.display())))?;
            self.noted = true;
        }
        Ok(())
    }

    /// The schema is gone.
    pub fn dropped(&mut self) {
        self.noted = false;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // What cannot be removed now is removed by whoever comes next.
        if !self.noted {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

/// Removes what dead processes have left. A schema on a server that is not the configured one stays noted.
fn remove_dead(config: &Config, root: &Path) -> Result<(), Failure> {
    let entries = std::fs::read_dir(root).map_err(io(format!("cannot look into {}", root.display())))?;
    for entry in entries.flatten() {
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let Ok(folder) = File::open(entry.path()) else {
            continue;
        };
        match folder.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => continue,
        }
        if let Ok(noted) = std::fs::read_to_string(entry.path().join(SCHEMA)) {
            match drop_noted(config, &noted) {
                Ok(true) => {}
                // Tried again next time.
                Ok(false) | Err(_) => continue,
            }
        }
        std::fs::remove_dir_all(entry.path())
            .map_err(io(format!("cannot remove {}", entry.path().display())))?;
    }
    Ok(())
}

/// Drops a noted schema; `false` where it is another server's.
fn drop_noted(config: &Config, noted: &str) -> Result<bool, Failure> {
    let (
        Address::MySql {
            host, port, database, ..
        },
        Ok(Address::MySql {
            host: at, port: on, ..
        }),
    ) = (Address::parse(noted)?, config.address())
    else {
        return Ok(false);
    };
    // Whatever a file says, nothing but a scratch schema is dropped.
    if (host, port) != (at.clone(), *on) || !database.contains("__ventana_") {
        return Ok(false);
    }
    let scratch = Scratch {
        address: config.address()?.with_database(&database),
        beside: config.address()?.clone(),
        session: crate::world::session(config, "remains"),
    };
    scratch.drop().map(|()| true)
}
