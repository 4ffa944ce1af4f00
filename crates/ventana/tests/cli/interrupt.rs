//! SIGINT and SIGTERM to a command that is not a run, and results that nobody can read.

use testkit::fault::{Proxy, Rule};
use testkit::process::Signal;
use testkit::{MariaDb, Process};

use super::scene::Scene;
use super::server;

#[test]
fn a_backup_that_is_told_to_stop_leaves_nothing() {
    let scene = Scene::data();
    let slow = "--json backup --throttle 64KiB/s";
    let running = scene.ventana(slow).spawn();
    running.wait_line("\"what\":\"backup\"");
    running.signal(Signal::INT);
    let said = running.wait().expect(130);
    assert_eq!(said.json()["error"]["code"], "interrupted", "{said}");
    assert!(said.stderr.contains("\"stopping\""), "{said}");
    assert_eq!(std::fs::read_dir(scene.path("backups")).unwrap().count(), 0);
    // A second one does not wait.
    let running = scene.ventana(slow).spawn();
    running.wait_line("\"what\":\"backup\"");
    running.signal(Signal::TERM);
    running.signal(Signal::TERM);
    running.wait().expect(130);
    // What it left is taken away by the next one.
    scene.json("backup --no-restore").expect(0);
    assert_eq!(std::fs::read_dir(scene.path("backups")).unwrap().count(), 1);
}

#[test]
fn a_backup_that_waits_for_its_snapshot_is_told_to_stop() {
    let schema = MariaDb::shared().schema("cli_waits");
    schema.query("CREATE TABLE t (id INT PRIMARY KEY)");
    let scene = server::scene(&schema);
    let mut other = db::open(
        &db::Address::parse(&schema.url()).unwrap(),
        &db::Session::default(),
    )
    .unwrap();
    other.execute("LOCK TABLES t WRITE").unwrap();
    let running = scene.ventana("--json backup").spawn();
    running.wait_line("waiting to take a snapshot");
    running.signal(Signal::INT);
    let said = running.wait().expect(130);
    assert_eq!(said.json()["error"]["code"], "interrupted", "{said}");
    assert_eq!(std::fs::read_dir(scene.path("backups")).unwrap().count(), 0);
}

#[test]
fn a_proof_that_is_told_to_stop_takes_its_scratch_schema_away() {
    let schema = MariaDb::shared().schema("cli_interrupt");
    // Nothing that is compressed well: 8 MiB cross the wire.
    schema.query(
        "CREATE TABLE t (id INT PRIMARY KEY, v VARBINARY(1024)); \
         INSERT INTO t SELECT seq, RANDOM_BYTES(1024) FROM seq_1_to_8192",
    );
    let scene = server::scene(&schema);
    let path = scene.json("backup --no-restore").expect(0).text("path");
    let proxy = Proxy::to(schema.server().port());
    scene.env("DB_PORT", proxy.port().to_string());
    proxy.set(Rule::StallAfter(2 << 20));
    let running = scene
        .ventana(&format!("--json backup verify {path} --restore"))
        .spawn();
    while !proxy.stalls() {
        assert!(running.is_running(), "{}", running.output());
        std::thread::yield_now();
    }
    // A long name is cut to fit.
    let scratch = || {
        schema.query(
            "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE 'cli\\_int%\\_\\_ventana\\_%'",
        )
    };
    assert_eq!(scratch().len(), 1);
    running.signal(Signal::TERM);
    running.wait_line("\"stopping\"");
    proxy.set(Rule::Pass);
    let said = running.wait().expect(130);
    assert_eq!(said.json()["error"]["code"], "interrupted", "{said}");
    assert_eq!(scratch().len(), 0);
    assert!(
        !scene
            .path("state/scratch")
            .read_dir()
            .is_ok_and(|mut left| left.next().is_some())
    );
}

/// A result that went nowhere is no success, as a full disk behind `>` would have it.
#[test]
fn a_result_that_cannot_be_written_is_a_failure() {
    let scene = Scene::data();
    let ventana = env!("CARGO_BIN_EXE_ventana");
    let shell = |line: &str| {
        Process::within(scene.sandbox(), "/bin/sh")
            .cwd(scene.sandbox().work())
            .args(["-c", &format!("{} {line}", ventana)])
            .run()
    };
    for verb in ["digest", "--json digest", "--json backup list", "--version"] {
        let said = shell(&format!("{verb} >/dev/full")).expect(1);
        assert!(
            verb == "--version" || said.stderr.contains("cannot write the result"),
            "{said}"
        );
    }
    // Somebody who has seen enough is no failure.
    shell("--json digest | head -c 1 >/dev/null").expect(0);
}
