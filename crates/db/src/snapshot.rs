//! One consistent view on all tables, seen by one connection or by several at once.
//!
//! Several readers see the same rows because commits were held back for the moment in which all of them opened their
//! view, or because the server says that no commit lay between them; [`Snapshot::proof`] says which, for the manifest.

use crate::reading::Range;
use crate::schema::Schema;
use crate::{Database, Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

/// How several connections come to share one view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// MariaDB's backup lock: commits wait while the readers open their view, reads and statements do not.
    BackupStage,
    /// `FLUSH TABLES WITH READ LOCK`: all writing waits while the readers open their view.
    FlushTables,
    /// No lock: the readers' views lie at one position of the binary log, tried until they do.
    Positions,
    /// One connection, which shares its view with nobody: no lock is needed.
    OneConnection,
}

impl Method {
    pub fn name(self) -> &'static str {
        match self {
            Method::BackupStage => "backup_stage",
            Method::FlushTables => "flush_tables",
            Method::Positions => "positions",
            Method::OneConnection => "one_connection",
        }
    }
}

/// On which terms a snapshot is taken.
#[derive(Clone, Debug)]
pub struct Terms {
    /// Connections that read; what cannot be shared on this server is read by one.
    pub readers: usize,
    /// How long to wait for other backups, definitions that are being changed and statements that run for long.
    pub patience: Duration,
    /// `FLUSH TABLES WITH READ LOCK` is not begun while a statement has been running for longer than this: the flush
    /// would wait for it, and everybody for the flush.
    pub longest_running: Duration,
    /// This way and no other; `None` takes the kindest that the server and the account's privileges offer.
    pub method: Option<Method>,
}

impl Default for Terms {
    fn default() -> Terms {
        Terms {
            readers: 1,
            patience: Duration::from_secs(60),
            longest_running: Duration::from_secs(5),
            method: None,
        }
    }
}

impl Terms {
    /// These terms with `readers` connections.
    pub fn readers(readers: usize) -> Terms {
        Terms {
            readers,
            ..Terms::default()
        }
    }
}

/// Hears, in a sentence, what is waited for; an error ends the waiting. Never called while anything is locked.
pub type Tell<'a> = dyn FnMut(&str) -> Result<()> + 'a;

/// One consistent, read-only view on all tables. It ends with [`Snapshot::end`], or when its readers are dropped.
pub struct Snapshot<'a> {
    /// The catalog that is true in the view.
    pub schema: Schema,
    /// At least one; each may be used on a thread of its own.
    pub readers: Vec<Reader<'a>>,
    /// How the view was taken and what shows that the readers share it: `method`, and where they apply `why`, `readers`,
    /// `commits_blocked_ms`, `attempts`, `binlog_file`, `binlog_position`, `gtid`, `positions`, `read_views`, SQLite's
    /// `journal_mode`.
    pub proof: BTreeMap<String, String>,
}

impl Snapshot<'_> {
    /// Every reader's connection.
    pub fn connections(&mut self) -> Vec<&mut dyn Database> {
        self.readers
            .iter_mut()
            .map(|reader| &mut **reader as &mut dyn Database)
            .collect()
    }

    /// How the rows of each table, in the order of the schema, are best divided among the readers.
    pub fn parts(&mut self) -> Result<Vec<Vec<Range>>> {
        let schema = &self.schema;
        match self.readers.first_mut() {
            Some(reader) => reader.parts(schema),
            None => Ok(Vec::new()),
        }
    }

    /// Closes the view on every connection.
    pub fn end(mut self) -> Result<()> {
        let mut outcome = Ok(());
        for reader in &mut self.readers {
            outcome = outcome.and(reader.end());
        }
        outcome
    }
}

/// A connection inside a snapshot: one of its own, or the caller's.
pub struct Reader<'a> {
    connection: Connection<'a>,
    open: bool,
}

enum Connection<'a> {
    Own(Box<dyn Database>),
    Callers(&'a mut dyn Database),
}

impl<'a> Reader<'a> {
    fn of(connection: Connection<'a>) -> Reader<'a> {
        Reader {
            connection,
            open: true,
        }
    }

    fn end(&mut self) -> Result<()> {
        if std::mem::take(&mut self.open) {
            self.end_snapshot()
        } else {
            Ok(())
        }
    }
}

impl<'a> Deref for Reader<'a> {
    type Target = dyn Database + 'a;

    fn deref(&self) -> &Self::Target {
        match &self.connection {
            Connection::Own(db) => &**db,
            Connection::Callers(db) => &**db,
        }
    }
}

impl DerefMut for Reader<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        match &mut self.connection {
            Connection::Own(db) => &mut **db,
            Connection::Callers(db) => &mut **db,
        }
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        // A connection of its own takes the view with it; the caller's goes on to be used.
        if let Connection::Callers(_) = self.connection {
            let _ = self.end();
        }
    }
}

/// What a dialect answers when several readers are asked for.
pub enum Several {
    Open(Together),
    /// This server or account cannot; why, and what would help.
    Cannot(String),
}

/// Connections that share one view, each inside its transaction, and the catalog that is true in it.
pub struct Together {
    pub schema: Schema,
    pub readers: Vec<Box<dyn Database>>,
    pub proof: BTreeMap<String, String>,
}

/// Opens one consistent view on everything that `db` holds.
///
/// The caller's connection is a reader itself where one reader is asked for or possible; it sees what it has written
/// under SQLite's write lock. Otherwise it is free again when this returns.
pub fn open<'a>(db: &'a mut dyn Database, terms: &Terms, tell: &mut Tell<'_>) -> Result<Snapshot<'a>> {
    let mut proof = BTreeMap::new();
    if terms.readers > 1 && terms.method != Some(Method::OneConnection) {
        match db.open_readers(terms, tell)? {
            Several::Open(together) => {
                return Ok(Snapshot {
                    schema: together.schema,
                    readers: together
                        .readers
                        .into_iter()
                        .map(|db| Reader::of(Connection::Own(db)))
                        .collect(),
                    proof: together.proof,
                });
            }
            Several::Cannot(why) => proof.insert("why".into(), why),
        };
    }
    let schema = alone(db)?;
    let mut reader = Reader::of(Connection::Callers(db));
    proof.insert("method".into(), Method::OneConnection.name().into());
    proof.insert("readers".into(), "1".into());
    proof.extend(reader.view()?);
    Ok(Snapshot {
        schema,
        readers: vec![reader],
        proof,
    })
}

/// Opens a view on this connection together with the catalog that is true in it: a definition that changed between
/// reading the catalog and opening the view would be read with rows that it does not describe.
pub(crate) fn alone(db: &mut dyn Database) -> Result<Schema> {
    let mut schema = db.inspect()?;
    for _ in 0..5 {
        schema.supported()?;
        match db.begin_snapshot(&schema) {
            // A table was changed, dropped or renamed between the catalog and the view.
            Err(Error::Server {
                number: 1412 | 1146, ..
            }) => {
                schema = db.inspect()?;
                continue;
            }
            other => other?,
        }
        let again = match db.inspect_beside(&schema) {
            Ok(again) => again,
            Err(error) => {
                // The first error is the one to tell.
                let _ = db.end_snapshot();
                return Err(error);
            }
        };
        if again.defines_the_same(&schema) {
            return Ok(again);
        }
        db.end_snapshot()?;
        schema = again;
    }
    Err(keeps_changing(&schema))
}

pub(crate) fn keeps_changing(schema: &Schema) -> Error {
    Error::refused(
        format!(
            "definitions in {} keep changing while they are read",
            schema.database
        ),
        "wait until the other migration is done",
    )
}
