//! `migrate` (SQLite): the whole migration in the transaction that the fence holds.

use crate::world::{Live, World};
use db::schema::Outline;
use db::sqlite::Sqlite;
use db::{Database, migration};
use engine::StepError;
use engine::fault::VERIFICATION_FAILED;
use engine::runner::{Context, Probe, Step};
use serde_json::{Value, json};

pub(super) struct Migrate<'a> {
    pub(super) world: &'a World,
}

impl Migrate<'_> {
    fn sqlite<T>(&self, work: impl FnOnce(&mut Sqlite) -> Result<T, StepError>) -> Result<T, StepError> {
        let mut live = self.world.live().map_err(super::nothing)?;
        let Live::Sqlite(db) = &mut *live else {
            return Err(
                StepError::nothing("plan", "this plan was made for SQLite").hint("make the plan again")
            );
        };
        work(db)
    }

    /// The start schema without what the migration changes: all of it must be the same afterwards.
    fn untouched(&self) -> Result<Outline, StepError> {
        let pinned = self.world.pinned().map_err(super::nothing)?;
        let mut outline = self.world.start.outline.clone();
        let table = &pinned.online.table;
        if let Some(columns) = outline.tables.get_mut(table) {
            columns.retain(|c| !pinned.online.columns.contains(c));
        }
        outline.objects.retain(|(_, name)| {
            name != table
                && !pinned
                    .online
                    .columns
                    .iter()
                    .any(|c| *name == format!("{table}.{c}"))
        });
        Ok(outline)
    }

    fn forward(&self, db: &mut Sqlite, cx: &Context<'_>) -> Result<Value, db::Error> {
        let pinned = self
            .world
            .pinned()
            .map_err(|f| db::Error::refused(f.message, ""))?;
        let untouched = self.untouched().map_err(|e| db::Error::refused(e.message, ""))?;
        let listen = &mut super::listen(cx.reporter());
        let before = db::digest::compute(db, Some(&untouched), listen)?;
        migration::forward(&pinned.online, &pinned.state, db)?;
        let after = db::digest::compute(db, Some(&untouched), listen)?;
        if before.digest != after.digest {
            let what = before.differences(&after).join("; ");
            return Err(db::Error::Differs(format!(
                "the migration changed more than it says: {what}"
            )));
        }
        let wrong = db.check()?;
        if !wrong.is_empty() {
            return Err(db::Error::Differs(format!(
                "after the migration: {}",
                wrong.join("; ")
            )));
        }
        Ok(json!({ "untouched": after.digest, "proofs": pinned.online.proof.len() }))
    }
}

impl Step for Migrate<'_> {
    fn preflight(&mut self, _cx: &mut Context<'_>) -> Result<(), StepError> {
        Ok(())
    }

    fn run(&mut self, cx: &mut Context<'_>) -> Result<Value, StepError> {
        self.sqlite(|db| {
            db.lock_writes().map_err(super::nothing)?;
            match self.forward(db, cx) {
                Ok(facts) => {
                    db.commit().map_err(super::maybe)?;
                    db.lock_writes().map_err(super::maybe)?;
                    Ok(facts)
                }
                Err(error) => {
                    // One transaction: after this nothing of it is there.
                    db.rollback().map_err(super::maybe)?;
                    db.lock_writes().map_err(super::maybe)?;
                    Err(super::nothing(error))
                }
            }
        })
    }

    fn probe(&mut self, _cx: &mut Context<'_>) -> Result<Probe, StepError> {
        let structure = self.world.start.structure.clone();
        self.sqlite(|db| {
            db.lock_writes().map_err(super::nothing)?;
            let now = db.inspect().map_err(super::nothing)?;
            Ok(if now.structure() == structure {
                Probe::not_started("the transaction was never committed")
            } else {
                Probe::done("the transaction was committed", json!({}))
            })
        })
    }

    fn undo(&mut self, _cx: &mut Context<'_>) -> Result<Value, StepError> {
        let structure = self.world.start.structure.clone();
        let pinned = self.world.pinned().map_err(super::maybe)?;
        self.sqlite(|db| {
            db.lock_writes().map_err(super::maybe)?;
            if db.inspect().map_err(super::maybe)?.structure() == structure {
                return Ok(json!({ "undo": "nothing to take back" }));
            }
            let reversed =
                migration::reverse(&pinned.online, db).and_then(|()| Ok(db.inspect()?.structure()));
            match reversed {
                Ok(now) if now == structure => {
                    db.commit().map_err(super::maybe)?;
                    db.lock_writes().map_err(super::maybe)?;
                    Ok(json!({ "undo": "the reverse migration" }))
                }
                other => {
                    db.rollback().map_err(super::maybe)?;
                    db.lock_writes().map_err(super::maybe)?;
                    // The proof that follows finds the difference and restores backup B.
                    match other {
                        Ok(_) => {
                            Ok(json!({ "undo": "left to the restore: the reverse gave another schema" }))
                        }
                        Err(error) if error.code() == VERIFICATION_FAILED => Err(super::maybe(error)),
                        Err(error) => Ok(json!({ "undo": format!("left to the restore: {error}") })),
                    }
                }
            }
        })
    }
}
