//! Loads a dump into an empty database: tables, rows, then what hangs on them.

use crate::progress::{Listener, Progress};
use crate::schema::{Kind, Object, Schema};
use crate::script::Syntax;
use crate::script::requalify::{Literals, requalify_bytes};
use crate::{Database, Dialect, Error, Result};
use std::io::Read;

/// Where a dump comes from. The caller joins it to a backup's reader.
pub trait Source {
    /// The schema as it was when the dump was made.
    fn schema(&self) -> &Schema;
    /// Chunks of a table, in their order: how many, and each one's reader.
    fn chunks(&self, table: &str) -> usize;
    fn chunk(&self, table: &str, index: usize) -> Result<Box<dyn Read + Send>>;
}

/// Loads everything except events' enabled state: they are created disabled when `events_disabled` (scratch copies).
///
/// A load that fails leaves nothing behind in a SQLite file; on a server the caller drops the schema that it made.
pub fn load(
    db: &mut dyn Database,
    source: &dyn Source,
    events_disabled: bool,
    listen: &mut Listener<'_>,
) -> Result<u64> {
    let schema = source.schema();
    db.begin_load()?;
    let loaded = tables(db, schema, source, listen).and_then(|rows| {
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

/// Creates the tables and fills them.
pub fn tables(
    db: &mut dyn Database,
    schema: &Schema,
    source: &dyn Source,
    listen: &mut Listener<'_>,
) -> Result<u64> {
    for statement in schema
        .objects
        .iter()
        .filter(|o| o.kind == Kind::Sequence)
        .flat_map(|o| &o.create)
    {
        db.execute(statement)?;
    }
    for table in &schema.tables {
        db.execute(&table.create)?;
    }
    let rows_total = schema.rows_estimate();
    let mut rows = 0;
    for table in &schema.tables {
        for index in 0..source.chunks(&table.name) {
            let mut data = source.chunk(&table.name, index)?;
            rows += db.load_chunk(table, &mut *data)?;
            listen(Progress {
                rows,
                rows_total,
                bytes: 0,
                table: &table.name,
            });
        }
    }
    Ok(rows)
}

/// Creates indexes, routines, views, triggers and events, and sets the counters, between `begin_load` and `end_load`.
/// Objects that name the source schema literally are pointed at the schema they are loaded into.
pub fn objects(db: &mut dyn Database, schema: &Schema, events_disabled: bool) -> Result<()> {
    let into = db.identity()?.database;
    // Sequences stand with the tables already.
    let mut objects = schema.objects.iter().filter(|o| o.kind != Kind::Sequence);
    let created = objects.try_for_each(|object| {
        for statement in &object.create {
            if events_disabled && crate::mariadb::objects::enables_event(object, statement) {
                continue;
            }
            let statement = retarget(schema, object, statement, &into)?;
            let statement = crate::mariadb::objects::client::sent(object, &statement);
            db.execute(&statement).map_err(|error| match error {
                Error::Server { number, message, .. } => Error::Server {
                    what: format!(
                        "cannot create {} {}",
                        crate::digest::kind_word(object.kind),
                        object.name
                    ),
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
            format!("{} {}: {found}", crate::digest::kind_word(object.kind), object.name),
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
