//! Who is in the way of a snapshot, named so that a person can go and ask.

use super::control::NAME;
use crate::mariadb::MariaDb;
use crate::{Cell, Database, Error, Result};
use std::time::Duration;

/// How many sessions are named.
const NAMED: usize = 5;

/// Refuses while a statement of another session has been running for longer than `longest`. Without PROCESS only the
/// account's own sessions are seen.
pub(super) fn none_runs_longer(db: &mut MariaDb, longest: Duration) -> Result<()> {
    let found = statements(db, longest.as_secs())?;
    match found.first() {
        None => Ok(()),
        // The number of a lock wait: this will pass.
        Some(session) => Err(Error::Server {
            what: "FLUSH TABLES WITH READ LOCK would make everybody wait for a long statement".into(),
            number: 1205,
            message: session.clone(),
        }),
    }
}

/// The last error of a snapshot that could not be taken, with whom to ask.
pub(super) fn named(db: &mut MariaDb, patience: Duration, error: Error) -> Error {
    let mut sessions = holder(db).into_iter().collect::<Vec<_>>();
    // What cannot be found out does not hide what happened.
    sessions.extend(statements(db, 1).unwrap_or_default());
    let hint = if sessions.is_empty() {
        "look with SHOW PROCESSLIST for another backup (mariadb-backup, mydumper), LOCK TABLES or a long ALTER".into()
    } else {
        format!(
            "wait for, or end with KILL, what is in the way: {}",
            sessions.join("; ")
        )
    };
    Error::refused(
        format!("no snapshot within {} s: {error}", patience.as_secs()),
        hint,
    )
}

/// The session that holds our own lock or, where the server tells, the backup lock.
fn holder(db: &mut MariaDb) -> Option<String> {
    let ours = db
        .query(&format!("SELECT IS_USED_LOCK('{NAME}')"))
        .ok()
        .and_then(|rows| rows.first()?.first()?.as_i64());
    // A plugin that comes with the server and is seldom loaded.
    let id = ours.or_else(|| {
        db.query(
            "SELECT THREAD_ID FROM information_schema.METADATA_LOCK_INFO WHERE LOCK_TYPE LIKE '%ackup%' LIMIT 1",
        )
        .ok()
        .and_then(|rows| rows.first()?.first()?.as_i64())
    })?;
    let rows = db
        .query(&format!(
            "SELECT ID, USER, HOST, TIME, LEFT(COALESCE(INFO, COMMAND), 200) FROM information_schema.PROCESSLIST WHERE ID={id}"
        ))
        .ok()?;
    Some(
        rows.first()
            .map_or_else(|| format!("session {id}"), |r| session(r)),
    )
}

/// Statements of other sessions that have been running for longer than so many seconds, the longest first.
fn statements(db: &mut MariaDb, seconds: u64) -> Result<Vec<String>> {
    // Replication and the event scheduler wait for work as if it were a statement.
    let rows = db.query(&format!(
        "SELECT ID, USER, HOST, TIME, LEFT(INFO, 200) FROM information_schema.PROCESSLIST \
         WHERE COMMAND IN ('Query', 'Execute') AND INFO IS NOT NULL AND TIME>{seconds} AND ID<>CONNECTION_ID() \
         ORDER BY TIME DESC LIMIT {NAMED}"
    ))?;
    Ok(rows.iter().map(|row| session(row)).collect())
}

/// A session in words, its statement without values.
fn session(row: &[Cell]) -> String {
    let field = |i: usize| row.get(i).and_then(Cell::to_text).unwrap_or_default();
    let statement = field(4);
    let words: Vec<&str> = statement.split_whitespace().take(3).collect();
    format!(
        "session {} of {}@{}, {} s: {} …",
        field(0),
        field(1),
        field(2),
        field(3),
        words.join(" ")
    )
}
