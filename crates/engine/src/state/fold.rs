use serde_json::{Map, Value};

use super::{Direction, Ending, Hold, Opened, Request, RunState, StateError, Status, StepState};
use crate::fault::{Changed, DIVERGED};
use crate::journal::{Event, Found, Record};
use crate::outcome::Outcome;

/// The state that a journal tells.
///
/// # Errors
/// [`StateError`] names the first record that does not fit.
pub fn fold<'r>(records: impl IntoIterator<Item = &'r Record>) -> Result<RunState, StateError> {
    let mut state = RunState::default();
    for record in records {
        state.apply(record)?;
    }
    Ok(state)
}

impl RunState {
    /// Applies one more record.
    ///
    /// # Errors
    /// [`StateError`] if it may not follow; the state is then not to be used any more.
    pub fn apply(&mut self, record: &Record) -> Result<(), StateError> {
        if record.seq != self.last_seq + 1 {
            let why = format!("it follows record {}", self.last_seq);
            return Err(StateError { seq: record.seq, why });
        }
        self.advance(&record.run, &record.event)
    }

    /// As [`RunState::apply`], for an event that is about to become the next record.
    pub(crate) fn advance(&mut self, run: &str, event: &Event) -> Result<(), StateError> {
        let seq = self.last_seq + 1;
        let wrong = |why: String| StateError { seq, why };
        self.last_seq = seq;
        match (&self.opened, event) {
            (
                None,
                Event::Opened {
                    plan_digest,
                    mode,
                    tool,
                    unapproved,
                    by,
                },
            ) => {
                self.opened = Some(Opened {
                    run: run.to_owned(),
                    plan_digest: plan_digest.clone(),
                    mode: *mode,
                    tool: tool.clone(),
                    unapproved: *unapproved,
                    by: by.clone(),
                });
                Ok(())
            }
            (None, other) => Err(wrong(format!("{} before opened", other.name()))),
            (Some(_), Event::Opened { .. }) => Err(wrong("opened twice".to_owned())),
            (Some(opened), _) if opened.run != run => {
                Err(wrong(format!("it belongs to run {run}, not {}", opened.run)))
            }
            (Some(_), event) => self.apply_event(event).map_err(wrong),
        }
    }

    /// Keeps a fact in memory only: for a dry run, which has no journal.
    pub(crate) fn keep_fact(&mut self, step: &str, name: &str, value: Value) {
        let step = self.steps.entry(step.to_owned()).or_default();
        merge(
            &mut step.facts,
            &Value::Object(Map::from_iter([(name.to_owned(), value)])),
        );
    }

    fn apply_event(&mut self, event: &Event) -> Result<(), String> {
        match event {
            Event::Opened { .. } => Err("opened twice".to_owned()),
            Event::Note { .. } => Ok(()),
            Event::RollbackRequested { by, reason } => {
                self.rollback_requested = Some(Request {
                    by: by.clone(),
                    reason: reason.clone(),
                });
                self.direction = Direction::RollingBack;
                self.go_on();
                Ok(())
            }
            Event::Resumed { .. } => {
                if !self.resumable() {
                    return Err("resumed after the run was closed".to_owned());
                }
                self.withdraw_refused_rollback();
                self.go_on();
                Ok(())
            }
            _ => {
                if let Some(ending) = self.ending() {
                    return Err(format!("{} while the run is {}", event.name(), ending.outcome));
                }
                self.apply_running(event)
            }
        }
    }

    /// A rollback that the lift refused, because data were written since, has changed nothing: the lift stands again.
    /// Going on after that hold means going on forward.
    fn withdraw_refused_rollback(&mut self) {
        let untouched = self.steps.values().all(|step| step.status != Status::Undone);
        let refused = self.steps.values_mut().find(|step| {
            step.status == Status::UndoFailed
                && step.error.as_ref().is_some_and(|error| error.code == DIVERGED)
        });
        if let (Some(lift), true, true) = (refused, untouched, self.held.is_some()) {
            lift.status = Status::Done;
            lift.error = None;
            self.direction = Direction::Forward;
            self.rollback_requested = None;
        }
    }

    /// Another process takes over: whatever an earlier one saw has to be looked at again.
    fn go_on(&mut self) {
        let held_at = self.held.take().and_then(|hold| hold.step);
        self.interrupted = false;
        self.closed = None;
        for (id, step) in &mut self.steps {
            step.probed = None;
            step.probe_facts = Value::Null;
            match step.status {
                // A person looked at it and wants to go on: look at the world, then run it again.
                Status::Failed
                    if self.direction == Direction::Forward && held_at.as_deref() == Some(id.as_str()) =>
                {
                    step.status = Status::Started;
                    step.failures = 0;
                }
                Status::UndoFailed => step.status = Status::UndoStarted,
                _ => {}
            }
        }
    }

    /// Events that only a running process writes.
    fn apply_running(&mut self, event: &Event) -> Result<(), String> {
        match event {
            Event::Started { step, attempt } => self.started(step, *attempt),
            Event::Fact { step, name, value } => {
                let step = self.in_the_middle(step, event)?;
                merge(
                    &mut step.facts,
                    &Value::Object(Map::from_iter([(name.clone(), value.clone())])),
                );
                Ok(())
            }
            Event::Finished {
                step, attempt, facts, ..
            } => {
                let step = self.running(step, *attempt, event)?;
                step.status = Status::Done;
                step.probed = None;
                step.error = None;
                merge(&mut step.facts, facts);
                Ok(())
            }
            Event::Failed {
                step, attempt, error, ..
            } => {
                let step = self.running(step, *attempt, event)?;
                step.status = Status::Failed;
                step.failures += 1;
                step.maybe_changed |= error.changed == Changed::Maybe;
                step.error = Some(error.clone());
                Ok(())
            }
            Event::Probed {
                step, found, facts, ..
            } => {
                let step = self.in_the_middle(step, event)?;
                step.probed = Some(*found);
                step.probe_facts = facts.clone();
                if step.status == Status::Started {
                    step.maybe_changed = *found != Found::NotStarted;
                    if *found == Found::NotStarted {
                        step.status = Status::Pending;
                        step.probed = None;
                    }
                }
                Ok(())
            }
            Event::UndoStarted { step } => self.undo_started(step),
            Event::UndoFinished { step, facts, .. } => {
                let step = self.undoing(step, event)?;
                step.status = Status::Undone;
                step.maybe_changed = false;
                merge(&mut step.undo_facts, facts);
                Ok(())
            }
            Event::UndoFailed { step, error } => {
                let step = self.undoing(step, event)?;
                step.status = Status::UndoFailed;
                step.error = Some(error.clone());
                Ok(())
            }
            Event::Held { step, reason, hint } => {
                self.held = Some(Hold {
                    step: step.clone(),
                    reason: reason.clone(),
                    hint: hint.clone(),
                });
                Ok(())
            }
            Event::Interrupted {} => {
                self.interrupted = true;
                Ok(())
            }
            Event::Closed { outcome, exit_code } => {
                if matches!(outcome, Outcome::Held | Outcome::Interrupted) {
                    return Err(format!("closed as {outcome}"));
                }
                if let Some(active) = self.active() {
                    return Err(format!("closed while step {active} is in the middle"));
                }
                self.closed = Some(Ending {
                    outcome: *outcome,
                    exit_code: *exit_code,
                });
                Ok(())
            }
            Event::Opened { .. }
            | Event::Note { .. }
            | Event::RollbackRequested { .. }
            | Event::Resumed { .. } => Err(format!("{} out of place", event.name())),
        }
    }

    fn started(&mut self, id: &str, attempt: u32) -> Result<(), String> {
        if self.direction == Direction::RollingBack {
            return Err(format!("step {id} started while rolling back"));
        }
        self.nothing_active("started", id)?;
        let step = self.steps.entry(id.to_owned()).or_default();
        if !matches!(step.status, Status::Pending | Status::Failed | Status::Started) {
            return Err(format!("step {id} started while it is {:?}", step.status));
        }
        if Some(attempt) != step.attempt.checked_add(1) {
            return Err(format!(
                "attempt {attempt} of step {id} after attempt {}",
                step.attempt
            ));
        }
        step.status = Status::Started;
        step.attempt = attempt;
        step.probed = None;
        step.probe_facts = Value::Null;
        Ok(())
    }

    fn undo_started(&mut self, id: &str) -> Result<(), String> {
        self.nothing_active("undo_started", id)?;
        let Some(step) = self.steps.get_mut(id) else {
            return Err(format!("undo of step {id}, which never began"));
        };
        if !matches!(
            step.status,
            Status::Done | Status::Failed | Status::Started | Status::UndoStarted
        ) {
            return Err(format!("undo of step {id} while it is {:?}", step.status));
        }
        step.status = Status::UndoStarted;
        step.probed = None;
        step.probe_facts = Value::Null;
        self.direction = Direction::RollingBack;
        Ok(())
    }

    fn nothing_active(&self, what: &str, id: &str) -> Result<(), String> {
        match self.active() {
            Some(active) => Err(format!(
                "{what} of step {id} while step {active} is in the middle"
            )),
            None => Ok(()),
        }
    }

    fn in_the_middle(&mut self, id: &str, event: &Event) -> Result<&mut StepState, String> {
        let step = self
            .steps
            .get_mut(id)
            .ok_or_else(|| format!("{} of step {id}, which never began", event.name()))?;
        match step.status {
            Status::Started | Status::UndoStarted => Ok(step),
            status => Err(format!("{} of step {id} while it is {status:?}", event.name())),
        }
    }

    fn running(&mut self, id: &str, attempt: u32, event: &Event) -> Result<&mut StepState, String> {
        let step = self.in_the_middle(id, event)?;
        if step.status != Status::Started || step.attempt != attempt {
            return Err(format!(
                "{} of attempt {attempt} of step {id}, which is {:?} in attempt {}",
                event.name(),
                step.status,
                step.attempt
            ));
        }
        Ok(step)
    }

    fn undoing(&mut self, id: &str, event: &Event) -> Result<&mut StepState, String> {
        let step = self.in_the_middle(id, event)?;
        if step.status != Status::UndoStarted {
            return Err(format!(
                "{} of step {id} while it is {:?}",
                event.name(),
                step.status
            ));
        }
        Ok(step)
    }
}

/// Merges `more` over `facts`, key by key. What is not an object is kept under `value`.
fn merge(facts: &mut Value, more: &Value) {
    let more = match more {
        Value::Null => return,
        Value::Object(map) => map.clone(),
        other => Map::from_iter([("value".to_owned(), other.clone())]),
    };
    match facts {
        Value::Object(map) => map.extend(more),
        _ => *facts = Value::Object(more),
    }
}
