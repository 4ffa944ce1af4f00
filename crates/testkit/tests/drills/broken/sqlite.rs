//! The same on SQLite: `ventana` is killed at points of a backup and of a restore.

use std::cell::Cell;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;
use testkit::{Output, Process, Sandbox, bin};

use super::place::fast_folder;
use super::{Seeded, whole};
use crate::world::data;

const TABLES: &str = "
CREATE TABLE activos (id INTEGER PRIMARY KEY AUTOINCREMENT, nombre TEXT NOT NULL, precio REAL, foto BLOB);
CREATE TABLE piezas (id INTEGER PRIMARY KEY, activo INTEGER REFERENCES activos (id), peso REAL);
CREATE TABLE notas (texto TEXT, en TEXT DEFAULT CURRENT_TIMESTAMP);
CREATE INDEX por_activo ON piezas (activo);
CREATE VIEW caros AS SELECT nombre FROM activos WHERE precio > 10;
CREATE TRIGGER sin_huecos AFTER DELETE ON activos BEGIN DELETE FROM piezas WHERE activo = old.id; END;
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
  INSERT INTO activos (nombre, precio, foto) SELECT 'activo ' || i, i * 0.1, CAST(i AS BLOB) FROM n;
INSERT INTO piezas SELECT id, id, id / 3.0 FROM activos;
INSERT INTO notas (texto, en) VALUES ('una ñ', '2025-11-06'), ('', NULL);";

struct Place {
    /// So far: the backup after every fourth is proven by a restore.
    cases: Cell<u32>,
    sandbox: Sandbox,
    /// The backups and the state folder.
    files: TempDir,
    digest: Value,
    /// Whole logical content.
    content: String,
}

impl Place {
    fn new() -> Place {
        let mut place = Place {
            cases: Cell::new(0),
            sandbox: Sandbox::new(),
            files: fast_folder(),
            digest: Value::Null,
            content: String::new(),
        };
        data::sqlite3(&place.sandbox.path("live.db"), &[], TABLES);
        place.content = content(&place.sandbox.path("live.db"));
        place.digest = place.ventana(&["digest"]).run().ok().json()["digest"].clone();
        place
    }

    fn ventana(&self, args: &[&str]) -> Process {
        let database = self.sandbox.path("live.db");
        Process::within(&self.sandbox, bin("ventana"))
            .args(["--json", "--lang", "en"])
            .args(args)
            .env("DATABASE_URL", format!("sqlite://{}", database.display()))
            .env("BACKUP_DIR", self.backups())
            .env("VENTANA_STATE_DIR", self.files.path().join("state"))
    }

    fn backups(&self) -> PathBuf {
        self.files.path().join("backups")
    }

    fn copy(&self) -> PathBuf {
        self.sandbox.path("copy.db")
    }

    #[track_caller]
    fn assert_broken_backup(&self, context: &str) {
        whole::assert_only_whole_claim_it(&self.backups(), context, |args| self.ventana(args).run());
        let cases = self.cases.get();
        self.cases.set(cases + 1);
        let hasty = !cases.is_multiple_of(4);
        let made = self
            .ventana(&["backup"])
            .args(hasty.then_some("--no-restore"))
            .run();
        assert_eq!(made.code, Some(0), "{context}: the next backup\n{made}");
        assert_eq!(made.json()["digest"], self.digest, "{context}");
        whole::assert_no_remains(&self.backups(), context);
        let left = whole::folders(&self.files.path().join("state/scratch"));
        assert!(left.is_empty(), "{context}: {left:?}");
        assert!(
            content(&self.sandbox.path("live.db")) == self.content,
            "{context}"
        );
        std::fs::remove_dir_all(self.backups()).unwrap();
    }

    /// One transaction: all of it is there, or there is nothing to take for a database.
    #[track_caller]
    fn assert_broken_restore(&self, backup: &str, context: &str) {
        if self.copy().exists() && content(&self.copy()) == self.content {
            return self.forget_copy();
        }
        if self.copy().exists() {
            let tables = "SELECT COUNT(*) FROM sqlite_master";
            assert_eq!(
                data::value(&self.copy(), tables),
                "0",
                "{context}: half a database"
            );
        }
        let again = self.restore(backup).run();
        assert_eq!(again.code, Some(0), "{context}: the same restore again\n{again}");
        assert_eq!(again.json()["digest"], self.digest, "{context}");
        data::assert_same(&content(&self.copy()), &self.content, context);
        self.forget_copy();
    }

    fn restore(&self, backup: &str) -> Process {
        self.ventana(&["restore", backup, "--into", "copy.db"])
    }

    /// The file, and whatever else lies beside it under its name.
    #[track_caller]
    fn forget_copy(&self) {
        std::fs::remove_file(self.copy()).unwrap();
        let left: Vec<PathBuf> = std::fs::read_dir(self.sandbox.work())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.to_string_lossy().contains("copy.db"))
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

/// The whole logical content; what hangs on tables was made in another order.
fn content(database: &Path) -> String {
    let dump = data::dump(database);
    let mut lines: Vec<&str> = dump.lines().collect();
    lines.sort_unstable();
    lines.join("\n")
}

/// Kills at each point, up to the first that the command does not reach.
fn at_points(seed: u64, mut play: impl FnMut(&str) -> Output) {
    let (mut seeded, mut point, mut died) = (Seeded::new(seed), 1, 0);
    loop {
        let output = play(&format!("point:{point}"));
        if output.signal.is_none() {
            output.ok();
            assert!(
                died >= 12,
                "only {died} were killed; it has fewer than {point} points"
            );
            return;
        }
        died += 1;
        point += 1 + seeded.below(2);
        assert!(point < 200, "it never came to its end");
    }
}

#[test]
fn a_backup_is_killed() {
    let place = Place::new();
    at_points(21, |at| {
        let output = place.ventana(&["backup"]).env("VENTANA_TEST_KILL", at).run();
        place.assert_broken_backup(&format!("a backup killed at {at}"));
        output
    });
}

#[test]
fn a_restore_is_killed() {
    let place = Place::new();
    let made = place.ventana(&["backup", "--no-restore"]).run().ok().json();
    let backup = made["path"].as_str().unwrap();
    at_points(22, |at| {
        let output = place.restore(backup).env("VENTANA_TEST_KILL", at).run();
        place.assert_broken_restore(backup, &format!("a restore killed at {at}"));
        output
    });
}
