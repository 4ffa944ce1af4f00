//! Behaviour of the steps: one file for each kind, built from its spec by one `match`.

mod backfill;
mod backup;
mod digest;
mod fence;
mod invariants;
mod lift;
mod migrate;
mod off_site;
mod preflight;
mod proof;
mod prove;
mod restart;
mod same_digest;
mod smoke;
mod stage;
mod statement;
mod switch;
mod verify_backup;
mod watch;

pub use fence::Raised;
pub use smoke::{ask_all, health, wait_healthy};

use crate::error::Failure;
use crate::world::World;
use db::progress::Progress;
use engine::StepError;
use engine::plan::{Plan, StepKind, StepSpec};
use engine::runner::{Context, Probe, Reporter, Step, Steps};
use serde_json::Value;
use std::ops::ControlFlow;

impl Steps for World {
    fn build<'a>(&'a self, _plan: &'a Plan, spec: &'a StepSpec) -> Box<dyn Step + 'a> {
        match &spec.kind {
            StepKind::Preflight => Box::new(preflight::Preflight { world: self }),
            StepKind::Backup { label } => Box::new(backup::Backup { world: self, label }),
            StepKind::Prove { backup } => Box::new(prove::Prove { world: self, backup }),
            StepKind::VerifyBackup { backup, mode } => Box::new(verify_backup::VerifyBackup {
                world: self,
                backup,
                mode: *mode,
            }),
            StepKind::OffSite { backup, .. } => Box::new(off_site::OffSite { world: self, backup }),
            StepKind::Stage { release, source } => Box::new(stage::Stage {
                world: self,
                release,
                source,
            }),
            StepKind::Statement { sql, undo_sql, .. } => Box::new(statement::Statement {
                world: self,
                sql,
                undo_sql: undo_sql.as_deref(),
            }),
            StepKind::Backfill { .. } => Box::new(backfill::Backfill { world: self }),
            StepKind::Proof { .. } => Box::new(proof::Proof { world: self }),
            StepKind::Migrate { .. } => Box::new(migrate::Migrate { world: self }),
            StepKind::Fence => Box::new(fence::Fence { world: self }),
            StepKind::Digest { .. } => Box::new(digest::Digest { world: self }),
            StepKind::SameDigest { as_at, .. } => Box::new(same_digest::SameDigest { world: self, as_at }),
            StepKind::Switch { release } => Box::new(switch::Switch { world: self, release }),
            StepKind::Restart => Box::new(restart::Restart { world: self }),
            StepKind::Smoke { checks } => Box::new(smoke::Smoke {
                world: self,
                checks: *checks,
            }),
            StepKind::Invariants { .. } => Box::new(invariants::Invariants { world: self }),
            StepKind::Lift => Box::new(lift::Lift { world: self }),
            StepKind::Watch { seconds } => Box::new(watch::Watch {
                world: self,
                seconds: *seconds,
            }),
            StepKind::Confirm { .. } => Box::new(Unsupported),
        }
    }
}

/// A step of a plan that a newer ventana made.
struct Unsupported;

impl Unsupported {
    fn error() -> StepError {
        StepError::nothing("unsupported", "this ventana cannot run a `confirm` step")
            .hint("make the plan again with this ventana")
    }
}

impl Step for Unsupported {
    fn preflight(&mut self, _cx: &mut Context<'_>) -> Result<(), StepError> {
        Err(Self::error())
    }

    fn run(&mut self, _cx: &mut Context<'_>) -> Result<Value, StepError> {
        Err(Self::error())
    }

    fn probe(&mut self, _cx: &mut Context<'_>) -> Result<Probe, StepError> {
        Ok(Probe::not_started("nothing was done"))
    }

    fn undo(&mut self, _cx: &mut Context<'_>) -> Result<Value, StepError> {
        Ok(Value::Null)
    }
}

/// A listener of `db` that reports rows and bytes as a step's progress.
fn listen<'a>(reporter: Reporter<'a>) -> impl FnMut(Progress<'_>) -> ControlFlow<()> + 'a {
    move |progress: Progress<'_>| {
        reporter.progress(engine::runner::Progress {
            done: progress.rows,
            total: (progress.rows_total > 0).then_some(progress.rows_total),
            unit: "rows",
            note: match progress.waiting {
                "" => progress.table.to_string(),
                waiting => waiting.to_string(),
            },
        });
        // A run stops between two steps.
        ControlFlow::Continue(())
    }
}

/// The backup that an earlier step made.
fn made_backup(cx: &Context<'_>, step: &str) -> Result<::backup::Backup, StepError> {
    let path = cx
        .fact(step, "path")
        .and_then(Value::as_str)
        .ok_or_else(|| StepError::nothing("no_backup", format!("step {step} has recorded no backup")))?;
    ::backup::Backup::open(std::path::Path::new(path))
        .map_err(|e| StepError::nothing("backup", e.to_string()))
}

/// The same, with the keys that its contents need.
fn readable_backup(world: &World, cx: &Context<'_>, step: &str) -> Result<::backup::Backup, StepError> {
    let backup = made_backup(cx, step)?;
    world.config.readable(backup).map_err(nothing)
}

/// A failure of which the step knows that it changed nothing.
fn nothing(failure: impl Into<Failure>) -> StepError {
    let failure = failure.into();
    let mut error = StepError::nothing(failure.code, failure.message);
    error.hint = failure.hint;
    error
}

/// A failure after which something may have changed.
fn maybe(failure: impl Into<Failure>) -> StepError {
    StepError::from(failure.into())
}

/// For a step with an effect that a dead process may have left half done: going on it is run again from whatever was left,
/// going back it is undone.
fn half_done() -> Probe {
    Probe::partial("some of it may be there")
}

/// For steps without effect: they are simply run again.
fn run_again() -> Probe {
    Probe::not_started("it can be run again from whatever was left")
}
