//! `manifest.json`: the table of contents, and whether it is coherent in itself.

mod coherence;
mod sealed;

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::encryption::Identities;
use crate::error::{Error, Result};
use crate::name::MANIFEST;

pub(crate) use sealed::Sealed;

/// The format that is written, and the newest that is read.
pub const FORMAT: u64 = 1;
pub(crate) const KIND_FULL: &str = "full";
/// Chunks, schema files and attached files are age files.
pub(crate) const FEATURE_AGE: &str = "age";

/// Everything that is known of a backup. Field by field in `docs/BACKUP-FORMAT.md` §3.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Format number.
    pub format: u64,
    /// `full`.
    pub kind: String,
    /// What a reader must understand beyond version 1: nothing, or `age`.
    #[serde(default)]
    pub features: Vec<String>,
    /// To whom it is encrypted; there exactly where `features` has `age`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<Encryption>,
    /// The folder's name when it was written.
    pub name: String,
    /// The service.
    pub service: String,
    /// RFC 3339, UTC.
    pub created_at: String,
    /// What wrote it.
    pub tool: Tool,
    /// What it is a backup of.
    pub source: Source,
    /// Content digest of the database; opaque here.
    pub digest: String,
    /// AUTO_INCREMENT values, sequences …; not part of the digest.
    pub counters: BTreeMap<String, String>,
    /// Statements to send before each chunk; may be empty.
    pub session_sql: String,
    /// Schema files in load order.
    pub schema: Vec<SchemaFile>,
    /// Every table, view, trigger … and the schema file that makes it.
    pub objects: Vec<Object>,
    /// Tables in load order.
    pub tables: Vec<Table>,
    /// `README.txt` and `restore.sh`.
    pub other_files: Vec<OtherFile>,
    /// What a reader should know.
    pub notes: Vec<String>,
    /// Sums over all tables.
    pub totals: Totals,
}

/// How a backup is encrypted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Encryption {
    /// Public keys (`age1…`): the secret key of any of them reads it.
    pub recipients: Vec<String>,
}

/// The program that wrote a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// Where the content comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// `mariadb`, `mysql` or `sqlite`.
    pub dialect: String,
    /// As the server says it.
    pub server_version: String,
    /// Schema name or file.
    pub database: String,
    /// Which server it was.
    pub identity: BTreeMap<String, String>,
    /// Proof that all connections saw one state, such as positions; may be empty.
    #[serde(default)]
    pub snapshot: BTreeMap<String, String>,
}

/// When a schema file is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Tables, as far as the rows need them.
    BeforeData,
    /// Late indexes, foreign keys, views, triggers, routines, events.
    AfterData,
}

/// A file of plain SQL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemaFile {
    /// `schema/…`.
    pub file: String,
    /// Before or after the rows.
    pub phase: Phase,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: String,
}

/// Something the schema files make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// `table`, `view`, `trigger`, …
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The schema file that makes it.
    pub file: String,
    /// What else is to be known, such as an event's status.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, String>,
}

/// A table's content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Exactly as in the database.
    pub name: String,
    /// All its rows.
    pub rows: u64,
    /// Its content digest; opaque here. Empty in an encrypted backup that was not unlocked.
    pub digest: String,
    /// In the chunk's order.
    pub columns: Vec<Column>,
    /// The statement that loads one chunk, with `'{file}'` in it; `None`: the chunk is itself SQL.
    pub load_sql: Option<String>,
    /// A query whose answer after a restore is `rows`.
    pub count_sql: Option<String>,
    /// In load order.
    pub chunks: Vec<Chunk>,
}

/// A column as it stands in the chunks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// As the database calls it.
    #[serde(rename = "type")]
    pub type_name: String,
    /// How its values are written; opaque here.
    pub load: String,
}

/// Some rows of a table: one file, one zstd frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// `data/…`.
    pub file: String,
    /// Rows in it.
    pub rows: u64,
    /// Length of the content.
    pub bytes: u64,
    /// SHA-256 of the content. Empty in an encrypted backup that was not unlocked.
    pub content_sha256: String,
    /// Length of the file.
    pub stored_bytes: u64,
    /// SHA-256 of the file.
    pub sha256: String,
    /// Content digest of these rows; opaque here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Least key; opaque here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_key: Option<String>,
    /// Greatest key; opaque here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_key: Option<String>,
}

/// A file for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherFile {
    /// `README.txt` or `restore.sh`.
    pub file: String,
    /// Its length.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: String,
}

/// Sums over all tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Tables, empty ones too.
    pub tables: u64,
    /// Chunks.
    pub chunks: u64,
    /// Rows.
    pub rows: u64,
    /// Uncompressed content.
    pub bytes: u64,
    /// Files in `data/`.
    pub stored_bytes: u64,
}

impl Totals {
    pub(crate) fn of(tables: &[Table]) -> Option<Self> {
        let mut totals = Self {
            tables: tables.len() as u64,
            ..Self::default()
        };
        for chunk in tables.iter().flat_map(|table| &table.chunks) {
            totals.chunks += 1;
            totals.rows = totals.rows.checked_add(chunk.rows)?;
            totals.bytes = totals.bytes.checked_add(chunk.bytes)?;
            totals.stored_bytes = totals.stored_bytes.checked_add(chunk.stored_bytes)?;
        }
        Some(totals)
    }
}

/// What decides whether the rest can be understood at all.
#[derive(Deserialize)]
struct Head {
    format: u64,
    kind: Option<String>,
    #[serde(default)]
    features: Vec<String>,
}

impl Manifest {
    /// Parses and checks coherence. `folder` is for the error.
    pub(crate) fn parse(json: &[u8], folder: &Path) -> Result<Self> {
        let damaged = |what: String| Error::Damaged {
            path: folder.into(),
            file: MANIFEST.into(),
            what,
        };
        let head: Head =
            serde_json::from_slice(json).map_err(|error| damaged(format!("not a manifest: {error}")))?;
        if head.format > FORMAT {
            return Err(Error::NewerFormat {
                path: folder.into(),
                found: head.format,
                known: FORMAT,
            });
        }
        if head.format == 0 {
            return Err(damaged("format 0 does not exist".into()));
        }
        let unknown = head
            .kind
            .filter(|kind| kind != KIND_FULL)
            .map(|kind| format!("kind {kind}"));
        if let Some(what) = unknown.or_else(|| {
            let mut features = head.features.iter();
            features
                .find(|feature| *feature != FEATURE_AGE)
                .map(|feature| format!("feature {feature}"))
        }) {
            return Err(Error::Unknown {
                path: folder.into(),
                what,
            });
        }
        let manifest: Self =
            serde_json::from_slice(json).map_err(|error| damaged(format!("cannot be read: {error}")))?;
        let wrong = manifest.incoherences();
        if wrong.is_empty() {
            Ok(manifest)
        } else {
            Err(damaged(wrong.join("; ")))
        }
    }

    /// The error for a file that was to be read without a key that opens it.
    pub(crate) fn locked(&self, folder: &Path, file: &str, identities: Option<&Identities>) -> Error {
        Error::Locked {
            path: folder.into(),
            file: file.into(),
            recipients: (self.encryption.as_ref()).map_or_else(Vec::new, |e| e.recipients.clone()),
            keys: identities.map_or(0, Identities::count),
        }
    }

    pub(crate) fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        let mut json = serde_json::to_vec_pretty(self)?;
        json.push(b'\n');
        Ok(json)
    }

    /// Every file that the manifest lists, with length and sum.
    pub(crate) fn listed(&self) -> impl Iterator<Item = (&str, u64, &str)> {
        let schema = self
            .schema
            .iter()
            .map(|file| (file.file.as_str(), file.bytes, file.sha256.as_str()));
        let other = self
            .other_files
            .iter()
            .map(|file| (file.file.as_str(), file.bytes, file.sha256.as_str()));
        let chunks = self.tables.iter().flat_map(|table| &table.chunks);
        let chunks = chunks.map(|chunk| (chunk.file.as_str(), chunk.stored_bytes, chunk.sha256.as_str()));
        schema.chain(other).chain(chunks)
    }
}
