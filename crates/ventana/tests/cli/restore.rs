use insta::assert_snapshot;

use super::scene::Scene;

#[test]
fn gives_the_same_content() {
    let scene = Scene::data();
    let made = scene.json("backup --no-restore").expect(0);
    let name = scene.json("backup list").document["backups"][0]["name"]
        .as_str()
        .unwrap()
        .to_owned();
    let restored = scene.json(&format!("restore {name} --into copy.db")).expect(0);
    assert_snapshot!(restored);
    assert_eq!(restored.text("digest"), made.text("digest"));
    assert_eq!(
        (&restored.document["verified"], &restored.document["rows"]),
        (&true.into(), &made.document["rows"])
    );
    // Asked of the copy itself.
    let live = scene.json("digest").expect(0).document;
    scene.env(
        "DATABASE_URL",
        format!("sqlite://{}", scene.path("copy.db").display()),
    );
    assert_eq!(scene.json("digest").expect(0).document, live);
}

#[test]
fn for_people_and_never_over_what_is_there() {
    let scene = Scene::data();
    let path = scene.json("backup --no-restore").expect(0).text("path");
    let first = scene
        .run(&format!("restore {path} --into copy.db --lang en"))
        .expect(0);
    let copy = std::fs::read(scene.path("copy.db")).unwrap();
    let second = scene
        .run(&format!("restore {path} --into copy.db --lang en"))
        .expect(2);
    assert_eq!(std::fs::read(scene.path("copy.db")).unwrap(), copy);
    assert!(
        scene
            .json(&format!("restore {path} --into copy.db"))
            .fails(2, "usage")
            .hint
            .contains("--replace")
    );
    scene.file("copy.db", "no database at all");
    scene.file("copy.db-wal", "left by whoever wrote it");
    let third = scene
        .run(&format!("restore {path} --into copy.db --replace --lang en"))
        .expect(0);
    assert!(
        !scene.path("copy.db-wal").exists(),
        "what belonged to the file before is gone with it"
    );
    assert_snapshot!(format!("{first}\n{second}\n{third}"));
}

#[test]
fn the_live_database_is_never_replaced() {
    let scene = Scene::data();
    let path = scene.json("backup --no-restore").expect(0).text("path");
    scene.sqlite("UPDATE activos SET nombre = 'newer than the backup' WHERE id = 1");
    let live = std::fs::read(scene.database()).unwrap();
    let absolute = scene.database().display().to_string();
    std::os::unix::fs::symlink(scene.database(), scene.path("link.db")).unwrap();
    for into in [
        "inventario.db",
        "./inventario.db",
        "state/../inventario.db",
        "link.db",
        &absolute,
    ] {
        std::fs::create_dir_all(scene.path("state")).unwrap();
        let failed = scene
            .json(&format!("--yes restore {path} --replace --into {into}"))
            .fails(2, "usage");
        assert!(failed.message.contains("live"), "{into}: {failed:?}");
        assert!(
            std::fs::read(scene.database()).unwrap() == live,
            "{into}: the live database was replaced"
        );
    }
}

#[test]
fn the_latest_is_shown_and_asked_for() {
    let scene = Scene::data();
    let path = scene.json("backup --no-restore").expect(0).text("path");
    let asks = scene.run("restore latest --into copy.db --lang en").expect(2);
    assert_snapshot!(asks);
    let failed = scene.json("restore latest --into copy.db").fails(2, "usage");
    assert!(
        failed.message.contains(&path) && failed.hint.contains("--yes"),
        "{failed:?}"
    );
    assert!(!scene.path("copy.db").exists());
    assert_eq!(
        scene
            .json("restore latest --into copy.db --yes")
            .expect(0)
            .text("backup"),
        path
    );
}

#[test]
fn what_cannot_be_restored() {
    let scene = Scene::data();
    scene.file("dump.sql", "-- MariaDB dump\n");
    let mut said = String::new();
    for line in [
        "restore nothing --into copy.db",
        "restore latest --yes --into copy.db",
        "restore dump.sql --into copy.db",
        "restore x",
    ] {
        said.push_str(&format!(
            "{}\n",
            scene.run(&format!("{line} --lang en")).expect(2)
        ));
        scene.json(line).fails(2, "usage");
    }
    assert!(!scene.path("copy.db").exists());
    assert_snapshot!(said);
}
