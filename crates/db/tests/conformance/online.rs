//! A backup of a SQLite database that is being written all the time: of one commit, and no writer notices.

use super::place::{Place, Spot};
use super::store::{dumped_from, loaded};
use db::progress::silent;
use db::sqlite::online::Frozen;
use db::{Database, Error};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread::{Scope, ScopedJoinHandle};
use std::time::Duration;

/// Money that only moves, and a journal of the moves: every commit keeps the sum, and counts itself.
const TABLES: &str = "CREATE TABLE account (id INTEGER PRIMARY KEY, amount INTEGER NOT NULL);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) INSERT INTO account SELECT i, 1000 FROM n;
    CREATE TABLE move (id INTEGER PRIMARY KEY AUTOINCREMENT, source INTEGER REFERENCES account (id), target INTEGER REFERENCES account (id));
    CREATE TABLE moves (n INTEGER NOT NULL);
    INSERT INTO moves VALUES (0);
    CREATE TABLE ballast (id INTEGER PRIMARY KEY, data BLOB);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600) INSERT INTO ballast SELECT i, randomblob(10000) FROM n;";

/// Reads of the invariant: the sum, the moves that were counted, the moves that are there.
fn state(db: &mut dyn Database) -> (i64, i64, i64) {
    (
        db.count("SELECT SUM(amount) FROM account").expect("a sum"),
        db.count("SELECT n FROM moves").expect("a number"),
        db.count("SELECT COUNT(*) FROM move").expect("a count"),
    )
}

struct Writer<'s> {
    stop: &'s AtomicBool,
    done: &'s AtomicU64,
    thread: Option<ScopedJoinHandle<'s, rusqlite::Result<()>>>,
}

impl<'s> Writer<'s> {
    fn start<'e>(
        scope: &'s Scope<'s, 'e>,
        spot: &'e Spot<'_>,
        stop: &'s AtomicBool,
        done: &'s AtomicU64,
    ) -> Writer<'s> {
        // One: SQLite's waiting is not fair, and two that never pause keep each other out beyond any patience.
        let path = spot.path().clone();
        let thread = scope.spawn(move || {
            let mut connection = rusqlite::Connection::open(path)?;
            connection.busy_timeout(Duration::from_secs(5))?;
            connection.execute_batch("PRAGMA synchronous=OFF")?;
            let mut at = 0;
            while !stop.load(SeqCst) {
                at += 7;
                let (source, target) = (at % 100 + 1, at * 3 % 100 + 1);
                let moved = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
                moved.execute("UPDATE account SET amount = amount - 1 WHERE id = ?", [source])?;
                moved.execute("UPDATE account SET amount = amount + 1 WHERE id = ?", [target])?;
                moved.execute(
                    "INSERT INTO move (source, target) VALUES (?, ?)",
                    [source, target],
                )?;
                moved.execute("UPDATE moves SET n = n + 1", [])?;
                moved.execute(
                    "UPDATE ballast SET data = randomblob(10000) WHERE id = ?",
                    [at % 600 + 1],
                )?;
                moved.commit()?;
                done.fetch_add(1, SeqCst);
            }
            Ok(())
        });
        Writer {
            stop,
            done,
            thread: Some(thread),
        }
    }

    /// Waits until it has committed `more` times from now on.
    fn go_on(&self, more: u64) {
        let until = self.done.load(SeqCst) + more;
        while self.done.load(SeqCst) < until {
            let failed = self.thread.as_ref().is_none_or(|t| t.is_finished());
            assert!(!failed, "the writer has failed");
            std::thread::yield_now();
        }
    }

    fn end(mut self) {
        self.stop.store(true, SeqCst);
        let thread = self.thread.take().expect("started");
        thread
            .join()
            .expect("ends")
            .expect("the writer never sees an error");
    }
}

/// A test that fails must not wait for a writer that nobody stops.
impl Drop for Writer<'_> {
    fn drop(&mut self) {
        self.stop.store(true, SeqCst);
    }
}

fn writers_go_on_and_the_backup_is_of_one_commit(journal: &str) {
    let place = Place::sqlite();
    let spot = place.with(&format!("PRAGMA journal_mode={journal}; {TABLES}"));
    let scratch = tempfile::tempdir().expect("a folder");
    let (stop, done) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        let writer = Writer::start(scope, &spot, &stop, &done);
        writer.go_on(5);
        let least = state(&mut *spot.open()).1;
        let mut frozen = Frozen::open(spot.path(), scratch.path()).expect("freezes");
        assert_eq!(frozen.notes(), [] as [String; 0]);
        let most = state(&mut *spot.open()).1;
        let first = state(frozen.db());
        writer.go_on(10);
        assert_eq!(state(frozen.db()), first, "{journal}: the state stays");
        let (store, dumped) = dumped_from(frozen.db(), None);
        writer.go_on(10);
        let copy = place.empty();
        loaded(&store, &mut *copy.open(), false).expect("loads");
        let (sum, counted, there) = state(&mut *copy.open());
        assert_eq!((sum, counted, there), first, "{journal}");
        assert_eq!((sum, counted), (100_000, there), "{journal}: half of a commit");
        assert!(
            (least..=most).contains(&counted),
            "{journal}: {least} {counted} {most}"
        );
        assert_eq!(copy.digest(), dumped.digest, "{journal}");
        assert_eq!(
            db::digest::compute(frozen.db(), None, &mut silent()).expect("a digest"),
            dumped.digest
        );
        writer.go_on(5);
        writer.end();
    });
    assert_eq!(folders(scratch.path()), 0, "{journal}: the copy is gone");
    let mut frozen = Frozen::open(spot.path(), scratch.path()).expect("freezes");
    let still = db::digest::compute(frozen.db(), None, &mut silent()).expect("a digest");
    assert_eq!(
        still,
        spot.digest(),
        "{journal}: where nobody writes it is the live digest"
    );
    let identity = frozen.db().identity().expect("one");
    assert_eq!(
        identity,
        spot.open().identity().expect("one"),
        "{journal}: it is the live one's"
    );
    assert_eq!(frozen.db().inspect().expect("reads").database, spot.name());
    assert_eq!(folders(scratch.path()), usize::from(journal != "WAL"));
}

fn folders(path: &std::path::Path) -> usize {
    path.read_dir().expect("lists").count()
}

#[test]
fn in_wal_mode_writers_go_on_and_the_backup_is_of_one_commit() {
    writers_go_on_and_the_backup_is_of_one_commit("WAL");
}

#[test]
fn with_a_rollback_journal_writers_go_on_and_the_backup_is_of_one_commit() {
    writers_go_on_and_the_backup_is_of_one_commit("DELETE");
}

fn frozen(sql: &str) -> db::Result<Vec<String>> {
    let place = Place::sqlite();
    let spot = place.with(sql);
    let scratch = tempfile::tempdir().expect("a folder");
    Frozen::open(spot.path(), scratch.path()).map(|f| f.notes().to_vec())
}

#[test]
fn what_the_original_has_is_noted_and_no_damage() {
    for journal in ["WAL", "DELETE"] {
        let notes = frozen(&format!(
            "PRAGMA journal_mode={journal}; CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p REFERENCES p (id)); INSERT INTO c VALUES (5), (6), (NULL);
             CREATE TABLE k (v INTEGER, w TEXT); INSERT INTO k VALUES (-1, NULL);
             PRAGMA writable_schema=1; UPDATE sqlite_master SET sql='CREATE TABLE k (v INTEGER CHECK (v > 0), w TEXT NOT NULL)' WHERE name='k';"
        ))
        .expect("freezes");
        assert_eq!(
            notes,
            [
                "NULL value in k.w",
                "CHECK constraint failed in k",
                "foreign key broken: 2 rows of c refer to rows of p that are not there"
            ],
            "{journal}"
        );
    }
    let notes =
        frozen("CREATE TABLE p (id); CREATE TABLE c (p REFERENCES p (id)); INSERT INTO c VALUES (5);")
            .expect("freezes");
    assert!(
        notes.len() == 1 && notes[0].starts_with("foreign keys cannot be checked"),
        "{notes:?}"
    );
}

#[test]
fn rows_that_a_restore_numbers_anew_are_told() {
    let notes = frozen(
        "CREATE TABLE keyed (id INTEGER PRIMARY KEY, v); INSERT INTO keyed VALUES (7, 1);
         CREATE TABLE without (id TEXT PRIMARY KEY, v) WITHOUT ROWID; INSERT INTO without VALUES ('a', 1);
         CREATE TABLE hidden (rowid TEXT, _rowid_ TEXT, OID TEXT); INSERT INTO hidden VALUES (1, 1, 1), (2, 2, 2);
         DELETE FROM hidden WHERE rowid='1';
         CREATE TABLE dense (id TEXT PRIMARY KEY); INSERT INTO dense VALUES ('b'), ('a');
         CREATE TABLE empty (v);
         CREATE TABLE backwards (id INTEGER PRIMARY KEY DESC); INSERT INTO backwards VALUES (7), (8); DELETE FROM backwards WHERE id=7;
         CREATE TABLE \"a 'b\" (rowid TEXT); INSERT INTO \"a 'b\" VALUES (1), (2); DELETE FROM \"a 'b\" WHERE _rowid_=1;",
    )
    .expect("freezes");
    let told: Vec<_> = notes
        .iter()
        .filter_map(|n| n.split_once(" anew, as VACUUM"))
        .collect();
    let tables: Vec<_> = told.iter().map(|(table, _)| *table).collect();
    assert_eq!(
        tables,
        [
            "a restore numbers the rows of a 'b",
            "a restore numbers the rows of backwards"
        ],
        "{notes:?}"
    );
}

#[test]
fn a_damaged_database_is_refused_with_what_to_do() {
    use std::os::unix::fs::FileExt;
    let place = Place::sqlite();
    let mut refused = 0;
    for journal in ["WAL", "DELETE"] {
        let spot = place.with(&format!("PRAGMA journal_mode={journal}; {TABLES} CREATE INDEX i ON ballast (data); PRAGMA wal_checkpoint(TRUNCATE);"));
        let scratch = tempfile::tempdir().expect("a folder");
        let file = std::fs::OpenOptions::new()
            .write(true)
            .open(spot.path())
            .expect("opens");
        let length = file.metadata().expect("a length").len();
        // A page in the middle of the index.
        file.write_all_at(&[0xaa; 4096], length / 4096 * 3 / 4 * 4096)
            .expect("writes");
        let error = Frozen::open(spot.path(), scratch.path()).err().expect("refused");
        assert!(matches!(error, Error::Refused { .. }), "{error:?}");
        assert!(error.to_string().contains("is damaged: "), "{error}");
        assert!(
            error
                .hint()
                .is_some_and(|h| h.contains("backup list") && h.contains(".recover"))
        );
        assert_eq!(folders(scratch.path()), 0, "nothing is left");
        refused += 1;
    }
    assert_eq!(refused, 2);
}

#[test]
fn a_file_that_stays_locked_is_an_error_that_says_so() {
    let place = Place::sqlite();
    let spot = place.with("CREATE TABLE t (id)");
    let holder = rusqlite::Connection::open(spot.path()).expect("opens");
    holder.execute_batch("BEGIN EXCLUSIVE").expect("locks");
    let scratch = tempfile::tempdir().expect("a folder");
    let error = Frozen::open(spot.path(), scratch.path()).err().expect("locked");
    assert!(
        error
            .hint()
            .is_some_and(|h| h.contains("process") || h.contains("file")),
        "{error:?}"
    );
    holder.execute_batch("ROLLBACK").expect("frees");
    Frozen::open(spot.path(), scratch.path()).expect("free again");
}
