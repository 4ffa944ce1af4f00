//! The connection that holds commits back, and lets go of them whatever happens to it.

use super::proof;
use crate::mariadb::MariaDb;
use crate::snapshot::Method;
use crate::{Database, Dialect, Error, Result};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// After so long without a word from the control connection the server ends it, and what it holds: a process that was
/// stopped, or a machine that vanished, must not keep a server from committing.
pub const ENDS_UNATTENDED: Duration = Duration::from_secs(2);

/// The server's lock of this name, held by whoever takes a snapshot with us, tells one control connection of another.
pub(super) const NAME: &str = "ventana.snapshot";

/// How long commits may be kept waiting for the lock itself, at the first try and at most. A commit under way holds it
/// up, and every later commit queues behind it.
const LIMITS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// A connection of its own: neither the backup lock nor FLUSH TABLES goes with a transaction's metadata locks.
pub(super) struct Control {
    db: MariaDb,
    method: Method,
}

/// Whether commits are held back.
pub(super) enum Held {
    /// Since that moment at the latest.
    Since(Instant),
    /// This server or account offers no such lock; why.
    Never(String),
}

impl Control {
    pub(super) fn open(beside: &MariaDb, method: Method) -> Result<Control> {
        let mut db = MariaDb::open(&beside.origin.0, &beside.origin.1)?;
        db.execute(&format!(
            "SET SESSION wait_timeout={}, lock_wait_timeout=1",
            ENDS_UNATTENDED.as_secs()
        ))?;
        Ok(Control { db, method })
    }

    /// Holds commits back. On an error nothing is held.
    pub(super) fn hold(&mut self, tries: u32) -> Result<Held> {
        let held = self.try_hold(tries);
        if !matches!(held, Ok(Held::Since(_))) {
            // The first error is the one to tell; what this does not release goes with the connection.
            let _ = self.release();
        }
        match held {
            Err(Error::Server {
                number: 1064 | 1044 | 1227,
                message,
                ..
            }) => Ok(Held::Never(self.lacking(&message)?)),
            other => other,
        }
    }

    fn try_hold(&mut self, tries: u32) -> Result<Held> {
        if self.db.count(&format!("SELECT GET_LOCK('{NAME}', 0)"))? != 1 {
            return Err(Error::Server {
                what: "another snapshot is being taken on this server".into(),
                number: 1205,
                message: "its lock is held".into(),
            });
        }
        if self.method == Method::BackupStage {
            // Up to here everybody writes on.
            self.db.execute("BACKUP STAGE START")?;
            self.db.execute("BACKUP STAGE BLOCK_DDL")?;
        }
        if self.db.dialect == Dialect::MariaDb {
            let limit = (LIMITS.0 * 2u32.saturating_pow(tries - 1).min(64)).min(LIMITS.1);
            self.db
                .execute(&format!("SET SESSION max_statement_time={}", limit.as_secs_f64()))?;
        }
        let since = Instant::now();
        self.db.execute(match self.method {
            Method::BackupStage => "BACKUP STAGE BLOCK_COMMIT",
            _ => "FLUSH TABLES WITH READ LOCK",
        })?;
        Ok(Held::Since(since))
    }

    /// Where the binary log of a MySQL stands while commits are held back: a view of MariaDB remembers it itself.
    pub(super) fn logged(&mut self) -> Result<BTreeMap<String, String>> {
        match self.db.dialect {
            Dialect::MySql => proof::logged(&mut self.db),
            _ => Ok(BTreeMap::new()),
        }
    }

    /// Lets everybody commit again. An error says that the lock was lost before.
    pub(super) fn release(&mut self) -> Result<()> {
        self.db
            .execute(match self.method {
                Method::BackupStage => "BACKUP STAGE END",
                _ => "UNLOCK TABLES",
            })
            .map(drop)
    }

    fn lacking(&mut self, message: &str) -> Result<String> {
        let account = crate::mariadb::account::current(&mut self.db)?;
        Ok(if message.contains("RELOAD") {
            format!("account {account} may not hold commits back: GRANT RELOAD ON *.* TO {account}")
        } else {
            format!("this server has no {}: {message}", self.method.name())
        })
    }
}
