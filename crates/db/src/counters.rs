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

/// Where a live database's counters are behind what they were, a sentence each: a number that was given would be given again.
/// Higher is no difference, nor is what events count.
pub fn behind(
    db: &mut dyn Database,
    were: &BTreeMap<String, i128>,
    are: &BTreeMap<String, i128>,
) -> Result<Vec<String>> {
    let mut out = Vec::new();
    for (name, was) in were.iter().filter(|(name, _)| !name.starts_with("event ")) {
        let is = are.get(name);
        let sequence = name
            .strip_prefix("sequence ")
            .filter(|_| is.is_some_and(|is| is != was));
        let back = match (is, sequence) {
            (Some(is), Some(sequence)) => {
                let cycles = format!("{name} cycles");
                // Another round begins at the other end, and a sequence may count downwards.
                are.get(&cycles) <= were.get(&cycles) && (is < was) == (step(db, sequence)? >= 0)
            }
            (is, _) => is < Some(was),
        };
        if back {
            let told = is.map_or("none".to_string(), i128::to_string);
            out.push(format!("counter {name}: {told}, it was {was}"));
        }
    }
    Ok(out)
}

/// What a sequence adds each time; 1 for what is none.
fn step(db: &mut dyn Database, sequence: &str) -> Result<i128> {
    if db.dialect() == Dialect::Sqlite {
        return Ok(1);
    }
    let literal = sequence.replace('\\', "\\\\").replace('\'', "''");
    let there = db.count(&format!(
        "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA=DATABASE() AND TABLE_NAME='{literal}' \
         AND TABLE_TYPE='SEQUENCE'"
    ))?;
    if there == 0 {
        return Ok(1);
    }
    let sql = format!("SELECT increment FROM {}", db.dialect().quote(sequence));
    Ok(db.text(&sql)?.and_then(|text| text.parse().ok()).unwrap_or(1))
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
