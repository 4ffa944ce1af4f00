//! What people do: interrupt, ask for a rollback after users have written, resume what is over, give another plan.

use engine::evidence::evidence;
use engine::fault::DIVERGED;
use engine::journal::{Journal, read};
use engine::runner::{self, RunError};
use engine::state::Status;
use engine::{Changed, Outcome};

use super::bench::*;
use super::fake::work_of;
use super::plan::window;
use super::world::{Act, Fault, How};

#[test]
fn interrupted_after_every_record() {
    let whole = Bench::new();
    whole.ends(Go::Begin);
    let last = whole.records().len() as u64;
    for seq in 1..=last {
        for go in [Go::Resume, Go::Rollback] {
            let story = format!("interrupted at record {seq}, then {go:?}");
            let mut bench = Bench::new();
            bench.interrupt_at = Some(seq);
            let state = bench.ends(Go::Begin);
            let ending = bench.assert_right(&state, &story);
            bench.interrupt_at = None;
            if seq + 2 >= last {
                assert_eq!(
                    ending.outcome,
                    Outcome::Done,
                    "nothing was left to interrupt: {story}"
                );
                continue;
            }
            assert_eq!(
                (ending.outcome, ending.exit_code),
                (Outcome::Interrupted, 130),
                "{story}"
            );
            assert!(state.active().is_none(), "between steps: {story}");
            let state = bench.ends(go);
            let want = if go == Go::Resume {
                Outcome::Done
            } else {
                Outcome::RolledBack
            };
            assert_eq!(bench.assert_right(&state, &story).outcome, want, "{story}");
        }
    }
}

#[test]
fn a_step_that_stops_in_its_middle_is_probed_and_no_failure() {
    for spec in &window().steps {
        let story = format!("{} stops in its middle", spec.id);
        let at = work_of(spec).len() / 2;
        let stop = Fault {
            step: spec.id.clone(),
            act: Act::Run,
            point: at,
            how: How::Interrupt,
            times: 1,
        };
        let mut bench = Bench::with(vec![stop]);
        let started = {
            let whole = Bench::new();
            whole.ends(Go::Begin);
            let is = |r: &engine::journal::Record| {
                r.event.name() == "started" && r.event.step() == Some(spec.id.as_str())
            };
            whole.records().iter().find(|record| is(record)).unwrap().seq
        };
        bench.interrupt_at = Some(started);
        let state = bench.ends(Go::Begin);
        assert_eq!(state.ending().unwrap().exit_code, 130, "{story}");
        assert_eq!(state.status(&spec.id), Status::Started, "{story}");
        bench.interrupt_at = None;
        let state = bench.ends(Go::Resume);
        assert_eq!(
            bench.assert_right(&state, &story).outcome,
            Outcome::Done,
            "{story}"
        );
    }
}

#[test]
fn users_write_all_the_time_and_nothing_is_lost() {
    for spec in &window().steps {
        let story = format!("users write, {} fails", spec.id);
        let bench = Bench::with(vec![fails(&spec.id, work_of(spec).len(), Changed::Maybe)]);
        bench.world.lock().writing = true;
        let state = bench.ends(Go::Begin);
        let ending = bench.assert_right(&state, &story);
        // A lift that failed when it was done has let users write: that is for a person to decide.
        let after = window().position(&spec.id) >= window().position("lift");
        assert_eq!(ending.outcome == Outcome::Held, after, "{story}");
        assert!(!bench.world.lock().acknowledged.is_empty(), "{story}");
    }
}

#[test]
fn a_rollback_that_would_lose_writes_is_held() {
    let bench = Bench::new();
    bench.world.lock().writing = true;
    bench.ends(Go::Begin);
    // Going on after the refusal withdraws it: the run is what it was, and can be asked again.
    let held = (Outcome::Held, 4);
    for (go, end) in [
        (Go::Rollback, held),
        (Go::Resume, (Outcome::Done, 0)),
        (Go::Rollback, held),
    ] {
        let state = bench.ends(go);
        let ending = bench.assert_right(&state, "users wrote after the lift");
        assert_eq!((ending.outcome, ending.exit_code), end);
        let refused = state.steps["lift"]
            .error
            .as_ref()
            .map(|error| error.code.as_str());
        assert_eq!(refused, (end == held).then_some(DIVERGED));
        assert!(
            undos(&bench).iter().all(|step| step == "lift"),
            "the remaining undos are not run"
        );
        assert_eq!(bench.service(), new());
    }
}

#[test]
fn a_closed_run_cannot_be_resumed_but_rolled_back_again() {
    let bench = Bench::new();
    bench.ends(Go::Begin);
    let mut journal = Journal::open_for_append(&bench.journal()).unwrap();
    let refused = runner::resume(&mut journal, &bench.clock, "Ana").unwrap_err();
    assert!(
        matches!(
            refused,
            RunError::Closed {
                outcome: Outcome::Done,
                ..
            }
        ),
        "{refused}"
    );
    drop(journal);
    for _ in 0..2 {
        let state = bench.ends(Go::Rollback);
        assert_eq!(
            bench.assert_right(&state, "rolled back").outcome,
            Outcome::RolledBack
        );
    }
    assert_eq!(
        undos(&bench).len(),
        undo_ids().len(),
        "what is undone is not undone again"
    );
}

#[test]
fn another_plan_and_another_writer_are_refused() {
    let mut bench = Bench::new();
    bench
        .go(Go::Begin, Some(Kill { seq: 9, after: true }))
        .unwrap_err();
    let records = bench.records().len();
    let held = Journal::open_for_append(&bench.journal()).unwrap();
    let busy = bench.go(Go::Resume, None).unwrap_err();
    assert!(
        busy.to_string().contains("another process is writing it"),
        "{busy}"
    );
    drop(held);
    bench.plan.steps[0].effect.push('!');
    let other = bench.go(Go::Resume, None).unwrap_err();
    assert!(matches!(other, RunError::OtherPlan { .. }), "{other}");
    assert_eq!(
        bench.records().len(),
        records + 1,
        "only the resume is on disk, no step"
    );
}

#[test]
fn the_evidence_of_a_run_says_how_long_writes_were_blocked() {
    let bench = Bench::new();
    bench.ends(Go::Begin);
    let reading = read(&bench.journal()).unwrap();
    let green = evidence(&bench.plan, &reading.records, &reading.head).unwrap();
    assert_eq!(green.outcome, Some(Outcome::Done));
    assert_eq!(green.journal.head, reading.head);
    assert_eq!(green.steps.len(), step_ids().len());
    let blocked = &green.blocked_ms;
    assert!(!blocked.open && blocked.total > 0);
    assert_eq!(
        blocked.by_step.values().sum::<u64>() + blocked.between_steps,
        blocked.total
    );
    assert!(blocked.by_step.contains_key("contract.0") && !blocked.by_step.contains_key("backfill"));
    assert_eq!(green.digest_before, Some(bench.world.lock().start_digest()));
    assert_eq!(green.digest_after, Some(bench.world.lock().digest()));

    bench.ends(Go::Rollback);
    let reading = read(&bench.journal()).unwrap();
    let back = evidence(&bench.plan, &reading.records, &reading.head).unwrap();
    assert_eq!(back.outcome, Some(Outcome::RolledBack));
    assert_eq!(back.digest_after, back.digest_before);
    assert!(!back.blocked_ms.open && back.blocked_ms.total > blocked.total);
    assert!(
        back.steps
            .iter()
            .all(|step| step.undo_ms.is_some() == undo_ids().contains(&step.id))
    );
}

#[test]
fn a_preflight_looks_at_every_step_and_journals_nothing() {
    let bench = Bench::new();
    let point = 99; // where the fake's preflight looks for a fault
    let how = How::Fail {
        code: "no_room",
        changed: Changed::Nothing,
    };
    bench.world.lock().faults.push(Fault {
        step: "switch".into(),
        act: Act::Probe,
        point,
        how,
        times: 1,
    });
    let mut state = engine::state::RunState::default();
    let interrupt = std::sync::atomic::AtomicBool::new(false);
    let mut cx = runner::Context::dry(
        &bench.plan,
        &bench.plan.steps[0],
        &mut state,
        &bench.clock,
        &runner::Silent,
        &interrupt,
    );
    cx.record("seen", serde_json::json!(1)).unwrap();
    let found = runner::preflight_all(&bench.plan, &bench.world, &mut cx);
    assert_eq!(
        found.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>(),
        step_ids()
    );
    let failed: Vec<_> = found
        .iter()
        .filter(|(_, result)| result.is_err())
        .map(|(id, _)| id.as_str())
        .collect();
    assert_eq!(failed, ["switch"]);
    assert!(!bench.journal().exists());
    assert_eq!(bench.service(), before());
}
