//! `preflight`: everything that later steps need, looked at before any effect.

use crate::world::{Live, World};
use engine::StepError;
use engine::plan::StepKind;
use engine::runner::{Context, Probe, Step, preflight_all};
use serde_json::{Value, json};

pub(super) struct Preflight<'a> {
    pub(super) world: &'a World,
}

impl Step for Preflight<'_> {
    /// The target is the one that the plan was made for, and its schema is the one that the plan starts from.
    fn preflight(&mut self, cx: &mut Context<'_>) -> Result<(), StepError> {
        let mut live = self.world.live().map_err(super::nothing)?;
        let identity = live.db().identity().map_err(super::nothing)?;
        let target = &cx.plan().database;
        if !self.world.rehearsal
            && (identity.fields != target.identity || identity.database != target.database)
        {
            return Err(StepError::nothing(
                "identity",
                format!(
                    "this is not the server that the plan was made for: it is {:?}, the plan says {:?}",
                    identity.fields, target.identity
                ),
            )
            .hint("check DB_HOST and the configuration; make a new plan if the server was really replaced"));
        }
        if let Live::Sqlite(db) = &mut *live {
            let wrong = db.check().map_err(super::nothing)?;
            if !wrong.is_empty() {
                return Err(StepError::nothing(
                    "integrity",
                    format!("the database is damaged: {}", wrong.join("; ")),
                )
                .hint("mend it before a window: sqlite3 FILE '.recover'"));
            }
        }
        let schema = live.db().inspect().map_err(super::nothing)?;
        schema.supported().map_err(super::nothing)?;
        // A backup that cannot be restored here is no way back, and the run is to prove each by a restore.
        if cx
            .plan()
            .steps
            .iter()
            .any(|step| matches!(step.kind, StepKind::Backup { .. }))
        {
            self.world.config.can_restore().map_err(super::nothing)?;
        }
        if schema.structure() != self.world.start.structure {
            return Err(StepError::nothing(
                "schema_changed",
                "the schema is no longer the one that the plan was made for",
            )
            .hint("look at what changed, then make the plan again with `ventana plan`"));
        }
        Ok(())
    }

    fn run(&mut self, cx: &mut Context<'_>) -> Result<Value, StepError> {
        let plan = cx.plan();
        let results = preflight_all(plan, self.world, cx);
        let checked = results.len();
        let failed: Vec<(String, StepError)> = results
            .into_iter()
            .filter_map(|(id, result)| result.err().map(|e| (id, e)))
            .collect();
        match failed.as_slice() {
            [] => Ok(json!({ "checked": checked })),
            [(id, error)] => {
                let mut one = error.clone();
                one.message = format!("{id}: {}", one.message);
                Err(one)
            }
            many => {
                let lines: Vec<String> = many
                    .iter()
                    .map(|(id, e)| format!("{id}: {}", e.message))
                    .collect();
                let hints: Vec<&str> = many.iter().filter_map(|(_, e)| e.hint.as_deref()).collect();
                Err(StepError::nothing("preflight", lines.join("; ")).hint(hints.join("; ")))
            }
        }
    }

    fn probe(&mut self, _cx: &mut Context<'_>) -> Result<Probe, StepError> {
        Ok(super::run_again())
    }

    /// The end of every rollback: the schema is the one that the plan started from.
    fn undo(&mut self, _cx: &mut Context<'_>) -> Result<Value, StepError> {
        let mut live = self.world.live().map_err(super::maybe)?;
        let now = live.db().inspect().map_err(super::maybe)?;
        if now.structure() == self.world.start.structure {
            return Ok(json!({ "schema": "as planned from" }));
        }
        Err(StepError::maybe(
            engine::fault::VERIFICATION_FAILED,
            "everything was taken back, but the schema is not the one that the plan started from: somebody else changed it",
        )
        .hint("compare with backup A: `ventana digest` and the report name tables and objects"))
    }
}
