//! Joins `db` streams to a `backup` writer and reader: neither knows the other.

use crate::error::{Failure, exit};
use crate::host::clock;
use backup::{Backup, Content, Phase, TableId, TableSpec, Writer};
use db::dump::{Dumped, Sink};
use db::load::Source;
use db::progress::Listener;
use db::schema::{Carry, Schema, Table};
use db::{Database, Dialect, Digest, Outline};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::Path;

/// The catalog of the source, kept in the backup so that a restore need not guess.
const CATALOG: &str = "catalog.json";

/// A backup and what was learnt while it was made.
pub struct Made {
    pub backup: Backup,
    pub digest: Digest,
    /// The digest of the same rows through the outline that was asked for.
    pub through: Option<Digest>,
}

/// Makes a backup of `db` under `root`.
pub fn make(
    db: &mut dyn Database,
    root: &Path,
    service: &str,
    outline: Option<&Outline>,
    listen: &mut Listener<'_>,
) -> Result<Made, Failure> {
    let identity = db.identity()?;
    // Refused before a byte is written.
    db.inspect()?.supported()?;
    let writer = Writer::create(root, service, &clock::stamp())?;
    let mut sink = Files {
        writer,
        table: None,
        phase: Phase::BeforeData,
        extension: extension(identity.dialect),
        objects: Vec::new(),
    };
    let dumped = match db::dump::dump(db, outline, &mut sink, listen) {
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
            snapshot: BTreeMap::new(),
        },
        digest: digest.digest.clone(),
        counters: digest
            .counters
            .iter()
            .map(|(k, v)| (k.clone(), v.to_string()))
            .collect(),
        objects: sink.objects,
        session_sql: if identity.dialect == Dialect::Sqlite {
            String::new()
        } else {
            db::dump::SESSION.into()
        },
        notes: Vec::new(),
    };
    let backup = sink.writer.finish(content)?;
    Ok(Made {
        backup,
        digest,
        through,
    })
}

fn extension(dialect: Dialect) -> &'static str {
    if dialect == Dialect::Sqlite { "sql" } else { "tsv" }
}

struct Files {
    writer: Writer,
    table: Option<TableId>,
    phase: Phase,
    extension: &'static str,
    objects: Vec<backup::Object>,
}

fn failed(error: backup::Error) -> db::Error {
    db::Error::io("writing the backup", error)
}

impl Sink for Files {
    fn schema(&mut self, stem: &str, sql: &str) -> db::Result<()> {
        self.writer
            .schema(self.phase, stem, sql)
            .map(|_| ())
            .map_err(failed)
    }

    fn table(&mut self, table: &Table, load_sql: &str) -> db::Result<()> {
        self.phase = Phase::AfterData;
        let columns = table
            .columns
            .iter()
            .map(|c| backup::Column {
                name: c.name.clone(),
                type_name: c.declared.clone(),
                load: carry(c.carry).into(),
            })
            .collect();
        let count_sql = if self.extension == "sql" {
            format!("SELECT COUNT(*) FROM {}", Dialect::Sqlite.quote(&table.name))
        } else {
            db::mariadb::encode::count_statement(table)
        };
        let spec = TableSpec {
            name: table.name.clone(),
            columns,
            load_sql: (!load_sql.is_empty()).then(|| load_sql.to_string()),
            count_sql: Some(count_sql),
        };
        self.table = Some(self.writer.table(spec).map_err(failed)?);
        Ok(())
    }

    fn chunk(&mut self, data: &[u8], rows: u64) -> db::Result<()> {
        let table = self
            .table
            .ok_or_else(|| db::Error::io("writing the backup", "a chunk without a table"))?;
        let mut chunk = self.writer.chunk(table, self.extension).map_err(failed)?;
        chunk
            .write_all(data)
            .map_err(|e| db::Error::io("writing the backup", e))?;
        chunk.finish(rows).map(|_| ()).map_err(failed)
    }

    fn table_done(&mut self, rows: u64, digest: &str) -> db::Result<()> {
        let table = self
            .table
            .take()
            .ok_or_else(|| db::Error::io("writing the backup", "an end without a table"))?;
        self.writer.finish_table(table, rows, digest).map_err(failed)
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
        Ok(Contents { backup, schema })
    }
}

impl Source for Contents<'_> {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn chunks(&self, table: &str) -> usize {
        self.backup
            .manifest()
            .tables
            .iter()
            .find(|t| t.name == table)
            .map_or(0, |t| t.chunks.len())
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

/// Loads a backup into the empty database `db` and proves it: the digest there is the one that the backup promises.
pub fn restore(
    backup: &Backup,
    db: &mut dyn Database,
    scratch: bool,
    listen: &mut Listener<'_>,
) -> Result<Restored, Failure> {
    let contents = Contents::of(backup)?;
    let rows = db::load::load(db, &contents, scratch, listen)?;
    let digest = db::digest::compute(db, None, listen)?;
    if digest.digest != backup.digest() {
        let promised: BTreeMap<_, _> = backup
            .manifest()
            .tables
            .iter()
            .map(|t| (&t.name, &t.digest))
            .collect();
        let mut other: Vec<String> = digest
            .tables
            .iter()
            .filter(|t| promised.get(&t.name) != Some(&&t.digest))
            .map(|t| format!("table {}", t.name))
            .collect();
        let expected = db::digest::combine(&contents.schema, Vec::new(), None);
        other.extend(
            expected
                .objects
                .iter()
                .filter(|(n, h)| digest.objects.get(*n) != Some(h))
                .map(|(n, _)| n.clone()),
        );
        return Err(Failure::new(
            "verification_failed",
            format!(
                "the restored copy of {} differs from what was backed up: {}",
                backup.path().display(),
                if other.is_empty() {
                    "an object is extra".into()
                } else {
                    other.join(", ")
                }
            ),
            exit::VERIFICATION,
        ));
    }
    Ok(Restored { digest, rows })
}
