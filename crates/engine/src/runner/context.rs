use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use super::{Clock, Progress, Watcher};
use crate::fault::{JOURNAL, StepError};
use crate::journal::{Event, Journal, Record};
use crate::plan::{Plan, StepSpec};
use crate::state::RunState;

/// What a step is given: what is to be done, what earlier steps found out, and ways to say what happens.
pub struct Context<'a> {
    plan: &'a Plan,
    spec: &'a StepSpec,
    /// The step under whose name facts are journaled; differs from `spec` while a preflight step looks at others.
    owner: &'a str,
    attempt: u32,
    run: &'a str,
    state: &'a mut RunState,
    journal: Option<&'a mut Journal>,
    clock: &'a dyn Clock,
    watcher: &'a dyn Watcher,
    interrupt: &'a AtomicBool,
}

/// Says what happens, from any thread of a step.
#[derive(Clone, Copy)]
pub struct Reporter<'a> {
    spec: &'a StepSpec,
    watcher: &'a dyn Watcher,
    interrupt: &'a AtomicBool,
}

impl Reporter<'_> {
    /// Shows how far the step is. Lossy.
    pub fn progress(&self, progress: Progress) {
        self.watcher.on_progress(self.spec, &progress);
    }

    /// Shows a line. Lossy. Never a secret.
    pub fn log(&self, line: impl AsRef<str>) {
        self.watcher.on_log(self.spec, line.as_ref());
    }

    /// Whether the run is to stop. A long step may stop in the middle with [`StepError::interrupted`]; one that does
    /// not is finished first.
    #[must_use]
    pub fn interrupted(&self) -> bool {
        self.interrupt.load(Ordering::SeqCst)
    }
}

impl<'a> Context<'a> {
    /// A context without a run: for a dry run. Facts that are recorded stay in `state`, nothing is written.
    pub fn dry(
        plan: &'a Plan,
        spec: &'a StepSpec,
        state: &'a mut RunState,
        clock: &'a dyn Clock,
        watcher: &'a dyn Watcher,
        interrupt: &'a AtomicBool,
    ) -> Self {
        Self {
            plan,
            spec,
            owner: &spec.id,
            attempt: 1,
            run: "dry-run",
            state,
            journal: None,
            clock,
            watcher,
            interrupt,
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the one place that puts a context together"
    )]
    pub(super) fn live(
        plan: &'a Plan,
        spec: &'a StepSpec,
        attempt: u32,
        run: &'a str,
        state: &'a mut RunState,
        journal: &'a mut Journal,
        clock: &'a dyn Clock,
        watcher: &'a dyn Watcher,
        interrupt: &'a AtomicBool,
    ) -> Self {
        Self {
            plan,
            spec,
            owner: &spec.id,
            attempt,
            run,
            state,
            journal: Some(journal),
            clock,
            watcher,
            interrupt,
        }
    }

    /// The same context on another step, for its preflight.
    pub(super) fn looking_at<'b>(&'b mut self, spec: &'b StepSpec) -> Context<'b> {
        Context {
            plan: self.plan,
            spec,
            owner: self.owner,
            attempt: self.attempt,
            run: self.run,
            state: &mut *self.state,
            journal: self.journal.as_deref_mut(),
            clock: self.clock,
            watcher: self.watcher,
            interrupt: self.interrupt,
        }
    }

    /// The step's spec.
    #[must_use]
    pub fn spec(&self) -> &'a StepSpec {
        self.spec
    }

    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &'a Plan {
        self.plan
    }

    /// The run's id: goes into names of scratch schemas and into connection attributes.
    #[must_use]
    pub fn run(&self) -> &'a str {
        self.run
    }

    /// Which attempt this is, from 1. In a probe or an undo: the last one that was made.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The facts of a step, this one's earlier facts included: an object, `None` if it has none.
    #[must_use]
    pub fn facts(&self, step: &str) -> Option<&Value> {
        self.state.facts(step)
    }

    /// One fact of a step.
    #[must_use]
    pub fn fact(&self, step: &str, name: &str) -> Option<&Value> {
        self.state.fact(step, name)
    }

    /// One fact of this step, recorded earlier in this or another attempt.
    #[must_use]
    pub fn own_fact(&self, name: &str) -> Option<&Value> {
        self.state.fact(self.owner, name)
    }

    /// Everything the journal says so far.
    #[must_use]
    pub fn state(&self) -> &RunState {
        self.state
    }

    /// Journals a fact: on disk when this returns. Call it *before* the change that needs it to be undone.
    ///
    /// # Errors
    /// The journal could not be written: return the error at once, the runner stops.
    pub fn record(&mut self, name: &str, value: Value) -> Result<(), StepError> {
        let Some(journal) = self.journal.as_deref_mut() else {
            self.state.keep_fact(self.owner, name, value);
            return Ok(());
        };
        let event = Event::Fact {
            step: self.owner.to_owned(),
            name: name.to_owned(),
            value,
        };
        let at = self.clock.now();
        let stopped = |message: String| StepError::maybe(JOURNAL, message);
        let record: &Record = journal
            .append(at, event)
            .map_err(|error| stopped(error.to_string()))?;
        self.state
            .apply(record)
            .map_err(|error| stopped(error.to_string()))
    }

    /// Shows how far the step is. Lossy.
    pub fn progress(&self, progress: Progress) {
        self.reporter().progress(progress);
    }

    /// Shows a line. Lossy. Never a secret.
    pub fn log(&self, line: impl AsRef<str>) {
        self.reporter().log(line);
    }

    /// Whether the run is to stop; see [`Reporter::interrupted`].
    #[must_use]
    pub fn interrupted(&self) -> bool {
        self.reporter().interrupted()
    }

    /// For the threads of a step.
    #[must_use]
    pub fn reporter(&self) -> Reporter<'a> {
        Reporter {
            spec: self.spec,
            watcher: self.watcher,
            interrupt: self.interrupt,
        }
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &'a dyn Clock {
        self.clock
    }
}
