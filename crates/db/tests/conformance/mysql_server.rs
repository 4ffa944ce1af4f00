//! What reaches beyond a schema, on a MySQL 8.0 server: who sees what, and one view over several connections.

use super::place::OwnServer;
use db::mariadb::MariaDb;
use db::mariadb::privileges::{Purpose, lacking};
use db::snapshot::{self, Terms};
use db::{Address, Database, Error, Session};
use testkit::mariadb::MariaDb as Server;

fn opened(url: &str) -> MariaDb {
    let session = Session {
        accept_untested: true,
        ..Session::default()
    };
    MariaDb::open(&Address::parse(url).expect("an address"), &session).expect("opens")
}

#[test]
fn mysql_8_0_is_read_without_ado_and_changed_only_when_accepted() {
    let Some(server) = Server::shared_mysql() else {
        return;
    };
    let address = Address::parse(&server.url("root", "", "")).expect("an address");
    let careful = Session::default();
    let db = MariaDb::open(&address, &careful).expect("opens");
    let Err(refused) = careful.may_change(db.dialect()) else {
        panic!("no window was ever tested on it")
    };
    assert!(matches!(refused, Error::Untested(_)), "{refused}");
    let hint = refused.hint().unwrap_or_default();
    assert!(hint.contains("--accept-untested"), "{hint}");
    let bold = Session {
        accept_untested: true,
        ..careful
    };
    bold.may_change(db.dialect()).expect("accepted");
}

/// An account with just what a backup needs, and the same with one privilege less at a time.
#[test]
fn the_least_privileges_suffice_on_mysql_and_each_is_missed() {
    let Some(server) = OwnServer::mysql() else { return };
    let schema = server.schema("h_seen");
    schema.query(
        "CREATE TABLE t (id INT PRIMARY KEY, g POINT SRID 4326, CHECK (id > 0)); CREATE VIEW v AS SELECT id FROM t;
         CREATE TABLE u (id INT PRIMARY KEY, t INT, FOREIGN KEY (t) REFERENCES t (id) ON DELETE CASCADE);
         CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.id=NEW.id+0;
         CREATE PROCEDURE p() SELECT 1; CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01' DO SET @a=1;
         CREATE USER v@'%' IDENTIFIED WITH mysql_native_password BY 'v'",
    );
    let (root, url) = (schema.url(), server.url("v", "v", schema.name()));
    let own = format!("`{}`.*", schema.name());
    let told = || lacking(&mut opened(&url), Purpose::Backup).expect("told");
    // Into the schema at all: what follows is what `lacking` says itself.
    server.query(&format!("GRANT SHOW VIEW ON {own} TO v@'%'"));
    let statements = told();
    assert_eq!(
        statements,
        [
            format!("GRANT SELECT, TRIGGER, EVENT ON {own} TO `v`@`%`"),
            "GRANT SHOW_ROUTINE, RELOAD ON *.* TO `v`@`%`".into(),
        ]
    );
    server.query(&statements.join(";"));
    assert_eq!(told(), [""; 0]);
    let whole = opened(&root).inspect().expect("root sees");
    assert_eq!(whole.unsupported, [""; 0]);
    let mut db = opened(&url);
    let view = snapshot::open(&mut db, &Terms::readers(2), &mut |_| Ok(())).expect("a snapshot");
    assert_eq!(view.proof["method"], "flush_tables", "{:?}", view.proof);
    assert_eq!(view.schema.objects, whole.objects, "it sees what root sees");
    drop(view);
    for (privilege, on) in [
        ("SHOW VIEW", own.as_str()),
        ("TRIGGER", &own),
        ("EVENT", &own),
        ("SELECT", &own),
        ("SHOW_ROUTINE", "*.*"),
    ] {
        server.query(&format!("REVOKE {privilege} ON {on} FROM v@'%'"));
        let expected = format!("GRANT {privilege} ON {on} TO `v`@`%`");
        assert_eq!(told(), std::slice::from_ref(&expected));
        let refused = snapshot::open(&mut opened(&url), &Terms::readers(1), &mut |_| Ok(()))
            .map(drop)
            .expect_err("what is hidden would be missing");
        assert_eq!(refused.hint().unwrap_or_default(), expected);
        server.query(&expected);
    }
    // Without the lock it is read by one connection, which is told with what would help.
    server.query("REVOKE RELOAD ON *.* FROM v@'%'");
    let mut db = opened(&url);
    let view = snapshot::open(&mut db, &Terms::readers(2), &mut |_| Ok(())).expect("a snapshot");
    assert_eq!(view.readers.len(), 1);
    assert!(
        view.proof["why"].contains("GRANT RELOAD ON *.* TO `v`@`%`"),
        "{:?}",
        view.proof
    );
    drop(view);
    // Through a role it counts as well, and SELECT on everything shows routines.
    server.query(&format!(
        "CREATE ROLE keeper; GRANT RELOAD ON *.* TO keeper; GRANT keeper TO v@'%'; SET DEFAULT ROLE keeper TO v@'%';
         REVOKE SHOW_ROUTINE ON *.* FROM v@'%'; REVOKE ALL ON {own} FROM v@'%';
         GRANT SELECT, SHOW VIEW, TRIGGER, EVENT ON *.* TO v@'%'"
    ));
    assert_eq!(told(), [""; 0]);
    // What is granted on everything can be taken back from one schema.
    server.query(&format!(
        "SET GLOBAL partial_revokes=ON; REVOKE TRIGGER ON `{}`.* FROM v@'%'",
        schema.name()
    ));
    assert_eq!(told().len(), 1, "{:?}", told());
    assert!(told()[0].starts_with("GRANT TRIGGER ON "), "{:?}", told());
}
