//! Sequences: their definition, and their state beside it.

use super::show;
use crate::mariadb::MariaDb;
use crate::mariadb::tables::fields;
use crate::schema::{Kind, Object, Schema};
use crate::{Cell, Database, Result};

/// A sequence's state is carried like a counter, not in its definition: whoever asks for a value changes it.
pub(super) fn sequences(db: &mut MariaDb, schema: &mut Schema) -> Result<()> {
    let rows = db.catalog(
        "SELECT TABLE_NAME, ENGINE, TABLE_COMMENT FROM information_schema.TABLES \
         WHERE TABLE_SCHEMA=? AND TABLE_TYPE='SEQUENCE' ORDER BY TABLE_NAME",
    )?;
    for row in rows {
        let field = |i: usize| row.get(i).cloned().flatten().unwrap_or_default();
        let name = field(0);
        let quoted = db.dialect.quote(&name);
        let found = db.query(&format!(
            "SELECT start_value, minimum_value, maximum_value, increment, cache_size, cycle_option, next_not_cached_value, cycle_count FROM {quoted}"
        ))?;
        let values: Vec<i128> = found.first().into_iter().flatten().filter_map(number).collect();
        let &[start, least, greatest, step, cache, cycle, next, cycles] = values.as_slice() else {
            schema
                .unsupported
                .push(format!("sequence {name}: its state cannot be read"));
            continue;
        };
        let create = show(db, &format!("SHOW CREATE SEQUENCE {quoted}"), 1)?.unwrap_or_default();
        // Not SETVAL: it never goes back, and does not take the state of a sequence that has run out.
        let state = format!(
            "INSERT INTO {quoted} VALUES ({next}, {least}, {greatest}, {start}, {step}, {cache}, {cycle}, {cycles})"
        );
        schema.counters.insert(format!("sequence {name}"), next);
        schema.counters.insert(format!("sequence {name} cycles"), cycles);
        let parts = [start, least, greatest, step, cache, cycle].map(|v| Some(v.to_string()));
        schema.objects.push(Object {
            kind: Kind::Sequence,
            name,
            definition: format!("{} {}", fields(&parts), fields(&row[1..])),
            create: vec![create, state],
        });
    }
    Ok(())
}

fn number(cell: &Cell) -> Option<i128> {
    cell.to_text()?.parse().ok()
}
