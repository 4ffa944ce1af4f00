//! `backfill`: fills the new column in short batches while writers go on.

use crate::window::sessions;
use crate::world::World;
use engine::StepError;
use engine::runner::{Context, Probe, Progress, Step};
use serde_json::{Value, json};
use std::time::Duration;

pub(super) struct Backfill<'a> {
    pub(super) world: &'a World,
}

impl Step for Backfill<'_> {
    fn preflight(&mut self, _cx: &mut Context<'_>) -> Result<(), StepError> {
        Ok(())
    }

    fn run(&mut self, cx: &mut Context<'_>) -> Result<Value, StepError> {
        let pinned = self.world.pinned().map_err(super::nothing)?;
        let Some(spec) = &pinned.online.backfill else {
            return Ok(Value::Null);
        };
        sessions::record(self.world, cx)?;
        let reporter = cx.reporter();
        let (mut batches, mut longest) = (0u64, Duration::ZERO);
        let mut live = self.world.live().map_err(super::nothing)?;
        let rows = db::migration::backfill(spec, live.db(), &mut |batch| {
            batches += 1;
            longest = longest.max(batch.took);
            reporter.progress(Progress {
                done: batch.key.max(0) as u64,
                total: Some(batch.last_key.max(0) as u64),
                unit: "keys",
                note: format!("{} rows", batch.rows),
            });
            !reporter.interrupted()
        })
        .map_err(super::maybe)?;
        if reporter.interrupted() {
            return Err(StepError::interrupted());
        }
        Ok(json!({ "rows": rows, "batches": batches, "longest_batch_ms": longest.as_millis() as u64 }))
    }

    fn probe(&mut self, cx: &mut Context<'_>) -> Result<Probe, StepError> {
        sessions::end_dead(self.world, cx)?;
        Ok(super::half_done())
    }

    fn undo(&mut self, cx: &mut Context<'_>) -> Result<Value, StepError> {
        // The column goes with the statement that added it.
        sessions::end_dead(self.world, cx)?;
        Ok(Value::Null)
    }
}
