//! `invariants`: every class, finding and invariant is after the contract what it was at the fence.

use crate::world::World;
use engine::StepError;
use engine::fault::VERIFICATION_FAILED;
use engine::runner::{Context, Probe, Step};
use serde_json::{Value, json};

pub(super) struct Invariants<'a> {
    pub(super) world: &'a World,
}

impl Step for Invariants<'_> {
    fn preflight(&mut self, _cx: &mut Context<'_>) -> Result<(), StepError> {
        Ok(())
    }

    fn run(&mut self, cx: &mut Context<'_>) -> Result<Value, StepError> {
        let pinned = self.world.pinned().map_err(super::nothing)?;
        let mut live = self.world.live().map_err(super::nothing)?;
        let counts = json!(db::migration::counts(&pinned.online, true, live.db()).map_err(super::nothing)?);
        let invariants =
            json!(db::migration::invariants(&pinned.online, true, live.db()).map_err(super::nothing)?);
        for (what, now, then) in [
            ("counts", &counts, "counts_before"),
            ("invariants", &invariants, "invariants_before"),
        ] {
            let before = cx.fact("digest_before", then);
            if before != Some(now) {
                return Err(StepError::nothing(
                    VERIFICATION_FAILED,
                    format!(
                        "{what} differ: {} before, {now} after",
                        before.map(Value::to_string).unwrap_or_default()
                    ),
                ));
            }
        }
        Ok(json!({ "counts_after": counts, "invariants_after": invariants }))
    }

    fn probe(&mut self, _cx: &mut Context<'_>) -> Result<Probe, StepError> {
        Ok(super::run_again())
    }

    fn undo(&mut self, _cx: &mut Context<'_>) -> Result<Value, StepError> {
        Ok(Value::Null)
    }
}
