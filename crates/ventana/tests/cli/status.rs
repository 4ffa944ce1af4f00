use std::fs::File;

use insta::assert_snapshot;

use super::resume::die_under_the_fence;
use super::scene::Scene;

#[test]
fn before_the_first_run() {
    let scene = Scene::data();
    let before = scene.files();
    assert_snapshot!(format!(
        "{}\n{}",
        scene.run("status --lang en").expect(0),
        scene.run("status --lang es").expect(0)
    ));
    assert!(scene.json("status").expect(0).document["run"].is_null());
    assert!(scene.files() == before, "status has changed a file");
}

#[test]
fn a_run_that_is_done() {
    let scene = Scene::data();
    scene.run("run").expect(0);
    let before = scene.files();
    let (en, json) = (
        scene.run("status --lang en").expect(0),
        scene.json("status").expect(0),
    );
    assert!(scene.files() == before, "status has changed a file");
    assert_snapshot!(format!("{en}\n{json}"));
    let id = json.text("run");
    // By a beginning that only one has.
    assert_eq!(
        scene.json(&format!("status {}", &id[..8])).expect(0).text("run"),
        id
    );
    let failed = scene.json("status 19990101").fails(2, "usage");
    assert!(failed.hint.contains(&id), "{failed:?}");
}

#[test]
fn a_run_whose_process_died() {
    let scene = Scene::data();
    die_under_the_fence(&scene);
    let said = [
        scene.run("status --lang en").expect(0),
        scene.run("status --lang es").expect(0),
        scene.json("status").expect(0).said,
    ];
    assert_snapshot!(said.map(|said| said.to_string()).join("\n"));
}

#[test]
fn a_run_at_work() {
    let scene = Scene::data();
    die_under_the_fence(&scene);
    let lease = File::open(scene.path("state/lease")).unwrap();
    lease.try_lock().unwrap();
    let status = scene.json("status").expect(0);
    assert_eq!(status.document["alive"], true);
    assert!(
        status.document["next"].is_null(),
        "nobody is to interfere\n{status}"
    );
    assert_snapshot!(scene.run("status --lang en").expect(0));
}

#[test]
fn a_fence_that_no_run_knows() {
    let scene = Scene::data();
    scene.file("inventario.db.fence", "{}");
    assert_snapshot!(scene.run("status --lang en").expect(0));
}
