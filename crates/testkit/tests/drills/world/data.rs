//! Data as the stock `sqlite3` sees it, and files as a person sees them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use testkit::program;

/// What the stock client prints for `sql`.
#[track_caller]
pub(crate) fn sqlite3(database: &Path, options: &[&str], sql: &str) -> String {
    let output = Command::new(program::find("sqlite3").unwrap())
        .args(["-batch", "-bail"])
        .args(options)
        .arg(database)
        .arg(sql)
        .env_clear()
        .env("PATH", program::PATH)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "sqlite3 {}: `{sql}`: {}",
        database.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// The whole logical content, byte for byte: schema, rows, counters.
#[track_caller]
pub(crate) fn dump(database: &Path) -> String {
    sqlite3(database, &[], ".dump")
}

/// Rows as objects.
#[track_caller]
pub(crate) fn rows(database: &Path, sql: &str) -> Vec<Value> {
    let text = sqlite3(database, &["-json"], sql);
    if text.trim().is_empty() {
        return Vec::new();
    }
    match serde_json::from_str(&text) {
        Ok(Value::Array(rows)) => rows,
        other => panic!("sqlite3 -json printed no array: {other:?}"),
    }
}

/// The one value that `sql` answers.
#[track_caller]
pub(crate) fn value(database: &Path, sql: &str) -> String {
    sqlite3(database, &[], sql).trim_end_matches('\n').to_owned()
}

/// Panics where two texts differ, with the lines that do and not with the whole of both.
#[track_caller]
pub(crate) fn assert_same(left: &str, right: &str, what: &str) {
    if left == right {
        return;
    }
    let (left, right): (Vec<&str>, Vec<&str>) = (left.lines().collect(), right.lines().collect());
    let pairs = left.iter().zip(&right).filter(|(a, b)| a != b).take(5);
    let shown: Vec<String> = pairs.map(|(a, b)| format!("- {a}\n+ {b}")).collect();
    panic!(
        "{what}: {} lines, {} expected\n{}",
        left.len(),
        right.len(),
        shown.join("\n")
    );
}

/// Every row of `migrated` is the legacy row of `original` taken through the migration: valid JSON keeps its bytes,
/// anything else is wrapped with its exact text, NULL stays NULL, the old text is kept, and nothing else differs. Rows
/// whose id is below `from` were written meanwhile and are not compared. Returns how many rows of each kind there were.
#[track_caller]
pub(crate) fn assert_migrated(original: &Path, migrated: &Path, from: u32) -> BTreeMap<&'static str, usize> {
    let sql = format!(
        "ATTACH '{}' AS old;
         SELECT b.id, b.especificaciones AS old, json_valid(b.especificaciones) AS valid, a.especificaciones AS new,
                typeof(a.especificaciones) AS type, hex(a.especificaciones) = hex(b.especificaciones) AS same,
                a.especificaciones_v1 IS b.especificaciones AND typeof(a.especificaciones_v1) = typeof(b.especificaciones) AS kept
         FROM old.activos b LEFT JOIN main.activos a USING (id) WHERE b.id >= {from} ORDER BY b.id",
        original.display()
    );
    let mut kinds = BTreeMap::new();
    for row in rows(migrated, &sql) {
        let (old, new) = (row["old"].as_str(), row["new"].as_str());
        let kind = match old {
            None => {
                assert_eq!(row["type"], "null", "NULL stays NULL: {row}");
                "null"
            }
            Some(_) if row["valid"] == 1 => {
                assert!(
                    row["same"] == 1 && row["type"] == "text",
                    "valid JSON keeps its bytes: {row}"
                );
                "valid"
            }
            Some(text) => {
                let wrapped: Value = serde_json::from_str(new.unwrap_or_default()).unwrap_or_default();
                let expected = serde_json::json!({ "_texto_original": text });
                assert_eq!(wrapped, expected, "a text is wrapped as it was: {row}");
                if text.is_empty() { "empty" } else { "wrapped" }
            }
        };
        assert_eq!(row["kept"], 1, "the old text is kept beside: {row}");
        *kinds.entry(kind).or_default() += 1;
    }
    let differing = differing(original, migrated, &[("activos", "especificaciones")], from);
    assert!(differing.is_empty(), "other columns differ: {differing:?}");
    assert_eq!(
        value(
            migrated,
            "SELECT upper(type) FROM pragma_table_xinfo('activos') WHERE name='especificaciones'"
        ),
        "JSON"
    );
    assert_eq!(value(migrated, "PRAGMA integrity_check"), "ok");
    kinds
}

/// Tables of `original` whose rows are not the same in `other`, column by column, storage classes included; columns in
/// `except` are left out, and activos below id `from`.
#[track_caller]
pub(crate) fn differing(original: &Path, other: &Path, except: &[(&str, &str)], from: u32) -> Vec<String> {
    let attach = format!("ATTACH '{}' AS old;", original.display());
    let tables = sqlite3(
        original,
        &[],
        "SELECT name FROM sqlite_master WHERE type='table' ORDER BY name",
    );
    let mut found = Vec::new();
    for table in tables.lines() {
        let columns = sqlite3(
            original,
            &[],
            &format!("SELECT name FROM pragma_table_xinfo('{table}')"),
        );
        let columns: Vec<String> = columns
            .lines()
            .filter(|column| !except.contains(&(table, column)))
            .map(|column| format!("quote(\"{column}\")"))
            .collect();
        let row = columns.join(" || ',' || ");
        let only = if table == "activos" {
            format!("WHERE id >= {from}")
        } else {
            String::new()
        };
        let select = |schema: &str| format!("SELECT {row} AS r FROM {schema}.\"{table}\" {only}");
        let (a, b) = (select("old"), select("main"));
        let sql = format!(
            "{attach} SELECT * FROM (SELECT r FROM ({a} EXCEPT {b}) UNION ALL SELECT r FROM ({b} EXCEPT {a})) LIMIT 3;
             SELECT 'counts' FROM (SELECT 1) WHERE (SELECT COUNT(*) FROM ({a})) <> (SELECT COUNT(*) FROM ({b}))"
        );
        let lines = sqlite3(other, &[], &sql);
        if !lines.is_empty() {
            found.push(format!("{table}: {lines}"));
        }
    }
    found
}

/// The records of a journal, each whole line one of them. Every line must be chained to the one before it and sealed
/// with its own sum: computed by `sha256sum`, as docs/JOURNAL.md says that anybody can.
#[track_caller]
pub(crate) fn journal(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.split_inclusive('\n')
        .filter(|line| line.ends_with('\n'))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Checks a journal's chain with `sha256sum` alone.
#[track_caller]
pub(crate) fn assert_chained(path: &Path) {
    let text = std::fs::read_to_string(path).unwrap();
    let folder = testkit::Sandbox::new();
    let mut names = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let (body, _) = line.rsplit_once(",\"sum\":").expect("a sum ends each line");
        for (kind, bytes) in [("line", line), ("body", body)] {
            folder.file(format!("{at}.{kind}"), bytes);
            names.push(format!("{at}.{kind}"));
        }
    }
    let output = testkit::Process::within(&folder, program::find("sha256sum").unwrap())
        .args(&names)
        .run()
        .ok();
    let sums: Vec<&str> = output.stdout.lines().map(|line| &line[..64]).collect();
    let mut previous = "0".repeat(64);
    for (at, line) in text.lines().enumerate() {
        let record: Value = serde_json::from_str(line).unwrap();
        assert_eq!(record["seq"], at as u64 + 1);
        assert_eq!(record["prev"], previous.as_str(), "line {} is chained", at + 1);
        assert_eq!(record["sum"], sums[at * 2 + 1], "line {} is sealed", at + 1);
        previous = sums[at * 2].to_owned();
    }
}

/// Every file, folder and link below `folder`.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                open.push(path.clone());
            }
            found.push(path);
        }
    }
    found.sort();
    found
}
