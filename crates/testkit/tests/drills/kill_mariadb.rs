//! `kill -9`, of `ventana` at its journal's records and of `mariadbd` in the middle of its work. Whoever goes on ends in
//! one of the two states that an unkilled window on the same data has: the one before it or the one after it.

use testkit::{Output, fixtures};
use testkit::mariadb::Rows;

use crate::world_mariadb::{Journal, State, World, wait_for};

/// The two right states, and the journal that led from one to the other.
struct Known {
    start: State,
    end: State,
    grants: Rows,
    journal: Journal,
}

impl Known {
    /// From an unkilled window; the world is as new afterwards.
    #[track_caller]
    fn of(world: &World) -> Known {
        let (start, grants) = (world.state(), world.grants());
        world.json(&["run"]).ok();
        let (end, journal) = (world.state(), world.journal());
        assert!(!end.same(&start));
        Known { start, end, grants, journal }
    }

    /// Where a process is killed that is at `step`: behind its beginning (nothing is done), behind the last thing that it
    /// wrote down (it is about to act), and before its end (it has acted, and nobody has written so).
    fn places(&self, step: &str) -> Vec<String> {
        let seqs = self.seqs(step);
        let (first, last) = (seqs[0], seqs[seqs.len() - 1]);
        let mut places = vec![format!("after:{}", last - 1), format!("before:{last}")];
        if first + 1 < last {
            places.insert(0, format!("after:{first}"));
        }
        places
    }

    /// [`Known::places`] with every other record of the step.
    fn all_places(&self, step: &str) -> Vec<String> {
        let seqs = self.seqs(step);
        let last = seqs[seqs.len() - 1];
        let after = seqs.iter().map(|seq| format!("after:{seq}"));
        after.chain([format!("before:{last}")]).collect()
    }

    fn seqs(&self, step: &str) -> Vec<u64> {
        let of_step = self.journal.records.iter().filter(|record| record["step"] == step);
        let seqs: Vec<u64> = of_step.filter_map(|record| record["seq"].as_u64()).collect();
        assert!(seqs.len() >= 2, "step {step} is not in the journal");
        seqs
    }

    #[track_caller]
    fn assert_start(&self, world: &World, context: &str) {
        world.state().assert_same(&self.start, context);
        assert_eq!(world.health(), ("r1".into(), 1), "{context}");
        self.assert_clean(world, context);
        for (now, then) in world.state().counters.iter().zip(&self.start.counters) {
            let number = |counter: &Option<String>| counter.as_ref().and_then(|text| text.parse::<u64>().ok());
            assert!(number(&now[1]) >= number(&then[1]), "{context}: {now:?} is lower than {then:?}");
        }
    }

    #[track_caller]
    fn assert_end(&self, world: &World, context: &str) {
        world.state().assert_same(&self.end, context);
        assert_eq!(world.health(), ("r2".into(), 2), "{context}");
        self.assert_clean(world, context);
    }

    #[track_caller]
    fn assert_clean(&self, world: &World, context: &str) {
        world.assert_unfenced(&self.grants, context);
        world.assert_no_scratch(context);
        let ours = "SELECT ID, INFO FROM information_schema.PROCESSLIST WHERE USER='ventana'";
        assert_eq!(world.server.query(ours), Rows::new(), "{context}: sessions left behind");
    }
}

/// What somebody does who finds a dead run.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Resume,
    Rollback,
}

/// Dies at `place` of a new window on `world`, goes `way`, and compares.
#[track_caller]
fn killed_at(world: &World, known: &Known, step: &str, place: &str, way: Way) {
    let context = format!("{step}, killed {place}, then {way:?}");
    world.reset(&fixtures::small_dump());
    world.die_at("run", place);
    let output = world.json(&[if way == Way::Resume { "resume" } else { "rollback" }]);
    assert_eq!(output.code, Some(0), "{context}\n{output}");
    let outcome = output.json()["outcome"].clone();
    match way {
        Way::Resume => {
            assert_eq!(outcome, "done", "{context}\n{output}");
            known.assert_end(world, &context);
        }
        Way::Rollback => {
            assert!(outcome == "rolled_back" || outcome == "failed", "{context}\n{output}");
            known.assert_start(world, &context);
        }
    }
}

/// Every place of `steps`, in turn with one way and the other.
#[track_caller]
fn in_turn(world: &World, known: &Known, steps: &[&str]) {
    for (n, step) in steps.iter().enumerate() {
        for (m, place) in known.places(step).iter().enumerate() {
            killed_at(world, known, step, place, if (n + m) % 2 == 0 { Way::Resume } else { Way::Rollback });
        }
    }
}

/// Both ways from where `step` has acted and from where it is about to.
#[track_caller]
fn both_ways(world: &World, known: &Known, step: &str) {
    for place in known.places(step).iter().rev().take(2) {
        killed_at(world, known, step, place, Way::Resume);
        killed_at(world, known, step, place, Way::Rollback);
    }
}

#[test]
fn ventana_dies_before_the_window() {
    let world = World::new(&fixtures::small_dump());
    let known = Known::of(&world);
    in_turn(&world, &known, &["preflight", "backup_a", "prove_a", "off_site_a", "stage", "expand.1", "sync.1", "sync.2", "proof"]);
    both_ways(&world, &known, "backfill");
}

#[test]
fn ventana_dies_inside_the_window() {
    let world = World::new(&fixtures::small_dump());
    let known = Known::of(&world);
    for (n, place) in known.all_places("fence").iter().enumerate() {
        killed_at(&world, &known, "fence", place, if n % 2 == 0 { Way::Rollback } else { Way::Resume });
    }
    both_ways(&world, &known, "fence");
    in_turn(&world, &known, &["digest_before", "backup_b", "verify_b", "proof_fenced", "contract.1", "contract.2"]);
    both_ways(&world, &known, "contract.3");
}

#[test]
fn ventana_dies_around_the_lift() {
    let world = World::new(&fixtures::small_dump());
    let known = Known::of(&world);
    for step in ["switch", "restart", "lift"] {
        both_ways(&world, &known, step);
    }
    in_turn(&world, &known, &["smoke", "invariants", "smoke_write", "off_site_b"]);

    // Before the first record there is no run yet, and a new one begins.
    world.reset(&fixtures::small_dump());
    world.die_at("run", "before:1");
    known.assert_start(&world, "killed before the first record");
    world.json(&["run"]).ok();
    known.assert_end(&world, "a run after one that never began");

    // After the last one the window is done: there is nothing to resume, and the way back is open.
    let last = known.journal.records.len();
    world.reset(&fixtures::small_dump());
    world.die_at("run", &format!("after:{last}"));
    assert_ne!(world.json(&["resume"]).code, Some(0));
    known.assert_end(&world, "killed after the last record");
    world.json(&["rollback"]).ok();
    known.assert_start(&world, "rolled back from the end");
}

#[test]
fn ventana_dies_on_the_way_back() {
    let world = World::new(&fixtures::small_dump());
    let known = Known::of(&world);
    world.json(&["rollback"]).ok();
    known.assert_start(&world, "an unkilled rollback");
    let journal = world.journal();
    let undos: Vec<(u64, &str, &str)> = journal.records[known.journal.records.len()..]
        .iter()
        .filter_map(|record| Some((record["seq"].as_u64()?, record["event"].as_str()?, record["step"].as_str()?)))
        .collect();
    let undone: Vec<&str> = undos.iter().filter(|(_, event, _)| *event == "undo_finished").map(|(_, _, step)| *step).collect();
    for step in ["lift", "restart", "switch", "contract.3", "contract.1", "sync.2", "expand.1", "digest_before", "fence"] {
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
        let context = format!("undo of {step}, killed {place}, then {}", if turn { "resume" } else { "rollback" });
        world.reset(&fixtures::small_dump());
        world.json(&["run"]).ok();
        world.die_at("rollback", &place);
        let output = world.json(&[if turn { "resume" } else { "rollback" }]);
        // `resume` ends with the run's own code.
        assert_eq!(output.code, Some(if turn { 3 } else { 0 }), "{context}\n{output}");
        assert_eq!(output.json()["outcome"], "rolled_back", "{context}\n{output}");
        known.assert_start(&world, &context);
    }
}

/// Sessions of `ventana` that are busy with such a statement.
fn busy_with(world: &World, statement: &str) -> Option<()> {
    let sql = format!("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER='ventana' AND INFO LIKE '{statement}%'");
    (world.server.value(&sql)?.parse::<u64>().ok()? > 0).then_some(())
}

/// The server dies under a window that is on its way; the window says that it did not come through.
#[track_caller]
fn server_dies(world: &World, context: &str, window: impl FnOnce() -> Output) {
    let output = window();
    assert!(!matches!(output.code, None | Some(0 | 3)), "{context}: a window whose server is dead claims to be whole\n{output}");
    assert!(output.json()["error"]["message"].is_string(), "{context}: nobody says why\n{output}");
    world.server.restart();
}

/// Goes on after the server is back: forward where the run still goes forward, else back.
#[track_caller]
fn go_on(world: &World, known: &Known, context: &str, way: Way) {
    let output = world.json(&[if way == Way::Resume { "resume" } else { "rollback" }]);
    let document = output.json();
    match (way, document["outcome"].as_str()) {
        (Way::Resume, Some("done")) => {
            assert_eq!(output.code, Some(0), "{context}\n{output}");
            known.assert_end(world, context);
        }
        (_, Some("rolled_back" | "failed")) => {
            assert_eq!(output.code, Some(if way == Way::Resume { 3 } else { 0 }), "{context}\n{output}");
            known.assert_start(world, context);
        }
        _ => panic!("{context}\n{output}"),
    }
}

#[test]
fn mariadbd_dies_in_the_middle() {
    let world = World::new(&fixtures::small_dump());
    let known = Known::of(&world);
    for way in [Way::Resume, Way::Rollback] {
        // A row that somebody holds keeps the backfill waiting in the middle.
        world.reset(&fixtures::small_dump());
        world.die_at("run", &format!("after:{}", known.journal.seq("finished", "sync.2")));
        let mut holder = world.session("root", "");
        holder.run("BEGIN; SELECT id FROM activos WHERE especificaciones IS NOT NULL ORDER BY id DESC LIMIT 1 FOR UPDATE").unwrap();
        let context = format!("mariadbd killed in the backfill, then {way:?}");
        server_dies(&world, &context, || {
            let window = world.ventana(&["--json", "resume"]).spawn();
            wait_for("the backfill", || busy_with(&world, "UPDATE `activos`"));
            world.server.kill9();
            window.wait()
        });
        go_on(&world, &known, &context, way);

        // Somebody reads the table in a transaction, so the contract's ALTER waits.
        world.reset(&fixtures::small_dump());
        world.die_at("run", &format!("after:{}", known.journal.seq("finished", "contract.2")));
        let mut holder = world.session("root", "");
        holder.run("BEGIN; SELECT id FROM activos LIMIT 1").unwrap();
        let context = format!("mariadbd killed in the contract, then {way:?}");
        server_dies(&world, &context, || {
            let window = world.ventana(&["--json", "resume"]).spawn();
            wait_for("the contract", || busy_with(&world, "ALTER TABLE activos CHANGE"));
            world.server.kill9();
            window.wait()
        });
        go_on(&world, &known, &context, way);

        // The power goes when the new release is started.
        world.reset(&fixtures::small_dump());
        let pid = world.server.pid().unwrap();
        world.sandbox().file("before-start.sh", format!("kill -9 {pid}\nrm before-start.sh\n"));
        let context = format!("mariadbd killed in the restart, then {way:?}");
        server_dies(&world, &context, || world.json(&["run"]));
        go_on(&world, &known, &context, way);
    }
}
