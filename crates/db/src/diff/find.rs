//! Which rows of the ranges that differ are missing, extra or different.

use super::literal::{condition, literal, shortened};
use super::segments::Segments;
use super::side::Side;
use super::walk::{Shape, walk};
use super::{Key, Limits, Range, State, TableDifference, ValueDifference};
use crate::row::{Value, Visit};
use crate::schema::Table;
use crate::{Cell, Dialect, Result};
use std::collections::{BTreeMap, HashMap};
use std::io::Read;

/// A key of a range that differs. SQLite takes several rows with one key, where it is NULL.
struct Entry {
    rows: [u32; 2],
    sums: [u128; 2],
    range: usize,
    ordinal: u64,
    key: Box<[Cell]>,
}

/// Fills in the ranges of `difference`.
///
/// The keys of the ranges that differ are matched all together, so that a row that stands elsewhere in the other side's
/// order is not taken for two. Where they are more than may be held they are matched in turns, each turn those whose hash
/// falls to it, until enough are found.
pub(super) fn keys(
    sides: &mut [&mut dyn Side; 2],
    pair: [&Table; 2],
    shapes: &[Shape; 2],
    segments: &Segments,
    first: usize,
    limits: Limits,
    difference: &mut TableDifference,
) -> Result<()> {
    let dialect = sides[0].schema().dialect;
    let ranges = segments.ranges();
    let rows: u64 = ranges
        .iter()
        .filter(|r| r.differs)
        .map(|r| r.rows[0].max(r.rows[1]))
        .sum();
    let turns = u128::from(rows.div_ceil(limits.held.max(1)).max(1));
    let mut found: Vec<(u128, Entry)> = Vec::new();
    for turn in 0..turns {
        let mut entries: HashMap<u128, Entry> = HashMap::new();
        for side in [first, 1 - first] {
            let mut at = segments.cursor(side == first);
            walk(sides[side], pair[side], &shapes[side], &mut |row| {
                at.follow(segments, row);
                let range = segments.range(at.now());
                if !ranges[range].differs || row.id % turns != turn {
                    return Ok(true);
                }
                let entry = entries.entry(row.id).or_insert_with(|| Entry {
                    rows: [0; 2],
                    sums: [0; 2],
                    range,
                    ordinal: row.ordinal,
                    key: row.key.into(),
                });
                entry.rows[side] += 1;
                entry.sums[side] = entry.sums[side].wrapping_add(row.hash);
                Ok(true)
            })?;
        }
        found.extend(
            entries
                .into_iter()
                .filter(|(_, e)| e.rows[0] != e.rows[1] || e.sums[0] != e.sums[1]),
        );
        difference.complete = turn + 1 == turns;
        if found.len() >= limits.keys {
            break;
        }
    }
    difference.differing = found.len() as u64;
    found.sort_by_key(|(id, e)| (e.range, e.ordinal, *id));
    found.truncate(limits.keys);
    let mut values = if limits.values {
        let wanted: Vec<u128> = found.iter().map(|(id, _)| *id).collect();
        values(sides, pair, shapes, &wanted, dialect)?
    } else {
        HashMap::new()
    };
    let mut named: BTreeMap<usize, Vec<Key>> = BTreeMap::new();
    for (id, entry) in found {
        let state = match entry.rows {
            [_, 0] => State::Missing,
            [0, _] => State::Extra,
            _ => State::Different,
        };
        named.entry(entry.range).or_default().push(Key {
            key: condition(dialect, pair[first], &entry.key),
            state,
            values: values.remove(&id).unwrap_or_default(),
        });
    }
    let bound = |key: &Option<Vec<Cell>>| key.as_ref().map(|k| condition(dialect, pair[first], k));
    for (at, range) in ranges.iter().enumerate().filter(|(_, r)| r.differs) {
        difference.ranges.push(Range {
            chunks: range.chunks.clone(),
            from: bound(&range.from),
            to: ranges.get(at + 1).and_then(|next| bound(&next.from)),
            rows_left: range.rows[0],
            rows_right: range.rows[1],
            keys: named.remove(&at).unwrap_or_default(),
        });
    }
    Ok(())
}

type Values = HashMap<u128, Vec<ValueDifference>>;

/// The values of the wanted rows that are not the same on both sides.
fn values(
    sides: &mut [&mut dyn Side; 2],
    pair: [&Table; 2],
    shapes: &[Shape; 2],
    wanted: &[u128],
    dialect: Dialect,
) -> Result<Values> {
    let mut rows: [HashMap<u128, BTreeMap<String, String>>; 2] = Default::default();
    for side in 0..2 {
        let mut left: Vec<u128> = wanted.to_vec();
        let mut at = Vec::new();
        walk(sides[side], pair[side], &shapes[side], &mut |row| {
            if let Some(found) = left.iter().position(|id| *id == row.id) {
                at.push((row.ordinal, left.swap_remove(found)));
            }
            Ok(!left.is_empty())
        })?;
        let mut reader = Texts {
            table: pair[side],
            shape: &shapes[side],
            dialect,
            wanted: at.into_iter().collect(),
            ordinal: 0,
            rows: &mut rows[side],
        };
        sides[side].rows(pair[side], &mut reader)?;
    }
    let [left, right] = rows;
    Ok(wanted
        .iter()
        .map(|id| {
            let (l, r) = (left.get(id), right.get(id));
            let names = l.into_iter().chain(r).flat_map(BTreeMap::keys);
            let mut names: Vec<&String> = names.collect();
            names.sort();
            names.dedup();
            let differing = names
                .into_iter()
                .map(|column| ValueDifference {
                    column: column.clone(),
                    left: l.and_then(|v| v.get(column)).cloned(),
                    right: r.and_then(|v| v.get(column)).cloned(),
                })
                .filter(|v| v.left != v.right)
                .map(|v| ValueDifference {
                    left: v.left.map(shortened),
                    right: v.right.map(shortened),
                    ..v
                })
                .collect();
            (*id, differing)
        })
        .collect())
}

/// Reads the values of a few rows as literals.
struct Texts<'a> {
    table: &'a Table,
    shape: &'a Shape,
    dialect: Dialect,
    wanted: HashMap<u64, u128>,
    ordinal: u64,
    rows: &'a mut HashMap<u128, BTreeMap<String, String>>,
}

impl Texts<'_> {
    fn keep(&mut self, column: usize, text: impl FnOnce(&Table) -> String) {
        if let Some(id) = self.wanted.get(&self.ordinal)
            && self.shape.compares(column)
        {
            let name = self.table.columns[column].name.clone();
            self.rows.entry(*id).or_default().insert(name, text(self.table));
        }
    }
}

impl Visit for Texts<'_> {
    fn value(&mut self, column: usize, value: Value<'_>) -> Result<()> {
        let dialect = self.dialect;
        self.keep(column, |table| {
            literal(dialect, &table.columns[column], &value.to_cell())
        });
        Ok(())
    }

    fn long(&mut self, column: usize, _text: bool, length: u64, data: &mut dyn Read) -> Result<()> {
        if self.wanted.contains_key(&self.ordinal) {
            let mut hasher = blake3::Hasher::new();
            hasher
                .update_reader(data)
                .map_err(|e| crate::Error::io("reading a long value", e))?;
            let hash = hasher.finalize().to_hex();
            self.keep(column, |_| format!("({length} bytes, BLAKE3 {})", &hash[..12]));
        }
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        self.ordinal += 1;
        Ok(())
    }
}
