//! `mariadbd` is killed in the middle, and comes back.

use testkit::fault::Rule;
use testkit::{Output, Process};

use super::Seeded;
use super::place::{Place, assert_says_why};
use crate::world_mariadb::wait_for;

/// Runs it until `bytes` have passed and kills the server there; the server is back afterwards.
pub(super) fn server_dies_after(place: &Place, bytes: u64, command: Process) -> Output {
    place.proxy.set(Rule::StallAfter(bytes));
    let running = command.spawn();
    wait_for("the stall", || {
        (place.proxy.stalls() || !running.is_running()).then_some(())
    });
    place.server.kill9();
    place.proxy.set(Rule::Pass);
    let output = running.wait();
    place.server.restart();
    output
}

/// Moments in the middle of a command, away from its ends.
pub(super) fn moments(seed: u64, whole: u64) -> Vec<u64> {
    let mut seeded = Seeded::new(seed);
    [1, 3, 5, 7]
        .map(|n| whole * n / 10 + seeded.below(whole / 10))
        .to_vec()
}

#[test]
fn in_a_backup() {
    let place = Place::new();
    let whole = place.bytes_of(place.ventana(&["backup"]));
    for bytes in moments(7, whole) {
        let context = format!("the server killed in a backup, after {bytes} of {whole} bytes");
        let output = server_dies_after(&place, bytes, place.ventana(&["backup"]));
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
    for bytes in moments(8, whole) {
        let context = format!("the server killed in a restore, after {bytes} of {whole} bytes");
        let output = server_dies_after(&place, bytes, place.restore(&backup));
        assert_says_why(&place, &output, &context);
        place.assert_broken_restore(&backup, &context);
    }
}
