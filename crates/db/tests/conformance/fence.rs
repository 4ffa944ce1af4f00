//! The fence on a MariaDB server of its own: what the service's accounts may do, and that all is given back.

use super::place::OwnServer;
use db::mariadb::MariaDb;
use db::mariadb::fence::{self, Before};
use db::{Address, Database, Error, Session};
use std::collections::BTreeSet;

/// A server with a service schema, two service accounts with grants at every level, and `ventana`'s own account.
struct World {
    server: OwnServer,
}

const APP: &str = "'app'@'%'";
const OTHER: &str = "'re-port'@'127.0.0.1'";

impl World {
    fn new() -> World {
        let server = OwnServer::start();
        server.query(
            "CREATE DATABASE svc; CREATE DATABASE elsewhere; CREATE TABLE elsewhere.t (id INT PRIMARY KEY);
             CREATE TABLE svc.t (id INT PRIMARY KEY, a INT, b INT); INSERT INTO svc.t VALUES (1, 1, 1);
             CREATE TABLE svc.u (id INT PRIMARY KEY, a INT); INSERT INTO svc.u VALUES (1, 1);
             DELIMITER //
             CREATE PROCEDURE svc.write_it() SQL SECURITY DEFINER UPDATE svc.t SET a = a + 1//
             CREATE FUNCTION svc.f() RETURNS INT DETERMINISTIC RETURN 1//
             DELIMITER ;
             CREATE ROLE writer_role; GRANT INSERT, UPDATE ON svc.* TO writer_role;
             CREATE USER app@'%' IDENTIFIED BY 'app pass' WITH MAX_USER_CONNECTIONS 50;
             GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, EVENT, EXECUTE, LOCK TABLES, CREATE TEMPORARY TABLES, TRIGGER ON svc.* TO app@'%' WITH GRANT OPTION;
             GRANT SELECT, INSERT ON elsewhere.* TO app@'%'; GRANT RELOAD, FILE ON *.* TO app@'%';
             GRANT writer_role TO app@'%' WITH ADMIN OPTION; SET DEFAULT ROLE writer_role FOR app@'%';
             CREATE USER 're-port'@'127.0.0.1' IDENTIFIED BY 'r';
             GRANT SELECT (id, a), UPDATE (a) ON svc.t TO 're-port'@'127.0.0.1'; GRANT SELECT, DELETE ON svc.u TO 're-port'@'127.0.0.1';
             GRANT EXECUTE ON PROCEDURE svc.write_it TO 're-port'@'127.0.0.1' WITH GRANT OPTION; GRANT EXECUTE ON FUNCTION svc.f TO 're-port'@'127.0.0.1';
             CREATE USER ventana@'%' IDENTIFIED BY 'v'; GRANT ALL PRIVILEGES ON *.* TO ventana@'%' WITH GRANT OPTION;
             GRANT writer_role TO ventana@'%' WITH ADMIN OPTION; GRANT PROXY ON ''@'%' TO ventana@'%' WITH GRANT OPTION;
             GRANT PROXY ON 're-port'@'127.0.0.1' TO app@'%' WITH GRANT OPTION;",
        );
        World { server }
    }

    /// `ventana`'s connection.
    fn db(&self) -> MariaDb {
        let address = Address::parse(&self.server.url("ventana", "v", "svc")).expect("an address");
        MariaDb::open(&address, &Session::default()).expect("opens")
    }

    fn read(&self) -> Before {
        fence::read(&mut self.db(), &[APP.into(), OTHER.into()]).expect("reads")
    }

    fn grants(&self) -> BTreeSet<String> {
        let printed = [APP, OTHER]
            .iter()
            .flat_map(|a| self.server.query(&format!("SHOW GRANTS FOR {a}")))
            .flatten()
            .flatten();
        // Columns stand in the order of a hash.
        printed
            .map(|grant| grant.replace("(`a`, `id`)", "(`id`, `a`)"))
            .collect()
    }

    fn app(&self, sql: &str) -> Result<testkit::mariadb::Rows, String> {
        self.server.query_as("app", "app pass", "svc", sql)
    }

    fn other(&self, sql: &str) -> Result<testkit::mariadb::Rows, String> {
        self.server.query_as("re-port", "r", "svc", sql)
    }
}

#[test]
fn behind_the_fence_accounts_read_and_do_nothing_else() {
    let world = World::new();
    let before = world.read();
    assert!(
        !format!("{before:?}").contains("IDENTIFIED"),
        "no hash in what is journaled"
    );
    let rows = |sql: &str| world.server.query(sql);
    let was = rows("SELECT * FROM svc.t");
    // A session that was open before, in the middle of a transaction.
    let mut live = MariaDb::open(
        &Address::parse(&world.server.url("app", "app pass", "svc")).expect("address"),
        &Session::default(),
    )
    .expect("opens");
    live.execute("SET autocommit=0").expect("runs");
    live.execute("UPDATE t SET a=99").expect("writes");
    fence::raise(&mut world.db(), &before).expect("raises");
    assert!(
        matches!(live.execute("COMMIT"), Err(Error::Lost { .. })),
        "the old session is gone"
    );
    assert_eq!(rows("SELECT * FROM svc.t"), was, "and its transaction with it");
    for sql in [
        "INSERT INTO t VALUES (2, 2, 2)",
        "UPDATE t SET a=5",
        "DELETE FROM t",
        "CALL write_it()",
        "SELECT f()",
        "CREATE EVENT e ON SCHEDULE EVERY 1 SECOND DO DELETE FROM t",
        "DROP TABLE t",
        "TRUNCATE t",
        "CREATE TABLE x (a INT)",
        "LOCK TABLES t WRITE",
        "CREATE TEMPORARY TABLE x (a INT)",
        "SET ROLE writer_role",
        "INSERT INTO elsewhere.t VALUES (1)",
        "SELECT 1 INTO OUTFILE '/tmp/never'",
        "GRANT SELECT ON svc.* TO 're-port'@'127.0.0.1'",
    ] {
        assert!(world.app(sql).is_err(), "still allowed: {sql}");
    }
    for sql in [
        "UPDATE t SET a=5",
        "DELETE FROM u",
        "CALL write_it()",
        "SELECT f()",
    ] {
        assert!(world.other(sql).is_err(), "still allowed: {sql}");
    }
    assert_eq!(rows("SELECT * FROM svc.t"), was);
    world
        .app("SELECT * FROM t; SELECT * FROM u; SELECT * FROM elsewhere.t")
        .expect("reads live");
    world
        .other("SELECT id, a FROM t; SELECT * FROM u")
        .expect("reads live");
    assert!(
        world.other("SELECT b FROM t").is_err(),
        "no more than it could read before"
    );
}

#[test]
fn lowered_all_grants_are_exactly_what_they_were_and_the_password_works() {
    let world = World::new();
    let grants = world.grants();
    let before = world.read();
    fence::raise(&mut world.db(), &before).expect("raises");
    assert_ne!(world.grants(), grants);
    fence::raise(&mut world.db(), &before).expect("raises again");
    fence::lower(&mut world.db(), &before).expect("lowers");
    assert_eq!(world.grants(), grants);
    fence::lower(&mut world.db(), &before).expect("lowers again");
    assert_eq!(world.grants(), grants);
    world
        .app("INSERT INTO t VALUES (2, 2, 2); CALL write_it(); SET ROLE writer_role;")
        .expect("writes again");
    world
        .other("UPDATE t SET a=5; DELETE FROM u; CALL write_it()")
        .expect("writes again");
}

#[test]
fn a_fence_that_died_half_way_is_lowered_or_raised_whole() {
    let world = World::new();
    let grants = world.grants();
    let before = world.read();
    // The statements of raise, cut off after each of the first ones.
    let cuts: [&[&str]; 4] = [
        &["REVOKE ALL PRIVILEGES, GRANT OPTION FROM app@'%'"],
        &[
            "REVOKE ALL PRIVILEGES, GRANT OPTION FROM app@'%'",
            "GRANT SELECT ON svc.* TO app@'%'",
        ],
        &[
            "REVOKE ALL PRIVILEGES, GRANT OPTION FROM app@'%'",
            "REVOKE ALL PRIVILEGES, GRANT OPTION FROM 're-port'@'127.0.0.1'",
        ],
        // lower, cut off after its first grant.
        &[
            "REVOKE ALL PRIVILEGES, GRANT OPTION FROM app@'%'",
            "GRANT writer_role TO app@'%' WITH ADMIN OPTION",
            "GRANT FILE ON *.* TO app@'%'",
        ],
    ];
    for cut in cuts {
        for statement in cut {
            world.server.query(statement);
        }
        fence::lower(&mut world.db(), &before).expect("lowers");
        assert_eq!(world.grants(), grants, "after {cut:?}");
        for statement in cut {
            world.server.query(statement);
        }
        fence::raise(&mut world.db(), &before).expect("raises");
        assert!(world.app("UPDATE t SET a=5").is_err());
        world.app("SELECT * FROM t").expect("reads");
        fence::lower(&mut world.db(), &before).expect("lowers");
        assert_eq!(world.grants(), grants, "after {cut:?} and a whole fence");
    }
}

#[test]
fn events_stop_and_come_back_with_definer_mode_and_time_zone() {
    let world = World::new();
    world.server.query(
        "DELIMITER //
         SET time_zone='-05:00', sql_mode='ANSI_QUOTES,ALLOW_INVALID_DATES', character_set_client=utf8mb4//
         CREATE DEFINER=app@'%' EVENT svc.`tick DO` ON SCHEDULE EVERY 1 SECOND STARTS '2020-01-01 00:00:00' ON COMPLETION PRESERVE COMMENT 'ENABLE' DO INSERT INTO svc.t(id) SELECT MAX(id)+1 FROM svc.t//
         SET time_zone='+00:00', sql_mode=''//
         CREATE EVENT svc.off ON SCHEDULE EVERY 1 HOUR DISABLE DO DELETE FROM svc.t//
         DELIMITER ;",
    );
    let digest = |db: &mut MariaDb| {
        let digest = db::digest::compute(db, None, &mut db::progress::silent()).expect("digest");
        (
            digest.objects,
            digest.counters["event tick DO enabled"],
            digest.counters["event off enabled"],
        )
    };
    let mut db = world.db();
    let was = digest(&mut db);
    assert_eq!((was.1, was.2), (1, 0));
    let grants = world.grants();
    let before = world.read();
    assert_eq!(before.events.keys().collect::<Vec<_>>(), ["tick DO"]);
    fence::raise(&mut db, &before).expect("raises");
    fence::raise(&mut db, &before).expect("raises");
    let fenced = digest(&mut db);
    assert_eq!((fenced.1, fenced.2), (0, 0));
    assert_eq!(fenced.0, was.0, "an event's state is no definition");
    // The event would have run once a second; the server's own sleep is what passes the time.
    let count = |db: &mut MariaDb| db.count("SELECT COUNT(*) FROM t").expect("counts");
    let stopped = count(&mut db);
    db.query("SELECT SLEEP(1.5)").expect("sleeps");
    assert_eq!(count(&mut db), stopped);
    fence::lower(&mut db, &before).expect("lowers");
    assert_eq!(digest(&mut db), was);
    assert_eq!(world.grants(), grants);
    let looks = (0..400).find(|_| {
        db.query("SELECT SLEEP(0.05)").expect("waits");
        count(&mut db) > stopped
    });
    assert!(looks.is_some(), "it ticks again");
}

#[test]
fn a_running_event_is_ended() {
    let world = World::new();
    world.server.query("CREATE EVENT svc.slow ON SCHEDULE AT NOW() ON COMPLETION PRESERVE DO UPDATE svc.t SET a = a + 1 + SLEEP(600)");
    let mut db = world.db();
    let running = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE 'UPDATE svc.t SET a = a + 1 + SLEEP%'";
    while db.count(running).expect("counts") == 0 {
        std::thread::yield_now();
    }
    let before = world.read();
    fence::raise(&mut db, &before).expect("raises");
    assert_eq!(db.count(running).expect("counts"), 0);
    assert_eq!(db.count("SELECT a FROM t").expect("reads"), 1);
}

/// Inside a trigger the server shows a session under the name of the trigger's definer.
#[test]
fn a_session_that_hides_behind_a_definer_is_ended() {
    let world = World::new();
    world.server.query(
        "CREATE TABLE svc.slow (id INT PRIMARY KEY AUTO_INCREMENT, x DOUBLE);
         CREATE DEFINER=root@localhost TRIGGER svc.slowly BEFORE INSERT ON svc.slow FOR EACH ROW SET NEW.x = SLEEP(0.05)",
    );
    let before = world.read();
    let mut db = world.db();
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| world.app(&"INSERT INTO slow (x) VALUES (0);".repeat(200)));
        let hidden = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER='root' AND INFO LIKE 'INSERT INTO slow%'";
        while db.count(hidden).expect("counts") == 0 {
            std::thread::yield_now();
        }
        fence::raise(&mut db, &before).expect("raises");
        let at_the_fence = db.count("SELECT COUNT(*) FROM slow").expect("counts");
        assert!(at_the_fence < 200, "the fence waited for the last write");
        assert!(writing.join().expect("ends").is_err(), "its session was ended");
        let later = db.count("SELECT COUNT(*) FROM slow").expect("counts");
        assert_eq!(later, at_the_fence, "nothing was written past the fence");
    });
}

#[test]
fn one_session_is_ended_and_no_other() {
    let world = World::new();
    let mut db = world.db();
    let mut dead = world.db();
    let mut alive = world.db();
    let foreign = MariaDb::open(
        &Address::parse(&world.server.url("app", "app pass", "svc")).expect("address"),
        &Session::default(),
    )
    .expect("opens");
    let run = Session::default().run;
    let of_another = Session {
        run: "another".into(),
        ..Session::default()
    };
    let address = Address::parse(&world.server.url("ventana", "v", "svc")).expect("an address");
    let mut later = MariaDb::open(&address, &of_another).expect("opens");
    fence::end_session(&mut db, &run, dead.connection_id().expect("an id")).expect("ends");
    assert!(dead.execute("DO 1").is_err());
    fence::end_session(&mut db, &run, dead.connection_id().expect("an id")).expect("gone already");
    fence::end_session(&mut db, &run, foreign.connection_id().expect("an id")).expect("not ours");
    // The number in the journal may be that of another run's session by now.
    fence::end_session(&mut db, &run, later.connection_id().expect("an id")).expect("not of this run");
    later.execute("DO 1").expect("alive");
    let left = db.count(&format!(
        "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID={}",
        foreign.connection_id().expect("an id")
    ));
    assert_eq!(
        left.expect("counts"),
        1,
        "another account's session is not touched"
    );
    alive.execute("DO 1").expect("alive");
}

#[test]
fn an_account_without_the_rights_to_fence_is_told_which() {
    let world = World::new();
    world.server.query(
        "CREATE USER weak@'%' IDENTIFIED BY 'w'; GRANT ALL PRIVILEGES ON svc.* TO weak@'%' WITH GRANT OPTION",
    );
    let address = Address::parse(&world.server.url("weak", "w", "svc")).expect("address");
    let mut weak = MariaDb::open(&address, &Session::default()).expect("opens");
    let grants = world.grants();
    let error = fence::read(&mut weak, &[APP.into()]).expect_err("may not see");
    assert!(
        error
            .hint()
            .is_some_and(|h| h.contains("GRANT SELECT ON mysql.*")),
        "{error:?}"
    );
    let before = world.read();
    let error = fence::raise(&mut weak, &before).expect_err("may not see sessions");
    assert!(error.hint().is_some_and(|h| h.contains("PROCESS")), "{error:?}");
    assert_eq!(world.grants(), grants, "refused before anything was changed");
    let error = fence::writers(&mut weak, &[APP.into()]).expect_err("may not see accounts");
    assert!(error.hint().is_some_and(|h| h.contains("mysql.*")), "{error:?}");
    let error = fence::read(&mut world.db(), &["'no'@'body'".into()]).expect_err("no such account");
    assert!(error.to_string().contains("'no'@'body'"), "{error}");
    world
        .server
        .query("REVOKE ADMIN OPTION FOR writer_role FROM ventana@'%'");
    let error = fence::raise(&mut world.db(), &before).expect_err("could not give a role back");
    assert!(
        error
            .hint()
            .is_some_and(|h| h.contains("GRANT `writer_role` TO `ventana`@`%` WITH ADMIN OPTION")),
        "{error:?}"
    );
    assert_eq!(world.grants(), grants, "refused before anything was changed");
}
