use insta::assert_snapshot;

use super::scene::Scene;

#[test]
fn goes_through_on_a_copy_and_leaves_production_alone() {
    let scene = Scene::data();
    let before = scene.json("digest").expect(0).document;
    let rehearsed = scene.json("rehearse").expect(0);
    assert_eq!(rehearsed.document["passed"], true);
    assert_eq!(rehearsed.document["digest_before"], before["digest"]);
    assert_eq!(rehearsed.document["digest_after"], before["digest"]);
    assert_eq!(scene.json("digest").expect(0).document, before);
    assert!(!scene.path("backups").exists(), "a rehearsal's copies are its own");
    assert_snapshot!(rehearsed);

    // It is no run: nothing goes on from it.
    let id = rehearsed.text("run");
    assert!(scene.json("status").expect(0).document["run"].is_null());
    for verb in ["resume", "rollback"] {
        let failed = scene.json(&format!("{verb} {id}")).fails(2, "usage");
        assert!(failed.hint.contains("ventana rehearse"), "{failed:?}");
    }
    assert_eq!(scene.json(&format!("status {id}")).expect(0).document["mode"], "rehearsal");
    // What it took is what the plan expects.
    let plan = scene.json("plan").expect(0).document;
    let migrate = plan["steps"].as_array().unwrap().iter().find(|step| step["id"] == "migrate");
    assert!(migrate.unwrap()["expected_ms"].is_u64(), "{plan}");
}

#[test]
fn for_people() {
    assert_snapshot!(Scene::data().run("rehearse --lang es").expect(0));
}

#[test]
fn a_migration_that_fails_on_the_copy() {
    let scene = Scene::data();
    broken(&scene);
    let rehearsed = scene.json("rehearse").expect(12);
    assert_eq!(rehearsed.document["passed"], false);
    assert_eq!(rehearsed.document["forward"], "rolled_back");
    assert_eq!(scene.json("status").expect(0).document["fence"]["flag_present"], false);
}

/// The schema is one that the migration knows; a value is not.
fn broken(scene: &Scene) {
    scene.sqlite("UPDATE activos SET especificaciones = x'00FF' WHERE id = 5");
}
