use std::path::{Path, PathBuf};

use insta::assert_snapshot;
use testkit::fault;

use super::scene::Scene;

mod beside;
mod prune;

#[test]
fn is_one_only_after_it_was_restored() {
    let scene = Scene::data();
    let live = scene.json("digest").expect(0);
    let made = scene.json("backup").expect(0);
    assert_snapshot!(made);
    assert_eq!(made.text("digest"), live.text("digest"));
    assert_eq!(made.text("verified"), "restore");
    let rows: u64 = live.document["tables"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|table| table["rows"].as_u64())
        .sum();
    assert_eq!(made.document["rows"], rows);
    assert!(
        Path::new(&made.text("path")).join("README.md").is_file() || Path::new(&made.text("path")).is_dir()
    );
    assert!(
        !scene
            .path("state/scratch")
            .read_dir()
            .is_ok_and(|mut left| left.next().is_some()),
        "scratch copies are gone"
    );
}

#[test]
fn for_people() {
    let scene = Scene::data();
    let said = [
        scene.run("backup list --lang es").expect(0),
        scene.run("backup --lang en").expect(0),
        scene.run("backup --no-restore --lang es").expect(0),
        scene.run("backup list --lang en").expect(0),
        scene.run("backup verify --lang en").expect(0),
        scene.run("backup verify latest --restore --lang en").expect(0),
    ];
    assert_snapshot!(said.map(|said| said.to_string()).join("\n"));
}

#[test]
fn the_list_as_a_document() {
    let scene = Scene::data();
    assert_eq!(
        scene.json("backup list").expect(0).document["backups"],
        serde_json::json!([])
    );
    let quick = scene.json("backup --no-restore").expect(0);
    assert_eq!(quick.text("verified"), "files");
    std::fs::create_dir(scene.path("backups/inventario_20200101_000000")).unwrap();
    let list = scene.json("backup list").expect(0);
    let backups = list.document["backups"].as_array().unwrap();
    assert_eq!(backups.len(), 2, "a half-made one is listed as what it is");
    assert_eq!(
        (&backups[0]["path"], &backups[0]["complete"]),
        (&quick.document["path"], &true.into())
    );
    assert_eq!(backups[1]["complete"], false);
    assert_snapshot!(list);
}

#[test]
fn a_flipped_byte_is_found_wherever_it_is() {
    let scene = Scene::data();
    let path = scene.json("backup --no-restore").expect(0).text("path");
    scene.json("backup verify").expect(0);
    let files: Vec<PathBuf> = scene
        .files()
        .into_keys()
        .filter(|file| file.starts_with(&path) && file.is_file())
        .collect();
    assert!(files.len() > 5, "{files:?}");
    for file in files {
        // Its own list of proofs is no part of a backup.
        if std::fs::metadata(&file).unwrap().len() == 0
            || file.file_name().is_some_and(|name| name == "proven.jsonl")
        {
            continue;
        }
        fault::flip_byte(&file, -2);
        let found = scene.json("backup verify");
        assert_eq!(
            found.said.output.code,
            Some(12),
            "{}\n{}",
            file.display(),
            found.said.output
        );
        assert_eq!(
            found.document["error"]["code"],
            "verification_failed",
            "{}",
            file.display()
        );
        fault::flip_byte(&file, -2);
    }
    scene.json("backup verify").expect(0);
}

#[test]
fn what_a_damaged_one_says() {
    let scene = Scene::data();
    let path = scene.json("backup --no-restore").expect(0).text("path");
    let chunk = scene
        .files()
        .into_keys()
        .find(|file| file.starts_with(&path) && file.extension().is_some_and(|end| end == "zst"));
    fault::flip_byte(&chunk.unwrap(), 20);
    scene.file("copy.db", "something dear");
    assert_snapshot!(format!(
        "{}\n{}",
        scene.run("backup verify --lang en").expect(12),
        scene
            .run("--yes restore latest --into copy.db --replace --lang en")
            .expect(12)
    ));
    assert_eq!(
        scene.read("copy.db"),
        "something dear",
        "nothing is replaced by a damaged backup"
    );
}

#[test]
fn copies_are_read_again_where_they_lie() {
    let scene = Scene::data();
    let made = scene.json("backup --no-restore").expect(0);
    let nowhere = scene.run("backup copy --lang en").expect(2);
    assert!(scene.json("backup copy").fails(2, "usage").hint.contains("--to"));
    // A name that no replica has is no folder.
    let unknown = scene.json("backup copy --to away").fails(2, "usage");
    assert!(unknown.hint.contains("./away"), "{}", unknown.hint);
    let copy = scene.json("backup copy --to ./away").expect(0);
    let copied = scene.path(copy.text("path"));
    assert!(copied.is_dir() && copied != Path::new(&made.text("path")));
    assert_eq!(copy.document["verified"], true);
    let again = scene.run("backup copy --to ./away --lang en").expect(0);
    // The copy is a backup: it is verified by its path.
    let verified = scene
        .json(&format!("backup verify {} --restore", copied.display()))
        .expect(0);
    assert_eq!(verified.text("digest"), made.text("digest"));
    assert_snapshot!(format!("{nowhere}\n{copy}\n{again}"));
}

#[test]
fn one_that_is_not_there() {
    let scene = Scene::data();
    assert_snapshot!(
        scene
            .run("backup verify inventario_20200101_000000 --lang en")
            .expect(2)
    );
    assert!(
        scene
            .json("backup verify")
            .fails(2, "usage")
            .hint
            .contains("ventana backup list")
    );
}

#[test]
fn a_folder_that_cannot_be_written() {
    let scene = Scene::data();
    let folder = fault::unwritable(scene.sandbox().work());
    scene.env("BACKUP_DIR", folder.display().to_string());
    let failed = scene.json("backup").fails(1, "backup");
    assert!(failed.message.contains("not-a-folder"), "{failed:?}");
}

#[test]
fn all_at_once_for_cron() {
    let scene = Scene::data();
    let first = scene.json("backup --no-restore").expect(0).text("path");
    let second = scene.json("backup --no-restore").expect(0).text("path");
    assert_eq!(
        scene.run("backup verify --all --quiet").expect(0).everything(),
        ""
    );
    assert_eq!(scene.run("backup verify --quiet").expect(0).everything(), "");
    fault::flip_byte(&Path::new(&first).join("README.txt"), 3);
    let remains = scene.path("backups/.inventario_20200101_000000.partial");
    std::fs::create_dir(remains).unwrap();
    let found = scene.json("backup verify --all");
    assert_eq!(found.said.output.code, Some(12), "{}", found.said.output);
    let states: Vec<&serde_json::Value> = found.document["backups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|backup| &backup["state"])
        .collect();
    assert_eq!(
        states,
        [&serde_json::Value::Null, &"failed".into(), &"incomplete".into()]
    );
    assert_eq!(found.document["backups"][0]["path"], second);
    assert_eq!(found.document["failed"], 1);
    let error = &found.document["error"];
    assert_eq!(error["code"], "verification_failed");
    assert!(error["message"].as_str().unwrap().contains(&first), "{error}");
    let told = scene.run("backup verify --all --quiet").expect(12);
    assert!(told.everything().contains("README.txt"), "damage is never quiet");
}

/// A cron job on a disk that is not mounted must not report that all is well.
#[test]
fn where_there_is_none_all_of_them_are_not_whole() {
    let scene = Scene::data();
    let none = scene.json("backup verify --all --quiet").fails(2, "usage");
    assert!(none.hint.contains("mounted"), "{none:?}");
    std::fs::create_dir_all(scene.path("backups/.inventario_20200101_000000.partial")).unwrap();
    scene.json("backup verify --all").fails(2, "usage");
    scene.configure_more("[replica.vault]\nfolder = \"vault\"\n");
    let none = scene
        .json("backup verify --all --replica vault")
        .fails(2, "usage");
    assert!(none.hint.contains("backup copy --to vault"), "{none:?}");
}

/// The place of a disk that is not mounted is not made.
#[test]
fn a_replicas_folder_is_made_and_those_above_it_are_not() {
    let scene = Scene::data();
    scene.json("backup --no-restore").expect(0);
    scene.configure_more("[replica.vault]\nfolder = \"mnt/nas/vault\"\n");
    for to in ["vault", "./mnt/nas/vault"] {
        let refused = scene.json(&format!("backup copy --to {to}")).fails(1, "replica");
        assert!(
            refused.message.contains("mnt/nas") && refused.hint.contains("mount"),
            "{refused:?}"
        );
    }
    assert!(!scene.path("mnt").exists());
    std::fs::create_dir_all(scene.path("mnt/nas")).unwrap();
    scene.json("backup copy --to vault").expect(0);
    // A folder that nobody configured is read like a replica too.
    scene.json("backup copy --to ./elsewhere").expect(0);
    scene.json("backup verify --all --replica ./elsewhere").expect(0);
    std::fs::remove_dir_all(scene.path("elsewhere")).unwrap();
    let lost = scene.json("backup verify --all --replica ./elsewhere");
    assert_eq!(lost.said.output.code, Some(12), "{}", lost.said.output);
}

#[test]
fn is_read_as_fast_as_one_may() {
    let scene = Scene::data();
    let free = scene.json("backup --no-restore").expect(0);
    let slow = scene.json("backup --no-restore --throttle 64KiB/s").expect(0);
    assert_eq!(free.text("digest"), slow.text("digest"));
    assert_eq!(
        scene.json("digest --throttle 10MB").expect(0).text("digest"),
        free.text("digest")
    );
    for wrong in ["1KB", "fast"] {
        let said = scene
            .run(&format!("backup --throttle {wrong}"))
            .expect(2)
            .to_string();
        assert!(said.contains(wrong) && said.contains("--throttle"), "{said}");
    }
}

/// A file in which there is nothing yet is a database, and so is one whose names are no words.
#[test]
fn of_nothing_and_of_names_that_are_no_words() {
    let scene = Scene::data();
    std::fs::remove_file(scene.database()).unwrap();
    std::fs::write(scene.database(), "").unwrap();
    let there_and_back = |into: &str, rows: u64| {
        let live = scene.json("digest").expect(0).text("digest");
        let made = scene.json("backup").expect(0);
        assert_eq!(
            (made.text("digest"), made.document["rows"].as_u64()),
            (live.clone(), Some(rows))
        );
        scene
            .json(&format!("backup verify {} --restore", made.text("path")))
            .expect(0);
        let restored = scene
            .json(&format!("restore {} --into {into}", made.text("path")))
            .expect(0);
        assert_eq!(
            (restored.text("digest"), restored.document["rows"].as_u64()),
            (live, Some(rows))
        );
    };
    there_and_back("nothing.db", 0);
    let told = scene.run("backup --lang en --no-restore").expect(0).everything();
    assert!(told.contains("0 rows"), "{told}");
    let long = "n".repeat(64);
    let names = [
        "a`b",
        "c'd\"e",
        "f g",
        "h.i",
        "año 😀",
        "j%k\\l",
        "../m",
        "-n;--",
        "SELECT",
        &long,
    ];
    for name in names {
        let table = name.replace('"', "\"\"");
        scene.sqlite(&format!(
            "CREATE TABLE \"{table}\" (\"{table}\" INTEGER PRIMARY KEY, \"v `'.%\" TEXT); INSERT INTO \"{table}\" VALUES (1, 'x'), (2, NULL)"
        ));
    }
    there_and_back("names.db", 2 * names.len() as u64);
}
