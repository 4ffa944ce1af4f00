//! The way to the server: one of the connections is cut, all of them are, or nothing comes through any more.

use testkit::fault::Rule;
use testkit::{Output, Process};

use super::Seeded;
use super::place::{Place, assert_says_why};

/// What becomes of the way after so many bytes. Of a backup nearly all go to `ventana`, of a restore nearly all to the
/// server, so both directions are broken.
const FAULTS: [fn(u64) -> Rule; 3] = [Rule::CutOneAfter, Rule::CutAfter, Rule::StallAfter];

/// Each fault twice, once in each part of the way.
pub(super) fn cases(seed: u64, whole: u64) -> Vec<Rule> {
    let mut seeded = Seeded::new(seed);
    let part = whole / 7;
    let faults = FAULTS.iter().chain(&FAULTS).zip(0..);
    faults
        .map(|(fault, n)| fault(n * part + part / 2 + seeded.below(part)))
        .collect()
}

/// Runs it on a broken way. It ends by itself: the time limit of a process is generous and fails the drill.
pub(super) fn broken(place: &Place, rule: Rule, command: Process) -> Output {
    // Only now: a machine that is busy may well be silent for a moment.
    place.configure("silence = 1");
    place.proxy.set(rule);
    let output = command.run();
    place.configure("");
    // What the way still holds gets through, or is closed.
    place.proxy.cut();
    place.proxy.set(Rule::Pass);
    output
}

#[test]
fn in_a_backup() {
    let place = Place::new();
    let whole = place.bytes_of(place.ventana(&["backup"]));
    for rule in cases(11, whole) {
        let context = format!("a backup of {whole} bytes, {rule:?}");
        let output = broken(&place, rule, place.ventana(&["backup"]));
        assert_says_why(&place, &output, &context);
        place.assert_broken_backup(&context);
    }
}

#[test]
fn in_a_restore() {
    let place = Place::new();
    let backup = place.backup();
    let whole = place.bytes_of(place.restore(&backup));
    place.forget_copy();
    for rule in cases(12, whole) {
        let context = format!("a restore of {whole} bytes, {rule:?}");
        let output = broken(&place, rule, place.restore(&backup));
        assert_says_why(&place, &output, &context);
        place.assert_broken_restore(&backup, &context);
    }
}
