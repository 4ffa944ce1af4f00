use insta::assert_snapshot;

use super::scene::Scene;

#[test]
fn writes_an_example_and_never_over_a_file() {
    let scene = Scene::empty();
    let first = scene.run("init --lang en").expect(0);
    let example = scene.read("ventana.toml");
    assert!(example.contains("[database]") && example.contains("[smoke]"));
    scene.file("ventana.toml", "mine = 1\n");
    let second = scene.run("init --lang en").expect(2);
    assert_eq!(
        scene.read("ventana.toml"),
        "mine = 1\n",
        "not touched, and no obstacle either"
    );
    assert_snapshot!(format!("{first}\n{second}"));
    assert_eq!(scene.run("init --stdout").expect(0).output.stdout, example);
}

#[test]
fn speaks_spanish() {
    assert_snapshot!(Scene::empty().run("init --lang es").expect(0));
}

#[test]
fn as_a_document() {
    let scene = Scene::empty();
    assert_eq!(
        scene.json("init").expect(0).text("path"),
        scene.path("ventana.toml").display().to_string()
    );
    let failed = scene.json("init").fails(2, "usage");
    assert!(failed.hint.contains("ventana init --stdout"), "{failed:?}");
    assert_eq!(
        scene.json("init --stdout").expect(0).text("content"),
        scene.read("ventana.toml")
    );
}
