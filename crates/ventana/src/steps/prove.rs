//! `prove`: a backup counts as one only after a restore of it gave the digest that it promises.

use crate::host::clock;
use crate::transfer;
use crate::world::World;
use engine::StepError;
use engine::runner::{Context, Probe, Step};
use serde_json::{Value, json};

/// The run's id in [`Context::dry`].
pub(super) const DRY_RUN: &str = "dry-run";

pub(super) struct Prove<'a> {
    pub(super) world: &'a World,
    pub(super) backup: &'a str,
}

/// Restores the backup of step `step` into a scratch copy, compares, removes the copy.
pub(super) fn prove(world: &World, step: &str, cx: &Context<'_>) -> Result<Value, StepError> {
    let backup = super::readable_backup(world, cx, step)?;
    let scratch = world.scratch("prove").map_err(super::nothing)?;
    let restored = {
        let mut db = scratch.create().map_err(super::nothing)?;
        transfer::restore(
            &backup,
            &mut *db,
            &transfer::Terms::scratch(),
            &mut super::listen(cx.reporter()),
        )
    };
    scratch.drop().map_err(super::nothing)?;
    let restored = restored.map_err(super::nothing)?;
    backup
        .record_proof(
            &clock::now().to_string(),
            ::backup::Proven::Restore,
            &restored.digest.digest,
        )
        .map_err(super::nothing)?;
    Ok(json!({ "digest": restored.digest.digest, "rows": restored.rows, "path": backup.path() }))
}

impl Step for Prove<'_> {
    fn preflight(&mut self, cx: &mut Context<'_>) -> Result<(), StepError> {
        // A dry run makes nothing, not even for a moment.
        if cx.run() == DRY_RUN {
            return Ok(());
        }
        // The scratch copy is made and removed once, empty: privileges and places are found missing now.
        let scratch = self.world.scratch("preflight").map_err(super::nothing)?;
        scratch
            .create()
            .map(drop)
            .and_then(|()| scratch.drop())
            .map_err(super::nothing)
    }

    fn run(&mut self, cx: &mut Context<'_>) -> Result<Value, StepError> {
        prove(self.world, self.backup, cx)
    }

    fn probe(&mut self, _cx: &mut Context<'_>) -> Result<Probe, StepError> {
        self.world
            .scratch("prove")
            .and_then(|s| s.drop())
            .map_err(super::nothing)?;
        Ok(super::run_again())
    }

    fn undo(&mut self, _cx: &mut Context<'_>) -> Result<Value, StepError> {
        Ok(Value::Null)
    }
}
