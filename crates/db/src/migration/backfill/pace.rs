//! Holds a backfill back while the server's redo log fills faster than its pages are written: a server that runs out of
//! log makes every writer wait until it has caught up, for seconds on a slow disk. A row that grows costs several times
//! its size in log, so a big table fills any usual log.

use crate::{Cell, Database, Dialect, Result};
use std::time::{Duration, Instant};

/// The share of the log that may be in use. Only from 7/8 on does the server flush as fast as it can: a backfill that
/// stops below that waits for ever. At all of it everybody waits.
const SHARE: f64 = 0.93;
/// The log's age is asked for this often: well below the time in which a backfill fills the rest of a small log.
const EVERY: Duration = Duration::from_millis(25);
const NAP: Duration = Duration::from_millis(5);
/// One batch is held back this long at most: where others keep the log full, the backfill is slow, but gets on.
const MOST: Duration = Duration::from_secs(2);

const AGE: &str =
    "SHOW GLOBAL STATUS WHERE Variable_name IN ('Innodb_checkpoint_age', 'Innodb_checkpoint_max_age')";

pub(super) struct Pace {
    watched: bool,
    asked: Instant,
    /// Time spent waiting so far.
    pub(super) held: Duration,
}

impl Pace {
    /// Servers that do not tell their log's age (MySQL) are not watched.
    pub(super) fn of(db: &mut dyn Database) -> Result<Pace> {
        let watched = db.dialect() != Dialect::Sqlite && used(&db.query(AGE)?).is_some();
        Ok(Pace {
            watched,
            asked: Instant::now(),
            held: Duration::ZERO,
        })
    }

    /// Waits until there is room for another batch.
    pub(super) fn wait(&mut self, db: &mut dyn Database) -> Result<()> {
        if !self.watched || self.asked.elapsed() < EVERY {
            return Ok(());
        }
        let began = Instant::now();
        while used(&db.query(AGE)?).is_some_and(|share| share > SHARE) && began.elapsed() < MOST {
            std::thread::sleep(NAP);
        }
        self.asked = Instant::now();
        self.held += began.elapsed();
        Ok(())
    }
}

/// The share of the log that is in use, from rows of name and value.
fn used(rows: &[Vec<Cell>]) -> Option<f64> {
    let value = |name: &str| {
        let row = rows
            .iter()
            .find(|row| row.first().and_then(Cell::to_text).as_deref() == Some(name))?;
        row.get(1)?.to_text()?.parse::<f64>().ok()
    };
    let most = value("Innodb_checkpoint_max_age").filter(|most| *most > 0.0)?;
    Some(value("Innodb_checkpoint_age")? / most)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, value: &str) -> Vec<Cell> {
        vec![Cell::Bytes(name.into()), Cell::Bytes(value.into())]
    }

    #[test]
    fn the_share_in_use_is_age_by_largest_age() {
        let (age, most) = (
            row("Innodb_checkpoint_age", "30"),
            row("Innodb_checkpoint_max_age", "40"),
        );
        assert_eq!(used(&[age.clone(), most.clone()]), Some(0.75));
        assert_eq!(used(&[most, age.clone()]), Some(0.75));
        assert_eq!(used(&[age.clone()]), None);
        assert_eq!(used(&[age, row("Innodb_checkpoint_max_age", "0")]), None);
        assert_eq!(used(&[]), None);
    }
}
