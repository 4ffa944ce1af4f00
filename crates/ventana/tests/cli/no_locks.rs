//! File systems without locks, as some network mounts are: of backups they only cost the removal of what the dead have
//! left; the state folder cannot do without. The kernel's answers are strace's.

use std::path::Path;

use testkit::{Output, Process, program};

use super::scene::Scene;

/// `ventana` whose locks fail from the `first` one on.
fn without_locks(scene: &Scene, first: u32, line: &str) -> Output {
    let strace = program::find("strace").unwrap();
    let answer = format!("inject=flock:error=ENOLCK:when={first}+");
    Process::within(scene.sandbox(), strace)
        .args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=flock", "-e", &answer])
        .args([env!("CARGO_BIN_EXE_ventana"), "--json"])
        .args(line.split_whitespace())
        .run()
}

#[test]
fn a_state_folder_needs_them() {
    let scene = Scene::data();
    for line in ["backup", "run", "restore latest --into copy.db"] {
        let refused = without_locks(&scene, 1, line).expect(1);
        let error = refused.json()["error"].clone();
        assert!(
            error["message"]
                .as_str()
                .unwrap()
                .contains("cannot take the lease"),
            "{error}"
        );
        assert!(error["hint"].as_str().unwrap().contains("[state] dir"), "{error}");
    }
    assert!(!scene.path("backups").exists());
    without_locks(&scene, 1, "digest").ok();
}

/// Who cannot tell the dead from the living leaves both alone.
#[test]
fn backups_go_on_without_and_nothing_is_removed() {
    let scene = Scene::data();
    scene.configure("dir = \"backups\"", "dir = \"backups\"\nkeep = { last = 1 }");
    let half = scene.path("backups/.inventario_20200101_000000.partial");
    std::fs::create_dir_all(&half).unwrap();
    // The first lock is the lease of the state folder, which has locks.
    let made = without_locks(&scene, 2, "backup").ok().json();
    assert_eq!(made["verified"], "restore");
    for line in [
        "backup verify --restore",
        "backup copy --to ./elsewhere",
        "backup copy --to ./elsewhere",
        "--yes backup prune",
    ] {
        without_locks(&scene, 2, line).ok();
    }
    let copied = Path::new(made["path"].as_str().unwrap()).file_name().unwrap();
    assert!(scene.path("elsewhere").join(copied).is_dir());
    assert!(half.is_dir(), "somebody may be writing it");
    // Where there are locks it is nobody's.
    scene.json("backup --no-restore").expect(0);
    assert!(!half.exists());
}
