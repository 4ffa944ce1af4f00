//! The whole catalog of a schema as one value.

use super::{MariaDb, objects, tables};
use crate::schema::{Kind, Object, Schema};
use crate::{Error, Result};
use std::collections::BTreeMap;

pub(super) fn inspect(db: &mut MariaDb) -> Result<Schema> {
    if db.database.is_empty() {
        return Err(Error::refused(
            "no schema was named",
            "add it to the URL, as in mysql://user@host:3306/SCHEMA",
        ));
    }
    let found = tables::read_patiently(db)?;
    let mut schema = Schema {
        dialect: db.dialect,
        database: db.database.clone(),
        tables: found.tables,
        objects: found.objects,
        counters: found.counters,
        unsupported: found.unsupported,
    };
    let known = tables::catalog_columns(db)?;
    let comment = tables::or_empty(&known, "SCHEMATA", "SCHEMA_COMMENT");
    let default = db.catalog(&format!(
        "SELECT DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME, {comment} FROM information_schema.SCHEMATA WHERE SCHEMA_NAME=?"
    ))?;
    let Some(row) = default.first() else {
        return Err(Error::refused(
            format!("schema {} is gone", db.database),
            "look with SHOW DATABASES",
        ));
    };
    let field = |i: usize| row[i].clone().unwrap_or_default();
    let mut create = format!("ALTER DATABASE CHARACTER SET {} COLLATE {}", field(0), field(1));
    if !field(2).is_empty() {
        // No introducer may stand here. Every session that runs it, ours and the files', reads backslashes as escapes.
        let comment = field(2).replace('\\', "\\\\").replace('\'', "''");
        create.push_str(&format!(" COMMENT '{comment}'"));
    }
    // Routines take the schema's collation when they are created, so this comes before them.
    schema.objects.push(Object {
        kind: Kind::Database,
        name: "defaults".into(),
        definition: format!("{} {} {:?}", field(0), field(1), field(2)),
        create: vec![create],
    });
    let order = objects::read(db, &known, &mut schema)?;
    let places: BTreeMap<&str, usize> = order.iter().map(String::as_str).zip(0..).collect();
    let place = |o: &Object| match o.kind {
        Kind::View => places.get(o.name.as_str()).copied().unwrap_or(0),
        _ => 0,
    };
    schema
        .objects
        .sort_by(|a, b| (a.kind, place(a), rank(a), &a.name).cmp(&(b.kind, place(b), rank(b), &b.name)));
    Ok(schema)
}

/// Triggers of one table and event keep the order in which they fire; the first field of their definition is that order.
fn rank(object: &Object) -> String {
    if object.kind == Kind::Trigger {
        object.definition.chars().take_while(|c| *c != ' ').collect()
    } else {
        String::new()
    }
}
