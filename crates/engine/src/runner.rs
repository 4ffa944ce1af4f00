//! The only loop with effects: decide, journal, act, journal, until there is nothing left to do.
//!
//! A run is begun by [`begin`], gone on with by [`resume`] or turned back by [`request_rollback`]; each appends one
//! record, and [`run`] then does whatever the journal and the plan say comes next.

mod context;
mod drive;
mod request;
mod step;
mod watch;

pub use context::{Context, Reporter};
pub use drive::run;
pub use request::{Opening, begin, note, request_rollback, resume};
pub use step::{Probe, Step, Steps, preflight_all};
pub use watch::{Clock, Progress, Silent, Watcher};

use crate::journal::JournalError;
use crate::state::StateError;

/// Why the runner stopped without an outcome. Nothing is known to this process beyond what the journal says.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The journal could not be read or written.
    #[error("{0}; nothing more was done, the state on disk is what counts: run `resume`")]
    Journal(#[from] JournalError),
    /// The journal tells a story that no runner writes, or the next record would.
    #[error(transparent)]
    State(#[from] StateError),
    /// The journal belongs to another plan.
    #[error(
        "the journal of run {run} was opened for plan {journal}, but the plan given is {plan}; use the plan.json that \
         lies beside the journal"
    )]
    OtherPlan {
        /// The run.
        run: String,
        /// Plan digest in the journal.
        journal: String,
        /// Digest of the plan given.
        plan: String,
    },
    /// The journal has no record yet.
    #[error("the journal of run {run} has no record; begin the run first")]
    NotBegun {
        /// The run.
        run: String,
    },
    /// The run is over.
    #[error("run {run} is closed as {outcome} and cannot be resumed; `rollback` takes a finished run back")]
    Closed {
        /// The run.
        run: String,
        /// How it ended.
        outcome: crate::Outcome,
    },
}
