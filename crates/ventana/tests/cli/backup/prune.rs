//! Retention: what goes, and what stays whatever the rules say.

use std::path::{Path, PathBuf};

use insta::assert_snapshot;
use testkit::fault;

use crate::cli::scene::Scene;

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

pub(super) fn left(scene: &Scene) -> Vec<String> {
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
    let done = scene.json("--yes backup prune").expect(10);
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
    let said = scene.run("--yes backup prune --lang en").expect(10).output.stdout;
    assert!(said.contains("FAILED") && said.contains("0 deleted"), "{said}");
    drop(lock);
    scene.json("--yes backup prune").expect(0);
    assert_eq!(left(&scene).len(), 1);
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

/// Whoever reads it may keep its own state elsewhere: what keeps a backup from being deleted lies with the backup.
#[test]
fn what_somebody_else_reads_stays() {
    let scene = Scene::data();
    let made = PathBuf::from(scene.json("backup --no-restore").expect(0).text("path"));
    backdate(&scene, &made, &DAYS);
    scene.configure("dir = \"backups\"", "dir = \"backups\"\nkeep = { last = 1 }");
    let read = scene.path(format!("backups/inventario_{}", DAYS[2]));
    let reading = std::fs::File::open(read.join("SHA256SUMS")).unwrap();
    reading.lock_shared().unwrap();
    let refused = scene.json("--yes backup prune");
    assert_eq!(refused.said.output.code, Some(10), "{}", refused.said.output);
    assert_eq!(
        refused.document["deleted"].as_array().unwrap().len(),
        DAYS.len() - 1
    );
    assert!(left(&scene).contains(&format!("inventario_{}", DAYS[2])));
    scene.json(&format!("backup verify {}", read.display())).expect(0);
    reading.unlock().unwrap();
    // As `prune` holds it.
    reading.lock().unwrap();
    scene
        .json(&format!("backup verify {}", read.display()))
        .fails(10, "lease_held");
    reading.unlock().unwrap();
    scene.json("--yes backup prune").expect(0);
    assert!(!read.exists());
}

/// As the example of `ventana.toml` has it: another database, everything else the same.
#[test]
fn an_environment_never_prunes_or_restores_the_backups_of_another() {
    let scene = Scene::data();
    std::fs::copy(scene.database(), scene.path("staging.db")).unwrap();
    scene.configure("[backup]\n", "[backup]\nkeep = { last = 1 }\n");
    scene.configure_more(&format!(
        "[env.staging.database]\nurl = \"sqlite://{}\"\n",
        scene.path("staging.db").display()
    ));
    let production = scene.json("backup --no-restore").expect(0).text("path");
    let staging = scene
        .json("--env staging backup --no-restore")
        .expect(0)
        .text("path");
    assert!(staging.contains("/inventario-staging_"), "{staging}");
    for environment in ["", "--env staging "] {
        let pruned = scene.json(&format!("--yes {environment}backup prune")).expect(0);
        assert_eq!(pruned.document["deleted"], serde_json::json!([]), "{environment}");
    }
    assert_eq!(left(&scene).len(), 2);
    for (environment, path) in [("", &production), ("--env staging ", &staging)] {
        let asked = scene.json(&format!("{environment}restore latest --into copy.db"));
        assert!(asked.fails(2, "usage").message.contains(path.as_str()));
    }
}
