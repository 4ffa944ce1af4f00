//! Events, switched off until everything else stands.

use super::client::{self, Shown, Statement};
use super::{Row, definition, foreign_text, hidden, session, text};
use crate::Result;
use crate::mariadb::MariaDb;
use crate::mariadb::account::quoted;
use crate::schema::{Kind, Object, Schema};
use crate::script::{Code, Syntax};

/// An event's state is carried like a counter, not in its definition: the fence and scratch copies switch events off.
pub(super) fn events(db: &mut MariaDb, schema: &mut Schema) -> Result<()> {
    let rows = db.catalog(
        "SELECT EVENT_NAME, DEFINER, TIME_ZONE, EVENT_DEFINITION, EVENT_TYPE, EXECUTE_AT, INTERVAL_VALUE, INTERVAL_FIELD, SQL_MODE, STARTS, ENDS, \
         ON_COMPLETION, EVENT_COMMENT, CHARACTER_SET_CLIENT, COLLATION_CONNECTION, STATUS, DATABASE_COLLATION FROM information_schema.EVENTS \
         WHERE EVENT_SCHEMA=? ORDER BY EVENT_NAME",
    )?;
    for row in rows {
        let name = text(&row, 0);
        let sql = format!("SHOW CREATE EVENT {}", db.dialect.quote(&name));
        let label = format!("event {name}");
        let plain_head = [0, 1, 12].iter().all(|i| text(&row, *i).is_ascii());
        let shown = client::show(db, &sql, 3, &text(&row, 13), &text(&row, 3), plain_head)?;
        let Statement { create, listed } = match shown {
            Shown::Text(statement) => statement,
            Shown::Foreign => {
                schema.unsupported.push(foreign_text(&label, &text(&row, 13)));
                continue;
            }
            Shown::Hidden => {
                schema.unsupported.push(hidden(&label, "EVENT on the schema"));
                continue;
            }
        };
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
        let body = if listed { text(&row, 3) } else { create.clone() };
        let mut statements = session(&text(&row, 8), &text(&row, 13), &text(&row, 14));
        statements.push(format!("SET SESSION time_zone='{}'", text(&row, 2)));
        statements.push(create);
        let (state, number) = match text(&row, 15).as_str() {
            "ENABLED" => (Some("ENABLE"), 1),
            "DISABLED" => (None, 0),
            // Off on this server because it runs on the one that this one replicates.
            _ => (Some("DISABLE ON SLAVE"), 2),
        };
        if let Some(state) = state {
            statements.push(format!(
                "ALTER DEFINER={} EVENT {} {state}",
                quoted(&text(&row, 1)),
                db.dialect.quote(&name)
            ));
        }
        statements.push("SET SESSION time_zone='+00:00'".into());
        schema.counters.insert(format!("event {name} enabled"), number);
        schema.objects.push(Object {
            kind: Kind::Event,
            name,
            definition: definition(&schema.database, &body, &text(&row, 8), &rest),
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
}
