//! What holds of a folder of backups, whatever has happened.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use testkit::Output;

/// Every folder with a final name is whole by its own sums, and is called so; nothing else is.
#[track_caller]
pub(super) fn assert_only_whole_claim_it(folder: &Path, context: &str, ventana: impl Fn(&[&str]) -> Output) {
    let listed = ventana(&["backup", "list"]).ok().json();
    let listed = listed["backups"].as_array().expect("a list").clone();
    let state = |path: &Path| {
        let entry = listed.iter().find(|entry| same(&entry["path"], path));
        entry.map(|entry| (entry["complete"] == true, entry["state"] == "complete"))
    };
    for path in folders(folder) {
        let text = path.display().to_string();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if partial(&name) {
            assert_eq!(
                state(&path),
                Some((false, false)),
                "{context}: {name} in the list"
            );
            let verified = ventana(&["backup", "verify", &text]);
            assert_eq!(verified.code, Some(1), "{context}: {name} verifies\n{verified}");
            assert_eq!(
                verified.json()["error"]["code"],
                "backup",
                "{context}\n{verified}"
            );
            continue;
        }
        assert_eq!(state(&path), Some((true, true)), "{context}: {name} in the list");
        let sums = Command::new("/usr/bin/sha256sum")
            .args(["--check", "--quiet", "--strict", "SHA256SUMS"])
            .current_dir(&path)
            .output()
            .expect("sha256sum runs (coreutils)");
        assert!(
            sums.status.success(),
            "{context}: {name}: {}",
            String::from_utf8_lossy(&sums.stdout)
        );
        ventana(&["backup", "verify", &text]).ok();
    }
    let there = folders(folder);
    for entry in &listed {
        assert!(
            there.iter().any(|path| same(&entry["path"], path)),
            "{context}: listed and not there: {entry}"
        );
    }
}

fn same(listed: &Value, path: &Path) -> bool {
    listed
        .as_str()
        .and_then(|text| Path::new(text).file_name())
        .is_some_and(|name| Some(name) == path.file_name())
}

/// Whether a folder's name says that it is not finished.
pub(super) fn partial(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(".partial")
}

/// The folders in a folder; none when there is no such folder.
pub(super) fn folders(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect();
    found.sort();
    found
}

/// No folder is left that is not a finished backup.
#[track_caller]
pub(super) fn assert_no_remains(folder: &Path, context: &str) {
    for path in folders(folder) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        assert!(!partial(&name), "{context}: {} is left", path.display());
    }
}
