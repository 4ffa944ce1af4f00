//! What a schema holds beside tables: canonical definitions from catalog fields, and statements that create it again.

pub(crate) mod client;
mod events;
mod routines;
mod sequences;
mod triggers;
mod views;

pub(super) use views::closed as closed_views;

use super::MariaDb;
use super::tables::fields;
use crate::schema::{Kind, Object, Schema};
use crate::script::{Syntax, canonical};
use crate::{Database, Result};
use std::collections::BTreeSet;

type Row = Vec<Option<String>>;

/// Adds everything but tables to `schema`; answers the views in an order in which they can be created.
pub(super) fn read(db: &mut MariaDb, known: &BTreeSet<String>, schema: &mut Schema) -> Result<Vec<String>> {
    sequences::sequences(db, schema)?;
    routines::routines(db, schema)?;
    let order = views::views(db, known, schema)?;
    triggers::triggers(db, schema)?;
    events::events(db, schema)?;
    Ok(order)
}

/// The `sql_mode` under which the server knows the word PACKAGE; in others it is no statement.
pub(crate) const PACKAGE_MODE: &str = "SET SESSION sql_mode='ORACLE'";

/// The statement that drops a program, if it is there; `None` for what goes with its table. Those of packages are run
/// under [`PACKAGE_MODE`].
pub(crate) fn drop_statement(object: &Object) -> Option<String> {
    let (kind, name) = match object.kind {
        Kind::Routine => object.name.split_once(' ')?,
        kind if kind.is_program() => (kind.word(), object.name.as_str()),
        _ => return None,
    };
    let name = crate::Dialect::MariaDb.quote(name);
    Some(format!("DROP {} IF EXISTS {name}", kind.to_uppercase()))
}

/// Whether a statement of an event's creation switches it on; a scratch copy leaves it out.
pub fn enables_event(object: &Object, statement: &str) -> bool {
    object.kind == Kind::Event && statement.starts_with("ALTER ") && statement.ends_with(" ENABLE")
}

fn text(row: &Row, i: usize) -> String {
    row.get(i).cloned().flatten().unwrap_or_default()
}

/// Settings that are part of a stored program's meaning.
pub(super) fn session(sql_mode: &str, charset: &str, collation: &str) -> Vec<String> {
    // The catalog of routines and events spells one mode otherwise than SET takes it.
    let mode = |given| {
        if given == "INVALID_DATES" {
            "ALLOW_INVALID_DATES"
        } else {
            given
        }
    };
    let modes: Vec<&str> = sql_mode.split(',').map(mode).collect();
    vec![
        format!("SET SESSION sql_mode='{}'", modes.join(",")),
        format!("SET SESSION character_set_client={charset}, collation_connection={collation}"),
    ]
}

/// The text of the server's SHOW CREATE, from the named column. The server omits the schema it is asked in.
fn show(db: &mut MariaDb, sql: &str, column: usize) -> Result<Option<String>> {
    Ok(db
        .query(sql)?
        .first()
        .and_then(|r| r.get(column))
        .and_then(|c| c.to_text()))
}

fn definition(own: &str, body: &str, sql_mode: &str, rest: &[Option<String>]) -> String {
    format!(
        "{} {}",
        fields(rest),
        canonical(body, Syntax::with_sql_mode(sql_mode), Some(own))
    )
}

fn hidden(label: &str, privilege: &str) -> String {
    format!("{label}: its text is hidden from this account (needs {privilege})")
}

fn foreign_text(label: &str, charset: &str) -> String {
    if client::is_utf8(charset) {
        return format!("{label}: text that is not UTF-8");
    }
    format!("{label}: text in client character set {charset} (create it again under SET NAMES utf8mb4)")
}
