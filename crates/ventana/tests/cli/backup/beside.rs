//! Several verbs at work on the same backups.

use std::path::{Path, PathBuf};

use super::prune::left;
use crate::cli::scene::Scene;

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
