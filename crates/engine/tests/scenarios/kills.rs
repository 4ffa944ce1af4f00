//! The process is killed before and after every journal record, the machine tears the record that was being written,
//! and the process that goes on is killed as well.

use std::io::Write;

use engine::journal::{self, Event};
use engine::{Changed, Outcome};

use super::bench::*;
use super::fake::work_of;
use super::plan::window;
use super::world::Fault;

/// What a person does, in order; each of them a process.
type Script = &'static [Go];

const RUN: Script = &[Go::Begin];
const RUN_AND_BACK: Script = &[Go::Begin, Go::Rollback];

/// Plays the script until the kill, if it comes to it. Returns whether it did.
fn play(bench: &Bench, script: Script, kill: Option<Kill>) -> bool {
    script.iter().any(|go| bench.go(*go, kill).is_err())
}

fn kills_between(first: u64, last: u64) -> impl Iterator<Item = Kill> {
    (first..=last).flat_map(|seq| [Kill { seq, after: false }, Kill { seq, after: true }])
}

/// Kills around every record from `first` on; after each, `resume` and `rollback` must both end right. Returns how many
/// were tried.
fn matrix(faults: &[Fault], script: Script, first: impl Fn(&[journal::Record]) -> u64, story: &str) -> u32 {
    let whole = Bench::with(faults.to_vec());
    assert!(!play(&whole, script, None), "{story}");
    let records = whole.records();
    let undisturbed = whole.service();
    let outcome = whole.ends(Go::Resume).ending().unwrap().outcome;
    let mut tried = 0;
    for kill in kills_between(first(&records), records.len() as u64) {
        for go in [Go::Resume, Go::Rollback] {
            let story = format!("{story}, {kill:?}, then {go:?}");
            let bench = Bench::with(faults.to_vec());
            assert!(play(&bench, script, Some(kill)), "never got there: {story}");
            let state = bench.ends(go);
            let ending = bench.assert_right(&state, &story);
            // The request itself may be what was lost; then the run goes on as if it had not been made.
            let request_lost = script == RUN_AND_BACK && state.rollback_requested.is_none();
            match go {
                Go::Resume if outcome == Outcome::Held && ending.outcome == Outcome::Held => {}
                _ if request_lost => assert_eq!(ending.outcome, Outcome::Done, "{story}"),
                Go::Resume => {
                    assert_eq!(
                        (ending.outcome, bench.service()),
                        (outcome, undisturbed.clone()),
                        "{story}"
                    );
                }
                // Nothing was begun, so what was asked for on a run that never was is the run.
                _ if state.rollback_requested.is_none() => assert_eq!(ending.outcome, outcome, "{story}"),
                _ => assert!(
                    matches!(ending.outcome, Outcome::RolledBack | Outcome::RollbackFailed),
                    "{story}: {ending:?}"
                ),
            }
            bench.assert_right_and_a_way_out(&state, &story);
            tried += 1;
        }
    }
    tried
}

fn from_the_first(_: &[journal::Record]) -> u64 {
    1
}

fn from_the_failure(records: &[journal::Record]) -> u64 {
    records
        .iter()
        .find(|record| matches!(record.event, Event::Failed { .. }))
        .map_or(1, |record| record.seq)
}

#[test]
fn around_every_record_of_a_green_run() {
    let tried = matrix(&[], RUN, from_the_first, "green run");
    println!("green run: {tried} kills tried");
}

#[test]
fn around_every_record_of_a_rollback_of_a_finished_run() {
    let tried = matrix(&[], RUN_AND_BACK, from_the_first, "run and rollback");
    println!("run and rollback: {tried} kills tried");
}

#[test]
fn around_every_record_after_every_failure() {
    let mut tried = 0;
    for spec in &window().steps {
        let point = work_of(spec).len() / 2;
        let faults = [fails(&spec.id, point, Changed::Maybe)];
        tried += matrix(
            &faults,
            RUN,
            from_the_failure,
            &format!("{} fails at {point}", spec.id),
        );
    }
    println!("failing runs: {tried} kills tried");
}

#[test]
fn around_every_record_after_every_failed_undo() {
    let mut tried = 0;
    for id in undo_ids().into_iter().filter(|id| id != "lift") {
        let faults = [fails("smoke", 0, Changed::Nothing), undo_fails(&id, 0)];
        tried += matrix(
            &faults,
            RUN,
            from_the_failure,
            &format!("smoke fails, then the undo of {id}"),
        );
    }
    tried += matrix(
        &[undo_fails("lift", 1)],
        RUN_AND_BACK,
        from_the_first,
        "the undo of lift fails",
    );
    println!("failing undos: {tried} kills tried");
}

#[test]
fn twice() {
    let mut tried = 0;
    let smoke_fails = [fails("smoke", 0, Changed::Nothing)];
    for (faults, outcome) in [(&[][..], Outcome::Done), (&smoke_fails[..], Outcome::RolledBack)] {
        let whole = Bench::with(faults.to_vec());
        whole.ends(Go::Begin);
        let last = whole.records().len() as u64;
        for first in kills_between(2, last) {
            // Every seventh place after the first kill, so that each kind of record gets its turn.
            for second in kills_between(first.seq + 1, last + 3).step_by(7) {
                for go in [Go::Resume, Go::Rollback] {
                    let story = format!("{first:?}, resume, {second:?}, {go:?}");
                    let bench = Bench::with(faults.to_vec());
                    bench.go(Go::Begin, Some(first)).expect_err(&story);
                    let _ = bench.go(Go::Resume, Some(second)); // may end before it gets there
                    let state = bench.ends(go);
                    let ending = bench.assert_right_and_a_way_out(&state, &story);
                    if go == Go::Resume {
                        assert_eq!(ending.outcome, outcome, "{story}");
                    }
                    tried += 1;
                }
            }
        }
    }
    println!("killed twice: {tried} kills tried");
}

#[test]
fn with_the_record_torn() {
    let mut tried = 0;
    let whole = Bench::new();
    whole.ends(Go::Begin);
    let text = std::fs::read(whole.journal()).unwrap();
    let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    for (index, line) in lines.iter().enumerate() {
        for length in [1, line.len() / 2, line.len() - 1] {
            for go in [Go::Resume, Go::Rollback] {
                let story = format!("record {} torn after {length} bytes, then {go:?}", index + 1);
                let bench = Bench::new();
                let kill = Kill {
                    seq: index as u64 + 1,
                    after: false,
                };
                bench.go(Go::Begin, Some(kill)).expect_err(&story);
                let mut file = std::fs::OpenOptions::new()
                    .append(true)
                    .open(bench.journal())
                    .unwrap();
                file.write_all(&line[..length]).unwrap();
                let state = bench.ends(go);
                let ending = bench.assert_right(&state, &story);
                let want = if go == Go::Resume || index == 0 {
                    Outcome::Done
                } else {
                    Outcome::RolledBack
                };
                assert_eq!(ending.outcome, want, "{story}");
                let kept = bench.journal().with_extension("jsonl.torn");
                if index > 0 {
                    assert!(
                        std::fs::read(kept).unwrap().starts_with(&line[..length]),
                        "{story}"
                    );
                }
                tried += 1;
            }
        }
    }
    println!("torn records: {tried} kills tried");
}
