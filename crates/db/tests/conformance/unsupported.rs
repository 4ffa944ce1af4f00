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
        "CREATE TABLE my (x INT) ENGINE=MyISAM; CREATE TABLE `a``r` (x INT) ENGINE=Aria; CREATE TABLE mem (x INT) ENGINE=MEMORY;
         CREATE TABLE counted (x INT, a BIGINT UNSIGNED GENERATED ALWAYS AS ROW START, b BIGINT UNSIGNED GENERATED ALWAYS AS ROW END,
            PERIOD FOR SYSTEM_TIME (a, b)) WITH SYSTEM VERSIONING;
         CREATE TABLE old (y YEAR(2)); CREATE TABLE none (x INT AS (5) VIRTUAL);
         CREATE TABLE base (x INT); CREATE VIEW dangling AS SELECT x FROM base; DROP TABLE base;
         CREATE TABLE fine (x INT);
         DELIMITER //
         SET character_set_client=latin1//
         CREATE PROCEDURE latin() COMMENT '\u{f1}' SELECT 'a\u{f1}o\\\\'//
         SET character_set_client=utf8mb4//
         CREATE VIEW bytes AS SELECT _latin1 0xF1 AS x//
         DELIMITER ;",
    );
    let list = refused(&spot);
    let expected = [
        "my: engine MyISAM (its rows are outside every snapshot; ALTER TABLE `my` ENGINE=InnoDB)",
        "a`r: engine Aria (its rows are outside every snapshot; ALTER TABLE `a``r` ENGINE=InnoDB)",
        "mem: engine MEMORY (its rows are outside every snapshot; ALTER TABLE `mem` ENGINE=InnoDB)",
        "counted.a: bigint(20) unsigned (history by transaction, whose ids another server does not know; versioning by timestamp(6) is carried)",
        "counted.b: bigint(20) unsigned (history by transaction, whose ids another server does not know; versioning by timestamp(6) is carried)",
        "old.y: year(2)",
        "none: a table without a stored column",
        "view dangling: it reads something that does not exist",
        "view bytes: text that is not UTF-8",
        "procedure latin: text in client character set latin1 (create it again under SET NAMES utf8mb4)",
    ];
    for item in expected {
        assert!(list.iter().any(|l| l == item), "{item} in {list:#?}");
    }
    assert_eq!(list.len(), expected.len(), "{list:#?}");
}

#[test]
fn what_an_account_may_not_see_is_not_passed_over() {
    not_passed_over(
        &Place::mariadb(),
        &["SHOW VIEW", "TRIGGER", "EVENT", "SELECT ON mysql.proc"],
    );
    if let Some(place) = Place::mysql() {
        not_passed_over(&place, &["SHOW VIEW", "TRIGGER", "EVENT", "SHOW_ROUTINE ON *.*"]);
    }
}

fn not_passed_over(place: &Place, lacking: &[&str]) {
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
    for hidden in lacking {
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
