//! `ventana demo --fail-at STEP`, for every step that can be made to fail, on both databases: the fault is real, the exit
//! code is the promised one, and the data are what the promise says, as the database itself tells.

#[path = "fail_at/mariadb.rs"]
mod mariadb;
#[path = "fail_at/table.rs"]
mod table;

use std::path::{Path, PathBuf};

use serde_json::Value;
use testkit::port::Port;
use testkit::{Process, Sandbox, bin};

use self::table::{table_in_code, table_in_docs};
use crate::world::data::{self, assert_same};
use crate::world::pairs::in_pairs;
use crate::world::stop_all;

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
        error["hint"]
            .as_str()
            .is_some_and(|hint| hint.contains("migrate")),
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

#[test]
fn every_step_that_fails_on_sqlite_ends_as_promised() {
    let prepared = play(&["--prepare-only"], 0);
    let original = prepared.folder().join("inventario.db");
    let lines: Vec<_> = table_in_code()
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
            let written =
                "UPDATE activos SET especificaciones=X'00FF' WHERE id=(SELECT MAX(id) FROM activos)";
            data::sqlite3(&expected, &[], written);
        }
        assert_same(&data::dump(&database), &data::dump(&expected), &line.step);
    });
}
