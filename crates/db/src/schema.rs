//! What a database holds, read from its catalog: tables, columns, objects, counters.

use crate::Dialect;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How a column's values travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Carry {
    /// Numbers, dates and times as text; character data as its own bytes.
    Text,
    /// Binary data, geometries (internal form: SRID, then WKB), UUID and INET as their own bytes, escaped.
    Raw,
    /// Binary data as hexadecimal digits: how backups were written before [`Carry::Raw`]. Read for ever.
    Hex,
    /// BIT, ENUM and SET by their number.
    Number,
    /// When a row of a system-versioned table came and went; loaded as history. Implicit columns are listed too.
    History,
    /// Computed by the server and stored: stands in the chunk, so that the digest can be taken from it, and is thrown
    /// away by the loading statement.
    Discarded,
    /// Computed by the server and stored, but not in the chunk: how backups were written before [`Carry::Discarded`].
    /// On SQLite, where no chunk is needed to digest a row, still so.
    Generated,
    /// Computed by the server at each reading, perhaps from the clock: neither read nor loaded. Its definition and what
    /// it is computed from say all there is to say.
    Virtual,
}

impl Carry {
    /// Whether the server computes the column and no dump holds it.
    pub fn computed(self) -> bool {
        matches!(self, Carry::Generated | Carry::Virtual)
    }
}

/// A column as the catalog describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    pub name: String,
    /// The full declared type, e.g. `decimal(10,2)`.
    pub declared: String,
    pub carry: Carry,
    pub nullable: bool,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// A base table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    pub name: String,
    /// In the order of the table.
    pub columns: Vec<Column>,
    /// Columns of the primary key, in its order; empty when there is none.
    pub key: Vec<String>,
    /// The catalog's estimate.
    pub rows_estimate: u64,
    /// Bytes that the catalog expects its rows to take; 0 where nobody asked it.
    #[serde(skip)]
    pub bytes_estimate: u64,
    /// Bytes of the strings of the longest row as a server sends them; only a dump knows it, 0 elsewhere.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub longest_row: u64,
    /// Statement that creates the table, without its schema's name.
    pub create: String,
}

impl Table {
    /// Whether the table keeps its history: all of it is read, and loaded again as it was.
    pub fn is_versioned(&self) -> bool {
        self.columns.iter().any(|c| c.carry == Carry::History)
    }
}

/// Kinds of things in a schema beside rows. The order is the order in which they are created on a restore.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Database,
    /// Created before the tables: a column's default may read it.
    Sequence,
    Table,
    Column,
    Index,
    ForeignKey,
    Check,
    Routine,
    Package,
    PackageBody,
    View,
    Trigger,
    Event,
}

impl Kind {
    /// Its name in digests and messages.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Kind::Database => "database",
            Kind::Sequence => "sequence",
            Kind::Table => "table",
            Kind::Column => "column",
            Kind::Index => "index",
            Kind::ForeignKey => "foreign key",
            Kind::Check => "check",
            Kind::Routine => "routine",
            Kind::Package => "package",
            Kind::PackageBody => "package body",
            Kind::View => "view",
            Kind::Trigger => "trigger",
            Kind::Event => "event",
        }
    }

    /// Whether the object is text that the server runs, under a session's settings and a definer's rights.
    pub fn is_program(self) -> bool {
        matches!(
            self,
            Kind::Routine | Kind::Package | Kind::PackageBody | Kind::View | Kind::Trigger | Kind::Event
        )
    }
}

/// Something with a definition: compared by `definition`, created again by `create`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    pub kind: Kind,
    /// Unique within its kind: `table`, `table.column`, `procedure name`, …
    pub name: String,
    /// Canonical text from catalog fields, free of the schema's own name and of volatile fields.
    pub definition: String,
    /// Statements that create it again (empty for what a table's own statement creates).
    pub create: Vec<String>,
}

/// Everything that inspection found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schema {
    pub dialect: Dialect,
    pub database: String,
    pub tables: Vec<Table>,
    pub objects: Vec<Object>,
    /// AUTO_INCREMENT by table, `sqlite_sequence` by table, `sequence NAME` and `sequence NAME cycles`.
    pub counters: BTreeMap<String, i128>,
    /// What cannot be carried exactly, each as `table.column: type`; empty when all can.
    pub unsupported: Vec<String>,
}

/// The columns and objects that existed at a moment: a digest taken *through* an outline sees nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outline {
    /// Columns by table.
    pub tables: BTreeMap<String, Vec<String>>,
    pub objects: BTreeSet<(Kind, String)>,
}

impl Schema {
    pub fn outline(&self) -> Outline {
        Outline {
            tables: self
                .tables
                .iter()
                .map(|t| (t.name.clone(), t.columns.iter().map(|c| c.name.clone()).collect()))
                .collect(),
            objects: self.objects.iter().map(|o| (o.kind, o.name.clone())).collect(),
        }
    }

    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|t| t.name == name)
    }

    /// The refusal of everything that cannot be carried, all at once.
    pub fn supported(&self) -> crate::Result<()> {
        if self.unsupported.is_empty() {
            Ok(())
        } else {
            Err(crate::Error::Unsupported(self.unsupported.clone()))
        }
    }

    /// One value for tables, columns, keys, checks and triggers: what tells whether a DDL statement has happened.
    /// Views, routines, packages and events are left out, because the fence itself changes events.
    pub fn structure(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        let mut objects: Vec<&Object> = self
            .objects
            .iter()
            .filter(|o| !o.kind.is_program() || o.kind == Kind::Trigger)
            .collect();
        // Objects stand in the order of their creation, which a copy need not share.
        objects.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
        for object in objects {
            for part in [&format!("{:?}", object.kind), &object.name, &object.definition] {
                hasher
                    .update(&(part.len() as u64).to_le_bytes())
                    .update(part.as_bytes());
            }
        }
        for table in &self.tables {
            for column in &table.columns {
                hasher.update(column.name.as_bytes()).update(&[0]);
            }
        }
        hasher.finalize().to_hex().to_string()
    }

    /// Whether both say the same of everything that has a definition; counters and estimates may differ.
    pub(crate) fn defines_the_same(&self, other: &Schema) -> bool {
        let definitions = |schema: &Schema| {
            schema
                .objects
                .iter()
                .map(|o| (o.kind, o.name.clone(), o.definition.clone()))
                .collect::<Vec<_>>()
        };
        self.outline() == other.outline() && definitions(self) == definitions(other)
    }

    /// Rows that the catalog expects in all tables.
    pub fn rows_estimate(&self) -> u64 {
        self.tables.iter().map(|t| t.rows_estimate).sum()
    }
}
