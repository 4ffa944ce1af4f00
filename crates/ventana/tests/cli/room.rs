//! What surely does not fit is refused with the figures before a byte is written.

use std::path::Path;

use testkit::Sandbox;
use testkit::fault::SmallDisk;

use super::far::{Far as _, SshFar};
use super::scene::{Failed, Scene};

/// Some 240 kB that nothing compresses.
fn scene() -> Scene {
    let scene = Scene::data();
    scene.sqlite("UPDATE activos SET nombre = nombre || hex(randomblob(2000))");
    scene
}

#[track_caller]
fn figures(failed: &Failed) {
    let numbers = failed
        .message
        .split(|c: char| !c.is_ascii_digit())
        .filter(|number| number.len() > 3);
    assert!(
        numbers.count() >= 1
            && failed.message.contains("bytes free")
            && failed.message.contains("nothing was written"),
        "{failed:?}"
    );
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().next().is_none()
}

#[test]
fn for_a_backup() {
    let scene = scene();
    let disk = SmallDisk::mount(8 * 1024);
    scene.env("BACKUP_DIR", disk.path().display().to_string());
    figures(&scene.json("backup").fails(1, "no_space"));
    assert!(is_empty(disk.path()));
}

#[test]
fn for_a_backup_as_large_as_the_last_one() {
    let scene = scene();
    let disk = SmallDisk::mount(512 * 1024);
    scene.env("BACKUP_DIR", disk.path().display().to_string());
    scene.json("backup").expect(0);
    disk.fill();
    figures(&scene.json("backup").fails(1, "no_space"));
}

#[test]
fn for_a_copy() {
    let scene = scene();
    scene.json("backup --no-restore").expect(0);
    let disk = SmallDisk::mount(64 * 1024);
    let line = format!("backup copy --to {}", disk.path().display());
    figures(&scene.json(&line).fails(1, "no_space"));
    assert!(is_empty(disk.path()));
    let far = SshFar::at(Sandbox::new(), disk.path().join("copies"));
    scene.configure_more(&far.configuration());
    figures(&scene.json("backup copy").fails(1, "no_space"));
    assert!(is_empty(disk.path()));
}

#[test]
fn for_a_scratch_copy() {
    let scene = scene();
    scene.json("backup --no-restore").expect(0);
    let disk = SmallDisk::mount(32 * 1024);
    scene.configure("dir = \"state\"", &format!("dir = \"{}\"", disk.path().display()));
    figures(&scene.json("backup verify --restore").fails(1, "no_space"));
    assert!(is_empty(&disk.path().join("scratch")));
}

/// What is found out only while it is written names the file and what to do.
#[test]
fn a_file_that_grows_beyond_its_disk_is_named() {
    let scene = scene();
    let path = scene.json("backup --no-restore").expect(0).text("path");
    let disk = SmallDisk::mount(96 * 1024);
    let into = disk.path().join("copy.db");
    let failed = scene.json(&format!("restore {path} --into {}", into.display()));
    let failed = failed.fails(1, "database");
    assert!(
        failed.message.contains(&disk.path().display().to_string()) && failed.hint.contains("df -h"),
        "{failed:?}"
    );
    assert!(is_empty(disk.path()));
}
