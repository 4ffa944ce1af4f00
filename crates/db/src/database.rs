//! What every dialect can do; the rest of the crate is written against this.

use crate::mariadb::keys::{Filling, Split};
use crate::mariadb::target::Lack;
use crate::reading::Range;
use crate::row::Visit;
use crate::schema::{Schema, Table};
use crate::snapshot::{Several, Tell, Terms};
use crate::{Cell, Dialect, Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// Who opens a connection, and on which terms.
#[derive(Clone, Debug, Default)]
pub struct Session {
    /// Run id, carried as a connection attribute.
    pub run: String,
    /// Take a server whose version has never run the conformance suite, and change one on which only reads and restores have.
    pub accept_untested: bool,
    /// How many connections one piece of work may use; 0 is 1.
    pub connections: usize,
    /// Bytes of table data that become one chunk of a dump; 0 is [`CHUNK_BYTES`].
    pub chunk_bytes: u64,
    /// How long a server may be silent where bytes are due, and how often it is asked whether it is still at work where none
    /// are; `None` is 600 s, as long as the server waits for us. Nothing to SQLite.
    pub silence: Option<Duration>,
    /// Sees past the marks of a restore that is not finished, because it is the one that finishes it.
    pub restoring: bool,
}

impl Session {
    /// Refuses to fence or migrate on a server on which neither was ever tested; reading and restoring are.
    pub fn may_change(&self, dialect: Dialect) -> Result<()> {
        if dialect != Dialect::MySql || self.accept_untested {
            return Ok(());
        }
        Err(Error::Untested(
            "fences, migrations and windows have not been tested on MySQL; backups, restores and digests have".into(),
        ))
    }
}

/// Small enough that a writer holds a chunk whole, large enough to compress and to load well. Of a table that would be
/// more than a thousand of them, chunks are larger.
pub const CHUNK_BYTES: u64 = 4 << 20;

/// What a plan pins a server to; anything else is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    pub dialect: Dialect,
    pub version: String,
    pub database: String,
    /// Field → value, e.g. `server_uid`, `hostname`, `port`, `datadir`; `path` for SQLite.
    pub fields: BTreeMap<String, String>,
}

/// One connection to one database. It may be handed to another thread.
pub trait Database: Send {
    fn dialect(&self) -> Dialect;
    fn identity(&mut self) -> Result<Identity>;
    /// Reads the catalog. What cannot be carried is listed in the answer, not an error.
    fn inspect(&mut self) -> Result<Schema>;
    /// Opens one consistent, read-only view on all tables. Nested calls are an error.
    fn begin_snapshot(&mut self, schema: &Schema) -> Result<()>;
    fn end_snapshot(&mut self) -> Result<()>;
    /// What tells the view that is open on this connection from others, for the manifest: a position in the log, the
    /// journal's mode.
    fn view(&mut self) -> Result<BTreeMap<String, String>> {
        Ok(BTreeMap::new())
    }
    /// [`Database::inspect`] while this connection holds the locks of these tables. A server searches them all whenever it
    /// opens a table, so that another connection does it faster where there are many.
    fn inspect_beside(&mut self, _locked: &Schema) -> Result<Schema> {
        self.inspect()
    }
    /// Opens more connections to the very same database that share one view; see [`crate::snapshot::open`].
    fn open_readers(&mut self, _terms: &Terms, _tell: &mut Tell<'_>) -> Result<Several> {
        Ok(Several::Cannot(
            "this database is read through one connection".into(),
        ))
    }
    /// How the rows of each table, in the order of the schema, are best divided among several readers.
    fn parts(&mut self, schema: &Schema) -> Result<Vec<Vec<Range>>> {
        Ok(schema.tables.iter().map(|_| vec![Range::default()]).collect())
    }
    /// One more connection to the same database, for a load; `None` where one is all there can be.
    fn another(&mut self) -> Result<Option<Box<dyn Database>>> {
        Ok(None)
    }
    /// Hands out every row of which the SQL condition `range` is true, or all, `columns` in their order and value by value;
    /// returns how many. A visitor that fails may cost the connection: afterwards it is good for nothing but being dropped.
    fn visit(
        &mut self,
        table: &Table,
        columns: &[String],
        range: Option<&str>,
        visitor: &mut dyn Visit,
    ) -> Result<u64>;
    /// Runs one statement that answers no rows; returns rows affected.
    fn execute(&mut self, sql: &str) -> Result<u64>;
    /// Runs one query and keeps its rows: for small answers.
    fn query(&mut self, sql: &str) -> Result<Vec<Vec<Cell>>>;
    /// How many connections this one's work may use, itself included.
    fn connections(&self) -> usize {
        1
    }
    /// A table's definition in the steps in which it is restored best.
    fn split(&self, table: &Table, _: Filling) -> Split {
        Split::whole(&table.create)
    }
    /// Content that is loaded in one transaction, `most` at most.
    fn unit_bytes(&self, most: u64) -> u64 {
        most
    }
    /// Loads content as `dump` wrote it for `table`, all of it or nothing; `mark` is a statement of the same transaction. Where
    /// the rows are not as many as `expected`, it is nothing.
    fn load_chunk(
        &mut self,
        table: &Table,
        data: &mut (dyn std::io::Read + Send),
        expected: Option<u64>,
        mark: Option<&str>,
    ) -> Result<u64>;
    /// Prepares the session for loading a dump: no key checks, no strict mode, exact values.
    fn begin_load(&mut self) -> Result<()>;
    /// What the target lacks to restore `schema` into the database that this connection is to; empty where nothing can lack.
    fn lacks(&mut self, _schema: &Schema) -> Result<Vec<Lack>> {
        Ok(Vec::new())
    }
    /// Brings the session back to what it was when it was opened.
    fn end_load(&mut self) -> Result<()>;
    /// Gives the session back its loading state after statements that changed it for an object of their own.
    fn settle_load(&mut self) -> Result<()> {
        Ok(())
    }
    /// Ends a load that failed. Where the dialect can, nothing of it stays.
    fn abort_load(&mut self) -> Result<()> {
        self.end_load()
    }
    /// The server's id of this connection; `None` on SQLite.
    fn connection_id(&self) -> Option<u64>;

    /// The first cell of the first row as an integer; a query that answers none is an error.
    fn count(&mut self, sql: &str) -> Result<i64> {
        let rows = self.query(sql)?;
        rows.first()
            .and_then(|r| r.first())
            .and_then(Cell::as_i64)
            .ok_or_else(|| {
                crate::Error::refused(
                    format!("query answered no number: {sql}"),
                    "a query of a migration must answer one row with one number",
                )
            })
    }

    /// The first cell of the first row as text.
    fn text(&mut self, sql: &str) -> Result<Option<String>> {
        Ok(self
            .query(sql)?
            .first()
            .and_then(|r| r.first())
            .and_then(Cell::to_text))
    }
}
