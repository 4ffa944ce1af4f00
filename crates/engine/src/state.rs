//! Where a run stands: a pure fold of its journal.
//!
//! The fold never panics, whatever the order of the records: a sequence that no runner writes is an error that names
//! the record. It knows nothing of the plan; what a state means for a plan is [`mod@crate::decide`]'s matter.

mod fold;

pub use fold::fold;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::fault::StepError;
use crate::journal::{Found, Mode};
use crate::outcome::Outcome;

/// A run as its journal tells it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RunState {
    /// The first record; `None` before it.
    pub opened: Option<Opened>,
    /// What is known of each step that has a record; a step without one is pending.
    pub steps: BTreeMap<String, StepState>,
    /// Forward until the first undo or a request.
    pub direction: Direction,
    /// The last request to roll back, if there was one.
    pub rollback_requested: Option<Request>,
    /// Why the run waits for a person.
    pub held: Option<Hold>,
    /// Whether the run was stopped on request and not resumed since.
    pub interrupted: bool,
    /// How the run was closed, if it was and nothing reopened it.
    pub closed: Option<Ending>,
    /// `seq` of the last record.
    pub last_seq: u64,
}

/// What the first record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The run's id.
    pub run: String,
    /// Digest of the plan that is run.
    pub plan_digest: String,
    /// Run or rehearsal.
    pub mode: Mode,
    /// Tool and version.
    pub tool: String,
    /// Whether it runs without approvals.
    pub unapproved: bool,
    /// Who started it.
    pub by: String,
}

/// Which way the run goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Towards the new release.
    #[default]
    Forward,
    /// Back to where it was; there is no way forward again.
    RollingBack,
}

/// A request to roll back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// Why a run waits for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// The step that it waits at.
    pub step: Option<String>,
    /// Why.
    pub reason: String,
    /// What the person can do.
    pub hint: Option<String>,
}

/// How a run ended or stands still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ending {
    /// How.
    pub outcome: Outcome,
    /// With which exit code.
    pub exit_code: u8,
}

/// Where one step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Not begun, or a probe found nothing of it.
    #[default]
    Pending,
    /// In the middle: running now, or left so by a dead process.
    Started,
    /// Finished or adopted.
    Done,
    /// The last attempt failed.
    Failed,
    /// Its undo is running now, or was left so by a dead process.
    UndoStarted,
    /// Taken back.
    Undone,
    /// Its undo failed.
    UndoFailed,
}

/// What is known of one step.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StepState {
    /// Where it stands.
    pub status: Status,
    /// The last attempt, from 1; 0 before the first.
    pub attempt: u32,
    /// Failed attempts since the start or since a person resumed a hold at this step.
    pub failures: u32,
    /// Whether an earlier attempt may have left something behind that no undo has taken away.
    pub maybe_changed: bool,
    /// What a probe by this process found; forgotten when another process goes on.
    pub probed: Option<Found>,
    /// What that probe found out.
    pub probe_facts: Value,
    /// `Fact` records merged with the facts of `Finished` (later wins): an object, or null if there are none.
    pub facts: Value,
    /// Facts of the undo.
    pub undo_facts: Value,
    /// The last error of the step or its undo.
    pub error: Option<StepError>,
}

/// A journal that no runner writes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("journal record {seq}: {why}; the journal is not one that this tool wrote, do not act on it")]
pub struct StateError {
    /// The record.
    pub seq: u64,
    /// What does not fit.
    pub why: String,
}

impl RunState {
    /// Where a step stands.
    #[must_use]
    pub fn status(&self, step: &str) -> Status {
        self.steps.get(step).map_or(Status::Pending, |state| state.status)
    }

    /// The facts of a step: an object, `None` if it has none.
    #[must_use]
    pub fn facts(&self, step: &str) -> Option<&Value> {
        self.steps
            .get(step)
            .map(|state| &state.facts)
            .filter(|facts| !facts.is_null())
    }

    /// One fact of a step.
    #[must_use]
    pub fn fact(&self, step: &str, name: &str) -> Option<&Value> {
        self.facts(step)?.get(name)
    }

    /// How the run ended or stands still; `None` while it runs, or if its process died.
    #[must_use]
    pub fn ending(&self) -> Option<Ending> {
        let still = |outcome: Outcome| Ending {
            outcome,
            exit_code: outcome.exit_code(),
        };
        self.closed
            .or_else(|| self.held.as_ref().map(|_| still(Outcome::Held)))
            .or_else(|| self.interrupted.then(|| still(Outcome::Interrupted)))
    }

    /// Whether `resume` has something to go on with.
    #[must_use]
    pub fn resumable(&self) -> bool {
        self.opened.is_some()
            && self
                .closed
                .is_none_or(|ending| ending.outcome == Outcome::RollbackFailed)
    }

    /// The step that is in the middle of its work or of its undo.
    #[must_use]
    pub fn active(&self) -> Option<&str> {
        self.steps
            .iter()
            .find(|(_, step)| step.active())
            .map(|(id, _)| id.as_str())
    }
}

impl StepState {
    /// Whether something of this step may be in the world now.
    #[must_use]
    pub fn touched(&self) -> bool {
        self.maybe_changed
            || matches!(
                self.status,
                Status::Done | Status::UndoStarted | Status::UndoFailed
            )
    }

    /// In the middle, and not looked at by this process.
    pub(crate) fn active(&self) -> bool {
        matches!(self.status, Status::Started | Status::UndoStarted) && self.probed.is_none()
    }
}

#[cfg(test)]
mod tests;
