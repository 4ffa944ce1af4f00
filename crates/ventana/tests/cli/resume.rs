use insta::assert_snapshot;

use super::scene::Scene;

#[test]
fn there_is_nothing_to_resume() {
    let scene = Scene::data();
    assert_snapshot!(scene.run("resume --lang en").expect(2));
    let failed = scene.json("resume").fails(2, "usage");
    assert!(!failed.hint.is_empty(), "{failed:?}");
    scene.json("resume 20200101_000000").fails(2, "usage");
}

#[test]
fn a_dead_run_goes_on() {
    let scene = Scene::data();
    die_under_the_fence(&scene);
    let before = scene.json("digest").expect(0).text("digest");

    // Nothing else begins meanwhile, and it is said how to go on.
    let refused = scene.json("run").fails(4, "open_run");
    assert!(
        refused.hint.contains("ventana resume") && refused.hint.contains("ventana rollback"),
        "{refused:?}"
    );

    let resumed = scene.json("resume").expect(0);
    assert_eq!(
        (resumed.text("outcome"), resumed.document["exit_code"].as_i64()),
        ("done".into(), Some(0))
    );
    assert_eq!(resumed.text("digest_before"), before);
    assert_eq!(
        resumed.text("digest_after"),
        scene.json("digest").expect(0).text("digest")
    );
    assert_eq!(scene.current(), "r2");
    assert!(!scene.path("inventario.db.fence").exists());
    assert_snapshot!(format!("{resumed}\n{}", resumed.events()));
}

#[test]
fn for_people() {
    let scene = Scene::data();
    die_under_the_fence(&scene);
    assert_snapshot!(scene.run("resume --lang en").expect(0));
}

#[test]
fn a_run_that_is_over() {
    let scene = Scene::data();
    scene.run("run").expect(0);
    let digest = scene.json("digest").expect(0).text("digest");
    let again = scene.run("resume --lang en").expect(2);
    assert!(
        scene
            .json("resume")
            .fails(2, "usage")
            .hint
            .contains("ventana rollback")
    );
    assert_eq!(scene.json("digest").expect(0).text("digest"), digest);
    assert_snapshot!(again);
}

/// Killed right after backup B was journaled.
pub(super) fn die_under_the_fence(scene: &Scene) {
    let backup = record_of(scene, "backup_b");
    let killed = scene
        .ventana("run")
        .env("VENTANA_TEST_KILL", format!("after:{backup}"))
        .run();
    assert_eq!(killed.signal, Some(9), "{killed}");
    assert!(scene.path("inventario.db.fence").exists());
}

/// The number of the journal record that says `finished` of a step, counted in a scene of its own.
fn record_of(like: &Scene, step: &str) -> u64 {
    let scene = Scene::data();
    scene.file(
        "ventana.toml",
        &like.read("ventana.toml").replace(
            &like.sandbox().work().display().to_string(),
            &scene.sandbox().work().display().to_string(),
        ),
    );
    scene.run("run").expect(0);
    let journal = std::fs::read_to_string(scene.run_dir().join("journal.jsonl")).unwrap();
    let records = journal
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    records
        .filter(|record| {
            record.to_string().contains("finished") && record.to_string().contains(&format!("\"{step}\""))
        })
        .find_map(|record| record["seq"].as_u64())
        .unwrap_or_else(|| panic!("no record of {step} in {journal}"))
}
