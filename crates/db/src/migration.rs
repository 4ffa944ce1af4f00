//! Migrations are data: a `migration.toml` in the release says, per dialect, what is done and how it is undone.
//!
//! Nothing here knows a table of the service. SQL in the file may use two placeholders: `${name:argument}` is replaced
//! by the expression `name` with `{}` standing for the argument, and `${definition:table.column}` by the column's own
//! definition as the server prints it, so that a swap gives a column back exactly as it was.

mod backfill;
mod counting;
mod transaction;

pub use backfill::{Batch, backfill};
pub use counting::{Conditions, Counting, Counts, counts};
pub use transaction::{forward, reverse};

use crate::script::Syntax;
use crate::script::lint::{Class, lint};
use crate::{Cell, Database, Dialect, Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A migration file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Migration {
    /// 1.
    pub format: u32,
    /// The folder's name, e.g. `0002_name`.
    pub id: String,
    pub title: String,
    #[serde(default)]
    pub mariadb: Option<Online>,
    #[serde(default)]
    pub sqlite: Option<Online>,
}

/// What one dialect does. On MariaDB expand, sync and backfill run with the service live; on SQLite everything runs in
/// one transaction, and `sync` must be empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Online {
    /// The table that is changed.
    pub table: String,
    /// Columns that change: preflight lists what else in the schema uses them.
    pub columns: Vec<String>,
    #[serde(default)]
    pub expressions: BTreeMap<String, String>,
    pub start: Vec<Start>,
    #[serde(default)]
    pub report: Vec<Named>,
    #[serde(default)]
    pub expand: Vec<Change>,
    #[serde(default)]
    pub sync: Vec<Change>,
    #[serde(default)]
    pub backfill: Option<Backfill>,
    #[serde(default)]
    pub proof: Vec<Named>,
    pub contract: Vec<Change>,
    #[serde(default)]
    pub finalize: Vec<Change>,
    #[serde(default)]
    pub count: Vec<Count>,
    #[serde(default)]
    pub invariant: Vec<Invariant>,
}

/// A state in which the schema may be when the plan is made: exactly one query must answer 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    pub name: String,
    pub query: String,
    /// The schema is there already: nothing to do.
    #[serde(default)]
    pub done: bool,
}

/// A query with a name whose answer is a number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    pub name: String,
    pub query: String,
    /// Only in this start state.
    #[serde(default)]
    pub only: Option<String>,
    /// A query that names what was counted, one in a row, in its first column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<String>,
}

/// One statement and the one that takes it back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    pub sql: String,
    /// Only when this query answers 1; in `finalize` alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    #[serde(default)]
    pub undo: Option<String>,
}

/// A total expression that fills the new column in batches along a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backfill {
    pub table: String,
    /// An integer column with an index, unique.
    pub key: String,
    /// `column = expression, …`
    pub set: String,
    /// Rows that still need it.
    pub rows: String,
    /// Rows in the first batch; later ones follow the time they take.
    pub batch: u64,
}

/// Rows counted by class or finding, before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Count {
    pub name: String,
    pub before: Counting,
    pub after: Counting,
}

/// A query whose answer is the same before and after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invariant {
    pub name: String,
    pub before: String,
    pub after: String,
}

impl Migration {
    /// Parses a file's text; `origin` is named in errors, which carry line and column.
    pub fn parse(text: &str, origin: &str) -> Result<Migration> {
        let migration: Migration = toml::from_str(text).map_err(|e| {
            Error::refused(
                format!("{origin}: {e}"),
                "see docs/MIGRATIONS.md for what a migration may hold",
            )
        })?;
        if migration.format != 1 {
            return Err(Error::refused(
                format!("{origin}: format {} is newer than this ventana", migration.format),
                "take the ventana that came with the release",
            ));
        }
        Ok(migration)
    }

    /// The part for a dialect.
    pub fn online(&self, dialect: Dialect) -> Result<&Online> {
        let part = if dialect == Dialect::Sqlite {
            &self.sqlite
        } else {
            &self.mariadb
        };
        part.as_ref().ok_or_else(|| {
            Error::refused(
                format!("migration {} has no part for {}", self.id, dialect.name()),
                "write one, or use the other database",
            )
        })
    }

    /// The start states and the finalizing statements with their queries filled in. They come before [`Migration::resolve`]: placeholders elsewhere may
    /// name columns that are there in one state only.
    pub fn starts(&self, db: &mut dyn Database) -> Result<Online> {
        let mut online = self.online(db.dialect())?.clone();
        let expressions = online.expressions.clone();
        for start in &mut online.start {
            start.query = fill(&start.query, &expressions, db)?;
        }
        for change in &mut online.finalize {
            change.sql = fill(&change.sql, &expressions, db)?;
            change.when = change
                .when
                .as_deref()
                .map(|when| fill(when, &expressions, db))
                .transpose()?;
        }
        Ok(online)
    }

    /// The part for the database at hand with every placeholder filled in: what the plan pins and the run executes.
    pub fn resolve(&self, db: &mut dyn Database) -> Result<Online> {
        let mut online = self.online(db.dialect())?.clone();
        let expressions = online.expressions.clone();
        let mut fill = |sql: &mut String| -> Result<()> {
            *sql = fill(sql, &expressions, db)?;
            Ok(())
        };
        for start in &mut online.start {
            fill(&mut start.query)?;
        }
        for named in online.report.iter_mut().chain(&mut online.proof) {
            fill(&mut named.query)?;
            named.list.as_mut().map_or(Ok(()), &mut fill)?;
        }
        for change in online
            .expand
            .iter_mut()
            .chain(&mut online.sync)
            .chain(&mut online.contract)
            .chain(&mut online.finalize)
        {
            fill(&mut change.sql)?;
            change.undo.as_mut().map_or(Ok(()), &mut fill)?;
        }
        if let Some(backfill) = &mut online.backfill {
            fill(&mut backfill.set)?;
            fill(&mut backfill.rows)?;
        }
        for count in &mut online.count {
            count.before.each(&mut fill)?;
            count.after.each(&mut fill)?;
        }
        for invariant in &mut online.invariant {
            fill(&mut invariant.before)?;
            fill(&mut invariant.after)?;
        }
        Ok(online)
    }
}

/// Replaces placeholders; an unknown one is an error that names it.
fn fill(sql: &str, expressions: &BTreeMap<String, String>, db: &mut dyn Database) -> Result<String> {
    let mut out = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some(at) = rest.find("${") {
        out.push_str(&rest[..at]);
        let inner = &rest[at + 2..];
        let end = inner
            .find('}')
            .ok_or_else(|| Error::refused(format!("placeholder without }} in: {sql}"), "close it"))?;
        let (name, argument) = inner[..end].split_once(':').unwrap_or((&inner[..end], ""));
        if name == "definition" {
            out.push_str(&definition(argument, db)?);
        } else {
            let expression = expressions.get(name).ok_or_else(|| {
                Error::refused(
                    format!("no expression named {name}"),
                    "define it under [<dialect>.expressions]",
                )
            })?;
            out.push_str(&expression.replace("{}", argument));
        }
        rest = &inner[end + 1..];
    }
    out.push_str(rest);
    Ok(out.trim().to_string())
}

/// A column's definition as the server prints it, without its name.
fn definition(place: &str, db: &mut dyn Database) -> Result<String> {
    let unknown = || Error::refused(format!("no column {place}"), "write ${definition:table.column}");
    let (table, column) = place.split_once('.').ok_or_else(unknown)?;
    let schema = db.inspect()?;
    let create = &schema.table(table).ok_or_else(unknown)?.create;
    let head = format!("  `{column}` ");
    let line = create
        .lines()
        .find_map(|l| l.strip_prefix(&head))
        .ok_or_else(unknown)?;
    Ok(line.trim_end_matches(',').to_string())
}

/// Which start state the schema is in.
pub fn start_state<'a>(online: &'a Online, db: &mut dyn Database) -> Result<&'a Start> {
    let mut found = Vec::new();
    for start in &online.start {
        match db.count(&start.query) {
            Ok(1) => found.push(start),
            Ok(_) => {}
            // A query that names a table or column which is not there says that this is not the state.
            Err(error) if names_nothing(&error) => {}
            Err(error) => return Err(error),
        }
    }
    match found.as_slice() {
        [one] => Ok(one),
        [] => {
            let names: Vec<&str> = online.start.iter().map(|s| s.name.as_str()).collect();
            Err(Error::refused(
                format!(
                    "table {} is in none of the states that this migration starts from ({})",
                    online.table,
                    names.join(", ")
                ),
                format!(
                    "look at the columns {} of the table: their types or names are not the expected ones",
                    online.columns.join(", ")
                ),
            ))
        }
        more => {
            let names: Vec<&str> = more.iter().map(|s| s.name.as_str()).collect();
            Err(Error::refused(
                format!(
                    "table {} is in several start states at once: {}",
                    online.table,
                    names.join(", ")
                ),
                "the migration's start queries overlap: mend the release",
            ))
        }
    }
}

fn names_nothing(error: &Error) -> bool {
    match error {
        Error::Server { number, .. } => matches!(number, 1054 | 1146),
        Error::Sqlite { message, .. } => {
            message.contains("no such column") || message.contains("no such table")
        }
        _ => false,
    }
}

/// The answers of all invariants, before or after.
pub fn invariants(online: &Online, after: bool, db: &mut dyn Database) -> Result<BTreeMap<String, String>> {
    let mut out = BTreeMap::new();
    for invariant in &online.invariant {
        let rows = db.query(if after {
            &invariant.after
        } else {
            &invariant.before
        })?;
        let text: Vec<String> = rows
            .iter()
            .map(|r| {
                r.iter()
                    .map(|c| c.to_text().unwrap_or("NULL".into()))
                    .collect::<Vec<_>>()
                    .join(" ")
            })
            .collect();
        out.insert(invariant.name.clone(), text.join("\n"));
    }
    Ok(out)
}

/// Runs the proof queries: each must answer 0.
pub fn prove(online: &Online, start: &str, db: &mut dyn Database) -> Result<()> {
    let mut wrong = Vec::new();
    for proof in online
        .proof
        .iter()
        .filter(|p| p.only.as_deref().is_none_or(|o| o == start))
    {
        let rows = db.count(&proof.query)?;
        if rows != 0 {
            wrong.push(format!("{}: {rows} rows", proof.name));
        }
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(Error::Differs(format!("proof failed: {}", wrong.join("; "))))
    }
}

/// Numbers that only inform, for this start state.
pub fn report(online: &Online, start: &str, db: &mut dyn Database) -> Result<BTreeMap<String, i64>> {
    let mut out = BTreeMap::new();
    for named in online
        .report
        .iter()
        .filter(|p| p.only.as_deref().is_none_or(|o| o == start))
    {
        out.insert(named.name.clone(), db.count(&named.query)?);
    }
    Ok(out)
}

/// How many names a listing keeps: enough to look at, bounded in a journal.
const LISTED: usize = 1000;

/// What the reports that can name what they count have counted: at most 1000 names each.
pub fn listed(online: &Online, start: &str, db: &mut dyn Database) -> Result<BTreeMap<String, Vec<String>>> {
    let mut out = BTreeMap::new();
    for named in online
        .report
        .iter()
        .filter(|p| p.only.as_deref().is_none_or(|o| o == start))
    {
        let Some(list) = &named.list else { continue };
        let rows = db.query(&format!("{list} LIMIT {LISTED}"))?;
        out.insert(
            named.name.clone(),
            rows.iter()
                .filter_map(|r| r.first().and_then(Cell::to_text))
                .collect(),
        );
    }
    Ok(out)
}

/// Statements of the window that destroy something or reach beyond the database: none may, dropping is for `finalize`.
/// Taking away a trigger that `sync` made is no loss.
pub fn destructive(online: &Online, dialect: Dialect) -> Vec<String> {
    let made = |undo: &Option<String>| {
        undo.as_ref()
            .is_some_and(|u| online.sync.iter().any(|s| s.sql == *u))
    };
    let statements: Vec<&str> = online
        .expand
        .iter()
        .chain(&online.sync)
        .chain(online.contract.iter().filter(|c| !made(&c.undo)))
        .map(|c| c.sql.as_str())
        .collect();
    let syntax = if dialect == Dialect::Sqlite {
        Syntax::SQLITE
    } else {
        Syntax::MARIADB
    };
    lint(statements, syntax)
        .into_iter()
        .filter(|f| {
            matches!(
                f.danger.class,
                Class::Destroys | Class::Elsewhere | Class::Unknown
            )
        })
        .map(|f| f.danger.to_string())
        .collect()
}
