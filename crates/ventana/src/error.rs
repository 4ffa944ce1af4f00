//! The one failure that commands end with: what failed, a stable code, what to do next, and the exit code.

use engine::StepError;

/// Exit codes of `ventana` (see docs/OPERATIONS.md).
pub mod exit {
    pub const FAILED: u8 = 1;
    pub const USAGE: u8 = 2;
    pub const ROLLED_BACK: u8 = 3;
    pub const HELD: u8 = 4;
    pub const ROLLBACK_FAILED: u8 = 5;
    pub const LEASE: u8 = 10;
    pub const VERIFICATION: u8 = 12;
    /// By SIGINT or SIGTERM.
    pub const INTERRUPTED: u8 = 130;
}

/// A command that failed.
#[derive(Debug)]
pub struct Failure {
    pub code: String,
    pub message: String,
    pub hint: Option<String>,
    pub exit: u8,
}

impl Failure {
    pub fn new(code: &str, message: impl Into<String>, exit: u8) -> Failure {
        Failure {
            code: code.into(),
            message: message.into(),
            hint: None,
            exit,
        }
    }

    /// Something failed; nothing was changed.
    pub fn failed(code: &str, message: impl Into<String>) -> Failure {
        Failure::new(code, message, exit::FAILED)
    }

    /// The call or the configuration is wrong.
    pub fn usage(message: impl Into<String>) -> Failure {
        Failure::new("usage", message, exit::USAGE)
    }

    pub fn verification(message: impl Into<String>) -> Failure {
        Failure::new("verification_failed", message, exit::VERIFICATION)
    }

    /// As it stands in a document.
    pub fn document(&self) -> serde_json::Value {
        serde_json::json!({ "code": self.code, "message": self.message, "hint": self.hint })
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.hint = Some(hint.into());
        self
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<db::Error> for Failure {
    fn from(error: db::Error) -> Failure {
        let exit = match &error {
            db::Error::Unsupported(_) | db::Error::Untested(_) | db::Error::Address(_) => exit::USAGE,
            db::Error::Differs(_) => exit::VERIFICATION,
            db::Error::Interrupted => exit::INTERRUPTED,
            _ => exit::FAILED,
        };
        let mut failure = Failure::new(error.code(), error.to_string(), exit);
        failure.hint = error.hint().map(str::to_string);
        failure
    }
}

impl From<backup::Error> for Failure {
    fn from(error: backup::Error) -> Failure {
        use backup::Error as E;
        match &error {
            E::Damaged { .. } | E::Disproved { .. } | E::Spoiled { .. } => {
                Failure::verification(error.to_string())
            }
            E::Busy { .. } | E::InUse { .. } => Failure::new("lease_held", error.to_string(), exit::LEASE),
            E::NotFound { .. } | E::NoBackup { .. } | E::Recipient { .. } | E::Identity { .. } => {
                Failure::usage(error.to_string())
            }
            E::NoRoom { .. } => Failure::failed("no_space", error.to_string()),
            E::Locked { .. } => Failure::new("no_key", error.to_string(), exit::USAGE),
            _ => Failure::failed("backup", error.to_string()),
        }
    }
}

impl From<backup::VerifyError> for Failure {
    fn from(error: backup::VerifyError) -> Failure {
        match error {
            // Not there, incomplete or of a newer format: that is no verdict on its content.
            backup::VerifyError::Open(error) => error.into(),
            error => Failure::verification(error.to_string()),
        }
    }
}

impl From<engine::runner::RunError> for Failure {
    fn from(error: engine::runner::RunError) -> Failure {
        Failure::failed("run", error.to_string())
    }
}

impl From<engine::journal::JournalError> for Failure {
    fn from(error: engine::journal::JournalError) -> Failure {
        Failure::failed("journal", error.to_string())
    }
}

impl From<engine::plan::PlanFileError> for Failure {
    fn from(error: engine::plan::PlanFileError) -> Failure {
        match &error {
            engine::plan::PlanFileError::Digest { .. } => Failure::verification(error.to_string()),
            _ => Failure::usage(error.to_string()),
        }
    }
}

/// Inside a run a failure is a step's: something may have changed, unless the step says otherwise.
impl From<Failure> for StepError {
    fn from(failure: Failure) -> StepError {
        let mut error = StepError::maybe(failure.code, failure.message);
        error.hint = failure.hint;
        error
    }
}

/// Joins what was being done to an error of the file system.
pub fn io(what: impl std::fmt::Display) -> impl FnOnce(std::io::Error) -> Failure {
    move |error| Failure::failed("io", format!("{what}: {error}"))
}
