//! A dump kept in memory: what `backup` does on disk.

use super::place::{Place, Spot};
use db::dump::{Dumped, Sink, dump};
use db::load::{Source, load};
use db::schema::{Schema, Table};
use db::{Database, Outline, Result};
use std::collections::BTreeMap;
use std::io::Read;

#[derive(Default)]
pub(super) struct Store {
    schema: Option<Schema>,
    pub(super) files: Vec<(String, String)>,
    /// Name, statement for a stock client, chunks with their rows, rows in all, digest.
    pub(super) tables: Vec<Stored>,
}

#[derive(Default)]
pub(super) struct Stored {
    pub(super) name: String,
    pub(super) load_sql: String,
    pub(super) chunks: Vec<Vec<u8>>,
    pub(super) rows: u64,
    pub(super) digest: String,
}

impl Sink for Store {
    fn schema(&mut self, stem: &str, sql: &str) -> Result<()> {
        self.files.push((stem.into(), sql.into()));
        Ok(())
    }

    fn table(&mut self, table: &Table, load_sql: &str) -> Result<()> {
        self.tables.push(Stored {
            name: table.name.clone(),
            load_sql: load_sql.into(),
            ..Stored::default()
        });
        Ok(())
    }

    fn chunk(&mut self, data: &[u8], rows: u64) -> Result<()> {
        assert!(rows > 0, "an empty chunk");
        self.tables
            .last_mut()
            .expect("a table first")
            .chunks
            .push(data.to_vec());
        Ok(())
    }

    fn table_done(&mut self, rows: u64, digest: &str) -> Result<()> {
        let table = self.tables.last_mut().expect("a table first");
        (table.rows, table.digest) = (rows, digest.into());
        Ok(())
    }
}

impl Store {
    /// The catalog, which a backup keeps beside the chunks.
    pub(super) fn keep(&mut self, dumped: &Dumped) {
        self.schema = Some(dumped.schema.clone());
    }
}

impl Source for Store {
    fn schema(&self) -> &Schema {
        self.schema.as_ref().expect("dumped")
    }

    fn chunks(&self, table: &str) -> usize {
        self.tables
            .iter()
            .find(|t| t.name == table)
            .map_or(0, |t| t.chunks.len())
    }

    fn chunk(&self, table: &str, index: usize) -> Result<Box<dyn Read + Send>> {
        let table = self.tables.iter().find(|t| t.name == table).expect("known");
        Ok(Box::new(std::io::Cursor::new(table.chunks[index].clone())))
    }
}

/// Dumps a database into memory.
pub(super) fn dumped(spot: &Spot<'_>, outline: Option<&Outline>) -> (Store, Dumped) {
    let mut store = Store::default();
    let dumped = dump(
        &mut *spot.open(),
        outline,
        &mut store,
        &mut db::progress::silent(),
    )
    .expect("dumps");
    store.keep(&dumped);
    let told: BTreeMap<_, _> = dumped
        .digest
        .tables
        .iter()
        .map(|t| (&t.name, (&t.digest, t.rows)))
        .collect();
    for table in &store.tables {
        assert_eq!(
            told[&table.name],
            (&table.digest, table.rows),
            "the sink and the digest are told the same"
        );
    }
    (store, dumped)
}

/// A copy of a database by dump and load.
pub(super) fn copied<'p>(place: &'p Place, from: &Spot<'_>, events_disabled: bool) -> Spot<'p> {
    let (store, _) = dumped(from, None);
    let into = place.empty();
    loaded(&store, &mut *into.open(), events_disabled).expect("loads");
    into
}

pub(super) fn loaded(store: &Store, into: &mut dyn Database, events_disabled: bool) -> Result<u64> {
    load(into, store, events_disabled, &mut db::progress::silent())
}
