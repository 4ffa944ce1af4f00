//! Tables and objects from `sqlite_master` and the table pragmas.

use super::{Sqlite, create};
use crate::schema::{Carry, Column, Kind, Object, Schema, Table};
use crate::script::{Syntax, canonical};
use crate::{Cell, Database, Dialect, Result};
use std::collections::BTreeMap;

pub(super) fn inspect(db: &mut Sqlite) -> Result<Schema> {
    let mut schema = Schema {
        dialect: Dialect::Sqlite,
        database: db.path.display().to_string(),
        tables: Vec::new(),
        objects: Vec::new(),
        counters: BTreeMap::new(),
        unsupported: Vec::new(),
    };
    let master = db.query(
        "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid",
    )?;
    for row in master {
        let field = |i: usize| row.get(i).and_then(Cell::to_text).unwrap_or_default();
        let (kind, name, table, sql) = (field(0), field(1), field(2), field(3));
        let definition = canonical(&sql, Syntax::SQLITE, None);
        match kind.as_str() {
            "table" => table_entry(db, &mut schema, &name, &sql)?,
            "index" => schema.objects.push(Object {
                kind: Kind::Index,
                name: format!("{table}.{name}"),
                definition,
                create: vec![sql],
            }),
            "view" => schema.objects.push(Object {
                kind: Kind::View,
                name,
                definition,
                create: vec![sql],
            }),
            "trigger" => schema.objects.push(Object {
                kind: Kind::Trigger,
                name,
                definition,
                create: vec![sql],
            }),
            other => schema.unsupported.push(format!("{name}: {other}")),
        }
    }
    pragmas(db, &mut schema)?;
    // Views keep the order in which they were made: sqlite_master's own, which is an order that works.
    schema.tables.sort_by(|a, b| a.name.cmp(&b.name));
    schema.objects.sort_by_key(|o| o.kind);
    Ok(schema)
}

fn table_entry(db: &mut Sqlite, schema: &mut Schema, name: &str, sql: &str) -> Result<()> {
    if sql.to_ascii_uppercase().starts_with("CREATE VIRTUAL") {
        schema.unsupported.push(format!("{name}: virtual table"));
        return Ok(());
    }
    let info = db.query(&format!("PRAGMA table_xinfo({})", Dialect::Sqlite.quote(name)))?;
    let plain = |text: &str| canonical(text, Syntax::SQLITE, None);
    // Where the statement cannot be taken apart, the whole of it is the table's definition.
    let parts = create::split(sql).filter(|p| p.columns.len() == info.len());
    let definition = match &parts {
        Some(parts) => parts
            .rest
            .iter()
            .map(|part| plain(part))
            .collect::<Vec<_>>()
            .join("; "),
        None => plain(sql),
    };
    let mut columns = Vec::new();
    let mut key: Vec<(i64, String)> = Vec::new();
    for (at, row) in info.into_iter().enumerate() {
        let column = row[1].to_text().unwrap_or_default();
        let declared = row[2].to_text().unwrap_or_default();
        let carry = match row.get(6).and_then(Cell::as_i64) {
            Some(2) => Carry::Virtual,
            Some(3) => Carry::Generated,
            _ => Carry::Text,
        };
        if let Some(position) = row[5].as_i64().filter(|p| *p > 0) {
            key.push((position, column.clone()));
        }
        let written = parts.as_ref().map_or(String::new(), |p| plain(p.columns[at]));
        let definition = format!("{} {written}", column_definition(&row));
        schema.objects.push(Object {
            kind: Kind::Column,
            name: format!("{name}.{column}"),
            definition,
            create: vec![],
        });
        columns.push(Column {
            name: column,
            declared,
            carry,
            nullable: row[3].as_i64() == Some(0),
        });
    }
    key.sort();
    let rows = db.count(&format!("SELECT COUNT(*) FROM {}", Dialect::Sqlite.quote(name)))?;
    schema.objects.push(Object {
        kind: Kind::Table,
        name: name.into(),
        definition,
        create: Vec::new(),
    });
    schema.tables.push(Table {
        name: name.into(),
        columns,
        key: key.into_iter().map(|(_, c)| c).collect(),
        rows_estimate: rows as u64,
        bytes_estimate: 0,
        longest_row: 0,
        create: sql.into(),
    });
    Ok(())
}

/// Type, NOT NULL, default, key position and hidden kind of a column.
fn column_definition(row: &[Cell]) -> String {
    row[2..]
        .iter()
        .map(|c| c.to_text().map_or("~".into(), |t| format!("{t:?}")))
        .collect::<Vec<_>>()
        .join(" ")
}

/// What lies in the header and in `sqlite_sequence`.
fn pragmas(db: &mut Sqlite, schema: &mut Schema) -> Result<()> {
    let mut definition = Vec::new();
    let mut create = Vec::new();
    for pragma in ["user_version", "application_id"] {
        let value = db.count(&format!("PRAGMA {pragma}"))?;
        definition.push(format!("{pragma}={value}"));
        create.push(format!("PRAGMA {pragma}={value}"));
    }
    let encoding = db.text("PRAGMA encoding")?.unwrap_or_default();
    if encoding != "UTF-8" {
        schema.unsupported.push(format!("database: encoding {encoding}"));
    }
    definition.push(format!("encoding={encoding}"));
    let sequences = db.count("SELECT COUNT(*) FROM sqlite_master WHERE name='sqlite_sequence'")?;
    if sequences > 0 {
        // Rows that were loaded have numbered even a table whose counter was taken away.
        create.push("DELETE FROM sqlite_sequence".to_string());
        for row in db.query("SELECT name, seq FROM sqlite_sequence ORDER BY name")? {
            let (name, value) = (row[0].to_text().unwrap_or_default(), row[1].as_i64().unwrap_or(0));
            schema.counters.insert(name.clone(), i128::from(value));
            let literal = name.replace('\'', "''");
            create.push(format!(
                "INSERT INTO sqlite_sequence(name, seq) VALUES('{literal}', {value})"
            ));
        }
    }
    schema.objects.push(Object {
        kind: Kind::Database,
        name: "header".into(),
        definition: definition.join(" "),
        create,
    });
    Ok(())
}
