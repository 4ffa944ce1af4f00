//! `proof`: every row of the new column is the expression of the old one.

use crate::world::World;
use engine::StepError;
use engine::runner::{Context, Probe, Step};
use serde_json::{Value, json};

pub(super) struct Proof<'a> {
    pub(super) world: &'a World,
}

impl Step for Proof<'_> {
    fn preflight(&mut self, _cx: &mut Context<'_>) -> Result<(), StepError> {
        Ok(())
    }

    fn run(&mut self, _cx: &mut Context<'_>) -> Result<Value, StepError> {
        let pinned = self.world.pinned().map_err(super::nothing)?;
        let mut live = self.world.live().map_err(super::nothing)?;
        db::migration::prove(&pinned.online, &pinned.state, live.db()).map_err(super::nothing)?;
        Ok(json!({ "proofs": pinned.online.proof.len() }))
    }

    fn probe(&mut self, _cx: &mut Context<'_>) -> Result<Probe, StepError> {
        Ok(super::run_again())
    }

    fn undo(&mut self, _cx: &mut Context<'_>) -> Result<Value, StepError> {
        Ok(Value::Null)
    }
}
