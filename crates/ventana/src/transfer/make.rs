//! A database on its way into a backup: every row is read once, written and hashed.

use super::CATALOG;
use super::files::Files;
use crate::config::Config;
use crate::error::Failure;
use crate::host::files::must_fit;
use crate::host::{clock, death};
use backup::{Backup, Content, Writer};
use db::dump::Dumped;
use db::progress::Listener;
use db::sqlite::online::Frozen;
use db::{Address, Database, Dialect, Digest, Outline, Throttle};
use std::path::Path;

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
    must_fit(root, needed, "the backup")?;
    let writer = Writer::create(root, &config.series(), &clock::stamp())?.with_recipients(recipients)?;
    let sink = Files::of(writer, identity.dialect);
    death::point();
    let dumped = match db::dump::dump(db, outline, &sink, throttle, listen) {
        Ok(dumped) => dumped,
        Err(error) => {
            // What was written is plainly incomplete; it is of no use to anybody.
            let _ = sink.abandon();
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
    if let Err(error) = sink.attach(CATALOG, &catalog) {
        let _ = sink.abandon();
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
    let backup = sink.finish(content).inspect_err(|_| {
        // Here too, now that nobody holds it any more.
        let _ = backup::remove_remains(root, &config.series());
    })?;
    death::point();
    Ok(Made {
        backup,
        digest,
        through,
    })
}

/// Bytes that a backup of this database takes at the very least. Rows are hardly compressed to less than a sixteenth, and
/// since the last backup they have hardly halved; what says less is believed, for many may have been deleted.
fn least(
    db: &mut dyn Database,
    identity: &db::Identity,
    config: &Config,
    root: &Path,
) -> Result<u64, Failure> {
    let last = backup::find(root, &config.series(), "latest")
        .ok()
        .filter(|latest| latest.manifest().source.database == identity.database)
        .map_or(u64::MAX, |latest| latest.manifest().totals.stored_bytes / 2);
    let sql = match identity.dialect {
        Dialect::Sqlite => {
            "SELECT (page_count - freelist_count) * page_size FROM pragma_page_count(), \
             pragma_freelist_count(), pragma_page_size()"
        }
        _ => {
            "SELECT COALESCE(SUM(DATA_LENGTH), 0) FROM information_schema.TABLES WHERE TABLE_SCHEMA=DATABASE()"
        }
    };
    Ok(last.min(db.count(sql)?.max(0) as u64 / 16))
}
