//! What can be compared: a live database, or the files of a backup.

use crate::digest::{PrivateCopy, decode_chunk};
use crate::load::Source;
use crate::progress::Listener;
use crate::row::Visit;
use crate::schema::{Schema, Table};
use crate::sqlite::online::Frozen;
use crate::{Database, Dialect, Error, Result};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Some rows of a table: one file of a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    pub file: String,
    pub rows: u64,
}

/// One state of a database, read as often as need be.
pub trait Side {
    fn schema(&self) -> &Schema;
    /// The files that hold a table's rows, in the order in which [`Side::rows`] gives them; empty where it is no backup.
    fn pieces(&self, table: &str) -> &[Piece];
    /// Hands out all rows, in the same order each time.
    fn rows(&mut self, table: &Table, visit: &mut dyn Visit) -> Result<()>;
}

/// A live database in one snapshot.
pub struct Live {
    db: Holder,
    schema: Schema,
}

enum Holder {
    Open(Box<dyn Database>),
    Frozen(Box<Frozen>),
}

impl Holder {
    fn db(&mut self) -> &mut dyn Database {
        match self {
            Holder::Open(db) => &mut **db,
            Holder::Frozen(frozen) => frozen.db(),
        }
    }
}

impl Live {
    /// Opens a snapshot that lasts as long as the value.
    pub fn new(db: Box<dyn Database>) -> Result<Live> {
        Self::of(Holder::Open(db))
    }

    /// The same of a SQLite file that others may be writing; see [`Frozen`].
    pub fn frozen(frozen: Frozen) -> Result<Live> {
        Self::of(Holder::Frozen(Box::new(frozen)))
    }

    fn of(mut db: Holder) -> Result<Live> {
        let schema = crate::snapshot::alone(db.db())?;
        Ok(Live { db, schema })
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        // Whatever goes wrong here, the connection's end ends the snapshot too.
        let _ = self.db.db().end_snapshot();
    }
}

impl Side for Live {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn pieces(&self, _table: &str) -> &[Piece] {
        &[]
    }

    fn rows(&mut self, table: &Table, visit: &mut dyn Visit) -> Result<()> {
        scan(self.db.db(), table, visit)
    }
}

/// A backup's files.
pub struct Files<'a> {
    source: &'a dyn Source,
    pieces: BTreeMap<String, Vec<Piece>>,
    scratch: PathBuf,
    schema: Schema,
    /// SQLite's chunks are SQL: what they make is what is read.
    copy: Option<PrivateCopy>,
}

impl<'a> Files<'a> {
    /// `pieces`: by table, its chunks in the order of `source`. Long values and SQLite's copy lie in the folder `scratch`.
    pub fn new(
        source: &'a dyn Source,
        pieces: BTreeMap<String, Vec<Piece>>,
        scratch: &Path,
        listen: &mut Listener<'_>,
    ) -> Result<Files<'a>> {
        let mut schema = source.schema().clone();
        schema.supported()?;
        let mut copy = None;
        if schema.dialect == Dialect::Sqlite {
            let mut loaded = PrivateCopy::of(source, scratch, listen)?;
            schema = loaded.db.inspect()?;
            copy = Some(loaded);
        }
        Ok(Files {
            source,
            pieces,
            scratch: scratch.to_path_buf(),
            schema,
            copy,
        })
    }
}

impl Side for Files<'_> {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn pieces(&self, table: &str) -> &[Piece] {
        self.pieces.get(table).map_or(&[], Vec::as_slice)
    }

    fn rows(&mut self, table: &Table, visit: &mut dyn Visit) -> Result<()> {
        if let Some(copy) = &mut self.copy {
            return scan(&mut copy.db, table, visit);
        }
        for index in 0..self.source.chunks(&table.name).len() {
            let rows = decode_chunk(self.source, table, index, &self.scratch, visit)?;
            match self.pieces(&table.name).get(index) {
                Some(piece) if piece.rows != rows => {
                    return Err(Error::Differs(format!(
                        "{} holds {rows} rows of table {}, and the manifest says {}",
                        piece.file, table.name, piece.rows
                    )));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn scan(db: &mut dyn Database, table: &Table, visit: &mut dyn Visit) -> Result<()> {
    let columns = crate::digest::columns(table);
    db.visit(table, &columns, None, visit).map(|_| ())
}
