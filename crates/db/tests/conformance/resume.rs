//! A load that was cut off goes on where it was, and until then nobody takes what is there for whole.

use super::place::Place;
use super::store::{Store, dumped};
use db::load::{ChunkSize, Source, load};
use db::mariadb::MariaDb;
use db::mariadb::fence::end_sessions_of;
use db::marks::Marks;
use db::schema::Schema;
use db::{Address, Database, Error, Result, Session};
use std::cell::Cell;
use std::io::Read;
use std::sync::atomic::{AtomicUsize, Ordering};

const SQL: &str = "
    CREATE SEQUENCE numbers START WITH 5;
    CREATE TABLE a (id INT PRIMARY KEY AUTO_INCREMENT, s VARCHAR(50), UNIQUE KEY (s), KEY by_both (s, id));
    CREATE TABLE b (id INT PRIMARY KEY, a_id INT, FOREIGN KEY (a_id) REFERENCES a (id), t TEXT, FULLTEXT KEY (t));
    CREATE TABLE c (id INT PRIMARY KEY, b_id INT, CONSTRAINT other FOREIGN KEY (b_id) REFERENCES b (id));
    CREATE VIEW v AS SELECT a.s, b.t FROM a JOIN b ON b.a_id = a.id;
    CREATE TRIGGER tr BEFORE INSERT ON c FOR EACH ROW SET NEW.id = NEW.id + 1;
    INSERT INTO a SELECT seq, CONCAT('s', seq) FROM seq_1_to_400;
    INSERT INTO b SELECT seq, seq, REPEAT('palabra ', 20) FROM seq_1_to_400;
    INSERT INTO c SELECT seq, seq FROM seq_2_to_300 ORDER BY seq DESC;";

/// A store whose reading fails after so many chunks.
struct Failing<'s> {
    store: &'s Store,
    left: AtomicUsize,
}

impl Source for Failing<'_> {
    fn schema(&self) -> &Schema {
        self.store.schema()
    }

    fn chunks(&self, table: &str) -> Vec<ChunkSize> {
        self.store.chunks(table)
    }

    fn chunk(&self, table: &str, index: usize) -> Result<Box<dyn Read + Send>> {
        let left = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
        left.map_err(|_| Error::io("reading the backup", "the disk is gone"))?;
        self.store.chunk(table, index)
    }
}

fn open(address: &Address, restoring: bool) -> Box<dyn Database> {
    let session = Session {
        connections: 2,
        restoring,
        ..Session::default()
    };
    db::open(address, &session).expect("opens")
}

#[test]
fn a_load_goes_on_wherever_it_was_cut_off() {
    let place = Place::mariadb();
    let original = place.with(SQL);
    let (store, dumped) = dumped(&original, None);
    let chunks: usize = store.tables.iter().map(|t| t.chunks.len()).sum();
    let marks = Marks::of("the backup's id");
    let resumed = Cell::new(0);
    for good in 0..chunks {
        let copy = place.empty();
        let mut db = open(&copy.address(), true);
        assert_eq!(marks.found(&mut *db).expect("looks"), None);
        marks.begin(&mut *db).expect("begins");
        // Made by one that was killed before it could say so.
        db.execute("CREATE TABLE a (half INT)").expect("creates");
        let failing = Failing {
            store: &store,
            left: AtomicUsize::new(good),
        };
        let cut = load(
            &mut *db,
            &failing,
            false,
            Some(&marks),
            &mut db::progress::silent(),
        );
        let error = cut.expect_err("the disk is gone");
        assert!(error.to_string().contains("the disk is gone"), "{error}");

        // Whoever comes now is told.
        let looked = open(&copy.address(), false).inspect().expect("inspects");
        assert!(
            looked
                .unsupported
                .iter()
                .any(|u| u.contains("restore into this schema is not finished")),
            "{:?}",
            looked.unsupported
        );
        let mut again = open(&copy.address(), true);
        assert_eq!(
            Marks::of("another").found(&mut *again).expect("looks"),
            Some(false)
        );
        assert_eq!(marks.found(&mut *again).expect("looks"), Some(true));

        let rows = load(
            &mut *again,
            &store,
            false,
            Some(&marks),
            &mut db::progress::silent(),
        )
        .expect("goes on");
        assert_eq!(rows, dumped.digest.rows());
        let found = db::digest::compute(&mut *again, None, &mut db::progress::silent()).expect("a digest");
        assert_eq!(dumped.digest.differences(&found), Vec::<String>::new());
        assert_eq!(found.digest, dumped.digest.digest);
        // Cut off at the very end: everything is there, and is taken for what it is.
        load(
            &mut *again,
            &store,
            false,
            Some(&marks),
            &mut db::progress::silent(),
        )
        .expect("goes on once more");
        let found = db::digest::compute(&mut *again, None, &mut db::progress::silent()).expect("a digest");
        assert_eq!(found.digest, dumped.digest.digest);
        marks.end(&mut *again).expect("ends");
        assert_eq!(copy.digest().digest, dumped.digest.digest, "nothing of it stays");
        resumed.set(resumed.get() + 1);
    }
    assert_eq!(resumed.get(), chunks);
    assert!(chunks >= 3, "{chunks} chunks");
}

#[test]
fn a_load_that_was_cut_off_in_its_first_moment_goes_on() {
    let place = Place::mariadb();
    let original = place.with(SQL);
    let (store, dumped) = dumped(&original, None);
    let marks = Marks::of("the backup's id");
    let copy = place.empty();
    let mut db = open(&copy.address(), true);
    marks.begin(&mut *db).expect("begins");
    // Killed between the table and its first row.
    db.execute("DELETE FROM `__ventana_restore`").expect("deletes");
    assert_eq!(marks.found(&mut *db).expect("looks"), Some(true));
    marks.begin(&mut *db).expect("begins again");
    assert_eq!(Marks::of("another").found(&mut *db).expect("looks"), Some(false));
    load(&mut *db, &store, false, Some(&marks), &mut db::progress::silent()).expect("loads");
    marks.end(&mut *db).expect("ends");
    assert_eq!(copy.digest().digest, dumped.digest.digest);
}

#[test]
fn the_sessions_of_a_dead_load_are_ended_and_nobody_elses() {
    let place = Place::mariadb();
    let spot = place.with("CREATE TABLE t (id INT PRIMARY KEY)");
    let session = |run: &str| Session {
        run: run.into(),
        ..Session::default()
    };
    // Names that only differ behind, and a run whose name is another's beginning.
    let holding = |run: &str, id: u32| {
        let mut db = MariaDb::open(&spot.address(), &session(run)).expect("opens");
        db.execute("START TRANSACTION").expect("begins");
        db.execute(&format!("INSERT INTO t VALUES ({id})"))
            .expect("inserts");
        db
    };
    let run = format!("restore-{}", spot.name());
    let mut dead = [holding(&run, 1), holding(&run, 2)];
    let mut other = [holding(&format!("{run}x"), 3), holding("restore", 4)];
    let mut ours = MariaDb::open(&spot.address(), &session(&run)).expect("opens");
    end_sessions_of(&mut ours, &run).expect("ends");
    for db in &mut dead {
        db.query("SELECT 1").expect_err("it was ended");
    }
    for db in &mut other {
        db.execute("COMMIT").expect("it goes on");
    }
    // What they held is free: nothing is waited for.
    ours.execute("SET SESSION lock_wait_timeout=1").expect("sets");
    ours.execute("ALTER TABLE t ADD n INT, ALGORITHM=COPY")
        .expect("alters");
    assert_eq!(ours.count("SELECT SUM(id) FROM t").expect("sums"), 7);
}

#[test]
fn rows_that_are_too_few_are_never_committed() {
    let place = Place::mariadb();
    let original = place.with(SQL);
    let (mut store, dumped) = dumped(&original, None);
    let marks = Marks::of("the backup's id");
    let whole = store.tables[0].chunks[0].clone();
    let half = whole
        .split_inclusive(|b| *b == b'\n')
        .take(200)
        .collect::<Vec<_>>()
        .concat();
    store.tables[0].chunks[0] = half;
    let copy = place.empty();
    let mut db = open(&copy.address(), true);
    marks.begin(&mut *db).expect("begins");
    let short = load(&mut *db, &store, false, Some(&marks), &mut db::progress::silent());
    let error = short.expect_err("200 rows of 400");
    assert!(matches!(error, Error::Differs(_)), "{error}");
    assert_eq!(db.count("SELECT COUNT(*) FROM a").expect("counts"), 0);
    // What was wrong is mended: it goes on, and takes no half for done.
    store.tables[0].chunks[0] = whole;
    load(&mut *db, &store, false, Some(&marks), &mut db::progress::silent()).expect("loads");
    marks.end(&mut *db).expect("ends");
    assert_eq!(copy.digest().digest, dumped.digest.digest);
}
