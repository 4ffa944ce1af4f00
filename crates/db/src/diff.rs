//! Where two databases differ: table, range of keys, key, and which definitions; whatever each of them lies in.
//!
//! Only a server can say which of two keys comes first (collations), and files have none. So nothing here compares keys by
//! order: both sides hand out their rows in their own order, which is that of the key wherever the engine keeps one;
//! ranges begin at keys that one side's order passes and the other's meets again, byte for byte; and rows are matched
//! by the hashes of their keys.

mod find;
mod literal;
mod segments;
mod side;
mod walk;

pub use side::{Files, Live, Piece, Side};

use crate::digest::{TableDigest, TableHasher, combine};
use crate::progress::{Listener, Progress, tell};
use crate::schema::{Outline, Schema, Table};
use crate::{Error, Result};
use segments::Segments;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use walk::{Shape, walk};

/// How much is told.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Rows named per table.
    pub keys: usize,
    /// The values of the rows that are named, too; nothing but keys leaves the databases otherwise.
    pub values: bool,
    /// Rows whose key and hash are held at a time.
    pub held: u64,
    /// Rows in a range where no side has chunks.
    pub range: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            keys: 20,
            values: false,
            held: 200_000,
            range: 50_000,
        }
    }
}

/// What differs. Equal: the digests are, so neither rows nor definitions differ (counters may).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    pub equal: bool,
    /// Content digests.
    pub left: String,
    pub right: String,
    /// Every table, by name.
    pub tables: Vec<TableDifference>,
    /// Definitions that differ.
    pub objects: Vec<ObjectDifference>,
    /// Counters that differ.
    pub counters: Vec<CounterDifference>,
}

/// One value for each side; none where the side lacks the thing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Both<T> {
    pub left: Option<T>,
    pub right: Option<T>,
}

/// A table's rows on both sides.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TableDifference {
    pub name: String,
    pub rows: Both<u64>,
    pub equal: bool,
    /// Whether the columns differ: rows are then compared through those that both have.
    pub other_columns: bool,
    /// The columns as declared, in their order, where they differ.
    pub columns: Both<Vec<String>>,
    /// Why no row can be named, where that is so.
    pub unnamed: Option<Unnamed>,
    /// Whether every row that differs was counted; where false, `differing` is only what was found.
    pub complete: bool,
    /// Rows that differ, of which the first stand in `ranges`.
    pub differing: u64,
    /// Ranges that differ, in the order of the side that has chunks, or the left one.
    pub ranges: Vec<Range>,
}

/// Why rows cannot be named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unnamed {
    /// The table has no primary key.
    NoKey,
    /// The two sides have different primary keys.
    OtherKey,
    /// Only one side has the table.
    OneSide,
}

/// Rows from one key to another.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Range {
    /// Files of the backup that hold these rows; empty where no side is one.
    pub chunks: Vec<String>,
    /// The first key, as a condition; none: from the beginning.
    pub from: Option<String>,
    /// The first key behind the range; none: to the end.
    pub to: Option<String>,
    pub rows_left: u64,
    pub rows_right: u64,
    pub keys: Vec<Key>,
}

/// A row that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Key {
    /// A condition that finds it.
    pub key: String,
    pub state: State,
    /// Values that differ, where they were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<ValueDifference>,
}

/// The left side is what is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The right side lacks it.
    Missing,
    /// Only the right side has it.
    Extra,
    Different,
}

/// SQL literals; long ones are cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ValueDifference {
    pub column: String,
    pub left: Option<String>,
    pub right: Option<String>,
}

/// A definition, canonical; none where the side lacks it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ObjectDifference {
    pub name: String,
    pub left: Option<String>,
    pub right: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CounterDifference {
    pub name: String,
    pub left: Option<i128>,
    pub right: Option<i128>,
}

/// Compares everything. Each side is read once; a table that differs twice more, once again for its values, and
/// as often as `limits.held` makes it necessary.
pub fn compare<'a>(
    left: &'a mut (dyn Side + 'a),
    right: &'a mut (dyn Side + 'a),
    limits: Limits,
    listen: &mut Listener<'_>,
) -> Result<Difference> {
    let schemas = [left.schema().clone(), right.schema().clone()];
    if schemas[0].dialect != schemas[1].dialect {
        return Err(Error::refused(
            format!(
                "{} and {} cannot be compared: their values are of other kinds",
                schemas[0].dialect.name(),
                schemas[1].dialect.name()
            ),
            "compare two databases of one dialect",
        ));
    }
    let names: BTreeSet<&String> = schemas
        .iter()
        .flat_map(|s| s.tables.iter().map(|t| &t.name))
        .collect();
    let mut digests: [Vec<TableDigest>; 2] = Default::default();
    let mut tables = Vec::new();
    let mut sides: [&mut dyn Side; 2] = [left, right];
    let rows_total = schemas.iter().map(Schema::rows_estimate).sum();
    let mut rows = 0;
    for name in names {
        let pair = [0, 1].map(|side| schemas[side].table(name));
        let (difference, found) = match pair {
            [Some(a), Some(b)] => both(&mut sides, [a, b], limits)?,
            _ => alone(&mut sides, pair)?,
        };
        for (side, digest) in found.into_iter().enumerate() {
            rows += digest.as_ref().map_or(0, |d| d.rows);
            digests[side].extend(digest);
        }
        tables.push(difference);
        let progress = Progress {
            rows,
            rows_total,
            table: name,
            ..Progress::default()
        };
        tell(listen, progress)?;
    }
    let [left, right] =
        [0, 1].map(|side| combine(&schemas[side], std::mem::take(&mut digests[side]), None).digest);
    Ok(Difference {
        equal: left == right,
        left,
        right,
        tables,
        objects: objects(&schemas),
        counters: counters(&schemas),
    })
}

type Digests = [Option<TableDigest>; 2];

/// A table that only one side has.
fn alone(sides: &mut [&mut dyn Side; 2], pair: [Option<&Table>; 2]) -> Result<(TableDifference, Digests)> {
    let mut digests: Digests = [None, None];
    let mut name = String::new();
    for (side, table) in pair.into_iter().enumerate() {
        let Some(table) = table else { continue };
        name.clone_from(&table.name);
        let shape = Shape::new(table, &[], None);
        digests[side] = Some(walk(sides[side], table, &shape, &mut |_| Ok(true))?);
    }
    let rows = |side: usize| digests[side].as_ref().map(|d| d.rows);
    let difference = TableDifference {
        name,
        rows: Both {
            left: rows(0),
            right: rows(1),
        },
        equal: false,
        other_columns: false,
        columns: Both::default(),
        unnamed: Some(Unnamed::OneSide),
        complete: true,
        differing: rows(0).or(rows(1)).unwrap_or(0),
        ranges: Vec::new(),
    };
    Ok((difference, digests))
}

/// A table that both sides have.
fn both(
    sides: &mut [&mut dyn Side; 2],
    pair: [&Table; 2],
    limits: Limits,
) -> Result<(TableDifference, Digests)> {
    let unnamed = if pair[0].key.is_empty() && pair[1].key.is_empty() {
        Some(Unnamed::NoKey)
    } else if pair[0].key != pair[1].key {
        Some(Unnamed::OtherKey)
    } else {
        None
    };
    let key: &[String] = if unnamed.is_none() { &pair[0].key } else { &[] };
    let common = common(pair);
    let shapes = pair.map(|table| Shape::new(table, key, common.as_ref()));
    // The side whose order makes the ranges: the one that has chunks.
    let first =
        usize::from(sides[0].pieces(&pair[0].name).is_empty() && !sides[1].pieces(&pair[1].name).is_empty());
    let pieces = sides[first].pieces(&pair[first].name).to_vec();
    let mut segments = Segments::new(pieces, limits.range, !key.is_empty());
    let mut digests: Digests = [None, None];
    for side in [first, 1 - first] {
        let mut at = segments.cursor(side == first);
        digests[side] = Some(walk(sides[side], pair[side], &shapes[side], &mut |row| {
            at.place(&mut segments, row);
            segments.add(at.now(), side, row.hash);
            Ok(true)
        })?);
    }
    let rows = [0, 1].map(|side| digests[side].as_ref().map(|d| d.rows));
    let mut difference = TableDifference {
        name: pair[0].name.clone(),
        rows: Both {
            left: rows[0],
            right: rows[1],
        },
        // Through the same columns: a column more is a difference of the definition, and of every row.
        equal: common.is_none() && digests[0] == digests[1],
        other_columns: common.is_some(),
        columns: match &common {
            Some(_) => Both {
                left: Some(declared(pair[0])),
                right: Some(declared(pair[1])),
            },
            None => Both::default(),
        },
        unnamed: None,
        complete: true,
        differing: 0,
        ranges: Vec::new(),
    };
    if difference.equal {
        return Ok((difference, digests));
    }
    segments.merge();
    difference.unnamed = unnamed;
    if unnamed.is_some() {
        difference.complete = false;
    } else {
        find::keys(sides, pair, &shapes, &segments, first, limits, &mut difference)?;
    }
    Ok((difference, digests))
}

/// Name and type of each, as declared.
fn declared(table: &Table) -> Vec<String> {
    let columns = table.columns.iter();
    columns.map(|c| format!("{} {}", c.name, c.declared)).collect()
}

/// The columns that both have, where they have not the same.
fn common(pair: [&Table; 2]) -> Option<Outline> {
    let described = |t: &Table| {
        t.columns
            .iter()
            .map(|c| (c.name.clone(), c.declared.clone()))
            .collect::<Vec<_>>()
    };
    if described(pair[0]) == described(pair[1]) {
        return None;
    }
    let theirs: BTreeSet<&String> = pair[1].columns.iter().map(|c| &c.name).collect();
    let columns = pair[0]
        .columns
        .iter()
        .filter(|c| theirs.contains(&c.name))
        .map(|c| c.name.clone())
        .collect();
    Some(Outline {
        tables: BTreeMap::from([(pair[0].name.clone(), columns)]),
        ..Outline::default()
    })
}

fn objects(schemas: &[Schema; 2]) -> Vec<ObjectDifference> {
    let mut found: BTreeMap<String, [Option<&str>; 2]> = BTreeMap::new();
    for (side, schema) in schemas.iter().enumerate() {
        for object in &schema.objects {
            let name = format!("{} {}", object.kind.word(), object.name);
            found.entry(name).or_default()[side] = Some(&object.definition);
        }
    }
    found
        .into_iter()
        .filter(|(_, [left, right])| left != right)
        .map(|(name, [left, right])| ObjectDifference {
            name,
            left: left.map(str::to_string),
            right: right.map(str::to_string),
        })
        .collect()
}

fn counters(schemas: &[Schema; 2]) -> Vec<CounterDifference> {
    let names: BTreeSet<&String> = schemas.iter().flat_map(|s| s.counters.keys()).collect();
    names
        .into_iter()
        .map(|name| CounterDifference {
            name: name.clone(),
            left: schemas[0].counters.get(name).copied(),
            right: schemas[1].counters.get(name).copied(),
        })
        .filter(|c| c.left != c.right)
        .collect()
}

/// The hasher of a table, which there is for every table of its own schema.
fn hasher(table: &Table) -> TableHasher {
    TableHasher::new(table, None).expect("no outline leaves no table out")
}
