use serde_json::Value;

use super::Context;
use crate::fault::StepError;
use crate::journal::Found;
use crate::plan::{Plan, StepSpec};

/// The behaviour of one step. A fresh value is built for every run, probe and undo, often in another process than the
/// one before: what one of them must know of another goes through facts.
pub trait Step {
    /// Read-only checks before any effect. Changes nothing.
    ///
    /// # Errors
    /// What would keep the step from working, with what to do about it.
    fn preflight(&mut self, cx: &mut Context<'_>) -> Result<(), StepError>;

    /// Does the step's work and returns its facts (an object, or null). May find remains of an earlier attempt if the
    /// kind is [`crate::plan::StepKind::rerunnable`].
    ///
    /// # Errors
    /// [`crate::Changed::Nothing`] only if the step knows that it changed nothing. Stopping because
    /// [`Context::interrupted`] said so is [`StepError::interrupted`].
    fn run(&mut self, cx: &mut Context<'_>) -> Result<Value, StepError>;

    /// Looks at a step that a dead process (or a failure that held the run) left in the middle, of its work or of its
    /// undo. First ends what the dead attempt may still be doing (its database sessions) and waits until that is gone.
    /// A step that leaves no trace to look at says [`Probe::not_started`] and is run again.
    ///
    /// # Errors
    /// Holds the run: nobody knows what happened.
    fn probe(&mut self, cx: &mut Context<'_>) -> Result<Probe, StepError>;

    /// Takes the step back. Idempotent: it may find the step done, half done, half undone, undone, or never begun (a
    /// failed step that may have changed something is undone too), and first ends what a dead attempt may still be
    /// doing. Returns facts.
    ///
    /// # Errors
    /// Ends the run as `rollback_failed`; [`crate::fault::DIVERGED`] from a lift holds it instead.
    fn undo(&mut self, cx: &mut Context<'_>) -> Result<Value, StepError>;
}

/// What a probe found out.
#[derive(Debug, Clone, PartialEq)]
pub struct Probe {
    /// What was found.
    pub found: Found,
    /// For people.
    pub detail: String,
    /// If the step is found done: its facts, as `run` would have returned them.
    pub facts: Value,
}

impl Probe {
    /// The step's effect is there, whole; `facts` as `run` would have returned them.
    pub fn done(detail: impl Into<String>, facts: Value) -> Self {
        Self {
            found: Found::Done,
            detail: detail.into(),
            facts,
        }
    }

    /// Nothing of the step's effect is there.
    pub fn not_started(detail: impl Into<String>) -> Self {
        Self {
            found: Found::NotStarted,
            detail: detail.into(),
            facts: Value::Null,
        }
    }

    /// Some of it is there, or nobody can tell.
    pub fn partial(detail: impl Into<String>) -> Self {
        Self {
            found: Found::Partial,
            detail: detail.into(),
            facts: Value::Null,
        }
    }
}

/// Builds behaviour from specs: one `match` over [`crate::plan::StepKind`].
pub trait Steps {
    /// The behaviour of this step.
    fn build<'a>(&'a self, plan: &'a Plan, spec: &'a StepSpec) -> Box<dyn Step + 'a>;
}

/// Runs the preflight of every step of the plan, in order, and reports all of them. For a dry run `cx` comes from
/// [`Context::dry`]; a `preflight` step passes its own. Facts that a preflight records are journaled under the step of
/// `cx` in a run, and kept in memory in a dry run.
pub fn preflight_all(
    plan: &Plan,
    steps: &dyn Steps,
    cx: &mut Context<'_>,
) -> Vec<(String, Result<(), StepError>)> {
    plan.steps
        .iter()
        .map(|spec| {
            (
                spec.id.clone(),
                steps.build(plan, spec).preflight(&mut cx.looking_at(spec)),
            )
        })
        .collect()
}
