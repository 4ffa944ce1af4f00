//! Counters after a restore: AUTO_INCREMENT, the state of sequences, `sqlite_sequence`. They are no content, so no digest
//! shows one that was lost; the next row that is inserted would take a number that was given before.

use crate::{Cell, Database, Dialect, Result};
use std::collections::{BTreeMap, BTreeSet};

/// Where the counters of a restored copy are not what was promised, a sentence each.
///
/// InnoDB keeps no AUTO_INCREMENT that is not greater than every value of its column: a table whose numbers were changed
/// past its counter has the next greater one after a restore, and that is no difference.
pub fn differences(
    db: &mut dyn Database,
    promised: &BTreeMap<String, i128>,
    found: &BTreeMap<String, i128>,
) -> Result<Vec<String>> {
    let mut out = Vec::new();
    let names: BTreeSet<&String> = promised.keys().chain(found.keys()).collect();
    for name in names {
        let (wanted, is) = (promised.get(name), found.get(name));
        if wanted == is {
            continue;
        }
        if let (Some(wanted), Some(is)) = (wanted, is)
            && is > wanted
            && greatest(db, name)?.is_some_and(|greatest| greatest >= *wanted)
        {
            continue;
        }
        let told = |value: Option<&i128>| value.map_or("none".to_string(), i128::to_string);
        out.push(format!("counter {name}: {}, {} promised", told(is), told(wanted)));
    }
    Ok(out)
}

/// The greatest value of the column that an AUTO_INCREMENT counts for; `None` where `name` is no such table.
fn greatest(db: &mut dyn Database, name: &str) -> Result<Option<i128>> {
    if db.dialect() == Dialect::Sqlite {
        return Ok(None);
    }
    let literal = name.replace('\\', "\\\\").replace('\'', "''");
    let column = db.text(&format!(
        "SELECT COLUMN_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA=DATABASE() AND TABLE_NAME='{literal}' \
         AND EXTRA LIKE '%auto_increment%'"
    ))?;
    let Some(column) = column else {
        return Ok(None);
    };
    let quote = |name: &str| db.dialect().quote(name);
    let sql = format!("SELECT MAX({}) FROM {}", quote(&column), quote(name));
    let rows = db.query(&sql)?;
    let greatest = rows.first().and_then(|r| r.first()).and_then(Cell::to_text);
    Ok(greatest.and_then(|text| text.parse().ok()))
}
