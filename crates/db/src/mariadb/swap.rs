//! Putting a backup back over a live schema: beside it first, compared there, then all tables at once by one RENAME.
//!
//! Nothing is dropped: the live tables end in a schema of their own. A crash at any point leaves either the live tables
//! or the restored ones in place, and running it again goes on from there.

mod lacks;

use super::tables::create::unqualified;
use super::target::Lack;
use super::{MariaDb, objects};
use crate::digest::{TableDigest, compute};
use crate::load::{self, Source};
use crate::progress::Listener;
use crate::schema::{Kind, Object, Outline, Schema};
use crate::{Address, Cell, Database, Dialect, Error, Result, Session, counters};
use std::collections::BTreeMap;

/// Tries of the exchange while a table is held: each waits at most a second.
const TRIES: u32 = 20;

/// What to put back, and what it must be.
pub struct Swap<'a> {
    pub live: &'a Address,
    pub session: &'a Session,
    pub source: &'a dyn Source,
    /// Only what this knows is put back: what was added since is left out.
    pub outline: &'a Outline,
    /// Statements that take out of the copy what was added since.
    pub undo: &'a [String],
    /// The tables' digests through `outline` that the copy must have.
    pub expected: &'a [TableDigest],
    /// Scratch schema names of this run: the copy, and where the live tables go.
    pub copy: &'a str,
    pub failed: &'a str,
}

impl Swap<'_> {
    /// Restores; afterwards the live schema is what the backup holds, through the outline. Answers what it lacks for that
    /// and does not stop the restore: definers that are not there. What would stop it is refused before anything changes.
    ///
    /// `connected` hears which session works next, before it changes anything: a later process must be able to end it.
    pub fn run(
        &self,
        connected: &mut dyn FnMut(u64) -> Result<()>,
        listen: &mut Listener<'_>,
    ) -> Result<Vec<Lack>> {
        let mut db = MariaDb::open(self.live, self.session)?;
        let lacking = self.preflight(&mut db)?;
        if tables_of(&mut db, self.failed)?.is_empty() {
            self.make_copy(&mut db, connected, listen)?;
            connected(db.connection_id().unwrap_or_default())?;
            self.drop_objects(&mut db)?;
            self.rename(&mut db)?;
        }
        connected(db.connection_id().unwrap_or_default())?;
        self.repoint_defaults(&mut db)?;
        self.drop_objects(&mut db)?;
        let missing = self.missing_objects(&mut db)?;
        db.begin_load()?;
        let created = load::objects(&mut db, &missing, false);
        db.end_load()?;
        created?;
        db.execute(&format!("DROP DATABASE IF EXISTS {}", quote(self.copy)))?;
        Ok(lacking)
    }

    /// The backup's tables and rows in a schema of their own, compared with what they must be.
    fn make_copy(
        &self,
        db: &mut MariaDb,
        connected: &mut dyn FnMut(u64) -> Result<()>,
        listen: &mut Listener<'_>,
    ) -> Result<()> {
        let defaults = db.query("SELECT @@character_set_database, @@collation_database")?;
        let text = |i: usize| {
            defaults
                .first()
                .and_then(|r| r.get(i))
                .and_then(Cell::to_text)
                .unwrap_or_default()
        };
        db.execute(&format!("DROP DATABASE IF EXISTS {}", quote(self.copy)))?;
        db.execute(&format!(
            "CREATE DATABASE {} CHARACTER SET {} COLLATE {}",
            quote(self.copy),
            text(0),
            text(1)
        ))?;
        let mut copy = MariaDb::open(&self.live.with_database(self.copy), self.session)?;
        connected(copy.connection_id().unwrap_or_default())?;
        // The server's replicas must follow: these rows become the live ones.
        copy.log_loads(true);
        copy.begin_load()?;
        let loaded = load::tables(&mut copy, self.source.schema(), self.source, None, listen);
        copy.end_load()?;
        loaded?;
        for statement in self.undo {
            copy.execute(statement)?;
        }
        let found = compute(&mut copy, Some(self.outline), listen)?;
        let other = self.expected.iter().filter(|t| !found.tables.contains(t));
        let mut other: Vec<String> = other.map(|t| format!("table {}", t.name)).collect();
        let promised = self.carried(&self.source.schema().counters);
        other.extend(counters::differences(
            &mut copy,
            &promised,
            &self.carried(&found.counters),
        )?);
        if other.is_empty() {
            return Ok(());
        }
        Err(Error::Differs(format!(
            "the restored copy differs from what the fence saw: {}",
            other.join(", ")
        )))
    }

    /// The counters that come with the tables. Events are not in the copy, nor is what the outline does not know.
    fn carried(&self, counters: &BTreeMap<String, i128>) -> BTreeMap<String, i128> {
        let sequence = |name: &str| self.outline.objects.contains(&(Kind::Sequence, name.to_string()));
        let known = |name: &str| match name.strip_prefix("sequence ") {
            _ if self.outline.tables.contains_key(name) => true,
            Some(name) => sequence(name) || name.strip_suffix(" cycles").is_some_and(sequence),
            None => false,
        };
        let counters = counters.iter().filter(|(name, _)| known(name));
        counters.map(|(name, value)| (name.clone(), *value)).collect()
    }

    /// Live tables out, restored ones in: one statement, all or nothing.
    fn rename(&self, db: &mut MariaDb) -> Result<()> {
        let live = self.live.database();
        db.execute(&format!("CREATE DATABASE IF NOT EXISTS {}", quote(self.failed)))?;
        let mut moves = Vec::new();
        for table in tables_of(db, &live)? {
            moves.push(format!(
                "{}.{t} TO {}.{t}",
                quote(&live),
                quote(self.failed),
                t = quote(&table)
            ));
        }
        for table in tables_of(db, self.copy)? {
            moves.push(format!(
                "{}.{t} TO {}.{t}",
                quote(self.copy),
                quote(&live),
                t = quote(&table)
            ));
        }
        db.execute("SET SESSION foreign_key_checks=0")?;
        let renamed = super::ddl(db, &format!("RENAME TABLE {}", moves.join(", ")), TRIES);
        db.execute("SET SESSION foreign_key_checks=1")?;
        renamed.map(|_| ())
    }

    /// A default that takes values from a sequence names its schema, and a RENAME leaves it at the copy's.
    fn repoint_defaults(&self, db: &mut MariaDb) -> Result<()> {
        let rows = db.catalog(
            "SELECT TABLE_NAME, COLUMN_NAME, COLUMN_DEFAULT FROM information_schema.COLUMNS WHERE TABLE_SCHEMA=? \
             AND COLUMN_DEFAULT LIKE '%`.%' ORDER BY TABLE_NAME, ORDINAL_POSITION",
        )?;
        for row in rows {
            let field = |i: usize| row[i].clone().unwrap_or_default();
            let bare = unqualified(&field(2), self.copy);
            if bare != field(2) {
                let statement = format!(
                    "ALTER TABLE {} ALTER COLUMN {} SET DEFAULT ({bare})",
                    quote(&field(0)),
                    quote(&field(1))
                );
                super::ddl(db, &statement, TRIES)?;
            }
        }
        Ok(())
    }

    /// What the backup holds, through the outline.
    fn known_objects(&self) -> Vec<Object> {
        let known = |o: &&Object| self.outline.objects.contains(&(o.kind, o.name.clone()));
        self.source
            .schema()
            .objects
            .iter()
            .filter(known)
            .cloned()
            .collect()
    }

    /// Of these, what the live schema lacks.
    fn missing_objects(&self, db: &mut MariaDb) -> Result<Schema> {
        let there = db.inspect()?.objects;
        let mut missing = self.source.schema().clone();
        missing.objects = self.known_objects();
        missing
            .objects
            .retain(|o| !there.iter().any(|t| t.kind == o.kind && t.name == o.name));
        Ok(missing)
    }

    /// Views and triggers keep a RENAME across schemas from working. Routines and events do not, and a DROP would take
    /// the accounts' rights on them along: only those that are not what the backup holds go.
    fn drop_objects(&self, db: &mut MariaDb) -> Result<()> {
        let known = self.known_objects();
        for object in db.inspect()?.objects.iter().rev() {
            let same = known
                .iter()
                .any(|k| k.kind == object.kind && k.name == object.name && k.definition == object.definition);
            // A view or a trigger goes in any case: a RENAME fails with one in place.
            let stays = same && !matches!(object.kind, Kind::View | Kind::Trigger);
            let Some(statement) = objects::drop_statement(object).filter(|_| !stays) else {
                continue;
            };
            if matches!(object.kind, Kind::Package | Kind::PackageBody) {
                db.execute(objects::PACKAGE_MODE)?;
                let dropped = db.execute(&statement);
                db.settings(super::connect::SESSION)?;
                dropped?;
                continue;
            }
            db.execute(&statement)?;
        }
        Ok(())
    }
}

fn quote(name: &str) -> String {
    Dialect::MariaDb.quote(name)
}

fn tables_of(db: &mut MariaDb, schema: &str) -> Result<Vec<String>> {
    let literal = schema.replace('\'', "''");
    let rows = db.query(&format!(
        "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA='{literal}' AND TABLE_TYPE<>'VIEW' ORDER BY TABLE_NAME"
    ))?;
    Ok(rows
        .iter()
        .filter_map(|r| r.first().and_then(Cell::to_text))
        .collect())
}
