//! How big tables are divided among several readers: by ranges of the first column of their primary key.

use super::MariaDb;
use crate::database::CHUNK_BYTES;
use crate::reading::Range;
use crate::schema::{Schema, Table};
use crate::{Cell, Database, Result};

/// A part of an integer key is divided again while the server expects more than this many times its share in it.
const UNEVEN: u64 = 3;
/// Parts after which they grow instead of becoming more.
const PLENTY: u64 = 1000;
/// Ranges of one table: a backup's folder should stay one that people can list.
const MOST: u64 = 10_000;

/// The parts of each table, in the order of the schema.
pub(super) fn parts(db: &mut MariaDb, schema: &Schema) -> Result<Vec<Vec<Range>>> {
    // A part becomes one chunk.
    let asked = db.origin.1.chunk_bytes;
    let wanted = |length: u64| match asked {
        0 => length / CHUNK_BYTES.max(length / PLENTY),
        bytes => (length / bytes).min(MOST),
    };
    schema
        .tables
        .iter()
        .map(|table| {
            let wanted = wanted(table.bytes_estimate);
            match key(table).filter(|_| wanted > 1) {
                None => Ok(vec![Range::default()]),
                Some(Key::Integer(column)) => by_value(db, table, &column, wanted),
                Some(Key::Other(column, literal)) => by_walking(db, table, &column, &literal, wanted),
            }
        })
        .collect()
}

enum Key {
    /// The column, quoted.
    Integer(String),
    /// The column, quoted, and an expression that prints a value of it as a literal.
    Other(String, String),
}

fn key(table: &Table) -> Option<Key> {
    let name = table.key.first()?;
    let column = table.columns.iter().find(|c| c.name == *name)?;
    let quoted = crate::Dialect::MariaDb.quote(name);
    let kind = column.declared.split(['(', ' ']).next().unwrap_or("");
    Some(match kind {
        "tinyint" | "smallint" | "mediumint" | "int" | "bigint" => Key::Integer(quoted),
        // With its character set, so that the column's collation compares it, and none is converted.
        "char" | "varchar" | "binary" | "varbinary" => {
            let literal = format!("CONCAT('_', CHARSET({quoted}), ' X''', HEX({quoted}), '''')");
            Key::Other(quoted, literal)
        }
        "uuid" => {
            let literal = format!("QUOTE({quoted})");
            Key::Other(quoted, literal)
        }
        // A DECIMAL is compared with a text as a DOUBLE, and a date that is none with nothing at all: rows at the cuts
        // could be in no part.
        _ => return None,
    })
}

/// Cuts at evenly spaced values, and again where many rows lie between two of them: nothing is read for it.
fn by_value(db: &mut MariaDb, table: &Table, column: &str, wanted: u64) -> Result<Vec<Range>> {
    let name = db.dialect.quote(&table.name);
    let bounds = db.query(&format!("SELECT MIN({column}), MAX({column}) FROM {name}"))?;
    let bound = |i: usize| {
        bounds
            .first()
            .and_then(|r| r.get(i))
            .and_then(Cell::to_text)?
            .parse::<i128>()
            .ok()
    };
    let (Some(first), Some(last)) = (bound(0), bound(1)) else {
        return Ok(vec![Range::default()]);
    };
    let share = (table.rows_estimate / wanted).max(1);
    let mut cuts = Vec::new();
    let mut before = first - 1;
    for i in 1..=wanted {
        let until = first - 1 + (last - first + 1) * i128::from(i) / i128::from(wanted);
        if until > before {
            divide(db, &name, column, (before, until), share, &mut cuts)?;
            cuts.push(until);
            before = until;
        }
    }
    // The last part is open: what lies behind the greatest value seen belongs to it.
    cuts.pop();
    Ok(ranges(column, cuts.iter().map(i128::to_string)))
}

/// Cuts `(after, until]` in halves until the server expects few enough rows in each.
fn divide(
    db: &mut MariaDb,
    table: &str,
    column: &str,
    (after, until): (i128, i128),
    share: u64,
    cuts: &mut Vec<i128>,
) -> Result<()> {
    if until - after < 2 || cuts.len() as u64 >= MOST {
        return Ok(());
    }
    let plan = db.query(&format!(
        "EXPLAIN SELECT 1 FROM {table} FORCE INDEX (PRIMARY) WHERE {column}>{after} AND {column}<={until}"
    ))?;
    // Column `rows` of the plan.
    let expected = plan
        .first()
        .and_then(|r| r.get(8))
        .and_then(Cell::as_i64)
        .unwrap_or(0);
    if expected as u64 <= share * UNEVEN {
        return Ok(());
    }
    let middle = after + (until - after) / 2;
    divide(db, table, column, (after, middle), share, cuts)?;
    cuts.push(middle);
    divide(db, table, column, (middle, until), share, cuts)
}

/// Cuts after every so many rows of the key, in the order in which the server sorts it.
fn by_walking(
    db: &mut MariaDb,
    table: &Table,
    column: &str,
    literal: &str,
    wanted: u64,
) -> Result<Vec<Range>> {
    let name = db.dialect.quote(&table.name);
    let share = (table.rows_estimate / wanted).max(1);
    let mut cuts: Vec<String> = Vec::new();
    while (cuts.len() as u64) < MOST {
        let after = cuts
            .last()
            .map_or(String::new(), |cut| format!(" WHERE {column}>{cut}"));
        let next = db.text(&format!(
            "SELECT {literal} FROM {name}{after} ORDER BY {column} LIMIT 1 OFFSET {share}"
        ))?;
        match next {
            Some(next) => cuts.push(next),
            None => break,
        }
    }
    Ok(ranges(column, cuts.into_iter()))
}

/// The ranges between the cuts, the first and the last open.
fn ranges(column: &str, cuts: impl Iterator<Item = String>) -> Vec<Range> {
    let mut out = Vec::new();
    let mut after = None;
    for cut in cuts {
        out.push(Range {
            column: column.into(),
            after: after.replace(cut.clone()),
            until: Some(cut),
        });
    }
    out.push(Range {
        column: column.into(),
        after,
        until: None,
    });
    out
}
