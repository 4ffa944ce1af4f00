//! Triggers, in the order in which they fire.

use super::{Row, account, definition, foreign_text, same_bytes, session, text};
use crate::Result;
use crate::mariadb::MariaDb;
use crate::schema::{Kind, Object, Schema};

pub(super) fn triggers(db: &mut MariaDb, schema: &mut Schema) -> Result<()> {
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
