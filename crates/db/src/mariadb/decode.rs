//! Rows read back from a chunk's LOAD DATA text, as the typed values that a scan of the loaded table would give: what
//! makes a digest of files the digest of the database that they would become. The inverse of [`super::encode`].

mod fields;
mod held;
mod value;

use crate::row::{Value, Visit};
use crate::schema::{Carry, Table};
use crate::{Error, Result};
use fields::{End, Fields};
use held::Held;
use std::io::Read;
use std::path::Path;
use value::Shape;

/// Reads one chunk of `table` and hands its rows to `visit`; returns how many.
///
/// Virtual columns come as NULL, as a scan gives them. A value beyond 1 MiB is spilled to an unlinked file in the folder
/// `scratch` and handed to [`Visit::long`]: memory stays bounded whatever a row holds. What is not a chunk of this
/// table is an error that names table, row (from 1, in this chunk) and column. A table with columns that the server
/// computes and stores and that the chunk leaves out ([`Carry::Generated`]) is refused: their values are nowhere in the files.
pub fn decode(table: &Table, data: &mut dyn Read, scratch: &Path, visit: &mut dyn Visit) -> Result<u64> {
    readable(table)?;
    let stored: Vec<(usize, Shape)> = table
        .columns
        .iter()
        .enumerate()
        .filter(|(_, column)| column.carry != Carry::Virtual)
        .map(|(at, column)| (at, Shape::of(column)))
        .collect();
    let last = stored.len() - 1;
    let mut fields = Fields::new(data);
    let mut held = Held::new(scratch);
    let mut rows = 0;
    loop {
        for (field, (at, shape)) in stored.iter().enumerate() {
            let wrong = |why: &str| {
                Error::io(
                    format!("reading the backup: table {}", table.name),
                    format!("row {}, column {}: {why}", rows + 1, table.columns[*at].name),
                )
            };
            held.begin(*shape);
            let end = match fields.next(&mut held) {
                Ok(Some(end)) => end,
                // The chunk ends where a row would begin.
                Ok(None) if field == 0 => return Ok(rows),
                Ok(None) => return Err(wrong("the chunk ends in the middle of the row")),
                Err(error) => return Err(wrong(&error)),
            };
            match (end, field == last) {
                (End::Row, false) => return Err(wrong("the row has fewer columns than the table")),
                (End::Field, true) => return Err(wrong("the row has more columns than the table")),
                _ => {}
            }
            let skipped = if field == 0 { 0 } else { stored[field - 1].0 + 1 };
            for computed in skipped..*at {
                visit.value(computed, Value::Null)?;
            }
            if let Some((length, mut spilled)) = held.spilled().map_err(|e| wrong(&e))? {
                visit.long(*at, false, length, &mut spilled)?;
            } else {
                let value = held.value(*shape).map_err(|e| wrong(&e))?;
                visit.value(*at, value)?;
            }
        }
        for computed in stored[last].0 + 1..table.columns.len() {
            visit.value(computed, Value::Null)?;
        }
        visit.end()?;
        rows += 1;
    }
}

/// Refuses a table whose chunks do not hold all that a scan gives.
fn readable(table: &Table) -> Result<()> {
    let absent: Vec<&str> = table
        .columns
        .iter()
        .filter(|c| c.carry == Carry::Generated)
        .map(|c| c.name.as_str())
        .collect();
    if !absent.is_empty() {
        return Err(Error::refused(
            format!(
                "table {}: the backup does not hold the generated column {}, so its files alone give no digest",
                table.name,
                absent.join(", ")
            ),
            "`ventana backup verify NAME --restore` proves it by a restore",
        ));
    }
    if table.columns.iter().all(|c| c.carry == Carry::Virtual) {
        return Err(Error::refused(
            format!("table {} has no stored column", table.name),
            "the backup's catalog.json is not one of ours",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
