//! One pass over a snapshot that writes chunks and takes the digest of the very same rows.

use crate::digest::{TableHasher, combine};
use crate::progress::{Listener, Progress};
use crate::schema::{Kind, Outline, Schema, Table};
use crate::{Database, Dialect, Digest, Result};
use std::borrow::Cow;

/// What a stock client must be sent before each chunk of a MySQL or MariaDB dump.
pub const SESSION: &str = crate::mariadb::encode::PREAMBLE;

/// Bytes after which a chunk is closed, before compression.
const CHUNK_BYTES: usize = 16 << 20;

/// Where a dump goes. The caller joins it to a backup's writer.
pub trait Sink {
    /// A file of plain SQL, in the order in which it must be run.
    fn schema(&mut self, stem: &str, sql: &str) -> Result<()>;
    /// Announces the table whose chunks follow; `load_sql` is what a stock client types for one chunk, with `{file}`.
    fn table(&mut self, table: &Table, load_sql: &str) -> Result<()>;
    /// One whole chunk.
    fn chunk(&mut self, data: &[u8], rows: u64) -> Result<()>;
    fn table_done(&mut self, rows: u64, digest: &str) -> Result<()>;
}

/// What a dump is worth: the digest of all that was written and, where asked, the same rows through an outline.
pub struct Dumped {
    pub schema: Schema,
    pub digest: Digest,
    pub through: Option<Digest>,
}

/// Dumps everything that `db` holds into `sink`, inside one snapshot.
pub fn dump(
    db: &mut dyn Database,
    outline: Option<&Outline>,
    sink: &mut dyn Sink,
    listen: &mut Listener<'_>,
) -> Result<Dumped> {
    let schema = crate::digest::snapshot(db)?;
    let done = tables(db, &schema, outline, sink, listen);
    let ended = db.end_snapshot();
    let (full, through) = done?;
    ended?;
    for (stem, sql) in object_files(&schema) {
        sink.schema(&stem, &sql)?;
    }
    let digest = combine(&schema, full, None);
    let through = outline.map(|o| combine(&schema, through, Some(o)));
    Ok(Dumped {
        schema,
        digest,
        through,
    })
}

type Tables = (Vec<crate::digest::TableDigest>, Vec<crate::digest::TableDigest>);

fn tables(
    db: &mut dyn Database,
    schema: &Schema,
    outline: Option<&Outline>,
    sink: &mut dyn Sink,
    listen: &mut Listener<'_>,
) -> Result<Tables> {
    sink.schema("100-tables", &table_file(schema))?;
    let rows_total = schema.rows_estimate();
    let (mut rows_all, mut bytes_all) = (0u64, 0u64);
    let (mut full, mut through) = (Vec::new(), Vec::new());
    for table in &schema.tables {
        sink.table(table, &load_sql(schema.dialect, table))?;
        let mut hasher = TableHasher::new(table, None).expect("no outline leaves no table out");
        let mut partial = outline.and_then(|o| TableHasher::new(table, Some(o)));
        let mut encoder = Encoder::new(schema.dialect, table);
        let columns: Vec<String> = table.columns.iter().map(|c| c.name.clone()).collect();
        let mut rows_chunk = 0u64;
        let mut buffer = Vec::with_capacity(CHUNK_BYTES + (1 << 20));
        let mut before = 0usize;
        let rows = db.scan(table, &columns, &mut |cells| {
            hasher.row(cells);
            if let Some(partial) = &mut partial {
                partial.row(cells);
            }
            encoder.row(cells, &mut buffer);
            rows_chunk += 1;
            rows_all += 1;
            bytes_all += (buffer.len() - before) as u64;
            if buffer.len() >= CHUNK_BYTES {
                encoder.close(&mut buffer);
                sink.chunk(&buffer, rows_chunk)?;
                buffer.clear();
                rows_chunk = 0;
            }
            before = buffer.len();
            if rows_all % 4096 == 0 {
                listen(Progress {
                    rows: rows_all,
                    rows_total,
                    bytes: bytes_all,
                    table: &table.name,
                });
            }
            Ok(())
        })?;
        if rows_chunk > 0 {
            encoder.close(&mut buffer);
            sink.chunk(&buffer, rows_chunk)?;
        }
        let digest = hasher.finish();
        sink.table_done(rows, &digest.digest)?;
        full.push(digest);
        through.extend(partial.map(TableHasher::finish));
    }
    listen(Progress {
        rows: rows_all,
        rows_total,
        bytes: bytes_all,
        table: "",
    });
    Ok((full, through))
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

    fn row(&mut self, cells: &[crate::Cell], out: &mut Vec<u8>) {
        match self {
            Encoder::MySql(encoder) => encoder.row(cells, out),
            Encoder::Sqlite(encoder) => encoder.row(cells, out),
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
        sql.push_str(&table.create);
        sql.push_str("\n;\n\n");
    }
    sql
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
    for (kind, stem) in kinds {
        // On a server the schema's defaults stand before the tables: routines take them when they are created.
        if kind == Kind::Database && schema.dialect != Dialect::Sqlite {
            continue;
        }
        let statements: Vec<_> = schema
            .objects
            .iter()
            .filter(|o| o.kind == kind)
            .flat_map(|o| {
                o.create
                    .iter()
                    .map(|s| crate::mariadb::objects::client::sent(o, s))
            })
            .collect();
        if !statements.is_empty() {
            files.push((stem.to_string(), object_file(schema.dialect, &statements)));
        }
    }
    files
}

fn object_file(dialect: Dialect, statements: &[Cow<'_, str>]) -> String {
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
