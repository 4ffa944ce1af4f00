use std::path::{Path, PathBuf};

use insta::assert_snapshot;
use testkit::fault;

use super::scene::Scene;

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
    std::fs::create_dir(scene.path("backups/inventario_20200101_000000")).unwrap();
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

/// Backups of other days: a folder's name says when it was made.
fn backdate(scene: &Scene, from: &Path, stamps: &[&str]) {
    for stamp in stamps {
        let to = scene.path(format!("backups/inventario_{stamp}"));
        for folder in ["", "schema", "data"] {
            std::fs::create_dir(to.join(folder)).unwrap();
            for entry in std::fs::read_dir(from.join(folder)).unwrap() {
                let path = entry.unwrap().path();
                if path.is_file() && path.file_name().unwrap() != "proven.jsonl" {
                    std::fs::copy(&path, to.join(folder).join(path.file_name().unwrap())).unwrap();
                }
            }
        }
    }
}

const DAYS: [&str; 6] = [
    "20250915_020000",
    "20251001_020000",
    "20251102_020000",
    "20251105_020000",
    "20251105_140000",
    "20251106_020000",
];

fn left(scene: &Scene) -> Vec<String> {
    let mut left: Vec<String> = std::fs::read_dir(scene.path("backups"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    left
}

#[test]
fn what_no_rule_keeps_goes_and_only_when_asked() {
    let scene = Scene::data();
    let made = PathBuf::from(scene.json("backup --no-restore").expect(0).text("path"));
    backdate(&scene, &made, &DAYS);
    std::fs::create_dir(scene.path("backups/.inventario_20250101_000000.partial")).unwrap();
    // Beside one that goes, and beside one that stays.
    for stamp in [DAYS[0], DAYS[5]] {
        std::fs::create_dir(scene.path(format!("backups/.inventario_{stamp}.partial"))).unwrap();
    }
    let before = scene.files();
    let unruled = scene.run("backup prune --lang en").expect(2);
    scene.configure(
        "dir = \"backups\"",
        "dir = \"backups\"\nkeep = { last = 1, daily = 3, monthly = 2 }",
    );
    let dry = [
        scene.run("backup prune --dry-run --lang es").expect(0),
        scene.run("backup prune --dry-run --lang en").expect(0),
        scene.run("backup prune --lang en").expect(2),
    ];
    let mut after = scene.files();
    // Who held the lease last is written there each time.
    let ours = |path: &Path| path.ends_with("ventana.toml") || path.ends_with("lease.backups");
    after.retain(|path, _| before.contains_key(path) && !ours(path));
    assert!(
        after.iter().all(|(path, content)| before[path] == *content),
        "nothing was touched"
    );
    let planned = scene.json("backup prune --dry-run").expect(0);
    let done = scene.json("--yes backup prune").expect(0);
    assert_eq!(
        done.document["decisions"], planned.document["decisions"],
        "the very plan"
    );
    let stays: Vec<String> = left(&scene);
    let expected = ["20251105_140000", "20251106_020000"].map(|stamp| format!("inventario_{stamp}"));
    assert_eq!(stays[..stays.len() - 1], expected);
    assert_eq!(Path::new(&stays[stays.len() - 1]), made.file_name().unwrap());
    let again = scene.run("--yes backup prune --lang en").expect(0);
    assert_eq!(left(&scene), stays);
    let dry = dry.map(|said| said.to_string()).join("\n");
    // Stamps are what this is about: they are fixed, so they need no mask.
    assert_snapshot!(format!("{unruled}\n{dry}\n{done}\n{again}"));
}

#[test]
fn what_is_known_to_be_damaged_keeps_no_good_one_from_staying() {
    let scene = Scene::data();
    scene.configure("dir = \"backups\"", "dir = \"backups\"\nkeep = { last = 1 }");
    let good = scene.json("backup").expect(0).text("path");
    let rotten = scene.json("backup").expect(0).text("path");
    let chunk = scene
        .files()
        .into_keys()
        .find(|file| file.starts_with(&rotten) && file.extension().is_some_and(|end| end == "zst"))
        .unwrap();
    fault::flip_byte(&chunk, 20);
    scene.json("backup verify").fails(12, "verification_failed");
    let reasons = |at: usize| {
        let dry = scene.json("backup prune --dry-run").expect(0);
        dry.document["decisions"][at]["reasons"].clone()
    };
    assert_eq!(reasons(0), serde_json::json!(["unreadable"]));
    assert_eq!(reasons(1), serde_json::json!(["last", "newest", "newest_proven"]));
    let list = scene.json("backup list").expect(0);
    let backup = |at: usize| list.document["backups"][at].clone();
    assert_eq!(
        (&backup(0)["state"], &backup(1)["state"]),
        (&"damaged".into(), &"complete".into())
    );
    assert_eq!(backup(0)["replicas"], serde_json::json!([]));
    let said = scene.run("backup list --lang en").expect(0).output.stdout;
    assert!(
        said.contains("DAMAGED") && said.contains("found damage at"),
        "{said}"
    );
    scene.json("--yes backup prune").expect(0);
    assert!(Path::new(&good).is_dir() && Path::new(&rotten).is_dir());
    // A copy of it elsewhere is another thing: what is found there is not said of this one.
    fault::flip_byte(&chunk, 20);
    scene.json("backup verify").expect(0);
    assert_eq!(
        scene.json("backup list").expect(0).document["backups"][0]["state"],
        "complete"
    );
    let away = scene.json("backup copy --to ./away").expect(0).text("path");
    let chunk = scene.path(&away).join(chunk.strip_prefix(&rotten).unwrap());
    fault::flip_byte(&chunk, 20);
    scene
        .json(&format!("backup verify {away}"))
        .fails(12, "verification_failed");
    assert_eq!(
        scene.json("backup list").expect(0).document["backups"][0]["state"],
        "complete"
    );
}

#[test]
fn one_that_cannot_be_deleted_keeps_no_other() {
    let scene = Scene::data();
    scene.configure("dir = \"backups\"", "dir = \"backups\"\nkeep = { last = 1 }");
    let made = PathBuf::from(scene.json("backup --no-restore").expect(0).text("path"));
    backdate(&scene, &made, &DAYS);
    // Somebody holds what its deletion would have to take away first.
    let partial = scene.path(format!("backups/.inventario_{}.partial", DAYS[3]));
    std::fs::create_dir(&partial).unwrap();
    let lock = std::fs::File::open(&partial).unwrap();
    lock.lock().unwrap();
    let done = scene.json("--yes backup prune").expect(1);
    let held = format!("inventario_{}", DAYS[3]);
    assert_eq!(done.document["failed"], serde_json::json!([held]));
    assert!(
        done.document["error"]["message"]
            .as_str()
            .unwrap()
            .contains(&held),
        "{}",
        done.document
    );
    assert_eq!(done.document["deleted"].as_array().unwrap().len(), DAYS.len() - 1);
    let said = scene.run("--yes backup prune --lang en").expect(1).output.stdout;
    assert!(said.contains("FAILED") && said.contains("0 deleted"), "{said}");
    drop(lock);
    scene.json("--yes backup prune").expect(0);
    assert_eq!(left(&scene).len(), 1);
}

#[test]
fn none_is_deleted_while_one_is_made_or_read() {
    let scene = Scene::data();
    scene.configure("dir = \"backups\"", "dir = \"backups\"\nkeep = { last = 1 }");
    scene.json("backup").expect(0);
    let lease = std::fs::File::open(scene.path("state/lease.backups")).unwrap();
    // As another who reads or makes one holds it.
    lease.lock_shared().unwrap();
    scene.json("--yes backup prune").fails(10, "lease_held");
    let reading = [
        "backup verify --all",
        "backup verify --restore",
        "backup copy --to ./elsewhere",
        "--yes restore latest --into restored.db",
    ];
    for verb in reading {
        scene.json(verb).expect(0);
    }
    scene.json("digest --backup latest").expect(0);
    scene.json("digest --diff live backup:latest").expect(0);
    scene.json("backup --no-restore").expect(0);
    lease.unlock().unwrap();
    // As `prune` holds it.
    lease.lock().unwrap();
    scene.json("digest --backup latest").fails(10, "lease_held");
    scene
        .json("digest --diff live backup:latest")
        .fails(10, "lease_held");
    scene.json("backup --no-restore").fails(10, "lease_held");
    for verb in reading {
        scene.json(verb).fails(10, "lease_held");
    }
    scene.json("digest").expect(0);
}

#[test]
fn one_restore_at_a_time_and_one_copy_of_a_backup() {
    let scene = Scene::data();
    let path = scene.json("backup --no-restore").expect(0).text("path");
    let restore = format!("restore {path} --into restored.db");
    std::fs::write(scene.path("state/lease.restores"), "restore").unwrap();
    let restores = std::fs::File::open(scene.path("state/lease.restores")).unwrap();
    restores.lock().unwrap();
    scene.json(&restore).fails(10, "lease_held");
    scene.json("backup verify --restore").expect(0);
    restores.unlock().unwrap();
    scene.json(&restore).expect(0);
    // As another `backup copy` or a window's `off_site` holds it.
    let copying = std::fs::File::open(&path).unwrap();
    copying.lock().unwrap();
    let refused = scene.json("backup copy --to ./elsewhere").fails(10, "lease_held");
    assert!(refused.message.contains(&path), "{refused:?}");
    assert!(!scene.path("elsewhere").exists());
    scene.json("backup verify").expect(0);
    copying.unlock().unwrap();
    scene.json("backup copy --to ./elsewhere").expect(0);
}

/// Several at once, each with its line in the ledger and beside the backup.
#[test]
fn many_verify_at_once_beside_a_new_backup() {
    let scene = Scene::data();
    let path = scene.json("backup --no-restore").expect(0).text("path");
    let name = Path::new(&path).file_name().unwrap().to_str().unwrap();
    scene.configure_more("[replica.vault]\nfolder = \"vault\"\n");
    scene.json(&format!("backup copy {name}")).expect(0);
    let verbs: Vec<String> = [
        format!("backup verify {name}"),
        format!("backup verify {name} --replica vault"),
    ]
    .into_iter()
    .cycle()
    .take(12)
    .chain(["backup --no-restore".to_owned()])
    .collect();
    let running: Vec<_> = verbs.iter().map(|verb| scene.ventana(verb).spawn()).collect();
    for one in running {
        one.wait().ok();
    }
    let lines = |at: PathBuf| {
        let text = std::fs::read_to_string(at).unwrap();
        let lines = text.lines().filter(|line| !line.is_empty());
        lines
            .inspect(|line| drop(serde_json::from_str::<serde_json::Value>(line).unwrap()))
            .count()
    };
    // What was written down when it was made and copied, and six times more.
    assert_eq!(lines(Path::new(&path).join("proven.jsonl")), 7);
    assert_eq!(lines(scene.path("state/replicas.jsonl")), 7);
    assert_eq!(left(&scene).len(), 2);
}

#[test]
fn what_a_run_needs_stays() {
    let scene = Scene::served();
    scene.configure("dir = \"backups\"", "dir = \"backups\"\nkeep = { last = 1 }");
    scene.json("run").expect(0);
    let of_the_run = left(&scene);
    assert_eq!(of_the_run.len(), 2, "{of_the_run:?}");
    let newest = scene.json("backup --no-restore").expect(0).text("path");
    backdate(&scene, Path::new(&newest), &DAYS);
    let pruned = scene.json("--yes backup prune").expect(0);
    assert_eq!(pruned.document["deleted"].as_array().unwrap().len(), DAYS.len());
    let mut expected = of_the_run;
    expected.push(
        Path::new(&newest)
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned(),
    );
    assert_eq!(left(&scene), expected);
    // A journal that nobody can read might need any of them.
    let journal = scene.run_dir().join("journal.jsonl");
    fault::flip_byte(&journal, 40);
    let refused = scene.json("--yes backup prune");
    assert_ne!(refused.said.output.code, Some(0), "{}", refused.said.output);
    assert_eq!(left(&scene), expected);
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
