//! Who could still write behind the fence is listed: all of them, and nobody else.

use db::mariadb::{MariaDb, fence};
use db::{Address, Session};

#[test]
fn everybody_who_could_write_is_listed_and_nobody_else() {
    let server = super::place::OwnServer::start();
    let clean =
        server.query("SELECT GRANTEE FROM information_schema.USER_PRIVILEGES WHERE PRIVILEGE_TYPE='INSERT' AND GRANTEE LIKE '''root''%'");
    server.query(
        "CREATE DATABASE my_app; CREATE DATABASE myxapp; CREATE TABLE my_app.t (id INT); CREATE TABLE myxapp.t (id INT); CREATE DATABASE side;
         CREATE USER ventana@'%' IDENTIFIED BY 'v'; GRANT ALL ON *.* TO ventana@'%' WITH GRANT OPTION;
         CREATE USER app@'%'; GRANT ALL ON my_app.* TO app@'%';
         CREATE USER reader@'%'; GRANT SELECT, SHOW VIEW ON my_app.* TO reader@'%';
         CREATE USER neighbour@'%'; GRANT ALL ON myxapp.* TO neighbour@'%'; GRANT ALL ON `my\\_ap`.* TO neighbour@'%';
         CREATE USER wild@'%'; GRANT INSERT ON `my_app`.* TO wild@'%';
         CREATE USER wilder@'%'; GRANT DELETE ON `my%`.* TO wilder@'%';
         CREATE USER esc@'%'; GRANT UPDATE ON `my\\_app`.* TO esc@'%';
         CREATE USER tabular@'%'; GRANT UPDATE ON my_app.t TO tabular@'%';
         CREATE USER columnar@'%'; GRANT UPDATE (id) ON my_app.t TO columnar@'%';
         CREATE USER superb@'%'; GRANT READ_ONLY ADMIN ON *.* TO superb@'%';
         CREATE USER grants@'%'; GRANT INSERT ON mysql.* TO grants@'%';
         CREATE USER nothing@'%';
         CREATE ROLE a_role; GRANT INSERT ON my_app.* TO a_role;
         CREATE PROCEDURE my_app.p() SELECT 1; CREATE USER caller@'%'; GRANT EXECUTE ON PROCEDURE my_app.p TO caller@'%';
         GRANT INSERT ON my_app.* TO PUBLIC;
         CREATE PROCEDURE side.back_door() INSERT INTO my_app.t VALUES (1); CREATE PROCEDURE side.harmless() SELECT 1;
         CREATE EVENT side.tick ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01' DO INSERT INTO my_app.t VALUES (1);
         CREATE EVENT side.stopped ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01' DISABLE DO INSERT INTO my_app.t VALUES (1);
         CREATE VIEW side.through AS SELECT id FROM my_app.t; CREATE TABLE side.s (x INT);
         CREATE TRIGGER side.hook BEFORE INSERT ON side.s FOR EACH ROW INSERT INTO my_app.t VALUES (1);
         XA START 'left over'; INSERT INTO my_app.t VALUES (1); XA END 'left over'; XA PREPARE 'left over';",
    );
    let address = Address::parse(&server.url("ventana", "v", "my_app")).expect("an address");
    let mut db = MariaDb::open(&address, &Session::default()).expect("opens");
    let listed = fence::writers(&mut db, &["'app'@'%'".into()]).expect("lists");
    let mut expected: Vec<String> = clean.into_iter().flatten().flatten().collect();
    expected.extend(
        [
            "'wild'@'%'",
            "'wilder'@'%'",
            "'esc'@'%'",
            "'tabular'@'%'",
            "'columnar'@'%'",
            "'superb'@'%'",
            "'grants'@'%'",
            "'a_role'@''",
            "'caller'@'%'",
            "'PUBLIC'@''",
            "procedure side.back_door (definer root@127.0.0.1)",
            "event side.tick (definer root@127.0.0.1)",
            "trigger side.hook (definer root@127.0.0.1)",
            "view side.through (definer root@127.0.0.1)",
            "prepared transaction 'left over'",
        ]
        .map(String::from),
    );
    expected.sort();
    assert_eq!(listed, expected);
    assert!(listed.iter().any(|l| l == "'root'@'localhost'"), "{listed:?}");
}
