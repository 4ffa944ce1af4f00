//! Indexes, foreign keys and checks from the catalog.

use super::{Tables, fields, label, or_empty, text};
use crate::mariadb::MariaDb;
use crate::schema::{Kind, Object};
use crate::{Dialect, Result};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn read_indexes(db: &mut MariaDb, known: &BTreeSet<String>, out: &mut Tables) -> Result<()> {
    let ignored = match db.dialect {
        Dialect::MySql => "IS_VISIBLE, EXPRESSION",
        _ => or_empty(known, "STATISTICS", "IGNORED"),
    };
    let rows = db.catalog(&format!(
        "SELECT TABLE_NAME, INDEX_NAME, COLUMN_NAME, NON_UNIQUE, SUB_PART, INDEX_TYPE, COLLATION, INDEX_COMMENT, {ignored} \
         FROM information_schema.STATISTICS WHERE TABLE_SCHEMA=? ORDER BY TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX"
    ))?;
    let mut definitions: BTreeMap<String, String> = BTreeMap::new();
    for row in rows {
        let (table, index) = (text(&row, 0), text(&row, 1));
        if table == crate::marks::TABLE {
            continue;
        }
        if index == "PRIMARY"
            && let Some(entry) = out.table(&table)
        {
            entry.key.push(text(&row, 2));
        }
        let definition = definitions.entry(label(&table, &index)).or_default();
        definition.push_str(&fields(&row[2..]));
        definition.push(';');
    }
    for (name, definition) in definitions {
        out.objects.push(Object {
            kind: Kind::Index,
            name,
            definition,
            create: Vec::new(),
        });
    }
    Ok(())
}

pub(super) fn read_foreign_keys(db: &mut MariaDb, out: &mut Tables) -> Result<()> {
    // Not joined by the server: it would look through the tables of every schema for the rules.
    let mut rules: BTreeMap<[Option<String>; 2], Vec<Option<String>>> = BTreeMap::new();
    for row in db.catalog(
        "SELECT TABLE_NAME, CONSTRAINT_NAME, UPDATE_RULE, DELETE_RULE FROM information_schema.REFERENTIAL_CONSTRAINTS \
         WHERE CONSTRAINT_SCHEMA=?",
    )? {
        rules.insert([row[0].clone(), row[1].clone()], row[2..].to_vec());
    }
    let rows = db.catalog(
        "SELECT TABLE_NAME, CONSTRAINT_NAME, COLUMN_NAME, IF(REFERENCED_TABLE_SCHEMA=?, '', REFERENCED_TABLE_SCHEMA), \
         REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME FROM information_schema.KEY_COLUMN_USAGE \
         WHERE TABLE_SCHEMA=? AND REFERENCED_TABLE_NAME IS NOT NULL \
         ORDER BY TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION",
    )?;
    let mut definitions: BTreeMap<String, String> = BTreeMap::new();
    for mut row in rows {
        let Some(rules) = rules.get(&[row[0].clone(), row[1].clone()]) else {
            continue;
        };
        row.extend(rules.iter().cloned());
        let definition = definitions
            .entry(label(&text(&row, 0), &text(&row, 1)))
            .or_default();
        definition.push_str(&fields(&row[2..]));
        definition.push(';');
    }
    for (name, definition) in definitions {
        out.objects.push(Object {
            kind: Kind::ForeignKey,
            name,
            definition,
            create: Vec::new(),
        });
    }
    Ok(())
}

pub(super) fn read_checks(db: &mut MariaDb, known: &BTreeSet<String>, out: &mut Tables) -> Result<()> {
    let rows = if db.dialect == Dialect::MySql {
        // A check's name is one of the schema's; its table stands elsewhere.
        db.catalog(
            "SELECT t.TABLE_NAME, c.CONSTRAINT_NAME, t.ENFORCED, c.CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS c \
             JOIN information_schema.TABLE_CONSTRAINTS t ON t.CONSTRAINT_SCHEMA=c.CONSTRAINT_SCHEMA \
             AND t.CONSTRAINT_NAME=c.CONSTRAINT_NAME AND t.CONSTRAINT_TYPE='CHECK' \
             WHERE c.CONSTRAINT_SCHEMA=? ORDER BY t.TABLE_NAME, c.CONSTRAINT_NAME",
        )?
    } else {
        let level = or_empty(known, "CHECK_CONSTRAINTS", "LEVEL");
        db.catalog(&format!(
            "SELECT TABLE_NAME, CONSTRAINT_NAME, {level}, CHECK_CLAUSE FROM information_schema.CHECK_CONSTRAINTS \
             WHERE CONSTRAINT_SCHEMA=? ORDER BY TABLE_NAME, CONSTRAINT_NAME"
        ))?
    };
    for row in rows {
        out.objects.push(Object {
            kind: Kind::Check,
            name: label(&text(&row, 0), &text(&row, 1)),
            definition: fields(&row[2..]),
            create: Vec::new(),
        });
    }
    Ok(())
}
