//! Partitions from the catalog: part of their table's definition.

use super::{Tables, fields, text};
use crate::Result;
use crate::mariadb::MariaDb;
use std::collections::BTreeMap;

/// What the catalog does not say (limits and intervals of history, the columns of `KEY ()`) is added from the creating
/// statement; see [`super::create`].
pub(super) fn read_partitions(db: &mut MariaDb, out: &mut Tables) -> Result<()> {
    let rows = db.catalog(
        "SELECT TABLE_NAME, PARTITION_NAME, SUBPARTITION_NAME, PARTITION_METHOD, SUBPARTITION_METHOD, PARTITION_EXPRESSION, SUBPARTITION_EXPRESSION, \
         PARTITION_DESCRIPTION, PARTITION_COMMENT, NODEGROUP, TABLESPACE_NAME FROM information_schema.PARTITIONS \
         WHERE TABLE_SCHEMA=? AND PARTITION_NAME IS NOT NULL \
         ORDER BY TABLE_NAME, PARTITION_ORDINAL_POSITION, SUBPARTITION_ORDINAL_POSITION",
    )?;
    let mut definitions: BTreeMap<String, String> = BTreeMap::new();
    for row in rows {
        let definition = definitions.entry(text(&row, 0)).or_default();
        definition.push_str(&fields(&row[1..]));
        definition.push(';');
    }
    for (table, definition) in definitions {
        if let Some(place) = out.places.get(&table) {
            out.define_more(*place, &definition);
        }
    }
    Ok(())
}
