//! A dump kept in memory: what `backup` does on disk.

use super::place::{Place, Spot};
use db::dump::{Chunk, ChunkEnd, Dumped, Phase, Sink, dump};
use db::load::{ChunkSize, Source, load};
use db::schema::{Schema, Table};
use db::{Database, Outline, Result};
use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Mutex;

#[derive(Default)]
pub(super) struct Store {
    schema: Option<Schema>,
    pub(super) files: Vec<(String, String)>,
    /// Name, statement for a stock client, chunks with their rows, rows in all, digest.
    pub(super) tables: Vec<Stored>,
}

/// A store that a dump is being written to.
#[derive(Default)]
struct Filling {
    files: Mutex<Vec<(String, String)>>,
    tables: Mutex<Vec<Stored>>,
}

/// A chunk on its way; its place is taken from the beginning.
struct Growing<'s> {
    store: &'s Filling,
    table: usize,
    index: usize,
    data: Vec<u8>,
}

impl std::io::Write for Growing<'_> {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        self.data.extend_from_slice(buffer);
        Ok(buffer.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Chunk for Growing<'_> {
    fn finish(self: Box<Self>, end: &ChunkEnd) -> Result<()> {
        let mut tables = self.store.tables.lock().expect("lock");
        tables[self.table].chunks[self.index] = self.data;
        tables[self.table].ends[self.index] = Some(end.clone());
        Ok(())
    }
}

#[derive(Default)]
pub(super) struct Stored {
    pub(super) name: String,
    pub(super) load_sql: String,
    pub(super) chunks: Vec<Vec<u8>>,
    pub(super) ends: Vec<Option<ChunkEnd>>,
    pub(super) rows: u64,
    pub(super) digest: String,
}

impl Sink for Filling {
    fn schema(&self, phase: Phase, stem: &str, sql: &str) -> Result<()> {
        assert_eq!(phase == Phase::BeforeRows, stem == "100-tables", "{stem}");
        self.files.lock().expect("lock").push((stem.into(), sql.into()));
        Ok(())
    }

    fn table(&self, table: &Table, load_sql: &str) -> Result<()> {
        self.tables.lock().expect("lock").push(Stored {
            name: table.name.clone(),
            load_sql: load_sql.into(),
            ..Stored::default()
        });
        Ok(())
    }

    fn chunk(&self, table: usize) -> Result<Box<dyn Chunk + '_>> {
        let mut tables = self.tables.lock().expect("lock");
        tables[table].chunks.push(Vec::new());
        tables[table].ends.push(None);
        Ok(Box::new(Growing {
            store: self,
            table,
            index: tables[table].chunks.len() - 1,
            data: Vec::new(),
        }))
    }

    fn table_done(&self, table: usize, rows: u64, digest: &str) -> Result<()> {
        let table = &mut self.tables.lock().expect("lock")[table];
        (table.rows, table.digest) = (rows, digest.into());
        assert!(table.ends.iter().all(Option::is_some), "a chunk without an end");
        Ok(())
    }
}

impl Store {
    /// The catalog beside the chunks, to be changed.
    pub(super) fn catalog(&mut self) -> &mut Schema {
        self.schema.as_mut().expect("dumped")
    }
}

impl Source for Store {
    fn schema(&self) -> &Schema {
        self.schema.as_ref().expect("dumped")
    }

    fn chunks(&self, table: &str) -> Vec<ChunkSize> {
        let Some(table) = self.tables.iter().find(|t| t.name == table) else {
            return Vec::new();
        };
        let size = |(at, chunk): (usize, &Vec<u8>)| ChunkSize {
            rows: table
                .ends
                .get(at)
                .and_then(Option::as_ref)
                .map_or(0, |e| e.sum.rows),
            bytes: chunk.len() as u64,
        };
        table.chunks.iter().enumerate().map(size).collect()
    }

    fn chunk(&self, table: &str, index: usize) -> Result<Box<dyn Read + Send>> {
        let table = self.tables.iter().find(|t| t.name == table).expect("known");
        Ok(Box::new(std::io::Cursor::new(table.chunks[index].clone())))
    }
}

/// Dumps a database into memory.
pub(super) fn dumped(spot: &Spot<'_>, outline: Option<&Outline>) -> (Store, Dumped) {
    dumped_from(&mut *spot.open(), outline)
}

pub(super) fn dumped_from(db: &mut dyn Database, outline: Option<&Outline>) -> (Store, Dumped) {
    let filling = Filling::default();
    let dumped = dump(
        db,
        outline,
        &filling,
        db::Throttle::new(None),
        &mut db::progress::silent(),
    )
    .expect("dumps");
    let store = Store {
        schema: Some(dumped.schema.clone()),
        files: filling.files.into_inner().expect("lock"),
        tables: filling.tables.into_inner().expect("lock"),
    };
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
    load(into, store, events_disabled, None, &mut db::progress::silent())
}
