use insta::assert_snapshot;

use super::scene::Scene;

#[test]
fn for_people_and_as_a_document() {
    let scene = Scene::data();
    let before = scene.files();
    let human = scene.run("digest --lang en").expect(0);
    let json = scene.json("digest").expect(0);
    assert!(scene.files() == before, "digest has changed a file");
    assert!(human.output.stdout.contains(&json.text("digest")));
    for table in json.document["tables"].as_array().unwrap() {
        assert!(
            table["name"].is_string() && table["rows"].is_u64() && table["digest"].is_string(),
            "{table}"
        );
    }
    assert_snapshot!(format!("{human}\n{json}"));
}

#[test]
fn is_the_contents_and_nothing_else() {
    let scene = Scene::data();
    let digest = || scene.json("digest").expect(0).text("digest");
    let first = digest();
    scene.sqlite("VACUUM");
    assert_eq!(digest(), first, "how pages lie is no content");
    scene.sqlite("UPDATE activos SET nombre = nombre || ' ' WHERE id = 7");
    let second = digest();
    assert_ne!(second, first, "a blank is content");
    scene.sqlite("UPDATE activos SET nombre = rtrim(nombre) WHERE id = 7");
    assert_eq!(digest(), first);
    scene.sqlite("CREATE INDEX i ON activos(nombre)");
    assert_ne!(digest(), first, "an index is content");
}

#[test]
fn of_what_is_no_database() {
    let scene = Scene::data();
    scene.file(
        "text.db",
        "this is a text, and has been one for long enough to be longer than a header of SQLite is\n",
    );
    scene.env(
        "DATABASE_URL",
        format!("sqlite://{}", scene.path("text.db").display()),
    );
    let human = scene.run("digest --lang en").expect(1);
    scene.env(
        "DATABASE_URL",
        format!("sqlite://{}", scene.path("none.db").display()),
    );
    let missing = scene.run("digest --lang en").expect(1);
    assert!(!scene.path("none.db").exists(), "digest has made a database");
    assert_snapshot!(format!("{human}\n{missing}"));
}
