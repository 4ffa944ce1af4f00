//! MariaDB and MySQL: one connection over TCP, binary protocol, every session setting explicit.

pub mod encode;
pub mod fence;
pub mod objects;
pub mod privileges;
pub mod snapshot;
pub mod swap;

mod connect;
mod ddl;
mod infile;
mod inspect;
mod tables;
mod writers;

pub use ddl::ddl;

use crate::database::OnRow;
use crate::schema::{Carry, Schema, Table};
use crate::snapshot::{Several, Tell, Terms};
use crate::{Address, Cell, Database, Dialect, Error, Identity, Result, Session};
use mysql::prelude::Queryable;
use mysql::{Conn, Value};
use std::io::Read;

/// A connection to one schema of a MariaDB (or, when accepted untested, MySQL) server.
pub struct MariaDb {
    conn: Conn,
    database: String,
    dialect: Dialect,
    in_snapshot: bool,
    /// Whether loads go to the binary log; see [`MariaDb::log_loads`].
    logs_loads: bool,
    /// How it was opened, so that more connections can be.
    origin: (Address, Session),
}

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
    fn touch(&mut self, schema: &Schema, rows: u8) -> Result<()> {
        for table in &schema.tables {
            self.query(&format!(
                "SELECT 1 FROM {} LIMIT {rows}",
                self.dialect.quote(&table.name)
            ))?;
        }
        Ok(())
    }

    /// The statement's short form for an error: what was tried, never its values.
    fn error(sql: &str, error: mysql::Error) -> Error {
        let what: String = sql.split_whitespace().take(6).collect::<Vec<_>>().join(" ");
        match error {
            mysql::Error::MySqlError(e) => Error::Server {
                what: format!("`{what} …` failed"),
                number: e.code.into(),
                message: e.message,
            },
            other => Error::Connect {
                target: format!("the server during `{what} …`"),
                source_text: other.to_string(),
            },
        }
    }
}

/// A driver value as a cell.
fn cell(value: Value) -> Cell {
    match value {
        Value::NULL => Cell::Null,
        Value::Bytes(b) => Cell::Bytes(b),
        Value::Int(v) => Cell::Int(v),
        Value::UInt(v) => Cell::UInt(v),
        Value::Float(v) => Cell::Float(v),
        Value::Double(v) => Cell::Double(v),
        Value::Date(y, m, d, h, i, s, us) => Cell::Date(y, m, d, h, i, s, us),
        Value::Time(negative, days, h, m, s, us) => Cell::Time(negative, days, h, m, s, us),
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
        self.touch(schema, 1).inspect_err(|_| {
            // The first error is the one to tell.
            let _ = self.end_snapshot();
        })
    }

    fn end_snapshot(&mut self) -> Result<()> {
        self.in_snapshot = false;
        self.execute("COMMIT").map(|_| ())
    }

    fn open_readers(&mut self, terms: &Terms, tell: &mut Tell<'_>) -> Result<Several> {
        snapshot::open(self, terms, tell)
    }

    fn scan(&mut self, table: &Table, columns: &[String], each: &mut OnRow<'_>) -> Result<u64> {
        let picked: Vec<String> = columns
            .iter()
            .map(|name| {
                let quoted = self.dialect.quote(name);
                match table.columns.iter().find(|c| c.name == *name) {
                    Some(c) if c.carry == Carry::Virtual => "NULL".into(),
                    // Not `+0`: that is a floating-point sum, too coarse for a SET of 64 members.
                    Some(c) if encode::is_numbered(c) => format!("CAST({quoted} AS UNSIGNED)"),
                    _ => quoted,
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
            "SELECT {} FROM {}{order}",
            picked.join(", "),
            self.dialect.quote(&table.name)
        );
        let statement = self.conn.prep(&sql).map_err(|e| Self::error(&sql, e))?;
        let rows = self
            .conn
            .exec_iter(&statement, ())
            .map_err(|e| Self::error(&sql, e))?;
        let mut count = 0;
        let mut cells = Vec::with_capacity(columns.len());
        for row in rows {
            let row = row.map_err(|e| Self::error(&sql, e))?;
            cells.clear();
            cells.extend(row.unwrap().into_iter().map(cell));
            each(&cells)?;
            count += 1;
        }
        self.conn.close(statement).map_err(|e| Self::error(&sql, e))?;
        Ok(count)
    }

    fn execute(&mut self, sql: &str) -> Result<u64> {
        self.conn.query_drop(sql).map_err(|e| Self::error(sql, e))?;
        Ok(self.conn.affected_rows())
    }

    fn query(&mut self, sql: &str) -> Result<Vec<Vec<Cell>>> {
        let rows: Vec<mysql::Row> = self.conn.query(sql).map_err(|e| Self::error(sql, e))?;
        Ok(rows
            .into_iter()
            .map(|r| r.unwrap().into_iter().map(cell).collect())
            .collect())
    }

    fn load_chunk(&mut self, table: &Table, data: &mut (dyn Read + Send)) -> Result<u64> {
        self.execute("START TRANSACTION")?;
        let loaded = self.load_rows(table, data);
        // All of a chunk or nothing of it; the first error is the one to tell.
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
            "/*M!100201 SET SESSION check_constraint_checks=1 */",
            "SET SESSION unique_checks=1, foreign_key_checks=1",
        ])
    }

    fn settle_load(&mut self) -> Result<()> {
        self.settings(encode::LOAD_SESSION)
    }

    fn connection_id(&self) -> Option<u64> {
        Some(self.conn.connection_id().into())
    }
}
