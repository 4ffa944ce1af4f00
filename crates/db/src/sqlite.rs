//! SQLite: one connection to one file, and the write lock that is its fence's second half.

pub mod encode;
pub mod online;

mod beside;
mod create;
mod inspect;
mod restore;

use crate::row::{LONG, Value, Visit};
use crate::schema::{Carry, Schema, Table};
use crate::{Cell, Database, Dialect, Error, Identity, Result};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use beside::Beside;
pub use restore::restore_over;

/// How long a statement waits for another process's lock.
const BUSY: Duration = Duration::from_secs(5);

/// A connection to a SQLite database file.
pub struct Sqlite {
    conn: Connection,
    path: PathBuf,
    /// Whether this connection holds the write lock ([`Sqlite::lock_writes`]).
    locked: bool,
    in_snapshot: bool,
    /// Whether a read transaction outlives the snapshots ([`online::Frozen`]).
    held: bool,
    /// `foreign_keys` as it was before a load.
    foreign_keys: bool,
}

fn error(file: &Path, sql: &str, error: rusqlite::Error) -> Error {
    let what: String = sql.split_whitespace().take(6).collect::<Vec<_>>().join(" ");
    let (code, message) = match &error {
        rusqlite::Error::SqliteFailure(e, message) => {
            (e.extended_code, message.clone().unwrap_or_else(|| e.to_string()))
        }
        other => (0, other.to_string()),
    };
    Error::Sqlite {
        what: format!("`{what} …` failed on {}", file.display()),
        code,
        message,
    }
}

impl Sqlite {
    /// Opens an existing database file.
    pub fn open(path: &Path) -> Result<Sqlite> {
        Self::open_with(path, OpenFlags::SQLITE_OPEN_READ_WRITE)
    }

    /// Opens a database file and creates it when it is not there, readable by this account alone: what it is to hold may be
    /// nobody else's business.
    pub fn create(path: &Path) -> Result<Sqlite> {
        let made = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path);
        if let Err(e) = made
            && e.kind() != ErrorKind::AlreadyExists
        {
            return Err(Error::io(format!("making {}", path.display()), e));
        }
        Self::open_with(
            path,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
        )
    }

    fn open_with(path: &Path, flags: OpenFlags) -> Result<Sqlite> {
        let unreachable = |e: rusqlite::Error| match e.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                error(path, "PRAGMA schema_version", e)
            }
            _ => Error::Connect {
                target: format!("sqlite://{}", path.display()),
                source_text: e.to_string(),
            },
        };
        let conn = Connection::open_with_flags(path, flags).map_err(unreachable)?;
        conn.busy_timeout(BUSY).map_err(unreachable)?;
        let header: rusqlite::Result<i64> = conn.query_row("PRAGMA schema_version", [], |r| r.get(0));
        header.map_err(unreachable)?;
        conn.execute_batch("PRAGMA synchronous=FULL")
            .map_err(unreachable)?;
        Ok(Sqlite {
            conn,
            path: path.to_path_buf(),
            locked: false,
            in_snapshot: false,
            held: false,
            foreign_keys: false,
        })
    }

    /// Takes the database's write lock and keeps it: readers go on, every other writer waits or fails.
    pub fn lock_writes(&mut self) -> Result<()> {
        if !self.locked {
            // Pages that do not fit the cache would be written before the commit, and that shuts readers out.
            self.execute("PRAGMA cache_spill=OFF; BEGIN IMMEDIATE")?;
            self.locked = true;
        }
        Ok(())
    }

    /// Makes what was done under the lock durable and releases it.
    pub fn commit(&mut self) -> Result<()> {
        if self.locked {
            self.execute("COMMIT")?;
            self.locked = false;
        }
        Ok(())
    }

    /// Undoes what was done under the lock and releases it.
    pub fn rollback(&mut self) -> Result<()> {
        if self.locked {
            self.execute("ROLLBACK")?;
            self.locked = false;
        }
        Ok(())
    }

    pub fn is_locked(&self) -> bool {
        self.locked
    }

    /// What `integrity_check` and `foreign_key_check` say; empty when all is well.
    pub fn check(&mut self) -> Result<Vec<String>> {
        let mut out = Vec::new();
        for row in self.query("PRAGMA integrity_check")? {
            match row.first().and_then(Cell::to_text) {
                Some(text) if text == "ok" => {}
                other => out.push(other.unwrap_or_default()),
            }
        }
        for row in self.query("PRAGMA foreign_key_check")? {
            let parts: Vec<String> = row.iter().filter_map(Cell::to_text).collect();
            out.push(format!("foreign key broken: {}", parts.join(" ")));
        }
        Ok(out)
    }
}

fn value(value: ValueRef<'_>) -> Value<'_> {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(v) => Value::Int(v),
        ValueRef::Real(v) => Value::Double(v),
        ValueRef::Text(t) => Value::Text(t),
        ValueRef::Blob(b) => Value::Bytes(b),
    }
}

/// Hands a value to `visitor`, as a stream where it is long.
fn visited(visitor: &mut dyn Visit, column: usize, value: Value<'_>) -> Result<()> {
    match value {
        Value::Text(mut bytes) if bytes.len() as u64 > LONG => {
            visitor.long(column, true, bytes.len() as u64, &mut bytes)
        }
        Value::Bytes(mut bytes) if bytes.len() as u64 > LONG => {
            visitor.long(column, false, bytes.len() as u64, &mut bytes)
        }
        other => visitor.value(column, other),
    }
}

impl Database for Sqlite {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn identity(&mut self) -> Result<Identity> {
        let path = self
            .path
            .canonicalize()
            .unwrap_or_else(|_| self.path.clone())
            .display()
            .to_string();
        let version = self.text("SELECT sqlite_version()")?.unwrap_or_default();
        let fields = BTreeMap::from([("path".to_string(), path.clone())]);
        Ok(Identity {
            dialect: Dialect::Sqlite,
            version,
            database: path,
            fields,
        })
    }

    fn inspect(&mut self) -> Result<Schema> {
        inspect::inspect(self)
    }

    fn begin_snapshot(&mut self, _schema: &Schema) -> Result<()> {
        if self.in_snapshot {
            return Err(Error::refused(
                "a snapshot is open on this connection already",
                "",
            ));
        }
        // Under the write lock a transaction is open already, and nobody else can change a thing; a held one stays.
        if !self.locked && !self.held {
            self.execute("BEGIN")?;
            // A deferred transaction has no snapshot until it reads.
            self.query("SELECT COUNT(*) FROM sqlite_master")
                .inspect_err(|_| {
                    // The first error is the one to tell.
                    let _ = self.conn.execute_batch("ROLLBACK");
                })?;
        }
        self.in_snapshot = true;
        Ok(())
    }

    fn end_snapshot(&mut self) -> Result<()> {
        if std::mem::take(&mut self.in_snapshot) && !self.locked && !self.held {
            self.execute("COMMIT")?;
        }
        Ok(())
    }

    fn view(&mut self) -> Result<BTreeMap<String, String>> {
        let mode = self.text("PRAGMA journal_mode")?;
        Ok(mode
            .map(|mode| ("journal_mode".to_owned(), mode))
            .into_iter()
            .collect())
    }

    fn visit(
        &mut self,
        table: &Table,
        columns: &[String],
        range: Option<&str>,
        visitor: &mut dyn Visit,
    ) -> Result<u64> {
        let computed = |name: &&String| {
            table
                .columns
                .iter()
                .any(|c| c.name == **name && c.carry == Carry::Virtual)
        };
        let picked: Vec<String> = columns
            .iter()
            .map(|name| {
                if computed(&name) {
                    "NULL".into()
                } else {
                    Dialect::Sqlite.quote(name)
                }
            })
            .collect();
        // In the order of the table itself, which costs nothing and gives a copy the same order of implicit rowids.
        let sql = format!(
            "SELECT {} FROM {} NOT INDEXED{}",
            picked.join(", "),
            Dialect::Sqlite.quote(&table.name),
            range.map(|r| format!(" WHERE {r}")).unwrap_or_default()
        );
        let mut statement = self.conn.prepare(&sql).map_err(|e| error(&self.path, &sql, e))?;
        let mut rows = statement.query([]).map_err(|e| error(&self.path, &sql, e))?;
        let mut count = 0;
        while let Some(row) = rows.next().map_err(|e| error(&self.path, &sql, e))? {
            for i in 0..columns.len() {
                let found = row.get_ref(i).map_err(|e| error(&self.path, &sql, e))?;
                visited(visitor, i, value(found))?;
            }
            visitor.end()?;
            count += 1;
        }
        Ok(count)
    }

    fn execute(&mut self, sql: &str) -> Result<u64> {
        self.conn
            .execute_batch(sql)
            .map_err(|e| error(&self.path, sql, e))?;
        Ok(self.conn.changes())
    }

    fn query(&mut self, sql: &str) -> Result<Vec<Vec<Cell>>> {
        let mut statement = self.conn.prepare(sql).map_err(|e| error(&self.path, sql, e))?;
        let width = statement.column_count();
        let mut rows = statement.query([]).map_err(|e| error(&self.path, sql, e))?;
        let mut out = Vec::new();
        while let Some(row) = rows.next().map_err(|e| error(&self.path, sql, e))? {
            let mut cells = Vec::with_capacity(width);
            for i in 0..width {
                cells.push(value(row.get_ref(i).map_err(|e| error(&self.path, sql, e))?).to_cell());
            }
            out.push(cells);
        }
        Ok(out)
    }

    fn unit_bytes(&self, _most: u64) -> u64 {
        // The whole load is one transaction; a chunk is held while its statements run.
        0
    }

    fn load_chunk(
        &mut self,
        table: &Table,
        data: &mut (dyn Read + Send),
        expected: Option<u64>,
        _mark: Option<&str>,
    ) -> Result<u64> {
        // A chunk is whole INSERT statements; its size is bounded by the dump.
        let mut sql = String::new();
        data.read_to_string(&mut sql)
            .map_err(|e| Error::io(format!("reading a chunk of table {}", table.name), e))?;
        let before = self.conn.total_changes();
        self.conn
            .execute_batch(&sql)
            .map_err(|e| error(&self.path, &format!("INSERT INTO {}", table.name), e))?;
        // The load is one transaction: what is too little or too much goes with all of it.
        crate::load::as_many(table, self.conn.total_changes() - before, expected)
    }

    fn begin_load(&mut self) -> Result<()> {
        if self.locked {
            return Err(Error::refused(
                "the write lock must be released before a load",
                "",
            ));
        }
        self.foreign_keys = self.count("PRAGMA foreign_keys")? != 0;
        self.execute("PRAGMA foreign_keys=OFF; BEGIN IMMEDIATE")?;
        self.locked = true;
        Ok(())
    }

    fn end_load(&mut self) -> Result<()> {
        self.commit()?;
        if self.foreign_keys {
            self.execute("PRAGMA foreign_keys=ON")?;
        }
        Ok(())
    }

    fn abort_load(&mut self) -> Result<()> {
        self.rollback()?;
        self.end_load()
    }

    fn connection_id(&self) -> Option<u64> {
        None
    }
}
