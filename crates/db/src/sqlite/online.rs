//! One state of a live SQLite database that stays while others go on writing, and what SQLite says of it.
//!
//! In WAL mode that is a read transaction: writers do not notice. With a rollback journal a long read would keep every
//! writer from committing, until its patience ends; there the file is copied through SQLite's backup API first, in steps
//! that hold the lock for moments. A write between two steps makes SQLite begin anew, so that under constant writes
//! the steps only warm the cache, and one last step copies all pages at a stroke: the longest that a writer waits.

use super::{Sqlite, error};
use crate::scratch::Folder;
use crate::{Database, Dialect, Error, Result};
use rusqlite::backup::{Backup, StepResult};
use std::path::Path;
use std::time::Duration;

/// Pages copied in one step, about 8 MiB.
const PAGES: i32 = 2048;

/// How long the copy waits for a writer's lock without a page copied: PATIENCE times PAUSE, beside SQLite's own waiting.
const PATIENCE: usize = 500;
const PAUSE: Duration = Duration::from_millis(20);

/// Complaints of `integrity_check` about values that a constraint forbids: older than the constraint, most often. The
/// file is whole, and the values are the user's.
const CONTENT: &[&str] = &[
    "CHECK constraint failed in ",
    "NULL value in ",
    "NUMERIC value in ",
    "TEXT value in ",
    "non-",
];

/// How many findings are told one by one.
const TOLD: usize = 10;

/// A database as it was at one commit.
pub struct Frozen {
    // Dropped first: the copy is closed before its folder goes.
    db: Sqlite,
    _folder: Option<Folder>,
    notes: Vec<String>,
}

impl Frozen {
    /// Opens the database at `path`, in one state from here on, and checks that state.
    ///
    /// The copy that a rollback journal makes necessary lies in a new folder of `scratch`, which must have room for the whole
    /// file; it goes with this value. A damaged database is refused: a backup of it would be one of
    /// whatever could still be read. What else is found ([`Frozen::notes`]) is in the original, and so belongs in a copy.
    pub fn open(path: &Path, scratch: &Path) -> Result<Frozen> {
        let mut live = Sqlite::open(path)?;
        let wal = live.text("PRAGMA journal_mode")?.is_some_and(|m| m == "wal");
        let (mut db, folder) = if wal {
            live.hold()?;
            (live, None)
        } else {
            let (copy, folder) = copy(&live, scratch)?;
            (copy, Some(folder))
        };
        let mut notes = Vec::new();
        integrity(&mut db, path, &mut notes)?;
        foreign_keys(&mut db, &mut notes);
        left_out(&mut db, &mut notes)?;
        Ok(Frozen {
            db,
            _folder: folder,
            notes,
        })
    }

    /// A connection that sees that state and no other. It calls itself by the live file's path.
    pub fn db(&mut self) -> &mut Sqlite {
        &mut self.db
    }

    /// What a reader of a backup should know, a sentence each: foreign keys that refer to nothing, values that a
    /// constraint forbids, rowids that a restore does not keep.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}

impl Sqlite {
    /// Begins a read transaction that outlives every snapshot taken on this connection.
    fn hold(&mut self) -> Result<()> {
        self.execute("BEGIN")?;
        // A deferred transaction has no snapshot until it reads.
        self.query("SELECT COUNT(*) FROM sqlite_master")?;
        self.held = true;
        Ok(())
    }
}

/// A copy of `live` at one commit, in a new folder of `scratch`.
fn copy(live: &Sqlite, scratch: &Path) -> Result<(Sqlite, Folder)> {
    let folder = Folder::new(scratch, "online-")?;
    let mut copy = Sqlite::create(&folder.path().join("copy.db"))?;
    // It is thrown away whatever happens: nothing of it need survive a crash.
    copy.query("PRAGMA synchronous=OFF")?;
    {
        let backup = Backup::new(&live.conn, &mut copy.conn).map_err(|e| error(&copy.path, "backup", e))?;
        let (mut steps, mut waits) = (0, 0);
        loop {
            // Twice the file in steps; whoever has not come to the end by then never will.
            let pages = backup.progress().pagecount;
            let at_a_stroke = steps > 1 && steps > 2 * (pages / PAGES + 1);
            let step = backup.step(if at_a_stroke { -1 } else { PAGES });
            match step.map_err(|e| error(&copy.path, "backup", e))? {
                StepResult::Done => break,
                StepResult::More => (steps, waits) = (steps + 1, 0),
                _ if waits < PATIENCE => {
                    waits += 1;
                    std::thread::sleep(PAUSE);
                }
                _ => {
                    return Err(Error::refused(
                        format!("another process keeps {} locked", live.path.display()),
                        "wait until its write is done, or stop it, then try again",
                    ));
                }
            }
        }
    }
    copy.path.clone_from(&live.path);
    Ok((copy, folder))
}

pub(super) fn integrity(db: &mut Sqlite, path: &Path, notes: &mut Vec<String>) -> Result<()> {
    let damaged = |what: String| {
        Error::refused(
            format!("{} is damaged: {what}", path.display()),
            "restore the last good backup beside it (`ventana backup list`), or save what can be read: `sqlite3 FILE .recover`",
        )
    };
    let found = db.query("PRAGMA integrity_check").map_err(|error| match error {
        // SQLITE_CORRUPT and SQLITE_NOTADB, whatever the detail.
        Error::Sqlite { code, message, .. } if matches!(code & 0xff, 11 | 26) => damaged(message),
        other => other,
    })?;
    let found: Vec<String> = found
        .iter()
        .filter_map(|row| row.first()?.to_text())
        // What is wrong with the pages of one table comes in one text.
        .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
        .filter(|text| text != "ok" && !text.starts_with("*** in database "))
        .collect();
    let (content, damage): (Vec<String>, Vec<String>) = found
        .into_iter()
        .partition(|text| CONTENT.iter().any(|c| text.starts_with(c)) && !text.starts_with("non-unique"));
    if !damage.is_empty() {
        return Err(damaged(told(damage).join("; ")));
    }
    notes.extend(told(content));
    Ok(())
}

/// The first findings, and how many more there are.
fn told(mut findings: Vec<String>) -> Vec<String> {
    let more = findings.len().saturating_sub(TOLD);
    findings.truncate(TOLD);
    if more > 0 {
        findings.push(format!("and {more} more"));
    }
    findings
}

pub(super) fn foreign_keys(db: &mut Sqlite, notes: &mut Vec<String>) {
    let found = db.query(
        "SELECT \"table\", parent, COUNT(*) FROM pragma_foreign_key_check GROUP BY \"table\", parent ORDER BY 1, 2",
    );
    match found {
        Ok(rows) => notes.extend(told(
            rows.iter()
                .map(|row| {
                    let text = |i: usize| row.get(i).and_then(crate::Cell::to_text).unwrap_or_default();
                    let (child, parent) = (text(0), text(1));
                    match text(2).as_str() {
                        "1" => format!("foreign key broken: a row of {child} refers to one of {parent} that is not there"),
                        many => format!("foreign key broken: {many} rows of {child} refer to rows of {parent} that are not there"),
                    }
                })
                .collect(),
        )),
        // A key that refers to columns without a unique index cannot be checked at all; it is no less the user's.
        Err(error) => notes.push(format!("foreign keys cannot be checked: {error}")),
    }
}

/// Tells what a restore does not keep. Rows' numbers that are in no column: SQLite itself gives them anew (`VACUUM`), and so does a
/// restore, from 1 on in the same order; where they are that already, nothing changes. And the statistics of ANALYZE.
fn left_out(db: &mut Sqlite, notes: &mut Vec<String>) -> Result<()> {
    // A key of one INTEGER column is the rowid by another name; SQLite then makes no index for it.
    let tables = db.query(
        "SELECT t.name FROM pragma_table_list AS t
         WHERE t.schema='main' AND t.type='table' AND t.wr=0 AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
           AND ((SELECT COUNT(*) FROM pragma_table_xinfo(t.name) WHERE pk>0)=0
             OR EXISTS (SELECT 1 FROM pragma_index_list(t.name) WHERE origin='pk'))
         ORDER BY t.name",
    )?;
    let mut told_of = Vec::new();
    for name in tables.iter().filter_map(|row| row.first()?.to_text()) {
        let literal = name.replace('\'', "''");
        let free = db.text(&format!(
            "SELECT n FROM (SELECT 'rowid' AS n UNION ALL SELECT '_rowid_' UNION ALL SELECT 'oid')
             WHERE n NOT IN (SELECT LOWER(name) FROM pragma_table_xinfo('{literal}')) LIMIT 1"
        ))?;
        // Where columns have all three names, nobody can have asked for the number.
        let Some(rowid) = free else { continue };
        let table = Dialect::Sqlite.quote(&name);
        let range = db.query(&format!(
            "SELECT COALESCE(MIN({rowid}), 1)=1 AND COALESCE(MAX({rowid}), 0)=COUNT(*) FROM {table}"
        ))?;
        if range.first().and_then(|row| row.first()?.as_i64()) == Some(0) {
            told_of.push(format!(
                "a restore numbers the rows of {name} anew, as VACUUM does: no INTEGER PRIMARY KEY holds their rowids"
            ));
        }
    }
    notes.extend(told(told_of));
    if db.count("SELECT COUNT(*) FROM sqlite_master WHERE name='sqlite_stat1'")? > 0 {
        notes.push("a restore leaves out the statistics of ANALYZE: run it again there".into());
    }
    Ok(())
}
