//! Opening a session and telling which server it is on.

use super::MariaDb;
use super::wire::{Fault, Options, Wire};
use crate::{Address, Cell, Database, Dialect, Error, Identity, Result, Session};
use std::collections::BTreeMap;
use std::time::Duration;

/// What the versions of MySQL begin with that have run the conformance suite.
const TESTED_MYSQL: &str = "8.0.";

/// What only MySQL knows: its catalog else tells sizes and counters of up to a day ago.
const SESSION_MYSQL: &[&str] = &["SET SESSION information_schema_stats_expiry=0"];

/// How long a server may be silent in the middle of rows: as long as it waits for us ([`SESSION`]).
pub(super) const SILENCE: Duration = Duration::from_secs(600);

/// Every setting that could change a value, a time or the meaning of SQL is set, never inherited.
pub(super) const SESSION: &[&str] = &[
    "SET NAMES utf8mb4",
    "SET SESSION character_set_results=binary",
    "SET SESSION time_zone='+00:00'",
    "SET SESSION sql_mode='STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'",
    "SET SESSION autocommit=1",
    "SET SESSION sql_quote_show_create=1",
    "SET SESSION net_write_timeout=600, net_read_timeout=600, wait_timeout=28800",
    // A digest may read for hours, and must read all.
    "SET SESSION sql_select_limit=18446744073709551615, sql_safe_updates=0",
    // MySQL keeps enough of them, and lets few accounts say how many.
    "/*M!100101 SET SESSION max_error_count=64 */",
    "/*M!100101 SET SESSION max_statement_time=0 */",
    "/*M!100301 SET SESSION idle_transaction_timeout=0, idle_readonly_transaction_timeout=0 */",
    // Collected statistics are read anew with every table that is opened, and choose no plan of ours.
    "/*M!100001 SET SESSION use_stat_tables='NEVER' */",
    // Default: a day. Who holds a table locked that long is to be named, not waited for.
    "SET SESSION lock_wait_timeout=60",
];

pub(super) fn open(address: &Address, session: &Session) -> Result<MariaDb> {
    let Address::MySql {
        host,
        port,
        user,
        password,
        database,
    } = address
    else {
        return Err(Error::Address(format!(
            "{address} is not a MySQL or MariaDB address"
        )));
    };
    let unreachable = |fault: Fault| Error::Connect {
        target: address.to_string(),
        source_text: fault.to_string(),
    };
    // Always TCP to where we were sent: a server's @@socket may be the path of another server.
    let mut wire = Wire::connect(&Options {
        host,
        port: *port,
        user,
        password,
        attributes: &[("program_name", "ventana"), ("ventana_run", &session.run)],
        silence: Some(session.silence.unwrap_or(SILENCE)),
    })
    .map_err(unreachable)?;
    let rows = wire.query("SELECT VERSION()").map_err(unreachable)?;
    let version = rows.first().and_then(|r| r.first()).and_then(Cell::to_text);
    let version = version.unwrap_or_default();
    let dialect = if version.contains("MariaDB") {
        Dialect::MariaDb
    } else {
        Dialect::MySql
    };
    if dialect == Dialect::MySql && !version.starts_with(TESTED_MYSQL) && !session.accept_untested {
        return Err(Error::Untested(format!(
            "{address} runs MySQL {version}; of MySQL only {TESTED_MYSQL}x has run the conformance suite"
        )));
    }
    let mut db = MariaDb {
        wire,
        database: database.clone(),
        dialect,
        in_snapshot: false,
        logs_loads: false,
        origin: (address.clone(), session.clone()),
    };
    db.settings(SESSION)?;
    if dialect == Dialect::MySql {
        db.settings(SESSION_MYSQL)?;
    }
    if !database.is_empty() {
        let select = format!("USE {}", dialect.quote(database));
        db.execute(&select).or_else(|error| match error {
            Error::Server { number: 1049, .. } => Err(Error::refused(
                format!("schema {database} does not exist on {host}:{port}"),
                format!("check the name, or make it of a backup: `ventana restore latest --into {database}`"),
            )),
            Error::Server { number: 1044, .. } => {
                let account = super::account::current(&mut db)?;
                Err(Error::refused(
                    format!("account {account} may not use schema {database}"),
                    format!(
                        "{}; `ventana check` then says what else it needs",
                        super::privileges::reading(database, &account)
                    ),
                ))
            }
            other => Err(other),
        })?;
    }
    sign(&mut db, &session.run)?;
    Ok(db)
}

/// A session signs with a named lock that nobody else takes and that goes when it ends. Its number alone is no proof of
/// whose it is: a server that was restarted gives the same numbers to others.
fn sign(db: &mut MariaDb, run: &str) -> Result<()> {
    let id = db.connection_id().unwrap_or_default();
    let name = signature(run, id);
    if db.count(&format!("SELECT COALESCE(GET_LOCK('{name}', 0), 0)"))? == 1 {
        return Ok(());
    }
    Err(Error::refused(
        format!("another session has taken the name {name} of this one"),
        "find who calls GET_LOCK with it: SELECT * FROM information_schema.PROCESSLIST",
    ))
}

/// The named lock of session `id` of a run; at most 64 characters, as MySQL wants it.
pub(super) fn signature(run: &str, id: u64) -> String {
    format!("{}{id}", signature_head(run))
}

/// What the named locks of all sessions of a run begin with; their numbers follow.
pub(super) fn signature_head(run: &str) -> String {
    let run: String = run
        .chars()
        .filter(|c| !matches!(c, '\'' | '\\'))
        .take(32)
        .collect();
    format!("ventana:{run}:")
}

/// What pins the server. `@@server_id` is 1 by default and says nothing, so it is not among the fields.
pub(super) fn identity(db: &mut MariaDb) -> Result<Identity> {
    let uid = if db.dialect == Dialect::MariaDb {
        "server_uid"
    } else {
        "server_uuid"
    };
    let sql = format!("SELECT VERSION(), @@{uid}, @@hostname, @@port, @@datadir");
    let row = match db.query(&sql) {
        Ok(rows) => rows.into_iter().next().unwrap_or_default(),
        // server_uid came with MariaDB 10.6.
        Err(Error::Server { number: 1193, .. }) => db
            .query("SELECT VERSION(), '', @@hostname, @@port, @@datadir")?
            .into_iter()
            .next()
            .unwrap_or_default(),
        Err(other) => return Err(other),
    };
    let field = |i: usize| row.get(i).and_then(Cell::to_text).unwrap_or_default();
    let fields = BTreeMap::from([
        (uid.to_string(), field(1)),
        ("hostname".into(), field(2)),
        ("port".into(), field(3)),
        ("datadir".into(), field(4)),
    ]);
    Ok(Identity {
        dialect: db.dialect,
        version: field(0),
        database: db.database.clone(),
        fields,
    })
}

impl MariaDb {
    /// Runs statements that set the session; those in MariaDB's own comments are nothing to MySQL.
    pub(super) fn settings(&mut self, statements: &[&str]) -> Result<()> {
        for statement in statements {
            if self.dialect == Dialect::MariaDb || !statement.starts_with("/*M!") {
                self.execute(statement)?;
            }
        }
        Ok(())
    }

    /// Rows of a catalog query whose `?` are all the schema's name, as texts (NULL as `None`).
    pub(super) fn catalog(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>> {
        let values = vec![self.database.as_bytes(); sql.matches('?').count()];
        let rows = self.wire.bound(sql, &values).map_err(|e| self.error(sql, e))?;
        Ok(rows
            .into_iter()
            .map(|r| r.iter().map(Cell::to_text).collect())
            .collect())
    }
}
