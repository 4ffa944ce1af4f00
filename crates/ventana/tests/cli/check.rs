use insta::assert_snapshot;

use super::scene::{SECRET, Scene};

#[test]
fn says_what_is_configured_and_from_where_and_changes_nothing() {
    let scene = Scene::data();
    let before = scene.files();
    let en = scene.run("check --lang en").expect(0);
    assert!(scene.files() == before, "check has changed a file");
    assert_snapshot!(en);
    assert_snapshot!("in_spanish", scene.run("check --lang es").expect(0));
}

#[test]
fn as_a_document() {
    let scene = Scene::data();
    assert_snapshot!(scene.json("check").expect(0));
}

#[test]
fn a_database_that_is_not_there() {
    let scene = Scene::data();
    std::fs::remove_file(scene.database()).unwrap();
    assert_snapshot!(scene.run("check --lang es").expect(1));
    assert!(!scene.database().exists(), "check has made a database");
    let json = scene.json("check").expect(1);
    assert_eq!(json.document["ok"], false);
}

#[test]
fn the_environment_goes_before_the_file() {
    let scene = Scene::data();
    scene.env("BACKUP_DIR", scene.path("elsewhere").display().to_string());
    scene.env(
        "DATABASE_URL",
        format!("sqlite://{}", scene.path("other.db").display()),
    );
    std::fs::copy(scene.database(), scene.path("other.db")).unwrap();
    assert_snapshot!(scene.run("check --lang en").expect(0));
}

#[test]
fn without_a_file_the_environment_suffices() {
    let scene = Scene::data();
    std::fs::remove_file(scene.path("ventana.toml")).unwrap();
    scene.env("DATABASE_URL", format!("sqlite://{}", scene.database().display()));
    // The default is a folder of the machine's, which may be there or not.
    scene.env("BACKUP_DIR", scene.path("backups").display().to_string());
    assert_snapshot!(scene.run("check --lang en").expect(0));
}

#[test]
fn the_service_is_asked_where_one_is_configured() {
    let scene = Scene::served();
    let up = scene.json("check").expect(0);
    assert!(!up.said.everything().contains(SECRET));
    let service = up.document["checks"]
        .as_array()
        .unwrap()
        .iter()
        .find(|check| check["check"] == "service");
    assert_eq!(service.unwrap()["ok"], true);
    // Its own process is ended by the kernel, not by ventana.
    let service = scene.sandbox().processes().pop().expect("the service runs");
    let killed = std::process::Command::new("/bin/kill")
        .args(["-9", &service.pid.to_string()])
        .status();
    assert!(killed.unwrap().success());
    let down = scene.run("check --lang en").expect(1);
    assert!(down.everything().contains("✗ service: "), "{}", down.output);
}
