//! How a run ended, and the exit code that says so.

use serde::{Deserialize, Serialize};

/// How a run ended (or stands). `held` and `interrupted` runs can be resumed, and so can `rollback_failed` ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Every step done.
    Done,
    /// A step failed before the service or its data were changed.
    Failed,
    /// Every effect was taken back, and the undos verified it.
    RolledBack,
    /// Waiting for a person.
    Held,
    /// An undo failed: the service is NOT restored, and the fence stays as it is.
    RollbackFailed,
    /// Stopped between two steps on request.
    Interrupted,
}

/// Exit code of a run that failed before any effect because a digest or an invariant differed.
pub const EXIT_VERIFICATION_FAILED: u8 = 12;

impl Outcome {
    /// The exit code of this outcome; a [`Outcome::Failed`] run may have [`EXIT_VERIFICATION_FAILED`] instead.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::RolledBack => 3,
            Self::Held => 4,
            Self::RollbackFailed => 5,
            Self::Interrupted => 130,
        }
    }

    /// The word used in journal, JSON and reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::RolledBack => "rolled_back",
            Self::Held => "held",
            Self::RollbackFailed => "rollback_failed",
            Self::Interrupted => "interrupted",
        }
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
