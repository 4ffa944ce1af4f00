//! A dump's files of plain SQL: what must be there before the rows, and what comes after them.

use crate::Dialect;
use crate::mariadb::keys::Split;
use crate::schema::{Kind, Schema, Table};
use std::borrow::Cow;

/// What a stock client types for one chunk, with `{file}`; empty where a chunk is SQL itself.
pub(super) fn load_sql(dialect: Dialect, table: &Table) -> String {
    match dialect {
        Dialect::Sqlite => String::new(),
        _ => crate::mariadb::encode::load_statement(table, "{file}"),
    }
}

/// Statements that make a stock client's session read the files exactly.
fn preamble(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "PRAGMA foreign_keys=OFF;\n",
        _ => crate::mariadb::encode::PREAMBLE,
    }
}

/// The file that comes before the rows.
pub(super) fn before_rows(schema: &Schema) -> String {
    let mut sql = String::from(preamble(schema.dialect));
    if schema.dialect != Dialect::Sqlite {
        for statement in schema
            .objects
            .iter()
            .filter(|o| matches!(o.kind, Kind::Database | Kind::Sequence))
            .flat_map(|o| &o.create)
        {
            sql.push_str(statement);
            sql.push_str("\n;\n\n");
        }
    }
    for table in &schema.tables {
        // On a line of its own: a definition may end in a comment.
        sql.push_str(&split(schema.dialect, table).table);
        sql.push_str("\n;\n\n");
    }
    sql
}

/// A table's definition in the steps in which it is restored best.
fn split(dialect: Dialect, table: &Table) -> Split {
    match dialect {
        Dialect::Sqlite => Split::whole(&table.create),
        _ => crate::mariadb::keys::split(table),
    }
}

/// The files that come after the rows, by kind, in the order in which they must be run.
pub(super) fn after_rows(schema: &Schema) -> Vec<(String, String)> {
    let kinds = [
        (Kind::Index, "200-indexes"),
        (Kind::Routine, "300-routines"),
        (Kind::Package, "310-packages"),
        (Kind::PackageBody, "320-package-bodies"),
        (Kind::View, "400-views"),
        (Kind::Trigger, "500-triggers"),
        (Kind::Event, "600-events"),
        (Kind::Database, "900-counters"),
    ];
    let mut files = Vec::new();
    let steps: Vec<Split> = schema.tables.iter().map(|t| split(schema.dialect, t)).collect();
    let keys: Vec<Cow<'_, str>> = steps.iter().flat_map(|s| &s.keys).map(Cow::from).collect();
    let foreign: Vec<Cow<'_, str>> = steps
        .iter()
        .filter_map(|s| s.foreign.as_ref())
        .map(Cow::from)
        .collect();
    for (stem, statements) in [("150-keys", keys), ("160-foreign-keys", foreign)] {
        if !statements.is_empty() {
            files.push((stem.to_string(), object_file(schema.dialect, &statements)));
        }
    }
    for (kind, stem) in kinds {
        // On a server the schema's defaults stand before the tables: routines take them when they are created.
        if kind == Kind::Database && schema.dialect != Dialect::Sqlite {
            continue;
        }
        let mut statements: Vec<Cow<'_, str>> = schema
            .objects
            .iter()
            .filter(|o| o.kind == kind)
            .flat_map(|o| {
                o.create
                    .iter()
                    .map(|s| crate::mariadb::objects::client::sent(o, s))
            })
            .collect();
        if kind == Kind::Database {
            // The last of all: every definition is there.
            let tables = schema.tables.iter().map(|t| t.create.as_str());
            let objects = schema.objects.iter().flat_map(|o| &o.create).map(String::as_str);
            let mended = crate::sqlite::encode::line_ends(tables.chain(objects));
            statements.extend(mended.into_iter().map(Cow::from));
        }
        if !statements.is_empty() {
            files.push((stem.to_string(), object_file(schema.dialect, &statements)));
        }
    }
    files
}

fn object_file(dialect: Dialect, statements: &[Cow<'_, str>]) -> String {
    if dialect == Dialect::Sqlite {
        return statements.iter().map(|s| format!("{s}\n;\n")).collect();
    }
    // The stock client cuts at the delimiter even inside a body.
    let delimiter = (0..)
        .map(|n| {
            if n == 0 {
                ";;".to_string()
            } else {
                format!("$${n}")
            }
        })
        .find(|d| !statements.iter().any(|s| s.contains(d.as_str())))
        .expect("finitely many statements cannot hold infinitely many delimiters");
    let body: String = statements.iter().map(|s| format!("{s}\n{delimiter}\n")).collect();
    format!("{}DELIMITER {delimiter}\n{body}DELIMITER ;\n", preamble(dialect))
}
