//! One pass over a snapshot that writes chunks and takes the digest of the very same rows.

use crate::digest::{RowSum, TableHasher, combine};
use crate::mariadb::keys::Split;
use crate::progress::Listener;
use crate::reading::{self, Part, Queue, Range, Step, TELL_ROWS, Told};
use crate::row::{self, Value, Visit};
use crate::schema::{Kind, Outline, Schema, Table};
use crate::snapshot::{self, Snapshot, Terms};
use crate::{Database, Dialect, Digest, Error, Result};
use std::collections::BTreeMap;
use std::io::{Read, Write};

/// What a stock client must be sent before each chunk of a MySQL or MariaDB dump.
pub const SESSION: &str = crate::mariadb::encode::PREAMBLE;

/// Bytes after which a chunk of a table that cannot be divided by a key is closed, before compression.
const CHUNK_BYTES: u64 = 16 << 20;
/// Bytes of a chunk that are held before they are handed on.
const BLOCK: usize = 256 << 10;

/// Where a dump goes. The caller joins it to a backup's writer. Chunks of several tables are written side by side.
pub trait Sink: Sync {
    /// A file of plain SQL, in the order in which it must be run; those for after the rows come after all tables.
    fn schema(&self, stem: &str, sql: &str) -> Result<()>;
    /// Announces the next table of the schema; `load_sql` is what a stock client types for one chunk, with `{file}`.
    fn table(&self, table: &Table, load_sql: &str) -> Result<()>;
    /// Opens the next chunk of a table, named by its place in the schema.
    fn chunk(&self, table: usize) -> Result<Box<dyn Chunk + '_>>;
    fn table_done(&self, table: usize, rows: u64, digest: &str) -> Result<()>;
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

/// Dumps everything that `db` holds into `sink`, inside one snapshot that several connections read.
pub fn dump(
    db: &mut dyn Database,
    outline: Option<&Outline>,
    sink: &dyn Sink,
    listen: &mut Listener<'_>,
) -> Result<Dumped> {
    let terms = Terms::readers(db.connections());
    let mut snapshot = snapshot::open(db, &terms, &mut |_| {})?;
    let schema = snapshot.schema.clone();
    let sums = rows(&mut snapshot, &schema, outline, sink, listen);
    let proof = std::mem::take(&mut snapshot.proof);
    let closed = snapshot.end();
    let sums = sums?;
    closed?;
    let full: Vec<_> = sums.iter().map(|(table, sums)| (*table, sums.full)).collect();
    let tables = crate::digest::tables(&schema, None, &full);
    for (index, table) in tables.iter().enumerate() {
        sink.table_done(index, table.rows, &table.digest)?;
    }
    for (stem, sql) in object_files(&schema) {
        sink.schema(&stem, &sql)?;
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

/// The rows of a part added up: all their columns, and those that the outline knows.
struct Sums {
    full: RowSum,
    through: RowSum,
}

fn rows(
    snapshot: &mut Snapshot<'_>,
    schema: &Schema,
    outline: Option<&Outline>,
    sink: &dyn Sink,
    listen: &mut Listener<'_>,
) -> Result<Vec<(usize, Sums)>> {
    sink.schema("100-tables", &table_file(schema))?;
    for table in &schema.tables {
        sink.table(table, &load_sql(schema.dialect, table))?;
    }
    let queue = Queue::of(schema, &snapshot.parts()?, |_| true);
    // Opened in the order of the parts, so that a table's chunks are numbered in the order of its key. A table that is one
    // part may hold nothing, and then has no chunk.
    let begin = |part: &Part| part.range.condition().map(|_| sink.chunk(part.table)).transpose();
    reading::run_begun(
        snapshot.connections(),
        &queue,
        schema,
        listen,
        begin,
        |db, part, told, chunk| {
            let table = &schema.tables[part.table];
            let mut writing = Writing {
                hasher: TableHasher::new(table, None).expect("no outline leaves no table out"),
                through: outline.and_then(|o| TableHasher::new(table, Some(o))),
                encoder: Encoder::new(schema.dialect, table),
                block: Vec::with_capacity(BLOCK + (64 << 10)),
                chunk,
                chunk_bytes: 0,
                rows: 0,
                bytes: 0,
                sums: Sums {
                    full: RowSum::default(),
                    through: RowSum::default(),
                },
                sink,
                part,
                told,
            };
            let columns = crate::digest::columns(table);
            db.visit(table, &columns, part.range.condition().as_deref(), &mut writing)?;
            writing.finish()
        },
    )
}

/// One part on its way into chunks: every row is hashed and written in the same pass.
struct Writing<'a> {
    hasher: TableHasher,
    through: Option<TableHasher>,
    encoder: Encoder,
    block: Vec<u8>,
    chunk: Option<Box<dyn Chunk + 'a>>,
    chunk_bytes: u64,
    /// Since it was last told.
    rows: u64,
    bytes: u64,
    sums: Sums,
    sink: &'a dyn Sink,
    part: &'a Part,
    told: &'a Told<'a>,
}

impl Writing<'_> {
    /// Hands on what is held.
    fn hand_on(&mut self) -> Result<()> {
        let chunk = match &mut self.chunk {
            Some(chunk) => chunk,
            None => self.chunk.insert(self.sink.chunk(self.part.table)?),
        };
        chunk
            .write_all(&self.block)
            .map_err(|e| Error::io("writing the backup", e))?;
        self.chunk_bytes += self.block.len() as u64;
        self.bytes += self.block.len() as u64;
        self.block.clear();
        Ok(())
    }

    fn end_chunk(&mut self) -> Result<()> {
        self.encoder.close(&mut self.block);
        let sum = self.hasher.cut();
        if !self.block.is_empty() || self.chunk.is_some() {
            self.hand_on()?;
        }
        if let Some(chunk) = self.chunk.take() {
            chunk.finish(&ChunkEnd {
                sum,
                range: self.part.range.clone(),
            })?;
        }
        self.chunk_bytes = 0;
        self.sums.full = self.sums.full.plus(sum);
        Ok(())
    }

    fn tell(&mut self) -> Result<()> {
        self.told.step(Step {
            table: self.part.table,
            rows: std::mem::take(&mut self.rows),
            bytes: std::mem::take(&mut self.bytes),
        })
    }

    fn finish(mut self) -> Result<Sums> {
        self.end_chunk()?;
        self.sums.through = self.through.as_mut().map(TableHasher::cut).unwrap_or_default();
        self.tell()?;
        Ok(self.sums)
    }
}

impl Visit for Writing<'_> {
    fn value(&mut self, column: usize, value: Value<'_>) -> Result<()> {
        self.hasher.put(column, value);
        if let Some(through) = &mut self.through {
            through.put(column, value);
        }
        self.encoder.value(column, value, &mut self.block);
        Ok(())
    }

    fn long(&mut self, column: usize, text: bool, length: u64, data: &mut dyn Read) -> Result<()> {
        self.hasher.begin_long(column, text, length);
        let through = match &mut self.through {
            Some(through) => through.begin_long(column, text, length),
            None => false,
        };
        self.encoder.begin_long(column, text, &mut self.block);
        row::pieces(data, &mut |piece| {
            self.hasher.piece(piece);
            if let Some(hasher) = self.through.as_mut().filter(|_| through) {
                hasher.piece(piece);
            }
            self.encoder.piece(column, piece, &mut self.block);
            if self.block.len() >= BLOCK {
                self.hand_on()?;
            }
            Ok(())
        })?;
        self.encoder.end_long(column, &mut self.block);
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        self.hasher.end_row();
        if let Some(through) = &mut self.through {
            through.end_row();
        }
        self.encoder.end_row(&mut self.block);
        self.rows += 1;
        if self.block.len() >= BLOCK {
            self.hand_on()?;
            // Only a part that is the whole table may be cut anywhere: the chunks of the others are their ranges.
            if self.chunk_bytes >= CHUNK_BYTES && self.part.range.condition().is_none() {
                self.end_chunk()?;
            }
        }
        if self.rows >= TELL_ROWS {
            self.tell()?;
        }
        Ok(())
    }
}

/// Turns rows into a chunk's bytes.
enum Encoder {
    MySql(crate::mariadb::encode::Encoder),
    Sqlite(crate::sqlite::encode::Encoder),
}

impl Encoder {
    fn new(dialect: Dialect, table: &Table) -> Encoder {
        match dialect {
            Dialect::Sqlite => Encoder::Sqlite(crate::sqlite::encode::Encoder::new(table)),
            _ => Encoder::MySql(crate::mariadb::encode::Encoder::new(table)),
        }
    }

    fn value(&mut self, column: usize, value: Value<'_>, out: &mut Vec<u8>) {
        match self {
            Encoder::MySql(encoder) => encoder.value(column, value, out),
            Encoder::Sqlite(encoder) => encoder.value(column, value, out),
        }
    }

    fn begin_long(&mut self, column: usize, text: bool, out: &mut Vec<u8>) {
        match self {
            Encoder::MySql(encoder) => encoder.begin_long(column, out),
            Encoder::Sqlite(encoder) => encoder.begin_long(column, text, out),
        }
    }

    fn piece(&mut self, column: usize, piece: &[u8], out: &mut Vec<u8>) {
        match self {
            Encoder::MySql(encoder) => encoder.piece(column, piece, out),
            Encoder::Sqlite(encoder) => encoder.piece(column, piece, out),
        }
    }

    fn end_long(&mut self, column: usize, out: &mut Vec<u8>) {
        if let Encoder::Sqlite(encoder) = self {
            encoder.end_long(column, out);
        }
    }

    fn end_row(&mut self, out: &mut Vec<u8>) {
        match self {
            Encoder::MySql(encoder) => encoder.end_row(out),
            Encoder::Sqlite(encoder) => encoder.end_row(out),
        }
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        if let Encoder::Sqlite(encoder) = self {
            encoder.close(out);
        }
    }
}

fn load_sql(dialect: Dialect, table: &Table) -> String {
    match dialect {
        Dialect::Sqlite => String::new(),
        _ => crate::mariadb::encode::load_statement(table, "{file}"),
    }
}

/// Statements that make a stock client's session read the files exactly.
fn preamble(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "PRAGMA foreign_keys=OFF;\n",
        _ => crate::mariadb::encode::PREAMBLE,
    }
}

fn table_file(schema: &Schema) -> String {
    let mut sql = String::from(preamble(schema.dialect));
    if schema.dialect != Dialect::Sqlite {
        for statement in schema
            .objects
            .iter()
            .filter(|o| matches!(o.kind, Kind::Database | Kind::Sequence))
            .flat_map(|o| &o.create)
        {
            sql.push_str(statement);
            sql.push_str("\n;\n\n");
        }
    }
    for table in &schema.tables {
        // On a line of its own: a definition may end in a comment.
        sql.push_str(&split(schema.dialect, table).table);
        sql.push_str("\n;\n\n");
    }
    sql
}

/// A table's definition in the steps in which it is restored best.
fn split(dialect: Dialect, table: &Table) -> Split {
    match dialect {
        Dialect::Sqlite => Split::whole(&table.create),
        _ => crate::mariadb::keys::split(table),
    }
}

/// The files that come after the rows, by kind, in the order in which they must be run.
fn object_files(schema: &Schema) -> Vec<(String, String)> {
    let kinds = [
        (Kind::Index, "200-indexes"),
        (Kind::Routine, "300-routines"),
        (Kind::Package, "310-packages"),
        (Kind::PackageBody, "320-package-bodies"),
        (Kind::View, "400-views"),
        (Kind::Trigger, "500-triggers"),
        (Kind::Event, "600-events"),
        (Kind::Database, "900-counters"),
    ];
    let mut files = Vec::new();
    let steps: Vec<Split> = schema.tables.iter().map(|t| split(schema.dialect, t)).collect();
    let keys: Vec<&String> = steps.iter().flat_map(|s| &s.keys).collect();
    let foreign: Vec<&String> = steps.iter().filter_map(|s| s.foreign.as_ref()).collect();
    for (stem, statements) in [("150-keys", keys), ("160-foreign-keys", foreign)] {
        if !statements.is_empty() {
            files.push((stem.to_string(), object_file(schema.dialect, &statements)));
        }
    }
    for (kind, stem) in kinds {
        // On a server the schema's defaults stand before the tables: routines take them when they are created.
        if kind == Kind::Database && schema.dialect != Dialect::Sqlite {
            continue;
        }
        let statements: Vec<&String> = schema
            .objects
            .iter()
            .filter(|o| o.kind == kind)
            .flat_map(|o| &o.create)
            .collect();
        if !statements.is_empty() {
            files.push((stem.to_string(), object_file(schema.dialect, &statements)));
        }
    }
    files
}

fn object_file(dialect: Dialect, statements: &[&String]) -> String {
    if dialect == Dialect::Sqlite {
        return statements.iter().map(|s| format!("{s}\n;\n")).collect();
    }
    // The stock client cuts at the delimiter even inside a body.
    let delimiter = (0..)
        .map(|n| {
            if n == 0 {
                ";;".to_string()
            } else {
                format!("$${n}")
            }
        })
        .find(|d| !statements.iter().any(|s| s.contains(d.as_str())))
        .expect("finitely many statements cannot hold infinitely many delimiters");
    let body: String = statements.iter().map(|s| format!("{s}\n{delimiter}\n")).collect();
    format!("{}DELIMITER {delimiter}\n{body}DELIMITER ;\n", preamble(dialect))
}
