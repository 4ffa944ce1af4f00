use super::{Clock, RunError};
use crate::journal::{Attachment, Event, Journal, Mode};
use crate::plan::Plan;
use crate::state::{RunState, fold};

/// What the first record says beside the plan's digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// Run or rehearsal.
    pub mode: Mode,
    /// Tool and version.
    pub tool: String,
    /// Whether it runs without approvals.
    pub unapproved: bool,
    /// Who starts it.
    pub by: String,
}

/// Opens a new run: its first record.
///
/// # Errors
/// The journal could not be written, or has records already.
pub fn begin(
    journal: &mut Journal,
    plan: &Plan,
    clock: &dyn Clock,
    opening: Opening,
) -> Result<(), RunError> {
    let Opening {
        mode,
        tool,
        unapproved,
        by,
    } = opening;
    append(
        journal,
        clock,
        Event::Opened {
            plan_digest: plan.digest(),
            mode,
            tool,
            unapproved,
            by,
        },
    )
}

/// Goes on with a run that was interrupted, held, left by a dead process, or whose rollback failed.
///
/// # Errors
/// [`RunError::Closed`] if the run is over.
pub fn resume(journal: &mut Journal, clock: &dyn Clock, by: &str) -> Result<(), RunError> {
    let state = fold(journal.records())?;
    match state.closed {
        Some(ending) if !state.resumable() => Err(RunError::Closed {
            run: journal.run().to_owned(),
            outcome: ending.outcome,
        }),
        _ => append(journal, clock, Event::Resumed { by: by.to_owned() }),
    }
}

/// Turns a run back, whatever it is: held, interrupted, dead or finished. A finished one is rolled back with its lift.
///
/// # Errors
/// The journal could not be written, or has no record.
pub fn request_rollback(
    journal: &mut Journal,
    clock: &dyn Clock,
    by: &str,
    reason: &str,
) -> Result<(), RunError> {
    append(
        journal,
        clock,
        Event::RollbackRequested {
            by: by.to_owned(),
            reason: reason.to_owned(),
        },
    )
}

/// Adds a person's remark. Allowed at any time, also after the run is closed.
///
/// # Errors
/// The journal could not be written, or has no record.
pub fn note(
    journal: &mut Journal,
    clock: &dyn Clock,
    by: &str,
    text: &str,
    attachment: Option<Attachment>,
) -> Result<(), RunError> {
    append(
        journal,
        clock,
        Event::Note {
            by: by.to_owned(),
            text: text.to_owned(),
            attachment,
        },
    )
}

fn append(journal: &mut Journal, clock: &dyn Clock, event: Event) -> Result<(), RunError> {
    let mut state = fold(journal.records())?;
    write(journal, &mut state, clock, event)
}

/// Appends an event that fits what is there; one that does not is never written.
pub(super) fn write(
    journal: &mut Journal,
    state: &mut RunState,
    clock: &dyn Clock,
    event: Event,
) -> Result<(), RunError> {
    let mut next = state.clone();
    next.advance(journal.run(), &event)?;
    journal.append(clock.now(), event)?;
    *state = next;
    Ok(())
}
