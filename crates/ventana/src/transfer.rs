//! Joins `db` streams to a `backup` writer and reader: neither knows the other.

use crate::config::Config;
use crate::error::{Failure, exit, io};
use crate::host::clock;
use backup::{Backup, ChunkWriter, Content, Phase, TableId, TableSpec, Writer};
use db::dump::{Chunk, ChunkEnd, Dumped, Sink};
use db::load::{ChunkSize, Source};
use db::marks::Marks;
use db::progress::Listener;
use db::schema::{Carry, Kind, Object, Schema, Table};
use db::sqlite::online::Frozen;
use db::{Address, Database, Dialect, Digest, Outline};
use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The catalog of the source, kept in the backup so that a restore need not guess.
const CATALOG: &str = "catalog.json";

/// A backup and what was learnt while it was made.
pub struct Made {
    pub backup: Backup,
    pub digest: Digest,
    /// The digest of the same rows through the outline that was asked for.
    pub through: Option<Digest>,
}

/// A SQLite file that others may be writing, in one state for as long as this is kept: a backup must not keep them from
/// it. `None` for a server, whose connections see one state by themselves.
pub fn frozen(config: &Config) -> Result<Option<Frozen>, Failure> {
    let Address::Sqlite { path } = config.address()? else {
        return Ok(None);
    };
    let scratch = config.state_dir().join("scratch");
    std::fs::create_dir_all(&scratch).map_err(io(format!("cannot make folder {}", scratch.display())))?;
    Ok(Some(Frozen::open(path, &scratch)?))
}

/// Makes a backup of `db` under `root`. `notes` are what a reader of it should know.
pub fn make(
    db: &mut dyn Database,
    notes: &[String],
    root: &Path,
    service: &str,
    outline: Option<&Outline>,
    listen: &mut Listener<'_>,
) -> Result<Made, Failure> {
    let identity = db.identity()?;
    // Refused before a byte is written.
    db.inspect()?.supported()?;
    let writer = Writer::create(root, service, &clock::stamp())?;
    let sink = Files {
        writer,
        tables: Mutex::new(Vec::new()),
        dialect: identity.dialect,
    };
    let dumped = match db::dump::dump(db, outline, &sink, listen) {
        Ok(dumped) => dumped,
        Err(error) => {
            // What was written is plainly incomplete; it is of no use to anybody.
            let _ = sink.writer.abandon();
            return Err(error.into());
        }
    };
    let Dumped {
        schema,
        digest,
        through,
        snapshot,
    } = dumped;
    let catalog = serde_json::to_vec(&schema).map_err(|e| Failure::failed("backup", e.to_string()))?;
    sink.writer.attach(CATALOG, &catalog)?;
    let content = Content {
        created_at: clock::now().to_string(),
        tool: backup::Tool {
            name: "ventana".into(),
            version: env!("CARGO_PKG_VERSION").into(),
        },
        source: backup::Source {
            dialect: identity.dialect.name().into(),
            server_version: identity.version,
            database: identity.database,
            identity: identity.fields,
            snapshot,
        },
        digest: digest.digest.clone(),
        counters: digest
            .counters
            .iter()
            .map(|(k, v)| (k.clone(), v.to_string()))
            .collect(),
        objects: Vec::new(),
        session_sql: if identity.dialect == Dialect::Sqlite {
            String::new()
        } else {
            db::dump::SESSION.into()
        },
        notes: notes.to_vec(),
    };
    let backup = sink.writer.finish(content)?;
    Ok(Made {
        backup,
        digest,
        through,
    })
}

struct Files {
    writer: Writer,
    /// The writer's tables, in the order of the schema.
    tables: Mutex<Vec<TableId>>,
    dialect: Dialect,
}

impl Files {
    fn tables(&self) -> MutexGuard<'_, Vec<TableId>> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn table_id(&self, table: usize) -> db::Result<TableId> {
        self.tables()
            .get(table)
            .copied()
            .ok_or_else(|| db::Error::io("writing the backup", "a chunk without a table"))
    }
}

fn failed(error: backup::Error) -> db::Error {
    db::Error::io("writing the backup", error)
}

impl Sink for Files {
    fn schema(&self, stem: &str, sql: &str) -> db::Result<()> {
        let phase = if self.tables().is_empty() && stem.starts_with('1') {
            Phase::BeforeData
        } else {
            Phase::AfterData
        };
        self.writer.schema(phase, stem, sql).map(|_| ()).map_err(failed)
    }

    fn table(&self, table: &Table, load_sql: &str) -> db::Result<()> {
        let columns = table
            .columns
            .iter()
            .map(|c| backup::Column {
                name: c.name.clone(),
                type_name: c.declared.clone(),
                load: carry(c.carry).into(),
            })
            .collect();
        let count_sql = match self.dialect {
            Dialect::Sqlite => format!("SELECT COUNT(*) FROM {}", self.dialect.quote(&table.name)),
            _ => db::mariadb::encode::count_statement(table),
        };
        let spec = TableSpec {
            name: table.name.clone(),
            columns,
            load_sql: (!load_sql.is_empty()).then(|| load_sql.to_string()),
            count_sql: Some(count_sql),
        };
        let id = self.writer.table(spec).map_err(failed)?;
        self.tables().push(id);
        Ok(())
    }

    fn chunk(&self, table: usize) -> db::Result<Box<dyn Chunk + '_>> {
        let extension = if self.dialect == Dialect::Sqlite {
            "sql"
        } else {
            "tsv"
        };
        let writer = self
            .writer
            .chunk(self.table_id(table)?, extension)
            .map_err(failed)?;
        Ok(Box::new(File { writer }))
    }

    fn table_done(&self, table: usize, rows: u64, digest: &str) -> db::Result<()> {
        self.writer
            .finish_table(self.table_id(table)?, rows, digest)
            .map_err(failed)
    }
}

/// A chunk's file.
struct File {
    writer: ChunkWriter,
}

impl Write for File {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        self.writer.write(buffer)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.writer.flush()
    }
}

impl Chunk for File {
    fn finish(self: Box<Self>, end: &ChunkEnd) -> db::Result<()> {
        let column = &end.range.column;
        self.writer
            .finish(backup::ChunkEnd {
                rows: end.sum.rows,
                digest: Some(end.sum.to_string()),
                first_key: end.range.after.as_ref().map(|after| format!("{column}>{after}")),
                last_key: end.range.until.as_ref().map(|until| format!("{column}<={until}")),
            })
            .map(|_| ())
            .map_err(failed)
    }
}

fn carry(carry: Carry) -> &'static str {
    match carry {
        Carry::Text => "text",
        Carry::Raw => "raw",
        Carry::Hex => "hex",
        Carry::Number => "number",
        Carry::History => "history",
        Carry::Discarded => "discarded",
        Carry::Generated => "generated",
        Carry::Virtual => "virtual",
    }
}

/// A backup as something that can be loaded.
pub struct Contents<'a> {
    backup: &'a Backup,
    schema: Schema,
    /// Whether all of the backup is meant.
    whole: bool,
}

impl<'a> Contents<'a> {
    pub fn of(backup: &'a Backup) -> Result<Contents<'a>, Failure> {
        let bytes = backup.attachment(CATALOG)?;
        let schema = serde_json::from_slice(&bytes).map_err(|e| {
            Failure::failed(
                "backup",
                format!("{CATALOG} of {} cannot be read: {e}", backup.path().display()),
            )
        })?;
        Ok(Contents {
            backup,
            schema,
            whole: true,
        })
    }

    /// Keeps these tables alone, all of them when none is named.
    fn keep(&mut self, only: &[String]) -> Result<(), Failure> {
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
        self.schema.counters.retain(|name, _| only.contains(name));
        // What else says of itself how it is created hangs on more than these tables. SQLite's header counts rows of tables
        // that are not among them.
        let sqlite = self.schema.dialect == Dialect::Sqlite;
        self.schema.objects.retain(|o| match o.kind {
            Kind::Database => !sqlite,
            Kind::Index => belongs(o, only),
            _ => o.create.is_empty() && belongs(o, only),
        });
        Ok(())
    }

    /// Where a copy's digest is not what was backed up, by name.
    fn differences(&self, found: &Digest) -> Vec<String> {
        let mut other = Vec::new();
        for promised in &self.backup.manifest().tables {
            let wanted = self.schema.table(&promised.name).is_some();
            let same = found
                .tables
                .iter()
                .any(|t| t.name == promised.name && t.digest == promised.digest && t.rows == promised.rows);
            if wanted && !same {
                other.push(format!("table {}", promised.name));
            }
        }
        let expected = db::digest::combine(&self.schema, Vec::new(), None).objects;
        let differs = |name: &&String| found.objects.get(*name) != expected.get(*name);
        let mut objects: Vec<String> = expected
            .keys()
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
        other
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

impl Source for Contents<'_> {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn chunks(&self, table: &str) -> Vec<ChunkSize> {
        let tables = &self.backup.manifest().tables;
        let size = |chunk: &backup::Chunk| ChunkSize {
            rows: chunk.rows,
            bytes: chunk.bytes,
        };
        tables
            .iter()
            .find(|t| t.name == table)
            .map_or(Vec::new(), |t| t.chunks.iter().map(size).collect())
    }

    fn chunk(&self, table: &str, index: usize) -> db::Result<Box<dyn Read + Send>> {
        let tables = &self.backup.manifest().tables;
        let chunk = tables
            .iter()
            .find(|t| t.name == table)
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

/// What a restore proved.
pub struct Restored {
    pub digest: Digest,
    pub rows: u64,
}

/// What of a backup is restored, and how.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// Events are created switched off: a copy must not act.
    pub events_disabled: bool,
    /// The load keeps marks in the database, and goes on from those of an earlier one.
    pub resumable: bool,
    /// These tables alone; their rows, keys and checks, and nothing that hangs on them.
    pub only: Vec<String>,
}

impl Terms {
    /// A copy that is made, compared and thrown away.
    pub fn scratch() -> Terms {
        Terms {
            events_disabled: true,
            ..Terms::default()
        }
    }
}

/// Loads a backup into the empty database `db` and proves it: the digest there is the one that the backup promises.
pub fn restore(
    backup: &Backup,
    db: &mut dyn Database,
    terms: &Terms,
    listen: &mut Listener<'_>,
) -> Result<Restored, Failure> {
    let mut contents = Contents::of(backup)?;
    contents.keep(&terms.only)?;
    let marks = terms.resumable.then(|| Marks::of(backup.id()));
    if let Some(marks) = &marks {
        marks.begin(db)?;
    }
    let rows = db::load::load(db, &contents, terms.events_disabled, marks.as_ref(), listen)?;
    let digest = db::digest::compute(db, None, listen)?;
    let other = contents.differences(&digest);
    if !other.is_empty() {
        return Err(Failure::new(
            "verification_failed",
            format!(
                "the restored copy of {} differs from what was backed up: {}",
                backup.path().display(),
                other.join(", ")
            ),
            exit::VERIFICATION,
        ));
    }
    // Last: until here the database says of itself that it is not whole.
    if let Some(marks) = &marks {
        marks.end(db)?;
    }
    Ok(Restored { digest, rows })
}
