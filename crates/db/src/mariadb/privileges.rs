//! The privileges that each kind of work needs, and the GRANT statements that are lacking.

use super::MariaDb;
use super::fence::grant::Grant;
use super::{account, objects};
use crate::{Cell, Database, Dialect, Error, Result};
use std::collections::BTreeSet;

/// What an account is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Read everything exactly, over several connections.
    Backup,
    /// Load a backup into schemas of its own beside this one, and prove it there.
    Restore,
    /// Everything: a window fences accounts, which takes the right to give back to them what they had.
    Window,
}

/// Where a privilege must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Server,
    Schema,
    /// The schema and those whose names begin with its name: copies lie beside it.
    Copies,
    /// `mysql.proc`, where the text of routines lies.
    Routines,
}

/// A privilege, where it must hold, and whether the catalog hides something without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Privilege {
    pub name: &'static str,
    pub scope: Scope,
    hides: bool,
}

const fn needs(name: &'static str, scope: Scope) -> Privilege {
    Privilege {
        name,
        scope,
        hides: false,
    }
}

/// Without it what a schema holds is not refused but missing from the catalog, as if it were not there.
const fn sees(name: &'static str, scope: Scope) -> Privilege {
    Privilege {
        name,
        scope,
        hides: true,
    }
}

const BACKUP: &[Privilege] = &[
    sees("SELECT", Scope::Schema),
    sees("SHOW VIEW", Scope::Schema),
    sees("TRIGGER", Scope::Schema),
    sees("EVENT", Scope::Schema),
    sees("SELECT", Scope::Routines),
    // Several connections share one view only when commits can be held back for a moment.
    needs("RELOAD", Scope::Server),
];

/// Without these the catalog hides a part of a schema.
pub(super) const SEES_A_SCHEMA: [&str; 4] = ["SELECT", "SHOW VIEW", "TRIGGER", "EVENT"];

const RESTORE: &[Privilege] = &[
    needs("SELECT", Scope::Copies),
    needs("INSERT", Scope::Copies),
    needs("CREATE", Scope::Copies),
    needs("ALTER", Scope::Copies),
    needs("DROP", Scope::Copies),
    needs("INDEX", Scope::Copies),
    needs("REFERENCES", Scope::Copies),
    needs("CREATE VIEW", Scope::Copies),
    needs("SHOW VIEW", Scope::Copies),
    needs("CREATE ROUTINE", Scope::Copies),
    needs("ALTER ROUTINE", Scope::Copies),
    needs("EXECUTE", Scope::Copies),
    needs("TRIGGER", Scope::Copies),
    needs("EVENT", Scope::Copies),
    needs("SELECT", Scope::Routines),
    // Objects are made with the definers that they had, and copies are nothing to replicas.
    needs("SET USER", Scope::Server),
    needs("BINLOG ADMIN", Scope::Server),
];

const RESTORE_MYSQL: &[Privilege] = &[
    needs("SELECT", Scope::Copies),
    needs("INSERT", Scope::Copies),
    needs("CREATE", Scope::Copies),
    needs("ALTER", Scope::Copies),
    needs("DROP", Scope::Copies),
    needs("INDEX", Scope::Copies),
    needs("REFERENCES", Scope::Copies),
    needs("CREATE VIEW", Scope::Copies),
    needs("SHOW VIEW", Scope::Copies),
    needs("CREATE ROUTINE", Scope::Copies),
    needs("ALTER ROUTINE", Scope::Copies),
    needs("EXECUTE", Scope::Copies),
    needs("TRIGGER", Scope::Copies),
    needs("EVENT", Scope::Copies),
    needs("SHOW_ROUTINE", Scope::Server),
    needs("SET_USER_ID", Scope::Server),
    needs("SESSION_VARIABLES_ADMIN", Scope::Server),
];

/// MySQL keeps the text of routines where only this privilege, or SELECT on everything, shows it to others.
const SHOWS_ROUTINES: &str = "SHOW_ROUTINE";

const BACKUP_MYSQL: &[Privilege] = &[
    sees("SELECT", Scope::Schema),
    sees("SHOW VIEW", Scope::Schema),
    sees("TRIGGER", Scope::Schema),
    sees("EVENT", Scope::Schema),
    sees(SHOWS_ROUTINES, Scope::Server),
    needs("RELOAD", Scope::Server),
];

const WINDOW: &[Privilege] = &[needs("ALL PRIVILEGES", Scope::Server)];

/// What `purpose` needs. The lists for a restore and a window are MariaDB's: no account of MySQL was tried with them.
pub fn needed(purpose: Purpose, dialect: Dialect) -> &'static [Privilege] {
    match (purpose, dialect) {
        (Purpose::Backup, Dialect::MySql) => BACKUP_MYSQL,
        (Purpose::Backup, _) => BACKUP,
        (Purpose::Restore, Dialect::MySql) => RESTORE_MYSQL,
        (Purpose::Restore, _) => RESTORE,
        (Purpose::Window, _) => WINDOW,
    }
}

/// The GRANT statements that would let this account do what `purpose` needs; empty when it may already. Privileges that
/// it has through a role count where the role is switched on, as it is for a default role.
pub fn lacking(db: &mut MariaDb, purpose: Purpose) -> Result<Vec<String>> {
    let dialect = db.dialect;
    let mut wanted = needed(purpose, dialect).to_vec();
    // A view that calls a function shows its columns to those who may run it, where nothing else hides them.
    let sees = purpose == Purpose::Backup && !db.database.is_empty() && hidden(db)?.is_empty();
    if sees && !objects::closed_views(db)?.is_empty() {
        wanted.push(needs("EXECUTE", Scope::Schema));
    }
    missing(db, wanted.iter())
}

/// The GRANT statements without which the catalog hides something from this account.
pub(super) fn hidden(db: &mut MariaDb) -> Result<Vec<String>> {
    if db.database.is_empty() {
        return Ok(Vec::new());
    }
    let dialect = db.dialect;
    missing(db, needed(Purpose::Backup, dialect).iter().filter(|p| p.hides))
}

/// Refuses an account from which the catalog hides something: what is not seen would be missing from a backup without a
/// word.
pub(super) fn sees_all(db: &mut MariaDb) -> Result<()> {
    let statements = hidden(db)?;
    if statements.is_empty() {
        return Ok(());
    }
    let account = account::current(db)?;
    Err(Error::refused(
        format!(
            "account {account} does not see everything that schema {} holds",
            db.database
        ),
        statements.join("; "),
    ))
}

/// Of these privileges those that this account has not, neither itself nor through a role or everybody's grants.
pub(super) fn without(
    db: &mut MariaDb,
    names: impl Iterator<Item = &'static str>,
    scope: Scope,
) -> Result<BTreeSet<&'static str>> {
    let held = grants(db)?;
    let held: Vec<Grant<'_>> = held.iter().filter_map(|s| Grant::parse(s)).collect();
    let on = |on: &str| holds(on, scope, &db.database);
    Ok(names
        .filter(|name| !held.iter().any(|grant| grant.gives(name, &on)))
        .collect())
}

fn missing<'p>(db: &mut MariaDb, wanted: impl Iterator<Item = &'p Privilege>) -> Result<Vec<String>> {
    let printed = grants(db)?;
    let held: Vec<Grant<'_>> = printed.iter().filter_map(|s| Grant::parse(s)).collect();
    let back: Vec<Grant<'_>> = printed.iter().filter_map(|s| Grant::taken_back(s)).collect();
    let database = db.database.clone();
    let account = account::current(db)?;
    let mut lacking: Vec<(Scope, Vec<&str>)> = Vec::new();
    for privilege in wanted {
        let scope = |on: &str| holds(on, privilege.scope, &database);
        // MariaDB 11.3 and later tell the text of routines by a privilege of its own.
        let shown = |on: &str| holds(on, Scope::Schema, &database);
        let everywhere = |on: &str| on == "*.*";
        // MySQL can take back from a grant on everything what lies in one schema.
        let kept = |g: &Grant<'_>| {
            privilege.scope == Scope::Server
                || !everywhere(g.on())
                || !back.iter().any(|b| b.gives(privilege.name, &shown))
        };
        let given = held.iter().any(|g| {
            (g.gives(privilege.name, &scope) && kept(g))
                || (privilege.scope == Scope::Routines && g.gives("SHOW CREATE ROUTINE", &shown))
                || (privilege.name == SHOWS_ROUTINES && g.gives("SELECT", &everywhere))
        });
        if !given {
            match lacking.iter_mut().find(|(scope, _)| *scope == privilege.scope) {
                Some((_, names)) => names.push(privilege.name),
                None => lacking.push((privilege.scope, vec![privilege.name])),
            }
        }
    }
    let there = on_schema(&held, &database);
    Ok(lacking
        .into_iter()
        .map(|(scope, names)| match there {
            Some(on) if scope == Scope::Schema => format!("GRANT {} ON {on} TO {account}", names.join(", ")),
            _ => statement(&names.join(", "), scope, &database, &account),
        })
        .collect())
}

/// The statement that lets an account see everything in a schema.
pub(super) fn reading(database: &str, account: &str) -> String {
    statement(&SEES_A_SCHEMA.join(", "), Scope::Schema, database, account)
}

/// The statement that gives this account one more privilege on its session's schema.
pub(super) fn grant(db: &mut MariaDb, privilege: &str, account: &str) -> Result<String> {
    let held = grants(db)?;
    let held: Vec<Grant<'_>> = held.iter().filter_map(|s| Grant::parse(s)).collect();
    Ok(match on_schema(&held, &db.database) {
        Some(on) => format!("GRANT {privilege} ON {on} TO {account}"),
        None => statement(privilege, Scope::Schema, &db.database, account),
    })
}

/// The statement that gives this account more privileges on all schemas of a pattern, of which the session's is one.
pub(super) fn grant_on(db: &mut MariaDb, privileges: &str, pattern: &str, account: &str) -> Result<String> {
    let held = grants(db)?;
    let held: Vec<Grant<'_>> = held.iter().filter_map(|s| Grant::parse(s)).collect();
    let new = format!("{}.*", db.dialect.quote(pattern));
    let on = on_schema(&held, &db.database).unwrap_or(&new);
    Ok(format!("GRANT {privileges} ON {on} TO {account}"))
}

/// Of several grants whose pattern fits a schema the server takes one and forgets the others: this is the one to add to.
fn on_schema<'g>(held: &'g [Grant<'_>], database: &str) -> Option<&'g str> {
    held.iter()
        .map(Grant::on)
        .find(|on| *on != "*.*" && holds(on, Scope::Schema, database))
}

fn statement(privileges: &str, scope: Scope, database: &str, account: &str) -> String {
    let pattern = |tail: &str| {
        format!(
            "{}.*",
            Dialect::MariaDb.quote(&format!("{}{tail}", escaped(database)))
        )
    };
    let on = match scope {
        Scope::Server => "*.*".to_string(),
        Scope::Schema => pattern(""),
        Scope::Copies => pattern("%"),
        Scope::Routines => "mysql.proc".to_string(),
    };
    let option = if privileges == "ALL PRIVILEGES" {
        " WITH GRANT OPTION"
    } else {
        ""
    };
    format!("GRANT {privileges} ON {on} TO {account}{option}")
}

/// In a grant a schema's name is a pattern: this is the one of this name alone.
pub fn escaped(name: &str) -> String {
    name.replace('\\', "\\\\").replace('_', "\\_").replace('%', "\\%")
}

/// The account's grants, those to the roles that are switched on and those to everybody. MySQL prints the roles' grants
/// among the account's own.
fn grants(db: &mut MariaDb) -> Result<Vec<String>> {
    let mut sources = vec!["SHOW GRANTS FOR CURRENT_USER".to_string()];
    if db.dialect == Dialect::MariaDb {
        for row in
            db.query("SELECT ROLE_NAME FROM information_schema.ENABLED_ROLES WHERE ROLE_NAME IS NOT NULL")?
        {
            let role = row.first().and_then(Cell::to_text).unwrap_or_default();
            sources.push(format!("SHOW GRANTS FOR {}", db.dialect.quote(&role)));
        }
    }
    let mut out = Vec::new();
    for sql in sources {
        let rows = db.query(&sql)?;
        out.extend(rows.iter().filter_map(|r| r.first().and_then(Cell::to_text)));
    }
    if db.dialect == Dialect::MariaDb
        // Before MariaDB 10.11 there is no such grantee.
        && let Ok(rows) = db.query("SHOW GRANTS FOR PUBLIC")
    {
        out.extend(rows.iter().filter_map(|r| r.first().and_then(Cell::to_text)));
    }
    Ok(out)
}

/// Whether a grant on `on`, as SHOW GRANTS prints it, covers the scope.
fn holds(on: &str, scope: Scope, database: &str) -> bool {
    if on == "*.*" {
        return true;
    }
    let Some((schema, object)) = split(on) else {
        return false;
    };
    match scope {
        Scope::Server => false,
        Scope::Routines => schema == "mysql" && (object == "*" || object == "proc"),
        Scope::Schema => object == "*" && like(schema.as_bytes(), database.as_bytes()),
        // It covers all copies when it covers a copy with any name: `%` alone does that.
        Scope::Copies => {
            object == "*"
                && schema
                    .strip_suffix('%')
                    .is_some_and(|head| like(head.as_bytes(), database.as_bytes()) || head.is_empty())
        }
    }
}

/// `` `schema`.* `` or `` `schema`.`table` `` as schema and table.
fn split(on: &str) -> Option<(String, String)> {
    let (schema, object) = on.strip_prefix('`')?.split_once("`.")?;
    let object = object
        .strip_prefix('`')
        .and_then(|o| o.strip_suffix('`'))
        .unwrap_or(object);
    Some((schema.replace("``", "`"), object.replace("``", "`")))
}

/// SQL's LIKE with `\` as its escape.
fn like(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern, text) {
        ([], []) => true,
        ([b'%', rest @ ..], _) => like(rest, text) || (!text.is_empty() && like(pattern, &text[1..])),
        ([b'\\', c, rest @ ..], [t, more @ ..]) => c == t && like(rest, more),
        ([b'_', rest @ ..], [_, more @ ..]) => like(rest, more),
        ([c, rest @ ..], [t, more @ ..]) => c == t && like(rest, more),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_covers_what_its_pattern_says() {
        for (on, scope, covered) in [
            ("*.*", Scope::Server, true),
            ("`my_app`.*", Scope::Schema, true),
            ("`my\\_app`.*", Scope::Schema, true),
            ("`my%`.*", Scope::Schema, true),
            ("`my\\%`.*", Scope::Schema, false),
            ("`my\\_app`.`t`", Scope::Schema, false),
            ("`my\\_app`.*", Scope::Server, false),
            ("`my\\_app`.*", Scope::Copies, false),
            ("`my\\_app%`.*", Scope::Copies, true),
            ("`%`.*", Scope::Copies, true),
            ("`mysql`.`proc`", Scope::Routines, true),
            ("`mysql`.*", Scope::Routines, true),
            ("`mysql`.`user`", Scope::Routines, false),
        ] {
            assert_eq!(holds(on, scope, "my_app"), covered, "{on} for {scope:?}");
        }
    }

    #[test]
    fn statements_are_ready_to_be_typed() {
        assert_eq!(
            statement("SELECT, EVENT", Scope::Schema, "a_b", "`v`@`%`"),
            "GRANT SELECT, EVENT ON `a\\_b`.* TO `v`@`%`"
        );
        assert_eq!(
            statement("SELECT", Scope::Routines, "a_b", "`v`@`%`"),
            "GRANT SELECT ON mysql.proc TO `v`@`%`"
        );
    }
}
