//! What is known of the step that runs now, and since when the fence is on.

use crate::ui::pace;
use engine::plan::StepSpec;
use engine::runner::Progress;
use jiff::Timestamp;
use serde_json::Value;
use std::time::{Duration, Instant};

/// The step that is in the middle of its work or of its undo.
pub(super) struct Active {
    pub(super) id: String,
    pub(super) effect: String,
    pub(super) attempt: u32,
    pub(super) undo: bool,
    pub(super) expected_ms: Option<u64>,
    pub(super) progress: Option<Progress>,
    /// Counts redraws: the sign turns.
    pub(super) frame: usize,
    pub(super) begun: Instant,
    signed: Option<Instant>,
}

impl Active {
    /// `effect`: what is shown of what it does.
    pub(super) fn new(
        spec: &StepSpec,
        effect: String,
        attempt: u32,
        undo: bool,
        expected_ms: Option<u64>,
    ) -> Active {
        Active {
            id: spec.id.clone(),
            effect,
            attempt,
            undo,
            expected_ms,
            progress: None,
            frame: 0,
            begun: Instant::now(),
            signed: None,
        }
    }

    pub(super) fn elapsed_ms(&self) -> u64 {
        milliseconds(self.begun.elapsed())
    }

    /// Whether it is time for a sign of life: `first` after the start, then every `next`.
    pub(super) fn sign_due(&mut self, first: Duration, next: Duration) -> bool {
        let due = match self.signed {
            None => self.begun.elapsed() >= first,
            Some(signed) => signed.elapsed() >= next,
        };
        if due {
            self.signed = Some(Instant::now());
        }
        due
    }

    pub(super) fn remaining_ms(&self) -> Option<u64> {
        remaining_ms(self.elapsed_ms(), self.expected_ms, self.progress.as_ref())
    }
}

/// What is left: from the pace once it says something, before that from what the step took last time.
fn remaining_ms(elapsed: u64, expected: Option<u64>, progress: Option<&Progress>) -> Option<u64> {
    let paced = progress.and_then(|progress| pace::remaining_ms(elapsed, progress.done, progress.total?));
    paced.or_else(|| expected?.checked_sub(elapsed).filter(|left| *left > 0))
}

/// Since when no write reaches the data.
pub(super) struct Fenced {
    since: Instant,
    /// The first moment at which a write was refused, if the step saw it.
    refused_at: Option<Timestamp>,
}

impl Fenced {
    /// `begun`: when the step began that put it on. The first thing that step does is to refuse writes.
    pub(super) fn new(facts: &Value, begun: Instant) -> Fenced {
        Fenced {
            since: begun,
            refused_at: moment(facts, "refused_at"),
        }
    }

    /// How long, in milliseconds: as the steps saw it, otherwise as this view did.
    pub(super) fn until(&self, facts: &Value) -> u64 {
        match (self.refused_at, moment(facts, "accepted_at")) {
            (Some(from), Some(to)) => u64::try_from(to.as_millisecond() - from.as_millisecond()).unwrap_or(0),
            _ => milliseconds(self.since.elapsed()),
        }
    }
}

fn moment(facts: &Value, name: &str) -> Option<Timestamp> {
    facts.get(name)?.as_str()?.parse().ok()
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(done: u64, total: Option<u64>) -> Progress {
        Progress {
            done,
            total,
            unit: "rows",
            note: String::new(),
        }
    }

    #[test]
    fn remaining_time_follows_the_pace_once_there_is_one() {
        assert_eq!(remaining_ms(1000, None, Some(&at(25, Some(100)))), Some(3000));
        assert_eq!(
            remaining_ms(1000, Some(1500), Some(&at(1, Some(100)))),
            Some(500),
            "too early for a pace"
        );
        assert_eq!(
            remaining_ms(2000, Some(1500), None),
            None,
            "it takes longer than last time"
        );
        assert_eq!(remaining_ms(100, None, Some(&at(50, None))), None);
        assert_eq!(
            remaining_ms(1000, None, Some(&at(300, Some(100)))),
            None,
            "more than all"
        );
        assert_eq!(
            remaining_ms(u64::MAX, None, Some(&at(1, Some(20)))),
            Some(u64::MAX)
        );
    }

    #[test]
    fn blocked_time_is_what_the_steps_saw() {
        let fenced = Fenced::new(&json!({"refused_at": "2025-11-06T23:00:05.250Z"}), Instant::now());
        assert_eq!(
            fenced.until(&json!({"accepted_at": "2025-11-06T23:00:07.500Z"})),
            2250
        );
        assert!(fenced.until(&json!({"accepted_at": "soon"})) < 60_000);
    }
}
