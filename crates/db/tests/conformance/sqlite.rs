//! What only SQLite has: its write lock, and a restore over a live file.

use super::place::{Place, Spot};
use super::store::copied;
use db::sqlite::{Sqlite, restore_over};
use db::{Database, Error};

const TABLE: &str = "PRAGMA journal_mode=WAL; CREATE TABLE t (id INTEGER PRIMARY KEY, s TEXT); INSERT INTO t VALUES (1, 'one'), (2, 'two'); PRAGMA user_version=3;";

fn other(spot: &Spot<'_>) -> rusqlite::Connection {
    let connection = rusqlite::Connection::open(spot.path()).expect("opens");
    connection
        .busy_timeout(std::time::Duration::ZERO)
        .expect("no waiting");
    connection
}

fn count(connection: &rusqlite::Connection) -> i64 {
    connection
        .query_row("SELECT COUNT(*) FROM t", [], |r| r.get(0))
        .expect("reads")
}

#[test]
fn the_write_lock_keeps_writers_out_and_readers_in() {
    let place = Place::sqlite();
    for journal in ["WAL", "DELETE"] {
        let spot = place.with(&TABLE.replace("WAL", journal));
        let mut db = Sqlite::open(spot.path()).expect("opens");
        db.lock_writes().expect("locks");
        db.lock_writes().expect("again is nothing");
        let other = other(&spot);
        assert_eq!(count(&other), 2);
        let refused = other
            .execute("INSERT INTO t VALUES (3, 'three')", [])
            .expect_err("locked out");
        assert_eq!(
            refused.sqlite_error_code(),
            Some(rusqlite::ErrorCode::DatabaseBusy)
        );
        // More dirty pages than the cache holds: readers must not be shut out by their being written early.
        db.execute("WITH RECURSIVE n(i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n WHERE i < 4000) INSERT INTO t SELECT i, hex(randomblob(2000)) FROM n").expect("writes");
        assert_eq!(count(&other), 2, "{journal}: readers see the state before");
        let through =
            db::digest::compute(&mut db, None, &mut db::progress::silent()).expect("a digest under the lock");
        assert_eq!(through.tables[0].rows, 4000);
        assert!(db.is_locked(), "the digest leaves the lock alone");
        db.rollback().expect("rolls back");
        assert!(!db.is_locked());
        other
            .execute("INSERT INTO t VALUES (3, 'three')", [])
            .expect("free again");
        db.lock_writes().expect("locks");
        db.execute("DELETE FROM t WHERE id=3").expect("deletes");
        db.commit().expect("commits");
        assert_eq!(count(&other), 2);
    }
}

#[test]
fn a_locked_file_is_an_error_that_says_what_to_do() {
    let place = Place::sqlite();
    let spot = place.with(TABLE);
    let holder = other(&spot);
    holder.execute_batch("BEGIN IMMEDIATE").expect("locks");
    let mut db = Sqlite::open(spot.path()).expect("opens");
    let error = db.lock_writes().expect_err("held");
    assert!(matches!(error, Error::Sqlite { code: 5, .. }), "{error:?}");
    assert!(error.hint().is_some_and(|h| h.contains("another process")));
    holder.execute_batch("ROLLBACK").expect("releases");
    db.lock_writes().expect("free now");
}

#[test]
fn a_live_file_in_wal_mode_is_restored_under_a_reader() {
    let place = Place::sqlite();
    let live = place.with(TABLE);
    let before = live.digest();
    let copy = copied(&place, &live, false);
    live.run(
        "DELETE FROM t WHERE id=1; ALTER TABLE t ADD COLUMN x; CREATE TABLE junk (y); PRAGMA user_version=4;",
    );
    assert_ne!(live.digest(), before);
    let reader = other(&live);
    reader.execute_batch("BEGIN").expect("begins");
    assert_eq!(count(&reader), 1);
    let mut db = Sqlite::open(live.path()).expect("opens");
    restore_over(&mut db, copy.path()).expect("restores");
    assert_eq!(
        db::digest::compute(&mut db, None, &mut db::progress::silent()).expect("a digest"),
        before
    );
    assert_eq!(count(&reader), 1, "the open reader keeps its view");
    reader.execute_batch("COMMIT").expect("ends");
    assert_eq!(count(&reader), 2, "and sees the restored rows next");
    assert_eq!(live.digest(), before);
    let mode: String = reader
        .query_row("PRAGMA journal_mode", [], |r| r.get(0))
        .expect("a mode");
    assert_eq!(mode, "wal");
    reader
        .execute("INSERT INTO t VALUES (9, 'nine')", [])
        .expect("it can be written");
    assert!(db.check().expect("checks").is_empty());
}

#[test]
fn a_live_file_with_other_pages_or_in_rollback_mode_is_restored_too() {
    let place = Place::sqlite();
    for head in [
        "PRAGMA page_size=1024; PRAGMA journal_mode=WAL;",
        "PRAGMA page_size=8192; PRAGMA journal_mode=DELETE;",
    ] {
        let live = place.with(&format!(
            "{head} {}",
            TABLE.replace("PRAGMA journal_mode=WAL;", "")
        ));
        let before = live.digest();
        let copy = copied(&place, &live, false);
        live.run("DROP TABLE t");
        restore_over(&mut Sqlite::open(live.path()).expect("opens"), copy.path()).expect("restores");
        assert_eq!(live.digest(), before, "{head}");
    }
}

#[test]
fn a_restore_needs_the_lock_released() {
    let place = Place::sqlite();
    let live = place.with(TABLE);
    let copy = copied(&place, &live, false);
    let mut db = Sqlite::open(live.path()).expect("opens");
    db.lock_writes().expect("locks");
    assert!(matches!(
        restore_over(&mut db, copy.path()),
        Err(Error::Refused { .. })
    ));
}

#[test]
fn a_snapshot_is_one_moment_and_not_nested() {
    let place = Place::sqlite();
    let spot = place.with(TABLE);
    let mut db = spot.open();
    let schema = db.inspect().expect("inspects");
    db.begin_snapshot(&schema).expect("begins");
    assert!(db.begin_snapshot(&schema).is_err());
    other(&spot).execute("DELETE FROM t", []).expect("writers go on");
    assert_eq!(db.count("SELECT COUNT(*) FROM t").expect("counts"), 2);
    db.end_snapshot().expect("ends");
    assert_eq!(db.count("SELECT COUNT(*) FROM t").expect("counts"), 0);
}

#[test]
fn broken_foreign_keys_and_files_are_told() {
    let place = Place::sqlite();
    let spot = place.with("CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p REFERENCES p (id)); INSERT INTO c VALUES (5);");
    let told = Sqlite::open(spot.path()).expect("opens").check().expect("checks");
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with("foreign key broken: c"), "{told:?}");
    std::fs::write(spot.path(), vec![b'x'; 5000]).expect("writes");
    let error = Sqlite::open(spot.path()).err().expect("no database");
    assert!(error.to_string().contains("not a database"), "{error}");
}
