//! A table holds a value far longer than the memory that the backup may use: it is backed up, proven, restored and
//! compared all the same.

use testkit::{MariaDb, Output, Process, Sandbox, bin, program};

/// Bytes of the value: half of them must be escaped on their way.
const LENGTH: usize = 64 << 20;
/// KiB of data that `ventana` may have, stacks of its threads included: less than the value.
const LIMIT: usize = 56 << 10;

fn limited(sandbox: &Sandbox, server: &MariaDb, kib: usize, args: &[&str]) -> Output {
    Process::within(sandbox, program::find("sh").expect("a shell"))
        .args(["-c", &format!("ulimit -d {kib} && exec \"$0\" \"$@\"")])
        .arg(bin("ventana"))
        .args(["--json", "--lang", "en"])
        .args(args)
        .env("DB_HOST", "127.0.0.1")
        .env("DB_PORT", server.port().to_string())
        .env("DB_USER", "root")
        .env("DB_NAME", "long")
        .env("BACKUP_DIR", sandbox.work().join("backups").display().to_string())
        .run()
}

#[test]
fn a_value_longer_than_the_memory_goes_there_and_back() {
    let sandbox = Sandbox::new();
    let server = MariaDb::options()
        .arg("--max-allowed-packet=256M")
        .arg("--innodb-log-file-size=768M")
        .start();
    server.query("CREATE DATABASE `long`");
    server.query_in(
        "long",
        &format!(
            "CREATE TABLE t (id INT PRIMARY KEY, b LONGBLOB, s VARCHAR(9)); INSERT INTO t VALUES (1, 'short', 'x');
             INSERT INTO t SELECT 2, REPEAT(x'005C0A09FF414227', {}), 'end'",
            LENGTH / 8
        ),
    );
    // Not even a program that holds nothing fits into this: the limit is one.
    assert_ne!(limited(&sandbox, &server, 256, &["digest"]).code, Some(0));
    let digest = limited(&sandbox, &server, LIMIT, &["digest"]).json();
    // Proven by a restore into a scratch copy.
    let backup = limited(&sandbox, &server, LIMIT, &["backup"]).json();
    assert_eq!(backup["verified"], "restore", "{backup}");
    assert_eq!(backup["digest"], digest["digest"]);
    let restored = limited(
        &sandbox,
        &server,
        LIMIT,
        &["restore", "latest", "--into", "copy", "--yes"],
    )
    .json();
    assert_eq!(restored["digest"], digest["digest"]);
    let same = server.value("SELECT COUNT(*) FROM `long`.t a JOIN copy.t b USING (id, s) WHERE MD5(a.b)=MD5(b.b) AND LENGTH(a.b)=LENGTH(b.b)");
    assert_eq!(same.as_deref(), Some("2"));
}
