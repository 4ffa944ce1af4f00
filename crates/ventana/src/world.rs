//! What the steps of a run work on: the database, its connection, the folders, the resolved migration.

use crate::config::Config;
use crate::error::Failure;
use crate::host::{clock, files};
use db::mariadb::MariaDb;
use db::migration::Online;
use db::sqlite::Sqlite;
use db::{Address, Database, Outline, Session};
use serde::{Deserialize, Serialize};
use std::cell::{RefCell, RefMut};
use std::path::{Path, PathBuf};

/// What a plan knows of the schema at its start. Lies in [`engine::plan::Plan::start`], so the plan's digest covers it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// Columns and objects that existed: `digest_before` is taken through it.
    pub outline: Outline,
    /// [`db::Schema::structure`] then.
    pub structure: String,
    pub migration: Option<Pinned>,
    /// The configured migration, where the schema is already what it would make of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub already: Option<Already>,
}

/// A migration that has nothing to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Already {
    pub id: String,
    /// The start state that says so.
    pub state: String,
}

/// A migration as the plan pins it: every placeholder filled in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pinned {
    pub id: String,
    /// The start state that the schema is in.
    pub state: String,
    /// What else in the schema uses the columns that change: for the reader of the plan.
    pub uses: Vec<String>,
    pub online: Online,
}

/// The live connection.
pub enum Live {
    Sqlite(Sqlite),
    Server(Box<MariaDb>),
}

impl Live {
    pub fn db(&mut self) -> &mut dyn Database {
        match self {
            Live::Sqlite(db) => db,
            Live::Server(db) => &mut **db,
        }
    }
}

/// Shared by all steps of one process.
pub struct World {
    pub config: Config,
    /// The database that the steps change: the live one, or the scratch copy in a rehearsal.
    pub address: Address,
    pub start: Start,
    pub run: String,
    pub run_dir: PathBuf,
    /// A rehearsal has no service, no accounts and no flag file.
    pub rehearsal: bool,
    live: RefCell<Option<Live>>,
}

impl World {
    pub fn new(
        config: Config,
        address: Address,
        start: Start,
        run: &str,
        run_dir: PathBuf,
        rehearsal: bool,
    ) -> World {
        World {
            config,
            address,
            start,
            run: run.into(),
            run_dir,
            rehearsal,
            live: RefCell::new(None),
        }
    }

    pub fn session(&self) -> Session {
        self.config.session(&self.run)
    }

    /// The connection, opened when it is first needed. On SQLite it is the one that holds the write lock.
    pub fn live(&self) -> Result<RefMut<'_, Live>, Failure> {
        let mut slot = self.live.borrow_mut();
        // A server that was restarted, or a session that somebody ended, costs the step, not the way back.
        if let Some(Live::Server(db)) = slot.as_mut()
            && db.query("SELECT 1").is_err()
        {
            *slot = None;
        }
        if slot.is_none() {
            *slot = Some(match &self.address {
                Address::Sqlite { path } => Live::Sqlite(Sqlite::open(path)?),
                address => {
                    let mut server = MariaDb::open(address, &self.session())?;
                    if self.rehearsal {
                        crate::scratch::unlogged(&mut server)?;
                    }
                    Live::Server(Box::new(server))
                }
            });
        }
        Ok(RefMut::map(slot, |slot| slot.as_mut().expect("filled above")))
    }

    /// Closes the connection: the next use opens a new one. A SQLite write lock goes with it.
    pub fn disconnect(&self) {
        *self.live.borrow_mut() = None;
    }

    /// The release that the link `current` names.
    pub fn current_release(&self) -> Option<String> {
        let link = self.config.file.release.as_ref()?.root.join("current");
        files::read_link(&link).map(|target| name_of(&target))
    }

    /// How large the data are on disk.
    pub fn data_bytes(&self) -> Result<u64, Failure> {
        let mut live = self.live()?;
        let sql = match &*live {
            Live::Sqlite(_) => "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
            Live::Server(_) => {
                "SELECT COALESCE(SUM(DATA_LENGTH), 0) FROM information_schema.TABLES WHERE TABLE_SCHEMA=DATABASE()"
            }
        };
        Ok(live.db().count(sql)?.max(0) as u64)
    }

    /// Where this run's backups go.
    pub fn backup_dir(&self) -> PathBuf {
        if self.rehearsal {
            self.run_dir.join("backups")
        } else {
            self.config.backup_dir()
        }
    }

    pub fn pinned(&self) -> Result<&Pinned, Failure> {
        self.start.migration.as_ref().ok_or_else(|| {
            Failure::usage("the plan has no migration")
                .hint("name one under [migration] and make the plan again")
        })
    }

    /// A scratch schema or file of this run; `purpose` keeps two of them apart.
    pub fn scratch(&self, purpose: &str) -> Result<crate::scratch::Scratch, Failure> {
        crate::scratch::Scratch::of(&self.config, &self.address, &self.run, &self.run_dir, purpose)
    }
}

/// A fresh run id: the moment, unique in the state folder.
pub fn new_run_id(config: &Config, suffix: &str) -> String {
    let base = format!("{}{suffix}", clock::stamp());
    let runs = config.state_dir().join("runs");
    let mut id = base.clone();
    let mut n = 2;
    while runs.join(&id).exists() {
        id = format!("{base}_{n}");
        n += 1;
    }
    id
}

/// A release's name: the last part of its folder.
pub fn name_of(folder: &Path) -> String {
    folder
        .file_name()
        .map(|n| n.to_string_lossy().into_owned())
        .unwrap_or_default()
}
