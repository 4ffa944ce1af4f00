use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::fault::StepError;
use crate::outcome::Outcome;

/// What a record says. The order in which events may follow one another is checked by [`crate::state`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// First record, and only the first.
    Opened {
        /// [`crate::plan::Plan::digest`] of the plan that is run.
        plan_digest: String,
        /// Run or rehearsal.
        mode: Mode,
        /// Tool and version.
        tool: String,
        /// Whether it runs without approvals.
        unapproved: bool,
        /// Who started it.
        by: String,
    },
    /// An attempt begins. On disk before the step does anything.
    Started {
        /// Step id.
        step: String,
        /// From 1.
        attempt: u32,
    },
    /// Written by a step in the middle of its work: what must be known even if it dies now (exact grants before they
    /// are revoked, ids of database connections).
    Fact {
        /// Step id.
        step: String,
        /// Name of the fact; a later one of the same name wins.
        name: String,
        /// The fact.
        value: Value,
    },
    /// The attempt is done.
    Finished {
        /// Step id.
        step: String,
        /// Which attempt.
        attempt: u32,
        /// How long it took.
        ms: u64,
        /// What it found out; merged over the step's earlier facts.
        facts: Value,
    },
    /// The attempt failed.
    Failed {
        /// Step id.
        step: String,
        /// Which attempt.
        attempt: u32,
        /// How long it took.
        ms: u64,
        /// Why.
        error: StepError,
    },
    /// A step that a dead process left in the middle was looked at.
    Probed {
        /// Step id.
        step: String,
        /// What was found.
        found: Found,
        /// For people.
        detail: String,
        /// What the probe found out; the facts of the step if it is adopted.
        #[serde(default, skip_serializing_if = "Value::is_null")]
        facts: Value,
    },
    /// The undo of a step begins. From the first of these on the run only rolls back.
    UndoStarted {
        /// Step id.
        step: String,
    },
    /// The step is taken back.
    UndoFinished {
        /// Step id.
        step: String,
        /// How long it took.
        ms: u64,
        /// What the undo found out.
        facts: Value,
    },
    /// The undo failed; nothing more is undone.
    UndoFailed {
        /// Step id.
        step: String,
        /// Why.
        error: StepError,
    },
    /// A person asked for everything to be taken back.
    RollbackRequested {
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// Waiting for a person.
    Held {
        /// The step that it waits at.
        step: Option<String>,
        /// Why.
        reason: String,
        /// What the person can do.
        hint: Option<String>,
    },
    /// Another process goes on.
    Resumed {
        /// Who.
        by: String,
    },
    /// Stopped on request.
    Interrupted {},
    /// An anomaly or remark by a person.
    Note {
        /// Who.
        by: String,
        /// What.
        text: String,
        /// A file that belongs to it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        attachment: Option<Attachment>,
    },
    /// The run is over.
    Closed {
        /// How.
        outcome: Outcome,
        /// With which exit code.
        exit_code: u8,
    },
}

/// On what a plan is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// On the service itself.
    Run,
    /// On a restored copy.
    Rehearsal,
}

/// What a probe found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// The step's effect is there, whole.
    Done,
    /// Nothing of it is there.
    NotStarted,
    /// Some of it is, or nobody can tell.
    Partial,
}

/// A file that belongs to a note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Its name in the run's folder.
    pub name: String,
    /// Its SHA-256 (hex).
    pub sha256: String,
}

impl Event {
    /// The step that the event is about.
    #[must_use]
    pub fn step(&self) -> Option<&str> {
        match self {
            Self::Started { step, .. }
            | Self::Fact { step, .. }
            | Self::Finished { step, .. }
            | Self::Failed { step, .. }
            | Self::Probed { step, .. }
            | Self::UndoStarted { step }
            | Self::UndoFinished { step, .. }
            | Self::UndoFailed { step, .. } => Some(step),
            Self::Held { step, .. } => step.as_deref(),
            _ => None,
        }
    }

    /// The word for this event in the journal.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Opened { .. } => "opened",
            Self::Started { .. } => "started",
            Self::Fact { .. } => "fact",
            Self::Finished { .. } => "finished",
            Self::Failed { .. } => "failed",
            Self::Probed { .. } => "probed",
            Self::UndoStarted { .. } => "undo_started",
            Self::UndoFinished { .. } => "undo_finished",
            Self::UndoFailed { .. } => "undo_failed",
            Self::RollbackRequested { .. } => "rollback_requested",
            Self::Held { .. } => "held",
            Self::Resumed { .. } => "resumed",
            Self::Interrupted {} => "interrupted",
            Self::Note { .. } => "note",
            Self::Closed { .. } => "closed",
        }
    }
}
