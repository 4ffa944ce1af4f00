//! Tables, columns, keys and checks from the catalog.

mod columns;
pub(super) mod create;
mod keys;
mod partitions;

use super::MariaDb;
use crate::schema::{Carry, Kind, Object, Table};
use crate::{Error, Result};
use std::collections::{BTreeMap, BTreeSet};

/// What one reading of the table catalog gives.
pub(super) struct Tables {
    pub(super) tables: Vec<Table>,
    /// Those of the tables themselves come first, in their order.
    pub(super) objects: Vec<Object>,
    /// Where each table stands.
    places: BTreeMap<String, usize>,
    pub(super) counters: BTreeMap<String, i128>,
    pub(super) unsupported: Vec<String>,
    /// Names of system-versioned tables.
    versioned: BTreeSet<String>,
    /// Table, column, and the spatial reference system that the column declares.
    references: Vec<(String, String, u32)>,
}

pub(super) fn read(db: &mut MariaDb) -> Result<Tables> {
    let mut out = Tables {
        tables: Vec::new(),
        objects: Vec::new(),
        places: BTreeMap::new(),
        counters: BTreeMap::new(),
        unsupported: Vec::new(),
        versioned: BTreeSet::new(),
        references: Vec::new(),
    };
    let known = catalog_columns(db)?;
    read_tables(db, &mut out)?;
    columns::read_columns(db, &mut out)?;
    keys::read_indexes(db, &known, &mut out)?;
    keys::read_foreign_keys(db, &mut out)?;
    keys::read_checks(db, &known, &mut out)?;
    partitions::read_partitions(db, &mut out)?;
    create::read_statements(db, &mut out)?;
    // No table is without a column: the catalog leaves blank what it cannot open at this moment.
    if let Some(blank) = out.tables.iter().find(|t| t.columns.is_empty()) {
        return Err(locked(&blank.name));
    }
    for table in &mut out.tables {
        let stored = |c: &crate::schema::Column| !c.carry.computed() && c.carry != Carry::Discarded;
        if !table.columns.iter().any(stored) {
            out.unsupported
                .push(format!("{}: a table without a stored column", table.name));
        }
        // Rows of the past share their key with those of today.
        if let Some(end) = table.columns.iter().rfind(|c| c.carry == Carry::History)
            && !table.key.is_empty()
            && !table.key.contains(&end.name)
        {
            table.key.push(end.name.clone());
        }
    }
    Ok(out)
}

impl Tables {
    fn table(&mut self, name: &str) -> Option<&mut Table> {
        self.places.get(name).map(|place| &mut self.tables[*place])
    }

    /// Adds to the definition of the table at this place what its catalog row does not say.
    fn define_more(&mut self, place: usize, more: &str) {
        let definition = &mut self.objects[place].definition;
        definition.push(' ');
        definition.push_str(more);
    }
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

/// Whether another look at the catalog may do: a table was [`locked`], went away (1146) or was changed (1412, 1684) between
/// two of the queries.
fn may_pass(error: &Error) -> bool {
    match error {
        Error::Refused { .. } => true,
        Error::Server { number, .. } => [1146, 1412, 1684].contains(number),
        _ => false,
    }
}

/// How often the catalog is read again while a table cannot be looked at, a [`LOOK_AGAIN`] apart.
const LOOKS: u32 = 100;
const LOOK_AGAIN: std::time::Duration = std::time::Duration::from_millis(100);

/// [`read`], patient with a definition that somebody is changing.
pub(super) fn read_patiently(db: &mut MariaDb) -> Result<Tables> {
    let mut looks = 0;
    loop {
        match read(db) {
            Err(error) if looks < LOOKS && may_pass(&error) => {
                looks += 1;
                std::thread::sleep(LOOK_AGAIN);
            }
            other => return other,
        }
    }
}

fn read_tables(db: &mut MariaDb, out: &mut Tables) -> Result<()> {
    let rows = db.catalog(
        "SELECT TABLE_NAME, TABLE_TYPE, ENGINE, TABLE_ROWS, AUTO_INCREMENT, ROW_FORMAT, TABLE_COLLATION, CREATE_OPTIONS, TABLE_COMMENT, DATA_LENGTH \
         FROM information_schema.TABLES WHERE TABLE_SCHEMA=? AND TABLE_TYPE<>'VIEW' ORDER BY TABLE_NAME",
    )?;
    for row in rows {
        let (name, table_type, engine) = (text(&row, 0), text(&row, 1), text(&row, 2));
        if name == crate::marks::TABLE {
            if !db.origin.1.restoring {
                out.unsupported
                    .push(format!("{name}: {}", crate::marks::UNFINISHED));
            }
            continue;
        }
        if table_type == "SEQUENCE" {
            continue;
        }
        let versioned = table_type == "SYSTEM VERSIONED";
        if table_type != "BASE TABLE" && !versioned {
            out.unsupported
                .push(format!("{name}: {}", table_type.to_lowercase()));
            continue;
        }
        // The catalog leaves a table blank while another session waits for it, or holds it, exclusively.
        if engine.is_empty() {
            return Err(locked(&name));
        }
        if engine != "InnoDB" {
            out.unsupported.push(format!(
                "{name}: engine {engine} (its rows are outside every snapshot; ALTER TABLE {} ENGINE=InnoDB)",
                db.dialect.quote(&name)
            ));
        }
        if versioned {
            out.versioned.insert(name.clone());
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
        let place = out.tables.len();
        out.places.insert(name.clone(), place);
        if versioned {
            out.define_more(place, "WITH SYSTEM VERSIONING");
        }
        out.tables.push(Table {
            name,
            columns: Vec::new(),
            key: Vec::new(),
            rows_estimate: text(&row, 3).parse().unwrap_or(0),
            bytes_estimate: text(&row, 9).parse().unwrap_or(0),
            longest_row: 0,
            create: String::new(),
        });
    }
    Ok(())
}
