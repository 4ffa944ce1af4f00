//! What a writer is given, and what it keeps of it until the manifest is written.

use std::collections::{BTreeMap, BTreeSet};

use crate::manifest::{Chunk, Column, Object, OtherFile, SchemaFile, Source, Tool};

/// What was written so far.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) schema: Vec<SchemaFile>,
    pub(super) tables: Vec<TableWritten>,
    /// Their names.
    pub(super) names: BTreeSet<String>,
    /// Files that the caller attached.
    pub(super) attached: Vec<OtherFile>,
}

#[derive(Debug)]
pub(super) struct TableWritten {
    pub(super) spec: TableSpec,
    /// `None` while the chunk is being written.
    pub(super) chunks: Vec<Option<Chunk>>,
    /// Rows and digest, once the table is finished.
    pub(super) end: Option<(u64, String)>,
}

/// Which table of the [`crate::Writer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableId(pub(super) usize);

/// What is known of a table before its rows.
#[derive(Clone, Debug, Default)]
pub struct TableSpec {
    /// Exactly as in the database.
    pub name: String,
    /// In the chunk's order.
    pub columns: Vec<Column>,
    /// The statement that loads one chunk; its first `'{file}'` (with the quotes) stands for the file name. `None` where
    /// the chunks are themselves SQL.
    pub load_sql: Option<String>,
    /// A query whose answer after a restore is the number of rows; `restore.sh` asks it.
    pub count_sql: Option<String>,
}

impl TableSpec {
    /// A table whose chunks are SQL.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }
}

/// What is known at the end.
#[derive(Clone, Debug)]
pub struct Content {
    /// RFC 3339, UTC.
    pub created_at: String,
    /// What writes it.
    pub tool: Tool,
    /// What it is a backup of.
    pub source: Source,
    /// Content digest of the database.
    pub digest: String,
    /// AUTO_INCREMENT values, sequences …
    pub counters: BTreeMap<String, String>,
    /// Every object and the schema file (as [`crate::Writer::schema`] returned it) that makes it.
    pub objects: Vec<Object>,
    /// Statements, each ended with `;`, to send before each chunk; may be empty.
    pub session_sql: String,
    /// What a reader should know.
    pub notes: Vec<String>,
}
