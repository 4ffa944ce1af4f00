//! What must be acknowledged by name before a statement is run: it destroys, overwrites, or cannot be judged.

use std::fmt;

use super::block;
use super::code::Code;
use super::reading::readings;
use super::syntax::Syntax;
use super::verb::{Assignment, Change, Object, Scope, Target, Verb, assignments, classify_code};

/// Why a statement needs an acknowledgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Rows, columns or definitions are gone afterwards.
    Destroys,
    /// Values are overwritten, or may be cut or converted.
    Overwrites,
    /// Something gets a name under which the running release does not look for it.
    Renames,
    /// A check that keeps bad rows out is taken away or switched off.
    Weakens,
    /// What it does stands in a body or a string that is run elsewhere or later.
    Opaque,
    /// It reaches beyond the database: the server, its accounts, its files, other databases.
    Elsewhere,
    /// It is not understood.
    Unknown,
}

/// Something in a statement that needs an acknowledgement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Danger {
    /// The kind of danger.
    pub class: Class,
    /// What is done: the statement's verb and the name it is done to.
    pub what: String,
    /// What may come of it.
    pub why: String,
}

/// A danger in one statement of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Place of the statement in the list, from 0.
    pub statement: usize,
    /// The danger.
    pub danger: Danger,
}

impl fmt::Display for Danger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.why)
    }
}

/// The first danger of `text`, if there is one.
pub fn danger(text: &[u8], syntax: Syntax) -> Option<Danger> {
    dangers(text, syntax).into_iter().next()
}

/// All dangers of a list of statements, in order.
pub fn lint<'t>(statements: impl IntoIterator<Item = &'t str>, syntax: Syntax) -> Vec<Finding> {
    let mut found = Vec::new();
    for (statement, text) in statements.into_iter().enumerate() {
        found.extend(
            dangers(text.as_bytes(), syntax)
                .into_iter()
                .map(|danger| Finding { statement, danger }),
        );
    }
    found
}

/// Everything in `text` that needs an acknowledgement, in every way that some server reads it.
pub fn dangers(text: &[u8], syntax: Syntax) -> Vec<Danger> {
    let Ok(codes) = readings(text, syntax) else {
        return vec![Danger {
            class: Class::Unknown,
            what: head(&Code::new(text, syntax)),
            why: "where its conditional comments end depends on the server that reads them".to_owned(),
        }];
    };
    let mut found: Vec<Danger> = Vec::new();
    for code in &codes {
        for danger in of_code(code) {
            if !found.contains(&danger) {
                found.push(danger);
            }
        }
    }
    found
}

fn of_code(code: &Code<'_>) -> Vec<Danger> {
    match classify_code(code) {
        Verb::Several => {
            let mut found = vec![Danger {
                class: Class::Opaque,
                what: head(code),
                why: "several statements in one: a server may run them all; give them one by one".to_owned(),
            }];
            if let Ok(parts) = block::statements(code) {
                found.extend(
                    parts
                        .iter()
                        .flat_map(|(from, to)| of_code(&code.slice(*from, *to))),
                );
            }
            found
        }
        Verb::AlterTable(changes) => {
            let table = head(code);
            let mut found: Vec<Danger> = changes
                .iter()
                .filter_map(|change| of_change(&table, change))
                .collect();
            if (1..4).any(|at| code.word(at, "IGNORE")) {
                found.push(made(
                    Class::Destroys,
                    table,
                    "IGNORE drops rows that the new keys do not admit",
                ));
            }
            found
        }
        Verb::SetSession => of_settings(code),
        verb => of_verb(code, &verb).into_iter().collect(),
    }
}

fn made(class: Class, what: impl Into<String>, why: &str) -> Danger {
    Danger {
        class,
        what: what.into(),
        why: why.to_owned(),
    }
}

/// The beginning of a statement, for people: its first words up to and including the first name.
fn head(code: &Code<'_>) -> String {
    let mut words = Vec::new();
    let mut at = 0;
    while at < code.len().min(12) {
        if let Some(chain) = code.chain(at)
            && at > 0
            && !super::keyword::is_keyword(code.bytes(at), code.syntax().family)
        {
            let name: Vec<String> = chain.parts.iter().map(|part| code.name(*part)).collect();
            words.push(name.join("."));
            break;
        }
        words.push(String::from_utf8_lossy(code.bytes(at)).into_owned());
        at += 1;
    }
    let mut text = words.join(" ");
    if let Some((end, _)) = text.char_indices().nth(80) {
        text.truncate(end);
        text.push('…');
    }
    text
}

fn of_verb(code: &Code<'_>, verb: &Verb) -> Option<Danger> {
    use Class::{Destroys, Elsewhere, Opaque, Overwrites, Unknown, Weakens};
    let (class, why) = match verb {
        Verb::Drop(Object::TemporaryTable) => return None,
        Verb::Drop(Object::Table | Object::VirtualTable) => (Destroys, "the table's rows are gone"),
        Verb::Drop(Object::Database) => (Destroys, "every table in the database is gone"),
        Verb::Drop(Object::Index) => (Weakens, "what the index made unique or fast no longer is"),
        Verb::Drop(Object::Sequence) => (Destroys, "the sequence's state is gone"),
        Verb::Drop(Object::User | Object::Role | Object::Server) => {
            (Elsewhere, "it concerns the whole server")
        }
        Verb::Drop(_) => (
            Destroys,
            "the definition is gone, and what it did is no longer done",
        ),
        Verb::Truncate => (Destroys, "every row is gone, and no rollback brings them back"),
        Verb::Delete { filtered: false } => (Destroys, "no WHERE that names a column: every row is deleted"),
        Verb::Update { filtered: false, .. } => {
            (Overwrites, "no WHERE that names a column: every row is changed")
        }
        Verb::Update { ignore: true, .. } | Verb::Insert { ignore: true, .. } => (
            Overwrites,
            "IGNORE drops or bends rows and values that do not fit, without an error",
        ),
        Verb::Insert { overwrites: true, .. } => (Overwrites, "rows with the same key are overwritten"),
        Verb::Replace => (Overwrites, "rows with the same key are deleted first"),
        Verb::Load => (Overwrites, "it reads a file and turns errors in it into warnings"),
        Verb::Create {
            object: Object::Trigger | Object::Procedure | Object::Function | Object::Package | Object::Event,
            ..
        } => (Opaque, "its body runs later, with the rights of its definer"),
        Verb::Create {
            object: Object::User | Object::Role | Object::Server,
            ..
        } => (Elsewhere, "it concerns the whole server"),
        Verb::Create {
            object: Object::Table | Object::Sequence | Object::TemporaryTable,
            replace: true,
        } => (Destroys, "OR REPLACE drops the one that is there, with its rows"),
        Verb::Create { replace: true, .. } => (Destroys, "OR REPLACE drops the definition that is there"),
        Verb::Create {
            object: Object::Database,
            ..
        }
        | Verb::Use => (Elsewhere, "it reaches into another database"),
        Verb::Alter(Object::Database | Object::User | Object::Role | Object::Server) => {
            (Elsewhere, "it concerns more than this database's tables")
        }
        Verb::Alter(_) => (Opaque, "it replaces a definition that is not a table's"),
        Verb::Rename(Object::Table) => (Class::Renames, "the running release does not find the table"),
        Verb::Rename(_) | Verb::Grant | Verb::Revoke | Verb::SetPassword | Verb::SetRole => {
            (Elsewhere, "it changes accounts and their rights")
        }
        Verb::SetGlobal | Verb::Server | Verb::Xa => (Elsewhere, "it concerns the whole server"),
        Verb::SelectIntoFile | Verb::Attach | Verb::Vacuum { into: true } => {
            (Elsewhere, "it reads or writes files outside the database")
        }
        Verb::Pragma { writes: true } => (Weakens, "it changes how SQLite checks or stores the database"),
        Verb::Call | Verb::Do | Verb::Prepare | Verb::Execute | Verb::Handler => {
            (Opaque, "what it does cannot be read from the statement")
        }
        Verb::SetSequence => (Overwrites, "the sequence may hand out numbers again"),
        Verb::Several | Verb::Unknown => (Unknown, "it is not understood, so it may do anything"),
        Verb::Empty
        | Verb::Select
        | Verb::Insert { .. }
        | Verb::Update { .. }
        | Verb::Delete { .. }
        | Verb::Create { .. }
        | Verb::AlterTable(_)
        | Verb::SetSession
        | Verb::LockTables
        | Verb::UnlockTables
        | Verb::Begin
        | Verb::Commit
        | Verb::Rollback
        | Verb::Savepoint
        | Verb::Deallocate
        | Verb::Show
        | Verb::Explain
        | Verb::Maintain
        | Verb::Pragma { writes: false }
        | Verb::Vacuum { into: false } => return None,
    };
    Some(made(class, head(code), why))
}

fn of_change(table: &str, change: &Change) -> Option<Danger> {
    use Class::{Destroys, Overwrites, Renames, Unknown, Weakens};
    let (class, what, why) = match change {
        Change::Add | Change::Option | Change::Definition | Change::Partition => return None,
        Change::DropColumn(name) => (
            Destroys,
            format!("DROP COLUMN {name}"),
            "the column's values are gone",
        ),
        Change::DropIndex(name) => (
            Weakens,
            format!("DROP INDEX {name}"),
            "what the index made unique or fast no longer is",
        ),
        Change::DropPrimaryKey => (
            Weakens,
            "DROP PRIMARY KEY".to_owned(),
            "rows are no longer unique",
        ),
        Change::DropConstraint(name) => (
            Weakens,
            format!("DROP CONSTRAINT {name}"),
            "rows that it kept out get in",
        ),
        Change::DropPartition => (
            Destroys,
            "DROP PARTITION".to_owned(),
            "the partition's rows are gone",
        ),
        Change::DropHistory => (
            Destroys,
            "DROP SYSTEM VERSIONING".to_owned(),
            "the history of all rows is gone",
        ),
        Change::ChangeColumn { from, to } if from == to => (
            Overwrites,
            format!("CHANGE {from}"),
            "values that the new type does not hold are cut or refused",
        ),
        Change::ChangeColumn { from, to } => (
            Renames,
            format!("CHANGE {from} {to}"),
            "the running release does not find the column, and a narrower type cuts values",
        ),
        Change::ModifyColumn(name) => (
            Overwrites,
            format!("MODIFY {name}"),
            "values that the new type does not hold are cut or refused",
        ),
        Change::RenameColumn { from, to } => (
            Renames,
            format!("RENAME COLUMN {from} TO {to}"),
            "the running release does not find the column",
        ),
        Change::Rename(to) => (
            Renames,
            format!("RENAME TO {to}"),
            "the running release does not find the table",
        ),
        Change::Convert => (
            Overwrites,
            "CONVERT TO".to_owned(),
            "characters that the new character set lacks become '?'",
        ),
        Change::Engine(name) => (
            Weakens,
            format!("ENGINE {name}"),
            "another engine may drop foreign keys, checks and transactions",
        ),
        Change::MovePartition(text) => (Destroys, text.clone(), "rows leave the table"),
        Change::Tablespace => (
            Destroys,
            "DISCARD TABLESPACE".to_owned(),
            "the table's file is replaced",
        ),
        Change::Unknown(text) => (
            Unknown,
            text.clone(),
            "it is not understood, so it may do anything",
        ),
    };
    Some(Danger {
        class,
        what: format!("{table} {what}"),
        why: why.to_owned(),
    })
}

/// Session settings that switch checks off.
fn of_settings(code: &Code<'_>) -> Vec<Danger> {
    const CHECKS: &[&str] = &[
        "foreign_key_checks",
        "unique_checks",
        "check_constraint_checks",
        "sql_mode",
        "innodb_strict_mode",
        "sql_log_bin",
    ];
    let all: Vec<Assignment> = assignments(code).unwrap_or_default();
    all.iter()
        .filter_map(|one| match &one.target {
            Target::System(name) if one.scope == Scope::Session && CHECKS.contains(&name.as_str()) => {
                Some(made(
                    Class::Weakens,
                    format!("SET {name}"),
                    "it can let in what the server would have refused, or hide it from replicas",
                ))
            }
            _ => None,
        })
        .collect()
}
