//! Every step fails, at every point, knowing or not knowing what it changed; every undo fails.

use engine::fault::VERIFICATION_FAILED;
use engine::{Changed, Outcome};

use super::bench::*;
use super::fake::{undo_of, work_of};
use super::plan::window;
use super::world::{Act, Fault, How};

/// What the policy says about a failure of this step.
fn expected(step: &str, changed: Changed) -> Outcome {
    let plan = window();
    let at = plan.position(step).unwrap();
    let first_effect = plan.position("expand.0").unwrap();
    let lift = plan.position("lift").unwrap();
    match at {
        at if at < first_effect || (at == first_effect && changed == Changed::Nothing) => Outcome::Failed,
        at if at <= lift => Outcome::RolledBack,
        _ => Outcome::Held,
    }
}

#[test]
fn every_step_fails() {
    let mut tried = 0;
    for spec in &window().steps {
        for point in 0..=work_of(spec).len() {
            for changed in [Changed::Maybe, Changed::Nothing] {
                if changed == Changed::Nothing && point > 0 {
                    continue; // it may not report this
                }
                let story = format!("{} fails at {point}, {changed:?} changed", spec.id);
                let bench = Bench::with(vec![fails(&spec.id, point, changed)]);
                let state = bench.ends(Go::Begin);
                assert_eq!(
                    bench.assert_right(&state, &story).outcome,
                    expected(&spec.id, changed),
                    "{story}"
                );
                if expected(&spec.id, changed) == Outcome::Held {
                    // Put right, a person goes on to the end.
                    bench.world.lock().faults.clear();
                    let state = bench.ends(Go::Resume);
                    assert_eq!(
                        bench.assert_right(&state, &story).outcome,
                        Outcome::Done,
                        "{story}"
                    );
                } else {
                    bench.assert_right_and_a_way_out(&state, &story);
                }
                let bench = Bench::with(vec![fails(&spec.id, point, changed)]);
                let state = bench.ends(Go::Begin);
                bench.assert_right_and_a_way_out(&state, &story);
                tried += 2;
            }
        }
    }
    println!("failing steps: {tried} faults tried");
}

#[test]
fn every_undo_fails() {
    let mut tried = 0;
    let plan = window();
    for id in undo_ids() {
        let spec = plan.step(&id).unwrap();
        for point in 0..=undo_of(spec).len() {
            // A failure as late as the undo can still be reached without a lift; a rollback of the finished run.
            for late in [false, true] {
                if !late && id == "lift" {
                    continue;
                }
                let story = format!("undo of {id} fails at {point}, late {late}");
                let mut faults = vec![undo_fails(&id, point)];
                if !late {
                    faults.push(fails("invariants", 0, Changed::Nothing));
                }
                let bench = Bench::with(faults);
                let mut state = bench.ends(Go::Begin);
                if late {
                    assert_eq!(state.ending().unwrap().outcome, Outcome::Done, "{story}");
                    state = bench.ends(Go::Rollback);
                }
                let ending = bench.assert_right(&state, &story);
                assert_eq!(
                    (ending.outcome, ending.exit_code),
                    (Outcome::RollbackFailed, 5),
                    "{story}"
                );
                assert_eq!(
                    undos(&bench).last(),
                    Some(&id),
                    "nothing is undone after a failed undo: {story}"
                );
                // The same again, and it fails again; then it is put right, and both ways lead out.
                let state = bench.ends(Go::Resume);
                assert_eq!(
                    bench.assert_right(&state, &story).outcome,
                    Outcome::RollbackFailed,
                    "{story}"
                );
                bench.world.lock().faults.clear();
                let state = bench.ends(if late { Go::Resume } else { Go::Rollback });
                assert_eq!(
                    bench.assert_right(&state, &story).outcome,
                    Outcome::RolledBack,
                    "{story}"
                );
                tried += 1;
            }
        }
    }
    println!("failing undos: {tried} faults tried");
}

#[test]
fn undos_run_in_reverse_and_the_last_ones_last() {
    let bench = Bench::with(vec![fails("smoke", 1, Changed::Maybe)]);
    bench.assert_right(&bench.ends(Go::Begin), "smoke fails");
    let want = [
        "switch",
        "contract.1",
        "contract.0",
        "sync.0",
        "expand.1",
        "expand.0",
        "stage",
        "digest_before",
        "fence",
    ];
    assert_eq!(undos(&bench), want);

    let bench = Bench::new();
    bench.ends(Go::Begin);
    bench.assert_right(&bench.ends(Go::Rollback), "rollback of a finished run");
    assert_eq!(undos(&bench)[0], "lift");
    assert_eq!(undos(&bench)[1..], want);
}

#[test]
fn a_verification_that_fails_before_any_effect_has_its_own_exit_code() {
    for (step, exit_code) in [("prove_a", 12), ("stage", 12), ("proof_fenced", 3), ("watch", 4)] {
        let how = How::Fail {
            code: VERIFICATION_FAILED,
            changed: Changed::Maybe,
        };
        let bench = Bench::with(vec![Fault {
            step: step.into(),
            act: Act::Run,
            point: 0,
            how,
            times: u32::MAX,
        }]);
        let ending = bench.assert_right(&bench.ends(Go::Begin), step);
        assert_eq!(ending.exit_code, exit_code, "{step}");
    }
}

#[test]
fn a_failure_in_the_rollback_of_a_failure_is_not_hidden_by_what_comes_after() {
    // Two undos would fail: the first one that does ends it, the second is never reached.
    let faults = vec![
        fails("smoke", 0, Changed::Nothing),
        undo_fails("contract.0", 0),
        undo_fails("digest_before", 0),
    ];
    let bench = Bench::with(faults);
    let state = bench.ends(Go::Begin);
    assert_eq!(bench.assert_right(&state, "two undos fail").exit_code, 5);
    assert_eq!(undos(&bench), ["switch", "contract.1", "contract.0"]);
    assert!(bench.service().fenced());
}
