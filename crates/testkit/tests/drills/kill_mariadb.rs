//! `kill -9` of `ventana` at its journal's records. Whoever goes on ends in one of the two states that an unkilled window
//! on the same data has: the one before it or the one after it.

#[path = "kill_mariadb/known.rs"]
mod known;
#[path = "kill_mariadb/server.rs"]
mod server;

use testkit::fixtures;

use crate::world_mariadb::World;
use known::Known;

/// A world for many windows on the small dump, and what an unkilled one of them shows.
fn begin() -> (World, Known) {
    let world = World::new(&fixtures::small_dump());
    world.lighten_releases();
    world.reset(&fixtures::small_dump());
    let known = Known::of(&world);
    (world, known)
}

/// As [`begin`] had it. After a window that was taken back the world is there already, as was just proven.
fn at_the_start(world: &World) {
    if world.health() != ("r1".into(), 1) {
        world.reset(&fixtures::small_dump());
    }
}

/// What somebody does who finds a dead run.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Resume,
    Rollback,
}

impl Way {
    fn verb(self) -> &'static str {
        match self {
            Way::Resume => "resume",
            Way::Rollback => "rollback",
        }
    }
}

/// Dies at `place` of a new window on `world`, goes `way`, and compares.
#[track_caller]
fn killed_at(world: &World, known: &Known, step: &str, place: &str, way: Way) {
    let context = format!("{step}, killed {place}, then {way:?}");
    at_the_start(world);
    world.die_at("run", place);
    let output = world.json(&[way.verb()]);
    assert_eq!(output.code, Some(0), "{context}\n{output}");
    let outcome = output.json()["outcome"].clone();
    match way {
        Way::Resume => {
            assert_eq!(outcome, "done", "{context}\n{output}");
            known.assert_end(world, &context);
        }
        Way::Rollback => {
            assert!(
                outcome == "rolled_back" || outcome == "failed",
                "{context}\n{output}"
            );
            known.assert_start(world, &context);
        }
    }
}

/// Every place of `steps`, in turn with one way and the other.
#[track_caller]
fn in_turn(world: &World, known: &Known, steps: &[&str]) {
    for (n, step) in steps.iter().enumerate() {
        for (m, place) in known.places(step).iter().enumerate() {
            killed_at(
                world,
                known,
                step,
                place,
                if (n + m) % 2 == 0 {
                    Way::Resume
                } else {
                    Way::Rollback
                },
            );
        }
    }
}

/// Both ways from where `step` has acted and nobody has written so, one from where it is about to act.
#[track_caller]
fn both_ways(world: &World, known: &Known, step: &str) {
    let places = known.places(step);
    if let [.., about_to, acted] = &places[..] {
        killed_at(world, known, step, about_to, Way::Rollback);
        killed_at(world, known, step, acted, Way::Rollback);
        killed_at(world, known, step, acted, Way::Resume);
    }
}

#[test]
fn ventana_dies_before_the_window() {
    let (world, known) = begin();
    in_turn(
        &world,
        &known,
        &[
            "preflight",
            "backup_a",
            "prove_a",
            "off_site_a",
            "stage",
            "expand.1",
            "sync.1",
            "sync.2",
            "proof",
        ],
    );
    both_ways(&world, &known, "backfill");
}

#[test]
fn ventana_dies_inside_the_window() {
    let (world, known) = begin();
    for (n, place) in known.all_places("fence").iter().enumerate() {
        killed_at(
            &world,
            &known,
            "fence",
            place,
            if n % 2 == 0 { Way::Rollback } else { Way::Resume },
        );
    }
    in_turn(
        &world,
        &known,
        &[
            "digest_before",
            "backup_b",
            "verify_b",
            "proof_fenced",
            "contract.1",
            "contract.2",
        ],
    );
    both_ways(&world, &known, "contract.3");
}

#[test]
fn ventana_dies_around_the_lift() {
    let (world, known) = begin();
    for step in ["switch", "restart", "lift"] {
        both_ways(&world, &known, step);
    }
    in_turn(
        &world,
        &known,
        &["smoke", "invariants", "smoke_write", "off_site_b"],
    );

    // Before the first record there is no run yet, and a new one begins.
    at_the_start(&world);
    world.die_at("run", "before:1");
    known.assert_start(&world, "killed before the first record");
    world.json(&["run"]).ok();
    known.assert_end(&world, "a run after one that never began");

    // After the last one the window is done: there is nothing to resume, and the way back is open.
    let last = known.journal.records.len();
    at_the_start(&world);
    world.die_at("run", &format!("after:{last}"));
    assert_ne!(world.json(&["resume"]).code, Some(0));
    known.assert_end(&world, "killed after the last record");
    world.json(&["rollback"]).ok();
    known.assert_start(&world, "rolled back from the end");
}

#[test]
fn ventana_dies_on_the_way_back() {
    let (world, known) = begin();
    world.json(&["rollback"]).ok();
    known.assert_start(&world, "an unkilled rollback");
    let journal = world.journal();
    let undos: Vec<(u64, &str, &str)> = journal.records[known.journal.records.len()..]
        .iter()
        .filter_map(|record| {
            Some((
                record["seq"].as_u64()?,
                record["event"].as_str()?,
                record["step"].as_str()?,
            ))
        })
        .collect();
    let undone: Vec<&str> = undos
        .iter()
        .filter(|(_, event, _)| *event == "undo_finished")
        .map(|(_, _, step)| *step)
        .collect();
    for step in [
        "lift",
        "restart",
        "switch",
        "contract.3",
        "contract.1",
        "sync.2",
        "expand.1",
        "digest_before",
        "fence",
    ] {
        assert!(undone.contains(&step), "{step} is not undone: {undone:?}");
    }
    let mut turn = false;
    for (seq, event, step) in &undos {
        // Its effect is there and nobody has written so: the hardest place. And the easiest, now and then.
        let place = match *event {
            "undo_finished" => format!("before:{seq}"),
            "undo_started" if matches!(*step, "contract.3" | "fence" | "lift") => format!("after:{seq}"),
            "fact" if *step == "lift" => format!("after:{seq}"),
            _ => continue,
        };
        turn = !turn;
        let context = format!(
            "undo of {step}, killed {place}, then {}",
            if turn { "resume" } else { "rollback" }
        );
        at_the_start(&world);
        world.json(&["run"]).ok();
        world.die_at("rollback", &place);
        let output = world.json(&[if turn { "resume" } else { "rollback" }]);
        // `resume` ends with the run's own code.
        assert_eq!(output.code, Some(if turn { 3 } else { 0 }), "{context}\n{output}");
        assert_eq!(output.json()["outcome"], "rolled_back", "{context}\n{output}");
        known.assert_start(&world, &context);
    }
}
