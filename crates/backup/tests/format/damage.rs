//! Every kind of damage is found, and the damaged file is named.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use backup::{Backup, VerifyError, verify};
use serde_json::json;

use crate::sample::{self, Dialect};

/// How many damages of each kind were tried, and found under the right name.
#[derive(Default)]
struct Tally(BTreeMap<&'static str, (u32, u32)>);

impl Tally {
    /// `named`: one of these files has to be among those that verification names.
    fn tried(&mut self, kind: &'static str, what: &str, folder: &Path, named: &[&str]) {
        let (tried, found) = self.0.entry(kind).or_default();
        *tried += 1;
        let outcome = match verify(folder, &mut |_, _| ()) {
            Err(VerifyError::Damaged(damages)) => damages.iter().map(|d| d.file.clone()).collect(),
            Err(VerifyError::Open(error)) => {
                let text = error.to_string();
                named
                    .iter()
                    .filter(|file| text.contains(*file))
                    .map(ToString::to_string)
                    .collect()
            }
            Ok(_) => vec![],
        };
        if outcome.iter().any(|file| named.contains(&file.as_str())) {
            *found += 1;
        } else {
            println!("not found: {kind}: {what}: expected {named:?}, got {outcome:?}");
        }
    }

    fn all_found(&self) {
        for (kind, (tried, found)) in &self.0 {
            println!("{kind}: {tried} damages tried, {found} found");
        }
        let sum = |pick: fn(&(u32, u32)) -> u32| self.0.values().map(pick).sum::<u32>();
        let (tried, found) = (sum(|t| t.0), sum(|t| t.1));
        println!("in all: {tried} damages tried, {found} found, each with the file named");
        assert_eq!(tried, found);
    }
}

/// Puts a file back as it was, whatever the test did to it.
fn damaged(path: &Path, damage: impl FnOnce(&mut Vec<u8>), test: impl FnOnce()) {
    let whole = fs::read(path).unwrap();
    let mut bytes = whole.clone();
    damage(&mut bytes);
    assert_ne!(bytes, whole);
    fs::write(path, bytes).unwrap();
    test();
    fs::write(path, whole).unwrap();
}

/// Which files may be named for damage in this one. A sum of the manifest that changed in `SHA256SUMS` cannot be told
/// from a manifest that changed: it is only written there.
fn names_for(file: &str) -> Vec<&str> {
    if file == "SHA256SUMS" {
        vec!["SHA256SUMS", "manifest.json"]
    } else {
        vec![file]
    }
}

#[test]
fn every_damage_to_a_file_is_found() {
    let root = tempfile::tempdir().unwrap();
    let backup = sample::write(root.path(), Dialect::MariaDb, 4500);
    let folder = backup.path();
    let files = sample::files(folder);
    let mut tally = Tally::default();
    for file in &files {
        let path = folder.join(file);
        let length = fs::metadata(&path).unwrap().len() as usize;
        assert!(length > 4, "{file}");
        let named = names_for(file);
        // Every byte of a short file, a sample of a long one; the first and the last hundred always.
        let step = (length / 300).max(1);
        for at in (0..length).filter(|at| at % step == 0 || *at < 100 || *at + 100 >= length) {
            damaged(
                &path,
                |bytes| bytes[at] ^= 1 << (at % 8),
                || {
                    tally.tried("bit flipped", &format!("{file} at {at}"), folder, &named);
                    // Reading alone, without verifying, must not let it pass either.
                    if !matches!(file.as_str(), "README.txt" | "restore.sh") {
                        assert!(sample::read_all(folder).is_err(), "{file} at {at}");
                    }
                },
            );
        }
        for keep in [0, 1, length / 3, length / 2, length - 2, length - 1] {
            damaged(
                &path,
                |bytes| bytes.truncate(keep),
                || {
                    tally.tried("truncated", &format!("{file} to {keep}"), folder, &named);
                },
            );
        }
        for tail in [&b"\n"[..], b"\0", &[0; 5000]] {
            damaged(
                &path,
                |bytes| bytes.extend_from_slice(tail),
                || {
                    tally.tried("lengthened", file, folder, &named);
                },
            );
        }
        let aside = root.path().join("aside");
        fs::rename(&path, &aside).unwrap();
        tally.tried("removed", file, folder, &named);
        assert!(
            file == "README.txt" || file == "restore.sh" || sample::read_all(folder).is_err(),
            "{file}"
        );
        symlink(&aside, &path).unwrap();
        tally.tried("replaced by a link to the same bytes", file, folder, &named);
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        tally.tried("replaced by a folder", file, folder, &named);
        fs::remove_dir(&path).unwrap();
        fs::rename(&aside, &path).unwrap();
    }
    for (i, a) in files.iter().enumerate() {
        for b in &files[i + 1..] {
            let (a_path, b_path, aside) = (folder.join(a), folder.join(b), root.path().join("aside"));
            let swap = || {
                fs::rename(&a_path, &aside).unwrap();
                fs::rename(&b_path, &a_path).unwrap();
                fs::rename(&aside, &b_path).unwrap();
            };
            swap();
            tally.tried(
                "two files swapped",
                &format!("{a} and {b}"),
                folder,
                &names_for(a),
            );
            tally.tried(
                "two files swapped",
                &format!("{a} and {b}"),
                folder,
                &names_for(b),
            );
            swap();
        }
    }
    for stray in [
        "data/0003-vacia.0001.tsv.zst",
        "data/x",
        "schema/003-x.sql",
        "x",
        ".x",
        "data/.x",
        "proven.json",
    ] {
        fs::write(folder.join(stray), "x").unwrap();
        tally.tried("added", stray, folder, &[stray]);
        fs::remove_file(folder.join(stray)).unwrap();
        fs::create_dir(folder.join(stray)).unwrap();
        tally.tried("folder added", stray, folder, &[stray]);
        fs::remove_dir(folder.join(stray)).unwrap();
    }
    assert!(verify(folder, &mut |_, _| ()).is_ok(), "everything was put back");
    tally.all_found();
}

/// Damage that comes with fitting sums, as a faulty program or a hasty hand makes it.
#[test]
fn a_manifest_that_does_not_add_up_is_found() {
    let root = tempfile::tempdir().unwrap();
    let backup = sample::write(root.path(), Dialect::MariaDb, 50);
    type Change = (&'static str, fn(&mut serde_json::Value));
    let changes: &[Change] = &[
        ("chunks swapped", |m| {
            m["tables"][0]["chunks"].as_array_mut().unwrap().swap(0, 1)
        }),
        ("tables swapped", |m| {
            m["tables"].as_array_mut().unwrap().swap(0, 1)
        }),
        ("schema files swapped", |m| {
            m["schema"].as_array_mut().unwrap().swap(0, 1)
        }),
        ("a chunk dropped", |m| {
            drop(m["tables"][0]["chunks"].as_array_mut().unwrap().remove(1))
        }),
        ("the first chunk dropped", |m| {
            drop(m["tables"][0]["chunks"].as_array_mut().unwrap().remove(0))
        }),
        ("a table dropped", |m| {
            drop(m["tables"].as_array_mut().unwrap().remove(1))
        }),
        ("the empty table dropped", |m| {
            drop(m["tables"].as_array_mut().unwrap().remove(2))
        }),
        ("a chunk doubled", |m| {
            let chunk = m["tables"][0]["chunks"][1].clone();
            m["tables"][0]["chunks"].as_array_mut().unwrap().push(chunk);
        }),
        ("a table doubled", |m| {
            let table = m["tables"][2].clone();
            m["tables"].as_array_mut().unwrap().push(table);
        }),
        ("rows of a table", |m| m["tables"][0]["rows"] = json!(15)),
        ("rows of a chunk", |m| {
            m["tables"][0]["chunks"][0]["rows"] = json!(11)
        }),
        ("rows beyond 2^64", |m| {
            m["tables"][0]["chunks"][0]["rows"] = json!(u64::MAX);
            m["tables"][0]["chunks"][1]["rows"] = json!(u64::MAX);
        }),
        ("total rows", |m| m["totals"]["rows"] = json!(1)),
        ("total bytes", |m| m["totals"]["bytes"] = json!(1)),
        ("a table renamed to another slug", |m| {
            m["tables"][0]["name"] = json!("other")
        }),
        ("a schema file dropped", |m| {
            drop(m["schema"].as_array_mut().unwrap().remove(1))
        }),
        ("an object without its file", |m| {
            m["objects"][0]["file"] = json!("schema/007-x.sql")
        }),
        ("a name that leads elsewhere", |m| {
            m["name"] = json!("../demo_20250102_030405")
        }),
        ("a name of another service", |m| m["service"] = json!("other")),
        ("a path out of the folder", |m| {
            m["tables"][0]["chunks"][0]["file"] = json!("../../etc/passwd")
        }),
        ("an absolute path", |m| {
            m["schema"][0]["file"] = json!("/etc/passwd")
        }),
        ("a sum in capitals", |m| {
            let sum = m["tables"][0]["chunks"][0]["sha256"]
                .as_str()
                .unwrap()
                .to_uppercase();
            m["tables"][0]["chunks"][0]["sha256"] = json!(sum);
        }),
        ("a member missing", |m| {
            drop(m.as_object_mut().unwrap().remove("digest"))
        }),
        ("other files dropped", |m| m["other_files"] = json!([])),
        ("format 0", |m| m["format"] = json!(0)),
        ("format as text", |m| m["format"] = json!("1")),
        ("no object at all", |m| *m = json!([])),
    ];
    let mut tally = Tally::default();
    for (what, change) in changes {
        let folder = root.path().join("x");
        sample::copy(backup.path(), &folder);
        sample::reseal(&folder, change);
        tally.tried(
            "manifest incoherent, all sums fit",
            what,
            &folder,
            &["manifest.json"],
        );
        assert!(Backup::open(&folder).is_err(), "{what}");
        fs::remove_dir_all(&folder).unwrap();
    }
    // Coherent in itself, but not what the chunk holds.
    let files: [Change; 4] = [
        ("length of the content", |m| {
            m["tables"][0]["chunks"][0]["bytes"] =
                json!(m["tables"][0]["chunks"][0]["bytes"].as_u64().unwrap() + 1);
            m["totals"]["bytes"] = json!(m["totals"]["bytes"].as_u64().unwrap() + 1);
        }),
        ("shorter content", |m| {
            m["tables"][0]["chunks"][0]["bytes"] =
                json!(m["tables"][0]["chunks"][0]["bytes"].as_u64().unwrap() - 1);
            m["totals"]["bytes"] = json!(m["totals"]["bytes"].as_u64().unwrap() - 1);
        }),
        ("sum of the content", |m| {
            m["tables"][0]["chunks"][0]["content_sha256"] = json!("0".repeat(64))
        }),
        ("sum and length of the file", |m| {
            m["tables"][0]["chunks"][0]["stored_bytes"] =
                json!(m["tables"][0]["chunks"][0]["stored_bytes"].as_u64().unwrap() + 1);
            m["totals"]["stored_bytes"] = json!(m["totals"]["stored_bytes"].as_u64().unwrap() + 1);
        }),
    ];
    for (what, change) in files {
        let folder = root.path().join("x");
        sample::copy(backup.path(), &folder);
        sample::reseal(&folder, change);
        let named = ["data/0001-activos.0001.tsv.zst"];
        tally.tried("manifest and chunk disagree, all sums fit", what, &folder, &named);
        let error = sample::read_all(&folder).unwrap_err().to_string();
        assert!(error.contains(named[0]), "{what}: {error}");
        fs::remove_dir_all(&folder).unwrap();
    }
    // A second frame behind the first: every sum fits, the decoder would read on.
    let folder = root.path().join("x");
    sample::copy(backup.path(), &folder);
    let chunk = folder.join("data/0001-activos.0001.tsv.zst");
    let mut bytes = fs::read(&chunk).unwrap();
    bytes.extend(fs::read(folder.join("data/0001-activos.0002.tsv.zst")).unwrap());
    fs::write(&chunk, &bytes).unwrap();
    use sha2::Digest;
    let sum: String = sha2::Sha256::digest(&bytes)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    sample::reseal(&folder, |m| {
        let more = bytes.len() as u64 - m["tables"][0]["chunks"][0]["stored_bytes"].as_u64().unwrap();
        m["tables"][0]["chunks"][0]["stored_bytes"] = json!(bytes.len());
        m["tables"][0]["chunks"][0]["sha256"] = json!(sum);
        m["totals"]["stored_bytes"] = json!(m["totals"]["stored_bytes"].as_u64().unwrap() + more);
    });
    tally.tried(
        "a second frame, all sums fit",
        "",
        &folder,
        &["data/0001-activos.0001.tsv.zst"],
    );
    assert!(
        sample::read_all(&folder)
            .unwrap_err()
            .to_string()
            .contains("follow its zstd frame")
    );
    tally.all_found();
}

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

/// Whatever a manifest says with fitting sums, reading it ends in content or an error: no panic, no endless reading.
#[test]
fn a_sealed_manifest_with_any_flipped_bit_is_read_or_refused() {
    let root = tempfile::tempdir().unwrap();
    let backup = sample::write(root.path(), Dialect::Sqlite, 3);
    let path = backup.path().join("manifest.json");
    let whole = fs::read(&path).unwrap();
    for at in (0..whole.len()).step_by(2) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::write(&path, bytes).unwrap();
        sample::resum(backup.path());
        let read = sample::read_all(backup.path());
        let verified = verify(backup.path(), &mut |_, _| ());
        assert!(read.is_ok() || verified.is_err(), "{at}: {:?}", read.unwrap_err());
    }
}
