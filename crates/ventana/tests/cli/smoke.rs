use insta::assert_snapshot;

use super::scene::{SECRET, Scene};

#[test]
fn asks_the_running_service() {
    let scene = Scene::served();
    let human = scene.run("smoke --lang en").expect(0);
    let json = scene.json("smoke --write").expect(0);
    assert_eq!(
        json.document["checks"].as_array().unwrap().len(),
        4,
        "the one that writes is among them"
    );
    assert_snapshot!(format!("{human}\n{json}"));
}

#[test]
fn a_wrong_answer_is_a_failure() {
    let scene = Scene::served();
    scene.configure("status = 401", "status = 200");
    assert_snapshot!(scene.run("smoke --lang en").expect(1));
    let failed = scene.json("smoke").fails(1, "smoke");
    assert!(
        failed.message.contains("without a token nothing is shown"),
        "{failed:?}"
    );
}

#[test]
fn a_wrong_secret() {
    let scene = Scene::served();
    scene.env("JWT_SECRET", "another secret");
    let failed = scene.json("smoke").fails(1, "smoke");
    assert!(failed.message.contains("status 401"), "{failed:?}");
    scene.env("JWT_SECRET", "");
    let failed = scene.json("smoke").fails(2, "usage");
    assert!(
        failed.message.contains("JWT_SECRET") && failed.hint.contains("export"),
        "{failed:?}"
    );
    assert!(!format!("{failed:?}").contains(SECRET));
}

#[test]
fn nobody_answers() {
    let scene = Scene::data();
    let port = testkit::port::Port::reserve().unwrap();
    scene.configure_more(&format!(
        "[smoke]\nurl = \"http://127.0.0.1:{}\"\nwithin = 0\n",
        port.number()
    ));
    assert_snapshot!(scene.run("smoke --lang es").expect(1));
    scene.json("smoke").fails(1, "unhealthy");
}

#[test]
fn nothing_is_configured() {
    let scene = Scene::data();
    assert_snapshot!(scene.run("smoke --lang en").expect(2));
    assert!(
        scene
            .json("smoke")
            .fails(2, "usage")
            .hint
            .contains("[[smoke.check]]")
    );
}
