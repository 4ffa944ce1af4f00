//! A disk runs full: that of the backups, and that of the server that is restored to.

use testkit::fault::SmallDisk;

use super::place::Place;
use super::whole;

/// Bytes on the disk of a finished backup.
fn weight(folder: &std::path::Path) -> u64 {
    let below = std::fs::read_dir(folder).expect("reads").map(|entry| {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => weight(&path),
            // As a small disk counts it.
            false => path.metadata().expect("metadata").len().next_multiple_of(4096),
        }
    });
    below.sum()
}

#[test]
fn of_the_backups() {
    let place = Place::new();
    let backup = place.backup();
    let whole = weight(backup.as_ref());
    std::fs::remove_dir_all(place.backups()).expect("removes the backup");
    for eighths in [1, 3, 5, 7] {
        let context = format!("a disk for {eighths}/8 of {whole} bytes");
        // Some containers let not even root mount: then no file may grow beyond a few bytes, which is much the same.
        let disk = SmallDisk::try_mount(whole * eighths / 8).ok();
        let command = place.ventana(&["backup"]);
        let (command, says, folder) = match &disk {
            Some(disk) => (
                command.env("BACKUP_DIR", disk.path()),
                "No space left on device",
                disk.path().to_owned(),
            ),
            None => (
                command.file_size_limit(512 * eighths),
                "File too large",
                place.backups(),
            ),
        };
        let output = command.run();
        assert_eq!(output.code, Some(1), "{context}\n{output}");
        let error = output.json()["error"].to_string();
        assert!(
            error.contains(says) && error.contains(&folder.display().to_string()),
            "{context}: what failed, and where?\n{output}"
        );
        assert!(
            whole::folders(&folder).is_empty(),
            "{context}: it takes room from nobody"
        );
        place.assert_broken_backup(&context);
    }
}

#[test]
fn of_the_server() {
    let Ok(disk) = SmallDisk::try_mount(256 << 20) else {
        // Nothing else fills a server's disk and not everybody else's.
        return;
    };
    let place = Place::inside(disk.path());
    let backup = place.backup();
    for left in [64 << 10, 384 << 10, 448 << 10, 512 << 10] {
        let context = format!("a restore with {left} bytes left on the server's disk");
        let filler = disk.fill();
        testkit::fault::cut_tail(&filler, left);
        let output = place.restore(&backup).run();
        assert_eq!(output.code, Some(1), "{context}\n{output}");
        let hint = output.json()["error"]["hint"].to_string();
        assert!(
            hint.contains("disk is full"),
            "{context}: nobody says why\n{output}"
        );
        std::fs::remove_file(filler).expect("makes room");
        place.assert_broken_restore(&backup, &context);
    }
}
