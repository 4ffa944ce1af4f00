//! The plan: what a window is going to do, as plain data that can be read, digested and approved.
//!
//! A plan pins every input by digest, and its own digest covers all of it. What is *not* in a plan: when it was made,
//! how long its steps are expected to take, secrets, and anything that differs between a rehearsal and the run.

mod canonical;
mod file;
mod kind;
mod validate;

pub use canonical::canonical_json;
pub use file::{PlanFile, PlanFileError};
pub use kind::{Checks, Part, StepKind, VerifyMode};
pub use validate::{PlanError, Problem};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The plan format that this version writes and reads.
pub const FORMAT: u32 = 1;

/// Everything that a run will do, in order. See [`Plan::digest`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// [`FORMAT`].
    pub format: u32,
    /// Name of the service, as configured.
    pub service: String,
    /// Name of the environment (`production`, `staging`).
    pub environment: String,
    /// The one database that this plan may touch.
    pub database: Target,
    /// The change of release, if the plan makes one.
    pub release: Option<ReleaseChange>,
    /// Name → SHA-256 (hex) of every pinned input: configuration, migration files, release files.
    pub inputs: BTreeMap<String, String>,
    /// The columns and objects that existed when the plan was made; `digest_before` is taken through it. Opaque here.
    pub start: Value,
    /// What is done, in this order.
    pub steps: Vec<StepSpec>,
}

/// The database that a plan is for, and how it is recognised again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// `sqlite`, `mariadb`, `mysql`.
    pub dialect: String,
    /// Schema name, or the file of an SQLite database.
    pub database: String,
    /// What pins the server (`server_uid`, `hostname`, `port`, `datadir`); anything else is refused.
    pub identity: BTreeMap<String, String>,
}

/// From which release to which.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseChange {
    /// The release that is deployed now, if any.
    pub from: Option<String>,
    /// The release that will be deployed.
    pub to: String,
    /// Digest of the files of `to`.
    pub digest: String,
}

/// One unit of work with its own journal entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepSpec {
    /// Unique in the plan; lower-case letters, digits, `_`, `.` and `-`.
    pub id: String,
    /// When it runs relative to the fence.
    pub phase: Phase,
    /// What it does.
    pub kind: StepKind,
    /// What it does to the service or its data, in one sentence for people.
    pub effect: String,
    /// How it is taken back.
    pub undo: Undo,
    /// What happens when it fails.
    pub on_failure: OnFailure,
}

/// When a step runs relative to the fence. Phases come in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The service is live.
    Prepare,
    /// The fence is on; starts with the fence itself.
    Window,
    /// Starts with the lift.
    After,
}

/// How a step is taken back. Undos run in reverse order of the plan, [`Undo::Last`] ones after all others (in reverse
/// among themselves). An undo is idempotent: a crash in its middle makes it run again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "undo", rename_all = "snake_case", deny_unknown_fields)]
pub enum Undo {
    /// There is nothing to take back, or the undo of another step takes it back (a backfilled column goes with the
    /// column). The plan's author answers for that; steps past a point of no return have [`OnFailure::Hold`].
    None,
    /// In its turn.
    Reverse {
        /// One sentence for people.
        how: String,
    },
    /// After every other undo: the proof that the data are as before, and the fence.
    Last {
        /// One sentence for people.
        how: String,
    },
}

impl Undo {
    /// Whether there is nothing to run.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// The sentence for people, if there is an undo.
    #[must_use]
    pub fn how(&self) -> Option<&str> {
        match self {
            Self::None => None,
            Self::Reverse { how } | Self::Last { how } => Some(how),
        }
    }
}

/// What happens when a step fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "on_failure", rename_all = "snake_case", deny_unknown_fields)]
pub enum OnFailure {
    /// Take everything back (after the lift: hold).
    Rollback,
    /// Wait for a person.
    Hold,
    /// Try again up to `times` more times, then as [`OnFailure::Rollback`]. A step that is not
    /// [`StepKind::rerunnable`] is tried again only if it knows that nothing was changed.
    Retry {
        /// Attempts after the first.
        times: u32,
    },
}

impl Plan {
    /// SHA-256 (hex) over the canonical JSON of the plan: object keys sorted, no white space, UTF-8. Two plans have
    /// the same digest exactly when they do the same thing to the same target with the same inputs.
    #[must_use]
    pub fn digest(&self) -> String {
        crate::sha256::hex(canonical_json(&self.to_value()).as_bytes())
    }

    fn to_value(&self) -> Value {
        // Serializing plain structs with string keys into memory cannot fail.
        serde_json::to_value(self).expect("a plan is plain data with string keys")
    }

    /// The step with this id.
    #[must_use]
    pub fn step(&self, id: &str) -> Option<&StepSpec> {
        self.steps.iter().find(|step| step.id == id)
    }

    /// The position of the step with this id.
    #[must_use]
    pub fn position(&self, id: &str) -> Option<usize> {
        self.steps.iter().position(|step| step.id == id)
    }

    /// The step that puts the fence on.
    #[must_use]
    pub fn fence(&self) -> Option<&StepSpec> {
        self.steps
            .iter()
            .find(|step| matches!(step.kind, StepKind::Fence))
    }

    /// The step that lifts the fence.
    #[must_use]
    pub fn lift(&self) -> Option<&StepSpec> {
        self.steps.iter().find(|step| matches!(step.kind, StepKind::Lift))
    }

    /// Whether the step runs while the fence is on: after `fence` and before `lift`. Derived from the order, so it
    /// cannot contradict it.
    #[must_use]
    pub fn fenced(&self, id: &str) -> bool {
        let at = |wanted: fn(&StepKind) -> bool| self.steps.iter().position(|step| wanted(&step.kind));
        let (Some(step), Some(fence)) = (self.position(id), at(|kind| matches!(kind, StepKind::Fence)))
        else {
            return false;
        };
        step > fence && at(|kind| matches!(kind, StepKind::Lift)).is_none_or(|lift| step < lift)
    }
}

#[cfg(test)]
pub(crate) mod tests;
