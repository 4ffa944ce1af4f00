use insta::assert_snapshot;
use testkit::fault;

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

#[test]
fn of_a_backup_from_its_files_alone() {
    let scene = Scene::data();
    let live = scene.json("digest").expect(0);
    scene.json("backup --no-restore").expect(0);
    assert_eq!(
        scene.json("digest --backup latest").expect(0).document,
        live.document
    );
    scene.sqlite("UPDATE activos SET nombre = 'another' WHERE id = 7");
    assert_ne!(scene.json("digest").expect(0).document, live.document);
    let human = scene.run("digest --backup latest --lang es").expect(0);
    assert!(human.output.stdout.contains(&live.text("digest")));
    assert!(
        scene.path("state/scratch").read_dir().unwrap().next().is_none(),
        "nothing stays in the scratch folder"
    );
    let missing = scene
        .run("digest --backup inventario_20200101_000000 --lang en")
        .expect(2);
    assert_snapshot!(format!("{human}\n{missing}"));
}

#[test]
fn where_two_are_equal() {
    let scene = Scene::data();
    let path = scene.json("backup --no-restore").expect(0).text("path");
    let before = std::fs::read(scene.database()).unwrap();
    let said = [
        scene.run("digest --diff backup:latest live --lang en").expect(0),
        scene
            .run(&format!("digest --diff live {path} --lang es"))
            .expect(0),
    ];
    let json = scene.json("digest --diff live live").expect(0);
    assert_eq!(json.document["equal"], true);
    assert_eq!(
        std::fs::read(scene.database()).unwrap(),
        before,
        "a diff has changed the file"
    );
    assert_snapshot!(said.map(|said| said.to_string()).join("\n"));
}

/// Damage is no failure like another: whoever asks learns which file it is in.
#[test]
fn of_a_damaged_backup_says_which_file_it_is_in() {
    let scene = Scene::data();
    let path = scene.json("backup --no-restore").expect(0).text("path");
    let data = std::path::Path::new(&path).join("data");
    let chunk = std::fs::read_dir(&data).unwrap().next().unwrap().unwrap().path();
    fault::flip_byte(&chunk, -20);
    let name = chunk.file_name().unwrap().to_str().unwrap();
    for verb in ["digest --backup latest", "digest --diff live backup:latest"] {
        let found = scene.json(verb).fails(12, "verification_failed");
        assert!(found.message.contains(name), "{verb}: {found:?}");
    }
}

#[test]
fn where_two_differ_down_to_the_row() {
    let scene = Scene::data();
    scene.json("backup --no-restore").expect(0);
    scene.sqlite(
        "UPDATE activos SET nombre = 'nobody may see this' WHERE id = 7; DELETE FROM mantenimientos WHERE id IN (3, 4);
         INSERT INTO roles SELECT 77, 'x' || nombre FROM roles LIMIT 1; CREATE INDEX i ON activos (nombre); CREATE TABLE extra (x); INSERT INTO extra VALUES (1);
         ALTER TABLE usuarios ADD COLUMN apodo TEXT",
    );
    let english = scene.run("digest --diff backup:latest live --lang en").expect(12);
    assert!(
        !english.everything().contains("nobody"),
        "values may be sensitive\n{english}"
    );
    let json = scene.json("digest --diff backup:latest live").expect(12);
    assert_eq!(json.document["equal"], false);
    assert_eq!(
        json.document["left"]["digest"],
        scene.json("digest --backup latest").expect(0).text("digest")
    );
    assert_eq!(
        json.document["right"]["digest"],
        scene.json("digest").expect(0).text("digest")
    );
    let shown = scene
        .run("digest --diff live backup:latest --show-values --lang es")
        .expect(12);
    assert!(shown.everything().contains("'nobody may see this'"), "{shown}");
    assert_snapshot!(format!("{english}\n{shown}\n{json}"));
}

#[test]
fn what_cannot_be_compared() {
    let scene = Scene::data();
    let said: Vec<String> = [
        "digest --diff live elsewhere",
        "digest --diff schema:other live",
        "digest --diff live",
        "digest --show-values",
    ]
    .iter()
    .map(|line| scene.run(&format!("{line} --lang en")).expect(2).to_string())
    .collect();
    assert_snapshot!(said.join("\n"));
}

#[test]
fn with_a_rollback_journal_it_is_of_a_copy_and_leaves_nothing() {
    let scene = Scene::data();
    let digest = scene.json("digest").expect(0).text("digest");
    scene.sqlite("PRAGMA journal_mode=DELETE");
    let before = scene.files();
    assert_eq!(scene.json("digest").expect(0).text("digest"), digest);
    assert!(scene.files() == before, "digest has changed a file");
    // What one that was killed has left goes with the next.
    scene.file("state/scratch/online-dead/copy.db", "half of a copy");
    assert_eq!(scene.json("digest").expect(0).text("digest"), digest);
    let left = std::fs::read_dir(scene.path("state/scratch")).unwrap().count();
    assert_eq!(left, 0, "folders in state/scratch");
}

#[test]
fn of_a_file_that_another_process_has_locked() {
    let scene = Scene::data();
    let mut other = db::sqlite::Sqlite::open(&scene.database()).unwrap();
    db::Database::execute(&mut other, "PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE").unwrap();
    let file = scene.database().file_name().unwrap().to_str().unwrap().to_owned();
    let locked = scene.json("digest");
    assert_eq!(locked.said.output.code, Some(1), "{}", locked.said.output);
    let error = &locked.document["error"];
    assert!(
        error["message"].as_str().unwrap().contains(&file)
            && error["hint"]
                .as_str()
                .is_some_and(|hint| hint.contains("another process")),
        "{error}"
    );
}
