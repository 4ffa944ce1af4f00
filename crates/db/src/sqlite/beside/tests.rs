//! Each step to the name fails, or is the last before a kill: the old database is what it was.

use super::*;

/// An old database with a commit that is only in its log, where it has one, as a killed service leaves it.
fn old(folder: &Path, journal: &str) -> PathBuf {
    let made = folder.join("made.db");
    let conn = Connection::open(&made).expect("opens");
    let sql = format!(
        "PRAGMA journal_mode={journal}; PRAGMA wal_autocheckpoint=0; CREATE TABLE t (s TEXT); INSERT INTO t VALUES ('old');"
    );
    conn.execute_batch(&sql).expect("made");
    for end in ["", "-wal"] {
        let from = with_end(&made, end);
        if from.exists() {
            std::fs::copy(from, folder.join(format!("a.db{end}"))).expect("copies");
        }
    }
    drop(conn);
    std::fs::remove_file(made).expect("removes");
    folder.join("a.db")
}

fn filled(path: &Path) -> (Beside, Sqlite) {
    let beside = Beside::of(path).expect("a place");
    let mut db = beside.open().expect("opens");
    db.execute("CREATE TABLE t (s TEXT)").expect("creates");
    db.execute("INSERT INTO t VALUES ('new')").expect("inserts");
    (beside, db)
}

/// What the database says, and its mode.
fn seen(path: &Path) -> (String, String) {
    let conn = opened(path).expect("opens");
    let content = mode(&conn, "SELECT s FROM t").expect("reads");
    let journal = mode(&conn, "PRAGMA journal_mode").expect("reads");
    (content, journal.to_uppercase())
}

fn names(folder: &Path) -> Vec<String> {
    let entries = folder.read_dir().expect("lists");
    let mut names: Vec<String> = entries
        .map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// Publishes up to the step that fails, if any; before each step `look` sees the folder.
fn publish(path: &Path, fails: Option<usize>, mut look: impl FnMut(&Path)) -> (Result<Vec<String>>, usize) {
    let (beside, db) = filled(path);
    let mut steps = 0;
    let folder = path.parent().expect("a folder");
    let outcome = beside.publish_by(db, true, &mut || {
        look(folder);
        steps += 1;
        match fails {
            Some(step) if step == steps => Err(Error::io("a step", "a fault")),
            _ => Ok(()),
        }
    });
    (outcome, steps)
}

#[test]
fn a_step_that_fails_leaves_the_old_database_as_it_was() {
    for (journal, steps) in [("WAL", 6), ("DELETE", 5)] {
        let run = |fails| {
            let folder = tempfile::tempdir().expect("a folder");
            let path = old(folder.path(), journal);
            let (outcome, steps) = publish(&path, fails, |_| {});
            let left = names(folder.path());
            (outcome, steps, seen(&path), left)
        };
        for fails in 1..=steps {
            let (outcome, _, seen, left) = run(Some(fails));
            let context = format!("{journal}, step {fails}");
            assert!(
                outcome.is_err_and(|e| e.to_string().contains("a fault")),
                "{context}"
            );
            assert_eq!(seen, ("old".into(), journal.into()), "{context}");
            assert_eq!(left, ["a.db"], "{context}");
        }
        let (outcome, passed, seen, left) = run(None);
        outcome.expect("publishes");
        assert_eq!(
            (passed, seen),
            (steps, ("new".into(), journal.into())),
            "{journal}"
        );
        assert_eq!(left, ["a.db"], "{journal}");
    }
}

/// A kill leaves what is on the disk at that moment.
#[test]
fn a_kill_between_the_steps_leaves_the_old_database_as_it_was() {
    for journal in ["WAL", "DELETE"] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = old(folder.path(), journal);
        let mut moments = Vec::new();
        let (outcome, steps) = publish(&path, None, |folder| {
            let moment = tempfile::tempdir().expect("a folder");
            for name in names(folder) {
                // The index of a log is memory that lies in a file: nobody's after a kill.
                if name.starts_with("a.db") && !name.ends_with("-shm") {
                    std::fs::copy(folder.join(&name), moment.path().join(&name)).expect("copies");
                }
            }
            moments.push(moment);
        });
        outcome.expect("publishes");
        assert_eq!(moments.len(), steps);
        for (number, moment) in moments.iter().enumerate() {
            let path = moment.path().join("a.db");
            let context = format!("{journal}, before step {}", number + 1);
            assert_eq!(seen(&path), ("old".into(), journal.into()), "{context}");
            // The same restore again clears away what is left.
            publish(&path, None, |_| {}).0.expect(&context);
            assert_eq!(seen(&path), ("new".into(), journal.into()), "{context}");
            assert_eq!(names(moment.path()), ["a.db"], "{context}");
        }
    }
}

/// The old database is let go of when the name is the new one's, which somebody may be writing to by then.
#[test]
fn the_old_connection_does_not_touch_what_the_new_one_has_beside_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = old(folder.path(), "WAL");
    let (held, wal) = alone(&path, true).expect("locks").expect("a database");
    assert!(wal);
    companions(&path).expect("removes");
    let new = folder.path().join("new.db");
    let conn = Connection::open(&new).expect("opens");
    conn.execute_batch("PRAGMA journal_mode=WAL; CREATE TABLE t (s TEXT)")
        .expect("made");
    drop(conn);
    std::fs::rename(&new, &path).expect("renames");
    let service = Connection::open(&path).expect("opens");
    service
        .execute_batch("PRAGMA wal_autocheckpoint=0; INSERT INTO t VALUES ('new')")
        .expect("writes");
    drop(held);
    assert!(with_end(&path, "-wal").metadata().is_ok_and(|log| log.len() > 0));
    assert_eq!(seen(&path).0, "new");
}
