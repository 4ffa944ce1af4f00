//! What every row held before, and what became of it: read through the database itself, never through our report.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use anyhow::{Context, Result};
use mysql::prelude::Queryable as _;
use mysql::{Conn, Opts};
use serde_json::{Value, json};

use crate::probe::{Written, document};

const WRAPPED: &str = "_texto_original";

/// Row (by its number) → what its column held.
pub(crate) struct Ledger(Vec<Held>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Held {
    NoRow,
    Null,
    Text(u64),
}

impl Ledger {
    /// Reads the column, which also brings the table into the buffer pool.
    pub(crate) fn read(url: &str) -> Result<Ledger> {
        let mut rows = Vec::new();
        each(url, |id, value| {
            if rows.len() <= id {
                rows.resize(id + 1, Held::NoRow);
            }
            rows[id] = value.map_or(Held::Null, |bytes| Held::Text(hash(bytes)));
        })?;
        Ok(Ledger(rows))
    }

    /// What the migration made of the rows that the probe left alone, and whether the probe's writes are there.
    pub(crate) fn settle(&self, url: &str, written: &Written) -> Result<Value> {
        let (mut same, mut wrapped, mut to_null, mut changed, mut seen) = (0u64, 0u64, 0u64, 0u64, 0u64);
        let mut lost = 0u64;
        let mut missing = self.0.iter().filter(|held| **held != Held::NoRow).count() as u64;
        each(url, |id, value| {
            missing = missing.saturating_sub(1);
            let number = u32::try_from(id).unwrap_or(0);
            if let Some(last) = written.acknowledged.get(&number) {
                seen += 1;
                let unsure = written.unsure.get(&number).into_iter().flatten();
                let right = std::iter::once(last)
                    .chain(unsure)
                    .any(|write| value == Some(document(*write).as_bytes()));
                lost += u64::from(!right);
                return;
            }
            if written.unsure.contains_key(&number) {
                return;
            }
            let before = self.0.get(id).copied().unwrap_or(Held::NoRow);
            match (before, value) {
                (Held::Null, None) => same += 1,
                (Held::Text(_), None) => to_null += 1,
                (Held::Text(text), Some(bytes)) if text == hash(bytes) => same += 1,
                (Held::Text(text), Some(bytes))
                    if unwrapped(bytes).is_some_and(|b| hash(b.as_bytes()) == text) =>
                {
                    wrapped += 1;
                }
                _ => changed += 1,
            }
        })?;
        // A row that is gone has lost its acknowledged write too.
        lost += (written.acknowledged.len() as u64).saturating_sub(seen);
        Ok(json!({
            "acknowledged_writes": written.count,
            "rows_written": written.acknowledged.len(),
            "lost_writes": lost,
            "rows": { "same_bytes": same, "wrapped": wrapped, "turned_null": to_null, "changed": changed, "missing": missing },
        }))
    }
}

/// The text inside a wrapping object with that one key.
fn unwrapped(bytes: &[u8]) -> Option<String> {
    let object: serde_json::Map<String, Value> = serde_json::from_slice(bytes).ok()?;
    match object.len() {
        1 => object.get(WRAPPED)?.as_str().map(str::to_owned),
        _ => None,
    }
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

fn each(url: &str, mut visit: impl FnMut(usize, Option<&[u8]>)) -> Result<()> {
    let mut conn = Conn::new(Opts::from_url(url)?).context("connecting to read the rows")?;
    let rows = conn.query_iter("SELECT id, especificaciones FROM activos ORDER BY id")?;
    for row in rows {
        let (id, value): (usize, Option<Vec<u8>>) = mysql::from_row_opt(row?)?;
        visit(id, value.as_deref());
    }
    Ok(())
}
