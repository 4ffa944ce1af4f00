//! A SQLite file that is replaced: by a whole one or not at all, and never under somebody's hands.

use db::Database;
use db::sqlite::{Beside, Sqlite};
use rusqlite::Connection;
use std::path::Path;

fn old(path: &Path, journal: &str) {
    let connection = Connection::open(path).expect("opens");
    let sql =
        format!("PRAGMA journal_mode={journal}; CREATE TABLE t (s TEXT); INSERT INTO t VALUES ('old');");
    connection.execute_batch(&sql).expect("made");
}

fn content(path: &Path) -> String {
    let mut db = Sqlite::open(path).expect("opens");
    db.text("SELECT s FROM t").expect("reads").expect("a row")
}

fn journal(path: &Path) -> String {
    let mut db = Sqlite::open(path).expect("opens");
    db.text("PRAGMA journal_mode")
        .expect("reads")
        .expect("a mode")
        .to_uppercase()
}

/// A new database beside `path`, filled.
fn filled(path: &Path) -> (Beside, Sqlite) {
    let beside = Beside::of(path).expect("a place");
    let mut db = beside.open().expect("opens");
    db.execute("CREATE TABLE t (s TEXT)").expect("creates");
    db.execute("INSERT INTO t VALUES ('new')").expect("inserts");
    (beside, db)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = folder.read_dir().expect("lists");
    let mut names: Vec<String> = entries
        .map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn the_old_one_stays_until_the_new_one_is_whole() {
    for journal in ["WAL", "DELETE"] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.db");
        old(&path, journal);
        let (beside, db) = filled(&path);
        assert_eq!(content(&path), "old", "{journal}");
        drop(db);
        drop(beside);
        assert_eq!(self::journal(&path), journal);
        assert_eq!(
            (content(&path).as_str(), names(folder.path())),
            ("old", vec!["a.db".into()])
        );
        let (beside, db) = filled(&path);
        beside.publish(db, true).expect("publishes");
        assert_eq!(self::journal(&path), journal);
        assert_eq!(
            (content(&path).as_str(), names(folder.path())),
            ("new", vec!["a.db".into()])
        );
    }
}

#[test]
fn commits_that_are_only_in_the_log_are_not_taken_for_the_new_ones() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, kept) = (folder.path().join("a.db"), folder.path().join("kept"));
    let killed = Connection::open(&path).expect("opens");
    killed
        .execute_batch("PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE t (s TEXT); INSERT INTO t VALUES ('old');")
        .expect("made");
    // What a kill leaves: the file and its log, and nobody who has them open.
    std::fs::create_dir(&kept).expect("a folder");
    for name in ["a.db", "a.db-wal"] {
        std::fs::copy(folder.path().join(name), kept.join(name)).expect("copies");
    }
    drop(killed);
    let path = kept.join("a.db");
    assert!(std::fs::metadata(kept.join("a.db-wal")).expect("a log").len() > 0);
    let (beside, db) = filled(&path);
    beside.publish(db, true).expect("publishes");
    assert_eq!(
        (content(&path).as_str(), names(&kept)),
        ("new", vec!["a.db".into()])
    );
}

#[test]
fn a_file_that_is_in_use_is_not_replaced() {
    let folder = tempfile::tempdir().expect("a folder");
    for (journal, using) in [
        ("WAL", "SELECT * FROM t"),
        ("DELETE", "BEGIN IMMEDIATE"),
        ("DELETE", "BEGIN; SELECT * FROM t"),
    ] {
        let path = folder.path().join(format!("{journal}{}.db", using.len()));
        old(&path, journal);
        let user = Connection::open(&path).expect("opens");
        for statement in using.split("; ") {
            if statement.starts_with("SELECT") {
                user.query_row(statement, [], |_| Ok(())).expect("reads");
            } else {
                user.execute_batch(statement).expect("begins");
            }
        }
        let error = Beside::of(&path).err().expect("refused");
        assert!(
            error.to_string().contains("another process is using"),
            "{journal} {using}: {error}"
        );
        drop(user);
        // Begun to be used while the new one was made.
        let (beside, db) = filled(&path);
        let user = Connection::open(&path).expect("opens");
        user.execute_batch("BEGIN IMMEDIATE").expect("begins");
        let error = beside.publish(db, true).expect_err("refused");
        assert!(
            error.to_string().contains("another process is using"),
            "{journal} {using}: {error}"
        );
        drop(user);
        assert_eq!(content(&path), "old", "{journal} {using}");
    }
}

#[test]
fn an_idle_connection_to_the_old_file_writes_nowhere() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.db");
    old(&path, "DELETE");
    let idle = Connection::open(&path).expect("opens");
    idle.query_row("SELECT s FROM t", [], |_| Ok(())).expect("reads");
    let (beside, db) = filled(&path);
    beside.publish(db, true).expect("publishes");
    let error = idle
        .execute_batch("INSERT INTO t VALUES ('lost')")
        .expect_err("refused");
    assert_eq!(
        error.sqlite_error().map(|e| e.extended_code),
        Some(rusqlite::ffi::SQLITE_READONLY_DBMOVED),
        "{error}"
    );
    drop(idle);
    assert_eq!(
        (content(&path).as_str(), names(folder.path())),
        ("new", vec!["a.db".into()])
    );
}

#[test]
fn a_name_that_was_taken_meanwhile_keeps_what_it_has() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.db");
    let (beside, db) = filled(&path);
    assert!(!path.exists(), "no half of a database has the name");
    old(&path, "DELETE");
    beside.publish(db, false).expect_err("taken");
    assert_eq!(
        (content(&path).as_str(), names(folder.path())),
        ("old", vec!["a.db".into()])
    );
}

#[test]
fn two_do_not_fill_the_same_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.db");
    let first = filled(&path);
    let error = Beside::of(&path).err().expect("refused");
    assert!(error.to_string().contains("another restore"), "{error}");
    drop(first);
    Beside::of(&path).expect("free again");
}

#[test]
fn a_link_stays_a_link_and_the_mode_stays_the_mode() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let (path, link) = (folder.path().join("a.db"), folder.path().join("link.db"));
    old(&path, "DELETE");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).expect("sets");
    std::os::unix::fs::symlink(&path, &link).expect("links");
    let (beside, db) = filled(&link);
    beside.publish(db, true).expect("publishes");
    assert!(std::fs::symlink_metadata(&link).expect("there").is_symlink());
    let mode = std::fs::metadata(&path).expect("there").permissions().mode();
    assert_eq!((content(&path).as_str(), mode & 0o777), ("new", 0o640));
}

/// The classic way out: the broken database is moved away, and its log stays.
#[test]
fn a_log_without_its_database_is_nobodys_to_use_or_delete() {
    for end in ["-wal", "-journal", "-shm"] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.db");
        let stray = folder.path().join(format!("a.db{end}"));
        std::fs::write(&stray, "commits").expect("writes");
        let error = Beside::of(&path).err().expect("refused");
        assert!(error.to_string().contains(&format!("a.db{end}")), "{error}");
        assert!(error.hint().is_some_and(|h| h.contains("move it")), "{error:?}");
        std::fs::remove_file(&stray).expect("removes");
        // It may come while the new one is filled.
        let (beside, db) = filled(&path);
        std::fs::write(&stray, "commits").expect("writes");
        beside.publish(db, true).expect_err("refused");
        assert_eq!(std::fs::read(&stray).expect("there"), b"commits");
        assert_eq!(names(folder.path()), [format!("a.db{end}")]);
    }
}
