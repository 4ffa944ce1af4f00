//! A finished window on SQLite is taken back: exactly, or, once people have written, not at all.

use serde_json::json;

use crate::world::data::{self, assert_same};
use crate::world::{Fixture, Scene};

#[test]
fn a_window_without_a_write_after_it_is_taken_back_exactly() {
    let fixture = Fixture::new();
    let scene = Scene::new(&fixture);
    let original = data::dump(&fixture.database());
    let run = scene.run(["run"]).ok().json();
    let kinds = data::assert_migrated(&fixture.database(), &scene.database(), 0);
    for kind in ["valid", "wrapped", "empty", "null"] {
        assert!(kinds.contains_key(kind), "{kinds:?}");
    }
    assert_eq!(scene.run(["digest"]).ok().json()["digest"], run["digest_after"]);

    let back = scene.run(["rollback", "--reason", "a drill"]).ok().json();
    assert_eq!(
        (&back["outcome"], &back["exit_code"], &back["digest_after"]),
        (&json!("rolled_back"), &json!(0), &run["digest_before"])
    );
    assert_same(
        &data::dump(&scene.database()),
        &original,
        "the data after the rollback",
    );
    scene.assert_stands_at("r1");
    assert_eq!(scene.run(["digest"]).ok().json()["digest"], run["digest_before"]);
    assert_eq!(
        scene.put(&scene.token(), 1, &json!({ "notas": "after" })).status,
        200
    );
    data::assert_chained(&scene.run_dir().join("journal.jsonl"));
    assert_eq!(
        scene.run(["report", "verify"]).ok().json()["verified"],
        json!(true)
    );

    // The next attempt is a run of its own, from where the service stands now.
    let again = scene.run(["run"]).ok().json();
    assert_eq!(again["outcome"], "done");
    assert_ne!(again["run"], run["run"]);
    scene.assert_stands_at("r2");
    let notas = data::value(&scene.database(), "SELECT notas FROM activos WHERE id=1");
    assert_eq!(notas, "after");
}

#[test]
fn a_write_after_the_lift_is_never_rolled_back() {
    let fixture = Fixture::new();
    let scene = Scene::new(&fixture);
    scene.run(["run"]).ok();
    let token = scene.token();
    assert_eq!(
        scene.put(&token, 3, &json!({ "notas": "after the lift" })).status,
        200
    );
    let after = data::dump(&scene.database());

    let back = scene.run(["rollback"]).expect(4).json();
    assert_eq!(
        (&back["outcome"], &back["exit_code"]),
        (&json!("held"), &json!(4)),
        "{back}"
    );
    assert_same(
        &data::dump(&scene.database()),
        &after,
        "a refused rollback changes nothing",
    );
    scene.assert_stands_at("r2");
    assert_eq!(
        scene.put(&token, 4, &json!({ "notas": "and on" })).status,
        200,
        "writes are accepted again"
    );
    let status = scene.run(["status"]).ok().json();
    assert_eq!(
        (&status["outcome"], &status["fence"]["flag_present"]),
        (&json!("held"), &json!(false)),
        "{status}"
    );
}
