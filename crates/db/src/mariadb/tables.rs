//! Tables, columns, keys and checks from the catalog.

use super::MariaDb;
use crate::schema::{Carry, Column, Kind, Object, Table};
use crate::{Database, Error, Result};
use std::collections::{BTreeMap, BTreeSet};

/// What one reading of the table catalog gives.
pub(super) struct Tables {
    pub(super) tables: Vec<Table>,
    pub(super) objects: Vec<Object>,
    pub(super) counters: BTreeMap<String, u64>,
    pub(super) unsupported: Vec<String>,
}

const TYPES: &[&str] = &[
    "tinyint",
    "smallint",
    "mediumint",
    "int",
    "bigint",
    "decimal",
    "float",
    "double",
    "bit",
    "char",
    "varchar",
    "tinytext",
    "text",
    "mediumtext",
    "longtext",
    "binary",
    "varbinary",
    "tinyblob",
    "blob",
    "mediumblob",
    "longblob",
    "date",
    "datetime",
    "timestamp",
    "time",
    "year",
    "enum",
    "set",
    "json",
];

pub(super) fn read(db: &mut MariaDb) -> Result<Tables> {
    let mut out = Tables {
        tables: Vec::new(),
        objects: Vec::new(),
        counters: BTreeMap::new(),
        unsupported: Vec::new(),
    };
    let known = catalog_columns(db)?;
    read_tables(db, &mut out)?;
    read_columns(db, &mut out)?;
    read_indexes(db, &known, &mut out)?;
    read_foreign_keys(db, &mut out)?;
    read_checks(db, &known, &mut out)?;
    for table in &mut out.tables {
        let sql = format!("SHOW CREATE TABLE {}", db.dialect.quote(&table.name));
        let rows = db.query(&sql)?;
        let create = rows
            .first()
            .and_then(|r| r.get(1))
            .and_then(|c| c.to_text())
            .unwrap_or_default();
        if create.contains('\u{fffd}') {
            // A BINARY column's default, most likely: the server prints its bytes as they are.
            out.unsupported
                .push(format!("{}: its definition is not UTF-8", table.name));
        }
        if create.contains("\n  PERIOD FOR ") {
            out.unsupported
                .push(format!("{}: application-time period", table.name));
        }
        if table.columns.iter().all(|c| c.carry.computed()) {
            out.unsupported
                .push(format!("{}: a table without a stored column", table.name));
        }
        table.create = create;
    }
    Ok(out)
}

/// Columns of the catalog's own views that not every server version has, as `VIEW.COLUMN`.
pub(super) fn catalog_columns(db: &mut MariaDb) -> Result<BTreeSet<String>> {
    let rows = db.catalog(
        "SELECT CONCAT(TABLE_NAME, '.', COLUMN_NAME) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA='information_schema' \
         AND TABLE_NAME IN ('STATISTICS', 'SCHEMATA', 'VIEWS', 'CHECK_CONSTRAINTS')",
    )?;
    Ok(rows
        .into_iter()
        .filter_map(|r| r.into_iter().next().flatten())
        .collect())
}

/// The catalog column where the server has it, an empty text elsewhere.
pub(super) fn or_empty<'a>(known: &BTreeSet<String>, view: &str, column: &'a str) -> &'a str {
    if known.contains(&format!("{view}.{column}")) {
        column
    } else {
        "''"
    }
}

/// `table.part`, quoted where a name could be read otherwise.
fn label(table: &str, part: &str) -> String {
    let plain = |name: &str| !name.contains(['.', '`']);
    if plain(table) && plain(part) {
        return format!("{table}.{part}");
    }
    let quote = |name: &str| format!("`{}`", name.replace('`', "``"));
    format!("{}.{}", quote(table), quote(part))
}

/// Joins catalog fields so that no two different definitions read alike.
pub(super) fn fields(row: &[Option<String>]) -> String {
    row.iter()
        .map(|f| f.as_ref().map_or("~".into(), |f| format!("{f:?}")))
        .collect::<Vec<_>>()
        .join(" ")
}

fn text(row: &[Option<String>], i: usize) -> String {
    row.get(i).cloned().flatten().unwrap_or_default()
}

/// A table that cannot be looked at now.
fn locked(name: &str) -> Error {
    Error::refused(
        format!("table {name} cannot be looked at: another session is changing it, or it is damaged"),
        "SHOW PROCESSLIST names the session: wait for it, or end it; CHECK TABLE tells damage",
    )
}

/// How often the catalog is read again while a table cannot be looked at, a [`LOOK_AGAIN`] apart.
const LOOKS: u32 = 40;
const LOOK_AGAIN: std::time::Duration = std::time::Duration::from_millis(250);

/// [`read`], patient with a definition that somebody is changing.
pub(super) fn read_patiently(db: &mut MariaDb) -> Result<Tables> {
    let mut looks = 0;
    loop {
        match read(db) {
            Err(Error::Refused { .. }) if looks < LOOKS => {
                looks += 1;
                std::thread::sleep(LOOK_AGAIN);
            }
            other => return other,
        }
    }
}

fn read_tables(db: &mut MariaDb, out: &mut Tables) -> Result<()> {
    let rows = db.catalog(
        "SELECT TABLE_NAME, TABLE_TYPE, ENGINE, TABLE_ROWS, AUTO_INCREMENT, ROW_FORMAT, TABLE_COLLATION, CREATE_OPTIONS, TABLE_COMMENT \
         FROM information_schema.TABLES WHERE TABLE_SCHEMA=? AND TABLE_TYPE<>'VIEW' ORDER BY TABLE_NAME",
    )?;
    for row in rows {
        let (name, table_type, engine) = (text(&row, 0), text(&row, 1), text(&row, 2));
        if name == crate::marks::TABLE {
            if !db.origin.1.restoring {
                out.unsupported.push(format!(
                    "{name}: a restore into this schema is not finished; run it again"
                ));
            }
            continue;
        }
        if table_type != "BASE TABLE" {
            out.unsupported
                .push(format!("{name}: {}", table_type.to_lowercase()));
            continue;
        }
        // The catalog leaves a table blank while another session waits for it, or holds it, exclusively.
        if engine.is_empty() {
            return Err(locked(&name));
        }
        if engine != "InnoDB" {
            out.unsupported.push(format!("{name}: engine {engine}"));
        }
        if text(&row, 7).contains("partitioned") {
            out.unsupported.push(format!("{name}: partitions"));
        }
        if let Some(counter) = row[4].as_ref().and_then(|v| v.parse().ok()) {
            out.counters.insert(name.clone(), counter);
        }
        out.objects.push(Object {
            kind: Kind::Table,
            name: name.clone(),
            definition: fields(&[
                row[2].clone(),
                row[5].clone(),
                row[6].clone(),
                row[7].clone(),
                row[8].clone(),
            ]),
            create: Vec::new(),
        });
        out.tables.push(Table {
            name,
            columns: Vec::new(),
            key: Vec::new(),
            rows_estimate: text(&row, 3).parse().unwrap_or(0),
            create: String::new(),
        });
    }
    Ok(())
}

fn read_columns(db: &mut MariaDb, out: &mut Tables) -> Result<()> {
    let rows = db.catalog(
        "SELECT TABLE_NAME, COLUMN_NAME, COLUMN_TYPE, DATA_TYPE, IS_NULLABLE, COLUMN_DEFAULT, CHARACTER_SET_NAME, COLLATION_NAME, EXTRA, \
         GENERATION_EXPRESSION, COLUMN_COMMENT FROM information_schema.COLUMNS WHERE TABLE_SCHEMA=? ORDER BY TABLE_NAME, ORDINAL_POSITION",
    )?;
    for row in rows {
        let (table, name, declared, data_type) = (text(&row, 0), text(&row, 1), text(&row, 2), text(&row, 3));
        let Some(entry) = out.tables.iter_mut().find(|t| t.name == table) else {
            continue;
        };
        let extra = text(&row, 8);
        if !TYPES.contains(&data_type.as_str()) {
            out.unsupported.push(format!("{table}.{name}: {data_type}"));
        }
        if declared == "year(2)" {
            out.unsupported.push(format!("{table}.{name}: {declared}"));
        }
        if declared.contains("/* mariadb-5.3 */") || declared.contains("/* mysql-5.6 */") {
            out.unsupported.push(format!("{table}.{name}: {declared} (a temporal format of an old server; ALTER TABLE … FORCE renews it)"));
        }
        if extra.contains("ROW START")
            || extra.contains("ROW END")
            || extra.contains("WITHOUT SYSTEM VERSIONING")
        {
            out.unsupported.push(format!("{table}.{name}: system versioning"));
        }
        if declared.contains("COMPRESSED*/") || declared.contains("COMPRESSED */") {
            out.unsupported.push(format!("{table}.{name}: compressed column"));
        }
        let carry = if extra.contains("VIRTUAL GENERATED") {
            Carry::Virtual
        } else if extra.contains("STORED GENERATED") || extra.contains("PERSISTENT") {
            Carry::Generated
        } else {
            match data_type.as_str() {
                "bit" | "enum" | "set" => Carry::Number,
                "binary" | "varbinary" | "tinyblob" | "blob" | "mediumblob" | "longblob" => Carry::Hex,
                _ => Carry::Text,
            }
        };
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
            ]),
            create: Vec::new(),
        });
        entry.columns.push(Column {
            name,
            declared,
            carry,
            nullable: text(&row, 4) == "YES",
        });
    }
    Ok(())
}

fn read_indexes(db: &mut MariaDb, known: &BTreeSet<String>, out: &mut Tables) -> Result<()> {
    let ignored = or_empty(known, "STATISTICS", "IGNORED");
    let rows = db.catalog(&format!(
        "SELECT TABLE_NAME, INDEX_NAME, COLUMN_NAME, NON_UNIQUE, SUB_PART, INDEX_TYPE, COLLATION, INDEX_COMMENT, {ignored} \
         FROM information_schema.STATISTICS WHERE TABLE_SCHEMA=? ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX"
    ))?;
    let mut definitions: BTreeMap<String, String> = BTreeMap::new();
    for row in rows {
        let (table, index) = (text(&row, 0), text(&row, 1));
        if table == crate::marks::TABLE {
            continue;
        }
        if index == "PRIMARY"
            && let Some(entry) = out.tables.iter_mut().find(|t| t.name == table)
        {
            entry.key.push(text(&row, 2));
        }
        let definition = definitions.entry(label(&table, &index)).or_default();
        definition.push_str(&fields(&row[2..]));
        definition.push(';');
    }
    for (name, definition) in definitions {
        out.objects.push(Object {
            kind: Kind::Index,
            name,
            definition,
            create: Vec::new(),
        });
    }
    Ok(())
}

fn read_foreign_keys(db: &mut MariaDb, out: &mut Tables) -> Result<()> {
    let rows = db.catalog(
        "SELECT k.TABLE_NAME, k.CONSTRAINT_NAME, k.COLUMN_NAME, IF(k.REFERENCED_TABLE_SCHEMA=?, '', k.REFERENCED_TABLE_SCHEMA), \
         k.REFERENCED_TABLE_NAME, k.REFERENCED_COLUMN_NAME, r.UPDATE_RULE, r.DELETE_RULE \
         FROM information_schema.KEY_COLUMN_USAGE k JOIN information_schema.REFERENTIAL_CONSTRAINTS r \
         ON r.CONSTRAINT_SCHEMA=k.CONSTRAINT_SCHEMA AND r.CONSTRAINT_NAME=k.CONSTRAINT_NAME AND r.TABLE_NAME=k.TABLE_NAME \
         WHERE k.TABLE_SCHEMA=? AND r.CONSTRAINT_SCHEMA=? AND k.REFERENCED_TABLE_NAME IS NOT NULL \
         ORDER BY k.TABLE_NAME, k.CONSTRAINT_NAME, k.ORDINAL_POSITION",
    )?;
    let mut definitions: BTreeMap<String, String> = BTreeMap::new();
    for row in rows {
        let definition = definitions
            .entry(label(&text(&row, 0), &text(&row, 1)))
            .or_default();
        definition.push_str(&fields(&row[2..]));
        definition.push(';');
    }
    for (name, definition) in definitions {
        out.objects.push(Object {
            kind: Kind::ForeignKey,
            name,
            definition,
            create: Vec::new(),
        });
    }
    Ok(())
}

fn read_checks(db: &mut MariaDb, known: &BTreeSet<String>, out: &mut Tables) -> Result<()> {
    let level = or_empty(known, "CHECK_CONSTRAINTS", "LEVEL");
    let rows = db.catalog(&format!(
        "SELECT TABLE_NAME, CONSTRAINT_NAME, {level}, CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS \
         WHERE CONSTRAINT_SCHEMA=? ORDER BY TABLE_NAME, CONSTRAINT_NAME"
    ))?;
    for row in rows {
        out.objects.push(Object {
            kind: Kind::Check,
            name: label(&text(&row, 0), &text(&row, 1)),
            definition: fields(&row[2..]),
            create: Vec::new(),
        });
    }
    Ok(())
}
