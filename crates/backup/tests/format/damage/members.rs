//! Every member of the manifest, changed or left out.

use std::fs;

use backup::Backup;
use serde_json::{Value, json};

use super::tally::Tally;
use crate::sample::{self, Dialect};

/// Members that mean nothing to the format, so that with fitting sums only the backup's id shows that they changed: the
/// last two parts of their paths, `*` for any.
const OPAQUE: [&str; 29] = [
    // Left out, it is empty, which is what it says.
    "/features",
    "/created_at",
    "/digest",
    "/session_sql",
    "tool/*",
    "source/*",
    "identity/*",
    "source/snapshot",
    "counters/*",
    "/counters",
    "source/identity",
    "notes/*",
    "/notes",
    "objects/*",
    "*/kind",
    "*/type",
    "*/load",
    "columns/*",
    "*/columns",
    "*/load_sql",
    "*/count_sql",
    "*/digest",
    "*/first_key",
    "*/last_key",
    "/objects",
    "*/name",
    "*/phase",
    "*/properties",
    "recipients/*",
];

fn is_opaque(path: &str) -> bool {
    let mut parts = path.rsplit('/');
    let (last, before) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    OPAQUE.iter().any(|opaque| {
        let (b, l) = opaque.split_once('/').unwrap_or_default();
        (b == "*" || b == before) && (l == "*" || l == last)
    })
}

/// JSON pointers of every member and element.
fn pointers(value: &Value, at: &str, all: &mut Vec<String>) {
    let mut below = |key: &str, value: &Value| {
        let at = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
        all.push(at.clone());
        pointers(value, &at, all);
    };
    match value {
        Value::Object(members) => members.iter().for_each(|(key, value)| below(key, value)),
        Value::Array(elements) => (elements.iter().enumerate()).for_each(|(i, v)| below(&i.to_string(), v)),
        _ => {}
    }
}

/// Another value of the same type.
fn other(value: &Value) -> Value {
    match value {
        Value::Null => json!("x"),
        Value::Bool(b) => json!(!b),
        Value::Number(n) => json!(n.as_u64().unwrap_or(0) + 1),
        Value::String(text) if text == "before_data" => json!("after_data"),
        Value::String(text) if text == "after_data" => json!("before_data"),
        // A sum stays a sum, so that its form does not give it away.
        Value::String(text) => {
            let last = text.chars().last();
            let end = text.len() - last.map_or(0, char::len_utf8);
            json!(format!(
                "{}{}",
                &text[..end],
                if last == Some('0') { '1' } else { '0' }
            ))
        }
        Value::Array(elements) if elements.is_empty() => json!(["x"]),
        Value::Array(elements) => json!(elements[1..]),
        Value::Object(members) => Value::Object(members.clone().into_iter().skip(1).collect()),
    }
}

fn left_out(manifest: &mut Value, pointer: &str) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let key = key.replace("~1", "/").replace("~0", "~");
    match manifest.pointer_mut(parent).unwrap() {
        Value::Object(members) => drop(members.remove(&key)),
        Value::Array(elements) => drop(elements.remove(key.parse().unwrap())),
        _ => unreachable!("only these have members"),
    }
}

/// With the old sums every change is found. With fitting sums every one that the format can see is; the others, all of
/// them listed here, at least make it another backup.
#[test]
fn every_member_changed_or_left_out_is_found() {
    for encrypted in [false, true] {
        let root = tempfile::tempdir().unwrap();
        let backup = if encrypted {
            sample::write_encrypted(root.path(), Dialect::MariaDb, 3, &[])
        } else {
            sample::write(root.path(), Dialect::MariaDb, 3)
        };
        let text = fs::read(backup.path().join("manifest.json")).unwrap();
        let manifest: Value = serde_json::from_slice(&text).unwrap();
        let mut all = Vec::new();
        pointers(&manifest, "", &mut all);
        let folder = root.path().join("x");
        sample::copy(backup.path(), &folder);
        let mut tally = Tally::of(&backup);
        let mut resealed = Tally::of(&backup);
        if encrypted {
            resealed = resealed.with_keys_alone();
        }
        let mut seen_by_id = 0;
        for pointer in &all {
            let changed = |change: &dyn Fn(&mut Value)| {
                let mut manifest = manifest.clone();
                change(&mut manifest);
                manifest
            };
            let changes = [
                (
                    "member changed",
                    changed(&|m| {
                        let value = m.pointer_mut(pointer).unwrap();
                        *value = other(value);
                    }),
                ),
                (
                    "member of another type",
                    changed(&|m| {
                        let value = m.pointer_mut(pointer).unwrap();
                        *value = if value.is_object() {
                            json!(7)
                        } else {
                            json!({"x": 1})
                        };
                    }),
                ),
                ("member left out", changed(&|m| left_out(m, pointer))),
            ];
            for (kind, change) in changes {
                if change == manifest {
                    continue;
                }
                fs::write(
                    folder.join("manifest.json"),
                    serde_json::to_vec_pretty(&change).unwrap(),
                )
                .unwrap();
                tally.tried(kind, pointer, &folder, &["manifest.json"]);
                sample::resum(&folder);
                match Backup::open(&folder) {
                    Ok(opened) if is_opaque(pointer) => {
                        assert_ne!(opened.id(), backup.id());
                        seen_by_id += 1;
                    }
                    // By the manifest itself, or by a file that is not as it says.
                    _ => {
                        let files = sample::files(&folder);
                        let mut named: Vec<&str> = files.iter().map(String::as_str).collect();
                        // A newer format, kind or feature is refused by its name.
                        named.push("Use a newer one");
                        resealed.tried(kind, pointer, &folder, &named);
                    }
                }
                fs::copy(backup.path().join("SHA256SUMS"), folder.join("SHA256SUMS")).unwrap();
            }
        }
        println!(
            "encrypted: {encrypted}; {} members; with the old sums:",
            all.len()
        );
        tally.all_found();
        println!("with fitting sums ({seen_by_id} more are opaque and seen by the id):");
        resealed.all_found();
        assert!(seen_by_id > 50);
    }
}
