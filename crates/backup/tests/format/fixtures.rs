//! Folders that version 1 wrote, kept for ever: today's code reads them, and their own scripts restore them.
//!
//! They are never changed or deleted. A change that needs them changed is a change of the format: make it version 2.

use std::path::{Path, PathBuf};

use backup::Backup;

use crate::sample::{self, Dialect};
use crate::stock;

/// Rows in the second table of the fixtures.
const BIG: usize = 40;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
        .join("demo_20250102_030405")
}

fn is_readable(name: &str, dialect: Dialect, id: &str, files: u64) {
    let backup = Backup::open(&fixture(name))
        .unwrap()
        .unlock(&sample::keys())
        .unwrap();
    assert_eq!(backup.id(), id);
    let manifest = backup.manifest();
    assert_eq!(
        (manifest.format, manifest.kind.as_str(), backup.digest()),
        (1, "full", "digest of demo")
    );
    assert_eq!(manifest.created_at, "2025-01-02T03:04:05Z");
    assert_eq!(
        manifest.counters["activos.auto_increment"],
        "18446744073709551615"
    );
    assert_eq!(
        (
            manifest.totals.tables,
            manifest.totals.chunks,
            manifest.totals.rows
        ),
        (3, 3, 54)
    );
    assert_eq!(manifest.tables[1].name, sample::ODD);
    assert_eq!(manifest.tables[0].columns[2].load, "hex");
    assert_eq!(manifest.objects.len(), 5);
    assert_eq!(manifest.notes, ["a note"]);
    assert_eq!(
        sample::read_all(backup.path()).unwrap(),
        sample::contents(dialect, BIG)
    );
    let verified = backup.verify(&mut |_, _| ()).unwrap();
    assert_eq!(
        (verified.files, verified.rows, verified.contents),
        (files, 54, true)
    );
}

#[test]
fn version_1_of_mariadb_is_readable() {
    is_readable(
        "v1-mariadb",
        Dialect::MariaDb,
        "f63c0f5fa2ef8b81ca75f1d4763a97a198f9001d475ec8445fbe35b8cfa7586e",
        9,
    );
    stock::restores_with_mariadb(&fixture("v1-mariadb"), BIG);
}

#[test]
fn version_1_of_sqlite_is_readable() {
    is_readable(
        "v1-sqlite",
        Dialect::Sqlite,
        "a9e4b517dc6d6727fc69ef7b04fee0b2f5b0aa5507b8fb43c5d4847baa682ada",
        9,
    );
    stock::restores_with_sqlite3(&fixture("v1-sqlite"), BIG);
}

#[test]
fn version_1_encrypted_is_readable() {
    is_readable(
        "v1-age",
        Dialect::MariaDb,
        "be1f548adff6882c3c85346ac4c811610b95ef78e662d60e300a6fcc5c2cf82c",
        11,
    );
    let backup = Backup::open(&fixture("v1-age"))
        .unwrap()
        .unlock(&sample::keys())
        .unwrap();
    let table = &backup.manifest().tables[0];
    assert_eq!(table.digest, "digest of activos");
    assert_eq!(table.chunks[1].first_key.as_deref(), Some("key 100"));
    assert_eq!(table.chunks[1].digest.as_deref(), Some("digest of 2 rows"));
    assert_eq!(
        backup.attachment("catalog.json").unwrap(),
        b"{\"attached\": true}"
    );
    stock::restores_with_mariadb(&fixture("v1-age"), BIG);
}
