//! MariaDB and MySQL: one connection over TCP by our own [`wire`], every session setting explicit.

pub mod account;
pub mod decode;
pub mod encode;
pub mod fence;
pub mod keys;
pub mod objects;
pub mod privileges;
pub mod snapshot;
pub mod swap;
pub mod wire;

mod connect;
mod ddl;
mod infile;
mod inspect;
mod parts;
mod tables;
pub mod target;
mod writers;

pub use ddl::ddl;

use crate::reading::Range;
use crate::row::Visit;
use crate::schema::{Schema, Table};
use crate::snapshot::{Several, Tell, Terms};
use crate::{Address, Cell, Database, Dialect, Error, Identity, Result, Session};
use std::collections::BTreeMap;
use std::io::Read;
use std::time::Duration;
use wire::{Fault, Wire};

/// A connection to one schema of a MariaDB (or, when accepted untested, MySQL) server.
pub struct MariaDb {
    wire: Wire,
    /// How it was opened, so that more connections can be.
    origin: (Address, Session),
    database: String,
    dialect: Dialect,
    in_snapshot: bool,
    /// Whether loads go to the binary log; see [`MariaDb::log_loads`].
    logs_loads: bool,
}

/// Tables for which one connection does.
const FEW: usize = 100;

/// Tables whose lock one statement takes: few enough that all of them stay open until it ends.
const TOUCHED_AT_ONCE: usize = 50;

impl MariaDb {
    /// Connects, checks the flavour and pins the session's settings.
    pub fn open(address: &Address, session: &Session) -> Result<MariaDb> {
        connect::open(address, session)
    }

    /// Whether loads on this connection go to the binary log. They do not by default, which is right for scratch copies;
    /// a restore that the server's replicas must follow has to be logged.
    pub fn log_loads(&mut self, logged: bool) {
        self.logs_loads = logged;
    }

    /// Takes the metadata lock of each table: from now on an ALTER or TRUNCATE waits instead of breaking the view. With
    /// `rows` 1 a table that was rebuilt after the view was opened is found now (error 1412), not while it is read.
    fn touch<'a>(&mut self, tables: impl Iterator<Item = &'a Table>, rows: u8) -> Result<()> {
        let each: Vec<String> = tables
            .map(|table| format!("(SELECT 1 FROM {} LIMIT {rows})", self.dialect.quote(&table.name)))
            .collect();
        for several in each.chunks(TOUCHED_AT_ONCE) {
            self.query(&several.join(" UNION ALL "))?;
        }
        Ok(())
    }

    /// How long the server may be silent in the middle of rows, or take nothing of what is loaded, before the connection
    /// counts as lost; at first 600 s. `None`: for ever.
    pub fn limit_silence(&mut self, silence: Option<Duration>) -> Result<()> {
        let limited = self.wire.limit_silence(silence);
        limited.map_err(|fault| self.error("a limit of silence", fault))
    }

    /// The statement's short form for an error: what was tried, never its values.
    fn error(&self, sql: &str, fault: Fault) -> Error {
        let what: String = sql.split_whitespace().take(6).collect::<Vec<_>>().join(" ");
        match fault {
            Fault::Server { number, message } => Error::Server {
                what: format!("`{what} …` failed"),
                number: number.into(),
                message,
            },
            Fault::Lost(text) => Error::Lost {
                target: self.origin.0.to_string(),
                during: what,
                why: text,
            },
            Fault::Refused(text) => Error::refused(format!("`{what} …`: {text}"), ""),
            Fault::Data(text) => Error::io(format!("reading the data for `{what} …`"), text),
            Fault::Stopped(error) => error,
        }
    }
}

impl Database for MariaDb {
    fn dialect(&self) -> Dialect {
        self.dialect
    }

    fn identity(&mut self) -> Result<Identity> {
        connect::identity(self)
    }

    fn inspect(&mut self) -> Result<Schema> {
        privileges::sees_all(self)?;
        inspect::inspect(self)
    }

    fn begin_snapshot(&mut self, schema: &Schema) -> Result<()> {
        if self.in_snapshot {
            return Err(Error::refused(
                "a snapshot is open on this connection already",
                "",
            ));
        }
        self.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")?;
        self.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")?;
        self.in_snapshot = true;
        self.touch(schema.tables.iter(), 1).inspect_err(|_| {
            // The first error is the one to tell.
            let _ = self.end_snapshot();
        })
    }

    fn end_snapshot(&mut self) -> Result<()> {
        self.in_snapshot = false;
        self.execute("COMMIT").map(|_| ())
    }

    fn view(&mut self) -> Result<BTreeMap<String, String>> {
        let mut view = BTreeMap::new();
        // A view of MySQL has none.
        if self.dialect == Dialect::MariaDb
            && let Some(position) = snapshot::position(self)?
        {
            position.describe(&mut view);
        }
        Ok(view)
    }

    fn inspect_beside(&mut self, locked: &Schema) -> Result<Schema> {
        if locked.tables.len() < FEW {
            return self.inspect();
        }
        // There may be no room for another, or another server behind the address.
        let ours = self.identity()?;
        let Ok(mut other) = MariaDb::open(&self.origin.0, &self.origin.1) else {
            return self.inspect();
        };
        if other.identity()? != ours {
            return self.inspect();
        }
        // It goes with its transaction, which takes no value of a sequence.
        other.execute("START TRANSACTION READ ONLY")?;
        other.inspect()
    }

    fn open_readers(&mut self, terms: &Terms, tell: &mut Tell<'_>) -> Result<Several> {
        snapshot::open(self, terms, tell)
    }

    fn parts(&mut self, schema: &Schema) -> Result<Vec<Vec<Range>>> {
        parts::parts(self, schema)
    }

    fn another(&mut self) -> Result<Option<Box<dyn Database>>> {
        let mut other = MariaDb::open(&self.origin.0, &self.origin.1)?;
        other.logs_loads = self.logs_loads;
        Ok(Some(Box::new(other)))
    }

    fn visit(
        &mut self,
        table: &Table,
        columns: &[String],
        range: Option<&str>,
        visitor: &mut dyn Visit,
    ) -> Result<u64> {
        let picked: Vec<String> = columns
            .iter()
            .map(|name| {
                let quoted = self.dialect.quote(name);
                match table.columns.iter().find(|c| c.name == *name) {
                    Some(column) => encode::selected(column, quoted),
                    None => quoted,
                }
            })
            .collect();
        let order = if table.key.is_empty() {
            String::new()
        } else {
            let key: Vec<String> = table.key.iter().map(|k| self.dialect.quote(k)).collect();
            format!(" ORDER BY {}", key.join(", "))
        };
        let sql = format!(
            "SELECT {} FROM {}{}{}{order}",
            picked.join(", "),
            self.dialect.quote(&table.name),
            encode::all_rows(table),
            range.map(|r| format!(" WHERE {r}")).unwrap_or_default()
        );
        self.wire.stream(&sql, visitor).map_err(|e| self.error(&sql, e))
    }

    fn execute(&mut self, sql: &str) -> Result<u64> {
        self.wire.execute(sql).map_err(|e| self.error(sql, e))
    }

    fn query(&mut self, sql: &str) -> Result<Vec<Vec<Cell>>> {
        self.wire.query(sql).map_err(|e| self.error(sql, e))
    }

    fn connections(&self) -> usize {
        self.origin.1.connections.max(1)
    }

    fn split(&self, table: &Table, filling: keys::Filling) -> keys::Split {
        match filling {
            keys::Filling::Few => keys::with_keys(table),
            keys::Filling::Many if self.dialect == Dialect::MariaDb => keys::without_statistics(table),
            _ => keys::split(table),
        }
    }

    fn load_chunk(
        &mut self,
        table: &Table,
        data: &mut (dyn Read + Send),
        expected: Option<u64>,
        mark: Option<&str>,
    ) -> Result<u64> {
        self.execute("START TRANSACTION")?;
        let loaded = self.load_rows(table, data).and_then(|rows| {
            crate::load::as_many(table, rows, expected)?;
            mark.map_or(Ok(0), |mark| self.execute(mark))?;
            Ok(rows)
        });
        // The first error is the one to tell.
        match loaded {
            Ok(rows) => self.execute("COMMIT").map(|_| rows),
            Err(error) => {
                let _ = self.execute("ROLLBACK");
                Err(error)
            }
        }
    }

    fn begin_load(&mut self) -> Result<()> {
        self.settings(encode::LOAD_SESSION)?;
        if !self.logs_loads {
            // Without the privilege the load is written to the binary log, which is said by `preflight`, not an error.
            let _ = self.execute("SET SESSION sql_log_bin=0");
        }
        Ok(())
    }

    fn end_load(&mut self) -> Result<()> {
        if !self.logs_loads {
            let _ = self.execute("SET SESSION sql_log_bin=1");
        }
        self.settings(connect::SESSION)?;
        self.settings(&[
            "/*M!100201 SET SESSION check_constraint_checks=1, innodb_strict_mode=DEFAULT */",
            "SET SESSION unique_checks=1, foreign_key_checks=1",
        ])
    }

    fn lacks(&mut self, schema: &Schema) -> Result<Vec<target::Lack>> {
        let into = self.database.clone();
        target::lacks(self, &into, schema)
    }

    fn settle_load(&mut self) -> Result<()> {
        self.settings(encode::LOAD_SESSION)
    }

    fn connection_id(&self) -> Option<u64> {
        Some(self.wire.connection_id())
    }
}
