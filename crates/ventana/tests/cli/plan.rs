use insta::assert_snapshot;

use super::scene::{MIGRATION, Scene};

#[test]
fn for_people() {
    let scene = Scene::data();
    let en = scene.run("plan --lang en").expect(0);
    let es = scene.run("plan --lang es").expect(0);
    assert_snapshot!(format!("{en}\n{es}"));
}

#[test]
fn as_a_document_and_the_same_twice() {
    let scene = Scene::served();
    let first = scene.json("plan").expect(0);
    let second = scene.json("plan").expect(0);
    assert_eq!(first.document, second.document);
    for step in first.document["steps"].as_array().unwrap() {
        for name in ["id", "kind", "effect", "undo", "expected_ms"] {
            assert!(step.get(name).is_some(), "{name}: {step}");
        }
    }
    let kept: serde_json::Value = serde_json::from_str(&scene.read("state/plan.json")).unwrap();
    assert_eq!(
        kept["plan_digest"], first.document["plan_digest"],
        "the plan that a run is held to"
    );
    assert_snapshot!(first);
}

#[test]
fn every_input_is_pinned() {
    let scene = Scene::data();
    let digest = || scene.json("plan").expect(0).text("plan_digest");
    let mut seen = vec![digest()];
    let mut changed = |what: &str| {
        let now = digest();
        assert!(!seen.contains(&now), "{what} is not in the plan's digest");
        seen.push(now);
    };
    scene.configure_more("# a remark\n");
    changed("the configuration");
    scene.file("build/r2/extra", "x");
    changed("a file of the release");
    scene.sqlite("CREATE VIEW v AS SELECT 1 AS one");
    changed("the schema");
    // The data are not: writers go on between plan and window.
    scene.sqlite("UPDATE activos SET nombre = nombre || '!' WHERE id = 1");
    assert_eq!(digest(), *seen.last().unwrap());
}

#[test]
fn a_release_alone() {
    let scene = Scene::data();
    scene.configure(&format!("[migration]\nid = \"{MIGRATION}\"\n"), "");
    assert_snapshot!(scene.run("plan --lang en").expect(0));
}

#[test]
fn what_cannot_be_planned() {
    let scene = Scene::data();
    let mut said = String::new();
    let mut refused = |scene: &Scene, exit: i32, code: &str| {
        let human = scene.run("plan --lang en").expect(exit);
        let failed = scene.json("plan").fails(exit, code);
        assert!(human.output.stderr.contains(&failed.message), "{}", human.output);
        assert!(!failed.hint.is_empty(), "{failed:?}");
        assert!(!scene.path("state/plan.json").exists());
        said.push_str(&format!("{human}\n"));
    };
    scene.configure("build/r2", "build/r9");
    refused(&scene, 2, "usage");
    scene.configure("build/r9", "build/r1");
    refused(&scene, 2, "usage");
    scene.configure("build/r1", "build/r2");
    scene.configure(MIGRATION, "0009_nothing");
    refused(&scene, 2, "usage");
    scene.configure("0009_nothing", MIGRATION);
    scene.sqlite("ALTER TABLE activos RENAME COLUMN especificaciones TO spec");
    refused(&scene, 1, "refused");
    scene.file(
        "ventana.toml",
        &format!("[database]\nurl = \"sqlite://{}\"\n", scene.database().display()),
    );
    refused(&scene, 2, "usage");
    assert_snapshot!(said);
}
