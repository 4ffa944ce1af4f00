//! Triggers, in the order in which they fire.

use super::client::{self, Shown};
use super::{Row, definition, foreign_text, session, text};
use crate::Result;
use crate::mariadb::MariaDb;
use crate::mariadb::account::quoted;
use crate::schema::{Kind, Object, Schema};
use crate::script::{Code, Syntax};

pub(super) fn triggers(db: &mut MariaDb, schema: &mut Schema) -> Result<()> {
    let rows = db.catalog(
        "SELECT TRIGGER_NAME, LPAD(ACTION_ORDER, 6, '0'), EVENT_MANIPULATION, EVENT_OBJECT_TABLE, ACTION_TIMING, ACTION_STATEMENT, SQL_MODE, DEFINER, \
         CHARACTER_SET_CLIENT, COLLATION_CONNECTION, DATABASE_COLLATION FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA=? \
         ORDER BY EVENT_OBJECT_TABLE, ACTION_TIMING, EVENT_MANIPULATION, ACTION_ORDER",
    )?;
    for row in rows {
        let (name, table) = (text(&row, 0), text(&row, 3));
        let (charset, listed_body) = (text(&row, 8), text(&row, 5));
        let sql = format!("SHOW CREATE TRIGGER {}", db.dialect.quote(&name));
        let body = match client::show(db, &sql, 2, &charset, &listed_body, true)? {
            Shown::Text(statement) if statement.listed => Some(listed_body),
            Shown::Text(statement) => body_of(&statement.create, &text(&row, 6)),
            Shown::Foreign | Shown::Hidden => None,
        };
        let Some(body) = body else {
            schema
                .unsupported
                .push(foreign_text(&format!("trigger {name}"), &charset));
            continue;
        };
        // The server's own statement keeps the schema that its author wrote before the names; this one has none.
        let create = format!(
            "CREATE DEFINER={} TRIGGER {} {} {} ON {} FOR EACH ROW {body}",
            quoted(&text(&row, 7)),
            db.dialect.quote(&name),
            text(&row, 4),
            text(&row, 2),
            db.dialect.quote(&table),
        );
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
            definition: definition(&schema.database, &body, &text(&row, 6), &rest),
            create: statements,
        });
    }
    Ok(())
}

/// What a trigger does, out of the statement as its author wrote it.
fn body_of(create: &str, sql_mode: &str) -> Option<String> {
    let code = Code::new(create.as_bytes(), Syntax::with_sql_mode(sql_mode));
    let row = (0..code.len()).find(|at| code.words(*at, &["FOR", "EACH", "ROW"]))? + 3;
    // Its place among others follows from the order in which all are created.
    let body = if code.any_word(row, &["FOLLOWS", "PRECEDES"]) {
        row + 2
    } else {
        row
    };
    Some(create[code.token(body)?.start..].to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_begins_behind_the_head_whatever_its_names() {
        let create = "CREATE DEFINER=`a`@`b` trigger `for each row` /* x */ before insert on t\nfor each /* y */ ROW follows `z``z` set new.x='\\\\n'";
        assert_eq!(body_of(create, "").as_deref(), Some("set new.x='\\\\n'"));
        assert_eq!(
            body_of("CREATE TRIGGER g AFTER DELETE ON t FOR EACH ROW BEGIN END", "").as_deref(),
            Some("BEGIN END")
        );
    }
}
