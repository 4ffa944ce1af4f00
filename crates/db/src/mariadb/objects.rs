//! Routines, views, triggers and events: canonical definitions from catalog fields, and statements that create them.

use super::MariaDb;
use super::encode::LOAD_MODE;
use super::tables::{fields, or_empty};
use crate::schema::{Kind, Object, Schema};
use crate::script::{Code, Syntax, canonical};
use crate::{Database, Result};
use std::collections::BTreeSet;

type Row = Vec<Option<String>>;

/// Adds everything but tables to `schema`; answers the views in an order in which they can be created.
pub(super) fn read(db: &mut MariaDb, known: &BTreeSet<String>, schema: &mut Schema) -> Result<Vec<String>> {
    routines(db, schema)?;
    let order = views(db, known, schema)?;
    triggers(db, schema)?;
    events(db, schema)?;
    Ok(order)
}

/// Whether a statement of an event's creation switches it on; a scratch copy leaves it out.
pub fn enables_event(object: &Object, statement: &str) -> bool {
    object.kind == Kind::Event && statement.starts_with("ALTER ") && statement.ends_with(" ENABLE")
}

fn text(row: &Row, i: usize) -> String {
    row.get(i).cloned().flatten().unwrap_or_default()
}

/// `user@host` as the catalog has it, quoted for a statement.
pub(super) fn account(definer: &str) -> String {
    let (user, host) = definer.rsplit_once('@').unwrap_or((definer, ""));
    let quote = |part: &str| format!("`{}`", part.replace('`', "``"));
    if host.is_empty() {
        quote(user)
    } else {
        format!("{}@{}", quote(user), quote(host))
    }
}

/// A string literal that reads the same under every `sql_mode`.
pub(super) fn literal(text: &str) -> String {
    if text.contains('\\') {
        let hex: String = text.bytes().map(|b| format!("{b:02X}")).collect();
        return format!("_utf8mb4 X'{hex}'");
    }
    format!("'{}'", text.replace('\'', "''"))
}

/// Settings that are part of a stored program's meaning.
pub(super) fn session(sql_mode: &str, charset: &str, collation: &str) -> Vec<String> {
    // The catalog of routines and events spells one mode otherwise than SET takes it.
    let mode = |given| {
        if given == "INVALID_DATES" {
            "ALLOW_INVALID_DATES"
        } else {
            given
        }
    };
    let modes: Vec<&str> = sql_mode.split(',').map(mode).collect();
    vec![
        format!("SET SESSION sql_mode='{}'", modes.join(",")),
        format!("SET SESSION character_set_client={charset}, collation_connection={collation}"),
    ]
}

/// The text of the server's SHOW CREATE, from the named column. The server omits the schema it is asked in.
fn show(db: &mut MariaDb, sql: &str, column: usize) -> Result<Option<String>> {
    Ok(db
        .query(sql)?
        .first()
        .and_then(|r| r.get(column))
        .and_then(|c| c.to_text()))
}

/// Client character sets in which our UTF-8 bytes mean what they say.
fn same_bytes(charset: &str, body: &str) -> bool {
    body.is_ascii() || charset.starts_with("utf8")
}

fn definition(own: &str, body: &str, sql_mode: &str, rest: &[Option<String>]) -> String {
    format!(
        "{} {}",
        fields(rest),
        canonical(body, Syntax::with_sql_mode(sql_mode), Some(own))
    )
}

fn hidden(label: &str, privilege: &str) -> String {
    format!("{label}: its text is hidden from this account (needs {privilege})")
}

fn foreign_text(label: &str, charset: &str) -> String {
    format!("{label}: non-ASCII text in client character set {charset}")
}

fn routines(db: &mut MariaDb, schema: &mut Schema) -> Result<()> {
    // A parameter's type without its character set does not say all: the set may come from the schema's default.
    let rows = db.catalog(
        "SELECT ROUTINE_NAME, ROUTINE_TYPE, DTD_IDENTIFIER, ROUTINE_DEFINITION, IS_DETERMINISTIC, SQL_DATA_ACCESS, SECURITY_TYPE, SQL_MODE, \
         ROUTINE_COMMENT, DEFINER, CHARACTER_SET_CLIENT, COLLATION_CONNECTION, COLLATION_NAME, DATABASE_COLLATION \
         FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA=? ORDER BY ROUTINE_TYPE, ROUTINE_NAME",
    )?;
    let parameters = db.catalog(
        "SELECT SPECIFIC_NAME, ROUTINE_TYPE, ORDINAL_POSITION, PARAMETER_MODE, PARAMETER_NAME, DTD_IDENTIFIER, COLLATION_NAME \
         FROM information_schema.PARAMETERS WHERE SPECIFIC_SCHEMA=? ORDER BY SPECIFIC_NAME, ROUTINE_TYPE, ORDINAL_POSITION",
    )?;
    for row in rows {
        let (name, kind) = (text(&row, 0), text(&row, 1));
        if kind != "PROCEDURE" && kind != "FUNCTION" {
            // A package's body comes as a second row; one line is enough.
            if kind != "PACKAGE BODY" {
                schema
                    .unsupported
                    .push(format!("{name}: {}", kind.to_lowercase()));
            }
            continue;
        }
        let sql = format!("SHOW CREATE {kind} {}", db.dialect.quote(&name));
        let label = format!("{} {name}", kind.to_lowercase());
        let Some(create) = show(db, &sql, 2)? else {
            schema
                .unsupported
                .push(hidden(&label, "SELECT on mysql.proc, or being its definer"));
            continue;
        };
        if !same_bytes(&text(&row, 10), &create) {
            schema.unsupported.push(foreign_text(&label, &text(&row, 10)));
        }
        let mut rest: Row = [1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]
            .iter()
            .map(|i| row[*i].clone())
            .collect();
        for parameter in parameters.iter().filter(|p| p[0] == row[0] && p[1] == row[1]) {
            rest.extend(parameter[2..].iter().cloned());
        }
        let mut statements = session(&text(&row, 7), &text(&row, 10), &text(&row, 11));
        statements.push(create);
        schema.objects.push(Object {
            kind: Kind::Routine,
            name: label,
            definition: definition(&schema.database, &text(&row, 3), &text(&row, 7), &rest),
            create: statements,
        });
    }
    Ok(())
}

fn views(db: &mut MariaDb, known: &BTreeSet<String>, schema: &mut Schema) -> Result<Vec<String>> {
    let algorithm = or_empty(known, "VIEWS", "ALGORITHM");
    let rows = db.catalog(&format!(
        "SELECT TABLE_NAME, VIEW_DEFINITION, CHECK_OPTION, DEFINER, SECURITY_TYPE, CHARACTER_SET_CLIENT, COLLATION_CONNECTION, {algorithm} \
         FROM information_schema.VIEWS WHERE TABLE_SCHEMA=? ORDER BY TABLE_NAME"
    ))?;
    // The server shows no columns of a view that it cannot open, and could not create it again either.
    let broken = db.catalog(
        "SELECT TABLE_NAME FROM information_schema.TABLES t WHERE TABLE_SCHEMA=? AND TABLE_TYPE='VIEW' \
         AND NOT EXISTS (SELECT 1 FROM information_schema.COLUMNS c WHERE c.TABLE_SCHEMA=? AND c.TABLE_NAME=t.TABLE_NAME)",
    )?;
    for row in broken {
        schema.unsupported.push(format!(
            "view {}: it reads something that does not exist",
            text(&row, 0)
        ));
    }
    let bodies: Vec<(String, String)> = rows.iter().map(|r| (text(r, 0), text(r, 1))).collect();
    for row in rows {
        let name = text(&row, 0);
        let sql = format!("SHOW CREATE VIEW {}", db.dialect.quote(&name));
        let create = show(db, &sql, 1)?.unwrap_or_default();
        let label = format!("view {name}");
        if text(&row, 1).is_empty() {
            schema.unsupported.push(hidden(&label, "SHOW VIEW"));
        }
        if !same_bytes(&text(&row, 5), &create) {
            schema.unsupported.push(foreign_text(&label, &text(&row, 5)));
        }
        let rest: Row = [2, 3, 4, 5, 6, 7].iter().map(|i| row[*i].clone()).collect();
        let mut statements = session(LOAD_MODE, &text(&row, 5), &text(&row, 6));
        statements.push(create);
        schema.objects.push(Object {
            kind: Kind::View,
            name,
            definition: definition(&schema.database, &text(&row, 1), "", &rest),
            create: statements,
        });
    }
    Ok(order_views(&schema.database, bodies))
}

/// Views behind the views that they read. In the catalog every view and table that is read stands with its schema.
fn order_views(own: &str, mut waiting: Vec<(String, String)>) -> Vec<String> {
    let quote = |name: &str| format!("`{}`", name.replace('`', "``"));
    let place = |name: &str| format!("{}.{}", quote(own), quote(name));
    let mut ordered = Vec::new();
    while !waiting.is_empty() {
        let free = waiting.iter().position(|(name, body)| {
            !waiting
                .iter()
                .any(|(other, _)| other != name && body.contains(&place(other)))
        });
        // None is free only when an alias is spelled like the schema; any order is as good then.
        ordered.push(waiting.remove(free.unwrap_or(0)).0);
    }
    ordered
}

fn triggers(db: &mut MariaDb, schema: &mut Schema) -> Result<()> {
    let rows = db.catalog(
        "SELECT TRIGGER_NAME, LPAD(ACTION_ORDER, 6, '0'), EVENT_MANIPULATION, EVENT_OBJECT_TABLE, ACTION_TIMING, ACTION_STATEMENT, SQL_MODE, DEFINER, \
         CHARACTER_SET_CLIENT, COLLATION_CONNECTION, DATABASE_COLLATION FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA=? \
         ORDER BY EVENT_OBJECT_TABLE, ACTION_TIMING, EVENT_MANIPULATION, ACTION_ORDER",
    )?;
    for row in rows {
        let (name, table) = (text(&row, 0), text(&row, 3));
        // The server's own statement keeps the schema that its author wrote before the names; this one has none.
        let create = format!(
            "CREATE DEFINER={} TRIGGER {} {} {} ON {} FOR EACH ROW {}",
            account(&text(&row, 7)),
            db.dialect.quote(&name),
            text(&row, 4),
            text(&row, 2),
            db.dialect.quote(&table),
            text(&row, 5)
        );
        if !same_bytes(&text(&row, 8), &create) {
            schema
                .unsupported
                .push(foreign_text(&format!("trigger {name}"), &text(&row, 8)));
        }
        // The order leads: the list of objects is sorted by it.
        let rest: Row = [1, 2, 3, 4, 6, 7, 8, 9, 10]
            .iter()
            .map(|i| row[*i].clone())
            .collect();
        let mut statements = session(&text(&row, 6), &text(&row, 8), &text(&row, 9));
        statements.push(create);
        schema.objects.push(Object {
            kind: Kind::Trigger,
            name,
            definition: definition(&schema.database, &text(&row, 5), &text(&row, 6), &rest),
            create: statements,
        });
    }
    Ok(())
}

/// An event's state is carried like a counter, not in its definition: the fence and scratch copies switch events off.
fn events(db: &mut MariaDb, schema: &mut Schema) -> Result<()> {
    let rows = db.catalog(
        "SELECT EVENT_NAME, DEFINER, TIME_ZONE, EVENT_DEFINITION, EVENT_TYPE, EXECUTE_AT, INTERVAL_VALUE, INTERVAL_FIELD, SQL_MODE, STARTS, ENDS, \
         ON_COMPLETION, EVENT_COMMENT, CHARACTER_SET_CLIENT, COLLATION_CONNECTION, STATUS, DATABASE_COLLATION FROM information_schema.EVENTS \
         WHERE EVENT_SCHEMA=? ORDER BY EVENT_NAME",
    )?;
    for row in rows {
        let name = text(&row, 0);
        let sql = format!("SHOW CREATE EVENT {}", db.dialect.quote(&name));
        let label = format!("event {name}");
        let Some(create) = show(db, &sql, 3)? else {
            schema.unsupported.push(hidden(&label, "EVENT on the schema"));
            continue;
        };
        if !same_bytes(&text(&row, 13), &create) {
            schema.unsupported.push(foreign_text(&label, &text(&row, 13)));
        }
        let Some(create) = disabled(&create, &text(&row, 8)) else {
            schema.unsupported.push(format!(
                "{label}: its state cannot be told from the server's text"
            ));
            continue;
        };
        let rest: Row = [1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 16]
            .iter()
            .map(|i| row[*i].clone())
            .collect();
        let mut statements = session(&text(&row, 8), &text(&row, 13), &text(&row, 14));
        statements.push(format!("SET SESSION time_zone='{}'", text(&row, 2)));
        statements.push(create);
        let enabled = text(&row, 15) == "ENABLED";
        if enabled {
            statements.push(format!(
                "ALTER DEFINER={} EVENT {} ENABLE",
                account(&text(&row, 1)),
                db.dialect.quote(&name)
            ));
        }
        statements.push("SET SESSION time_zone='+00:00'".into());
        schema
            .counters
            .insert(format!("event {name} enabled"), u64::from(enabled));
        schema.objects.push(Object {
            kind: Kind::Event,
            name,
            definition: definition(&schema.database, &text(&row, 3), &text(&row, 8), &rest),
            create: statements,
        });
    }
    Ok(())
}

/// The creating statement with the event switched off. The server prints the state as the last word but a comment
/// before the body; a name or comment that holds such a word is one token.
fn disabled(create: &str, sql_mode: &str) -> Option<String> {
    let code = Code::new(create.as_bytes(), Syntax::with_sql_mode(sql_mode));
    let body = code.find(0, &["DO"])?;
    let state = code.find(0, &["ENABLE", "DISABLE"]).filter(|at| *at < body)?;
    let last = if code.word(state + 1, "ON") {
        state + 2
    } else {
        state
    };
    let (from, to) = (code.token(state)?.start, code.token(last)?.end);
    Some(format!("{}DISABLE{}", &create[..from], &create[to..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_switched_off_whatever_its_name_and_comment_say() {
        let create = "CREATE DEFINER=`enable`@`%` EVENT `a DO ENABLE` ON SCHEDULE EVERY 1 DAY ON COMPLETION PRESERVE ENABLE COMMENT 'DISABLE DO' DO select 'ENABLE'";
        let off = "CREATE DEFINER=`enable`@`%` EVENT `a DO ENABLE` ON SCHEDULE EVERY 1 DAY ON COMPLETION PRESERVE DISABLE COMMENT 'DISABLE DO' DO select 'ENABLE'";
        assert_eq!(disabled(create, "").as_deref(), Some(off));
        assert_eq!(disabled(off, "").as_deref(), Some(off));
        assert_eq!(
            disabled(
                &create.replace(" ENABLE COMMENT", " DISABLE ON SLAVE COMMENT"),
                ""
            )
            .as_deref(),
            Some(off)
        );
        assert_eq!(disabled("CREATE EVENT `x` DO select 1", ""), None);
    }

    #[test]
    fn views_come_behind_what_they_read_and_aliases_do_not_mislead() {
        let views = [
            ("a", "select `s`.`b`.`x` AS `c` from `s`.`b`"),
            ("b", "select `a`.`x` from `s`.`c` `a`"),
            ("c", "select 1 AS `a`"),
        ];
        let views = views
            .map(|(name, body)| (name.to_string(), body.to_string()))
            .to_vec();
        assert_eq!(order_views("s", views), ["c", "b", "a"]);
    }

    #[test]
    fn a_literal_reads_the_same_with_and_without_backslash_escapes() {
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("a\\b"), "_utf8mb4 X'615C62'");
    }
}
