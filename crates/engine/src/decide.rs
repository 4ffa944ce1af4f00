//! What comes next: a pure function of the plan and the state.
//!
//! The policy, in the order in which it is asked:
//! 1. A step that a dead process left in the middle is probed before anything else.
//! 2. Forward: a failed step is retried, held at, or starts a rollback, as its plan says. After the lift nothing is
//!    rolled back by itself (users have written): the run is held. Before the first effect there is nothing to roll
//!    back: the run failed.
//! 3. Rolling back: undos in reverse order, [`Undo::Last`] ones after all others. An undo that fails ends the run at
//!    once with the fence as it is; only a lift that finds that data have diverged holds.

use crate::fault::{Changed, DIVERGED, VERIFICATION_FAILED};
use crate::journal::Found;
use crate::outcome::{EXIT_VERIFICATION_FAILED, Outcome};
use crate::plan::{OnFailure, Plan, StepKind, StepSpec, Undo};
use crate::state::{Direction, RunState, Status, StepState};

/// The next thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Look at a step that a dead process left in the middle of its work or of its undo.
    Probe {
        /// Step id.
        step: String,
    },
    /// A probe found the step done: record it as finished.
    Adopt {
        /// Step id.
        step: String,
        /// The attempt that did it.
        attempt: u32,
    },
    /// Run a step.
    Run {
        /// Step id.
        step: String,
        /// From 1.
        attempt: u32,
    },
    /// Take a step back.
    Undo {
        /// Step id.
        step: String,
    },
    /// Wait for a person.
    Hold {
        /// The step that it waits at.
        step: Option<String>,
        /// Why.
        reason: String,
        /// What the person can do.
        hint: Option<String>,
    },
    /// Nothing is left to do: close the run.
    Close {
        /// How.
        outcome: Outcome,
        /// With which exit code.
        exit_code: u8,
    },
    /// The run is closed, held or interrupted already; only a person can go on.
    Stopped {
        /// How.
        outcome: Outcome,
        /// With which exit code.
        exit_code: u8,
    },
}

/// What comes next in this run.
#[must_use]
pub fn decide(plan: &Plan, state: &RunState) -> Decision {
    if let Some(ending) = state.ending() {
        return Decision::Stopped {
            outcome: ending.outcome,
            exit_code: ending.exit_code,
        };
    }
    if let Some(step) = in_state(plan, state)
        .find(|(_, step)| step.active())
        .map(|(spec, _)| spec)
    {
        return Decision::Probe {
            step: step.id.clone(),
        };
    }
    if let Some(spec) = with_status(plan, state, Status::UndoStarted) {
        return Decision::Undo {
            step: spec.id.clone(),
        };
    }
    match state.direction {
        Direction::Forward => forward(plan, state),
        Direction::RollingBack => roll_back(plan, state),
    }
}

fn forward(plan: &Plan, state: &RunState) -> Decision {
    for (spec, step) in in_state(plan, state) {
        match (step.status, step.probed) {
            (Status::Started, Some(Found::Done)) => {
                return Decision::Adopt {
                    step: spec.id.clone(),
                    attempt: step.attempt,
                };
            }
            // A probe that found nothing has made the step pending, so this one is partial.
            (Status::Started, _) => return partial(plan, state, spec, step),
            (Status::Failed, _) => return failed(plan, state, spec, step),
            _ => {}
        }
    }
    match plan
        .steps
        .iter()
        .find(|spec| state.status(&spec.id) == Status::Pending)
    {
        Some(spec) => run(spec, state.steps.get(&spec.id)),
        None => close(Outcome::Done),
    }
}

fn partial(plan: &Plan, state: &RunState, spec: &StepSpec, step: &StepState) -> Decision {
    if spec.kind.rerunnable() {
        return run(spec, Some(step));
    }
    let statement = matches!(spec.kind, StepKind::Statement { .. });
    if statement || spec.undo.is_none() || lift_done(plan, state) {
        return Decision::Hold {
            step: Some(spec.id.clone()),
            reason: format!("step {} was left half done by a process that died", spec.id),
            hint: Some(
                "look at what it left behind, finish it or take it back by hand, then `resume`; or `rollback`".to_owned(),
            ),
        };
    }
    roll_back(plan, state)
}

fn failed(plan: &Plan, state: &RunState, spec: &StepSpec, step: &StepState) -> Decision {
    let error = step.error.as_ref();
    let retry = match spec.on_failure {
        OnFailure::Retry { times } => step.failures <= times,
        OnFailure::Rollback | OnFailure::Hold => false,
    };
    let unchanged = error.is_some_and(|error| error.changed == Changed::Nothing);
    if retry && (spec.kind.rerunnable() || (unchanged && !step.maybe_changed)) {
        return run(spec, Some(step));
    }
    let message = error.map_or("it failed", |error| error.message.as_str());
    if spec.on_failure == OnFailure::Hold {
        return Decision::Hold {
            step: Some(spec.id.clone()),
            reason: format!("step {} failed: {message}", spec.id),
            hint: Some("put it right, then `resume` to run the step again; or `rollback`".to_owned()),
        };
    }
    if lift_done(plan, state) {
        return Decision::Hold {
            step: Some(spec.id.clone()),
            reason: format!("step {} failed after the lift: {message}", spec.id),
            hint: Some(
                "the service runs and users may have written, so nothing is rolled back by itself: put it right and \
                 `resume`, or `rollback`, which refuses if data were written since the lift"
                    .to_owned(),
            ),
        };
    }
    roll_back(plan, state)
}

fn roll_back(plan: &Plan, state: &RunState) -> Decision {
    if let Some(spec) = with_status(plan, state, Status::UndoFailed) {
        let error = state.steps.get(&spec.id).and_then(|step| step.error.as_ref());
        if matches!(spec.kind, StepKind::Lift) && error.is_some_and(|error| error.code == DIVERGED) {
            return Decision::Hold {
                step: Some(spec.id.clone()),
                reason: error.map_or_else(String::new, |error| error.message.clone()),
                hint: error.and_then(|error| error.hint.clone()).or_else(|| {
                    Some(
                        "data were written since the lift and a rollback would lose them: a person decides"
                            .to_owned(),
                    )
                }),
            };
        }
        return close(Outcome::RollbackFailed);
    }
    if let Some(spec) = next_undo(plan, state) {
        return Decision::Undo {
            step: spec.id.clone(),
        };
    }
    let remains = in_state(plan, state).find(|(spec, step)| spec.kind.has_effect() && step.touched());
    let undone = in_state(plan, state).any(|(_, step)| step.status == Status::Undone);
    if let (Some((spec, _)), false) = (remains, undone) {
        return Decision::Hold {
            step: Some(spec.id.clone()),
            reason: format!("nothing in this plan takes back what step {} did", spec.id),
            hint: Some("look at the service, and put it right by hand or restore a backup".to_owned()),
        };
    }
    let effect = remains.is_some()
        || in_state(plan, state).any(|(spec, step)| spec.kind.has_effect() && step.status == Status::Undone);
    if effect || state.rollback_requested.is_some() {
        return close(Outcome::RolledBack);
    }
    // A step that was done and then taken back has no error left; one that failed keeps it.
    let verification = in_state(plan, state).any(|(_, step)| {
        matches!(step.status, Status::Failed | Status::Undone)
            && step
                .error
                .as_ref()
                .is_some_and(|error| error.code == VERIFICATION_FAILED)
    });
    if verification {
        return Decision::Close {
            outcome: Outcome::Failed,
            exit_code: EXIT_VERIFICATION_FAILED,
        };
    }
    close(Outcome::Failed)
}

/// In reverse order, those that come last after all others.
fn next_undo<'p>(plan: &'p Plan, state: &RunState) -> Option<&'p StepSpec> {
    let left = |last: bool| {
        plan.steps.iter().rev().find(|spec| {
            matches!(
                (&spec.undo, last),
                (Undo::Reverse { .. }, false) | (Undo::Last { .. }, true)
            ) && state.steps.get(&spec.id).is_some_and(StepState::touched)
        })
    };
    left(false).or_else(|| left(true))
}

fn lift_done(plan: &Plan, state: &RunState) -> bool {
    plan.lift()
        .is_some_and(|lift| state.status(&lift.id) == Status::Done)
}

fn in_state<'a>(plan: &'a Plan, state: &'a RunState) -> impl Iterator<Item = (&'a StepSpec, &'a StepState)> {
    plan.steps
        .iter()
        .filter_map(|spec| state.steps.get(&spec.id).map(|step| (spec, step)))
}

fn with_status<'a>(plan: &'a Plan, state: &'a RunState, status: Status) -> Option<&'a StepSpec> {
    in_state(plan, state)
        .find(|(_, step)| step.status == status)
        .map(|(spec, _)| spec)
}

fn run(spec: &StepSpec, step: Option<&StepState>) -> Decision {
    Decision::Run {
        step: spec.id.clone(),
        attempt: step.map_or(0, |step| step.attempt).saturating_add(1),
    }
}

fn close(outcome: Outcome) -> Decision {
    Decision::Close {
        outcome,
        exit_code: outcome.exit_code(),
    }
}

#[cfg(test)]
mod tests;
