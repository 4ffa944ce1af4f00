//! A backup as something that can be loaded, and compared with what it became.

use super::CATALOG;
use crate::error::Failure;
use backup::Backup;
use db::load::{ChunkSize, Source};
use db::schema::{Kind, Object, Schema, Table};
use db::{Database, Dialect, Digest};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

/// A backup as something that can be loaded.
pub struct Contents<'a> {
    backup: &'a Backup,
    schema: Schema,
    /// The manifest's tables by name.
    tables: BTreeMap<&'a str, &'a backup::Table>,
    /// Whether all of the backup is meant.
    whole: bool,
}

impl<'a> Contents<'a> {
    pub fn of(backup: &'a Backup) -> Result<Contents<'a>, Failure> {
        let bytes = backup.attachment(CATALOG)?;
        let mut schema: Schema = serde_json::from_slice(&bytes).map_err(|e| {
            Failure::failed(
                "backup",
                format!("{CATALOG} of {} cannot be read: {e}", backup.path().display()),
            )
        })?;
        let tables = &backup.manifest().tables;
        let tables: BTreeMap<_, _> = tables.iter().map(|t| (t.name.as_str(), t)).collect();
        // What the server guessed then is known by now: progress is told of that many.
        for table in &mut schema.tables {
            table.rows_estimate = tables.get(table.name.as_str()).map_or(0, |t| t.rows);
        }
        Ok(Contents {
            backup,
            schema,
            tables,
            whole: true,
        })
    }

    /// Keeps these tables alone, all of them when none is named.
    pub(super) fn keep(&mut self, only: &[String]) -> Result<(), Failure> {
        if only.is_empty() {
            return Ok(());
        }
        if let Some(unknown) = only.iter().find(|name| self.schema.table(name).is_none()) {
            let names: Vec<&str> = self.schema.tables.iter().map(|t| t.name.as_str()).collect();
            return Err(Failure::usage(format!("the backup holds no table {unknown}"))
                .hint(format!("it holds {}", names.join(", "))));
        }
        self.whole = false;
        self.schema.tables.retain(|t| only.contains(&t.name));
        // A column's default may read a sequence: without it the table could not be made.
        let read: Vec<String> = self
            .schema
            .objects
            .iter()
            .filter(|o| o.kind == Kind::Sequence && self.schema.tables.iter().any(|t| reads(t, o)))
            .map(|o| o.name.clone())
            .collect();
        let of_sequence = |counter: &str| {
            let name = counter.strip_prefix("sequence ");
            name.is_some_and(|name| {
                read.iter()
                    .any(|read| name.strip_suffix(" cycles").unwrap_or(name) == read)
            })
        };
        self.schema
            .counters
            .retain(|name, _| only.contains(name) || of_sequence(name));
        // What else says of itself how it is created hangs on more than these tables. SQLite's header counts rows of tables
        // that are not among them.
        let sqlite = self.schema.dialect == Dialect::Sqlite;
        self.schema.objects.retain(|o| match o.kind {
            Kind::Database => true,
            Kind::Index => belongs(o, only),
            Kind::Sequence => read.contains(&o.name),
            _ => o.create.is_empty() && belongs(o, only),
        });
        if sqlite {
            self.keep_sequences();
        }
        Ok(())
    }

    /// Of a SQLite header the counters of the tables that are kept: those are all that a part takes of it.
    fn keep_sequences(&mut self) {
        let numbered = |table: &&Table| table.create.to_ascii_uppercase().contains("AUTOINCREMENT");
        let numbered: Vec<String> = self
            .schema
            .tables
            .iter()
            .filter(numbered)
            .map(|t| t.name.clone())
            .collect();
        let counters = &mut self.schema.counters;
        counters.retain(|name, _| numbered.contains(name));
        let mut create = Vec::new();
        for name in &numbered {
            let literal = name.replace('\'', "''");
            create.push(format!("DELETE FROM sqlite_sequence WHERE name='{literal}'"));
            if let Some(value) = counters.get(name) {
                create.push(format!(
                    "INSERT INTO sqlite_sequence(name, seq) VALUES('{literal}', {value})"
                ));
            }
        }
        let header = self.schema.objects.iter_mut().find(|o| o.kind == Kind::Database);
        if let Some(header) = header {
            header.create = create;
        }
    }

    /// Where the copy in `db` is not what was backed up, by name; `found` is its digest. Events that were to be created
    /// disabled are not asked whether they are enabled.
    pub(super) fn differences(
        &self,
        db: &mut dyn Database,
        found: &Digest,
        events_disabled: bool,
    ) -> Result<Vec<String>, Failure> {
        let mut other = Vec::new();
        let loaded: BTreeMap<_, _> = found.tables.iter().map(|t| (t.name.as_str(), t)).collect();
        let wanted: BTreeSet<_> = self.schema.tables.iter().map(|t| t.name.as_str()).collect();
        for promised in &self.backup.manifest().tables {
            let name = promised.name.as_str();
            let same = loaded
                .get(name)
                .is_some_and(|t| t.digest == promised.digest && t.rows == promised.rows);
            if wanted.contains(name) && !same {
                other.push(format!("table {name}"));
            }
        }
        let expected = db::digest::combine(&self.schema, Vec::new(), None).objects;
        let differs = |name: &&String| found.objects.get(*name) != expected.get(*name);
        // SQLite's header is the whole database's; a part comes without it. A schema has its own defaults in any case.
        let sqlite = self.schema.dialect == Dialect::Sqlite;
        let mut objects: Vec<String> = expected
            .keys()
            .filter(|name| self.whole || !sqlite || !name.starts_with("database "))
            .chain(
                found
                    .objects
                    .keys()
                    .filter(|name| self.whole || !name.starts_with("database ")),
            )
            .filter(differs)
            .cloned()
            .collect();
        objects.sort();
        objects.dedup();
        other.extend(objects);
        if other.is_empty() && self.whole && found.digest != self.backup.digest() {
            other.push("the digest of all".into());
        }
        let compared = |counters: &BTreeMap<String, i128>| -> BTreeMap<String, i128> {
            let kept = counters
                .iter()
                .filter(|(name, _)| !events_disabled || !name.starts_with("event "));
            kept.map(|(name, value)| (name.clone(), *value)).collect()
        };
        let counters = (compared(&self.schema.counters), compared(&found.counters));
        other.extend(db::counters::differences(db, &counters.0, &counters.1)?);
        Ok(other)
    }
}

/// Whether an object is part of one of these tables. Its name begins with the table's, quoted where it has to be.
fn belongs(object: &Object, tables: &[String]) -> bool {
    tables.iter().any(|table| {
        let quoted = Dialect::MariaDb.quote(table);
        object.name == *table
            || object.name.starts_with(&format!("{table}."))
            || object.name.starts_with(&format!("{quoted}."))
    })
}

/// Whether a table's definition names the sequence.
fn reads(table: &Table, sequence: &Object) -> bool {
    table.create.contains(&Dialect::MariaDb.quote(&sequence.name))
}

impl Source for Contents<'_> {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn chunks(&self, table: &str) -> Vec<ChunkSize> {
        let size = |chunk: &backup::Chunk| ChunkSize {
            rows: chunk.rows,
            bytes: chunk.bytes,
        };
        self.tables
            .get(table)
            .map_or(Vec::new(), |t| t.chunks.iter().map(size).collect())
    }

    fn chunk(&self, table: &str, index: usize) -> db::Result<Box<dyn Read + Send>> {
        let chunk = self
            .tables
            .get(table)
            .and_then(|t| t.chunks.get(index))
            .ok_or_else(|| {
                db::Error::io(
                    "reading the backup",
                    format!("table {table} has no chunk {index}"),
                )
            })?;
        let reader = self
            .backup
            .chunk_reader(chunk)
            .map_err(|e| db::Error::io("reading the backup", e))?;
        Ok(Box::new(reader))
    }
}
