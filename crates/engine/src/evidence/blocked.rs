use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::journal::{Event, Record};
use crate::plan::{Plan, StepKind};

/// How long writes were refused: from the first moment one is refused to the first moment one is accepted again.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Blocked {
    /// Milliseconds; 0 if the fence never was on. While `open`, up to the last record.
    pub total: u64,
    /// Step id (undos included) → its share. What is missing to the total passed between steps (`between_steps`).
    pub by_step: BTreeMap<String, u64>,
    /// Time between steps: a process that was dead, held or interrupted.
    pub between_steps: u64,
    /// Whether the fence is still on.
    pub open: bool,
}

/// When the fence went on and off. The moments come from the facts `refused_at` and `accepted_at` (RFC 3339) of fence
/// and lift, in their work or in their undo; without them, from when those finished.
pub(super) fn blocked(plan: &Plan, records: &[Record]) -> Blocked {
    let is = |id: &str, wanted: fn(&StepKind) -> bool| plan.step(id).is_some_and(|spec| wanted(&spec.kind));
    let fence = |id: &str| is(id, |kind| matches!(kind, StepKind::Fence));
    let lift = |id: &str| is(id, |kind| matches!(kind, StepKind::Lift));
    let mut spans: Vec<(Timestamp, Option<Timestamp>)> = Vec::new();
    for record in records {
        let change = match &record.event {
            Event::Fact { step, name, value } if fence(step) || lift(step) => match name.as_str() {
                "refused_at" => Some((true, moment(value).unwrap_or(record.at))),
                "accepted_at" => Some((false, moment(value).unwrap_or(record.at))),
                _ => None,
            },
            Event::Finished { step, facts, .. } if fence(step) => {
                Some((true, told(facts, "refused_at", record)))
            }
            Event::Finished { step, facts, .. } if lift(step) => {
                Some((false, told(facts, "accepted_at", record)))
            }
            Event::UndoFinished { step, facts, .. } if lift(step) => {
                Some((true, told(facts, "refused_at", record)))
            }
            Event::UndoFinished { step, facts, .. } if fence(step) => {
                Some((false, told(facts, "accepted_at", record)))
            }
            _ => None,
        };
        let open = spans.last().is_some_and(|span| span.1.is_none());
        match change {
            Some((true, at)) if !open => spans.push((at, None)),
            Some((false, at)) if open => {
                if let Some(span) = spans.last_mut() {
                    span.1 = Some(at);
                }
            }
            _ => {}
        }
    }
    let open = spans.last().is_some_and(|span| span.1.is_none());
    let Some(last) = records.last().map(|record| record.at) else {
        return Blocked::default();
    };
    let spans: Vec<(Timestamp, Timestamp)> = spans
        .into_iter()
        .map(|(from, to)| (from, to.unwrap_or(last)))
        .collect();
    let total = spans.iter().map(|(from, to)| ms(*from, *to)).sum();
    let mut by_step: BTreeMap<String, u64> = BTreeMap::new();
    for (step, from, to) in work(records, last) {
        let share: u64 = spans
            .iter()
            .map(|span| ms(span.0.max(from), span.1.min(to)))
            .sum();
        if share > 0 {
            *by_step.entry(step).or_default() += share;
        }
    }
    let between_steps = u64::saturating_sub(total, by_step.values().sum());
    Blocked {
        total,
        by_step,
        between_steps,
        open,
    }
}

/// Who worked from when to when. An attempt whose process died ends with its last record: what came after was waiting.
fn work(records: &[Record], last: Timestamp) -> Vec<(String, Timestamp, Timestamp)> {
    let mut done = Vec::new();
    let mut running: Option<(String, Timestamp, Timestamp)> = None;
    for record in records {
        match &record.event {
            Event::Started { step, .. } | Event::UndoStarted { step } => {
                done.extend(running.take());
                running = Some((step.clone(), record.at, record.at));
            }
            Event::Fact { step, .. } => {
                if let Some(work) = running.as_mut().filter(|work| work.0 == *step) {
                    work.2 = record.at;
                }
            }
            Event::Finished { .. }
            | Event::Failed { .. }
            | Event::UndoFinished { .. }
            | Event::UndoFailed { .. }
            | Event::Interrupted {} => {
                if let Some((step, from, _)) = running.take() {
                    done.push((step, from, record.at));
                }
            }
            Event::Probed { .. } | Event::Resumed { .. } | Event::RollbackRequested { .. } => {
                done.extend(running.take());
            }
            _ => {}
        }
    }
    // Still running, as far as the journal goes.
    done.extend(running.map(|(step, from, _)| (step, from, last)));
    done
}

fn told(facts: &Value, name: &str, record: &Record) -> Timestamp {
    facts.get(name).and_then(moment).unwrap_or(record.at)
}

fn moment(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

fn ms(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.as_millisecond() - from.as_millisecond()).unwrap_or(0)
}
