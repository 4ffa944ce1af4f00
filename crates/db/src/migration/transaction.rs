//! SQLite: the whole migration in the transaction that the fence already holds.
//!
//! RENAME COLUMN rewrites views and triggers that name the column, so they are taken out before and put back after,
//! word for word: what they name is the column's name, not its place.

use super::{Change, Online, prove};
use crate::schema::{Kind, Schema};
use crate::sqlite::Sqlite;
use crate::{Database, Dialect, Error, Result};

/// Runs expand, backfill, proof and contract. The caller commits or rolls back.
pub fn forward(online: &Online, start: &str, db: &mut Sqlite) -> Result<()> {
    inside_lock(db)?;
    let schema = db.inspect()?;
    without_objects(db, &schema, |db| {
        for change in &online.expand {
            db.execute(&change.sql)?;
        }
        if let Some(backfill) = &online.backfill {
            let table = Dialect::Sqlite.quote(&backfill.table);
            db.execute(&format!(
                "UPDATE {table} SET {} WHERE {}",
                backfill.set, backfill.rows
            ))?;
        }
        prove(online, start, db)?;
        for change in &online.contract {
            db.execute(&change.sql)?;
        }
        Ok(())
    })
}

/// Takes contract and expand back, in reverse.
pub fn reverse(online: &Online, db: &mut Sqlite) -> Result<()> {
    inside_lock(db)?;
    let schema = db.inspect()?;
    without_objects(db, &schema, |db| {
        let changes: Vec<&Change> = online.expand.iter().chain(&online.contract).collect();
        for change in changes.into_iter().rev() {
            if let Some(undo) = &change.undo {
                db.execute(undo)?;
            }
        }
        Ok(())
    })
}

/// Outside of it every statement would be a transaction of its own, and a failure would leave half a migration.
fn inside_lock(db: &Sqlite) -> Result<()> {
    if db.is_locked() {
        return Ok(());
    }
    Err(Error::refused(
        "a migration of a SQLite file needs its write lock",
        "take it with lock_writes first",
    ))
}

fn without_objects(
    db: &mut Sqlite,
    schema: &Schema,
    work: impl FnOnce(&mut Sqlite) -> Result<()>,
) -> Result<()> {
    let objects: Vec<_> = schema
        .objects
        .iter()
        .filter(|o| matches!(o.kind, Kind::View | Kind::Trigger))
        .collect();
    for object in objects.iter().rev() {
        let kind = if object.kind == Kind::View {
            "VIEW"
        } else {
            "TRIGGER"
        };
        db.execute(&format!(
            "DROP {kind} IF EXISTS {}",
            Dialect::Sqlite.quote(&object.name)
        ))?;
    }
    work(db)?;
    for object in objects {
        for statement in &object.create {
            db.execute(statement)?;
        }
    }
    Ok(())
}
