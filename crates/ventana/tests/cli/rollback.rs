use insta::assert_snapshot;

use super::resume::die_under_the_fence;
use super::scene::Scene;

#[test]
fn there_is_nothing_to_take_back() {
    let scene = Scene::data();
    assert_snapshot!(scene.run("rollback --lang es").expect(2));
    assert!(!scene.json("rollback").fails(2, "usage").hint.is_empty());
}

#[test]
fn a_run_that_is_done_and_nobody_has_written_since() {
    let scene = Scene::served();
    let before = scene.json("digest").expect(0).text("digest");
    scene.run("run").expect(0);
    let back = scene.json("rollback --reason 'people do not like it'").expect(0);
    assert_eq!(
        (back.text("outcome"), back.document["exit_code"].as_i64()),
        ("rolled_back".into(), Some(0))
    );
    assert_eq!(
        (back.text("digest_before"), back.text("digest_after")),
        (before.clone(), before.clone())
    );
    assert_eq!(scene.json("digest").expect(0).text("digest"), before);
    assert!(
        std::fs::read_to_string(back.text("journal"))
            .unwrap()
            .contains("people do not like it")
    );
    let health = testkit::http::get(scene.url("/healthz")).expect(200).json();
    assert_eq!((&health["release"], &health["schema"]), (&"r1".into(), &1.into()));
    assert_snapshot!(format!("{back}\n{}", back.events()));
}

#[test]
fn writes_since_the_lift_are_never_thrown_away() {
    let scene = Scene::data();
    scene.run("run").expect(0);
    scene.sqlite("UPDATE activos SET nombre = 'written after the window' WHERE id = 1");
    let digest = scene.json("digest").expect(0).text("digest");
    let back = scene.json("rollback").expect(4);
    assert_eq!(back.text("outcome"), "held");
    assert_eq!(scene.json("digest").expect(0).text("digest"), digest);
    assert_eq!(scene.current(), "r2");
    let status = scene.run("status --lang en").expect(0);
    assert_snapshot!(format!("{back}\n{status}"));
}

#[test]
fn a_dead_run_for_people() {
    let scene = Scene::data();
    let before = scene.json("digest").expect(0).text("digest");
    die_under_the_fence(&scene);
    let back = scene.run("rollback --lang en").expect(0);
    assert_eq!(scene.json("digest").expect(0).text("digest"), before);
    assert!(!scene.path("inventario.db.fence").exists());
    assert_eq!(scene.current(), "r1");
    assert_snapshot!(back);
}
