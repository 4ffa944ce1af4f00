//! What a snapshot refuses or waits for, and what it never leaves behind.

use super::{Terms, by, connect, impatient, open, seen, servers, writers::Writers};
use crate::conformance::place::OwnServer;
use db::mariadb::MariaDb;
use db::mariadb::privileges::{Purpose, lacking};
use db::row::Gather;
use db::snapshot::{self, Method};
use db::{Address, Database, Error, Session};
use std::time::Duration;

fn refusal(db: &mut dyn Database, terms: &Terms) -> (String, String) {
    match snapshot::open(db, terms, &mut |_| Ok(())) {
        Ok(view) => panic!("not refused: {:?}", view.proof),
        Err(error) => (error.to_string(), error.hint().unwrap_or_default().to_string()),
    }
}

#[test]
fn another_backup_is_waited_for_and_then_named() {
    let server = OwnServer::start();
    let schema = server.schema("h_snap");
    schema.query("CREATE TABLE t (id INT PRIMARY KEY)");
    let mut db = connect(&schema.url());
    let mut other = connect(&schema.url());
    // As another of our own snapshots does.
    other
        .query("SELECT GET_LOCK('ventana.snapshot', 0)")
        .expect("a lock");
    let (message, hint) = refusal(&mut *db, &impatient(2));
    assert!(message.contains("another snapshot is being taken"), "{message}");
    let id = other.connection_id().expect("an id");
    assert!(hint.contains(&format!("session {id} of root@")), "{hint}");
    other
        .query("SELECT RELEASE_LOCK('ventana.snapshot')")
        .expect("released");
    // As any other backup does.
    other.execute("BACKUP STAGE START").expect("a backup");
    let (message, _) = refusal(&mut *db, &impatient(2));
    assert!(message.contains("BACKUP STAGE START"), "{message}");
    // It is waited for, the wait is told, and what follows is a snapshot.
    let mut told = Vec::new();
    let mut other = Some(other);
    let view = snapshot::open(&mut *db, &Terms::readers(2), &mut |text| {
        told.push(text.to_string());
        drop(other.take());
        Ok(())
    });
    assert_eq!(view.expect("a snapshot").proof["method"], "backup_stage");
    assert!(!told.is_empty());
}

#[test]
fn what_cannot_be_carried_is_refused_before_anything_is_locked() {
    let server = OwnServer::start();
    let schema = server.schema("h_snap");
    schema.query("CREATE TABLE my (x INT) ENGINE=MyISAM; CREATE TABLE t (id INT PRIMARY KEY)");
    let mut other = connect(&schema.url());
    other.execute("BACKUP STAGE START").expect("a backup");
    // A lock that cannot be had would be waited for: the refusal comes first.
    let mut db = connect(&schema.url());
    let refused = snapshot::open(&mut *db, &Terms::readers(2), &mut |_| panic!("it waits"));
    let Err(Error::Unsupported(list)) = refused.map(drop) else {
        panic!("not refused")
    };
    assert_eq!(
        list,
        ["my: engine MyISAM (its rows are outside every snapshot; ALTER TABLE `my` ENGINE=InnoDB)"]
    );
}

#[test]
fn a_definition_waits_for_the_readers_and_never_breaks_them() {
    for server in servers() {
        let schema = server.schema("h_snap");
        schema.query("CREATE TABLE t (id INT PRIMARY KEY, v INT); INSERT INTO t VALUES (1, 1), (2, 2)");
        let mut db = connect(&schema.url());
        let mut changer = connect(&schema.url());
        changer.execute("SET SESSION lock_wait_timeout=1").expect("set");
        let mut view = open(&mut *db, &Terms::readers(3));
        for statement in [
            "TRUNCATE TABLE t",
            "ALTER TABLE t ADD COLUMN w INT",
            "DROP TABLE t",
        ] {
            let error = changer.execute(statement).expect_err("it waits");
            assert!(matches!(error, Error::Server { number: 1205, .. }), "{error}");
        }
        for reader in &mut view.readers {
            assert_eq!(reader.count("SELECT SUM(v) FROM t").expect("reads"), 3);
        }
        view.end().expect("ends");
        changer
            .execute("TRUNCATE TABLE t")
            .expect("nobody holds it any more");
    }
}

#[test]
fn definitions_that_change_meanwhile_are_read_as_they_are_in_the_view() {
    let server = OwnServer::start();
    let schema = server.schema("h_snap");
    let mut writers = Writers::start(&schema, 2);
    schema.query("CREATE TABLE moving (id INT PRIMARY KEY); INSERT INTO moving VALUES (1)");
    let url = schema.url();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut db = connect(&url);
            // Each snapshot that finds one in its way lets it pass.
            for _ in 0..10 {
                db.execute("TRUNCATE TABLE moving").expect("changes");
                db.execute("INSERT INTO moving (id) VALUES (1)").expect("writes");
            }
        });
        for round in 0..5 {
            let mut db = connect(&schema.url());
            let mut view = open(&mut *db, &Terms::readers(3));
            let table = view.schema.table("moving").expect("it is there").clone();
            let columns: Vec<String> = table.columns.iter().map(|c| c.name.clone()).collect();
            let first = seen(&mut *view.readers[0]);
            for reader in &mut view.readers {
                // Error 1412, or a column that is not there, would be a view that a change has broken.
                reader
                    .visit(&table, &columns, None, &mut Gather::new(|_| Ok(())))
                    .expect("reads");
                assert_eq!(seen(&mut **reader), first);
            }
            view.end().expect("ends");
            writers.further();
            db.execute(&format!("ALTER TABLE moving ADD COLUMN c{round} INT"))
                .expect("changes");
        }
    });
    writers.stop();
}

#[test]
fn a_long_statement_is_not_flushed_behind() {
    let server = OwnServer::start();
    let schema = server.schema("h_snap");
    schema.query("CREATE TABLE t (id INT PRIMARY KEY)");
    let mut db = connect(&schema.url());
    let mut sleeper = connect(&schema.url());
    let id = sleeper.connection_id().expect("an id");
    std::thread::scope(|scope| {
        scope.spawn(move || sleeper.execute("DO SLEEP(600)"));
        while db
            .count(&format!("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID={id} AND COMMAND='Query' AND TIME>=2"))
            .expect("counts")
            == 0
        {
            std::thread::yield_now();
        }
        let terms = Terms {
            patience: Duration::ZERO,
            longest_running: Duration::from_secs(1),
            ..by(Method::FlushTables, 2)
        };
        let (message, hint) = refusal(&mut *db, &terms);
        assert!(message.contains("long statement"), "{message}");
        assert!(hint.contains(&format!("session {id} of root@")), "{hint}");
        // The backup lock waits for no such statement.
        drop(open(&mut *db, &impatient(2)));
        db.execute(&format!("KILL {id}")).expect("kills");
    });
}

/// An account with just what a backup needs, and the same with one privilege less at a time.
#[test]
fn the_least_privileges_suffice_and_each_is_missed() {
    let server = OwnServer::start();
    let schema = server.schema("h_snap");
    schema.query(
        "CREATE TABLE t (id INT PRIMARY KEY); CREATE VIEW v AS SELECT id FROM t;
         CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.id=NEW.id+0;
         CREATE PROCEDURE p() SELECT 1; CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SET @a=1;
         CREATE USER v@'%' IDENTIFIED BY 'v'",
    );
    let address = Address::parse(&server.url("v", "v", schema.name())).expect("an address");
    let account = || MariaDb::open(&address, &Session::default()).expect("opens");
    // Into the schema at all: what follows is what `lacking` says itself.
    server.query(&format!("GRANT SHOW VIEW ON `{}`.* TO v@'%'", schema.name()));
    let statements = lacking(&mut account(), Purpose::Backup).expect("told");
    assert_eq!(statements.len(), 3, "{statements:?}");
    server.query(&statements.join(";"));
    assert_eq!(lacking(&mut account(), Purpose::Backup).expect("told"), [""; 0]);
    let mut db = account();
    let view = open(&mut db, &Terms::readers(2));
    assert_eq!(view.proof["method"], "backup_stage");
    let whole = snapshot::open(&mut *connect(&schema.url()), &Terms::default(), &mut |_| Ok(()))
        .expect("a snapshot")
        .schema
        .clone();
    assert_eq!(view.schema.objects, whole.objects, "it sees what root sees");
    drop(view);
    let own = format!("`{}`.*", schema.name());
    for (privilege, on) in [
        ("TRIGGER", own.as_str()),
        ("EVENT", &own),
        ("SELECT", &own),
        ("SELECT", "mysql.proc"),
    ] {
        server.query(&format!("REVOKE {privilege} ON {on} FROM v@'%'"));
        let expected = format!("GRANT {privilege} ON {on} TO `v`@`%`");
        assert_eq!(
            lacking(&mut account(), Purpose::Backup).expect("told"),
            std::slice::from_ref(&expected)
        );
        for readers in [1, 2] {
            let (_, hint) = refusal(&mut account(), &Terms::readers(readers));
            assert_eq!(hint, expected);
        }
        server.query(&expected);
    }
    // A view that calls a function takes the right to run it, which a broken view does not cure.
    schema.query("CREATE FUNCTION f() RETURNS INT RETURN 1; CREATE VIEW calls AS SELECT f() AS x");
    let expected = format!("GRANT EXECUTE ON {own} TO `v`@`%`");
    assert_eq!(
        lacking(&mut account(), Purpose::Backup).expect("told"),
        std::slice::from_ref(&expected)
    );
    let (message, hint) = refusal(&mut account(), &Terms::readers(1));
    assert!(
        message.contains("view calls") && hint.starts_with(&expected),
        "{message} {hint}"
    );
    server.query(&expected);
    assert_eq!(lacking(&mut account(), Purpose::Backup).expect("told"), [""; 0]);
    drop(open(&mut account(), &Terms::readers(1)));
    schema.query("DROP FUNCTION f");
    let broken = snapshot::open(&mut account(), &Terms::readers(1), &mut |_| Ok(())).map(drop);
    assert!(matches!(broken, Err(Error::Unsupported(_))), "{broken:?}");
    schema.query("DROP VIEW calls");
    // Without the lock it is read by one connection, which is told with what would help.
    server.query("REVOKE RELOAD ON *.* FROM v@'%'");
    let mut db = account();
    let view = open(&mut db, &Terms::readers(2));
    assert_eq!(view.readers.len(), 1);
    assert!(
        view.proof["why"].contains("GRANT RELOAD ON *.* TO `v`@`%`"),
        "{:?}",
        view.proof
    );
    drop(view);
    // Through a role it counts as well.
    server.query("CREATE ROLE keeper; GRANT RELOAD ON *.* TO keeper; GRANT keeper TO v@'%'; SET DEFAULT ROLE keeper FOR v@'%'");
    assert_eq!(lacking(&mut account(), Purpose::Backup).expect("told"), [""; 0]);
}
