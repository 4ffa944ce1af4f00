use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::StepError;
use crate::journal::{Event, GENESIS, Record};

fn record(seq: u64, event: Event) -> Record {
    Record {
        seq,
        at: jiff::Timestamp::UNIX_EPOCH,
        prev: GENESIS.into(),
        run: "r".into(),
        event,
    }
}

fn opened() -> Event {
    let (plan_digest, tool, by) = ("d".into(), "t".into(), "Ana".into());
    Event::Opened {
        plan_digest,
        mode: Mode::Run,
        tool,
        unapproved: false,
        by,
    }
}

fn told(events: Vec<Event>) -> Result<RunState, StateError> {
    let all = std::iter::once(opened()).chain(events);
    let records: Vec<Record> = all
        .enumerate()
        .map(|(i, event)| record(i as u64 + 1, event))
        .collect();
    fold(&records)
}

fn started(step: &str, attempt: u32) -> Event {
    Event::Started {
        step: step.into(),
        attempt,
    }
}

fn finished(step: &str, attempt: u32, facts: Value) -> Event {
    Event::Finished {
        step: step.into(),
        attempt,
        ms: 1,
        facts,
    }
}

fn failed(step: &str, attempt: u32, error: StepError) -> Event {
    Event::Failed {
        step: step.into(),
        attempt,
        ms: 1,
        error,
    }
}

fn probed(step: &str, found: Found) -> Event {
    Event::Probed {
        step: step.into(),
        found,
        detail: String::new(),
        facts: Value::Null,
    }
}

#[test]
fn facts_are_merged_and_the_later_wins() {
    let fact = |name: &str, value| Event::Fact {
        step: "a".into(),
        name: name.into(),
        value,
    };
    let state = told(vec![
        started("a", 1),
        fact("one", json!(1)),
        fact("two", json!(2)),
        fact("one", json!(11)),
        failed("a", 1, StepError::maybe("x", "y")),
        started("a", 2),
        fact("three", json!(3)),
        finished("a", 2, json!({"two": 22})),
    ])
    .unwrap();
    assert_eq!(state.facts("a"), Some(&json!({"one": 11, "two": 22, "three": 3})));
    assert_eq!(state.fact("a", "two"), Some(&json!(22)));
    assert_eq!(state.facts("b"), None);
    assert!(state.steps["a"].error.is_none() && state.steps["a"].failures == 1);
}

#[test]
fn a_probe_is_forgotten_when_another_process_goes_on() {
    let state = told(vec![started("a", 1), probed("a", Found::Done)]).unwrap();
    assert_eq!(state.active(), None);
    let again = told(vec![
        started("a", 1),
        probed("a", Found::Done),
        Event::Resumed { by: "x".into() },
    ])
    .unwrap();
    assert_eq!(again.active(), Some("a"));
    let nothing = told(vec![started("a", 1), probed("a", Found::NotStarted)]).unwrap();
    assert_eq!(
        (nothing.status("a"), nothing.steps["a"].attempt),
        (Status::Pending, 1)
    );
}

#[test]
fn illegal_sequences_name_the_record() {
    let closed = Event::Closed {
        outcome: Outcome::Done,
        exit_code: 0,
    };
    let held = || Event::Held {
        step: None,
        reason: String::new(),
        hint: None,
    };
    let cases = [
        (vec![opened()], 2, "opened twice"),
        (vec![finished("a", 1, json!(null))], 2, "never began"),
        (vec![started("a", 2)], 2, "after attempt 0"),
        (vec![started("a", 1), started("b", 1)], 3, "in the middle"),
        (vec![started("a", 1), started("a", 2)], 3, "in the middle"),
        (
            vec![started("a", 1), finished("a", 2, json!(null))],
            3,
            "in attempt 1",
        ),
        (
            vec![started("a", 1), finished("a", 1, json!(null)), started("a", 2)],
            4,
            "while it is Done",
        ),
        (vec![Event::UndoStarted { step: "a".into() }], 2, "never began"),
        (
            vec![started("a", 1), Event::UndoStarted { step: "a".into() }],
            3,
            "in the middle",
        ),
        (vec![started("a", 1), closed.clone()], 3, "in the middle"),
        (vec![closed.clone(), started("a", 1)], 3, "while the run is done"),
        (
            vec![closed.clone(), Event::Resumed { by: "x".into() }],
            3,
            "after the run was closed",
        ),
        (vec![held(), started("a", 1)], 3, "while the run is held"),
        (
            vec![Event::Interrupted {}, held()],
            3,
            "while the run is interrupted",
        ),
        (
            vec![Event::Closed {
                outcome: Outcome::Held,
                exit_code: 4,
            }],
            2,
            "closed as held",
        ),
        (
            vec![
                Event::RollbackRequested {
                    by: "x".into(),
                    reason: String::new(),
                },
                started("a", 1),
            ],
            3,
            "while rolling back",
        ),
    ];
    for (events, seq, why) in cases {
        let error = told(events.clone()).expect_err(&format!("{events:?}"));
        assert_eq!(error.seq, seq, "{events:?}");
        assert!(error.to_string().contains(why), "{error}");
    }
    assert_eq!(fold(&[record(1, started("a", 1))]).unwrap_err().seq, 1);
    assert_eq!(fold(&[record(2, opened())]).unwrap_err().seq, 2);
    let mut other = record(2, Event::Interrupted {});
    other.run = "s".into();
    assert_eq!(fold(&[record(1, opened()), other]).unwrap_err().seq, 2);
}

#[test]
fn a_note_fits_anywhere() {
    let note = || Event::Note {
        by: "Ana".into(),
        text: "t".into(),
        attachment: None,
    };
    let closed = Event::Closed {
        outcome: Outcome::Done,
        exit_code: 0,
    };
    assert_eq!(
        told(vec![note(), closed, note()])
            .unwrap()
            .ending()
            .unwrap()
            .outcome,
        Outcome::Done
    );
}

fn any_event() -> impl Strategy<Value = Event> {
    let step = || prop::sample::select(vec!["backup_a", "fence", "migrate", "lift", "watch", "strange"]);
    let error = || {
        let code = prop::sample::select(vec!["x", "diverged", "verification_failed"]);
        (code, any::<bool>()).prop_map(|(code, maybe)| {
            if maybe {
                StepError::maybe(code, "m")
            } else {
                StepError::nothing(code, "m")
            }
        })
    };
    let found = prop::sample::select(vec![Found::Done, Found::NotStarted, Found::Partial]);
    let outcomes = vec![
        Outcome::Done,
        Outcome::Failed,
        Outcome::RolledBack,
        Outcome::RollbackFailed,
    ];
    prop_oneof![
        4 => (step(), 1..4u32).prop_map(|(s, n)| started(s, n)),
        4 => (step(), 1..4u32).prop_map(|(s, n)| finished(s, n, json!({"digest": n}))),
        2 => (step(), 1..4u32, error()).prop_map(|(s, n, e)| failed(s, n, e)),
        2 => (step(), found).prop_map(|(s, f)| probed(s, f)),
        1 => step().prop_map(|s| Event::Fact { step: s.into(), name: "refused_at".into(), value: json!(1) }),
        2 => step().prop_map(|s| Event::UndoStarted { step: s.into() }),
        2 => step().prop_map(|s| Event::UndoFinished { step: s.into(), ms: 1, facts: json!(3) }),
        1 => (step(), error()).prop_map(|(s, error)| Event::UndoFailed { step: s.into(), error }),
        1 => Just(Event::Resumed { by: "x".into() }),
        1 => Just(Event::RollbackRequested { by: "x".into(), reason: String::new() }),
        1 => step().prop_map(|s| Event::Held { step: Some(s.into()), reason: String::new(), hint: None }),
        1 => Just(Event::Interrupted {}),
        1 => prop::sample::select(outcomes).prop_map(|outcome| Event::Closed { outcome, exit_code: 0 }),
        1 => Just(opened()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    /// Whatever the order: no panic, the first record that does not fit is named, and the decision about what fits is
    /// one that the fold accepts.
    #[test]
    fn no_order_of_records_panics(events in prop::collection::vec(any_event(), 0..25)) {
        let plan = crate::plan::tests::small();
        let mut legal: Vec<Record> = vec![record(1, opened())];
        let mut state = fold(&legal).unwrap();
        for event in events {
            let next = record(state.last_seq + 1, event);
            let mut tried = state.clone();
            match tried.apply(&next) {
                Err(error) => prop_assert_eq!(error.seq, next.seq),
                Ok(()) => {
                    state = tried;
                    legal.push(next);
                }
            }
            let follows = match crate::decide(&plan, &state) {
                crate::Decision::Run { step, attempt } => Some(Event::Started { step, attempt }),
                crate::Decision::Undo { step } => Some(Event::UndoStarted { step }),
                crate::Decision::Adopt { step, attempt } => Some(finished(&step, attempt, json!(null))),
                crate::Decision::Probe { step } => Some(probed(&step, Found::Done)),
                crate::Decision::Hold { step, reason, hint } => Some(Event::Held { step, reason, hint }),
                crate::Decision::Close { outcome, exit_code } => Some(Event::Closed { outcome, exit_code }),
                crate::Decision::Stopped { .. } => None,
            };
            // Records about a step that the plan does not have are refused by the runner before it decides.
            let strange = state.active() == Some("strange");
            if let Some(follows) = follows.filter(|_| !strange) {
                let fits = state.clone().apply(&record(state.last_seq + 1, follows.clone()));
                prop_assert!(fits.is_ok(), "{:?} after {:?}: {:?}", follows, legal, fits);
            }
        }
        let _ = crate::evidence::evidence(&plan, &legal, GENESIS);
    }
}
