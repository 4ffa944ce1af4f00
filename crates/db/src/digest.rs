//! The content digest: one value for live, restored copy, replica and dump, free of row order and of the schema's name.
//!
//! Version 1. Per row a keyed BLAKE3 hash over typed, length-prefixed binary values; the key is a hash of the table's
//! name, column names and types. Row hashes of a table are added modulo 2^128 and counted, so order does not matter and
//! a doubled row never cancels out. Tables and objects are then hashed in sorted order with SHA-256.

mod files;

pub use files::of_files;
pub(crate) use files::{PrivateCopy, decode_chunk};

use crate::progress::{Listener, Progress, tell};
use crate::reading::{self, Counting, Queue};
use crate::row::{self, Value, Visit};
use crate::schema::{Outline, Schema, Table};
use crate::snapshot::{self, Terms};
use crate::throttle::Throttle;
use crate::{Database, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::io::Read;

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
    pub counters: BTreeMap<String, i128>,
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

/// Rows of one table added up: their hashes modulo 2^128 and their number. Sums of parts add up to that of the whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowSum {
    pub rows: u64,
    sum: u128,
}

impl RowSum {
    /// The sum of both; in whatever order parts are added, the result is the same.
    pub fn plus(self, other: RowSum) -> RowSum {
        RowSum {
            rows: self.rows + other.rows,
            sum: self.sum.wrapping_add(other.sum),
        }
    }
}

/// 32 hexadecimal digits: what a manifest keeps of a chunk.
impl std::fmt::Display for RowSum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:032x}", self.sum)
    }
}

/// Adds up the rows of one table. It takes rows as a [`Visit`], and long values piece by piece.
pub struct TableHasher {
    name: String,
    key: [u8; 32],
    /// Whether the column at this place of the rows is hashed.
    picked: Vec<bool>,
    /// Rows that wait to be hashed together, one behind the other, and the row that is being read.
    waiting: Vec<u8>,
    /// Where each row that waits ends.
    ends: Vec<usize>,
    /// The beginning of the row, where a value of it was too long to hold.
    begun: Option<Box<blake3::Hasher>>,
    sum: RowSum,
}

/// Bytes of rows that are hashed together: they stay in the processor's caches.
const TOGETHER: usize = 64 << 10;

impl TableHasher {
    /// A hasher of the table's columns, or of those that `outline` knows. `None` when the outline lacks the table.
    pub fn new(table: &Table, outline: Option<&Outline>) -> Option<TableHasher> {
        let picked: Vec<bool> = match outline {
            None => vec![true; table.columns.len()],
            Some(outline) => {
                let known = outline.tables.get(&table.name)?;
                table.columns.iter().map(|c| known.contains(&c.name)).collect()
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
        for (column, _) in table.columns.iter().zip(&picked).filter(|(_, picked)| **picked) {
            feed(&column.name);
            feed(&column.declared);
        }
        Some(TableHasher {
            name: table.name.clone(),
            key: *hasher.finalize().as_bytes(),
            picked,
            waiting: Vec::new(),
            ends: Vec::new(),
            begun: None,
            sum: RowSum::default(),
        })
    }

    /// A value of the row.
    #[inline]
    pub fn put(&mut self, column: usize, value: Value<'_>) {
        if self.picked[column] {
            value.put(&mut self.waiting);
        }
    }

    /// A value of `length` bytes begins, which [`TableHasher::piece`] gives; answers whether it is wanted.
    pub fn begin_long(&mut self, column: usize, text: bool, length: u64) -> bool {
        if !self.picked[column] {
            return false;
        }
        self.waiting.push(if text { row::TEXT } else { row::BYTES });
        self.waiting.extend_from_slice(&length.to_le_bytes());
        true
    }

    /// The next bytes of a long value.
    pub fn piece(&mut self, bytes: &[u8]) {
        let hasher = match &mut self.begun {
            Some(hasher) => hasher,
            None => self.begun.insert(Box::new(blake3::Hasher::new_keyed(&self.key))),
        };
        let begin = self.ends.last().copied().unwrap_or(0);
        hasher.update(&self.waiting[begin..]).update(bytes);
        self.waiting.truncate(begin);
    }

    /// The row is complete.
    pub fn end_row(&mut self) {
        if self.begun.is_some() {
            self.end_row_now();
            return;
        }
        self.ends.push(self.waiting.len());
        self.sum.rows += 1;
        if self.waiting.len() >= TOGETHER {
            self.hash_waiting();
        }
    }

    /// The row is complete; answers its hash.
    pub fn end_row_now(&mut self) -> u128 {
        let begin = self.ends.last().copied().unwrap_or(0);
        let row = &self.waiting[begin..];
        let hash = match self.begun.take() {
            Some(mut hasher) => hasher.update(row).finalize(),
            None => blake3::keyed_hash(&self.key, row),
        };
        self.waiting.truncate(begin);
        let hash = half(&hash);
        self.sum.sum = self.sum.sum.wrapping_add(hash);
        self.sum.rows += 1;
        hash
    }

    fn hash_waiting(&mut self) {
        let sum = blake3_many::keyed_sum(&self.key, &self.waiting, &self.ends);
        self.sum.sum = self.sum.sum.wrapping_add(sum);
        self.waiting.clear();
        self.ends.clear();
    }

    /// Rows since the last cut.
    pub fn rows(&self) -> u64 {
        self.sum.rows
    }

    /// The sum since the last cut; the next one begins.
    pub fn cut(&mut self) -> RowSum {
        self.hash_waiting();
        std::mem::take(&mut self.sum)
    }

    /// The digest of the table, `rows` being all of them.
    pub fn table(&self, rows: RowSum) -> TableDigest {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher
            .update(&rows.rows.to_le_bytes())
            .update(&rows.sum.to_le_bytes());
        TableDigest {
            name: self.name.clone(),
            rows: rows.rows,
            digest: hasher.finalize().to_hex().to_string(),
        }
    }
}

/// The first half of a hash, as a number.
pub(crate) fn half(hash: &blake3::Hash) -> u128 {
    let (halves, _) = hash.as_bytes().as_chunks::<16>();
    u128::from_le_bytes(halves[0])
}

impl Visit for TableHasher {
    fn value(&mut self, column: usize, value: Value<'_>) -> Result<()> {
        self.put(column, value);
        Ok(())
    }

    fn long(&mut self, column: usize, text: bool, length: u64, data: &mut dyn Read) -> Result<()> {
        if self.begin_long(column, text, length) {
            row::pieces(length, data, &mut |piece| {
                self.piece(piece);
                Ok(())
            })?;
        }
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        self.end_row();
        Ok(())
    }
}

/// Joins table digests and the schema's objects to the digest of the database.
pub fn combine(schema: &Schema, mut tables: Vec<TableDigest>, outline: Option<&Outline>) -> Digest {
    tables.sort_by(|a, b| a.name.cmp(&b.name));
    let mut objects = BTreeMap::new();
    for object in &schema.objects {
        let known = outline.is_none_or(|o| o.objects.contains(&(object.kind, object.name.clone())));
        if known {
            let name = format!("{} {}", object.kind.word(), object.name);
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

/// Digest of the whole database, inside one snapshot that several connections read; through `outline` when one is given.
pub fn compute(
    db: &mut dyn Database,
    outline: Option<&Outline>,
    listen: &mut Listener<'_>,
) -> Result<Digest> {
    compute_at(db, outline, Throttle::new(None), listen)
}

/// [`compute`], no faster than `throttle` lets its readers.
pub fn compute_at(
    db: &mut dyn Database,
    outline: Option<&Outline>,
    throttle: Throttle,
    listen: &mut Listener<'_>,
) -> Result<Digest> {
    let terms = Terms::readers(db.connections());
    let mut snapshot = snapshot::open(db, &terms, &mut |waiting| {
        tell(listen, Progress::waiting(waiting))
    })?;
    let schema = snapshot.schema.clone();
    let parts = snapshot.parts()?;
    let queue = Queue::of(&schema, &parts, |table| {
        outline.is_none_or(|o| o.tables.contains_key(&table.name))
    })
    .throttled(throttle);
    let sums = reading::run(
        snapshot.connections(),
        &queue,
        &schema,
        listen,
        |db, part, told| {
            let table = &schema.tables[part.table];
            let hasher =
                TableHasher::new(table, outline).expect("the queue leaves out what the outline lacks");
            let mut rows = Counting::new(hasher, told, part.table);
            db.visit(
                table,
                &columns(table),
                part.range.condition().as_deref(),
                &mut rows,
            )?;
            Ok(rows.finish()?.cut())
        },
    )
    .and_then(|sums: Vec<(usize, RowSum)>| {
        let read = sums.iter().map(|(table, sum)| (*table, sum.rows));
        reading::counted(&mut *snapshot.readers[0], &schema, &parts, read)?;
        Ok(sums)
    });
    let closed = snapshot.end();
    let sums = sums?;
    closed?;
    Ok(combine(&schema, tables(&schema, outline, &sums), outline))
}

/// The digests of the tables from the sums of their parts.
pub(crate) fn tables(
    schema: &Schema,
    outline: Option<&Outline>,
    sums: &[(usize, RowSum)],
) -> Vec<TableDigest> {
    let whole = |index: usize| {
        sums.iter()
            .filter(|(table, _)| *table == index)
            .fold(RowSum::default(), |all, (_, part)| all.plus(*part))
    };
    (0..schema.tables.len())
        .filter_map(|i| Some(TableHasher::new(&schema.tables[i], outline)?.table(whole(i))))
        .collect()
}

/// Every column, in the order of the table.
pub(crate) fn columns(table: &Table) -> Vec<String> {
    table.columns.iter().map(|c| c.name.clone()).collect()
}
