//! Every kind of damage is found, and the damaged file is named.

mod bytes;
mod files;
mod incoherent;
mod members;
mod tally;

use std::fs;

use backup::VerifyError;

use crate::sample::{self, Dialect};

#[test]
fn all_damage_is_listed_not_just_the_first() {
    let root = tempfile::tempdir().unwrap();
    let backup = sample::write(root.path(), Dialect::Sqlite, 50);
    let folder = backup.path();
    fs::remove_file(folder.join("schema/001-tables.sql")).unwrap();
    fs::write(folder.join("data/extra"), "").unwrap();
    for file in [
        "data/0001-activos.0002.sql.zst",
        "data/0002-a-o-raro-x-y.0001.sql.zst",
        "README.txt",
    ] {
        let mut bytes = fs::read(folder.join(file)).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs::write(folder.join(file), bytes).unwrap();
    }
    let error = backup.verify(&mut |_, _| ()).unwrap_err();
    let text = error.to_string();
    let VerifyError::Damaged(damages) = error else {
        panic!("{error}")
    };
    let files: Vec<&str> = damages.iter().map(|damage| damage.file.as_str()).collect();
    assert_eq!(
        files,
        [
            "README.txt",
            "data/0001-activos.0002.sql.zst",
            "data/0002-a-o-raro-x-y.0001.sql.zst",
            "data/extra",
            "schema/001-tables.sql"
        ],
        "{damages:#?}"
    );
    assert!(
        text.contains("damaged in 5 places") && files.iter().all(|file| text.contains(file)),
        "{text}"
    );
}

/// Where the manifest and the file agree, the sum is what was damaged: the backup's content is whole, and one can tell.
#[test]
fn a_damaged_sum_is_told_from_a_damaged_file() {
    let root = tempfile::tempdir().unwrap();
    let backup = sample::write(root.path(), Dialect::Sqlite, 5);
    let path = backup.path().join("SHA256SUMS");
    let text = fs::read_to_string(&path).unwrap();
    let line = text.lines().find(|line| line.ends_with("restore.sh")).unwrap();
    let other = if line.starts_with('0') { "1" } else { "0" };
    fs::write(&path, text.replace(line, &format!("{other}{}", &line[1..]))).unwrap();
    let VerifyError::Damaged(damages) = backup.verify(&mut |_, _| ()).unwrap_err() else {
        panic!()
    };
    assert_eq!(damages.len(), 1, "{damages:?}");
    assert_eq!(
        damages[0].to_string(),
        "SHA256SUMS: its sum of restore.sh is wrong: file and manifest.json agree"
    );
}
