use serde_json::Value;

use crate::fault::StepError;
use crate::journal::Found;
use crate::outcome::Outcome;
use crate::plan::StepSpec;

/// Where time comes from.
pub trait Clock: Sync {
    /// Wall clock, for people: may jump.
    fn now(&self) -> jiff::Timestamp;
    /// Milliseconds since some moment, never going back: for durations.
    fn monotonic_ms(&self) -> u64;
}

/// How far a step is. Lossy: shown, never journaled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// How much is done.
    pub done: u64,
    /// Of how much, if known.
    pub total: Option<u64>,
    /// `bytes`, `rows`, …
    pub unit: &'static str,
    /// What is being worked on (a table, a file); may be empty.
    pub note: String,
}

/// A live view of a run. What it shows is lossy; what counts is in the journal, and is there before the view is told.
pub trait Watcher: Sync {
    /// An attempt begins.
    fn on_step_started(&self, _spec: &StepSpec, _attempt: u32) {}
    /// An attempt is done (or, `adopted`, was found done after a crash).
    fn on_step_finished(&self, _spec: &StepSpec, _ms: u64, _facts: &Value, _adopted: bool) {}
    /// An attempt failed.
    fn on_step_failed(&self, _spec: &StepSpec, _ms: u64, _error: &StepError) {}
    /// A step that a dead process left behind was looked at.
    fn on_probed(&self, _spec: &StepSpec, _found: Found, _detail: &str) {}
    /// The undo of a step begins.
    fn on_undo_started(&self, _spec: &StepSpec) {}
    /// A step is taken back.
    fn on_undo_finished(&self, _spec: &StepSpec, _ms: u64, _facts: &Value) {}
    /// An undo failed.
    fn on_undo_failed(&self, _spec: &StepSpec, _ms: u64, _error: &StepError) {}
    /// How far a step is.
    fn on_progress(&self, _spec: &StepSpec, _progress: &Progress) {}
    /// A line for the log.
    fn on_log(&self, _spec: &StepSpec, _line: &str) {}
    /// The run waits for a person.
    fn on_held(&self, _step: Option<&str>, _reason: &str, _hint: Option<&str>) {}
    /// The run stopped on request.
    fn on_interrupted(&self) {}
    /// The run is over.
    fn on_closed(&self, _outcome: Outcome, _exit_code: u8) {}
}

/// A watcher that shows nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Watcher for Silent {}
