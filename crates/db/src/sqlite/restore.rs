//! Putting a whole copy back over a live file, through SQLite itself: a file is never renamed over one that may be open.

use super::{Sqlite, error};
use crate::{Database, Error, Result};
use rusqlite::backup::{Backup, StepResult};
use std::path::Path;
use std::time::Duration;

/// Pages copied in one step.
const PAGES: i32 = 4096;

/// How long a restore waits for another connection's lock, without any page copied meanwhile.
const PATIENCE: usize = 1500;
const PAUSE: Duration = Duration::from_millis(20);

/// Replaces the content of `live` by that of the database at `copy`, atomically: SQLite's backup API holds one
/// transaction on the destination until the last page. `live` must hold no lock of its own; `copy` is the caller's and
/// may be rewritten with the live file's page size.
pub fn restore_over(live: &mut Sqlite, copy: &Path) -> Result<()> {
    if live.is_locked() {
        return Err(Error::refused(
            "the write lock must be released before a restore over the live file",
            "",
        ));
    }
    let wal = live.text("PRAGMA journal_mode")?.is_some_and(|m| m == "wal");
    let size = live.count("PRAGMA page_size")?;
    let mut source = Sqlite::open(copy)?;
    if source.count("PRAGMA page_size")? != size {
        // A file in WAL mode cannot change its pages' size, not even by being overwritten.
        source.query("PRAGMA journal_mode=DELETE")?;
        source.execute(&format!("PRAGMA page_size={size}; VACUUM"))?;
    }
    {
        let backup = Backup::new(&source.conn, &mut live.conn).map_err(|e| error(&live.path, "backup", e))?;
        let mut waits = 0;
        loop {
            match backup.step(PAGES).map_err(|e| error(&live.path, "backup", e))? {
                StepResult::Done => break,
                StepResult::More => waits = 0,
                // Another connection holds a lock; readers finish by themselves.
                _ if waits < PATIENCE => {
                    waits += 1;
                    std::thread::sleep(PAUSE);
                }
                _ => {
                    return Err(Error::refused(
                        "another process keeps the live file locked; nothing of it was changed",
                        "stop what reads or writes it, then try again",
                    ));
                }
            }
        }
    }
    if wal {
        live.query("PRAGMA journal_mode=WAL")?;
    }
    Ok(())
}
