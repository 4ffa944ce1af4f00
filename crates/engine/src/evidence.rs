//! The account of a run: a pure function of its plan and its journal.

mod blocked;

pub use blocked::Blocked;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::fault::StepError;
use crate::journal::{Attachment, Event, GENESIS, Mode, Record};
use crate::outcome::Outcome;
use crate::plan::{Phase, Plan, StepKind};
use crate::state::{RunState, StateError, Status, fold};

/// Everything a reader of the report may check. `evidence.json` is this.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The run's id.
    pub run: String,
    /// The service.
    pub service: String,
    /// The environment.
    pub environment: String,
    /// Digest of the plan that was run.
    pub plan_digest: String,
    /// Run or rehearsal.
    pub mode: Mode,
    /// Whether it ran without approvals.
    pub unapproved: bool,
    /// How it ended; none while it runs, or if its process died.
    pub outcome: Option<Outcome>,
    /// The exit code that says so.
    pub exit_code: Option<u8>,
    /// First record.
    pub started_at: Timestamp,
    /// The record that ended it (closed, held, interrupted).
    pub ended_at: Option<Timestamp>,
    /// Every step of the plan, in its order.
    pub steps: Vec<StepEvidence>,
    /// Content digest at the fence.
    pub digest_before: Option<String>,
    /// Full content digest at the end: at the lift, or after the rollback.
    pub digest_after: Option<String>,
    /// How long writes were refused.
    pub blocked_ms: Blocked,
    /// What people remarked.
    pub notes: Vec<NoteEvidence>,
    /// Which journal this is an account of.
    pub journal: JournalEvidence,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepEvidence {
    /// Step id.
    pub id: String,
    /// Its phase.
    pub phase: Phase,
    /// Its kind, in one word.
    pub kind: String,
    /// What it does, in one sentence.
    pub effect: String,
    /// Where it stands.
    pub status: Status,
    /// How many attempts were made.
    pub attempts: u32,
    /// Start of the first attempt.
    pub started_at: Option<Timestamp>,
    /// Time of all attempts that ended.
    pub ms: u64,
    /// Time of its undos that ended.
    pub undo_ms: Option<u64>,
    /// What it found out, and under `undo` what its undo found out.
    pub facts: Value,
    /// Its last error, if it stands failed or failed before it was taken back.
    pub error: Option<StepError>,
}

/// A remark.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NoteEvidence {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// What.
    pub text: String,
    /// A file that belongs to it.
    pub attachment: Option<Attachment>,
}

/// Names the journal whole: anybody can compare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalEvidence {
    /// Number of records.
    pub records: u64,
    /// SHA-256 (hex) of the last line.
    pub head: String,
}

/// The account of a run. `head` is [`crate::journal::Journal::head`] or that of a reading.
///
/// # Errors
/// The journal is empty or tells a story that no runner writes.
pub fn evidence(plan: &Plan, records: &[Record], head: &str) -> Result<Evidence, StateError> {
    let state = fold(records)?;
    let (Some(opened), Some(first)) = (&state.opened, records.first()) else {
        return Err(StateError {
            seq: 0,
            why: "there is no record".to_owned(),
        });
    };
    let ending = state.ending();
    let ended_at = ending.and_then(|_| {
        let ends = |event: &Event| {
            matches!(
                event,
                Event::Closed { .. } | Event::Held { .. } | Event::Interrupted {}
            )
        };
        records
            .iter()
            .rev()
            .find(|record| ends(&record.event))
            .map(|record| record.at)
    });
    Ok(Evidence {
        run: opened.run.clone(),
        service: plan.service.clone(),
        environment: plan.environment.clone(),
        plan_digest: opened.plan_digest.clone(),
        mode: opened.mode,
        unapproved: opened.unapproved,
        outcome: ending.map(|ending| ending.outcome),
        exit_code: ending.map(|ending| ending.exit_code),
        started_at: first.at,
        ended_at,
        steps: steps(plan, &state, records),
        digest_before: digest_before(plan, &state),
        digest_after: digest_after(plan, records),
        blocked_ms: blocked::blocked(plan, records),
        notes: notes(records),
        journal: JournalEvidence {
            records: records.len() as u64,
            head: if records.is_empty() {
                GENESIS.to_owned()
            } else {
                head.to_owned()
            },
        },
    })
}

fn steps(plan: &Plan, state: &RunState, records: &[Record]) -> Vec<StepEvidence> {
    plan.steps
        .iter()
        .map(|spec| {
            let mut started_at = None;
            let mut ms = 0;
            let mut undo_ms = None;
            for record in records
                .iter()
                .filter(|record| record.event.step() == Some(spec.id.as_str()))
            {
                match &record.event {
                    Event::Started { .. } => started_at = started_at.or(Some(record.at)),
                    Event::Finished { ms: took, .. } | Event::Failed { ms: took, .. } => ms += took,
                    Event::UndoFinished { ms: took, .. } => undo_ms = Some(undo_ms.unwrap_or(0) + took),
                    _ => {}
                }
            }
            let known = state.steps.get(&spec.id).cloned().unwrap_or_default();
            let mut facts = known.facts;
            if !known.undo_facts.is_null() {
                if facts.is_null() {
                    facts = Value::Object(serde_json::Map::new());
                }
                if let Value::Object(map) = &mut facts {
                    map.insert("undo".to_owned(), known.undo_facts);
                }
            }
            StepEvidence {
                id: spec.id.clone(),
                phase: spec.phase,
                kind: spec.kind.name().to_owned(),
                effect: spec.effect.clone(),
                status: known.status,
                attempts: known.attempt,
                started_at,
                ms,
                undo_ms,
                facts,
                error: known.error,
            }
        })
        .collect()
}

/// The fact `digest` of step `digest_before`, or of the first digest step if there is none of that name.
fn digest_before(plan: &Plan, state: &RunState) -> Option<String> {
    let step = plan.step("digest_before").or_else(|| {
        plan.steps
            .iter()
            .find(|spec| matches!(spec.kind, StepKind::Digest { .. }))
    })?;
    text(state.fact(&step.id, "digest")?)
}

/// The last full digest that was taken: by the lift, by a step `digest_after`, or by an undo (`digest_before`'s proves
/// the rollback).
fn digest_after(plan: &Plan, records: &[Record]) -> Option<String> {
    let full = |id: &str| {
        id == "digest_after"
            || plan
                .step(id)
                .is_some_and(|spec| matches!(spec.kind, StepKind::Lift))
    };
    records
        .iter()
        .filter_map(|record| match &record.event {
            Event::UndoFinished { facts, .. } => text(facts.get("digest")?),
            Event::Finished { step, facts, .. } if full(step) => text(facts.get("digest")?),
            Event::Fact { step, name, value } if full(step) && name == "digest" => text(value),
            _ => None,
        })
        .next_back()
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn notes(records: &[Record]) -> Vec<NoteEvidence> {
    records
        .iter()
        .filter_map(|record| match &record.event {
            Event::Note { by, text, attachment } => Some(NoteEvidence {
                at: record.at,
                by: by.clone(),
                text: text.clone(),
                attachment: attachment.clone(),
            }),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests;
