//! Loads a dump into an empty database: tables, rows, then what hangs on them.

use crate::mariadb::keys::{Filling, Split};
use crate::mariadb::objects;
use crate::marks::{Done, Mark, Marks};
use crate::progress::Listener;
use crate::reading::{self, Queue, Range, Step, Told};
use crate::schema::{Kind, Object, Schema, Table};
use crate::script::Syntax;
use crate::script::requalify::{Literals, requalify_bytes};
use crate::{Cell, Database, Dialect, Error, Result};
use std::collections::BTreeSet;
use std::io::Read;

/// Where a dump comes from. The caller joins it to a backup's reader.
pub trait Source: Sync {
    /// The schema as it was when the dump was made.
    fn schema(&self) -> &Schema;
    /// Chunks of a table, in their order.
    fn chunks(&self, table: &str) -> Vec<ChunkSize>;
    fn chunk(&self, table: &str, index: usize) -> Result<Box<dyn Read + Send>>;
}

/// How much a chunk holds: content, before compression.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChunkSize {
    pub rows: u64,
    pub bytes: u64,
}

/// Loads everything except events' enabled state: they are created disabled when `events_disabled` (scratch copies).
///
/// A load that fails leaves nothing behind in a SQLite file; on a server the caller drops the schema that it made, or loads
/// again with the same `marks`.
pub fn load(
    db: &mut dyn Database,
    source: &dyn Source,
    events_disabled: bool,
    marks: Option<&Marks>,
    listen: &mut Listener<'_>,
) -> Result<u64> {
    let schema = source.schema();
    db.begin_load()?;
    let loaded = tables(db, schema, source, marks, listen).and_then(|rows| {
        if marks.is_some() {
            drop_programs(db, schema)?;
        }
        objects(db, schema, events_disabled)?;
        Ok(rows)
    });
    match loaded {
        Ok(rows) => db.end_load().map(|()| rows),
        Err(error) => {
            // The first error is the one to tell.
            let _ = db.abort_load();
            Err(error)
        }
    }
}

/// Content up to which a table is created with its keys.
const SMALL_BYTES: u64 = 1 << 20;

/// Creates the tables and fills them, over as many connections as `db` may open: a table at a time, its rows first, then
/// its keys if there are many; foreign keys when all tables are there. With `marks` it goes on where an earlier load was cut off.
pub fn tables(
    db: &mut dyn Database,
    schema: &Schema,
    source: &dyn Source,
    marks: Option<&Marks>,
    listen: &mut Listener<'_>,
) -> Result<u64> {
    let done = match marks {
        Some(marks) => marks.read(db)?,
        None => Done::default(),
    };
    let there = left_over(db, marks)?;
    let filling = |table: &Table| {
        let bytes: u64 = source.chunks(&table.name).iter().map(|c| c.bytes).sum();
        match bytes {
            ..=SMALL_BYTES if !done.resumed() => Filling::Few,
            ..=SMALL_BYTES => Filling::FewAgain,
            _ => Filling::Many,
        }
    };
    let steps: Vec<Split> = schema.tables.iter().map(|t| db.split(t, filling(t))).collect();
    // Before the tables: a column's default may read one.
    for sequence in schema.objects.iter().filter(|o| o.kind == Kind::Sequence) {
        if !done.has(&Mark::Sequence(&sequence.name)) {
            if marks.is_some() {
                // Made just before an earlier load was cut off; its state may be missing.
                db.execute(&format!(
                    "DROP SEQUENCE IF EXISTS {}",
                    db.dialect().quote(&sequence.name)
                ))?;
            }
            for statement in &sequence.create {
                db.execute(statement)?;
            }
            Marks::set(marks, db, &Mark::Sequence(&sequence.name))?;
        }
    }
    let mut others = Vec::new();
    while others.len() + 1 < db.connections().min(schema.tables.len()) {
        let Some(mut other) = db.another()? else {
            break;
        };
        other.begin_load()?;
        others.push(other);
    }
    let queue = Queue::of(schema, &vec![vec![Range::default()]; schema.tables.len()], |_| {
        true
    });
    let mut loaders: Vec<&mut dyn Database> = vec![db];
    loaders.extend(others.iter_mut().map(|o| &mut **o as &mut dyn Database));
    let loaded = reading::run(loaders, &queue, schema, listen, |db, part, told| {
        let table = &schema.tables[part.table];
        create(db, table, &steps[part.table].table, source, marks, &done, &there)?;
        let rows = fill(db, table, part.table, source, marks, &done, told)?;
        for (number, statement) in steps[part.table].keys.iter().enumerate() {
            add(db, statement, marks, &done, &Mark::Keys(&table.name, number))?;
        }
        for statement in &steps[part.table].settle {
            db.execute(statement)?;
        }
        Ok(rows)
    });
    let ended = others.iter_mut().try_for_each(|other| other.end_load());
    let rows = loaded?.iter().map(|(_, rows)| rows).sum();
    ended?;
    for (table, step) in schema.tables.iter().zip(&steps) {
        if let Some(statement) = &step.foreign {
            add(db, statement, marks, &done, &Mark::Foreign(&table.name))?;
        }
    }
    Ok(rows)
}

/// Tables that an earlier load may have made, in lower case: some servers know them by that alone. To drop one that is not
/// there takes a server as long as to create it.
fn left_over(db: &mut dyn Database, marks: Option<&Marks>) -> Result<BTreeSet<String>> {
    if marks.is_none() {
        return Ok(BTreeSet::new());
    }
    let rows = db.query("SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA=DATABASE()")?;
    let name = |row: &Vec<Cell>| Some(row.first()?.to_text()?.to_lowercase());
    Ok(rows.iter().filter_map(name).collect())
}

/// Creates a table, unless an earlier load did and may be believed; `there` are those that were there before this one.
fn create(
    db: &mut dyn Database,
    table: &Table,
    statement: &str,
    source: &dyn Source,
    marks: Option<&Marks>,
    done: &Done,
    there: &BTreeSet<String>,
) -> Result<()> {
    let created = done.created(&table.name);
    // A server that fills an empty table keeps no undo for its rows: on a full disk its rollback may leave some behind.
    let dirty = created && !done.has(&Mark::Rows(&table.name, 0)) && !source.chunks(&table.name).is_empty();
    if created && !dirty {
        return Ok(());
    }
    if there.contains(&table.name.to_lowercase()) {
        // Made just before an earlier load was cut off, or holding rows that nothing vouches for.
        db.execute(&format!(
            "DROP TABLE IF EXISTS {}",
            db.dialect().quote(&table.name)
        ))?;
    }
    db.execute(statement)?;
    if created {
        return Ok(());
    }
    Marks::set(marks, db, &Mark::Created(&table.name))
}

/// Content that is loaded in one transaction. The server fills an empty table fastest in a single one, but what is lost
/// with a killed load should stay bounded.
const UNIT_BYTES: u64 = 2 << 30;

/// Loads the rows of a table; answers how many it has then.
fn fill(
    db: &mut dyn Database,
    table: &Table,
    index: usize,
    source: &dyn Source,
    marks: Option<&Marks>,
    done: &Done,
    told: &Told<'_>,
) -> Result<u64> {
    let sizes = source.chunks(&table.name);
    let mut rows = 0;
    for (number, unit) in units(&sizes, db.unit_bytes(UNIT_BYTES)).into_iter().enumerate() {
        let expected: u64 = sizes[unit.clone()].iter().map(|s| s.rows).sum();
        rows += expected;
        let mark = Mark::Rows(&table.name, number);
        if done.has(&mark) {
            continue;
        }
        let mut data = Chained {
            source,
            table: &table.name,
            index,
            told,
            waiting: unit,
            sizes: &sizes,
            open: None,
        };
        let mark = marks.map(|marks| marks.statement(&mark));
        db.load_chunk(table, &mut data, Some(expected), mark.as_deref())?;
    }
    Ok(rows)
}

/// Refuses rows that are not as many as `expected`; asked before they are committed.
pub(crate) fn as_many(table: &Table, loaded: u64, expected: Option<u64>) -> Result<u64> {
    match expected {
        Some(expected) if loaded != expected => Err(Error::Differs(format!(
            "table {}: {loaded} rows were loaded, the backup has {expected} there",
            table.name
        ))),
        _ => Ok(loaded),
    }
}

/// Chunks in a row that are loaded together.
fn units(sizes: &[ChunkSize], most: u64) -> Vec<std::ops::Range<usize>> {
    let mut out = Vec::new();
    let (mut from, mut bytes) = (0, 0);
    for (index, size) in sizes.iter().enumerate() {
        if index > from && bytes + size.bytes > most {
            out.push(from..index);
            (from, bytes) = (index, 0);
        }
        bytes += size.bytes;
    }
    if from < sizes.len() {
        out.push(from..sizes.len());
    }
    out
}

/// The content of several chunks, one after the other.
struct Chained<'a> {
    source: &'a dyn Source,
    table: &'a str,
    index: usize,
    told: &'a Told<'a>,
    waiting: std::ops::Range<usize>,
    sizes: &'a [ChunkSize],
    open: Option<(usize, Box<dyn Read + Send>)>,
}

impl Read for Chained<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let (index, reader) = match &mut self.open {
                Some((index, reader)) => (*index, reader),
                None => match self.waiting.next() {
                    None => return Ok(0),
                    Some(index) => {
                        let reader = self
                            .source
                            .chunk(self.table, index)
                            .map_err(std::io::Error::other)?;
                        let (_, reader) = self.open.insert((index, reader));
                        (index, reader)
                    }
                },
            };
            let read = reader.read(buffer)?;
            if read > 0 {
                return Ok(read);
            }
            self.open = None;
            let size = self.sizes[index];
            self.told
                .step(Step {
                    table: self.index,
                    rows: size.rows,
                    bytes: size.bytes,
                })
                .map_err(std::io::Error::other)?;
        }
    }
}

/// Runs a statement that adds keys, unless an earlier load did.
fn add(
    db: &mut dyn Database,
    statement: &str,
    marks: Option<&Marks>,
    done: &Done,
    mark: &Mark<'_>,
) -> Result<()> {
    if done.has(mark) {
        return Ok(());
    }
    match db.execute(statement) {
        // Added just before an earlier load was cut off: 1061 a key, 1826 and 1005 with 121 a foreign key.
        Err(Error::Server {
            number: 1061 | 1826, ..
        }) if done.resumed() => {}
        Err(Error::Server {
            number: 1005,
            message,
            ..
        }) if done.resumed() && message.contains("121") => {}
        other => {
            other?;
        }
    }
    Marks::set(marks, db, mark)
}

/// Takes away what an earlier load that was cut off has created beside the tables: it carries no marks of its own.
fn drop_programs(db: &mut dyn Database, schema: &Schema) -> Result<()> {
    if schema.dialect == Dialect::Sqlite {
        return Ok(());
    }
    for object in schema.objects.iter().rev() {
        let Some(statement) = objects::drop_statement(object) else {
            continue;
        };
        if matches!(object.kind, Kind::Package | Kind::PackageBody) {
            db.execute(objects::PACKAGE_MODE)?;
            let dropped = db.execute(&statement);
            db.settle_load()?;
            dropped?;
        } else {
            db.execute(&statement)?;
        }
    }
    Ok(())
}

/// Creates indexes, routines, views, triggers and events, and sets the counters, between `begin_load` and `end_load`.
/// Objects that name the source schema literally are pointed at the schema they are loaded into.
pub fn objects(db: &mut dyn Database, schema: &Schema, events_disabled: bool) -> Result<()> {
    let into = db.identity()?.database;
    // Sequences stand with the tables already.
    let mut objects = schema.objects.iter().filter(|o| o.kind != Kind::Sequence);
    let created = objects.try_for_each(|object| {
        for statement in &object.create {
            if events_disabled && objects::enables_event(object, statement) {
                continue;
            }
            let statement = retarget(schema, object, statement, &into)?;
            let statement = objects::client::sent(object, &statement);
            db.execute(&statement).map_err(|error| match error {
                Error::Server { number, message, .. } => Error::Server {
                    what: format!("cannot create {} {}", object.kind.word(), object.name),
                    number,
                    message,
                },
                other => other,
            })?;
        }
        Ok(())
    });
    let settled = db.settle_load();
    created?;
    settled
}

/// The statement with its references to the source schema pointed at `into`.
fn retarget(schema: &Schema, object: &Object, statement: &str, into: &str) -> Result<String> {
    if schema.dialect == Dialect::Sqlite
        || schema.database == into
        || !object.kind.is_program()
        || !statement.starts_with("CREATE ")
    {
        return Ok(statement.to_string());
    }
    // A string in a view is a value and nothing else; in a routine it may be run, or compared with the catalog.
    let literals = if object.kind == Kind::View {
        Literals::Keep
    } else {
        Literals::Judge
    };
    let syntax = Syntax::with_sql_mode(sql_mode(object));
    let rewritten = requalify_bytes(statement.as_bytes(), syntax, &schema.database, into, literals);
    // Only whole names were replaced, by text: what was UTF-8 is UTF-8.
    rewritten.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).map_err(|found| {
        Error::refused(
            format!("{} {}: {found}", object.kind.word(), object.name),
            "a copy on the same server could write into the original; restore on another server under the same name",
        )
    })
}

/// The `sql_mode` that an object's own statements set before it is created.
pub(crate) fn sql_mode(object: &Object) -> &str {
    object
        .create
        .iter()
        .find_map(|s| s.strip_prefix("SET SESSION sql_mode="))
        .map_or("", |m| m.trim_matches('\''))
}
