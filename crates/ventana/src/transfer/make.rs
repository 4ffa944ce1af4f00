//! A database on its way into a backup: every row is read once, written and hashed.

use super::CATALOG;
use crate::config::Config;
use crate::error::Failure;
use crate::host::{clock, death, files};
use backup::{Backup, ChunkWriter, Content, Phase, TableId, TableSpec, Writer};
use db::dump::{Chunk, ChunkEnd, Dumped, Sink};
use db::progress::Listener;
use db::schema::{Carry, Table};
use db::sqlite::online::Frozen;
use db::{Address, Database, Dialect, Digest, Outline, Throttle};
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

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
    Ok(Some(Frozen::open(path, &config.state_dir().join("scratch"))?))
}

/// Makes a backup of `db` under `root`, encrypted where that is configured; it needs no key for that, and what is made is not
/// unlocked. `notes` are what a reader of it should know.
pub fn make(
    db: &mut dyn Database,
    notes: &[String],
    root: &Path,
    config: &Config,
    outline: Option<&Outline>,
    throttle: Throttle,
    listen: &mut Listener<'_>,
) -> Result<Made, Failure> {
    let identity = db.identity()?;
    // Refused before a byte is written.
    db.inspect()?.supported()?;
    let recipients = config.recipients()?;
    let needed = least(db, &identity, config, root)?;
    files::must_fit(root, needed, "the backup")?;
    let writer = Writer::create(root, &config.service(), &clock::stamp())?.with_recipients(recipients)?;
    let sink = Files {
        writer,
        tables: Mutex::new(Vec::new()),
        dialect: identity.dialect,
    };
    death::point();
    let dumped = match db::dump::dump(db, outline, &sink, throttle, listen) {
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
    if let Err(error) = sink.writer.attach(CATALOG, &catalog) {
        let _ = sink.writer.abandon();
        return Err(error.into());
    }
    death::point();
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
    let backup = sink.writer.finish(content).inspect_err(|_| {
        // Here too, now that nobody holds it any more.
        let _ = backup::remove_remains(root, &config.service());
    })?;
    death::point();
    Ok(Made {
        backup,
        digest,
        through,
    })
}

/// Bytes that a backup of this database takes at the very least. Since the last one it has hardly halved; without one, rows
/// are hardly compressed to less than a sixteenth.
fn least(
    db: &mut dyn Database,
    identity: &db::Identity,
    config: &Config,
    root: &Path,
) -> Result<u64, Failure> {
    if let Ok(latest) = backup::find(root, &config.service(), "latest")
        && latest.manifest().source.database == identity.database
    {
        return Ok(latest.manifest().totals.stored_bytes / 2);
    }
    let sql = match identity.dialect {
        Dialect::Sqlite => {
            "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count(), \
             pragma_freelist_count(), pragma_page_size()"
        }
        _ => {
            "SELECT COALESCE(SUM(DATA_LENGTH), 0) FROM information_schema.TABLES WHERE TABLE_SCHEMA=DATABASE()"
        }
    };
    Ok(db.count(sql)?.max(0) as u64 / 16)
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
