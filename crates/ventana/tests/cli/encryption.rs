//! Backups that are encrypted: made without a key, read with any of them, and with nothing but the stock programs.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use testkit::mariadb::Schema;
use testkit::{MariaDb, Process, program};

use super::resume::die_under_the_fence;
use super::scene::Scene;

/// A pair made by age's own program: the public key. The secret one lies in `name`.
fn pair(scene: &Scene, name: &str) -> String {
    let keygen = program::find("age-keygen").unwrap();
    let within = |arguments: &[&str]| {
        Process::within(scene.sandbox(), &keygen)
            .args(arguments)
            .run()
            .ok()
    };
    within(&["-o", name]);
    within(&["-y", name]).stdout.trim().to_owned()
}

/// A scene whose backups are encrypted to two recipients, with their secret keys in `one.key` and `other.key`.
fn scene() -> Scene {
    let scene = Scene::data();
    let recipients = [pair(&scene, "one.key"), pair(&scene, "other.key")];
    let line = format!("dir = \"backups\"\nencrypt_to = {recipients:?}");
    scene.configure("dir = \"backups\"", &line);
    scene
}

fn is_closed(folder: &Path) {
    for entry in std::fs::read_dir(folder.join("data")).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        assert!(
            bytes.starts_with(b"age-encryption.org/v1\n"),
            "{}",
            path.display()
        );
    }
}

#[test]
fn each_recipient_alone_restores_and_nobody_else() {
    let scene = scene();
    let live = scene.json("digest").expect(0).text("digest");
    // Whoever makes backups needs no key, but cannot prove them by a restore.
    let refused = scene.json("backup").fails(2, "no_key");
    assert!(
        refused.message.contains("2 recipients") && refused.hint.contains("--identity"),
        "{refused:?}"
    );
    assert!(
        !scene.path("backups").exists(),
        "refused before a byte is written"
    );
    let made = scene.json("backup --no-restore").expect(0);
    assert_eq!(made.document["encrypted"], true);
    let folder = PathBuf::from(made.text("path"));
    is_closed(&folder);

    for key in ["one.key", "other.key"] {
        let copy = format!("{key}.db");
        let restored = scene
            .json(&format!("--yes restore latest --into {copy} --identity {key}"))
            .expect(0);
        assert_eq!(restored.text("digest"), live, "{key}");
        let verified = scene
            .json(&format!("backup verify --restore --identity {key}"))
            .expect(0);
        assert_eq!(verified.document["contents"], true);
        let of_files = scene
            .json(&format!("digest --backup latest --identity {key}"))
            .expect(0);
        assert_eq!(of_files.text("digest"), live);
        let diff = scene
            .json(&format!("digest --diff live backup:latest --identity {key}"))
            .expect(0);
        assert_eq!(diff.document["equal"], true);
    }

    pair(&scene, "stranger.key");
    let reading = [
        "--yes restore latest --into none.db",
        "backup verify --restore",
        "digest --backup latest",
        "digest --diff live backup:latest",
    ];
    for line in reading {
        let nobody = scene.json(line).fails(2, "no_key");
        assert!(nobody.message.contains("--identity FILE"), "{nobody:?}");
        let stranger = scene
            .json(&format!("{line} --identity stranger.key"))
            .fails(2, "no_key");
        assert!(
            stranger.message.contains("none of the 1 keys given opens it"),
            "{stranger:?}"
        );
        let missing = scene
            .json(&format!("{line} --identity none.key"))
            .fails(2, "usage");
        assert!(missing.message.contains("none.key"), "{missing:?}");
        scene.file("text.key", "not a key\n");
        let wrong = scene
            .json(&format!("{line} --identity text.key"))
            .fails(2, "usage");
        assert!(
            wrong.message.contains("text.key") && wrong.message.contains("line 1"),
            "{wrong:?}"
        );
    }
    assert!(!scene.path("none.db").exists());
    assert_eq!(
        scene.json("backup list").expect(0).document["backups"][0]["encrypted"],
        true
    );
}

#[test]
fn without_a_key_what_is_stored_is_verified_and_the_rest_is_said() {
    let scene = scene();
    scene.json("backup --no-restore").expect(0);
    let closed = scene.json("backup verify").expect(0);
    assert_eq!(
        (&closed.document["encrypted"], &closed.document["contents"]),
        (&true.into(), &false.into())
    );
    let said = scene.run("backup verify --lang en").expect(0);
    assert!(
        said.output.stdout.contains("content was NOT read"),
        "{}",
        said.output
    );
    let said = scene.run("backup verify --all --lang es").expect(0);
    assert!(
        said.output.stdout.contains("contenido NO leído"),
        "{}",
        said.output
    );
    // The environment names the file as well as the flag does.
    scene.env("BACKUP_IDENTITY_FILE", "other.key");
    let open = scene.json("backup verify").expect(0);
    assert_eq!(open.document["contents"], true);
    let said = scene.run("backup verify --lang en").expect(0);
    assert!(
        said.output.stdout.contains("every checksum agrees"),
        "{}",
        said.output
    );
    assert!(!said.output.stdout.contains("NOT"), "{}", said.output);
}

#[test]
fn a_key_that_others_may_read_is_told() {
    let scene = scene();
    scene.json("backup --no-restore").expect(0);
    let line = "backup verify --identity one.key --lang en";
    assert_eq!(scene.run(line).expect(0).output.stderr, "");
    std::fs::set_permissions(scene.path("one.key"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let said = scene.run(line).expect(0).output.stderr;
    assert!(
        said.contains("one.key") && said.contains("0644") && said.contains("chmod 600"),
        "{said}"
    );
}

#[test]
fn a_window_begins_only_where_its_backups_can_be_restored() {
    let scene = scene();
    let before = std::fs::read(scene.database()).unwrap();
    let check = scene.json("check").expect(1).document;
    let found = |document: &serde_json::Value| {
        let checks = document["checks"].as_array().unwrap().clone();
        let found = checks.into_iter().find(|check| check["check"] == "encryption");
        found.expect("check says how it stands with encryption")
    };
    assert!(
        found(&check)["message"].as_str().unwrap().contains("no identity"),
        "{check}"
    );
    scene.json("rehearse").fails(2, "no_key");
    let refused = scene.json("run").expect(1);
    assert_eq!(
        refused.document["error"]["code"], "no_key",
        "{}",
        refused.said.output
    );
    assert!(!scene.path("backups").exists());
    assert!(std::fs::read(scene.database()).unwrap() == before);
    // One that opens nothing of it does not help.
    pair(&scene, "stranger.key");
    let refused = scene.json("run --identity stranger.key").expect(1);
    assert_eq!(
        refused.document["error"]["code"], "no_key",
        "{}",
        refused.said.output
    );

    scene.env("BACKUP_IDENTITY_FILE", "one.key");
    let check = scene.json("check").expect(0).document;
    assert_eq!(found(&check)["ok"], true, "{check}");
    scene.json("rehearse").expect(0);
    let done = scene.json("run").expect(0);
    assert_eq!(done.document["outcome"], "done");
    for entry in std::fs::read_dir(scene.path("backups")).unwrap() {
        is_closed(&entry.unwrap().path());
    }
    scene.json("rollback").expect(0);
}

/// Somebody writes past the fence: the rollback leaves a difference, and restores the run's own backup.
#[test]
fn a_rollback_restores_it() {
    let keys = tempfile::tempdir().unwrap();
    let scene = Scene::data();
    let recipients = [pair(&scene, "one.key"), pair(&scene, "other.key")];
    let key = keys.path().join("one.key");
    std::fs::rename(scene.path("one.key"), &key).unwrap();
    let lines = format!(
        "dir = \"backups\"\nencrypt_to = {recipients:?}\nidentity_file = {:?}",
        key.to_str().unwrap()
    );
    scene.configure("dir = \"backups\"", &lines);
    let before = scene.json("digest").expect(0).text("digest");
    die_under_the_fence(&scene);
    scene.sqlite("UPDATE activos SET nombre = 'past the fence' WHERE id = 1");
    // Without the key nothing is restored, the fence stays on, and it is said what is missing.
    std::fs::rename(&key, keys.path().join("gone")).unwrap();
    let failed = scene.json("rollback").expect(5);
    let error = &failed.document["error"];
    assert!(error["message"].as_str().unwrap().contains("one.key"), "{error}");
    assert!(scene.path("inventario.db.fence").exists());
    let back = scene.json("rollback --identity other.key").expect(0);
    assert_eq!(back.text("outcome"), "rolled_back");
    assert_eq!(scene.json("digest").expect(0).text("digest"), before);
    assert!(!scene.path("inventario.db.fence").exists());
}

#[test]
fn a_secret_key_in_the_wrong_place_is_not_repeated() {
    let scene = Scene::data();
    pair(&scene, "one.key");
    let text = scene.read("one.key");
    let key = text.lines().find(|line| line.starts_with("AGE-SECRET")).unwrap();
    scene.env("BACKUP_ENCRYPT_TO", key);
    let said = scene.run("backup --lang en").expect(2).everything();
    assert!(
        said.contains("secret key") && !said.contains(&key[16..40]),
        "{said}"
    );
}

/// `restore.sh` of the folder, with age, zstd and the stock client.
fn by_hand(scene: &Scene, folder: &str, key: &str, arguments: &[&str]) {
    Process::within(scene.sandbox(), program::find("sh").unwrap())
        .arg(Path::new(folder).join("restore.sh"))
        .args(arguments)
        .env("KEY", scene.path(key).display().to_string())
        .run()
        .ok();
}

#[test]
fn age_zstd_and_sqlite3_restore_it() {
    let scene = scene();
    let live = scene.json("digest").expect(0).text("digest");
    let folder = scene.json("backup --no-restore").expect(0).text("path");
    by_hand(&scene, &folder, "other.key", &["by_hand.db"]);
    let url = format!("sqlite://{}", scene.path("by_hand.db").display());
    let equal = scene.json(&format!("digest --diff live {url}")).expect(0);
    assert_eq!(equal.document["equal"], true);
    assert_eq!(equal.document["left"]["digest"], live);
}

#[test]
fn age_zstd_and_mariadb_restore_it() {
    let server = MariaDb::shared();
    let schema: Schema<'_> = server.schema("cli_age");
    schema.query(
        "CREATE TABLE equipos (id INT AUTO_INCREMENT PRIMARY KEY, nombre VARCHAR(80), foto BLOB) DEFAULT CHARSET utf8mb4;
         INSERT INTO equipos (nombre, foto) VALUES ('Ñandú 😀', x'00FF0A5C27'), ('a\\nb\\tc', NULL);
         CREATE TABLE piezas (id BIGINT PRIMARY KEY, peso DOUBLE); INSERT INTO piezas VALUES (1, 0.1), (-5, NULL);
         CREATE VIEW caros AS SELECT nombre FROM equipos;",
    );
    let scene = Scene::empty();
    let recipients = [pair(&scene, "one.key"), pair(&scene, "other.key")];
    scene.env("BACKUP_ENCRYPT_TO", recipients.join(","));
    scene.env("BACKUP_DIR", scene.path("backups").display().to_string());
    let port = server.port().to_string();
    for (name, value) in [("DB_HOST", "127.0.0.1"), ("DB_PORT", &port), ("DB_USER", "root")] {
        scene.env(name, value);
    }
    scene.env("DB_NAME", schema.name());
    let live = scene.json("digest").expect(0).text("digest");
    // Proven by a restore beside the live one, and in a server of its own.
    let made = scene.json("backup --identity one.key").expect(0);
    assert_eq!(made.text("verified"), "restore");
    scene
        .json("backup verify --restore --scratch-server --identity other.key")
        .expect(0);
    let copy = format!("{}_copy", schema.name());
    server.query(&format!("CREATE DATABASE `{copy}` CHARACTER SET utf8mb4"));
    let folder = made.text("path");
    let options = ["--host=127.0.0.1", &format!("--port={port}"), "--user=root"];
    by_hand(
        &scene,
        &folder,
        "one.key",
        &[&[copy.as_str()][..], &options].concat(),
    );
    scene.env("DB_NAME", &copy);
    assert_eq!(scene.json("digest").expect(0).text("digest"), live);
    server.query(&format!("DROP DATABASE `{copy}`"));
}
