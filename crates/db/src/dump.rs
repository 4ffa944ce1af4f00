//! One pass over a snapshot that writes chunks and takes the digest of the very same rows.

mod encoder;
mod longest;
mod sql_files;
mod writing;

use crate::digest::{RowSum, combine};
use crate::progress::{Listener, Progress, tell};
use crate::reading::{self, Part, Queue, Range};
use crate::schema::{Outline, Schema, Table};
use crate::snapshot::{self, Snapshot, Terms};
use crate::throttle::Throttle;
use crate::{Database, Digest, Result};
use longest::Longest;
use std::collections::BTreeMap;
use std::io::Write;
use writing::{Sums, Writing};

/// What a stock client must be sent before each chunk of a MySQL or MariaDB dump.
pub const SESSION: &str = crate::mariadb::encode::PREAMBLE;

/// Where a dump goes. The caller joins it to a backup's writer. Chunks of several tables are written side by side.
pub trait Sink: Sync {
    /// A file of plain SQL, in the order in which it must be run; those for after the rows come after all tables.
    fn schema(&self, phase: Phase, stem: &str, sql: &str) -> Result<()>;
    /// Announces the next table of the schema; `load_sql` is what a stock client types for one chunk, with `{file}`.
    fn table(&self, table: &Table, load_sql: &str) -> Result<()>;
    /// Opens the next chunk of a table, named by its place in the schema.
    fn chunk(&self, table: usize) -> Result<Box<dyn Chunk + '_>>;
    fn table_done(&self, table: usize, rows: u64, digest: &str) -> Result<()>;
}

/// When a file of plain SQL is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    BeforeRows,
    AfterRows,
}

/// A chunk being written.
pub trait Chunk: Write + Send {
    fn finish(self: Box<Self>, end: &ChunkEnd) -> Result<()>;
}

/// What a chunk holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkEnd {
    pub sum: RowSum,
    /// The keys between which its rows lie; the whole table where it was not divided by a key.
    pub range: Range,
}

/// What a dump is worth: the digest of all that was written and, where asked, the same rows through an outline.
pub struct Dumped {
    pub schema: Schema,
    pub digest: Digest,
    pub through: Option<Digest>,
    /// How it is known that all was read from one moment.
    pub snapshot: BTreeMap<String, String>,
}

/// Dumps everything that `db` holds into `sink`, inside one snapshot that several connections read, no faster than
/// `throttle` lets them.
pub fn dump(
    db: &mut dyn Database,
    outline: Option<&Outline>,
    sink: &dyn Sink,
    throttle: Throttle,
    listen: &mut Listener<'_>,
) -> Result<Dumped> {
    let terms = Terms::readers(db.connections());
    let mut snapshot = snapshot::open(db, &terms, &mut |waiting| {
        tell(listen, Progress::waiting(waiting))
    })?;
    let mut schema = snapshot.schema.clone();
    let sums = rows(&mut snapshot, &schema, outline, sink, throttle, listen);
    let proof = std::mem::take(&mut snapshot.proof);
    let closed = snapshot.end();
    let sums = sums?;
    closed?;
    for (table, sums) in &sums {
        let table = &mut schema.tables[*table];
        table.longest_row = table.longest_row.max(sums.longest_row);
    }
    let full: Vec<_> = sums.iter().map(|(table, sums)| (*table, sums.full)).collect();
    let tables = crate::digest::tables(&schema, None, &full);
    for (index, table) in tables.iter().enumerate() {
        sink.table_done(index, table.rows, &table.digest)?;
    }
    for (stem, sql) in sql_files::after_rows(&schema) {
        sink.schema(Phase::AfterRows, &stem, &sql)?;
    }
    let digest = combine(&schema, tables, None);
    let through = outline.map(|outline| {
        let sums: Vec<_> = sums.iter().map(|(table, sums)| (*table, sums.through)).collect();
        combine(
            &schema,
            crate::digest::tables(&schema, Some(outline), &sums),
            Some(outline),
        )
    });
    Ok(Dumped {
        schema,
        digest,
        through,
        snapshot: proof,
    })
}

fn rows(
    snapshot: &mut Snapshot<'_>,
    schema: &Schema,
    outline: Option<&Outline>,
    sink: &dyn Sink,
    throttle: Throttle,
    listen: &mut Listener<'_>,
) -> Result<Vec<(usize, Sums)>> {
    sink.schema(Phase::BeforeRows, "100-tables", &sql_files::before_rows(schema))?;
    for table in &schema.tables {
        sink.table(table, &sql_files::load_sql(schema.dialect, table))?;
    }
    let parts = snapshot.parts()?;
    let queue = Queue::of(schema, &parts, |_| true).throttled(throttle);
    // Opened in the order of the parts, so that a table's chunks are numbered in the order of its key. A table that is one
    // part may hold nothing, and then has no chunk.
    let begin = |part: &Part| part.range.condition().map(|_| sink.chunk(part.table)).transpose();
    let sums = reading::run_begun(
        snapshot.connections(),
        &queue,
        schema,
        listen,
        begin,
        |db, part, told, chunk| {
            let table = &schema.tables[part.table];
            let mut writing = Longest::of(Writing::of(schema, part, outline, sink, chunk, told));
            let columns = crate::digest::columns(table);
            db.visit(table, &columns, part.range.condition().as_deref(), &mut writing)?;
            let (writing, longest_row) = writing.end();
            let mut sums = writing.finish()?;
            sums.longest_row = longest_row;
            Ok(sums)
        },
    )?;
    let read = sums.iter().map(|(table, sums)| (*table, sums.full.rows));
    reading::counted(&mut *snapshot.readers[0], schema, &parts, read)?;
    Ok(sums)
}
