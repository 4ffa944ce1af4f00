//! A restore over a live schema: what would stop it is refused before anything changes, and the copy's counters are compared
//! before it takes the live schema's place.

use super::place::OwnServer;
use super::store::{Store, dumped_from};
use db::counters::behind;
use db::dump::Dumped;
use db::mariadb::MariaDb;
use db::mariadb::swap::Swap;
use db::mariadb::target::Lack;
use db::schema::Kind;
use db::{Address, Database, Error, Result, Session};
use std::collections::BTreeMap;

const LIVE: &str = "CREATE DATABASE live CHARACTER SET utf8mb4; USE live;
    CREATE TABLE parent (id INT PRIMARY KEY AUTO_INCREMENT, n INT, KEY (n)); INSERT INTO parent VALUES (1, 1), (90, 2); DELETE FROM parent WHERE id=90;
    CREATE TABLE child (id INT PRIMARY KEY, parent INT, FOREIGN KEY (parent) REFERENCES parent (id)); INSERT INTO child VALUES (1, 1);
    CREATE SEQUENCE counted START WITH 7 CACHE 2; DO NEXTVAL(counted);
    CREATE TRIGGER tr BEFORE INSERT ON child FOR EACH ROW SET NEW.parent = NEW.parent;
    CREATE DEFINER=`gone`@`no.where` VIEW theirs AS SELECT id FROM parent;
    CREATE PROCEDURE p() SELECT 1;
    CREATE EVENT ev ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01' DISABLE DO SELECT 1;";

/// Takes a counter out of a backup's definitions.
type Lose = fn(&mut db::Schema);
type Counters<'c> = &'c [(&'c str, i128)];

/// A server with a live schema, and a backup of it.
struct Scene {
    server: OwnServer,
    store: Store,
    dumped: Dumped,
}

impl Scene {
    fn new() -> Scene {
        let server = OwnServer::start();
        server.query(LIVE);
        let (store, dumped) = dumped_from(&mut open(&server, "root"), None);
        Scene {
            server,
            store,
            dumped,
        }
    }

    fn swap(&self, user: &str) -> Result<Vec<Lack>> {
        let (live, session) = (address(&self.server, user), Session::default());
        let swap = Swap {
            live: &live,
            session: &session,
            source: &self.store,
            outline: &self.dumped.schema.outline(),
            undo: &[],
            expected: &self.dumped.digest.tables,
            copy: "live__new",
            failed: "live__failed",
        };
        swap.run(&mut |_| Ok(()), &mut db::progress::silent())
    }

    /// Schemas and all that is in the live one.
    fn seen(&self) -> (testkit::mariadb::Rows, db::Digest) {
        let digest = db::digest::compute(&mut open(&self.server, "root"), None, &mut db::progress::silent());
        (
            self.server.query("SHOW DATABASES"),
            digest.expect("a digest of the live schema"),
        )
    }
}

fn address(server: &OwnServer, user: &str) -> Address {
    Address::parse(&server.url(user, "", "live")).expect("an address")
}

fn open(server: &OwnServer, user: &str) -> MariaDb {
    MariaDb::open(&address(server, user), &Session::default()).expect("opens")
}

#[test]
fn an_account_that_could_not_end_it_does_not_begin_it() {
    let scene = Scene::new();
    let server = &scene.server;
    // It may load the copy and drop what is live, but not make the trigger again, nor keep the live tables.
    server.query(
        "CREATE USER poor@'%'; GRANT SELECT, DROP, ALTER ON live.* TO poor@'%'; GRANT ALL ON live__new.* TO poor@'%'",
    );
    server.query("DELETE FROM live.child; SET GLOBAL local_infile=OFF");
    let before = scene.seen();
    let error = scene.swap("poor").expect_err("it must not begin");
    let Error::Refused { message, hint } = &error else {
        panic!("{error:?}");
    };
    for word in [
        "TRIGGER",
        "CREATE VIEW",
        "EVENT",
        "CREATE ROUTINE",
        "LOAD DATA LOCAL",
        "defined by others",
        "tables that are kept",
    ] {
        assert!(message.contains(word), "{word} in {message}");
    }
    assert!(hint.contains(r"ON `live\_\_failed`.* TO"), "{hint}");
    assert_eq!(scene.seen(), before, "nothing was changed");
    // What is told is all that it takes.
    for mend in hint.split("; ").filter(|part| !part.starts_with("then ")) {
        server.query(mend);
    }
    let noted = scene.swap("poor").expect("swaps");
    assert!(noted.iter().all(|lack| !lack.stops), "{noted:#?}");
    let (_, after) = scene.seen();
    assert_eq!(scene.dumped.digest, after);
}

#[test]
fn a_definer_that_is_gone_is_told_and_stops_nothing() {
    let scene = Scene::new();
    scene.server.query("DELETE FROM live.child");
    let noted = scene.swap("root").expect("swaps");
    let told: Vec<&str> = noted.iter().map(|lack| lack.what.as_str()).collect();
    assert!(
        told.len() == 1 && told[0].starts_with("definer `gone`@`no.where` does not exist"),
        "{told:?}"
    );
    assert_eq!(scene.dumped.digest, scene.seen().1);
}

#[test]
fn a_packet_that_is_too_small_is_told_before_anything_changes() {
    let mut scene = Scene::new();
    scene.store.catalog().tables[0].longest_row = 1 << 40;
    let before = scene.seen();
    let error = scene.swap("root").expect_err("it must not begin");
    assert!(
        error.to_string().contains("it could never be read again"),
        "{error}"
    );
    assert_eq!(scene.seen(), before);
}

#[test]
fn a_copy_that_lost_its_counters_does_not_take_the_live_tables_place() {
    let mut scene = Scene::new();
    let lost: [(&str, Lose); 2] = [
        ("counter parent: 2, 91 promised", |schema| {
            let table = schema
                .tables
                .iter_mut()
                .find(|t| t.name == "parent")
                .expect("there");
            table.create = table.create.replace("AUTO_INCREMENT=91 ", "");
        }),
        ("counter sequence counted: 7, 9 promised", |schema| {
            let sequence = schema.objects.iter_mut().find(|o| o.kind == Kind::Sequence);
            let create = &mut sequence.expect("there").create;
            create[1] = create[1].replace("VALUES (9,", "VALUES (7,");
        }),
    ];
    scene.server.query("DELETE FROM live.child");
    for (told, lose) in lost {
        lose(scene.store.catalog());
        assert_ne!(scene.store.catalog(), &scene.dumped.schema);
        let (_, before) = scene.seen();
        let error = scene.swap("root").expect_err("it differs");
        assert!(
            matches!(&error, Error::Differs(what) if what.ends_with(told)),
            "{told}: {error}"
        );
        assert_eq!(scene.seen().1, before, "the live schema is what it was");
        *scene.store.catalog() = scene.dumped.schema.clone();
    }
    scene.swap("root").expect("a whole one swaps");
    assert_eq!(scene.dumped.digest, scene.seen().1);
}

#[test]
fn counters_that_went_back_are_told_and_those_that_went_on_are_not() {
    let server = OwnServer::start();
    server.query(
        "CREATE DATABASE live; USE live; CREATE SEQUENCE up; CREATE SEQUENCE down INCREMENT BY -1 MINVALUE -9 MAXVALUE 9 START WITH 9 CYCLE",
    );
    let mut db = open(&server, "root");
    let counters = |of: Counters<'_>| -> BTreeMap<String, i128> {
        of.iter()
            .map(|(name, value)| (name.to_string(), *value))
            .collect()
    };
    let were = counters(&[
        ("event e", 1),
        ("t", 91),
        ("sequence up", 5),
        ("sequence up cycles", 0),
        ("sequence down", 5),
        ("sequence down cycles", 1),
    ]);
    let cases: [(Counters<'_>, &[&str]); 5] = [
        (&[], &[]),
        (
            &[
                ("event e", 0),
                ("t", 92),
                ("sequence up", 6),
                ("sequence down", 4),
            ],
            &[],
        ),
        (&[("sequence down", 9), ("sequence down cycles", 2)], &[]),
        (
            &[("t", 90), ("sequence up", 4)],
            &["counter sequence up: 4, it was 5", "counter t: 90, it was 91"],
        ),
        (&[("sequence down", 6)], &["counter sequence down: 6, it was 5"]),
    ];
    for (changes, told) in cases {
        let mut are = were.clone();
        are.extend(counters(changes));
        assert_eq!(
            behind(&mut db, &were, &are).expect("compares"),
            told,
            "{changes:?}"
        );
    }
    let gone = behind(&mut db, &were, &BTreeMap::new()).expect("compares");
    assert!(
        gone.contains(&"counter t: none, it was 91".to_string()),
        "{gone:?}"
    );
    assert!(db.count("SELECT 1").is_ok());
}
