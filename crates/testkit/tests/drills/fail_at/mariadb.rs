//! The same on a private MariaDB, which is started once more to look at what a failed demo left.

use std::path::PathBuf;

use testkit::{Process, Service, program};

use super::table::table_in_code;
use super::{Played, assert_promise, play};
use crate::world::data::assert_same;
use crate::world::pairs::in_pairs;

/// A stopped demo's private server, started again to look at what it holds.
struct Server {
    service: Service,
    socket: PathBuf,
}

impl Server {
    fn start(demo: &Played) -> Server {
        let folder = demo.folder();
        let socket = demo.sandbox.path("look.sock");
        let service = Process::within(&demo.sandbox, program::find("mariadbd").unwrap())
            .args([
                "--no-defaults",
                "--user=root",
                "--skip-networking",
                "--skip-log-bin",
            ])
            .arg(format!("--datadir={}", folder.join("mariadb").display()))
            .arg(format!("--socket={}", socket.display()))
            .arg(format!("--pid-file={}", demo.sandbox.path("look.pid").display()))
            .arg(format!("--tmpdir={}", demo.sandbox.temp().display()))
            .spawn();
        service.wait_line("ready for connections");
        Server { service, socket }
    }

    fn client(&self, program: &str, arguments: &[&str]) -> String {
        Process::within(self.service.sandbox(), program::find(program).unwrap())
            .args(["--no-defaults", "--default-character-set=utf8mb4", "-uroot"])
            .arg(format!("--socket={}", self.socket.display()))
            .args(arguments)
            .run()
            .ok()
            .stdout
    }

    fn sql(&self, sql: &str) -> String {
        self.client(
            "mariadb",
            &["--batch", "--skip-column-names", "inventario", "-e", sql],
        )
    }

    /// Schema and rows, with everything that belongs to them, and the accounts' rights. Counters may be ahead.
    fn dump(&self) -> String {
        let dump = self.client(
            "mariadb-dump",
            &[
                "--skip-dump-date",
                "--skip-extended-insert",
                "--routines",
                "--triggers",
                "--events",
                "inventario",
            ],
        );
        let mut text: String = dump
            .lines()
            .filter(|line| !line.starts_with("-- Host"))
            // The server keeps a trigger's text as it was typed; typed again, its names may be quoted.
            .map(|line| match line.split_once(" AUTO_INCREMENT=") {
                Some((head, tail)) => format!(
                    "{head}{}\n",
                    tail.trim_start_matches(|c: char| c.is_ascii_digit())
                ),
                None if line.contains(" TRIGGER ") => line.replace('`', "") + "\n",
                None => format!("{line}\n"),
            })
            .collect();
        text.push_str(&self.sql("SHOW GRANTS FOR 'inventario'@'127.0.0.1'"));
        text
    }

    /// Schemas that `ventana` made and left.
    fn left(&self) -> String {
        self.sql(
            "SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE 'inventario\\_\\_%'",
        )
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.service.terminate();
    }
}

#[test]
fn every_step_that_fails_on_mariadb_ends_as_promised() {
    let prepared = play(&["--prepare-only", "--database", "mariadb"], 0);
    let server = Server::start(&prepared);
    let original = server.dump();
    // The one fault that writes before the fence: a late change, kept by whatever happens after it.
    server.sql(
        "UPDATE activos SET especificaciones='{\"late\": true}', actualizado_en=actualizado_en WHERE id=1",
    );
    let late = server.dump();
    drop(server);
    assert_ne!(original, late);
    let mut lines: Vec<_> = table_in_code()
        .into_iter()
        .filter(|line| line.mariadb.is_some())
        .collect();
    // Those that wait for a held lock take longest: begun first, they do not stand at the end alone.
    lines.sort_by_key(|line| !line.fault.contains("lock"));
    in_pairs(&lines, |line| {
        let code = line.mariadb.unwrap();
        let arguments = [
            "--once",
            "--no-rehearsal",
            "--database",
            "mariadb",
            "--fail-at",
            &line.step,
        ];
        let played = play(&arguments, code.into());
        assert_promise(&played, &line.step, code);
        let server = Server::start(&played);
        if code == 4 {
            let wrong = "SELECT COUNT(*), COUNT(especificaciones), SUM(NOT (BINARY especificaciones <=> BINARY CASE \
                         WHEN especificaciones_v1 IS NULL THEN NULL WHEN JSON_VALID(especificaciones_v1) THEN especificaciones_v1 \
                         ELSE JSON_OBJECT('_texto_original', especificaciones_v1) END)) FROM activos";
            assert_eq!(server.sql(wrong), "300\t294\t0\n", "{}", line.step);
            return;
        }
        let expected = if line.step == "proof" { &late } else { &original };
        assert_same(&server.dump(), expected, &line.step);
        // A restore over the live schema keeps what it found, for whoever looks for the writer.
        let restored = line.fault.starts_with("Somebody with rights past the fence");
        let left = server.left();
        assert_eq!(
            (left.lines().count(), left.contains("_failed")),
            (usize::from(restored), restored),
            "{}: {left}",
            line.step
        );
    });
}
