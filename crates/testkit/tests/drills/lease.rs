//! Two people at once, and a person who changes her mind: one run at a time, and Ctrl-C loses nothing.

use serde_json::json;
use testkit::Service;
use testkit::process::Signal;

use crate::world::data::{self, assert_same};
use crate::world::{Fixture, Scene};

/// A scene whose new release waits at a gate before it serves, so that a run stands still in its middle: under the
/// fence, the data migrated, the service gone.
fn gated() -> (Scene, std::path::PathBuf) {
    let scene = Scene::new(&Fixture::new());
    let gate = scene.path("gate");
    let program = scene.path("build/r2/inventario");
    let launcher = std::fs::read_to_string(&program).unwrap();
    let waiting = format!("until [ -e {} ]; do sleep 0.02; done\nexec", gate.display());
    std::fs::write(&program, launcher.replacen("exec", &waiting, 1)).unwrap();
    (scene, gate)
}

/// Begins a run and waits until it stands at the gate.
fn begun(scene: &Scene) -> Service {
    let run = scene.ventana(["run"]).spawn();
    run.wait_line(r#""step":"restart""#);
    run
}

#[test]
fn a_second_run_finds_the_lease_taken() {
    let (scene, gate) = gated();
    let run = begun(&scene);
    for verb in [
        &["run"][..],
        &["resume"],
        &["rollback"],
        &["rehearse"],
        &["fence", "off"],
    ] {
        let refused = scene.run(verb.iter().copied()).expect(10);
        let document = refused.json();
        assert_eq!(document["error"]["code"], "lease_held", "{refused}");
        assert!(document["error"]["hint"].is_string(), "{refused}");
    }
    let status = scene.run(["status"]).ok().json();
    assert_eq!(
        (
            &status["alive"],
            &status["fence"]["flag_present"],
            &status["step"]
        ),
        (&json!(true), &json!(true), &json!("restart")),
        "{status}"
    );
    assert!(scene.flag().exists(), "nobody lifted the fence");
    std::fs::write(&gate, "").unwrap();
    let done = run.wait().ok().json();
    assert_eq!(done["outcome"], "done");
    assert_eq!(scene.runs().len(), 1, "the refused ones left no run behind");
    scene.assert_stands_at("r2");
}

#[test]
fn an_interrupted_window_goes_on() {
    for signal in [Signal::INT, Signal::TERM] {
        let (scene, gate) = gated();
        let run = begun(&scene);
        run.signal(signal);
        let interrupted = run.wait().expect(130);
        let document = interrupted.json();
        assert_eq!(
            (&document["outcome"], &document["exit_code"]),
            (&json!("interrupted"), &json!(130)),
            "{interrupted}"
        );
        assert!(scene.flag().exists(), "the fence stays on until somebody goes on");
        let status = scene.run(["status"]).ok().json();
        assert_eq!(
            (&status["outcome"], &status["alive"]),
            (&json!("interrupted"), &json!(false)),
            "{status}"
        );
        std::fs::write(&gate, "").unwrap();
        let done = scene.run(["resume"]);
        assert_eq!(done.code, Some(0), "{done}");
        assert_eq!(done.json()["outcome"], "done", "{done}");
        data::assert_migrated(&scene.fixture().database(), &scene.database(), 0);
        scene.assert_stands_at("r2");
    }
}

#[test]
fn a_run_that_is_not_over_comes_first() {
    for at in ["after:13", "after:28"] {
        let scene = Scene::new(&Fixture::new());
        let killed = scene.ventana(["run"]).env("VENTANA_TEST_KILL", at).run();
        assert_eq!(killed.signal, Some(9), "{killed}");
        let again = scene.run(["run"]).expect(4);
        assert_eq!(again.json()["error"]["code"], "open_run", "{again}");
        assert!(again.stdout.contains("ventana resume"), "{again}");
        assert_eq!(scene.runs().len(), 1);
        scene.run(["resume"]).ok();
        scene.assert_stands_at("r2");
    }
}

#[test]
fn an_interrupted_window_can_be_taken_back() {
    let (scene, gate) = gated();
    let run = begun(&scene);
    // The second Ctrl-C does not wait for the step.
    run.signal(Signal::INT);
    run.signal(Signal::INT);
    run.wait().expect(130);
    std::fs::write(&gate, "").unwrap();
    let back = scene.run(["rollback"]).ok().json();
    assert_eq!(back["outcome"], "rolled_back", "{back}");
    let original = data::dump(&scene.fixture().database());
    assert_same(
        &data::dump(&scene.database()),
        &original,
        "the data after the rollback",
    );
    scene.assert_stands_at("r1");
}
