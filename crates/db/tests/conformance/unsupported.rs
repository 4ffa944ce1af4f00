//! What cannot be carried exactly is refused by name, everything at once.

use super::place::Place;
use db::Error;

fn refused(spot: &super::place::Spot<'_>) -> Vec<String> {
    let outcome = db::digest::compute(&mut *spot.open(), None, &mut db::progress::silent());
    let Err(error @ Error::Unsupported(_)) = outcome else {
        panic!("not refused: {outcome:?}")
    };
    assert_eq!(error.code(), "unsupported");
    assert!(error.hint().is_some());
    let Error::Unsupported(list) = error else {
        unreachable!()
    };
    list
}

#[test]
fn mariadb_names_every_type_engine_and_object_at_once() {
    let place = Place::mariadb();
    let spot = place.with(
        "CREATE TABLE shapes (id INT, at POINT, area GEOMETRY, u UUID, ip INET6, ip4 INET4, fine INT);
         CREATE TABLE my (x INT) ENGINE=MyISAM; CREATE TABLE ar (x INT) ENGINE=Aria; CREATE TABLE mem (x INT) ENGINE=MEMORY;
         CREATE TABLE parts (x INT) PARTITION BY HASH (x) PARTITIONS 2;
         CREATE SEQUENCE seq; CREATE TABLE versioned (x INT) WITH SYSTEM VERSIONING;
         CREATE TABLE columnwise (x INT WITH SYSTEM VERSIONING, y INT);
         CREATE TABLE old (y YEAR(2), c TEXT COMPRESSED, bd BINARY(3) DEFAULT x'FF0041');
         CREATE TABLE period (a DATE, b DATE, PERIOD FOR p (a, b));
         CREATE TABLE base (x INT); CREATE VIEW dangling AS SELECT x FROM base; DROP TABLE base;
         CREATE TABLE fine (x INT);
         DELIMITER //
         SET sql_mode=ORACLE//
         CREATE PACKAGE pack AS FUNCTION f RETURN INT; END//
         CREATE PACKAGE BODY pack AS FUNCTION f RETURN INT AS BEGIN RETURN 1; END; END//
         SET sql_mode='', character_set_client=latin1//
         CREATE PROCEDURE latin() SELECT 'a\u{f1}o'//
         DELIMITER ;",
    );
    let list = refused(&spot);
    let expected = [
        "shapes.at: point",
        "shapes.area: geometry",
        "shapes.u: uuid",
        "shapes.ip: inet6",
        "shapes.ip4: inet4",
        "my: engine MyISAM",
        "ar: engine Aria",
        "mem: engine MEMORY",
        "parts: partitions",
        "seq: sequence",
        "versioned: system versioned",
        "columnwise: system versioned",
        "old.y: year(2)",
        "old.c: compressed column",
        "old: its definition is not UTF-8",
        "period: application-time period",
        "view dangling: it reads something that does not exist",
        "pack: package",
        "procedure latin: non-ASCII text in client character set latin1",
    ];
    for item in expected {
        assert!(list.iter().any(|l| l == item), "{item} in {list:#?}");
    }
    assert_eq!(list.len(), expected.len(), "{list:#?}");
}

#[test]
fn what_an_account_may_not_see_is_not_passed_over() {
    let place = Place::mariadb();
    let spot = place.with(
        "CREATE PROCEDURE hidden_body() SELECT 1; CREATE TABLE t (x INT); CREATE VIEW v AS SELECT x FROM t;",
    );
    let super::place::Spot::MariaDb(schema) = &spot else {
        unreachable!()
    };
    let user = format!("u{}", &schema.name()[schema.name().len() - 12..]);
    schema.query(&format!(
        "CREATE USER {user}@'%'; GRANT SELECT, EXECUTE ON {}.* TO {user}@'%'",
        schema.name()
    ));
    let url = schema.server().url(&user, "", schema.name());
    let address = db::Address::parse(&url).expect("an address");
    let found = db::open(&address, &db::Session::default()).and_then(|mut db| db.inspect());
    schema.query(&format!("DROP USER {user}@'%'"));
    let error = found.map(drop).expect_err("it is refused");
    let hint = error.hint().unwrap_or_default();
    for hidden in ["SHOW VIEW", "TRIGGER", "EVENT", "SELECT ON mysql.proc"] {
        assert!(hint.contains(hidden), "{hidden} in {hint}");
    }
}

#[test]
fn sqlite_names_virtual_tables_and_encodings() {
    let place = Place::sqlite();
    let spot = place.with("PRAGMA encoding='UTF-16le'; CREATE VIRTUAL TABLE words USING fts5(a); CREATE VIRTUAL TABLE box USING rtree(id, a, b); CREATE TABLE fine (x);");
    let list = refused(&spot);
    for item in [
        "words: virtual table",
        "box: virtual table",
        "database: encoding UTF-16le",
    ] {
        assert!(list.iter().any(|l| l == item), "{item} in {list:?}");
    }
}
