//! A server with the legacy data, a proxy before it, and somebody who makes backups of it and restores them.

use std::cell::Cell;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;
use testkit::fault::{Proxy, Rule};
use testkit::{MariaDb, Output, Process, Sandbox, bin, fixtures};

use super::whole;
use crate::world_mariadb::wait_for;

/// What is backed up.
pub(super) const LIVE: &str = "inventario";
/// Where it is restored to.
pub(super) const COPY: &str = "copia";

/// A folder in memory, where there is one: what is killed are processes, never the machine, so a disk only costs time.
pub(super) fn fast_folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() {
        TempDir::new_in(memory)
    } else {
        TempDir::new()
    };
    made.expect("makes a folder")
}

pub(super) struct Place {
    pub(super) sandbox: Sandbox,
    pub(super) proxy: Proxy,
    pub(super) server: MariaDb,
    /// The backups and the state folder.
    files: TempDir,
    /// Cases so far: every fourth is looked at from all sides, so that many are played in little time.
    cases: Cell<u32>,
    /// Of the live schema, which nobody changes.
    digest: Value,
}

impl Place {
    pub(super) fn new() -> Place {
        let folder = fast_folder();
        Place::of(MariaDb::options().inside(folder.path()).start(), folder)
    }

    /// The server's folder lies in this one, and so do the backups.
    pub(super) fn inside(folder: &Path) -> Place {
        let files = TempDir::new_in(folder).expect("makes a folder");
        Place::of(MariaDb::options().inside(folder).start(), files)
    }

    fn of(server: MariaDb, files: TempDir) -> Place {
        server.load(&fixtures::small_dump());
        server.query(
            "CREATE USER 'ventana'@'127.0.0.1';
             GRANT ALL PRIVILEGES ON *.* TO 'ventana'@'127.0.0.1' WITH GRANT OPTION",
        );
        let mut place = Place {
            sandbox: Sandbox::new(),
            proxy: Proxy::to(server.port()),
            server,
            files,
            cases: Cell::new(0),
            digest: Value::Null,
        };
        place.configure("");
        place.digest = place.ventana(&["digest"]).run().ok().json()["digest"].clone();
        place
    }

    /// `ventana.toml` with these lines more under `[database]`.
    pub(super) fn configure(&self, database: &str) {
        self.sandbox.file(
            "ventana.toml",
            format!(
                "service = \"{LIVE}\"\n[database]\n{database}\n[state]\ndir = \"{}\"\n",
                self.files.path().join("state").display()
            ),
        );
    }

    pub(super) fn backups(&self) -> PathBuf {
        self.files.path().join("backups")
    }

    /// `ventana --json`, by way of the proxy, on the live schema.
    pub(super) fn ventana(&self, args: &[&str]) -> Process {
        self.on_schema(LIVE, args)
    }

    pub(super) fn on_schema(&self, schema: &str, args: &[&str]) -> Process {
        Process::within(&self.sandbox, bin("ventana"))
            .args(["--json", "--lang", "en"])
            .args(args)
            .env("DB_HOST", "127.0.0.1")
            .env("DB_PORT", self.proxy.port().to_string())
            .env("DB_USER", "ventana")
            .env("DB_NAME", schema)
            .env("BACKUP_DIR", self.backups())
    }

    /// A backup that nothing disturbs; its path.
    pub(super) fn backup(&self) -> String {
        let made = self.ventana(&["backup", "--no-restore"]).run().ok().json();
        assert_eq!(made["digest"], self.digest, "{made}");
        made["path"].as_str().expect("a path").to_owned()
    }

    /// Runs it until `bytes` have passed, kills it there, and lets go of the connections. `None`: it was over before.
    pub(super) fn killed_after(&self, bytes: u64, command: Process) -> Option<Output> {
        self.proxy.set(Rule::StallAfter(bytes));
        let running = command.spawn();
        wait_for("the stall", || {
            (self.proxy.stalls() || !running.is_running()).then_some(())
        });
        let output = running.kill9();
        self.proxy.set(Rule::Pass);
        (output.signal == Some(9)).then_some(output)
    }

    /// How many bytes a command needs that nothing disturbs.
    pub(super) fn bytes_of(&self, command: Process) -> u64 {
        self.proxy.set(Rule::Pass);
        command.run().ok();
        self.proxy.passed()
    }

    /// No session of ours is left on the server, nor what a session holds.
    #[track_caller]
    pub(super) fn assert_let_go(&self, context: &str) {
        let ours = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER='ventana'";
        wait_for(&format!("the end of our sessions ({context})"), || {
            (self.server.value(ours).as_deref() == Some("0")).then_some(())
        });
        // Refused at once where a session holds a table, or commits.
        let free = "SET lock_wait_timeout=1;
             BACKUP STAGE START; BACKUP STAGE BLOCK_COMMIT; BACKUP STAGE END;
             FLUSH TABLES WITH READ LOCK; UNLOCK TABLES;
             LOCK TABLES activos WRITE, mantenimientos WRITE, usuarios WRITE, roles WRITE, categorias WRITE; UNLOCK TABLES";
        let tried = self.server.try_query(Some(LIVE), free);
        assert!(tried.is_ok(), "{context}: {tried:?}");
    }

    /// After a backup was broken: nothing that is not whole claims to be, the server is free, and the next one is whole and
    /// leaves nothing of the broken one.
    #[track_caller]
    pub(super) fn assert_broken_backup(&self, context: &str) {
        self.assert_let_go(context);
        whole::assert_only_whole_claim_it(&self.backups(), context, |args| self.ventana(args).run());
        self.assert_next_backup(context);
    }

    #[track_caller]
    fn assert_next_backup(&self, context: &str) {
        let thorough = self.thorough();
        let made = self
            .ventana(&["backup"])
            .args((!thorough).then_some("--no-restore"))
            .run();
        assert_eq!(made.code, Some(0), "{context}: the next backup\n{made}");
        assert_eq!(made.json()["digest"], self.digest, "{context}");
        whole::assert_no_remains(&self.backups(), context);
        if thorough {
            self.assert_no_scratch(context);
        }
        // Each case begins with an empty folder.
        std::fs::remove_dir_all(self.backups()).expect("removes the backups");
    }

    /// No scratch schema, no scratch folder.
    #[track_caller]
    pub(super) fn assert_no_scratch(&self, context: &str) {
        let schemas = self.server.query("SHOW DATABASES LIKE '%\\_\\_ventana\\_%'");
        assert!(schemas.is_empty(), "{context}: {schemas:?}");
        let left = whole::folders(&self.files.path().join("state/scratch"));
        assert!(left.is_empty(), "{context}: {left:?}");
    }

    pub(super) fn is_there(&self, object: &str) -> bool {
        let sql = format!("SELECT COUNT(*) FROM information_schema.{object}");
        self.server.value(&sql).as_deref() != Some("0")
    }

    /// After a restore into [`COPY`] was broken: what is not finished says so, and the same restore finishes it.
    #[track_caller]
    pub(super) fn assert_broken_restore(&self, backup: &str, context: &str) {
        self.assert_let_go(context);
        let marks = format!("TABLES WHERE TABLE_SCHEMA='{COPY}' AND TABLE_NAME='__ventana_restore'");
        let others = format!("TABLES WHERE TABLE_SCHEMA='{COPY}' AND TABLE_NAME<>'__ventana_restore'");
        let thorough = self.thorough();
        if self.is_there(&marks) {
            let every: [&[&str]; 4] = [&["digest"], &["backup"], &["backup", "--no-restore"], &["plan"]];
            for args in &every[..if thorough { 4 } else { 1 }] {
                let refused = self.on_schema(COPY, args).run();
                let message = refused.json()["error"]["message"].to_string();
                assert!(
                    refused.code == Some(2) && message.contains("a restore into this schema is not finished"),
                    "{context}: {args:?}\n{refused}"
                );
            }
            if thorough {
                let checked = self.on_schema(COPY, &["check"]).run().expect(1);
                assert!(
                    checked
                        .stdout
                        .contains("a restore into this schema is not finished"),
                    "{context}\n{checked}"
                );
            }
        } else if self.is_there(&others) {
            // Killed between its last word to the server and its end.
            self.assert_restored(context);
            return self.forget_copy();
        }
        let again = self.restore(backup).run();
        assert_eq!(again.code, Some(0), "{context}: the same restore again\n{again}");
        let document = again.json();
        assert_eq!(
            (&document["digest"], &document["verified"]),
            (&self.digest, &true.into()),
            "{context}"
        );
        if thorough {
            self.assert_restored(context);
        }
        self.forget_copy();
    }

    fn thorough(&self) -> bool {
        let cases = self.cases.get();
        self.cases.set(cases + 1);
        cases.is_multiple_of(4)
    }

    /// The restore of a backup into [`COPY`].
    pub(super) fn restore(&self, backup: &str) -> Process {
        self.ventana(&["restore", backup, "--into", COPY, "--keep-events"])
    }

    #[track_caller]
    fn assert_restored(&self, context: &str) {
        let found = self.on_schema(COPY, &["digest"]).run().ok().json();
        assert_eq!(found["digest"], self.digest, "{context}");
    }

    pub(super) fn forget_copy(&self) {
        self.server.query(&format!("DROP DATABASE IF EXISTS {COPY}"));
    }
}

/// A command that was broken and did not die of it: it says what failed, on which server, and what to do.
#[track_caller]
pub(super) fn assert_says_why(place: &Place, output: &Output, context: &str) {
    assert_eq!(output.code, Some(1), "{context}\n{output}");
    let error = &output.json()["error"];
    let message = error["message"].as_str().unwrap_or_default();
    assert!(
        message.contains(&format!("127.0.0.1:{}", place.proxy.port())),
        "{context}: which server?\n{output}"
    );
    assert_eq!(error["code"], "unreachable", "{context}\n{output}");
    assert!(
        error["hint"].as_str().is_some_and(|hint| hint.contains("server")),
        "{context}: what to do?\n{output}"
    );
}
