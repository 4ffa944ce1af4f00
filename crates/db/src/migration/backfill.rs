//! Fills the new column along the key, in batches short enough that no writer notices.

use super::Backfill;
use crate::{Cell, Database, Dialect, Error, Result};
use std::time::{Duration, Instant};

/// How long one batch may take. A writer to one of its rows waits that long; a writer to any other row waits while the
/// server makes the batch's log durable, which grows with the batch too. Below this, committing costs more than it saves.
const TARGET: Duration = Duration::from_millis(10);
const LARGEST: u64 = 10_000;
/// The longest rest between two batches.
const LONGEST_REST: Duration = Duration::from_secs(1);

/// How far a backfill is: every batch up to `key` is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batch {
    pub key: i64,
    pub last_key: i64,
    /// Rows changed so far by this call.
    pub rows: u64,
    /// How long this batch took, its commit included.
    pub took: Duration,
}

/// Runs the backfill from the start of the key; rows that are filled already are passed over, so it can be run again.
/// `each` hears of every committed batch and may stop the work by answering false.
pub fn backfill(spec: &Backfill, db: &mut dyn Database, each: &mut dyn FnMut(Batch) -> bool) -> Result<u64> {
    let dialect = db.dialect();
    let (table, key) = (dialect.quote(&spec.table), dialect.quote(&spec.key));
    let bounds = db.query(&format!("SELECT MIN({key}), MAX({key}) FROM {table}"))?;
    let bound = |i: usize| bounds.first().and_then(|r| r.get(i)).unwrap_or(&Cell::Null);
    if *bound(0) == Cell::Null {
        return Ok(0);
    }
    let (Some(first), Some(last)) = (bound(0).as_i64(), bound(1).as_i64()) else {
        return Err(Error::refused(
            format!(
                "{}.{} cannot be the key of a backfill: it is no integer of 64 bits",
                spec.table, spec.key
            ),
            "name an integer column with a unique index",
        ));
    };
    let mut after = first.saturating_sub(1);
    let mut size = spec.batch.clamp(1, LARGEST);
    let mut rows = 0;
    while after < last {
        // The end of the batch is looked up, not computed: keys may have gaps of any size.
        let ahead = format!(
            "SELECT {key} FROM {table} WHERE {key}>{after} ORDER BY {key} LIMIT 1 OFFSET {}",
            size - 1
        );
        let until = db
            .query(&ahead)?
            .first()
            .and_then(|r| r.first())
            .and_then(Cell::as_i64)
            .unwrap_or(last);
        let update = format!(
            "UPDATE {table} SET {} WHERE {key}>{after} AND {key}<={until} AND ({})",
            spec.set, spec.rows
        );
        let began = Instant::now();
        rows += with_retries(db, &update)?;
        let took = began.elapsed();
        size = next_size(size, took);
        after = until;
        if !each(Batch {
            key: after,
            last_key: last,
            rows,
            took,
        }) {
            break;
        }
        if dialect != Dialect::Sqlite && after < last {
            // Half of the time is everybody else's. Without it the redo log of a big table's backfill fills faster than
            // the server writes its pages, and then every writer's commit waits behind that.
            std::thread::sleep(took.min(LONGEST_REST));
        }
    }
    Ok(rows)
}

/// Steers towards [`TARGET`], by at most a factor of two at a time.
fn next_size(size: u64, took: Duration) -> u64 {
    let ratio = TARGET.as_secs_f64() / took.as_secs_f64().max(0.000_1);
    let wanted = size as f64 * ratio.clamp(0.5, 2.0);
    (wanted as u64).clamp(50, LARGEST)
}

/// A deadlock or a lock wait that ran out costs the batch, not the migration: the server has undone the statement.
fn with_retries(db: &mut dyn Database, sql: &str) -> Result<u64> {
    let mut tries = 0;
    loop {
        match db.execute(sql) {
            Err(Error::Server {
                number: 1205 | 1213, ..
            }) if tries < 10 => tries += 1,
            other => return other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_grow_and_shrink_towards_the_target_within_bounds() {
        assert_eq!(next_size(1000, TARGET), 1000);
        assert_eq!(next_size(1000, Duration::from_millis(1)), 2000);
        assert_eq!(next_size(1000, Duration::from_secs(2)), 500);
        assert_eq!(next_size(60, Duration::from_secs(2)), 50);
        assert_eq!(next_size(LARGEST, Duration::ZERO), LARGEST);
    }
}
