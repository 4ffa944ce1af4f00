//! Why a step failed, in the form that is journaled and shown.

use serde::{Deserialize, Serialize};

/// Code of an error that says: a digest or an invariant differs.
pub const VERIFICATION_FAILED: &str = "verification_failed";
/// Code with which the undo of `lift` refuses: data were written after the lift, and a rollback would lose them.
pub const DIVERGED: &str = "diverged";
/// Code with which a step says that it stopped in the middle because [`crate::runner::Context::interrupted`] said so.
/// Such a step is left started, and probed by `resume`.
pub const INTERRUPTED: &str = "interrupted";
/// Code of a fact that could not be journaled; the runner stops at once.
pub const JOURNAL: &str = "journal";

/// What a failed step knows about its effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Changed {
    /// Nothing was changed. A step may not report this unless it *knows*.
    Nothing,
    /// Something may have been changed (the safe answer): the step's undo, if it has one, will run.
    Maybe,
}

/// The failure of a step or of its undo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct StepError {
    /// Stable snake_case code; [`VERIFICATION_FAILED`], [`DIVERGED`] and [`INTERRUPTED`] steer the run.
    pub code: String,
    /// What failed, on what.
    pub message: String,
    /// What to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// What is known about the effect.
    pub changed: Changed,
}

impl StepError {
    /// A failure after which something may have changed.
    pub fn maybe(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            hint: None,
            changed: Changed::Maybe,
        }
    }

    /// A failure of which the step knows that it changed nothing.
    pub fn nothing(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            hint: None,
            changed: Changed::Nothing,
        }
    }

    /// The same error with what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// A step that stopped in the middle on request; see [`INTERRUPTED`].
    #[must_use]
    pub fn interrupted() -> Self {
        Self::maybe(INTERRUPTED, "interrupted in the middle of the step")
    }
}
