//! `ventana` itself is killed: after so many bytes of its talk with the server, and at every point of its own work.

use super::Seeded;
use super::place::Place;
use super::whole;

/// Kills of each kind by bytes.
pub(super) const KILLS: u64 = 12;

/// One in each part of `whole`, so that no seed leaves a phase out.
pub(super) fn moments(seed: u64, whole: u64) -> Vec<u64> {
    let mut seeded = Seeded::new(seed);
    let part = (whole / KILLS).max(1);
    (0..KILLS).map(|n| n * part + seeded.below(part)).collect()
}

#[test]
fn in_a_backup_after_so_many_bytes() {
    let place = Place::new();
    let whole = place.bytes_of(place.ventana(&["backup"]));
    let died = moments(20_251_122, whole).into_iter().filter(|&bytes| {
        let killed = place.killed_after(bytes, place.ventana(&["backup"]));
        place.assert_broken_backup(&format!("a backup killed after {bytes} of {whole} bytes"));
        killed.is_some()
    });
    let died = died.count() as u64;
    assert!(died >= KILLS - 2, "only {died} of {KILLS} were killed in time");
}

#[test]
fn in_a_restore_after_so_many_bytes() {
    let place = Place::new();
    let backup = place.backup();
    let whole = place.bytes_of(place.restore(&backup));
    place.forget_copy();
    let died = moments(20_251_123, whole).into_iter().filter(|&bytes| {
        let killed = place.killed_after(bytes, place.restore(&backup));
        place.assert_broken_restore(
            &backup,
            &format!("a restore killed after {bytes} of {whole} bytes"),
        );
        killed.is_some()
    });
    let died = died.count() as u64;
    assert!(died >= KILLS - 2, "only {died} of {KILLS} were killed in time");
}

/// More points than any of these commands has.
const MOST: u64 = 400;

/// Kills at points some steps apart, up to the first that the command does not reach.
pub(super) fn at_points(seed: u64, steps: u64, mut play: impl FnMut(&str) -> testkit::Output) {
    let (mut seeded, mut point, mut died) = (Seeded::new(seed), 1, 0);
    while point < MOST {
        let output = play(&format!("point:{point}"));
        if output.signal.is_none() {
            output.ok();
            assert!(
                died >= KILLS,
                "only {died} were killed; it has fewer than {point} points"
            );
            return;
        }
        died += 1;
        point += 1 + seeded.below(steps);
    }
    panic!("it never came to its end");
}

#[test]
fn in_a_backup_at_points_of_its_work() {
    let place = Place::new();
    at_points(20_251_124, 4, |at| {
        let output = place.ventana(&["backup"]).env("VENTANA_TEST_KILL", at).run();
        place.assert_broken_backup(&format!("a backup killed at {at}"));
        output
    });
}

/// Between the last chunk and the name: instructions, manifest, sums, folders, name, each of them.
#[test]
fn in_each_step_that_finishes_a_backup() {
    let place = Place::new();
    let (mut unfinished, mut finished) = (0, 0);
    loop {
        let at = format!("finish:{}", unfinished + finished + 1);
        let output = place
            .ventana(&["backup", "--no-restore"])
            .env("VENTANA_TEST_KILL", &at)
            .run();
        if output.signal.is_none() {
            output.ok();
            break;
        }
        let folders = whole::folders(&place.backups());
        let [folder] = folders.as_slice() else {
            panic!("{at}: {folders:?}");
        };
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        if whole::partial(&name) {
            assert_eq!(finished, 0, "{at}: whole before, and now {name}");
            unfinished += 1;
        } else {
            finished += 1;
        }
        place.assert_broken_backup(&format!("a backup killed at {at}"));
    }
    assert_eq!(
        (unfinished, finished),
        (6, 2),
        "steps before the name, and behind it"
    );
}

#[test]
fn in_a_restore_at_points_of_its_work() {
    let place = Place::new();
    let backup = place.backup();
    at_points(20_251_125, 3, |at| {
        let output = place.restore(&backup).env("VENTANA_TEST_KILL", at).run();
        place.assert_broken_restore(&backup, &format!("a restore killed at {at}"));
        output
    });
}
