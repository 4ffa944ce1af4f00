//! How far a load is, written down in the database that it fills: a load that was cut off goes on, and whoever looks into
//! that database meanwhile sees that it is not whole.

use crate::{Cell, Database, Dialect, Result};
use std::collections::BTreeSet;

/// The table that stands beside the restored ones until all is done.
pub const TABLE: &str = "__ventana_restore";

/// What is said of a schema that holds it.
pub(crate) const UNFINISHED: &str = "a restore into this schema is not finished";

/// The marks of the load of one backup.
#[derive(Clone, Debug)]
pub struct Marks {
    /// What is loaded: a backup's id. Marks of another one mean nothing to it.
    of: String,
}

/// Something that is done.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mark<'a> {
    /// The sequence was created.
    Sequence(&'a str),
    /// The table was created.
    Created(&'a str),
    /// A unit of its rows was loaded, in one transaction with this mark.
    Rows(&'a str, usize),
    /// A statement that adds keys to it was run.
    Keys(&'a str, usize),
    /// Its foreign keys were added.
    Foreign(&'a str),
}

/// What an earlier load did.
#[derive(Clone, Debug, Default)]
pub(crate) struct Done {
    marks: BTreeSet<String>,
}

impl Mark<'_> {
    fn name(&self) -> String {
        match self {
            Mark::Sequence(name) => format!("sequence {name}"),
            Mark::Created(table) => format!("created {table}"),
            Mark::Rows(table, unit) => format!("rows {unit} {table}"),
            Mark::Keys(table, number) => format!("keys {number} {table}"),
            Mark::Foreign(table) => format!("foreign {table}"),
        }
    }
}

impl Done {
    pub(crate) fn has(&self, mark: &Mark<'_>) -> bool {
        self.marks.contains(&mark.name())
    }

    pub(crate) fn created(&self, table: &str) -> bool {
        self.has(&Mark::Created(table))
    }

    /// Whether there was an earlier load at all.
    pub(crate) fn resumed(&self) -> bool {
        !self.marks.is_empty()
    }
}

fn table() -> String {
    Dialect::MariaDb.quote(TABLE)
}

/// A text as a literal that reads the same under every `sql_mode`.
fn literal(text: &str) -> String {
    let hex: String = text.bytes().map(|b| format!("{b:02X}")).collect();
    format!("X'{hex}'")
}

impl Marks {
    /// Marks for the backup with this id.
    pub fn of(id: &str) -> Marks {
        Marks { of: id.to_string() }
    }

    /// Whether `db` holds an unfinished load that this backup's may go on from; `None` when it holds none at all.
    pub fn found(&self, db: &mut dyn Database) -> Result<Option<bool>> {
        let there = db.count(&format!(
            "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA=DATABASE() AND TABLE_NAME='{TABLE}'"
        ))?;
        if there == 0 {
            return Ok(None);
        }
        let of = db.text(&format!(
            "SELECT MAX(mark) FROM {} WHERE mark LIKE 'backup %'",
            table()
        ))?;
        // Without the mark nothing else is there either: the load was cut off between the two statements of its beginning.
        Ok(Some(of.is_none_or(|of| of == format!("backup {}", self.of))))
    }

    /// What an unfinished load in `db` is of, as it was given to [`Marks::of`]; `None` where there is none, or it says nothing.
    pub fn told(db: &mut dyn Database) -> Result<Option<String>> {
        if Marks::of("").found(db)?.is_none() {
            return Ok(None);
        }
        let of = db.text(&format!(
            "SELECT MAX(mark) FROM {} WHERE mark LIKE 'backup %'",
            table()
        ))?;
        Ok(of.map(|of| of.trim_start_matches("backup ").to_string()))
    }

    /// Begins a load: from here on the database says of itself that it is not whole.
    pub fn begin(&self, db: &mut dyn Database) -> Result<()> {
        db.execute(&format!(
            "CREATE TABLE IF NOT EXISTS {} (mark VARBINARY(400) NOT NULL PRIMARY KEY) ENGINE=InnoDB COMMENT='a restore by ventana is not finished; run it again'",
            table()
        ))?;
        let backup = literal(&format!("backup {}", self.of));
        db.execute(&format!("INSERT IGNORE INTO {} VALUES ({backup})", table()))
            .map(|_| ())
    }

    /// Ends it: all is there, and was compared.
    pub fn end(&self, db: &mut dyn Database) -> Result<()> {
        db.execute(&format!("DROP TABLE IF EXISTS {}", table()))
            .map(|_| ())
    }

    pub(crate) fn read(&self, db: &mut dyn Database) -> Result<Done> {
        let rows = db.query(&format!(
            "SELECT mark FROM {} WHERE mark NOT LIKE 'backup %'",
            table()
        ))?;
        Ok(Done {
            marks: rows
                .iter()
                .filter_map(|r| r.first().and_then(Cell::to_text))
                .collect(),
        })
    }

    /// The statement that sets a mark.
    pub(crate) fn statement(&self, mark: &Mark<'_>) -> String {
        format!("INSERT INTO {} VALUES ({})", table(), literal(&mark.name()))
    }

    /// Sets a mark, where marks are kept.
    pub(crate) fn set(marks: Option<&Marks>, db: &mut dyn Database, mark: &Mark<'_>) -> Result<()> {
        match marks {
            Some(marks) => db.execute(&marks.statement(mark)).map(|_| ()),
            None => Ok(()),
        }
    }
}
