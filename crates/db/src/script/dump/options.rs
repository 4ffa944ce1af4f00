//! What a person decides about a dump.

use std::collections::BTreeSet;

use crate::script::split;
use crate::script::syntax::Syntax;

/// Decisions that a dump is checked with.
#[derive(Clone, Debug)]
pub struct CheckOptions {
    /// The one database to restore, needed when the dump holds several.
    pub only: Option<String>,
    /// The name that qualified names in the dump use, where neither `USE` nor the header tells.
    pub source: Option<String>,
    /// Accept a dump without the line `-- Dump completed`: then nothing shows that it was not cut off.
    pub allow_missing_trailer: bool,
    /// Other databases that routines, triggers, events and foreign keys of the dump may write to or depend on.
    pub accept_schemas: BTreeSet<String>,
    /// Accept strings in routines, triggers, events and views that name the source database, and leave them as they are.
    pub accept_literals: bool,
    /// The rules of the session that the dump will be sent to, from its `@@sql_mode`.
    pub syntax: Syntax,
    /// Longest statement in bytes.
    pub longest: usize,
}

impl Default for CheckOptions {
    fn default() -> CheckOptions {
        CheckOptions {
            only: None,
            source: None,
            allow_missing_trailer: false,
            accept_schemas: BTreeSet::new(),
            accept_literals: false,
            syntax: Syntax::MARIADB,
            longest: split::LONGEST,
        }
    }
}

/// How a dump is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The schema to restore into: the connection's default schema, made beforehand.
    pub into: String,
    /// Whose rights views, routines, triggers and events have.
    pub definer: Definer,
    /// Whether events may run.
    pub events: Events,
}

/// What becomes of `DEFINER` clauses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Definer {
    /// As in the dump. Needs the right to set another definer.
    Keep,
    /// This account, `user@host`, or `CURRENT_USER`.
    Map(String),
}

/// What becomes of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Events {
    /// Created disabled: a restored copy runs nothing of its own.
    Disable,
    /// As in the dump.
    Keep,
}
