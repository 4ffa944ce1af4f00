//! Ending sessions, and waiting until the server has let go of them.

use super::super::MariaDb;
use super::super::connect::{signature, signature_head};
use crate::mariadb::account::{self, normal};
use crate::{Cell, Database, Error, Result};
use std::collections::BTreeSet;
use std::time::Duration;

/// How often it is looked whether a killed session is gone, and for how long in all: a minute.
const LOOK: Duration = Duration::from_millis(10);
const LOOKS: usize = 6000;

/// Refuses when this account sees its own sessions only: ending "all" of another account's would end none.
pub(super) fn sees_sessions(db: &mut MariaDb) -> Result<()> {
    let grants = db.query("SHOW GRANTS")?;
    let all = grants
        .iter()
        .filter_map(|r| r.first().and_then(Cell::to_text))
        .any(|grant| {
            let global = grant.split_once(" ON *.* ");
            global.is_some_and(|(head, _)| head.contains("ALL PRIVILEGES") || head.contains("PROCESS"))
        });
    if all {
        return Ok(());
    }
    let ours = account::current(db)?;
    Err(Error::refused(
        format!("account {ours} may not see the sessions of other accounts"),
        format!("GRANT PROCESS, CONNECTION ADMIN ON *.* TO {ours}"),
    ))
}

/// Ends the sessions that the accounts have now and waits until the server has let go of them: a session that was open
/// when its privileges went may still be in the middle of a write. Sessions opened later have only SELECT. An error where
/// a session may be one of theirs and cannot be told.
pub(super) fn end_all_sessions(db: &mut MariaDb, accounts: &[String]) -> Result<()> {
    let sessions = sessions_of(db, accounts, LOOKS)?;
    end(db, sessions.found, "sessions of the service's accounts")?;
    match sessions.hidden {
        None => Ok(()),
        Some((id, user)) => Err(Error::refused(
            format!(
                "connection {id} is at work as {user} for a minute: it may be one of the service's, inside a trigger, view or routine of {user}"
            ),
            format!(
                "SHOW FULL PROCESSLIST tells what it does: wait for it, or end it (KILL {id}), then go on"
            ),
        )),
    }
}

/// Ends the sessions of the accounts as far as they can be told: those that are left go on with the privileges that they
/// had when they were opened.
pub fn end_sessions(db: &mut MariaDb, accounts: &[String]) -> Result<()> {
    let sessions = sessions_of(db, accounts, PATIENCE)?;
    end(db, sessions.found, "sessions of the service's accounts")
}

/// The sessions that these accounts have now, and one that may be theirs. Inside a trigger, view or routine the server
/// shows a session under the name of its definer; so whoever is at work under another name is looked at again until it
/// has been seen between two statements, under its own.
fn sessions_of(db: &mut MariaDb, accounts: &[String], looks: usize) -> Result<Sessions> {
    let users: BTreeSet<String> = accounts.iter().map(|a| user_of(a)).collect();
    let mut found = Vec::new();
    let mut at_work: Vec<(i64, String)> = Vec::new();
    for look in 0..looks {
        let among = match look {
            0 => "ID<>CONNECTION_ID()".to_string(),
            _ => format!("ID IN ({})", listed(at_work.iter().map(|(id, _)| *id))),
        };
        at_work.clear();
        for row in db.query(&format!(
            "SELECT ID, USER, COMMAND FROM information_schema.PROCESSLIST WHERE {among}"
        ))? {
            let text = |i: usize| row.get(i).and_then(Cell::to_text).unwrap_or_default();
            let (Some(id), user) = (row[0].as_i64(), text(1)) else {
                continue;
            };
            if users.contains(&user) {
                found.push(id);
            } else if ["Query", "Execute", "Fetch"].contains(&text(2).as_str()) {
                at_work.push((id, user));
            }
        }
        if look + 1 == PATIENCE && !at_work.is_empty() {
            let definers = definers(db)?;
            at_work.retain(|(_, user)| definers.contains(user));
        }
        if at_work.is_empty() {
            break;
        }
        std::thread::sleep(LOOK);
    }
    Ok(Sessions {
        found,
        hidden: at_work.into_iter().next(),
    })
}

struct Sessions {
    found: Vec<i64>,
    /// One that may be theirs, and under whose name it is at work.
    hidden: Option<(i64, String)>,
}

/// After so many looks it is asked who defines anything at all: under the name of anybody else nobody hides.
const PATIENCE: usize = 100;

/// Users in whose name triggers, views, routines or events run.
fn definers(db: &mut MariaDb) -> Result<BTreeSet<String>> {
    let rows = db.query(
        "SELECT DEFINER FROM information_schema.TRIGGERS UNION SELECT DEFINER FROM information_schema.VIEWS \
         UNION SELECT DEFINER FROM information_schema.ROUTINES UNION SELECT DEFINER FROM information_schema.EVENTS",
    )?;
    let definers = rows.iter().filter_map(|row| row.first().and_then(Cell::to_text));
    Ok(definers.map(|definer| user_of(&definer)).collect())
}

/// Ends the runs of events in the schema that had begun before the events were stopped.
pub(super) fn end_event_runs(db: &mut MariaDb) -> Result<()> {
    // The server shows the thread that runs an event as a session of its definer in state Connect.
    let rows = db.catalog(
        "SELECT ID FROM information_schema.PROCESSLIST WHERE DB=? AND COMMAND='Connect' \
         AND USER NOT IN ('system user', 'unauthenticated user') AND ID<>CONNECTION_ID()",
    )?;
    let doomed = rows
        .into_iter()
        .filter_map(|r| r.into_iter().next().flatten()?.parse().ok())
        .collect();
    end(db, doomed, "running events")
}

/// Ends one session of `run` and waits until the server has let go of it. One that is gone is left alone, and so is one
/// that only has the number now: of another account, or of another run after the server was started again. In a trigger it
/// has another name than ours.
pub fn end_session(db: &mut MariaDb, run: &str, connection: u64) -> Result<()> {
    let ours = db
        .text("SELECT SUBSTRING_INDEX(USER(), '@', 1)")?
        .unwrap_or_default()
        .replace('\'', "''");
    let alive = format!(
        "SELECT ID FROM information_schema.PROCESSLIST WHERE ID={connection} AND (USER='{ours}' OR COMMAND<>'Sleep') AND ID<>CONNECTION_ID() \
         AND IS_USED_LOCK('{}')={connection}",
        signature(run, connection)
    );
    let doomed = db.query(&alive)?.iter().filter_map(|r| r[0].as_i64()).collect();
    end(db, doomed, "session of the dead attempt")
}

/// Ends every other session of `run` and waits until the server has let go of them: for a run whose processes are known
/// to be dead. Each is told by its named lock ([`end_session`]).
pub fn end_sessions_of(db: &mut MariaDb, run: &str) -> Result<()> {
    let ours = db
        .text("SELECT SUBSTRING_INDEX(USER(), '@', 1)")?
        .unwrap_or_default()
        .replace('\'', "''");
    let alive = format!(
        "SELECT ID FROM information_schema.PROCESSLIST WHERE (USER='{ours}' OR COMMAND<>'Sleep') AND ID<>CONNECTION_ID() \
         AND IS_USED_LOCK(CONCAT('{}', ID))=ID",
        signature_head(run)
    );
    let doomed = db.query(&alive)?.iter().filter_map(|r| r[0].as_i64()).collect();
    end(db, doomed, "sessions of a restore that died")
}

fn end(db: &mut MariaDb, doomed: Vec<i64>, whose: &str) -> Result<()> {
    if doomed.is_empty() {
        return Ok(());
    }
    for id in &doomed {
        match db.execute(&format!("KILL {id}")) {
            // It has gone by itself in between.
            Err(Error::Server { number: 1094, .. }) => {}
            Err(Error::Server { number: 1095, .. }) => {
                let ours = account::current(db)?;
                return Err(Error::refused(
                    format!("account {ours} may not end {whose} (connection {id})"),
                    format!("GRANT CONNECTION ADMIN ON *.* TO {ours}"),
                ));
            }
            other => other.map(|_| ())?,
        }
    }
    let list = listed(doomed.into_iter());
    let alive = format!("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID IN ({list})");
    for _ in 0..LOOKS {
        if db.count(&alive)? == 0 {
            return Ok(());
        }
        std::thread::sleep(LOOK);
    }
    Err(Error::refused(
        format!("{whose} do not end: the server is rolling back a long write (connections {list})"),
        "wait until SHOW PROCESSLIST no longer lists them, then resume",
    ))
}

fn listed(ids: impl Iterator<Item = i64>) -> String {
    ids.map(|id| id.to_string()).collect::<Vec<_>>().join(",")
}

fn user_of(account: &str) -> String {
    let plain = normal(account);
    plain
        .rsplit_once('@')
        .map_or(plain.clone(), |(user, _)| user.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_accounts_user_is_what_stands_before_the_last_at() {
        assert_eq!(user_of("'app'@'10.%'"), "app");
        assert_eq!(user_of("`a@b`@`%`"), "a@b");
    }
}
