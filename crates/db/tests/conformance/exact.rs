//! Everything that MariaDB 10.11 can hold comes back as it was, and nothing of it can change unseen.

use super::place::{Place, Spot};
use super::round_trip::same_by_the_servers_own_means;
use super::store::{copied, dumped, loaded};
use db::schema::Carry;

const EVERYTHING: &str = include_str!("exact.sql");

fn copy_of<'p>(place: &'p Place, original: &Spot<'_>) -> Spot<'p> {
    let before = original.digest();
    let (store, dumped) = dumped(original, None);
    assert_eq!(dumped.digest, before, "the dump's digest is the live one");
    let copy = place.empty();
    assert_eq!(
        loaded(&store, &mut *copy.open(), false).expect("loads"),
        before.rows()
    );
    let after = copy.digest();
    assert_eq!(before.differences(&after), Vec::<String>::new());
    assert_eq!(before, after, "counters too");
    copy
}

#[test]
fn every_type_kind_and_option_comes_back_exactly() {
    let place = Place::mariadb();
    let original = place.with(EVERYTHING);
    let copy = copy_of(&place, &original);
    same_by_the_servers_own_means(&original, &copy);
    let second = copied(&place, &copy, true);
    assert_eq!(original.digest(), second.digest());
}

#[test]
fn a_value_beyond_every_packet_loads_and_is_dumped_as_the_same_bytes() {
    let server = super::place::OwnServer::start();
    let open = || {
        let address = db::Address::parse(&server.url("root", "", "big")).expect("an address");
        db::open(&address, &db::Session::default()).expect("opens")
    };
    server.query("CREATE DATABASE big; SET GLOBAL max_allowed_packet=1048576");
    server.query_in(
        "big",
        "CREATE TABLE t (id INT PRIMARY KEY, b LONGBLOB, c LONGBLOB COMPRESSED, l LONGTEXT CHARACTER SET latin1)",
    );
    // 40 MiB of every byte, and 2 MiB of it twice more.
    let (pieces, fewer) = (40 * 4096, 2 * 4096);
    let mut every = Vec::new();
    for byte in 0..=255u8 {
        match byte {
            0 => every.extend(b"\\0"),
            b'\t' => every.extend(b"\\t"),
            b'\n' => every.extend(b"\\n"),
            b'\\' => every.extend(b"\\\\"),
            other => every.push(other),
        }
    }
    let (long, short) = (every.repeat(pieces), every.repeat(fewer));
    let chunk = [b"1\t".as_slice(), &long, b"\t", &short, b"\t", &short, b"\n"].concat();
    let mut small = open();
    let table = small.inspect().expect("inspects").tables.remove(0);
    assert_eq!(
        small
            .load_chunk(&table, &mut chunk.as_slice(), None, None)
            .expect("loads"),
        1
    );
    server.query("SET GLOBAL max_allowed_packet=1073741824");
    let all: String = (0..=255u8).map(|b| format!("{b:02X}")).collect();
    let same = server.query_in(
        "big",
        &format!(
            "SELECT MD5(b)=MD5(REPEAT(x'{all}', {pieces})) AND MD5(c)=m AND MD5(l)=m, LENGTH(b), LENGTH(c) FROM t, (SELECT MD5(REPEAT(x'{all}', {fewer})) AS m) x"
        ),
    );
    let told = [
        "1".to_string(),
        (256 * pieces).to_string(),
        (256 * fewer).to_string(),
    ];
    assert_eq!(same, [told.map(Some)]);
    let (store, _) = super::store::dumped_from(&mut *open(), None);
    assert!(store.tables[0].chunks.concat() == chunk, "the same bytes");
}

#[test]
fn catalogs_of_older_backups_load_as_they_did() {
    let place = Place::mariadb();
    let sql = "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, b BLOB, s INT AS (LENGTH(b)) STORED, z BINARY(3));
        SET sql_mode='NO_AUTO_VALUE_ON_ZERO'; INSERT INTO t (id, b, z) VALUES (0, x'00FF5C', 'a'), (7, '', NULL);";
    let original = place.with(sql);
    let mut schema = original.open().inspect().expect("inspects");
    assert_eq!(
        schema.tables[0]
            .columns
            .iter()
            .map(|c| c.carry)
            .collect::<Vec<_>>(),
        [Carry::Text, Carry::Raw, Carry::Discarded, Carry::Raw]
    );
    let copy = place.empty();
    let mut db = copy.open();
    db.execute(&schema.tables[0].create).expect("creates");
    for (column, carry) in [(1, Carry::Hex), (2, Carry::Generated), (3, Carry::Hex)] {
        schema.tables[0].columns[column].carry = carry;
    }
    db.begin_load().expect("begins");
    let mut chunk = b"0\t00FF5C\t610000\n7\t\t\\N\n".as_slice();
    assert_eq!(
        db.load_chunk(&schema.tables[0], &mut chunk, None, None)
            .expect("loads"),
        2
    );
    db.end_load().expect("ends");
    assert_eq!(original.digest().digest, copy.digest().digest);
}

#[test]
fn a_swap_puts_sequences_history_and_packages_back() {
    let place = Place::mariadb();
    let live = place.with(EVERYTHING);
    let (store, dumped) = dumped(&live, None);
    let outline = dumped.schema.outline();
    live.run(
        "SET SESSION foreign_key_checks=0; ALTER TABLE numbered ALTER COLUMN id DROP DEFAULT; INSERT INTO numbered VALUES (99, 'x'); DROP SEQUENCE counted;
         DROP TABLE implicit_history; DELETE FROM shapes; SET sql_mode=ORACLE; DROP PACKAGE BODY pack; DROP PACKAGE lonely;
         DELIMITER //
         CREATE OR REPLACE PACKAGE pack AS FUNCTION g RETURN INT; END//
         CREATE PACKAGE extra AS FUNCTION g RETURN INT; END//
         DELIMITER ;",
    );
    let (copy, failed) = (format!("{}_copy", live.name()), format!("{}_failed", live.name()));
    let (address, session) = (live.address(), db::Session::default());
    let swap = db::mariadb::swap::Swap {
        live: &address,
        session: &session,
        source: &store,
        outline: &outline,
        undo: &[],
        expected: &dumped.digest.tables,
        copy: &copy,
        failed: &failed,
    };
    swap.run(&mut |_| Ok(()), &mut db::progress::silent())
        .expect("swaps");
    let after = live.digest();
    live.run(&format!("DROP DATABASE `{failed}`"));
    assert_eq!(dumped.digest.differences(&after), Vec::<String>::new());
    assert_eq!(dumped.digest, after);
    live.run("INSERT INTO numbered (t) VALUES ('numbered by the live sequence')");
}

/// The server takes such a default and never shows it in a definition, so no copy has it; nor does it mean anything.
#[test]
fn a_default_of_a_computed_column_is_no_difference() {
    let place = Place::mariadb();
    let table = "CREATE TABLE t (a INT, s INT AS (a + 1) STORED, v INT AS (a * 2) VIRTUAL); INSERT INTO t (a) VALUES (1), (NULL);";
    let original = place.with(&format!(
        "{table} ALTER TABLE t ALTER COLUMN s SET DEFAULT 7, ALTER COLUMN v SET DEFAULT 8;"
    ));
    assert_eq!(copy_of(&place, &original).digest(), original.digest());
    assert_eq!(place.with(table).digest(), original.digest());
}

/// Programs whose bytes are not UTF-8, as old clients wrote them: in latin1, Cyrillic, and a set whose second bytes look
/// like quotes and backslashes.
const CLIENTS: &[(&str, &str)] = &[("latin1", "año €"), ("koi8r", "инвентарь"), ("sjis", "表ソ能")];

#[test]
fn programs_of_clients_in_other_character_sets_keep_their_bytes() {
    let place = Place::mariadb();
    let original = place.with(
        "CREATE TABLE t (x VARCHAR(50) CHARACTER SET utf8mb4); CREATE TABLE texts (name VARCHAR(9), sql_text LONGTEXT) CHARACTER SET utf8mb4;",
    );
    for (charset, word) in CLIENTS {
        // The client library sends what it is told to; the server takes it for that character set.
        let programs = [
            format!("CREATE PROCEDURE p_{charset}() COMMENT '{word}' SELECT '{word}'"),
            format!(r"CREATE PROCEDURE q_{charset}() SELECT '{word}', '\\''', '\n'"),
            format!(
                "CREATE FUNCTION f_{charset}() RETURNS VARCHAR(20) CHARACTER SET utf8mb4 DETERMINISTIC RETURN '{word}'"
            ),
            format!(
                "CREATE TRIGGER g_{charset} BEFORE INSERT ON t FOR EACH ROW SET NEW.x=CONCAT(NEW.x, '{word}')"
            ),
            format!(
                "CREATE EVENT e_{charset} ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01' DISABLE DO SELECT '{word}'"
            ),
            format!("CREATE VIEW v_{charset} AS SELECT '{word}' AS a FROM t WHERE x<>'{word}'"),
        ];
        for program in programs {
            let hex: String = program.bytes().map(|b| format!("{b:02X}")).collect();
            original.run(&format!(
                "SET character_set_client={charset}, collation_connection={charset}_bin; EXECUTE IMMEDIATE CONVERT(_utf8mb4 X'{hex}' USING {charset});"
            ));
        }
    }
    let copy = copy_of(&place, &original);
    let (Spot::MariaDb(a), Spot::MariaDb(b)) = (&original, &copy) else {
        unreachable!()
    };
    let stored = |schema: &testkit::mariadb::Schema<'_>| {
        let name = schema.name();
        schema.query(&format!(
            "SELECT type, name, HEX(body), HEX(body_utf8), HEX(comment), character_set_client, collation_connection FROM mysql.proc WHERE db='{name}'
             UNION ALL SELECT 'event', name, HEX(body), HEX(body_utf8), HEX(comment), character_set_client, collation_connection FROM mysql.event WHERE db='{name}'
             UNION ALL SELECT 'trigger', TRIGGER_NAME, HEX(ACTION_STATEMENT), '', '', CHARACTER_SET_CLIENT, COLLATION_CONNECTION FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA='{name}'
             UNION ALL SELECT 'view', TABLE_NAME, HEX(REPLACE(VIEW_DEFINITION, '`{name}`.', '')), '', '', CHARACTER_SET_CLIENT, COLLATION_CONNECTION FROM information_schema.VIEWS WHERE TABLE_SCHEMA='{name}'
             ORDER BY 1, 2"
        ))
    };
    let (before, after) = (stored(a), stored(b));
    assert_eq!(before.len(), 6 * CLIENTS.len());
    // What the test is about: bytes that are no UTF-8.
    assert!(
        before.iter().flatten().flatten().any(|t| t.contains("61F16F")),
        "{before:?}"
    );
    assert_eq!(before, after);
    copy.run("INSERT INTO t VALUES ('')");
    let made = b.query("SELECT x FROM t");
    assert_eq!(made, [[Some(CLIENTS.iter().map(|c| c.1).collect::<String>())]]);
}

/// The catalog's own text of a body leaves out escapes and introducers: `'\\\\n'` and a line feed read alike there.
#[test]
fn escapes_and_introducers_in_programs_are_kept_and_seen() {
    let place = Place::mariadb();
    let programs = |value: &str| {
        [
            format!("CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.x={value}"),
            format!("CREATE PROCEDURE p() INSERT INTO t VALUES ({value})"),
            format!("CREATE FUNCTION f() RETURNS VARBINARY(80) DETERMINISTIC RETURN {value}"),
            format!("CREATE EVENT e ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01' DISABLE DO SELECT {value}"),
            format!(
                "CREATE VIEW v AS SELECT {} AS x",
                value.replace("_latin1 0xF1, ", "")
            ),
        ]
    };
    let table = "SET NAMES utf8mb4; CREATE TABLE t (x VARBINARY(80))";
    let value = r"CONCAT('a\\b', '\'q', 'n\nl', '\\n', '\%', _latin1 0xF1, _latin1'\xF1', x'27')";
    let original = place.with(&format!("{table}; {};", programs(value).join("; ")));
    let copy = copy_of(&place, &original);
    let x = |spot: &Spot<'_>| {
        spot.run("DELETE FROM t; INSERT INTO t VALUES ('')");
        let answers = spot
            .open()
            .query("SELECT HEX(x), HEX(f()), (SELECT HEX(x) FROM v) FROM t");
        answers.expect("answers")
    };
    assert_eq!(x(&original), x(&copy));
    for (one, other) in programs(r"'\\n'").iter().zip(&programs(r"'\n'")) {
        let digest = |program: &String| place.with(&format!("{table}; {program};")).digest().digest;
        assert_ne!(digest(one), digest(other), "{one}");
    }
}
