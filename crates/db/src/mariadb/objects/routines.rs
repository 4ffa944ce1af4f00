//! Procedures and functions, packages and their bodies.

use super::client::{self, Shown, Statement};
use super::{Row, definition, foreign_text, hidden, session, text};
use crate::mariadb::MariaDb;
use crate::schema::{Kind, Object, Schema};
use crate::script::{Code, Syntax};
use crate::{Dialect, Result};

pub(super) fn routines(db: &mut MariaDb, schema: &mut Schema) -> Result<()> {
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
        let (name, word) = (text(&row, 0), text(&row, 1));
        let label = format!("{} {name}", word.to_lowercase());
        let kind = match word.as_str() {
            "PROCEDURE" | "FUNCTION" => Kind::Routine,
            "PACKAGE" => Kind::Package,
            "PACKAGE BODY" => Kind::PackageBody,
            _ => {
                schema
                    .unsupported
                    .push(format!("{name}: {}", word.to_lowercase()));
                continue;
            }
        };
        let sql = format!("SHOW CREATE {word} {}", db.dialect.quote(&name));
        let parameters: Vec<&Row> = parameters
            .iter()
            .filter(|p| p[0] == row[0] && p[1] == row[1])
            .collect();
        let plain = |row: &[Option<String>]| row.iter().flatten().all(|field| field.is_ascii());
        let plain_head = plain(&row[..3]) && plain(&row[8..10]) && parameters.iter().all(|p| plain(p));
        let shown = client::show(db, &sql, 2, &text(&row, 10), &text(&row, 3), plain_head)?;
        let Statement { create, listed } = match shown {
            Shown::Text(statement) => statement,
            Shown::Foreign => {
                schema.unsupported.push(foreign_text(&label, &text(&row, 10)));
                continue;
            }
            Shown::Hidden => {
                let privilege = match db.dialect {
                    Dialect::MySql => "SHOW_ROUTINE, or being its definer",
                    _ => "SELECT on mysql.proc, or being its definer",
                };
                schema.unsupported.push(hidden(&label, privilege));
                continue;
            }
        };
        let mut rest: Row = [1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]
            .iter()
            .map(|i| row[*i].clone())
            .collect();
        for parameter in parameters {
            rest.extend(parameter[2..].iter().cloned());
        }
        // The catalog does not tell an aggregate function from another.
        if is_aggregate(&create, &text(&row, 7)) {
            rest.push(Some("AGGREGATE".into()));
        }
        let body = if listed { text(&row, 3) } else { create.clone() };
        let mut statements = session(&text(&row, 7), &text(&row, 10), &text(&row, 11));
        statements.push(create);
        schema.objects.push(Object {
            kind,
            name: if kind == Kind::Routine { label } else { name },
            definition: definition(&schema.database, &body, &text(&row, 7), &rest),
            create: statements,
        });
    }
    Ok(())
}

/// Whether the creating statement is that of an aggregate function: the word stands between its definer and its kind.
fn is_aggregate(create: &str, sql_mode: &str) -> bool {
    let code = Code::new(create.as_bytes(), Syntax::with_sql_mode(sql_mode));
    code.find(0, &["AGGREGATE", "FUNCTION", "PROCEDURE", "PACKAGE"])
        .is_some_and(|at| code.word(at, "AGGREGATE"))
}
