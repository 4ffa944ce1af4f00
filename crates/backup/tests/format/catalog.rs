//! Listing, finding and proving.

use std::fs;

use backup::{Backup, Error, Proven, State, Store, Writer, find, list, replicate};
use serde_json::json;

use crate::round_trip::finish_empty;
use crate::sample::{self, Dialect};

#[test]
fn lists_newest_first_with_what_each_is() {
    let root = tempfile::tempdir().unwrap();
    assert!(list(&root.path().join("not yet"), "demo").unwrap().is_empty());
    for stamp in [
        "20250101_000000",
        "20250103_000000",
        "20250103_000000",
        "20250102_000000",
    ] {
        finish_empty(Writer::create(root.path(), "demo", stamp).unwrap()).unwrap();
    }
    for _ in 0..10 {
        finish_empty(Writer::create(root.path(), "demo", "20250104_000000").unwrap()).unwrap();
    }
    drop(Writer::create(root.path(), "demo", "20250105_000000").unwrap());
    finish_empty(Writer::create(root.path(), "demo_x", "20250109_000000").unwrap()).unwrap();
    finish_empty(Writer::create(root.path(), "dem", "20250109_000000").unwrap()).unwrap();
    fs::create_dir(root.path().join("demo_20250106_000000")).unwrap();
    fs::write(root.path().join("demo_20250107_000000"), "a file").unwrap();
    fs::write(root.path().join("notes.txt"), "").unwrap();
    fs::write(root.path().join("demo_20250101_000000/manifest.json"), "{}").unwrap();

    let entries = list(root.path(), "demo").unwrap();
    let names: Vec<String> = entries.iter().map(|entry| entry.name.to_string()).collect();
    let mut expected = vec!["demo_20250106_000000".to_owned(), "demo_20250105_000000".into()];
    expected.extend((2..=10).rev().map(|n| format!("demo_20250104_000000_{n}")));
    expected.extend(
        ["04_000000", "03_000000_2", "03_000000", "02_000000", "01_000000"]
            .map(|s| format!("demo_202501{s}")),
    );
    assert_eq!(names, expected);
    assert!(matches!(&entries[0].state, State::Unreadable { why } if why.contains("SHA256SUMS")));
    assert!(matches!(&entries[1].state, State::Incomplete { why } if why.contains("being written")));
    assert!(entries[2..names.len() - 1].iter().all(backup::Entry::is_complete));
    assert!(
        matches!(&entries[names.len() - 1].state, State::Unreadable { why } if why.contains("manifest.json"))
    );

    // What has a backup's name and nothing of one may be what is left of the newest: a person has to look.
    let lost = find(root.path(), "demo", "latest").unwrap_err();
    assert!(
        matches!(&lost, Error::NoBackup { path } if path.ends_with("demo_20250106_000000")),
        "{lost}"
    );
    fs::remove_dir(root.path().join("demo_20250106_000000")).unwrap();
    let latest = find(root.path(), "demo", "latest").unwrap();
    assert_eq!(latest.manifest().name, "demo_20250104_000000_10");
    assert_eq!(
        find(root.path(), "demo", "demo_20250102_000000")
            .unwrap()
            .manifest()
            .name,
        "demo_20250102_000000"
    );
    assert_eq!(
        find(root.path(), "x", latest.path().to_str().unwrap())
            .unwrap()
            .id(),
        latest.id()
    );
    assert!(matches!(
        find(root.path(), "demo", "demo_20250105_000000"),
        Err(Error::Incomplete { .. })
    ));
    let error = find(root.path(), "demo", "demo_20240101_000000")
        .unwrap_err()
        .to_string();
    assert!(error.contains("the newest is demo_20250104_000000_10"), "{error}");
    assert!(
        find(root.path(), "other", "latest")
            .unwrap_err()
            .to_string()
            .contains("no complete one yet")
    );
    assert!(matches!(
        find(root.path(), "demo", ""),
        Err(Error::NotFound { .. })
    ));
}

/// An older state must not be taken for the newest because the newest cannot be read.
#[test]
fn latest_does_not_pass_over_a_damaged_one() {
    let root = tempfile::tempdir().unwrap();
    for stamp in ["20250101_000000", "20250102_000000"] {
        finish_empty(Writer::create(root.path(), "demo", stamp).unwrap()).unwrap();
    }
    fs::write(root.path().join("demo_20250102_000000/manifest.json"), "{}").unwrap();
    assert!(matches!(
        find(root.path(), "demo", "latest"),
        Err(Error::Damaged { .. })
    ));
}

/// A folder gets its name when it is whole: what has the name and lacks one of the two files that make it a backup lost it.
#[test]
fn one_that_lost_its_sums_or_its_manifest_is_damaged_and_not_incomplete() {
    for lost in [
        &["SHA256SUMS"][..],
        &["manifest.json"],
        &["SHA256SUMS", "manifest.json"],
    ] {
        let root = tempfile::tempdir().unwrap();
        let path = sample::write(root.path(), Dialect::MariaDb, 9)
            .path()
            .to_path_buf();
        for file in lost {
            fs::remove_file(path.join(file)).unwrap();
        }
        let name = path.file_name().unwrap().to_str().unwrap();
        for error in [
            Backup::open(&path).unwrap_err(),
            find(root.path(), "demo", name).unwrap_err(),
            find(root.path(), "demo", "latest").unwrap_err(),
        ] {
            assert!(
                matches!(&error, Error::Damaged { file, .. } if *file == lost[0]),
                "{lost:?}: {error}"
            );
        }
        let found = backup::verify(&path, &mut |_, _| ()).unwrap_err().to_string();
        assert!(found.contains(lost[0]) && found.contains("is missing"), "{found}");
        let entries = list(root.path(), "demo").unwrap();
        assert!(
            matches!(&entries[0].state, State::Unreadable { why } if why.contains(lost[0])),
            "{lost:?}"
        );
        // Nor is it taken for what a dead writer left.
        assert!(backup::remove_remains(root.path(), "demo").unwrap().is_empty());
        assert!(path.exists());
    }
}

#[test]
fn a_folder_that_is_no_backup_is_called_so() {
    let root = tempfile::tempdir().unwrap();
    sample::write(root.path(), Dialect::MariaDb, 9);
    let error = Backup::open(root.path()).unwrap_err();
    assert!(matches!(error, Error::NoBackup { .. }), "{error}");
    assert!(!error.to_string().contains("delete"), "{error}");
}

#[test]
fn what_is_being_read_is_not_deleted() {
    let root = tempfile::tempdir().unwrap();
    let backup = sample::write(root.path(), Dialect::MariaDb, 9);
    let (path, name) = (backup.path().to_path_buf(), backup.manifest().name.clone());
    let (other, copy) = (Backup::open(&path).unwrap(), backup.clone());
    let mut store = backup::Folder::at(root.path()).unwrap();
    drop((backup, other));
    let refused = store.discard(&name).unwrap_err();
    assert!(matches!(refused, Error::InUse { .. }), "{refused}");
    copy.verify(&mut |_, _| ()).unwrap();
    drop(copy);
    store.discard(&name).unwrap();
    assert!(!path.exists());
}

#[test]
fn newer_formats_and_unknown_features_are_refused_by_name() {
    let root = tempfile::tempdir().unwrap();
    let backup = sample::write(root.path(), Dialect::Sqlite, 3);
    let folder = root.path().join("x");
    let refused = |change: fn(&mut serde_json::Value), text: &str| {
        sample::copy(backup.path(), &folder);
        sample::reseal(&folder, change);
        let error = Backup::open(&folder).unwrap_err().to_string();
        assert!(
            error.contains(text) && error.contains("Use a newer one"),
            "{error}"
        );
        assert!(
            backup::verify(&folder, &mut |_, _| ())
                .unwrap_err()
                .to_string()
                .contains(text)
        );
        fs::remove_dir_all(&folder).unwrap();
    };
    // A newer manifest need not look like ours at all.
    refused(
        |m| *m = json!({"format": 2, "tables": "elsewhere"}),
        "backup format 2; this program knows up to 1",
    );
    refused(|m| m["features"] = json!(["age", "parity"]), "feature parity");
    refused(|m| m["kind"] = json!("incremental"), "kind incremental");
    // What version 1 may gain without harm.
    sample::copy(backup.path(), &folder);
    sample::reseal(&folder, |m| {
        m["future"] = json!({"a": 1});
        m["tables"][0]["future"] = json!([1]);
        m["tables"][0]["chunks"][0]["future"] = json!(null);
    });
    assert_eq!(Backup::open(&folder).unwrap().manifest(), backup.manifest());
    backup::verify(&folder, &mut |_, _| ()).unwrap();
}

#[test]
fn proofs_are_kept_beside_the_set() {
    let root = tempfile::tempdir().unwrap();
    let backup = sample::write(root.path(), Dialect::Sqlite, 3);
    assert_eq!(backup.last_proof().unwrap(), None);
    let error = backup
        .record_proof("2025-01-02T04:00:00Z", Proven::Restore, "another")
        .unwrap_err();
    assert!(matches!(error, Error::Disproved { .. }), "{error}");
    assert_eq!(backup.last_proof().unwrap(), None);

    let first = backup
        .record_proof("2025-01-02T04:00:00Z", Proven::Files, backup.digest())
        .unwrap();
    assert_eq!(backup.last_proof().unwrap(), Some(first.clone()));
    // A crash tore a line; another backup's file was copied here.
    let path = backup.path().join("proven.jsonl");
    let mut text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().count(), 1);
    let foreign = serde_json::to_string(&backup::Proof {
        id: "0".repeat(64),
        ..first.clone()
    })
    .unwrap();
    text.push_str(&format!("{foreign}\n{{\"at\":\"2025-0"));
    fs::write(&path, text).unwrap();
    assert_eq!(backup.proofs().unwrap(), std::slice::from_ref(&first));
    let second = backup
        .record_proof("2025-01-03T04:00:00Z", Proven::Restore, backup.digest())
        .unwrap();
    assert_eq!(backup.proofs().unwrap(), [first, second.clone()]);

    backup.verify(&mut |_, _| ()).unwrap();
    let State::Complete(summary) = &list(root.path(), "demo").unwrap()[0].state else {
        panic!()
    };
    assert_eq!(summary.last_proof, Some(second));
    // A replica is proven by itself.
    let off_site = tempfile::tempdir().unwrap();
    let replica = replicate(&backup, off_site.path(), &mut |_, _| ()).unwrap();
    assert_eq!(replica.backup.last_proof().unwrap(), None);
}
