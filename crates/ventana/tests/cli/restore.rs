mod server;

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;

use insta::assert_snapshot;

use testkit::process::Signal;

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
    let script = scene.file("script.py", "no database at all");
    let refused = scene
        .json(&format!("restore {path} --into script.py --replace --yes"))
        .fails(2, "usage");
    assert!(refused.message.contains("something else"), "{refused:?}");
    assert_eq!(std::fs::read_to_string(script).unwrap(), "no database at all");
    let broken = "SQLite format 3\0 and nothing that fits";
    scene.file("copy.db", broken);
    scene.file("copy.db-wal", "left by whoever wrote it");
    let asked = scene
        .json(&format!("restore {path} --into copy.db --replace"))
        .fails(2, "usage");
    assert!(asked.hint.contains("--yes"), "{asked:?}");
    assert_eq!(scene.read("copy.db"), broken);
    let third = scene
        .run(&format!(
            "restore {path} --into copy.db --replace --yes --lang en"
        ))
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

/// What `sqlite3 FILE .dump` writes: no trailer shows that it is whole, and only SQLite reads it.
#[test]
fn a_dump_of_sqlite_is_refused_whole_and_told_what_takes_it() {
    let scene = Scene::data();
    let dumped = std::process::Command::new(testkit::program::find("sqlite3").unwrap())
        .arg(":memory:")
        .arg("CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, s TEXT); INSERT INTO t VALUES (1, 'x')")
        .arg(".dump")
        .output()
        .unwrap();
    let text = String::from_utf8(dumped.stdout).unwrap();
    assert!(
        text.starts_with("PRAGMA foreign_keys=OFF;") && text.ends_with("COMMIT;\n"),
        "{text}"
    );
    for end in ["", "-- Dump completed\n"] {
        scene.file("dump.sql", &format!("{text}{end}"));
        let refused = scene.json("restore dump.sql --into copy.db").fails(2, "usage");
        assert!(refused.hint.contains("sqlite3 NEW.db < DUMP.sql"), "{refused:?}");
        assert!(!scene.path("copy.db").exists() && !scene.path(".copy.db.ventana.partial").exists());
    }
}

#[test]
fn what_a_killed_restore_left_is_no_database_and_is_taken_away() {
    let scene = Scene::data();
    let path = scene.json("backup --no-restore").expect(0).text("path");
    // A load that was killed, with the journal that SQLite would roll back.
    scene.file(".copy.db.ventana.partial", "half of a database");
    scene.file(".copy.db.ventana.partial-journal", "half of a journal");
    // Whatever else lies there is somebody's own.
    scene.file("copy.db.partial", "not ours");
    scene.json(&format!("restore {path} --into copy.db")).expect(0);
    let left: Vec<String> = std::fs::read_dir(scene.path("."))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("copy.db"))
        .collect();
    assert_eq!(
        BTreeSet::from_iter(left),
        BTreeSet::from(["copy.db".into(), "copy.db.partial".into()])
    );
    assert_eq!(scene.read("copy.db.partial"), "not ours");
}

/// What is in it may be nobody else's business, whatever a shell's umask says; a file that is replaced knows whose it is.
#[test]
fn a_restored_file_is_its_owners_alone() {
    let scene = Scene::data();
    let path = scene.json("backup").expect(0).text("path");
    let mode = |name: &str| std::fs::metadata(scene.path(name)).unwrap().permissions().mode() & 0o777;
    scene.json(&format!("restore {path} --into copy.db")).expect(0);
    assert_eq!(mode("copy.db"), 0o600);
    std::fs::set_permissions(scene.path("copy.db"), std::fs::Permissions::from_mode(0o640)).unwrap();
    scene
        .json(&format!("--yes restore {path} --into copy.db --replace"))
        .expect(0);
    assert_eq!(mode("copy.db"), 0o640);
    let nowhere = scene.json(&format!("restore {path} --into ''")).fails(2, "usage");
    assert!(nowhere.message.contains("--into"), "{nowhere:?}");
}

/// The journal's mode lies in the file and is the service's choice; rowids that no column holds are nobody's, and said.
#[test]
fn a_new_file_keeps_the_journal_mode_and_rowids_are_said() {
    let scene = Scene::data();
    let wal = |name: &str| std::fs::read(scene.path(name)).unwrap()[18..20] == [2, 2];
    for (mode, made) in [("WAL", "wal.db"), ("DELETE", "delete.db")] {
        scene.sqlite(&format!(
            "PRAGMA journal_mode={mode}; CREATE TABLE IF NOT EXISTS loose (s TEXT); INSERT INTO loose VALUES ('a'), ('b'); DELETE FROM loose WHERE s='a'"
        ));
        let path = scene.json("backup").expect(0).text("path");
        let manifest = std::fs::read_to_string(format!("{path}/manifest.json")).unwrap();
        assert!(manifest.contains("numbers the rows of loose anew"), "{manifest}");
        scene.json(&format!("restore {path} --into {made}")).expect(0);
        assert_eq!(wal(made), mode == "WAL", "{mode}");
        // One that is replaced stays in its own.
        scene
            .json(&format!("--yes restore {path} --into wal.db --replace"))
            .expect(0);
        assert!(wal("wal.db"), "{mode}");
    }
}

#[test]
fn what_differs_never_takes_the_name() {
    let scene = Scene::data();
    let path = scene.json("backup --no-restore").expect(0).text("path");
    scene.json(&format!("restore {path} --into copy.db")).expect(0);
    let before = std::fs::read(scene.path("copy.db")).unwrap();
    // The wrong digest is promised: the copy is made, compared and thrown away.
    let digest = scene.json("digest").expect(0).text("digest");
    forge(&path, "manifest.json", &digest, &"0".repeat(64));
    let failed = scene
        .json(&format!("restore {path} --into copy.db --replace --yes"))
        .fails(12, "verification_failed");
    assert!(failed.message.contains("the restored copy"), "{failed:?}");
    assert!(std::fs::read(scene.path("copy.db")).unwrap() == before);
    scene
        .json(&format!("restore {path} --into new.db"))
        .fails(12, "verification_failed");
    assert!(!scene.path("new.db").exists() && !scene.path(".new.db.ventana.partial").exists());
}

/// Changes a file of a backup so that its sums still agree.
fn forge(backup: &str, name: &str, from: &str, to: &str) {
    let path = |name: &str| std::path::Path::new(backup).join(name);
    let replace = |name: &str, from: &str, to: &str| {
        let text = std::fs::read_to_string(path(name)).unwrap();
        assert!(text.contains(from), "{name} has no {from:?}");
        std::fs::write(path(name), text.replace(from, to)).unwrap();
    };
    let (before, listed) = (sha256(&path(name)), sha256(&path("manifest.json")));
    replace(name, from, to);
    let after = sha256(&path(name));
    if name != "manifest.json" {
        replace("manifest.json", &before, &after);
        replace("SHA256SUMS", &before, &after);
    }
    replace("SHA256SUMS", &listed, &sha256(&path("manifest.json")));
}

#[test]
fn a_counter_that_was_lost_is_found() {
    let scene = Scene::data();
    scene.sqlite(
        "CREATE TABLE numerada (id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO numerada (id) VALUES (500); DELETE FROM numerada;",
    );
    let path = scene.json("backup --no-restore").expect(0).text("path");
    forge(
        &path,
        "catalog.json",
        "VALUES('numerada', 500)",
        "VALUES('numerada', 400)",
    );
    let failed = scene
        .json(&format!("restore {path} --into copy.db"))
        .fails(12, "verification_failed");
    assert!(
        failed.message.contains("counter numerada: 400, 500 promised"),
        "{failed:?}"
    );
    assert!(!scene.path("copy.db").exists());
}

fn sha256(path: &std::path::Path) -> String {
    let output = testkit::Process::new(testkit::program::find("sha256sum").unwrap())
        .arg(path)
        .run()
        .ok();
    output.stdout.split_whitespace().next().unwrap().to_owned()
}

#[test]
fn a_part_brings_its_counters() {
    let scene = Scene::data();
    scene.sqlite(
        "CREATE TABLE numerada (id INTEGER PRIMARY KEY AUTOINCREMENT, n INT); INSERT INTO numerada (id) VALUES (500); \
         DELETE FROM numerada; CREATE TABLE otra (id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO otra VALUES (9);",
    );
    let path = scene.json("backup --no-restore").expect(0).text("path");
    scene
        .json(&format!("restore {path} --into part.db --tables numerada"))
        .expect(0);
    scene.env(
        "DATABASE_URL",
        format!("sqlite://{}", scene.path("part.db").display()),
    );
    let digest = scene.json("digest").expect(0);
    assert_eq!(
        digest.document["counters"],
        serde_json::json!({ "numerada": 500 })
    );
}

/// How many restores are killed.
const KILLS: u32 = 12;

#[test]
fn a_kill_at_any_moment_leaves_the_old_file_or_the_new_one() {
    let scene = Scene::data();
    let made = scene.json("backup --no-restore").expect(0);
    let path = made.text("path");
    let digest_of = |file: &str| {
        let url = format!("sqlite://{}", scene.path(file).display());
        scene.env("DATABASE_URL", url);
        let digest = scene.json("digest").expect(0).text("digest");
        scene.env("DATABASE_URL", "");
        digest
    };
    let names = || {
        let entries = std::fs::read_dir(scene.path(".")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| name.starts_with("copy.db")).collect();
        names.sort();
        names
    };
    scene.sqlite("DELETE FROM activos WHERE id % 2 = 0; PRAGMA wal_checkpoint(TRUNCATE)");
    std::fs::copy(scene.database(), scene.path("old.db")).unwrap();
    let (old, new) = (digest_of("old.db"), made.text("digest"));
    assert_ne!(old, new);
    let line = format!("restore {path} --into copy.db --replace --yes");
    std::fs::copy(scene.path("old.db"), scene.path("copy.db")).unwrap();
    let begun = std::time::Instant::now();
    scene.json(&line).expect(0);
    let whole = begun.elapsed();
    assert_eq!(
        (digest_of("copy.db"), names()),
        (new.clone(), vec!["copy.db".into()])
    );
    for kill in 0..KILLS {
        std::fs::copy(scene.path("old.db"), scene.path("copy.db")).unwrap();
        let restore = scene.ventana(&line).spawn();
        // The moment itself, not a wait for something.
        std::thread::park_timeout(whole * kill / KILLS);
        restore.signal(Signal::KILL);
        restore.wait();
        let found = digest_of("copy.db");
        assert!(found == old || found == new, "kill {kill}");
        let beside = |name: &String| name != "copy.db" && !name.starts_with(".copy.db.ventana.partial");
        // What SQLite keeps beside the old one may stay with it; beside the new one it would be taken for a part of it.
        let kept: Vec<String> = names().into_iter().filter(beside).collect();
        assert!(found == old || kept.is_empty(), "kill {kill}: {kept:?}");
        scene.json(&line).expect(0);
        assert_eq!(
            (digest_of("copy.db"), names()),
            (new.clone(), vec!["copy.db".into()])
        );
    }
}
