use insta::assert_snapshot;

use super::scene::{MIGRATION, Scene};

#[test]
fn goes_through_on_a_copy_and_leaves_production_alone() {
    let scene = Scene::data();
    let before = scene.json("digest").expect(0).document;
    let rehearsed = scene.json("rehearse").expect(0);
    assert_eq!(rehearsed.document["passed"], true);
    assert_eq!(rehearsed.document["digest_before"], before["digest"]);
    assert_eq!(rehearsed.document["digest_after"], before["digest"]);
    assert_eq!(scene.json("digest").expect(0).document, before);
    assert!(
        !scene.path("backups").exists(),
        "a rehearsal's copies are its own"
    );
    assert_snapshot!(rehearsed);

    // It is no run: nothing goes on from it.
    let id = rehearsed.text("run");
    assert!(scene.json("status").expect(0).document["run"].is_null());
    for verb in ["resume", "rollback"] {
        let failed = scene.json(&format!("{verb} {id}")).fails(2, "usage");
        assert!(failed.hint.contains("ventana rehearse"), "{failed:?}");
    }
    assert_eq!(
        scene.json(&format!("status {id}")).expect(0).document["mode"],
        "rehearsal"
    );
    // What it took is what the plan expects.
    let plan = scene.json("plan").expect(0).document;
    let migrate = plan["steps"]
        .as_array()
        .unwrap()
        .iter()
        .find(|step| step["id"] == "migrate");
    assert!(migrate.unwrap()["expected_ms"].is_u64(), "{plan}");
}

#[test]
fn for_people() {
    assert_snapshot!(Scene::data().run("rehearse --lang es").expect(0));
}

#[test]
fn a_migration_that_fails_on_the_copy() {
    let scene = Scene::data();
    // A migration that forgets what is no JSON.
    let file = format!("build/r2/migrations/{MIGRATION}/migration.toml");
    let text = scene.read(&file);
    let forgets = text.replace(
        "set = \"especificaciones_v2 = ${json:especificaciones}\"",
        "set = \"especificaciones_v2 = NULL\"",
    );
    assert_ne!(text, forgets);
    scene.file(&file, &forgets);
    let rehearsed = scene.json("rehearse").expect(12);
    assert_eq!(rehearsed.document["passed"], false);
    assert_eq!(rehearsed.document["forward"], "rolled_back");
    let steps = rehearsed.document["steps"].as_array().unwrap();
    let failed: Vec<_> = steps
        .iter()
        .filter(|step| !step["error"].is_null())
        .map(|step| &step["id"])
        .collect();
    assert_eq!(failed, ["migrate"]);
    assert_eq!(
        scene.json("status").expect(0).document["fence"]["flag_present"],
        false
    );
}
