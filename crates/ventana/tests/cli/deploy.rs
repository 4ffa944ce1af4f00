use std::os::unix::fs::PermissionsExt as _;

use insta::assert_snapshot;

use super::resume::die_under_the_fence;
use super::scene::Scene;

#[test]
fn a_dry_run_changes_nothing() {
    let scene = Scene::data();
    let before = scene.files();
    let human = scene.run("deploy --dry-run --lang en").expect(0);
    let json = scene.json("deploy --dry-run").expect(0);
    assert!(scene.files() == before, "a dry run has changed a file");
    assert_snapshot!(format!("{human}\n{json}"));
}

#[test]
fn a_release_with_a_migration_is_left_to_a_window() {
    let scene = Scene::data();
    assert_snapshot!(scene.run("deploy --lang en").expect(2));
    assert!(
        scene
            .json("deploy")
            .fails(2, "usage")
            .hint
            .contains("ventana run")
    );
    assert_eq!(scene.current(), "r1");
}

#[test]
fn a_release_alone() {
    let scene = Scene::served();
    scene.file("ventana.toml", &scene.configuration("r2", false));
    let deployed = scene.json("deploy").expect(0);
    assert_eq!(
        (deployed.text("from"), deployed.text("to")),
        ("r1".into(), "r2".into())
    );
    assert_eq!(
        testkit::http::get(scene.url("/healthz")).expect(200).json()["release"],
        "r2"
    );
    assert_eq!(scene.current(), "r2");
    assert_snapshot!(deployed);
}

#[test]
fn a_release_that_does_not_start_is_taken_back() {
    let scene = Scene::served();
    scene.file("ventana.toml", &scene.configuration("r2", false));
    let program = scene.file(
        "build/r2/inventario",
        "#!/bin/sh\necho 'no such library' >&2\nexit 1\n",
    );
    std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let failed = scene.json("deploy").fails(3, "rolled_back");
    assert!(
        failed.message.contains("no such library") && failed.message.contains("the release before is back"),
        "{failed:?}"
    );
    assert_eq!(scene.current(), "r1");
    assert_eq!(
        testkit::http::get(scene.url("/healthz")).expect(200).json()["release"],
        "r1"
    );
}

#[test]
fn the_first_release_of_all() {
    let scene = Scene::served();
    // What `Scene::served` did: nothing was deployed before, and no folder was there.
    assert_eq!(scene.current(), "r1");
    assert_eq!(
        testkit::http::get(scene.url("/healthz")).expect(200).json()["release"],
        "r1"
    );
}

#[test]
fn not_while_a_run_is_open() {
    let scene = Scene::data();
    die_under_the_fence(&scene);
    scene.file("ventana.toml", &scene.configuration("r2", false));
    assert!(
        scene
            .json("deploy")
            .fails(4, "open_run")
            .hint
            .contains("ventana rollback")
    );
    scene.json("deploy --dry-run").expect(0);
    assert_eq!(scene.current(), "r1");
}

#[test]
fn nothing_comes_back_when_nothing_was_there() {
    let scene = Scene::served();
    scene.file("ventana.toml", &scene.configuration("r2", false));
    let program = scene.file("build/r2/inventario", "#!/bin/sh\nexit 1\n");
    std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::remove_file(scene.path("app/current")).unwrap();
    let failed = scene.json("deploy").fails(3, "rolled_back");
    assert!(
        failed.message.contains("nothing is deployed, as before"),
        "{failed:?}"
    );
    assert!(!scene.path("app/current").is_symlink());
}

#[test]
fn what_does_not_come_back_is_said() {
    let scene = Scene::served();
    scene.file("ventana.toml", &scene.configuration("r2", false));
    for program in ["build/r2/inventario", "app/releases/r1/inventario"] {
        let program = scene.file(program, "#!/bin/sh\nexit 1\n");
        std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let failed = scene.json("deploy").fails(5, "rollback_failed");
    assert!(
        failed.message.contains("did not come back") && !failed.hint.is_empty(),
        "{failed:?}"
    );
}

#[test]
fn no_release_is_configured() {
    let scene = Scene::empty();
    assert_snapshot!(scene.run("deploy --lang es").expect(2));
    assert!(scene.json("deploy").fails(2, "usage").hint.contains("[release]"));
}
