//! Views, in an order in which they can be created.

use super::client::{self, Shown};
use super::{Row, definition, foreign_text, hidden, session, text};
use crate::mariadb::MariaDb;
use crate::mariadb::account::{self, quoted};
use crate::mariadb::encode::LOAD_MODE;
use crate::mariadb::privileges::{self, Scope};
use crate::mariadb::tables::create::unqualified;
use crate::mariadb::tables::or_empty;
use crate::schema::{Kind, Object, Schema};
use crate::{Error, Result};
use std::collections::BTreeSet;

pub(super) fn views(db: &mut MariaDb, known: &BTreeSet<String>, schema: &mut Schema) -> Result<Vec<String>> {
    let algorithm = or_empty(known, "VIEWS", "ALGORITHM");
    let rows = db.catalog(&format!(
        "SELECT TABLE_NAME, VIEW_DEFINITION, CHECK_OPTION, DEFINER, SECURITY_TYPE, CHARACTER_SET_CLIENT, COLLATION_CONNECTION, {algorithm} \
         FROM information_schema.VIEWS WHERE TABLE_SCHEMA=? ORDER BY TABLE_NAME"
    ))?;
    let broken = closed(db)?;
    // Perhaps it is broken for this account alone.
    if let Some(name) = broken.first()
        && !privileges::without(db, std::iter::once("EXECUTE"), Scope::Schema)?.is_empty()
    {
        let account = account::current(db)?;
        return Err(Error::refused(
            format!(
                "account {account} cannot open view {name}: it calls a function that the account may not run, or is broken"
            ),
            format!(
                "{}; if that changes nothing, it reads something that does not exist: drop it, or mend it",
                privileges::grant(db, "EXECUTE", &account)?
            ),
        ));
    }
    for name in broken {
        schema
            .unsupported
            .push(format!("view {name}: it reads something that does not exist"));
    }
    let bodies: Vec<(String, String)> = rows.iter().map(|r| (text(r, 0), text(r, 1))).collect();
    for row in rows {
        let name = text(&row, 0);
        let sql = format!("SHOW CREATE VIEW {}", db.dialect.quote(&name));
        let label = format!("view {name}");
        let create = match client::show(db, &sql, 1, &text(&row, 5), &selection(db, &row), false) {
            Ok(Shown::Text(statement)) => statement.create,
            // It takes values of a sequence, and this is a read-only view on the data.
            Err(Error::Server { number: 1792, .. }) => composed(db, &row),
            Ok(Shown::Foreign | Shown::Hidden) => {
                schema.unsupported.push(foreign_text(&label, &text(&row, 5)));
                continue;
            }
            Err(other) => return Err(other),
        };
        if text(&row, 1).is_empty() {
            schema.unsupported.push(hidden(&label, "SHOW VIEW"));
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

/// Views whose columns the server does not show, because it cannot open them; it could not create them again either.
pub(in crate::mariadb) fn closed(db: &mut MariaDb) -> Result<Vec<String>> {
    let rows = db.catalog(
        "SELECT TABLE_NAME FROM information_schema.TABLES t WHERE TABLE_SCHEMA=? AND TABLE_TYPE='VIEW' \
         AND NOT EXISTS (SELECT 1 FROM information_schema.COLUMNS c WHERE c.TABLE_SCHEMA=? AND c.TABLE_NAME=t.TABLE_NAME)",
    )?;
    Ok(rows.iter().map(|row| text(row, 0)).collect())
}

/// The statement as the server would print it in the schema itself, from the catalog's row of the view.
fn composed(db: &MariaDb, row: &Row) -> String {
    let algorithm = text(row, 7);
    format!(
        "CREATE ALGORITHM={} DEFINER={} SQL SECURITY {} VIEW {} AS {}",
        if algorithm.is_empty() {
            "UNDEFINED"
        } else {
            &algorithm
        },
        quoted(&text(row, 3)),
        text(row, 4),
        db.dialect.quote(&text(row, 0)),
        selection(db, row)
    )
}

/// What the view selects, and its check option.
fn selection(db: &MariaDb, row: &Row) -> String {
    let check = match text(row, 2).as_str() {
        "NONE" | "" => String::new(),
        check => format!(" WITH {check} CHECK OPTION"),
    };
    format!("{}{check}", unqualified(&text(row, 1), &db.database))
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
