//! The process dies inside a step, inside an undo, inside a probe; the server may go on with what it was told.

use engine::plan::StepKind;
use engine::{Changed, Outcome};

use super::bench::*;
use super::fake::{undo_of, work_of};
use super::plan::window;
use super::world::{Act, Fault, How};

fn recover(bench: &Bench, go: Go, story: &str) -> Outcome {
    let state = bench.ends(go);
    bench.assert_right_and_a_way_out(&state, story).outcome
}

#[test]
fn every_step_dies_at_every_point() {
    let mut tried = 0;
    for spec in &window().steps {
        for point in 0..=work_of(spec).len() {
            for late in [false, true] {
                for go in [Go::Resume, Go::Rollback] {
                    let story = format!("{} dies at {point}, late {late}, then {go:?}", spec.id);
                    let bench = Bench::with(vec![dies(&spec.id, Act::Run, point, late)]);
                    bench.go(Go::Begin, None).expect_err(&story);
                    let outcome = recover(&bench, go, &story);
                    let want = if go == Go::Resume {
                        Outcome::Done
                    } else {
                        Outcome::RolledBack
                    };
                    assert_eq!(outcome, want, "{story}");
                    tried += 1;
                }
            }
        }
    }
    println!("deaths inside steps: {tried} tried");
}

#[test]
fn every_undo_dies_at_every_point() {
    let mut tried = 0;
    let plan = window();
    for id in undo_ids() {
        for point in 0..=undo_of(plan.step(&id).unwrap()).len() {
            for (finished, late) in [(false, false), (false, true), (true, false), (true, true)] {
                if !finished && id == "lift" {
                    continue;
                }
                for go in [Go::Resume, Go::Rollback] {
                    let story = format!(
                        "undo of {id} dies at {point}, finished {finished}, late {late}, then {go:?}"
                    );
                    let mut faults = vec![dies(&id, Act::Undo, point, late)];
                    if !finished {
                        faults.push(fails("smoke", 0, Changed::Nothing));
                    }
                    let bench = Bench::with(faults);
                    if finished {
                        bench.ends(Go::Begin);
                        bench.go(Go::Rollback, None).expect_err(&story);
                    } else {
                        bench.go(Go::Begin, None).expect_err(&story);
                    }
                    assert_eq!(recover(&bench, go, &story), Outcome::RolledBack, "{story}");
                    tried += 1;
                }
            }
        }
    }
    println!("deaths inside undos: {tried} tried");
}

#[test]
fn a_probe_dies_or_fails() {
    for spec in &window().steps {
        for go in [Go::Resume, Go::Rollback] {
            let story = format!("the probe of {} dies, then {go:?}", spec.id);
            let at = work_of(spec).len();
            let bench = Bench::with(vec![
                dies(&spec.id, Act::Run, at, true),
                dies(&spec.id, Act::Probe, 0, true),
            ]);
            bench.go(Go::Begin, None).expect_err(&story);
            bench.go(Go::Resume, None).expect_err(&story);
            let want = if go == Go::Resume {
                Outcome::Done
            } else {
                Outcome::RolledBack
            };
            assert_eq!(recover(&bench, go, &story), want, "{story}");

            let story = format!("the probe of {} fails, then {go:?}", spec.id);
            let how = How::Fail {
                code: "unreachable",
                changed: Changed::Maybe,
            };
            let probe = Fault {
                step: spec.id.clone(),
                act: Act::Probe,
                point: 0,
                how,
                times: 1,
            };
            let bench = Bench::with(vec![dies(&spec.id, Act::Run, at, true), probe]);
            bench.go(Go::Begin, None).expect_err(&story);
            let state = bench.ends(Go::Resume);
            assert_eq!(state.ending().unwrap().outcome, Outcome::Held, "{story}");
            assert_eq!(recover(&bench, go, &story), want, "{story}");
        }
    }
}

/// Repeat each: the effect is whole, but the probe cannot tell, so what may run again runs again.
#[test]
fn every_step_is_repeated() {
    let mut repeated = 0;
    for spec in &window().steps {
        let story = format!("{} is repeated", spec.id);
        let probe = Fault {
            step: spec.id.clone(),
            act: Act::Probe,
            point: 0,
            how: How::SayPartial,
            times: 1,
        };
        let bench = Bench::with(vec![dies(&spec.id, Act::Run, work_of(spec).len(), false), probe]);
        bench.go(Go::Begin, None).expect_err(&story);
        let state = bench.ends(Go::Resume);
        let runs = bench
            .world
            .lock()
            .calls
            .iter()
            .filter(|c| c.0 == Act::Run && c.1 == spec.id)
            .count();
        if let StepKind::Statement { .. } = spec.kind {
            // Nobody knows what a half done statement has left: a person looks, and goes on.
            assert_eq!(
                bench.assert_right(&state, &story).outcome,
                Outcome::Held,
                "{story}"
            );
            assert_eq!(runs, 1, "{story}");
            let state = bench.ends(Go::Resume);
            assert_eq!(
                bench.assert_right(&state, &story).outcome,
                Outcome::Done,
                "{story}"
            );
        } else {
            assert_eq!(
                bench.assert_right(&state, &story).outcome,
                Outcome::Done,
                "{story}"
            );
            assert_eq!(runs, 2, "{story}");
            assert_eq!(state.steps[&spec.id].attempt, 2, "{story}");
            repeated += 1;
        }
    }
    assert!(repeated > 15);
}

#[test]
fn what_a_probe_finds_done_is_adopted_and_not_run_again() {
    let bench = Bench::with(vec![dies("contract.0", Act::Run, 0, true)]);
    bench.go(Go::Begin, None).expect_err("dies");
    let state = bench.ends(Go::Resume);
    bench.assert_right(&state, "adopted");
    assert_eq!(
        state.fact("contract.0", "adopted"),
        Some(&serde_json::json!(true))
    );
    let world = bench.world.lock();
    let runs = world
        .calls
        .iter()
        .filter(|c| c.0 == Act::Run && c.1 == "contract.0")
        .count();
    assert_eq!(runs, 1);
}
