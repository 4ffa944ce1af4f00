//! `ventana demo --fail-at STEP`, for every step that can be made to fail, on both databases: the fault is real, the exit
//! code is the promised one, and the data are what the promise says, as the database itself tells.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use testkit::port::Port;
use testkit::process::{Signal, TIMEOUT};
use testkit::{Process, Sandbox, Service, bin, program};

use crate::world::data::{self, assert_same};

/// The demo's own table of faults, and the page that explains it.
const CODE: &str = include_str!("../../../ventana/src/demo/faults.rs");
const PAGE: &str = include_str!("../../../../docs/DEMO.md");

/// One line of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    step: String,
    fault: String,
    sqlite: Option<u8>,
    mariadb: Option<u8>,
}

/// What WINDOW §6 promises for a failure at `step`: the exit code follows from where it stands between the first effect
/// and the lift.
fn promised(step: &str, mariadb: bool) -> u8 {
    match step {
        "preflight" | "backup_a" | "prove_a" | "off_site_a" | "stage" => 1,
        // The first effect itself, and it did not happen.
        "expand.1" => 1,
        "fence" if !mariadb => 1,
        "smoke_write" | "watch" | "off_site_b" => 4,
        _ => 3,
    }
}

/// The lines of the table in the code, with the promised exit codes. A fault's text is the comment at its variant.
fn table_in_code() -> Vec<Line> {
    let table = CODE.split("const TABLE").nth(1).expect("the table is there");
    let table = table.split("];").next().unwrap();
    let rows = table
        .lines()
        .filter_map(|line| line.trim().strip_prefix("(\"")?.strip_suffix("),"));
    rows.map(|row| {
        let (step, rest) = row.split_once("\", What::").unwrap();
        let (what, only) = rest.split_once(", ").unwrap();
        let on = |kind: &str| only == "None" || only.contains(kind);
        Line {
            step: step.to_owned(),
            fault: comment_of(what),
            sqlite: on("Sqlite").then(|| promised(step, false)),
            mariadb: on("Mariadb").then(|| promised(step, true)),
        }
    })
    .collect()
}

fn comment_of(variant: &str) -> String {
    let before = CODE
        .split(&format!("\n    {variant},"))
        .next()
        .unwrap_or_default();
    let comment = before.lines().last().unwrap_or_default();
    comment
        .trim()
        .strip_prefix("/// ")
        .expect("each fault has a comment")
        .to_owned()
}

/// The lines of the table in docs/DEMO.md: step, fault, exit code on SQLite, on MariaDB.
fn table_in_docs() -> Vec<Line> {
    let code = |cell: &str| cell.parse().ok();
    PAGE.lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            Line {
                step: cells[0].trim_matches('`').to_owned(),
                fault: cells[1].to_owned(),
                sqlite: code(cells[2]),
                mariadb: code(cells[3]),
            }
        })
        .collect()
}

#[test]
fn the_table_in_the_docs_is_the_table_in_the_code() {
    let (code, docs) = (table_in_code(), table_in_docs());
    assert!(code.len() >= 20, "{code:?}");
    for (code, docs) in code.iter().zip(&docs) {
        assert_eq!(docs, code, "docs/DEMO.md against demo/faults.rs");
    }
    assert_eq!(docs.len(), code.len());
}

#[test]
fn a_step_without_a_fault_is_said_so() {
    let sandbox = Sandbox::new();
    let demo = Process::within(&sandbox, bin("ventana"));
    let refused = demo
        .args(["--json", "demo", "--once", "--fail-at", "contract.9"])
        .run()
        .expect(2);
    let error = &refused.json()["error"];
    assert!(
        error["hint"].as_str().is_some_and(|hint| hint.contains("migrate")),
        "{error}"
    );
}

/// A demo that ran to its end, everything stopped, its folder kept.
struct Played {
    sandbox: Sandbox,
    document: Value,
}

impl Played {
    fn folder(&self) -> PathBuf {
        self.sandbox.path("demo")
    }
}

fn play(arguments: &[&str], code: i32) -> Played {
    let (sandbox, port) = (Sandbox::new(), Port::reserve().unwrap());
    let output = Process::within(&sandbox, bin("ventana"))
        .args(["--json", "demo", "--rows", "300", "--folder"])
        .arg(sandbox.path("demo"))
        .args(["--port", &port.number().to_string()])
        .args(arguments)
        .run();
    assert_eq!(output.code, Some(code), "{output}");
    let document = output.json();
    if arguments.contains(&"--prepare-only") {
        stop_all(&sandbox);
    }
    let residents = sandbox.processes();
    assert!(residents.is_empty(), "still at work: {residents:?}");
    Played { sandbox, document }
}

/// Ends the service and the server of a prepared demo in good order, so that its folder can be looked at.
fn stop_all(sandbox: &Sandbox) {
    let end = Instant::now() + TIMEOUT;
    while let Some(resident) = sandbox.processes().first() {
        assert!(Instant::now() < end, "does not end: {resident:?}");
        if let Some(pid) = rustix::process::Pid::from_raw(resident.pid) {
            let _ = rustix::process::kill_process(pid, Signal::TERM);
        }
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// What every failure must look like, whatever the database.
fn assert_promise(played: &Played, step: &str, code: u8) {
    let (document, folder) = (&played.document, played.folder());
    let outcome = match code {
        1 => "failed",
        3 => "rolled_back",
        _ => "held",
    };
    assert_eq!(document["outcome"], outcome, "{document}");
    assert_eq!(document["exit_code"], code, "{document}");
    assert_eq!(
        document["error"]["step"], step,
        "the step that was made to fail: {document}"
    );
    assert!(
        document["error"]["message"]
            .as_str()
            .is_some_and(|text| text.len() > 20),
        "{document}"
    );
    let (before, after) = (&document["digest_before"], &document["digest_after"]);
    match code {
        1 => assert!(before.is_null() && after.is_null(), "{document}"),
        // A failure before the fence has no digest to compare with: the data are looked at below.
        3 => assert_eq!(before, after, "{document}"),
        _ => assert!(
            before.is_string() && after.is_string() && before != after,
            "{document}"
        ),
    }
    let release = if code == 4 { "r2" } else { "r1" };
    let current = std::fs::read_link(folder.join("app/current")).unwrap();
    assert_eq!(current, Path::new("releases").join(release));
    assert!(
        !folder.join("fence/inventario.fence").exists(),
        "the fence is lifted"
    );
    let journal = PathBuf::from(document["journal"].as_str().unwrap());
    data::assert_chained(&journal);
    let said = std::fs::read_to_string(document["report"].as_str().unwrap()).unwrap();
    assert!(said.contains(step), "the report names the step");
}

/// Plays `lines` two at a time and tells all that went wrong.
fn in_pairs(lines: &[Line], play: impl Fn(&Line) + Sync) {
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(line) = lines.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let played = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| play(line)));
                    if played.is_err() {
                        wrong.lock().unwrap().push(line.step.clone());
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(
        wrong.is_empty(),
        "failed at: {} (messages above)",
        wrong.join(", ")
    );
}

#[test]
fn every_step_that_fails_on_sqlite_ends_as_promised() {
    let prepared = play(&["--prepare-only"], 0);
    let original = prepared.folder().join("inventario.db");
    let lines: Vec<Line> = table_in_code()
        .into_iter()
        .filter(|line| line.sqlite.is_some())
        .collect();
    in_pairs(&lines, |line| {
        let code = line.sqlite.unwrap();
        let played = play(
            &["--once", "--no-rehearsal", "--fail-at", &line.step],
            code.into(),
        );
        assert_promise(&played, &line.step, code);
        let database = played.folder().join("inventario.db");
        if code == 4 {
            data::assert_migrated(&original, &database, 0);
            return;
        }
        // What the fault itself wrote, before the fence and as a client may, belongs to the data.
        let expected = played.sandbox.path("expected.db");
        std::fs::copy(&original, &expected).unwrap();
        if line.step == "migrate" {
            let written = "UPDATE activos SET especificaciones=X'00FF' WHERE id=(SELECT MAX(id) FROM activos)";
            data::sqlite3(&expected, &[], written);
        }
        assert_same(&data::dump(&database), &data::dump(&expected), &line.step);
    });
}

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
        self.client("mariadb", &["--batch", "--skip-column-names", "inventario", "-e", sql])
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
            .map(|line| match line.split_once(" AUTO_INCREMENT=") {
                Some((head, tail)) => format!(
                    "{head}{}\n",
                    tail.trim_start_matches(|c: char| c.is_ascii_digit())
                ),
                None => format!("{line}\n"),
            })
            .collect();
        text.push_str(&self.sql(
            "SHOW GRANTS FOR 'inventario'@'127.0.0.1'; SELECT schema_name FROM information_schema.schemata ORDER BY 1",
        ));
        text
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
    let mut lines: Vec<Line> = table_in_code()
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
    });
}
