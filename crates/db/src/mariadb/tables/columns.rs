//! Columns from the catalog, and how the values of each travel.

use super::{Tables, fields, label, text};
use crate::mariadb::MariaDb;
use crate::schema::{Carry, Column, Kind, Object};
use crate::{Dialect, Result};
use std::collections::BTreeSet;

/// Types whose values travel as text.
const TEXTS: &[&str] = &[
    "tinyint",
    "smallint",
    "mediumint",
    "int",
    "bigint",
    "decimal",
    "float",
    "double",
    "char",
    "varchar",
    "tinytext",
    "text",
    "mediumtext",
    "longtext",
    "date",
    "datetime",
    "timestamp",
    "time",
    "year",
    "json",
];

/// Types whose values travel as bytes.
const BYTES: &[&str] = &[
    "binary",
    "varbinary",
    "tinyblob",
    "blob",
    "mediumblob",
    "longblob",
    "uuid",
    "inet4",
    "inet6",
];

/// Types whose values travel as bytes, in the server's own form: four bytes of SRID, then WKB.
const SHAPES: &[&str] = &[
    "geometry",
    "point",
    "linestring",
    "polygon",
    "multipoint",
    "multilinestring",
    "multipolygon",
    "geometrycollection",
    // The same, in MySQL's words.
    "geomcollection",
];

pub(super) fn read_columns(db: &mut MariaDb, out: &mut Tables) -> Result<()> {
    // MySQL prints the reference system itself, and says it here.
    let reference = match db.dialect {
        Dialect::MySql => ", SRS_ID",
        _ => "",
    };
    let rows = db.catalog(&format!(
        "SELECT TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, DATA_TYPE, IS_NULLABLE, COLUMN_DEFAULT, CHARACTER_SET_NAME, COLLATION_NAME, EXTRA, \
         GENERATION_EXPRESSION, COLUMN_COMMENT{reference} FROM information_schema.COLUMNS WHERE TABLE_SCHEMA=? ORDER BY TABLE_NAME, ORDINAL_POSITION"
    ))?;
    let own = db.database.clone();
    // MySQL keeps the option of a table that numbers nothing, and loses it in a copy.
    let numbered: BTreeSet<String> = rows
        .iter()
        .filter(|row| text(row, 8).contains("auto_increment"))
        .map(|row| text(row, 0))
        .collect();
    out.counters.retain(|table, _| numbered.contains(table));
    for mut row in rows {
        let (table, name, declared, data_type) = (text(&row, 0), text(&row, 1), text(&row, 2), text(&row, 3));
        let Some(place) = out.places.get(&table).copied() else {
            continue;
        };
        // A default that reads a sequence names its schema.
        if let Some(default) = &mut row[5] {
            *default = super::create::unqualified(default, &own);
        }
        let carry = match carry(&text(&row, 8), &text(&row, 9), &data_type) {
            Some(carry) => carry,
            None => {
                out.unsupported.push(format!("{table}.{name}: {data_type}"));
                Carry::Text
            }
        };
        // ALTER COLUMN … SET DEFAULT takes one for a computed column too. It means nothing, and no definition shows it.
        if matches!(carry, Carry::Virtual | Carry::Discarded) {
            row[5] = (text(&row, 4) == "YES").then(|| "NULL".to_string());
        }
        if carry == Carry::History && data_type != "timestamp" {
            out.unsupported.push(format!(
                "{table}.{name}: {declared} (history by transaction, whose ids another server does not know; \
                 versioning by timestamp(6) is carried)"
            ));
        }
        if declared == "year(2)" {
            out.unsupported.push(format!("{table}.{name}: {declared}"));
        }
        if declared.contains("/* mariadb-5.3 */") || declared.contains("/* mysql-5.6 */") {
            out.unsupported.push(format!("{table}.{name}: {declared} (a temporal format of an old server; ALTER TABLE … FORCE renews it)"));
        }
        out.objects.push(Object {
            kind: Kind::Column,
            name: label(&table, &name),
            definition: fields(&[
                row[2].clone(),
                row[4].clone(),
                row[5].clone(),
                row[6].clone(),
                row[7].clone(),
                row[8].clone(),
                row[9].clone(),
                row[10].clone(),
            ]) + &row
                .get(11)
                .cloned()
                .flatten()
                .map_or(String::new(), |id| format!(" SRID={id}")),
            create: Vec::new(),
        });
        out.tables[place].columns.push(Column {
            name,
            declared,
            carry,
            nullable: text(&row, 4) == "YES",
        });
    }
    implicit_periods(out);
    spatial_references(db, out)
}

/// How a column's values travel; `None` for a type that this release does not know.
fn carry(extra: &str, expression: &str, data_type: &str) -> Option<Carry> {
    let known = if TEXTS.contains(&data_type) {
        Carry::Text
    } else if BYTES.contains(&data_type) || SHAPES.contains(&data_type) {
        Carry::Raw
    } else if matches!(data_type, "bit" | "enum" | "set") {
        Carry::Number
    } else {
        return None;
    };
    Some(match expression {
        "ROW START" | "ROW END" if extra.contains("GENERATED") => Carry::History,
        _ if extra.contains("VIRTUAL GENERATED") => Carry::Virtual,
        _ if extra.contains("STORED GENERATED") || extra.contains("PERSISTENT") => Carry::Discarded,
        _ => known,
    })
}

/// The two columns that `WITH SYSTEM VERSIONING` adds by itself are in no catalog, but they can be read and loaded by
/// name. Every unique key ends in the second.
fn implicit_periods(out: &mut Tables) {
    for table in &mut out.tables {
        if !out.versioned.contains(&table.name) || table.is_versioned() {
            continue;
        }
        table.columns.extend(["row_start", "row_end"].map(|name| Column {
            name: name.into(),
            declared: "timestamp(6)".into(),
            carry: Carry::History,
            nullable: false,
        }));
    }
}

/// The spatial reference system that a column declares. SHOW CREATE TABLE leaves it out, and the view that has it names
/// no column: its rows stand in the order of the columns.
fn spatial_references(db: &mut MariaDb, out: &mut Tables) -> Result<()> {
    let shaped = |c: &Column| SHAPES.contains(&c.declared.as_str());
    if db.dialect == Dialect::MySql || !out.tables.iter().any(|t| t.columns.iter().any(shaped)) {
        return Ok(());
    }
    let rows = db.catalog(
        "SELECT F_TABLE_NAME, SRID FROM information_schema.GEOMETRY_COLUMNS WHERE F_TABLE_SCHEMA=?",
    )?;
    for table in &out.tables {
        let declared = rows.iter().filter(|r| text(r, 0) == table.name);
        for (column, row) in table.columns.iter().filter(|c| shaped(c)).zip(declared) {
            if let Ok(srid @ 1..) = text(row, 1).parse::<u32>() {
                let name = label(&table.name, &column.name);
                let object = out
                    .objects
                    .iter_mut()
                    .find(|o| o.kind == Kind::Column && o.name == name);
                if let Some(object) = object {
                    object.definition.push_str(&format!(" REF_SYSTEM_ID={srid}"));
                }
                out.references
                    .push((table.name.clone(), column.name.clone(), srid));
            }
        }
    }
    Ok(())
}
