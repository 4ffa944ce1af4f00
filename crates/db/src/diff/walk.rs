//! One reading of a table: its digest, and for each row its hash and its key.

use super::side::Side;
use crate::digest::{TableDigest, TableHasher, half};
use crate::row::{Value, Visit};
use crate::schema::{Outline, Table};
use crate::{Cell, Error, Result};
use std::io::Read;

/// What of a table's rows is looked at.
pub(super) struct Shape {
    /// For each column its place in the key.
    key: Vec<Option<usize>>,
    width: usize,
    /// Where the sides' columns differ: the hash of those that both have, under a key that knows no types.
    common: Option<Vec<(usize, String)>>,
}

impl Shape {
    pub(super) fn new(table: &Table, key: &[String], common: Option<&Outline>) -> Shape {
        let common = common.and_then(|o| o.tables.get(&table.name)).map(|names| {
            names
                .iter()
                .filter_map(|name| table.columns.iter().position(|c| c.name == *name))
                .map(|at| (at, table.columns[at].name.clone()))
                .collect()
        });
        Shape {
            key: table
                .columns
                .iter()
                .map(|c| key.iter().position(|k| *k == c.name))
                .collect(),
            width: key.len(),
            common,
        }
    }

    /// Whether a column's value is compared.
    pub(super) fn compares(&self, column: usize) -> bool {
        self.common
            .as_ref()
            .is_none_or(|common| common.iter().any(|(at, _)| *at == column))
    }
}

/// A row that was read.
pub(super) struct Row<'a> {
    /// How many came before it.
    pub(super) ordinal: u64,
    pub(super) key: &'a [Cell],
    /// Hash of the key; 0 without one.
    pub(super) id: u128,
    /// Hash of what is compared.
    pub(super) hash: u128,
}

/// Who takes rows; answers whether there is more to look at.
pub(super) type OnRow<'a> = dyn FnMut(&Row<'_>) -> Result<bool> + 'a;

/// Reads the table once. Where `each` wants no more the digest is that of the rows so far.
pub(super) fn walk(
    side: &mut dyn Side,
    table: &Table,
    shape: &Shape,
    each: &mut OnRow<'_>,
) -> Result<TableDigest> {
    let hasher = super::hasher(table);
    let mut walker = Walker {
        common: shape.common.as_ref().map(|common| Common {
            columns: common,
            sum: 0,
        }),
        hasher,
        shape,
        key: vec![Cell::Null; shape.width],
        ordinal: 0,
        enough: false,
        each,
    };
    let read = side.rows(table, &mut walker);
    read?;
    let rows = walker.hasher.cut();
    Ok(walker.hasher.table(rows))
}

struct Walker<'a> {
    hasher: TableHasher,
    common: Option<Common<'a>>,
    shape: &'a Shape,
    key: Vec<Cell>,
    ordinal: u64,
    enough: bool,
    each: &'a mut OnRow<'a>,
}

/// Values by their column's name, added up: columns may stand in another order on the other side.
struct Common<'a> {
    columns: &'a [(usize, String)],
    sum: u128,
}

impl Common<'_> {
    fn add(&mut self, column: usize, feed: impl FnOnce(&mut blake3::Hasher)) {
        if let Some((_, name)) = self.columns.iter().find(|(at, _)| *at == column) {
            let mut hasher = blake3::Hasher::new();
            hasher
                .update(&(name.len() as u64).to_le_bytes())
                .update(name.as_bytes());
            feed(&mut hasher);
            self.sum = self.sum.wrapping_add(half(&hasher.finalize()));
        }
    }
}

impl Visit for Walker<'_> {
    fn value(&mut self, column: usize, value: Value<'_>) -> Result<()> {
        // A connection that is left in the middle of its answer is good for nothing, so the rest passes by.
        if self.enough {
            return Ok(());
        }
        self.hasher.put(column, value);
        if let Some(common) = &mut self.common {
            common.add(column, |hasher| value.hash_into(hasher));
        }
        if let Some(Some(place)) = self.shape.key.get(column) {
            self.key[*place] = value.to_cell();
        }
        Ok(())
    }

    fn long(&mut self, column: usize, text: bool, length: u64, data: &mut dyn Read) -> Result<()> {
        if self.enough {
            return Ok(());
        }
        let keyed = matches!(self.shape.key.get(column), Some(Some(_)));
        if !keyed && self.common.is_none() {
            return self.hasher.long(column, text, length, data);
        }
        // A key this long only SQLite takes; and a value that is hashed twice is held once.
        let mut bytes = Vec::new();
        data.take(length)
            .read_to_end(&mut bytes)
            .map_err(|e| Error::io("reading a long value", e))?;
        let value = if text {
            Value::Text(&bytes)
        } else {
            Value::Bytes(&bytes)
        };
        self.value(column, value)
    }

    fn end(&mut self) -> Result<()> {
        if self.enough {
            return Ok(());
        }
        let full = self.hasher.end_row_now();
        let hash = self.common.as_mut().map_or(full, |c| std::mem::take(&mut c.sum));
        let id = if self.key.is_empty() {
            0
        } else {
            let mut hasher = blake3::Hasher::new();
            self.key
                .iter()
                .for_each(|cell| cell.as_value().hash_into(&mut hasher));
            half(&hasher.finalize())
        };
        let row = Row {
            ordinal: self.ordinal,
            key: &self.key,
            id,
            hash,
        };
        self.ordinal += 1;
        if (self.each)(&row)? {
            return Ok(());
        }
        self.enough = true;
        Ok(())
    }
}
