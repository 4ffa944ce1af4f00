//! The digest of a dump, from its files alone: no server, and the very value that a restored copy would have.

use super::{Digest, TableHasher, combine};
use crate::load::Source;
use crate::mariadb::decode::decode;
use crate::progress::{Listener, Progress, tell};
use crate::schema::Table;
use crate::scratch::Folder;
use crate::sqlite::Sqlite;
use crate::{Dialect, Result};
use std::path::Path;

/// The digest of what `source` holds.
///
/// MySQL and MariaDB: rows are read from the chunks as typed values. SQLite: chunks are SQL, which only SQLite reads as
/// SQLite does: they are loaded into a private database file. Long values and that file lie in the folder `scratch`,
/// which must exist and have room (SQLite: for a whole copy); nothing stays there.
pub fn of_files(source: &dyn Source, scratch: &Path, listen: &mut Listener<'_>) -> Result<Digest> {
    let schema = source.schema();
    schema.supported()?;
    if schema.dialect == Dialect::Sqlite {
        let mut copy = PrivateCopy::of(source, scratch, listen)?;
        return super::compute(&mut copy.db, None, listen);
    }
    let rows_total = schema.rows_estimate();
    let mut before = 0;
    let mut tables = Vec::new();
    for table in &schema.tables {
        let Some(mut hasher) = TableHasher::new(table, None) else {
            continue;
        };
        for index in 0..source.chunks(&table.name).len() {
            decode_chunk(source, table, index, scratch, &mut hasher)?;
            let progress = Progress {
                rows: before + hasher.rows(),
                rows_total,
                table: &table.name,
                ..Progress::default()
            };
            tell(listen, progress)?;
        }
        before += hasher.rows();
        let rows = hasher.cut();
        tables.push(hasher.table(rows));
    }
    Ok(combine(schema, tables, None))
}

/// One chunk's rows, handed to `visit`; returns how many.
pub(crate) fn decode_chunk(
    source: &dyn Source,
    table: &Table,
    index: usize,
    scratch: &Path,
    visit: &mut dyn crate::row::Visit,
) -> Result<u64> {
    // Read to its end: a reader tells of damage there.
    decode(table, &mut *source.chunk(&table.name, index)?, scratch, visit)
}

/// A SQLite dump loaded into a file of its own, gone with its value.
pub(crate) struct PrivateCopy {
    // Dropped first: the file is closed before its folder goes.
    pub(crate) db: Sqlite,
    _folder: Folder,
}

impl PrivateCopy {
    pub(crate) fn of(source: &dyn Source, scratch: &Path, listen: &mut Listener<'_>) -> Result<PrivateCopy> {
        let folder = Folder::new(scratch, "files-")?;
        let mut db = Sqlite::create(&folder.path().join("copy.db"))?;
        // It is thrown away whatever happens: no journal to go back with, nothing forced to the disk.
        for pragma in ["PRAGMA journal_mode=OFF", "PRAGMA synchronous=OFF"] {
            crate::Database::query(&mut db, pragma)?;
        }
        crate::load::load(&mut db, source, true, None, listen)?;
        Ok(PrivateCopy { db, _folder: folder })
    }
}
