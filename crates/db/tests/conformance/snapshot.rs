//! One view over several connections: what all of them see is one moment, whatever is written meanwhile.

mod refused;
mod writers;

use super::place::{OwnServer, Place, Spot};
use db::snapshot::{self, Method, Snapshot, Terms};
use db::{Address, Database, Session};
use std::time::Duration;
use testkit::mariadb::{Brand, MariaDb};
use writers::Writers;

/// Which servers the shared view is proven on.
fn servers() -> [OwnServer; 2] {
    [
        OwnServer::start_with(MariaDb::options()),
        OwnServer::start_with(MariaDb::options().binary_log()),
    ]
}

/// Any server's.
fn session() -> Session {
    Session {
        accept_untested: true,
        ..Session::default()
    }
}

fn connect(url: &str) -> Box<dyn Database> {
    db::open(&Address::parse(url).expect("an address"), &session()).expect("opens")
}

fn by(method: Method, readers: usize) -> Terms {
    Terms {
        method: Some(method),
        ..Terms::readers(readers)
    }
}

fn open<'a>(db: &'a mut dyn Database, terms: &Terms) -> Snapshot<'a> {
    snapshot::open(db, terms, &mut |_| Ok(())).expect("a snapshot")
}

/// What a reader sees of the accounts: their sum, and how many transfers there were.
fn seen(db: &mut dyn Database) -> (i64, i64, i64) {
    (
        db.count("SELECT (SELECT SUM(v) FROM a) + (SELECT SUM(v) FROM b)")
            .expect("a sum"),
        db.count("SELECT MAX(n) FROM a").expect("a counter"),
        db.count("SELECT MAX(n) FROM b").expect("a counter"),
    )
}

/// Takes snapshots beside writers and compares what their readers see, at once and after more was written.
fn shares_one_moment(server: &MariaDb, method: Method, sessions: usize, rounds: usize) {
    let schema = server.schema("h_snap");
    let mut writers = Writers::start(&schema, sessions);
    let mut moved = 0;
    let mut last = 0;
    for _ in 0..rounds {
        let mut db = connect(&schema.url());
        let mut view = open(&mut *db, &by(method, 4));
        assert_eq!(view.proof["method"], method.name(), "{:?}", view.proof);
        assert_eq!(view.readers.len(), 4);
        let first: Vec<_> = view.readers.iter_mut().map(|r| seen(&mut **r)).collect();
        writers.further();
        let later: Vec<_> = view.readers.iter_mut().map(|r| seen(&mut **r)).collect();
        assert_eq!(first, later, "{method:?}: a view moved");
        for (sum, in_a, in_b) in &first {
            assert_eq!(*sum, writers::SUM);
            assert_eq!(in_a, in_b, "half of a transaction");
        }
        assert!(
            first.windows(2).all(|pair| pair[0] == pair[1]),
            "{method:?}: readers see different moments: {first:?} {:?}",
            view.proof
        );
        moved += usize::from(first[0].1 > last);
        last = first[0].1;
        view.end().expect("ends");
        assert_eq!(db.count("SELECT 1").expect("the caller's connection goes on"), 1);
    }
    assert_eq!(moved, rounds, "the writers wrote between the rounds");
    writers.stop();
}

#[test]
fn readers_share_one_moment_while_commits_are_held_back() {
    for server in servers() {
        shares_one_moment(&server, Method::BackupStage, 3, 15);
        // A transaction that waits for another's row holds up the flush, and the flush the other: MariaDB's own knot.
        shares_one_moment(&server, Method::FlushTables, 1, 15);
    }
}

/// MySQL logs by default; its log stands still while commits are held back, and that is where a replica goes on.
#[test]
fn readers_share_one_moment_on_mysql_and_the_log_is_told() {
    if !MariaDb::has_mysql() {
        return;
    }
    let mysql = || MariaDb::options().brand(Brand::MySql);
    let logging = mysql()
        .binary_log()
        .arg("--gtid-mode=ON")
        .arg("--enforce-gtid-consistency=ON");
    let server = OwnServer::start_with(logging);
    // One writer, for the same knot as MariaDB's.
    shares_one_moment(&server, Method::FlushTables, 1, 15);
    let schema = server.schema("h_snap");
    schema.query("CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t VALUES (1)");
    let mut db = connect(&schema.url());
    let view = open(&mut *db, &Terms::readers(3));
    assert_eq!(view.proof["method"], "flush_tables");
    assert_eq!(view.readers.len(), 3);
    assert_eq!(view.proof["positions"], "read while commits were held back");
    // Nothing was written since.
    let master = &server.query("SHOW MASTER STATUS")[0];
    assert_eq!(master[0].as_ref(), view.proof.get("binlog_file"));
    assert_eq!(master[1].as_ref(), view.proof.get("binlog_position"));
    assert_eq!(master[4].as_ref(), view.proof.get("gtid"));
    drop(view);
    let view = open(&mut *db, &by(Method::Positions, 3));
    assert_eq!(view.readers.len(), 1, "its views have no position to compare");
    drop(view);
    let server = OwnServer::start_with(mysql());
    let schema = server.schema("h_snap");
    schema.query("CREATE TABLE t (id INT PRIMARY KEY)");
    let mut db = connect(&schema.url());
    let view = open(&mut *db, &Terms::readers(2));
    assert_eq!(view.proof["positions"], "the binary log is off");
    assert!(!view.proof.contains_key("binlog_position"));
}

/// It waits for the readers, and whoever opens a table behind it waits for it: the readers must not be among those.
#[test]
fn a_definition_that_waits_to_be_changed_stops_no_reader() {
    let place = Place::mariadb();
    let original = place.with("CREATE TABLE a (id INT PRIMARY KEY); CREATE TABLE b (id INT PRIMARY KEY)");
    let Spot::MariaDb(schema) = &original else {
        unreachable!()
    };
    let mut db = connect(&schema.url());
    let mut view = open(&mut *db, &Terms::readers(3));
    let altering: Vec<_> = ["a", "b"]
        .map(|table| {
            let url = schema.url();
            std::thread::spawn(move || {
                connect(&url)
                    .execute(&format!("ALTER TABLE {table} ADD n INT"))
                    .map(drop)
            })
        })
        .into();
    let waiting = format!(
        "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE DB='{}' AND STATE='Waiting for table metadata lock'",
        schema.name()
    );
    let mut other = connect(&schema.url());
    while other.count(&waiting).expect("counts") < 2 {
        assert!(
            !altering.iter().any(|one| one.is_finished()),
            "nobody holds the definition"
        );
        std::thread::yield_now();
    }
    for reader in &mut view.readers {
        for table in ["a", "b"] {
            // Whoever waits here waits for ever: the server gives the reader up.
            reader.execute("SET SESSION lock_wait_timeout=1").expect("sets");
            let rows = reader.count(&format!("SELECT COUNT(*) FROM {table}"));
            assert_eq!(rows.expect("reads"), 0);
        }
    }
    view.end().expect("ends");
    for one in altering {
        one.join().expect("joins").expect("altered");
    }
}

#[test]
fn readers_share_one_moment_without_a_lock_where_the_log_proves_it() {
    let [without, with] = servers();
    shares_one_moment(&with, Method::Positions, 3, 15);
    let schema = without.schema("h_snap");
    schema.query("CREATE TABLE t (id INT PRIMARY KEY)");
    let mut db = connect(&schema.url());
    let view = open(&mut *db, &by(Method::Positions, 4));
    assert_eq!(view.readers.len(), 1);
    assert_eq!(view.proof["method"], "one_connection");
    assert_eq!(view.proof["why"], "the binary log is off");
}

#[test]
fn the_proof_says_what_was_compared() {
    let [without, with] = servers();
    for (server, logged) in [(&without, false), (&with, true)] {
        let schema = server.schema("h_snap");
        schema.query("CREATE TABLE t (id INT PRIMARY KEY); INSERT INTO t VALUES (1)");
        let mut db = connect(&schema.url());
        let view = open(&mut *db, &Terms::readers(2));
        assert_eq!(view.proof["method"], "backup_stage");
        assert_eq!(view.proof["readers"], "2");
        assert!(view.proof["commits_blocked_ms"].parse::<f64>().is_ok());
        assert!(
            view.proof["read_views"].starts_with("equal: "),
            "{:?}",
            view.proof
        );
        assert_eq!(
            view.proof["positions"],
            if logged {
                "equal on 2 connections"
            } else {
                "the binary log is off"
            }
        );
        if logged {
            // Nothing was written since: the server's own position is the view's.
            let master = &server.query("SHOW MASTER STATUS")[0];
            assert_eq!(master[0].as_ref(), view.proof.get("binlog_file"));
            assert_eq!(master[1].as_ref(), view.proof.get("binlog_position"));
            assert_eq!(
                server.value("SELECT @@gtid_binlog_pos").as_ref(),
                view.proof.get("gtid")
            );
        }
        view.end().expect("ends");
        let view = open(&mut *db, &Terms::readers(1));
        assert_eq!(view.proof["method"], "one_connection");
        assert_eq!(view.proof.contains_key("binlog_position"), logged);
    }
}

/// The caller's connection reads on SQLite, with what it wrote under its own write lock.
#[test]
fn sqlite_is_read_by_the_connection_that_asks() {
    let place = Place::sqlite();
    let spot = place.with("CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)");
    let Spot::Sqlite { path, .. } = &spot else {
        unreachable!()
    };
    let mut db = db::sqlite::Sqlite::open(path).expect("opens");
    db.lock_writes().expect("locks");
    db.execute("INSERT INTO t VALUES (2)").expect("writes");
    let mut view = open(&mut db, &Terms::readers(4));
    assert_eq!(view.readers.len(), 1);
    assert_eq!(view.proof["method"], "one_connection");
    assert_eq!(view.readers[0].count("SELECT COUNT(*) FROM t").expect("rows"), 2);
    view.end().expect("ends");
    assert!(db.is_locked());
    db.rollback().expect("undone");
    // Without the lock the view is a transaction of its own, and ends with the value.
    drop(open(&mut db, &Terms::readers(4)));
    db.lock_writes().expect("no transaction is left open");
}

/// A patience for tests of what is never granted.
fn impatient(readers: usize) -> Terms {
    Terms {
        patience: Duration::ZERO,
        ..Terms::readers(readers)
    }
}
