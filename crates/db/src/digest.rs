//! The content digest: one value for live, restored copy, replica and dump, free of row order and of the schema's name.
//!
//! Version 1. Per row a keyed BLAKE3 hash over typed, length-prefixed binary values; the key is a hash of the table's
//! name, column names and types. Row hashes of a table are added modulo 2^128 and counted, so order does not matter and
//! a doubled row never cancels out. Tables and objects are then hashed in sorted order with SHA-256.

mod files;
mod rows;

pub use files::of_files;
pub(crate) use files::{PrivateCopy, decode_chunk};
pub(crate) use rows::RowHash;

use crate::progress::{Listener, Progress};
use crate::schema::{Kind, Outline, Schema, Table};
use crate::{Cell, Database, Error, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// A table's share of a digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableDigest {
    pub name: String,
    pub rows: u64,
    pub digest: String,
}

/// The digest of a database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// 64 hexadecimal digits.
    pub digest: String,
    pub tables: Vec<TableDigest>,
    /// Objects by kind and name, each with the hash of its definition.
    pub objects: BTreeMap<String, String>,
    /// Carried and reported, not part of `digest`: equal after a restore, never lower after a rollback.
    pub counters: BTreeMap<String, u64>,
}

impl Digest {
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|t| t.rows).sum()
    }

    /// Where two digests differ, by name; empty when they are equal.
    pub fn differences(&self, other: &Digest) -> Vec<String> {
        let mut out = Vec::new();
        let theirs: BTreeMap<_, _> = other.tables.iter().map(|t| (&t.name, t)).collect();
        for table in &self.tables {
            match theirs.get(&table.name) {
                None => out.push(format!("table {} is missing", table.name)),
                Some(t) if t.rows != table.rows => {
                    out.push(format!(
                        "table {}: {} rows, {} expected",
                        table.name, t.rows, table.rows
                    ));
                }
                Some(t) if t.digest != table.digest => {
                    out.push(format!(
                        "table {}: same row count ({}), other content",
                        table.name, t.rows
                    ));
                }
                Some(_) => {}
            }
        }
        let ours: Vec<_> = self.tables.iter().map(|t| &t.name).collect();
        out.extend(
            other
                .tables
                .iter()
                .filter(|t| !ours.contains(&&t.name))
                .map(|t| format!("table {} is extra", t.name)),
        );
        for (name, hash) in &self.objects {
            match other.objects.get(name) {
                None => out.push(format!("{name} is missing")),
                Some(h) if h != hash => out.push(format!("{name} is defined otherwise")),
                Some(_) => {}
            }
        }
        out.extend(
            other
                .objects
                .keys()
                .filter(|n| !self.objects.contains_key(*n))
                .map(|n| format!("{n} is extra")),
        );
        out
    }
}

/// Adds up the rows of one table.
pub struct TableHasher {
    name: String,
    key: [u8; 32],
    /// Positions of the hashed columns in the rows that are fed.
    picks: Vec<usize>,
    rows: u64,
    sum: u128,
}

impl TableHasher {
    /// A hasher of the table's columns, or of those that `outline` knows. `None` when the outline lacks the table.
    pub fn new(table: &Table, outline: Option<&Outline>) -> Option<TableHasher> {
        let picks: Vec<usize> = match outline {
            None => (0..table.columns.len()).collect(),
            Some(outline) => {
                let known = outline.tables.get(&table.name)?;
                (0..table.columns.len())
                    .filter(|i| known.contains(&table.columns[*i].name))
                    .collect()
            }
        };
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"ventana digest 1 table");
        let mut feed = |text: &str| {
            hasher
                .update(&(text.len() as u64).to_le_bytes())
                .update(text.as_bytes());
        };
        feed(&table.name);
        for i in &picks {
            feed(&table.columns[*i].name);
            feed(&table.columns[*i].declared);
        }
        Some(TableHasher {
            name: table.name.clone(),
            key: *hasher.finalize().as_bytes(),
            picks,
            rows: 0,
            sum: 0,
        })
    }

    /// Adds one row, its cells in the table's column order.
    pub fn row(&mut self, cells: &[Cell]) {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        for i in &self.picks {
            cells[*i].hash_into(&mut hasher);
        }
        let hash = hasher.finalize();
        let mut half = [0u8; 16];
        half.copy_from_slice(&hash.as_bytes()[..16]);
        self.sum = self.sum.wrapping_add(u128::from_le_bytes(half));
        self.rows += 1;
    }

    pub fn finish(self) -> TableDigest {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher
            .update(&self.rows.to_le_bytes())
            .update(&self.sum.to_le_bytes());
        TableDigest {
            name: self.name,
            rows: self.rows,
            digest: hasher.finalize().to_hex().to_string(),
        }
    }
}

/// Joins table digests and the schema's objects to the digest of the database.
pub fn combine(schema: &Schema, mut tables: Vec<TableDigest>, outline: Option<&Outline>) -> Digest {
    tables.sort_by(|a, b| a.name.cmp(&b.name));
    let mut objects = BTreeMap::new();
    for object in &schema.objects {
        let known = outline.is_none_or(|o| o.objects.contains(&(object.kind, object.name.clone())));
        if known {
            let name = format!("{} {}", kind_word(object.kind), object.name);
            objects.insert(
                name,
                blake3::hash(object.definition.as_bytes()).to_hex().to_string(),
            );
        }
    }
    let mut hasher = Sha256::new();
    hasher.update(format!("ventana digest 1\n{}\n", schema.dialect.name()));
    for table in &tables {
        hasher.update(format!(
            "table {}\0{}\0{}\n",
            table.name, table.rows, table.digest
        ));
    }
    for (name, hash) in &objects {
        hasher.update(format!("object {name}\0{hash}\n"));
    }
    let digest = hasher.finalize().iter().map(|b| format!("{b:02x}")).collect();
    Digest {
        digest,
        tables,
        objects,
        counters: schema.counters.clone(),
    }
}

/// Digest of the whole database, inside one snapshot; through `outline` when one is given.
pub fn compute(
    db: &mut dyn Database,
    outline: Option<&Outline>,
    listen: &mut Listener<'_>,
) -> Result<Digest> {
    let schema = snapshot(db)?;
    let tables = scan_all(db, &schema, outline, listen);
    let ended = db.end_snapshot();
    let digest = combine(&schema, tables?, outline);
    ended?;
    Ok(digest)
}

/// Opens a snapshot together with the catalog that is true in it: a definition that changed between reading the catalog
/// and opening the view would be hashed with rows that it does not describe.
pub(crate) fn snapshot(db: &mut dyn Database) -> Result<Schema> {
    let mut schema = db.inspect()?;
    for _ in 0..5 {
        schema.supported()?;
        match db.begin_snapshot(&schema) {
            // A table was changed, dropped or renamed between the catalog and the view.
            Err(Error::Server {
                number: 1412 | 1146, ..
            }) => {
                schema = db.inspect()?;
                continue;
            }
            other => other?,
        }
        let again = match db.inspect() {
            Ok(again) => again,
            Err(error) => {
                // The first error is the one to tell.
                let _ = db.end_snapshot();
                return Err(error);
            }
        };
        if again.defines_the_same(&schema) {
            return Ok(again);
        }
        db.end_snapshot()?;
        schema = again;
    }
    Err(Error::refused(
        format!(
            "definitions in {} keep changing while they are read",
            schema.database
        ),
        "wait until the other migration is done",
    ))
}

fn scan_all(
    db: &mut dyn Database,
    schema: &Schema,
    outline: Option<&Outline>,
    listen: &mut Listener<'_>,
) -> Result<Vec<TableDigest>> {
    let rows_total = schema.rows_estimate();
    let mut rows = 0;
    let mut out = Vec::new();
    for table in &schema.tables {
        let Some(mut hasher) = TableHasher::new(table, outline) else {
            continue;
        };
        let columns: Vec<String> = table.columns.iter().map(|c| c.name.clone()).collect();
        db.scan(table, &columns, &mut |cells| {
            hasher.row(cells);
            rows += 1;
            if rows % 8192 == 0 {
                listen(Progress {
                    rows,
                    rows_total,
                    bytes: 0,
                    table: &table.name,
                });
            }
            Ok(())
        })?;
        out.push(hasher.finish());
    }
    listen(Progress {
        rows,
        rows_total,
        bytes: 0,
        table: "",
    });
    Ok(out)
}

pub(crate) fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Database => "database",
        Kind::Table => "table",
        Kind::Column => "column",
        Kind::Index => "index",
        Kind::ForeignKey => "foreign key",
        Kind::Check => "check",
        Kind::Routine => "routine",
        Kind::View => "view",
        Kind::Trigger => "trigger",
        Kind::Event => "event",
    }
}
