use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::request::write;
use super::{Clock, Context, RunError, Step, Steps, Watcher};
use crate::decide::{Decision, decide};
use crate::fault::{self, StepError};
use crate::journal::{Event, Journal, JournalError};
use crate::plan::{Plan, StepSpec};
use crate::state::{RunState, StateError, fold};

/// Does whatever comes next until the run is closed, held or interrupted, and returns where it stands:
/// [`RunState::ending`] says how. Used for run, resume and rollback alike, after [`super::begin`], [`super::resume`]
/// or [`super::request_rollback`]. A run that is closed, held or interrupted already is returned as it is.
///
/// `interrupt` is honoured between steps (a step may look at it too); the run is then resumable.
///
/// # Errors
/// [`RunError`]: nothing more was done, and the state on disk is what counts.
pub fn run(
    plan: &Plan,
    journal: &mut Journal,
    steps: &dyn Steps,
    clock: &dyn Clock,
    watcher: &dyn Watcher,
    interrupt: &AtomicBool,
) -> Result<RunState, RunError> {
    let state = fold(journal.records())?;
    let run = journal.run().to_owned();
    let Some(opened) = &state.opened else {
        return Err(RunError::NotBegun { run });
    };
    let digest = plan.digest();
    if opened.plan_digest != digest {
        return Err(RunError::OtherPlan {
            run,
            journal: opened.plan_digest.clone(),
            plan: digest,
        });
    }
    if let Some(unknown) = state.steps.keys().find(|id| plan.step(id).is_none()) {
        let why = format!("step {unknown} is not in the plan");
        return Err(StateError {
            seq: state.last_seq,
            why,
        }
        .into());
    }
    Loop {
        plan,
        run: &run,
        journal,
        steps,
        clock,
        watcher,
        interrupt,
        state,
    }
    .go()
}

struct Loop<'a> {
    plan: &'a Plan,
    run: &'a str,
    journal: &'a mut Journal,
    steps: &'a dyn Steps,
    clock: &'a dyn Clock,
    watcher: &'a dyn Watcher,
    interrupt: &'a AtomicBool,
    state: RunState,
}

impl<'a> Loop<'a> {
    fn go(mut self) -> Result<RunState, RunError> {
        loop {
            let decision = decide(self.plan, &self.state);
            let acts = matches!(
                decision,
                Decision::Probe { .. } | Decision::Run { .. } | Decision::Undo { .. }
            );
            if acts && self.interrupt.load(Ordering::SeqCst) {
                self.interrupted()?;
                continue;
            }
            match decision {
                Decision::Probe { step } => self.probe(&step)?,
                Decision::Adopt { step, attempt } => self.adopt(&step, attempt)?,
                Decision::Run { step, attempt } => self.attempt(&step, attempt)?,
                Decision::Undo { step } => self.undo(&step)?,
                Decision::Hold { step, reason, hint } => self.hold(step, reason, hint)?,
                Decision::Close { outcome, exit_code } => {
                    self.append(Event::Closed { outcome, exit_code })?;
                    self.watcher.on_closed(outcome, exit_code);
                }
                Decision::Stopped { .. } => return Ok(self.state),
            }
        }
    }

    fn append(&mut self, event: Event) -> Result<(), RunError> {
        write(self.journal, &mut self.state, self.clock, event)
    }

    fn interrupted(&mut self) -> Result<(), RunError> {
        self.append(Event::Interrupted {})?;
        self.watcher.on_interrupted();
        Ok(())
    }

    fn hold(&mut self, step: Option<String>, reason: String, hint: Option<String>) -> Result<(), RunError> {
        self.append(Event::Held {
            step: step.clone(),
            reason: reason.clone(),
            hint: hint.clone(),
        })?;
        self.watcher.on_held(step.as_deref(), &reason, hint.as_deref());
        Ok(())
    }

    fn attempt(&mut self, id: &str, attempt: u32) -> Result<(), RunError> {
        let spec = self.spec(id)?;
        self.append(Event::Started {
            step: id.to_owned(),
            attempt,
        })?;
        self.watcher.on_step_started(spec, attempt);
        let (result, ms) = self.timed(spec, |step, cx| step.run(cx))?;
        match result {
            Ok(facts) => {
                self.append(Event::Finished {
                    step: id.to_owned(),
                    attempt,
                    ms,
                    facts: facts.clone(),
                })?;
                self.watcher.on_step_finished(spec, ms, &facts, false);
            }
            Err(error) if self.stopped_on_request(&error) => self.interrupted()?,
            Err(error) => {
                self.append(Event::Failed {
                    step: id.to_owned(),
                    attempt,
                    ms,
                    error: error.clone(),
                })?;
                self.watcher.on_step_failed(spec, ms, &error);
            }
        }
        Ok(())
    }

    fn undo(&mut self, id: &str) -> Result<(), RunError> {
        let spec = self.spec(id)?;
        self.append(Event::UndoStarted { step: id.to_owned() })?;
        self.watcher.on_undo_started(spec);
        let (result, ms) = self.timed(spec, |step, cx| step.undo(cx))?;
        match result {
            Ok(facts) => {
                self.append(Event::UndoFinished {
                    step: id.to_owned(),
                    ms,
                    facts: facts.clone(),
                })?;
                self.watcher.on_undo_finished(spec, ms, &facts);
            }
            Err(error) if self.stopped_on_request(&error) => self.interrupted()?,
            Err(error) => {
                self.append(Event::UndoFailed {
                    step: id.to_owned(),
                    error: error.clone(),
                })?;
                self.watcher.on_undo_failed(spec, ms, &error);
            }
        }
        Ok(())
    }

    fn probe(&mut self, id: &str) -> Result<(), RunError> {
        let spec = self.spec(id)?;
        let (result, _) = self.timed(spec, |step, cx| step.probe(cx))?;
        match result {
            Ok(probe) => {
                self.append(Event::Probed {
                    step: id.to_owned(),
                    found: probe.found,
                    detail: probe.detail.clone(),
                    facts: probe.facts,
                })?;
                self.watcher.on_probed(spec, probe.found, &probe.detail);
                Ok(())
            }
            Err(error) if self.stopped_on_request(&error) => self.interrupted(),
            Err(error) => self.hold(
                Some(id.to_owned()),
                format!(
                    "what an earlier process did in step {id} could not be found out: {}",
                    error.message
                ),
                error.hint.or_else(|| {
                    Some("put right what keeps the probe from working, then `resume`".to_owned())
                }),
            ),
        }
    }

    fn adopt(&mut self, id: &str, attempt: u32) -> Result<(), RunError> {
        let spec = self.spec(id)?;
        let mut facts = self
            .state
            .steps
            .get(id)
            .map_or(Value::Null, |step| step.probe_facts.clone());
        match &mut facts {
            Value::Object(map) => {
                map.insert("adopted".to_owned(), Value::Bool(true));
            }
            other => *other = json!({ "adopted": true }),
        }
        // The attempt's time died with its process.
        self.append(Event::Finished {
            step: id.to_owned(),
            attempt,
            ms: 0,
            facts: facts.clone(),
        })?;
        self.watcher.on_step_finished(spec, 0, &facts, true);
        Ok(())
    }

    /// Runs one method of the step's behaviour. A journal that could not be written in its middle stops the run, no
    /// matter what the step made of it.
    fn timed<T>(
        &mut self,
        spec: &StepSpec,
        act: impl FnOnce(&mut dyn Step, &mut Context<'_>) -> Result<T, StepError>,
    ) -> Result<(Result<T, StepError>, u64), RunError> {
        let attempt = self.state.steps.get(&spec.id).map_or(1, |step| step.attempt);
        let begun = self.clock.monotonic_ms();
        let result = {
            let mut step = self.steps.build(self.plan, spec);
            let mut cx = Context::live(
                self.plan,
                spec,
                attempt,
                self.run,
                &mut self.state,
                self.journal,
                self.clock,
                self.watcher,
                self.interrupt,
            );
            act(&mut *step, &mut cx)
        };
        if self.journal.poisoned() {
            return Err(JournalError::Poisoned {
                path: self.journal.path().to_path_buf(),
            }
            .into());
        }
        Ok((result, self.clock.monotonic_ms().saturating_sub(begun)))
    }

    fn stopped_on_request(&self, error: &StepError) -> bool {
        error.code == fault::INTERRUPTED && self.interrupt.load(Ordering::SeqCst)
    }

    fn spec(&self, id: &str) -> Result<&'a StepSpec, RunError> {
        self.plan.step(id).ok_or_else(|| {
            StateError {
                seq: self.state.last_seq,
                why: format!("step {id} is not in the plan"),
            }
            .into()
        })
    }
}
