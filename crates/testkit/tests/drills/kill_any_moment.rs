//! `kill -9` of `ventana` at moments that no journal record marks: in the middle of a copy, a restore, an exchange of the
//! process. The moments come from a seed; what each of them hits depends on the machine, what must follow does not.

use std::time::{Duration, Instant};

use testkit::process::Signal;

use crate::kill_sqlite::fence_by_journal;
use crate::world::data::{self, assert_same};
use crate::world::pairs::in_pairs;
use crate::world::{Fixture, Scene};

/// How many windows are killed.
const KILLS: usize = 16;

/// xorshift64.
fn moments(whole: Duration) -> Vec<(usize, Duration)> {
    let mut seed = 20_251_106_u64;
    let next = |_| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        whole.mul_f64((seed % 1000) as f64 / 1000.0)
    };
    (0..KILLS).map(next).enumerate().collect()
}

#[test]
fn a_window_that_is_killed_at_any_moment_goes_on() {
    let fixture = Fixture::new();
    let original = data::dump(&fixture.database());
    let scene = Scene::new(&fixture);
    let begun = Instant::now();
    scene.run(["run"]).ok();
    let whole = begun.elapsed();
    data::assert_migrated(&fixture.database(), &scene.database(), 0);
    let new = data::dump(&scene.database());
    let died = std::sync::atomic::AtomicUsize::new(0);
    in_pairs(&moments(whole), |(number, moment)| {
        let scene = Scene::new(&fixture);
        let run = scene.ventana(["run"]).spawn();
        // The moment itself, not a wait for something.
        std::thread::park_timeout(*moment);
        run.signal(Signal::KILL);
        if run.wait().signal == Some(9) {
            died.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        }
        let records = match scene.runs().last() {
            Some(_) => scene.journal(),
            None => Vec::new(),
        };
        if let Some(fence) = fence_by_journal(&records) {
            assert_eq!(
                scene.flag().exists(),
                fence,
                "the flag file after {:?}",
                records.last()
            );
        }
        let back = number % 3 == 2 && !records.is_empty();
        let over = records.last().is_none_or(|last| last["event"] == "closed");
        if records.is_empty() {
            scene.run(["run"]).ok();
        } else if back || !over {
            scene.run([if back { "rollback" } else { "resume" }]).ok();
        }
        let (wanted, release) = if back { (&original, "r1") } else { (&new, "r2") };
        assert_same(&data::dump(&scene.database()), wanted, "the data at the end");
        scene.assert_stands_at(release);
    });
    let died = died.into_inner();
    assert!(died >= KILLS / 2, "only {died} of {KILLS} were killed in time");
}
