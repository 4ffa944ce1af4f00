//! What a server lacks for a restore is known before anything is written, and mended by what is told.

use super::place::{OwnServer, Place};
use super::store::{dumped, loaded};
use db::load::load;
use db::mariadb::MariaDb;
use db::mariadb::target::{Lack, lacks};
use db::marks::Marks;
use db::{Address, Database, Session};

const EVERYTHING: &str = include_str!("exact.sql");
const MORE: &str = "CREATE TRIGGER tr BEFORE INSERT ON ring_a FOR EACH ROW SET NEW.b = NULL;
    CREATE EVENT ev ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01' DISABLE DO SELECT 1;
    CREATE DEFINER=`a role` PROCEDURE by_role() SELECT 1;
    CREATE DEFINER=`some``one`@`10.%` SQL SECURITY DEFINER VIEW theirs AS SELECT 1 AS x;";

fn open(server: &OwnServer, user: &str, schema: &str) -> MariaDb {
    let address = Address::parse(&server.url(user, "", schema)).expect("an address");
    MariaDb::open(&address, &Session::default()).expect("opens")
}

#[test]
fn an_account_that_does_what_is_told_can_restore_everything() {
    let place = Place::mariadb();
    let original = place.with(&format!(
        "CREATE ROLE IF NOT EXISTS `a role`; {EVERYTHING}\n{MORE}"
    ));
    let (store, dump) = dumped(&original, None);
    let server = OwnServer::start();
    server.query("CREATE DATABASE into_this; CREATE USER poor@'%'; GRANT SELECT ON into_this.* TO poor@'%'; SET GLOBAL local_infile=OFF");
    let found = lacks(&mut open(&server, "poor", "into_this"), "into_this", &dump.schema).expect("looks");
    let told = |found: &[Lack], word: &str| found.iter().any(|l| l.what.contains(word));
    for word in [
        "CREATE,",
        "INSERT",
        "REFERENCES",
        "ALTER",
        "CREATE ROUTINE",
        "CREATE VIEW",
        "TRIGGER",
        "EVENT",
        "defined by others",
        "may not see whether the definers exist",
        "LOAD DATA LOCAL",
    ] {
        assert!(told(&found, word), "{word} in {found:#?}");
    }
    let tables = open(&server, "root", "into_this")
        .inspect()
        .expect("inspects")
        .tables;
    assert!(tables.is_empty(), "nothing was written");
    mend(&server, &found);
    let found = lacks(&mut open(&server, "poor", "into_this"), "into_this", &dump.schema).expect("looks");
    let missing = ["`a role`", "`nobody`@`no.where`", "`some``one`@`10.%`"];
    for account in missing {
        assert!(
            told(&found, &format!("definer {account} does not exist")),
            "{account} in {found:#?}"
        );
    }
    assert!(found.iter().all(|l| !l.stops), "{found:#?}");
    mend(&server, &found);
    let mut db = open(&server, "poor", "into_this");
    assert_eq!(lacks(&mut db, "into_this", &dump.schema).expect("looks"), []);
    // With marks, as a restore that may be cut off keeps them.
    let marks = Marks::of("a backup");
    marks.begin(&mut db).expect("begins");
    load(&mut db, &store, false, Some(&marks), &mut db::progress::silent())
        .expect("loads as an account with just these rights");
    marks.end(&mut db).expect("ends");
    let copy = db::digest::compute(
        &mut open(&server, "root", "into_this"),
        None,
        &mut db::progress::silent(),
    )
    .expect("a digest");
    assert_eq!(dump.digest.differences(&copy), Vec::<String>::new());
    assert_eq!(dump.digest, copy);
}

fn mend(server: &OwnServer, found: &[Lack]) {
    for lack in found {
        server.query(&lack.mend);
    }
}

#[test]
fn a_packet_that_is_too_small_and_a_guarded_clock_are_told() {
    let place = Place::mariadb();
    let long = "x".repeat(3 << 20);
    let original = place.with(&format!(
        "CREATE PROCEDURE long_one() SELECT '{long}'; CREATE TABLE v (x INT) WITH SYSTEM VERSIONING;"
    ));
    let schema = original.open().inspect().expect("inspects");
    let scratch = tempfile::tempdir().expect("a folder");
    let server = testkit::mariadb::MariaDb::options()
        .arg("--secure-timestamp=YES")
        .arg("--max-allowed-packet=1M")
        .arg(format!("--tmpdir={}", scratch.path().display()))
        .start();
    server.query("CREATE DATABASE into_this");
    let address = Address::parse(&server.url("root", "", "into_this")).expect("an address");
    let mut db = MariaDb::open(&address, &Session::default()).expect("opens");
    let found = lacks(&mut db, "into_this", &schema).expect("looks");
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found.iter().all(|l| l.stops));
    assert_eq!(found[0].mend, "SET GLOBAL max_allowed_packet=4194304");
    assert!(found[1].what.contains("secure_timestamp=YES"), "{found:#?}");
}

#[test]
fn what_this_server_does_not_know_is_told_by_name() {
    let place = Place::mariadb();
    let original = place.with(
        "CREATE TABLE t (id INT PRIMARY KEY, u UUID, s VARCHAR(20) CHARACTER SET latin1 COLLATE latin1_spanish_ci, FULLTEXT KEY (s));
         CREATE PROCEDURE p() SELECT 1 AS `engine`;",
    );
    let schema = original.open().inspect().expect("inspects");
    let mut server = MariaDb::open(&original.address(), &Session::default()).expect("opens");
    assert_eq!(lacks(&mut server, &original.name(), &schema).expect("looks"), []);
    for (known, other, told) in [
        (
            "CHARACTER SET latin1",
            "CHARACTER SET martian",
            "character set martian",
        ),
        (
            "latin1_spanish_ci",
            "latin1_martian_ci",
            "collation latin1_martian_ci",
        ),
        ("ENGINE=InnoDB", "ENGINE=Martian", "storage engine martian"),
        (
            "KEY `s` (`s`)",
            "KEY `s` (`s`) WITH PARSER `martian`",
            "full-text parser martian",
        ),
    ] {
        let mut schema = schema.clone();
        let create = &mut schema.tables[0].create;
        assert!(create.contains(known), "{create}");
        *create = create.replace(known, other);
        let found = lacks(&mut server, &original.name(), &schema).expect("looks");
        assert!(
            found.len() == 1 && found[0].what.ends_with(told) && found[0].stops && !found[0].mend.is_empty(),
            "{told}: {found:#?}"
        );
    }
}

#[test]
fn what_everybody_may_need_not_be_granted() {
    let place = Place::mariadb();
    let schema = place
        .with("CREATE TABLE t (id INT PRIMARY KEY)")
        .open()
        .inspect()
        .expect("inspects");
    let server = OwnServer::start();
    server.query(
        "CREATE USER poor@'%'; GRANT SELECT ON mysql.proc TO poor@'%'; GRANT ALL PRIVILEGES ON `into\\_this`.* TO PUBLIC",
    );
    // It is not there yet.
    let found = lacks(&mut open(&server, "poor", ""), "into_this", &schema).expect("looks");
    assert_eq!(found, []);
}

#[test]
fn a_row_that_the_server_could_not_hand_out_again_is_told_before_anything_is_written() {
    let place = Place::mariadb();
    let original = place.with(
        "CREATE TABLE short (id INT PRIMARY KEY, b LONGBLOB); INSERT INTO short VALUES (1, REPEAT('x', 900000));
         CREATE TABLE `long one` (id INT PRIMARY KEY, a LONGTEXT, b LONGTEXT);
         INSERT INTO `long one` VALUES (1, 'x', NULL), (2, REPEAT('x', 1100000), REPEAT('\\n', 1100000));",
    );
    let (store, dump) = dumped(&original, None);
    assert_eq!(
        dump.schema.table("long one").map(|t| t.longest_row),
        Some(2_200_008)
    );
    let server = OwnServer::start_with(testkit::mariadb::MariaDb::options().arg("--max-allowed-packet=2M"));
    server.query("CREATE DATABASE into_this");
    let mut db = open(&server, "root", "into_this");
    let found = lacks(&mut db, "into_this", &dump.schema).expect("looks");
    let [lack] = found.as_slice() else {
        panic!("{found:#?}")
    };
    assert!(
        lack.stops && lack.what.contains("table long one has a row of 2200008 bytes"),
        "{lack:?}"
    );
    assert_eq!(lack.mend, "SET GLOBAL max_allowed_packet=3145728");
    mend(&server, &found);
    let mut db = open(&server, "root", "into_this");
    assert_eq!(lacks(&mut db, "into_this", &dump.schema).expect("looks"), []);
    loaded(&store, &mut db, false).expect("loads");
    let copy = db::digest::compute(&mut db, None, &mut db::progress::silent()).expect("a digest");
    assert_eq!(dump.digest, copy);
}
