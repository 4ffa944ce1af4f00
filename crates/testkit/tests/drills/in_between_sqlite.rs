//! What else happens to a run that its process left: people write, a power cut tears its last record, a hand changes
//! another one, the service is started by somebody else.

use serde_json::{Value, json};

use crate::world::data::{self, assert_same};
use crate::world::pairs::in_pairs;
use crate::world::{Fixture, Scene};

/// The number of the record `event` of `step` in a run that nothing disturbs.
fn record_of(records: &[Value], event: &str, step: &str) -> u64 {
    let record = records
        .iter()
        .find(|record| record["event"] == event && record["step"] == step);
    record.expect("the record is there")["seq"].as_u64().unwrap()
}

/// A scene with a run that died at `at`.
fn died(scene: Scene, at: &str) -> Scene {
    let killed = scene.ventana(["run"]).env("VENTANA_TEST_KILL", at).run();
    assert_eq!(killed.signal, Some(9), "{killed}");
    scene
}

/// The fence was lifted and nobody could journal it: whoever writes then keeps what was written, whatever comes next.
#[test]
fn a_write_between_the_lift_and_its_record_is_kept() {
    let fixture = Fixture::new();
    let whole = Scene::new(&fixture);
    whole.run(["run"]).ok();
    let at = format!("before:{}", record_of(&whole.journal(), "finished", "lift"));
    for (verb, code, outcome) in [("resume", 0, "done"), ("rollback", 4, "held")] {
        let scene = died(Scene::new(&fixture), &at);
        assert!(!scene.flag().exists());
        let written = scene.put(&scene.token(), 3, &json!({ "notas": "just in time" }));
        assert_eq!(written.status, 200, "{}", written.text());
        let before = data::dump(&scene.database());
        let output = scene.run([verb]);
        assert_eq!(output.code, Some(code), "{output}");
        assert_eq!(output.json()["outcome"], outcome, "{output}");
        assert_same(&data::dump(&scene.database()), &before, verb);
        scene.assert_stands_at("r2");
    }
}

/// After a rollback that was refused the service stays where it is, and the next window is not barred for ever.
#[test]
fn a_refused_rollback_is_not_the_end() {
    let scene = Scene::new(&Fixture::new());
    scene.run(["run"]).ok();
    let token = scene.token();
    assert_eq!(
        scene.put(&token, 3, &json!({ "notas": "work went on" })).status,
        200
    );
    scene.run(["rollback"]).expect(4);
    let resumed = scene.run(["resume"]);
    assert_eq!(
        resumed.code,
        Some(0),
        "it goes on forward, as it was done: {resumed}"
    );
    assert_eq!(
        scene.run(["status"]).ok().json()["outcome"],
        "done",
        "the run is over"
    );
    scene.assert_stands_at("r2");
    assert_eq!(
        data::value(&scene.database(), "SELECT notas FROM activos WHERE id=3"),
        "work went on"
    );
}

/// The refusal itself may be cut short anywhere: no write is lost and the fence does not stay on.
#[test]
fn a_refused_rollback_that_is_killed_loses_nothing() {
    let fixture = Fixture::new();
    let written = || {
        let scene = Scene::new(&fixture);
        scene.run(["run"]).ok();
        let answer = scene.put(&scene.token(), 3, &json!({ "notas": "work went on" }));
        assert_eq!(answer.status, 200);
        scene
    };
    let whole = written();
    let first = whole.journal().len() + 1;
    whole.run(["rollback"]).expect(4);
    let last = whole.journal().len();
    let cases: Vec<String> = (first..=last)
        .flat_map(|seq| [format!("before:{seq}"), format!("after:{seq}")])
        .collect();
    in_pairs(&cases, |at| {
        let scene = written();
        let before = data::dump(&scene.database());
        let killed = scene.ventana(["rollback"]).env("VENTANA_TEST_KILL", at).run();
        assert_eq!(killed.signal, Some(9), "{killed}");
        scene.run(["rollback"]).expect(4);
        assert_same(&data::dump(&scene.database()), &before, "nothing is taken back");
        scene.assert_stands_at("r2");
        scene.run(["resume"]).ok();
        assert_same(
            &data::dump(&scene.database()),
            &before,
            "nothing is lost going on",
        );
        scene.assert_stands_at("r2");
    });
}

/// A power cut in the middle of a record: that record counts for nothing, the run goes on.
#[test]
fn a_torn_record_counts_for_nothing() {
    for torn in [
        "{\"seq\":24,\"at\":\"2025-11-06T23:00:0",
        "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
    ] {
        let scene = died(Scene::new(&Fixture::new()), "after:23");
        let journal = scene.run_dir().join("journal.jsonl");
        let mut text = std::fs::read_to_string(&journal).unwrap();
        text.push_str(torn);
        std::fs::write(&journal, text).unwrap();
        assert_eq!(scene.run(["status"]).ok().json()["torn"], true);
        let done = scene.run(["resume"]).ok().json();
        assert_eq!(done["outcome"], "done");
        data::assert_chained(&journal);
        let kept = std::fs::read_to_string(scene.run_dir().join("journal.jsonl.torn")).unwrap();
        assert_eq!(kept.trim_end_matches('\n'), torn, "what was cut off is kept");
        scene.assert_stands_at("r2");
    }
}

/// A journal that somebody changed is believed by no verb: nothing is done on its strength.
#[test]
fn a_changed_record_stops_everything() {
    let scene = died(Scene::new(&Fixture::new()), "after:25");
    let journal = scene.run_dir().join("journal.jsonl");
    let text = std::fs::read_to_string(&journal).unwrap();
    let changed = text.replacen("\"attempt\":1", "\"attempt\":2", 1);
    assert_ne!(changed, text);
    std::fs::write(&journal, &changed).unwrap();
    let before = data::dump(&scene.database());
    for verb in ["resume", "rollback", "status", "run"] {
        let refused = scene.run([verb]);
        assert!(matches!(refused.code, Some(1 | 12)), "{refused}");
        let message = refused.json()["error"]["message"].to_string();
        assert!(message.contains("line 2"), "it says where: {message}");
    }
    assert_eq!(std::fs::read_to_string(&journal).unwrap(), changed);
    assert_same(&data::dump(&scene.database()), &before, "the data");
    assert!(
        scene.flag().exists(),
        "the fence stays until a person has looked at it"
    );
}

/// The file with the service's number is lost, as when `ventana` dies right before it writes it.
#[test]
fn a_service_without_its_pid_file_is_found() {
    let scene = Scene::new(&Fixture::new());
    for (verb, release) in [("run", "r2"), ("rollback", "r1")] {
        std::fs::remove_file(scene.path("state/service.pid")).unwrap();
        scene.run([verb]).ok();
        scene.assert_stands_at(release);
    }
}

/// Somebody else has started the service: `ventana` cannot end it, and must not take it for the release that it wanted.
#[test]
fn a_service_of_somebody_else_is_not_taken_for_the_one_that_was_wanted() {
    let fixture = Fixture::new();
    let original = data::dump(&fixture.database());
    // Forward: the old release goes on serving, so the window fails and everything is as it was.
    let scene = Scene::new(&fixture);
    let foreign = scene.exchange_service();
    scene.run(["run"]).expect(3);
    assert_same(&data::dump(&scene.database()), &original, "forward");
    scene.assert_stands_at("r1");
    drop(foreign);

    // Back: the new release goes on serving, on the old schema: nobody may call that restored.
    let scene = Scene::new(&fixture);
    scene.run(["run"]).ok();
    let foreign = scene.exchange_service();
    let failed = scene.run(["rollback"]).expect(5);
    assert_eq!(failed.json()["outcome"], "rollback_failed", "{failed}");
    assert!(
        scene.flag().exists(),
        "the fence stays on until the service is right"
    );
    foreign.terminate();
    scene.run(["rollback"]).ok();
    assert_same(&data::dump(&scene.database()), &original, "back");
    scene.assert_stands_at("r1");
}
