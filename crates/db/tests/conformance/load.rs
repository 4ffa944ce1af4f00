//! Loading: into a copy, and when it fails.

use super::place::{Place, Spot, in_every_dialect};
use super::store::{copied, dumped, loaded};
use db::{Error, Result};

in_every_dialect!(
    a_dump_of_an_empty_database_loads,
    big_values_and_many_chunks_come_back,
    a_broken_stream_is_told_as_such,
    a_load_that_fails_can_be_run_again
);

fn a_dump_of_an_empty_database_loads(place: Place) {
    let original = place.empty();
    assert_eq!(original.digest(), copied(&place, &original, false).digest());
}

fn big_values_and_many_chunks_come_back(place: Place) {
    let original = place.with(place.pick(
        "CREATE TABLE big (id INTEGER PRIMARY KEY, b BLOB, t TEXT);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6) INSERT INTO big SELECT i, randomblob(4000000), hex(randomblob(500000)) FROM n;
         INSERT INTO big VALUES (7, zeroblob(20000000), 'x');",
        // More than one chunk holds, in values of half a chunk.
        "CREATE TABLE big (id INTEGER PRIMARY KEY, b LONGBLOB, t LONGTEXT);
         INSERT INTO big WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6) SELECT i, REPEAT(UNHEX(SHA1(i)), 400000), REPEAT('\\t\\nñ', 200000) FROM n;
         INSERT INTO big VALUES (7, REPEAT(x'FF00', 7000000), 'x');",
    ));
    let (store, dumped) = dumped(&original, None);
    assert!(
        store.tables[0].chunks.len() > 2,
        "{} chunks",
        store.tables[0].chunks.len()
    );
    let copy = place.empty();
    assert_eq!(loaded(&store, &mut *copy.open(), false).expect("loads"), 7);
    assert_eq!(copy.digest(), dumped.digest);
}

fn a_broken_stream_is_told_as_such(place: Place) {
    let original =
        place.with("CREATE TABLE t (id INTEGER PRIMARY KEY, s VARCHAR(20)); INSERT INTO t VALUES (1, 'x');");
    let table = original.open().inspect().expect("inspects").tables.remove(0);
    struct Torn;
    impl std::io::Read for Torn {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("zstd frame is damaged"))
        }
    }
    let copy = place.empty();
    let mut db = copy.open();
    db.execute(&table.create).expect("creates");
    let error = db.load_chunk(&table, &mut Torn, None, None).expect_err("torn");
    assert!(error.to_string().contains("zstd frame is damaged"), "{error}");
    assert_eq!(error.code(), "io", "{error:?}");
    assert_eq!(
        db.count("SELECT COUNT(*) FROM t")
            .expect("the connection still works"),
        0
    );
}

fn a_load_that_fails_can_be_run_again(place: Place) {
    let original = place.with(place.pick(
        "CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO a VALUES (1); CREATE TABLE t (id INTEGER PRIMARY KEY, s TEXT UNIQUE); INSERT INTO t VALUES (1, 'x');",
        "CREATE TABLE a (id INT PRIMARY KEY); INSERT INTO a VALUES (1); CREATE TABLE t (id INT PRIMARY KEY, s VARCHAR(20) UNIQUE); INSERT INTO t VALUES (1, 'x');",
    ));
    let (mut store, dumped) = dumped(&original, None);
    let good = store.tables[1].chunks[0].clone();
    // A row with the same key twice: what a chunk out of place would do.
    let (chunk, end) = (store.tables[1].chunks[0].clone(), store.tables[1].ends[0].clone());
    store.tables[1].chunks.push(chunk);
    store.tables[1].ends.push(end.clone());
    let copy = place.empty();
    let error = loaded(&store, &mut *copy.open(), false).expect_err("a duplicate");
    assert!(error.to_string().contains('t'), "{error}");
    if place.is_sqlite() {
        assert!(
            copy.open().inspect().expect("inspects").tables.is_empty(),
            "nothing is left behind"
        );
    }
    let again = if place.is_sqlite() { copy } else { place.empty() };
    store.tables[1].chunks = vec![good];
    store.tables[1].ends = vec![end];
    loaded(&store, &mut *again.open(), false).expect("loads");
    assert_eq!(again.digest(), dumped.digest);
}

#[test]
fn a_scratch_copy_has_its_events_switched_off_and_the_same_digest() {
    let place = Place::mariadb();
    let original = place.with(include_str!("mariadb.sql"));
    let copy = copied(&place, &original, true);
    let (before, after) = (original.digest(), copy.digest());
    assert_eq!(before.digest, after.digest);
    let on = |d: &db::Digest| {
        d.counters
            .iter()
            .filter(|(name, n)| name.starts_with("event ") && **n == 1)
            .count()
    };
    assert_eq!((on(&before), on(&after)), (2, 0));
    let Spot::MariaDb(schema) = &copy else {
        unreachable!()
    };
    let states =
        schema.query("SELECT DISTINCT STATUS FROM information_schema.EVENTS WHERE EVENT_SCHEMA=DATABASE() ORDER BY STATUS DESC");
    let off = ["SLAVESIDE_DISABLED", "DISABLED"].map(|state| [Some(state.to_string())]);
    assert_eq!(states, off);
}

#[test]
fn an_object_that_names_its_own_schema_is_pointed_at_the_copy() {
    let place = Place::mariadb();
    let original = place.empty();
    let own = original.name();
    original.run(&format!(
        "CREATE TABLE {own}.t (id INT PRIMARY KEY, n INT); INSERT INTO t VALUES (1, 0);
         CREATE PROCEDURE {own}.bump() UPDATE {own}.t SET n = n + 1;
         CREATE FUNCTION {own}.f() RETURNS INT READS SQL DATA RETURN (SELECT MAX(n) FROM `{own}`.`t`);
         CREATE VIEW {own}.v AS SELECT {own}.f() AS f, t.n, '{own}' AS label FROM {own}.t;
         CREATE TRIGGER {own}.tr BEFORE INSERT ON {own}.t FOR EACH ROW SET NEW.n = (SELECT COUNT(*) FROM {own}.t);
         CREATE EVENT {own}.ev ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01' DISABLE DO DELETE FROM {own}.t;"
    ));
    let copy = copied(&place, &original, false);
    assert_eq!(original.digest(), copy.digest());
    copy.run("CALL bump(); INSERT INTO t (id) VALUES (2);");
    let n = |spot: &Spot<'_>| {
        spot.open()
            .text("SELECT CONCAT(SUM(n), ' ', COUNT(*), ' ', MAX((SELECT MAX(f) FROM v))) FROM t")
            .expect("counts")
    };
    assert_eq!(
        (n(&original).as_deref(), n(&copy).as_deref()),
        (Some("0 1 0"), Some("2 2 1"))
    );
    let definitions = copy.open().text(&format!("SELECT COUNT(*) FROM information_schema.EVENTS WHERE EVENT_SCHEMA=DATABASE() AND EVENT_DEFINITION LIKE '%{own}%'"));
    assert_eq!(definitions.expect("counts").as_deref(), Some("0"));
}

#[test]
fn an_object_that_may_name_its_schema_in_a_string_is_refused_by_name() {
    let place = Place::mariadb();
    let original = place.empty();
    original.run(&format!(
        "CREATE TABLE t (x INT); CREATE PROCEDURE sneaky() EXECUTE IMMEDIATE 'DELETE FROM {}.t';",
        original.name()
    ));
    let (store, _) = dumped(&original, None);
    let outcome: Result<u64> = loaded(&store, &mut *place.empty().open(), false);
    let Err(error @ Error::Refused { .. }) = outcome else {
        panic!("{outcome:?}")
    };
    assert!(error.to_string().contains("sneaky"), "{error}");
}

#[test]
fn the_session_is_what_it_was_after_a_load() {
    let place = Place::mariadb();
    let original = place.with(include_str!("mariadb.sql"));
    let (store, _) = dumped(&original, None);
    let copy = place.empty();
    let mut db = copy.open();
    let settings = "SELECT CONCAT_WS('|', @@sql_mode, @@time_zone, @@character_set_client, @@collation_connection, IFNULL(@@character_set_results, '-'), \
        @@foreign_key_checks, @@unique_checks, @@check_constraint_checks, @@sql_log_bin, @@lock_wait_timeout)";
    let before = db.text(settings).expect("settings");
    loaded(&store, &mut *db, false).expect("loads");
    assert_eq!(db.text(settings).expect("settings"), before);
    assert!(
        loaded(&store, &mut *db, false).is_err(),
        "the tables are there already"
    );
    assert_eq!(db.text(settings).expect("settings"), before);
}

/// Not some time after the load: without them the first queries of a restored service would choose their keys blindly.
#[test]
fn big_tables_have_their_statistics_and_their_own_definition() {
    let place = Place::mariadb();
    let rows = "SELECT seq, seq, REPEAT('x', 200) FROM seq_1_to_8000";
    let columns = "(id INT PRIMARY KEY, n INT, s VARCHAR(200)";
    let tables = [
        (
            "keyed",
            format!("{columns}, KEY (n)) ENGINE=InnoDB COMMENT='\n) ENGINE=InnoDB'"),
        ),
        ("bare", format!("{columns}) ENGINE=InnoDB")),
        (
            "parted",
            format!("{columns}, KEY (n)) ENGINE=InnoDB PARTITION BY HASH (id) PARTITIONS 2"),
        ),
        (
            "told",
            format!("{columns}) ENGINE=InnoDB STATS_AUTO_RECALC=0 STATS_SAMPLE_PAGES=4"),
        ),
    ];
    let create = |(name, definition): &(&str, String)| {
        format!("CREATE TABLE {name} {definition}; INSERT INTO {name} {rows};")
    };
    let original = place.with(&tables.iter().map(create).collect::<String>());
    let (store, dumped) = dumped(&original, None);
    let copy = place.empty();
    loaded(&store, &mut *copy.open(), false).expect("loads");
    assert_eq!(copy.digest(), dumped.digest);
    let (Spot::MariaDb(schema), Spot::MariaDb(original)) = (&copy, &original) else {
        unreachable!()
    };
    for (name, _) in &tables {
        let shown = format!("SHOW CREATE TABLE {name}");
        assert_eq!(schema.query(&shown), original.query(&shown));
    }
    let known = schema.query(
        "SELECT table_name FROM mysql.innodb_table_stats WHERE database_name=DATABASE() AND n_rows > 1000 ORDER BY 1",
    );
    let known: Vec<String> = known.into_iter().flatten().flatten().collect();
    assert_eq!(known, ["bare", "keyed", "parted#P#p0", "parted#P#p1"]);
}
