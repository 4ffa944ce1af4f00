//! Damage that comes with fitting sums.

use std::fs;

use backup::{Backup, verify};
use serde_json::json;

use super::tally::Tally;
use crate::sample::{self, Dialect};

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
    let mut tally = Tally::of(&backup);
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
