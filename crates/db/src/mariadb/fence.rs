//! The server's half of the fence: the service's accounts keep SELECT, events stop, and what could still write is named.

pub(super) mod grant;
mod sessions;

use super::MariaDb;
use super::account;
use super::objects::session;
use crate::{Cell, Database, Error, Result};
use grant::{Grant, roles, sorted, without_identity};
use serde::{Deserialize, Serialize};
use sessions::{end_all_sessions, end_event_runs, sees_sessions};
use std::collections::{BTreeMap, BTreeSet};

pub use super::writers::writers;
pub use sessions::{end_session, end_sessions, end_sessions_of};

/// Exactly what an account had, so that exactly that can be given back. Never holds a password hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grants {
    /// `'user'@'host'` as statements name it.
    pub account: String,
    /// GRANT statements as the server prints them, without their IDENTIFIED part.
    pub statements: Vec<String>,
}

/// What the fence found and must give back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Before {
    pub grants: Vec<Grants>,
    /// Events that were enabled: name → statements that enable it again.
    pub events: BTreeMap<String, Vec<String>>,
}

/// Reads grants and event states; changes nothing.
pub fn read(db: &mut MariaDb, accounts: &[String]) -> Result<Before> {
    let mut grants = Vec::new();
    for account in accounts {
        let rows = db
            .query(&format!("SHOW GRANTS FOR {account}"))
            .map_err(|error| match error {
                Error::Server { number: 1141, .. } => Error::refused(
                    format!("service account {account} does not exist"),
                    "name the account as `SELECT user, host FROM mysql.user` shows it, e.g. 'app'@'%'",
                ),
                Error::Server {
                    number: 1044 | 1142, ..
                } => Error::refused(
                    format!("ventana's account may not see the grants of {account}"),
                    "GRANT SELECT ON mysql.* TO ventana's account",
                ),
                other => other,
            })?;
        let statements = rows
            .iter()
            .filter_map(|r| r.first().and_then(Cell::to_text))
            .map(|g| without_identity(&g))
            .collect();
        grants.push(Grants {
            account: account.clone(),
            statements,
        });
    }
    let mut events = BTreeMap::new();
    let rows = db.catalog(
        "SELECT EVENT_NAME, DEFINER, SQL_MODE, CHARACTER_SET_CLIENT, COLLATION_CONNECTION, TIME_ZONE FROM information_schema.EVENTS \
         WHERE EVENT_SCHEMA=? AND STATUS='ENABLED' ORDER BY EVENT_NAME",
    )?;
    for row in rows {
        let field = |i: usize| row.get(i).cloned().flatten().unwrap_or_default();
        events.insert(field(0), event_statements(db, &row));
    }
    Ok(Before { grants, events })
}

/// ALTER EVENT takes the session's sql_mode, character set and time zone and the session's user unless told otherwise.
fn event_statements(db: &MariaDb, row: &[Option<String>]) -> Vec<String> {
    let field = |i: usize| row.get(i).cloned().flatten().unwrap_or_default();
    let mut statements = session(&field(2), &field(3), &field(4));
    statements.push(format!("SET SESSION time_zone='{}'", field(5)));
    statements.push(format!(
        "ALTER DEFINER={} EVENT {} ENABLE",
        account::quoted(&field(1)),
        db.dialect.quote(&field(0))
    ));
    statements
}

/// Takes every privilege but SELECT from the accounts, stops the events and ends the accounts' sessions and the runs of
/// events that are under way. Run again, it changes nothing more. `before` must be durable somewhere first.
pub fn raise(db: &mut MariaDb, before: &Before) -> Result<()> {
    sees_sessions(db)?;
    prove_lowering(db, before)?;
    for grants in &before.grants {
        db.execute(&format!(
            "REVOKE ALL PRIVILEGES, GRANT OPTION FROM {}",
            grants.account
        ))?;
        for role in roles(&grants.statements) {
            // MariaDB has taken the roles too, and says so with an error; what counts is read below.
            let _ = db.execute(&format!("REVOKE {role} FROM {}", grants.account));
        }
        for other in grants.statements.iter().filter_map(|s| grant::proxied(s)) {
            match db.execute(&format!("REVOKE PROXY ON {other} FROM {}", grants.account)) {
                // It is taken already: this is the second time.
                Err(Error::Server { number: 1141, .. }) => {}
                other => other.map(|_| ())?,
            }
        }
        for statement in kept(db, grants) {
            db.execute(&statement)?;
        }
    }
    for statements in before.events.values() {
        for statement in statements {
            let statement = match statement.strip_suffix(" ENABLE") {
                Some(head) => format!("{head} DISABLE"),
                None => statement.clone(),
            };
            db.execute(&statement)?;
        }
    }
    db.settings(super::connect::SESSION)?;
    let accounts: Vec<String> = before.grants.iter().map(|g| g.account.clone()).collect();
    let now = read(db, &accounts)?;
    for grants in &now.grants {
        let more = |s: &&String| Grant::parse(s).map_or(s.starts_with("GRANT "), |g| !g.reads_only());
        if let Some(left) = grants.statements.iter().find(more) {
            return Err(Error::Differs(format!(
                "{} still has more than SELECT: {left}",
                grants.account
            )));
        }
    }
    if !now.events.is_empty() {
        return Err(Error::Differs(format!(
            "events still switched on: {}",
            names(now.events.keys())
        )));
    }
    end_all_sessions(db, &accounts)?;
    end_event_runs(db)
}

/// Grants to each account what it has already: nothing changes, and it is certain that this account of ours may give it
/// back. Accounts of which something was taken already are passed over.
pub fn prove_lowering(db: &mut MariaDb, before: &Before) -> Result<()> {
    for grants in &before.grants {
        let now = read(db, std::slice::from_ref(&grants.account))?.grants;
        if !now
            .first()
            .is_some_and(|n| same(&n.statements, &grants.statements))
        {
            continue;
        }
        for statement in &grants.statements {
            if let Err(error) = db.execute(statement) {
                let ours = account::current(db)?;
                let roles = roles(&grants.statements);
                let role = roles
                    .iter()
                    .find(|r| statement.starts_with(&format!("GRANT {r} TO ")));
                return Err(Error::refused(
                    format!("account {ours} could not give this back: {statement} ({error})"),
                    match role {
                        Some(role) => format!("GRANT {role} TO {ours} WITH ADMIN OPTION"),
                        None if grant::proxied(statement).is_some() => {
                            format!("GRANT PROXY ON ''@'%' TO {ours} WITH GRANT OPTION")
                        }
                        None => format!("GRANT ALL PRIVILEGES ON *.* TO {ours} WITH GRANT OPTION"),
                    },
                ));
            }
        }
    }
    Ok(())
}

/// What an account keeps behind the fence: what it could read before. A role's rights are read through as SELECT on the
/// schema, since the role itself may write.
fn kept(db: &MariaDb, grants: &Grants) -> Vec<String> {
    let parsed = grants.statements.iter().filter_map(|s| Grant::parse(s));
    let mut out: Vec<String> = parsed.filter_map(|g| g.reading(&grants.account)).collect();
    if !roles(&grants.statements).is_empty() {
        out.push(format!(
            "GRANT SELECT ON {}.* TO {}",
            db.dialect.quote(&db.database),
            grants.account
        ));
    }
    out
}

fn names<'a>(names: impl Iterator<Item = &'a String>) -> String {
    names.cloned().collect::<Vec<_>>().join(", ")
}

/// Gives back exactly what `before` holds, and proves it by reading it again.
pub fn lower(db: &mut MariaDb, before: &Before) -> Result<()> {
    for grants in &before.grants {
        let now = read(db, std::slice::from_ref(&grants.account))?.grants;
        if now
            .first()
            .is_some_and(|n| same(&n.statements, &grants.statements))
        {
            continue;
        }
        db.execute(&format!(
            "REVOKE ALL PRIVILEGES, GRANT OPTION FROM {}",
            grants.account
        ))?;
        for statement in &grants.statements {
            db.execute(statement)?;
        }
    }
    for statements in before.events.values() {
        for statement in statements {
            db.execute(statement)?;
        }
    }
    db.settings(super::connect::SESSION)?;
    let accounts: Vec<String> = before.grants.iter().map(|g| g.account.clone()).collect();
    let after = read(db, &accounts)?;
    for (was, is) in before.grants.iter().zip(&after.grants) {
        if !same(&was.statements, &is.statements) {
            return Err(Error::Differs(format!(
                "the grants of {} are not what they were before the fence: {} instead of {}",
                was.account,
                is.statements.join("; "),
                was.statements.join("; ")
            )));
        }
    }
    let missing: Vec<&String> = before
        .events
        .keys()
        .filter(|e| !after.events.contains_key(*e))
        .collect();
    if !missing.is_empty() {
        return Err(Error::Differs(format!(
            "events still switched off: {}",
            names(missing.into_iter())
        )));
    }
    Ok(())
}

fn same(a: &[String], b: &[String]) -> bool {
    let set = |statements: &[String]| statements.iter().map(|s| sorted(s)).collect::<BTreeSet<_>>();
    set(a) == set(b)
}
