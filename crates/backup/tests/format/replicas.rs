//! Replicas: copied, proven on the far side, resumed, never written over.

use std::fs;
use std::path::Path;

use backup::{Backup, Error, partial_of, replicate};

use crate::sample::{self, Dialect};

fn same(a: &Path, b: &Path) {
    assert_eq!(sample::files(a), sample::files(b));
    for file in sample::files(a) {
        assert!(
            fs::read(a.join(&file)).unwrap() == fs::read(b.join(&file)).unwrap(),
            "{file}"
        );
    }
}

fn bytes(folder: &Path) -> u64 {
    sample::files(folder)
        .iter()
        .map(|file| fs::metadata(folder.join(file)).unwrap().len())
        .sum()
}

#[test]
fn a_replica_is_the_same_folder() {
    let (root, far) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let backup = sample::write(root.path(), Dialect::MariaDb, 3000);
    let far = far.path().join("made/anew");
    let mut told = Vec::new();
    let replica = replicate(&backup, &far, &mut |done, total| told.push((done, total))).unwrap();
    assert_eq!(replica.backup.path(), far.join(&backup.manifest().name));
    assert_eq!(replica.backup.id(), backup.id());
    same(backup.path(), replica.backup.path());
    let total = bytes(backup.path());
    assert_eq!(
        (replica.already, replica.copied_bytes, replica.kept_bytes),
        (false, total, 0)
    );
    assert!(told.is_sorted(), "{told:?}");
    assert_eq!(told.last(), Some(&(2 * total, 2 * total)));

    let again = replicate(&backup, &far, &mut |_, _| ()).unwrap();
    assert_eq!(
        (again.already, again.copied_bytes, again.kept_bytes),
        (true, 0, 0)
    );
}

#[test]
fn an_interrupted_copy_goes_on() {
    let root = tempfile::tempdir().unwrap();
    let backup = sample::write(root.path(), Dialect::MariaDb, 3000);
    let files = sample::files(backup.path());
    // Interrupted after each number of files, the last one torn; and with what a stranger left.
    for whole in 0..=files.len() {
        let far = tempfile::tempdir().unwrap();
        let partial = far.path().join(partial_of(&backup.manifest().name));
        fs::create_dir(&partial).unwrap();
        let mut kept = 0;
        for (index, file) in files.iter().enumerate().take(whole + 1) {
            let to = partial.join(file);
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            let content = fs::read(backup.path().join(file)).unwrap();
            let keep = if index == whole {
                content.len() / 2
            } else {
                content.len()
            };
            kept += if index == whole { 0 } else { content.len() as u64 };
            fs::write(to, &content[..keep]).unwrap();
        }
        fs::write(partial.join("stray"), "x").unwrap();
        fs::create_dir_all(partial.join("data")).unwrap();
        fs::write(partial.join("data/9999-stray.0001.tsv.zst"), "x").unwrap();
        fs::create_dir(partial.join("folder")).unwrap();
        assert!(matches!(Backup::open(&partial), Err(Error::Incomplete { .. })));
        let replica = replicate(&backup, far.path(), &mut |_, _| ()).unwrap();
        assert_eq!(
            (replica.kept_bytes, replica.copied_bytes),
            (kept, bytes(backup.path()) - kept),
            "{whole}"
        );
        same(backup.path(), replica.backup.path());
        replica.backup.verify(&mut |_, _| ()).unwrap();
        assert!(!partial.exists());
    }
}

/// A bit that changed in what an interrupted copy left is seen, and that file alone is written again.
#[test]
fn damage_in_an_interrupted_copy_is_mended() {
    let root = tempfile::tempdir().unwrap();
    let backup = sample::write(root.path(), Dialect::Sqlite, 300);
    for file in sample::files(backup.path()) {
        let far = tempfile::tempdir().unwrap();
        let partial = far.path().join(partial_of(&backup.manifest().name));
        sample::copy(backup.path(), &partial);
        let mut content = fs::read(partial.join(&file)).unwrap();
        content[3] ^= 4;
        fs::write(partial.join(&file), &content).unwrap();
        let replica = replicate(&backup, far.path(), &mut |_, _| ()).unwrap();
        assert_eq!(replica.copied_bytes, content.len() as u64, "{file}");
        same(backup.path(), replica.backup.path());
    }
}

#[test]
fn a_damaged_original_is_not_copied() {
    let root = tempfile::tempdir().unwrap();
    let backup = sample::write(root.path(), Dialect::Sqlite, 300);
    for file in sample::files(backup.path()) {
        let far = tempfile::tempdir().unwrap();
        let path = backup.path().join(&file);
        let whole = fs::read(&path).unwrap();
        let mut content = whole.clone();
        content[whole.len() / 2] ^= 1;
        fs::write(&path, &content).unwrap();
        let error = replicate(&backup, far.path(), &mut |_, _| ()).unwrap_err();
        // The original is blamed, not the far side.
        let Error::Damaged {
            path: blamed,
            file: named,
            ..
        } = &error
        else {
            panic!("{file}: {error}")
        };
        assert_eq!(blamed, backup.path(), "{error}");
        assert!(*named == file || file == "SHA256SUMS", "{file}: {error}");
        assert!(!far.path().join(&backup.manifest().name).exists(), "{file}");
        fs::write(&path, whole).unwrap();
        replicate(&backup, far.path(), &mut |_, _| ()).unwrap();
    }
}

#[test]
fn a_complete_folder_is_never_written_over() {
    let (root, other, far) = (
        tempfile::tempdir().unwrap(),
        tempfile::tempdir().unwrap(),
        tempfile::tempdir().unwrap(),
    );
    let backup = sample::write(root.path(), Dialect::Sqlite, 300);
    let another = sample::write(other.path(), Dialect::Sqlite, 301);
    let refused = |error: Error, text: &str| {
        assert!(
            matches!(error, Error::Exists { .. }) && error.to_string().contains(text),
            "{error}"
        );
    };
    refused(
        replicate(&backup, root.path(), &mut |_, _| ()).unwrap_err(),
        "the backup itself",
    );
    replicate(&another, far.path(), &mut |_, _| ()).unwrap();
    refused(
        replicate(&backup, far.path(), &mut |_, _| ()).unwrap_err(),
        "another backup of the same name",
    );
    let there = far.path().join(&backup.manifest().name);
    same(another.path(), &there);

    // The same backup, damaged there: said with the file, and left alone.
    let file = there.join("data/0001-activos.0001.sql.zst");
    let mut content = fs::read(&file).unwrap();
    content[20] ^= 1;
    fs::write(&file, &content).unwrap();
    let error = replicate(&another, far.path(), &mut |_, _| ()).unwrap_err();
    assert!(
        matches!(error, Error::Spoiled { .. })
            && error.to_string().contains("data/0001-activos.0001.sql.zst"),
        "{error}"
    );
    assert_eq!(fs::read(&file).unwrap(), content);

    // Somebody's folder or file of that name.
    let far = tempfile::tempdir().unwrap();
    fs::create_dir(far.path().join(&backup.manifest().name)).unwrap();
    refused(
        replicate(&backup, far.path(), &mut |_, _| ()).unwrap_err(),
        "cannot be opened",
    );
    let error = replicate(
        &backup,
        &root.path().join("demo_20250102_030405/manifest.json"),
        &mut |_, _| (),
    )
    .unwrap_err();
    assert!(matches!(error, Error::Root { .. }), "{error}");
}
