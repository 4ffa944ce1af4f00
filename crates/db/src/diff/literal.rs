//! Values as SQL literals, and keys as conditions: to be read, and to be pasted into a client.

use crate::schema::{Carry, Column, Table};
use crate::{Cell, Dialect};

/// Characters of a value that are shown.
const SHOWN: usize = 200;

/// `id=7 AND code='a'`.
pub(super) fn condition(dialect: Dialect, table: &Table, key: &[Cell]) -> String {
    let parts: Vec<String> = table
        .key
        .iter()
        .zip(key)
        .map(|(name, cell)| {
            let quoted = if plain(name) {
                name.clone()
            } else {
                dialect.quote(name)
            };
            let column = table.columns.iter().find(|c| c.name == *name);
            match (cell, column) {
                (Cell::Null, _) | (_, None) => format!("{quoted} IS NULL"),
                (cell, Some(column)) => format!("{quoted}={}", literal(dialect, column, cell)),
            }
        })
        .collect();
    parts.join(" AND ")
}

fn plain(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

pub(super) fn literal(dialect: Dialect, column: &Column, cell: &Cell) -> String {
    match cell {
        Cell::Null => "NULL".into(),
        Cell::Int(v) => v.to_string(),
        Cell::UInt(v) => v.to_string(),
        Cell::Float(v) => format!("{v:?}"),
        Cell::Double(v) => format!("{v:?}"),
        Cell::Date(..) | Cell::Time(..) => format!("'{}'", cell.to_text().unwrap_or_default()),
        Cell::Text(b) => printed(dialect, b).unwrap_or_else(|| format!("CAST({} AS TEXT)", hex(b))),
        Cell::Bytes(b) if dialect == Dialect::Sqlite || column.carry == Carry::Hex => hex(b),
        Cell::Bytes(b) => match printed(dialect, b) {
            Some(text) if column.declared.starts_with("decimal") => text.trim_matches('\'').into(),
            Some(text) => text,
            None => hex(b),
        },
    }
}

/// The literal of a text that can be shown as it is.
fn printed(dialect: Dialect, bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    if text.chars().any(char::is_control) {
        return None;
    }
    let text = text.replace('\'', "''");
    // A backslash is a character of its own to SQLite.
    Some(match dialect {
        Dialect::Sqlite => format!("'{text}'"),
        _ => format!("'{}'", text.replace('\\', "\\\\")),
    })
}

fn hex(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|b| format!("{b:02X}")).collect();
    format!("X'{digits}'")
}

/// A literal as far as it is shown.
pub(super) fn shortened(literal: String) -> String {
    let length = literal.chars().count();
    if length <= SHOWN {
        return literal;
    }
    let begin: String = literal.chars().take(SHOWN).collect();
    format!("{begin}… ({length} characters)")
}
