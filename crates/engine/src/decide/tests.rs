use serde_json::json;

use super::*;
use crate::StepError;
use crate::journal::{Event, Mode};
use crate::plan::tests::small;

fn told(plan: &Plan, events: Vec<Event>) -> Decision {
    let mut state = RunState::default();
    let (plan_digest, tool, by) = (plan.digest(), "t".into(), "Ana".into());
    let opened = Event::Opened {
        plan_digest,
        mode: Mode::Run,
        tool,
        unapproved: false,
        by,
    };
    for event in std::iter::once(opened).chain(events) {
        state.advance("r", &event).unwrap();
    }
    decide(plan, &state)
}

/// The records of every step up to `step`, done; then the failure of `step`.
fn fails(plan: &Plan, step: &str, error: StepError) -> Vec<Event> {
    let mut events = done_before(plan, step);
    events.extend(failure(step, 1, error));
    events
}

fn failure(step: &str, attempt: u32, error: StepError) -> [Event; 2] {
    [
        started(step, attempt),
        Event::Failed {
            step: step.into(),
            attempt,
            ms: 1,
            error,
        },
    ]
}

fn started(step: &str, attempt: u32) -> Event {
    Event::Started {
        step: step.into(),
        attempt,
    }
}

fn done_before(plan: &Plan, step: &str) -> Vec<Event> {
    let before = plan.steps.iter().take_while(|spec| spec.id != step);
    before
        .flat_map(|spec| {
            let step = spec.id.clone();
            [
                started(&step, 1),
                Event::Finished {
                    step,
                    attempt: 1,
                    ms: 1,
                    facts: json!(null),
                },
            ]
        })
        .collect()
}

fn on_failure(step: &str, policy: OnFailure) -> Plan {
    let mut plan = small();
    plan.steps
        .iter_mut()
        .find(|spec| spec.id == step)
        .unwrap()
        .on_failure = policy;
    plan
}

fn runs(step: &str, attempt: u32) -> Decision {
    Decision::Run {
        step: step.into(),
        attempt,
    }
}

#[test]
fn steps_come_in_order_and_then_the_end() {
    let plan = small();
    assert_eq!(told(&plan, vec![]), runs("backup_a", 1));
    assert_eq!(told(&plan, done_before(&plan, "migrate")), runs("migrate", 1));
    assert_eq!(told(&plan, done_before(&plan, "nobody")), close(Outcome::Done));
}

#[test]
fn retries_are_counted_and_then_rolled_back() {
    let plan = on_failure("fence", OnFailure::Retry { times: 2 });
    let mut events = fails(&plan, "fence", StepError::maybe("x", "y"));
    assert_eq!(told(&plan, events.clone()), runs("fence", 2));
    events.extend(failure("fence", 2, StepError::nothing("x", "y")));
    assert_eq!(told(&plan, events.clone()), runs("fence", 3));
    events.extend(failure("fence", 3, StepError::nothing("x", "y")));
    // The first attempt may have left something, whatever the last one knows.
    assert_eq!(told(&plan, events), Decision::Undo { step: "fence".into() });
}

#[test]
fn what_may_not_run_again_is_retried_only_if_nothing_was_changed() {
    let plan = on_failure("migrate", OnFailure::Retry { times: 1 });
    assert_eq!(
        told(&plan, fails(&plan, "migrate", StepError::nothing("x", "y"))),
        runs("migrate", 2)
    );
    assert_eq!(
        told(&plan, fails(&plan, "migrate", StepError::maybe("x", "y"))),
        Decision::Undo {
            step: "migrate".into()
        }
    );
}

#[test]
fn a_retry_after_the_lift_ends_in_a_hold() {
    let plan = on_failure("watch", OnFailure::Retry { times: 1 });
    let mut events = fails(&plan, "watch", StepError::nothing("x", "y"));
    assert_eq!(told(&plan, events.clone()), runs("watch", 2));
    events.extend(failure("watch", 2, StepError::nothing("x", "y")));
    let held = told(&plan, events.clone());
    assert!(
        matches!(&held, Decision::Hold { step: Some(step), .. } if step == "watch"),
        "{held:?}"
    );
    // A person resumes: the step is looked at, and its retries are counted anew.
    events.push(Event::Held {
        step: Some("watch".into()),
        reason: String::new(),
        hint: None,
    });
    assert_eq!(
        told(&plan, events.clone()),
        Decision::Stopped {
            outcome: Outcome::Held,
            exit_code: 4
        }
    );
    events.push(Event::Resumed { by: "Ana".into() });
    assert_eq!(
        told(&plan, events.clone()),
        Decision::Probe { step: "watch".into() }
    );
    let (detail, facts) = (String::new(), json!(null));
    events.push(Event::Probed {
        step: "watch".into(),
        found: Found::NotStarted,
        detail,
        facts,
    });
    assert_eq!(told(&plan, events.clone()), runs("watch", 3));
    events.extend(failure("watch", 3, StepError::nothing("x", "y")));
    assert_eq!(told(&plan, events), runs("watch", 4));
}

#[test]
fn a_hold_under_the_fence_keeps_it() {
    let plan = on_failure("migrate", OnFailure::Hold);
    let held = told(&plan, fails(&plan, "migrate", StepError::maybe("x", "it broke")));
    assert!(
        matches!(&held, Decision::Hold { reason, .. } if reason.contains("it broke")),
        "{held:?}"
    );
}

#[test]
fn an_effect_that_no_undo_takes_back_is_not_called_rolled_back() {
    let mut plan = small();
    plan.steps.retain(|spec| spec.id == "migrate");
    plan.steps[0].undo = Undo::None;
    let held = told(&plan, fails(&plan, "migrate", StepError::maybe("x", "y")));
    assert!(
        matches!(&held, Decision::Hold { reason, .. } if reason.contains("takes back")),
        "{held:?}"
    );
    assert_eq!(
        told(&plan, fails(&plan, "migrate", StepError::nothing("x", "y"))),
        close(Outcome::Failed)
    );
}

#[test]
fn what_is_no_effect_is_undone_and_still_nothing_was_changed() {
    let mut plan = small();
    plan.steps[0].undo = Undo::Reverse {
        how: "removes it".into(),
    };
    let mut events = fails(&plan, "prove_a", StepError::maybe(VERIFICATION_FAILED, "y"));
    assert_eq!(
        told(&plan, events.clone()),
        Decision::Undo {
            step: "backup_a".into()
        }
    );
    events.push(Event::UndoStarted {
        step: "backup_a".into(),
    });
    events.push(Event::UndoFinished {
        step: "backup_a".into(),
        ms: 1,
        facts: json!(null),
    });
    assert_eq!(
        told(&plan, events),
        Decision::Close {
            outcome: Outcome::Failed,
            exit_code: 12
        }
    );
}

#[test]
fn a_half_done_migration_is_undone() {
    let plan = small();
    let mut events = done_before(&plan, "migrate");
    events.push(started("migrate", 1));
    assert_eq!(
        told(&plan, events.clone()),
        Decision::Probe {
            step: "migrate".into()
        }
    );
    let (detail, facts) = (String::new(), json!(null));
    events.push(Event::Probed {
        step: "migrate".into(),
        found: Found::Partial,
        detail,
        facts,
    });
    assert_eq!(
        told(&plan, events),
        Decision::Undo {
            step: "migrate".into()
        }
    );
}

#[test]
fn an_undo_left_in_the_middle_is_probed_and_run_again_whatever_is_found() {
    let plan = small();
    for found in [Found::Done, Found::NotStarted, Found::Partial] {
        let mut events = fails(&plan, "migrate", StepError::maybe("x", "y"));
        events.push(Event::UndoStarted {
            step: "migrate".into(),
        });
        events.push(Event::Resumed { by: "Ana".into() });
        assert_eq!(
            told(&plan, events.clone()),
            Decision::Probe {
                step: "migrate".into()
            }
        );
        let (detail, facts) = (String::new(), json!(null));
        events.push(Event::Probed {
            step: "migrate".into(),
            found,
            detail,
            facts,
        });
        assert_eq!(
            told(&plan, events),
            Decision::Undo {
                step: "migrate".into()
            }
        );
    }
}

#[test]
fn an_undo_that_failed_is_looked_at_before_it_runs_again() {
    let plan = small();
    let mut events = fails(&plan, "migrate", StepError::maybe("x", "y"));
    events.push(Event::UndoStarted {
        step: "migrate".into(),
    });
    events.push(Event::UndoFailed {
        step: "migrate".into(),
        error: StepError::maybe("x", "y"),
    });
    assert_eq!(told(&plan, events.clone()), close(Outcome::RollbackFailed));
    events.push(Event::Closed {
        outcome: Outcome::RollbackFailed,
        exit_code: 5,
    });
    for go_on in [
        Event::Resumed { by: "Ana".into() },
        Event::RollbackRequested {
            by: "Ana".into(),
            reason: String::new(),
        },
    ] {
        let mut events = events.clone();
        events.push(go_on);
        assert_eq!(
            told(&plan, events),
            Decision::Probe {
                step: "migrate".into()
            }
        );
    }
}
