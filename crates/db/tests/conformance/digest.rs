//! What the digest sees, and what it must not see.

use super::place::{Place, Spot, in_every_dialect};
use db::{Digest, Outline};

in_every_dialect!(
    order_of_rows_and_name_of_the_schema_do_not_matter,
    every_change_of_a_row_is_seen,
    rows_that_cancel_out_in_a_weaker_sum_are_seen,
    every_change_of_a_definition_is_seen,
    through_an_outline_additions_are_not_seen_and_changes_are,
    counters_are_reported_and_not_hashed,
    differences_are_named,
);

const TABLE: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, f FLOAT, s VARCHAR(20), n INTEGER);
    INSERT INTO t VALUES (1, 0.1, 'a', NULL), (2, 0.2, 'b', 0), (3, 0.3, '', 7);
    CREATE TABLE bag (a INTEGER, b VARCHAR(20));
    INSERT INTO bag VALUES (1, 'x'), (1, 'x'), (2, 'y'), (2, 'y');";

fn order_of_rows_and_name_of_the_schema_do_not_matter(place: Place) {
    let one = place.with(TABLE);
    let other = place.with(
        "CREATE TABLE bag (a INTEGER, b VARCHAR(20)); INSERT INTO bag VALUES (2, 'y'), (1, 'x'), (2, 'y'), (1, 'x');
         CREATE TABLE t (id INTEGER PRIMARY KEY, f FLOAT, s VARCHAR(20), n INTEGER);
         INSERT INTO t VALUES (3, 0.3, '', 7), (1, 0.1, 'a', NULL), (2, 0.2, 'b', 0);",
    );
    assert_ne!(one.name(), other.name());
    assert_eq!(one.digest(), other.digest());
    assert_eq!(one.digest().digest.len(), 64);
}

/// The digest after each statement on its own, each of which must differ from the one before it.
fn seen(place: &Place, base: &str, changes: &[&str]) {
    let before = place.with(base).digest();
    for change in changes {
        let after = place.with(&format!("{base}\n;{change}")).digest();
        assert_ne!(before.digest, after.digest, "not seen: {change}");
        assert_ne!(
            before.differences(&after),
            Vec::<String>::new(),
            "not told: {change}"
        );
    }
}

fn every_change_of_a_row_is_seen(place: Place) {
    let both = [
        "UPDATE t SET s='A' WHERE id=1",
        "UPDATE t SET s='a ' WHERE id=1",
        "UPDATE t SET s=NULL WHERE id=3",
        "UPDATE t SET n=0 WHERE id=1",
        "UPDATE t SET s='b', n=NULL WHERE id IN (1, 2)",
        "DELETE FROM t WHERE id=2",
        "DELETE FROM t",
        "UPDATE t SET id=4 WHERE id=3",
        "UPDATE t SET s = CASE id WHEN 1 THEN 'b' ELSE 'a' END WHERE id IN (1, 2)",
    ];
    seen(&place, TABLE, &both);
    // One bit of a float: too small a change for the server's own text.
    let bit = place.pick(
        "UPDATE t SET f=0.10000000000000002 WHERE id=1",
        "UPDATE t SET f=0.1000000089 WHERE id=1",
    );
    seen(&place, TABLE, &[bit]);
    if place.is_sqlite() {
        // Storage classes: the same to `=`, not the same.
        seen(
            &place,
            "CREATE TABLE c (v); INSERT INTO c VALUES (1);",
            &["UPDATE c SET v=1.0", "UPDATE c SET v='1'", "UPDATE c SET v=X'31'"],
        );
    } else {
        let base = "CREATE TABLE e (v ENUM('', 'a'), w SET('', 'b')); INSERT INTO e VALUES ('', '');";
        seen(
            &place,
            base,
            &["UPDATE IGNORE e SET v='wrong'", "UPDATE e SET w=1"],
        );
        let base =
            "CREATE TABLE z (v FLOAT, d DATETIME(6), b BLOB); INSERT INTO z VALUES (0, '2024-01-01', '');";
        let changes = [
            "UPDATE z SET v=1.4e-45",
            "UPDATE z SET d='2024-01-01 00:00:00.000001'",
            "UPDATE z SET b=0x00",
        ];
        seen(&place, base, &changes);
    }
}

fn rows_that_cancel_out_in_a_weaker_sum_are_seen(place: Place) {
    // Exclusive or of the rows is 0 for each of these.
    let both = [
        "DELETE FROM bag WHERE a=1",
        "INSERT INTO bag VALUES (3, 'z'), (3, 'z')",
        "UPDATE bag SET a=3, b='z' WHERE a=1",
        "INSERT INTO bag VALUES (1, 'x'), (1, 'x')",
    ];
    seen(&place, TABLE, &both);
    // Values that move between columns or across their border.
    seen(
        &place,
        "CREATE TABLE m (a VARCHAR(9), b VARCHAR(9)); INSERT INTO m VALUES ('ab', 'c');",
        &[
            "UPDATE m SET a='a', b='bc'",
            "UPDATE m SET a='c', b='ab'",
            "UPDATE m SET a='abc', b=''",
            "UPDATE m SET a='abc', b=NULL",
        ],
    );
}

fn every_change_of_a_definition_is_seen(place: Place) {
    let sqlite = "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT DEFAULT 'x', n INTEGER NOT NULL DEFAULT 5 CHECK (n > 0), p INTEGER REFERENCES t (id));
        CREATE INDEX i ON t (a); CREATE VIEW v AS SELECT a FROM t; CREATE TRIGGER g AFTER INSERT ON t BEGIN UPDATE t SET a='y'; END; PRAGMA user_version=1;";
    let sqlite_changes = [
        "DROP INDEX i; CREATE INDEX i ON t (a DESC)",
        "DROP INDEX i; CREATE UNIQUE INDEX i ON t (a)",
        "DROP INDEX i",
        "DROP VIEW v; CREATE VIEW v AS SELECT a FROM t WHERE a>''",
        "DROP TRIGGER g; CREATE TRIGGER g AFTER INSERT ON t BEGIN UPDATE t SET a='Y'; END",
        "DROP TRIGGER g",
        "PRAGMA user_version=2",
        "ALTER TABLE t ADD COLUMN z",
        "CREATE TABLE u (x)",
        "PRAGMA writable_schema=1; UPDATE sqlite_master SET sql=replace(sql, '''x''', '''y''')",
        "PRAGMA writable_schema=1; UPDATE sqlite_master SET sql=replace(sql, 'n > 0', 'n > 1')",
        "PRAGMA writable_schema=1; UPDATE sqlite_master SET sql=replace(sql, 'a TEXT', 'a TEXT COLLATE NOCASE')",
        "PRAGMA writable_schema=1; UPDATE sqlite_master SET sql=replace(sql, 'REFERENCES t (id)', 'REFERENCES t (id) ON DELETE CASCADE')",
        "PRAGMA writable_schema=1; UPDATE sqlite_master SET sql=replace(sql, '))', ')) STRICT') WHERE type='table'",
    ];
    let mariadb = "CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(20) DEFAULT 'x', n INT NOT NULL DEFAULT 5, p INT, KEY i (a), CONSTRAINT fk FOREIGN KEY (p) REFERENCES t (id), CONSTRAINT c CHECK (n > 0)) COMMENT 'one';
        CREATE VIEW v AS SELECT a FROM t; CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.a='y'; CREATE TRIGGER h BEFORE INSERT ON t FOR EACH ROW SET NEW.a='z';
        CREATE PROCEDURE pr() SELECT 1; CREATE FUNCTION fu(a INT) RETURNS INT DETERMINISTIC RETURN a;
        CREATE EVENT ev ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01' DISABLE DO SELECT 1;";
    let mariadb_changes = [
        "ALTER TABLE t MODIFY a VARCHAR(20) DEFAULT 'y'",
        "ALTER TABLE t MODIFY a VARCHAR(20)",
        "ALTER TABLE t MODIFY a VARCHAR(21) DEFAULT 'x'",
        "ALTER TABLE t MODIFY a VARCHAR(20) COLLATE utf8mb4_bin DEFAULT 'x'",
        "ALTER TABLE t MODIFY a VARCHAR(20) DEFAULT 'x' COMMENT 'said'",
        "ALTER TABLE t MODIFY a VARCHAR(20) INVISIBLE DEFAULT 'x'",
        "ALTER TABLE t MODIFY n INT NULL DEFAULT 5",
        "ALTER TABLE t COMMENT 'two'",
        "ALTER TABLE t DEFAULT CHARSET latin1",
        "ALTER TABLE t ROW_FORMAT=COMPACT",
        "ALTER TABLE t DROP KEY i, ADD UNIQUE KEY i (a)",
        "ALTER TABLE t DROP KEY i, ADD KEY i (a(5))",
        "ALTER TABLE t DROP KEY i, ADD KEY i (a DESC)",
        "ALTER TABLE t DROP KEY i",
        "ALTER TABLE t ALTER KEY i IGNORED",
        "ALTER TABLE t DROP FOREIGN KEY fk, ADD CONSTRAINT fk2 FOREIGN KEY (p) REFERENCES t (id) ON DELETE CASCADE",
        "ALTER TABLE t DROP CONSTRAINT c, ADD CONSTRAINT c CHECK (n > 1)",
        "ALTER TABLE t DROP CONSTRAINT c",
        "CREATE OR REPLACE VIEW v AS SELECT a FROM t WHERE a>''",
        "ALTER SQL SECURITY INVOKER VIEW v AS SELECT a FROM t",
        "CREATE OR REPLACE DEFINER=nobody@nowhere VIEW v AS SELECT a FROM t",
        "CREATE OR REPLACE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.a='Y'",
        "SET sql_mode='ANSI'; CREATE OR REPLACE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.a='y'",
        "DROP TRIGGER h; CREATE TRIGGER h BEFORE INSERT ON t FOR EACH ROW PRECEDES g SET NEW.a='z'",
        "CREATE OR REPLACE PROCEDURE pr() SELECT 2",
        "CREATE OR REPLACE PROCEDURE pr() SQL SECURITY INVOKER SELECT 1",
        "CREATE OR REPLACE PROCEDURE pr(a INT) SELECT 1",
        "CREATE OR REPLACE FUNCTION fu(a INT) RETURNS BIGINT DETERMINISTIC RETURN a",
        "CREATE OR REPLACE FUNCTION fu(a SMALLINT) RETURNS INT DETERMINISTIC RETURN a",
        "CREATE OR REPLACE FUNCTION fu(a INT) RETURNS INT RETURN a",
        "ALTER EVENT ev DO SELECT 2",
        "ALTER EVENT ev ON SCHEDULE EVERY 2 DAY STARTS '2037-01-01'",
        "ALTER EVENT ev COMMENT 'x'",
        "DROP EVENT ev",
        "ALTER DATABASE CHARACTER SET latin1",
        "CREATE TABLE u (x INT)",
    ];
    if place.is_sqlite() {
        seen(&place, sqlite, &sqlite_changes)
    } else if place.is_mysql() {
        let changes = mariadb_changes.map(in_the_words_of_mysql);
        seen(&place, mariadb, &changes.each_ref().map(String::as_str))
    } else {
        seen(&place, mariadb, &mariadb_changes)
    }
}

fn in_the_words_of_mysql(change: &str) -> String {
    let mut change = change.replace("ALTER KEY i IGNORED", "ALTER INDEX i INVISIBLE");
    for (kind, name) in [("TRIGGER", "g"), ("PROCEDURE", "pr"), ("FUNCTION", "fu")] {
        change = change.replace(
            &format!("CREATE OR REPLACE {kind} {name}"),
            &format!("DROP {kind} {name}; CREATE {kind} {name}"),
        );
    }
    change
}

fn through(spot: &Spot<'_>, outline: &Outline) -> Digest {
    db::digest::compute(&mut *spot.open(), Some(outline), &mut db::progress::silent()).expect("a digest")
}

fn through_an_outline_additions_are_not_seen_and_changes_are(place: Place) {
    let spot = place.with(TABLE);
    let outline = spot.open().inspect().expect("inspects").outline();
    let full = spot.digest();
    assert_eq!(
        through(&spot, &outline).digest,
        full.digest,
        "with nothing added it is the full digest"
    );
    spot.run("ALTER TABLE t ADD COLUMN added INTEGER DEFAULT 5; CREATE TABLE another (x INTEGER); CREATE INDEX extra ON t (s);");
    spot.run(place.pick(
        "CREATE TRIGGER sync AFTER INSERT ON t BEGIN UPDATE t SET added=1 WHERE id=new.id; END;",
        "ALTER TABLE t ADD COLUMN hidden INT INVISIBLE; CREATE TRIGGER sync BEFORE INSERT ON t FOR EACH ROW SET NEW.added=1;",
    ));
    spot.run("UPDATE t SET added=id; INSERT INTO another VALUES (1);");
    assert_ne!(spot.digest().digest, full.digest);
    assert_eq!(through(&spot, &outline).digest, full.digest);
    spot.run("UPDATE t SET s='changed' WHERE id=1");
    assert_ne!(
        through(&spot, &outline).digest,
        full.digest,
        "an old column's value"
    );
    spot.run("UPDATE t SET s='a' WHERE id=1");
    assert_eq!(through(&spot, &outline).digest, full.digest);
    spot.run("INSERT INTO t (id) VALUES (4)");
    assert_ne!(through(&spot, &outline).digest, full.digest, "a new row");
    spot.run("DELETE FROM t WHERE id=4; ALTER TABLE bag RENAME TO bags");
    assert_ne!(
        through(&spot, &outline).digest,
        full.digest,
        "an old table's name"
    );
}

fn counters_are_reported_and_not_hashed(place: Place) {
    let spot = place.with(place.pick(
        "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO t VALUES (1);",
        "CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT); INSERT INTO t VALUES (1);
         CREATE EVENT ev ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01' ENABLE DO SELECT 1;",
    ));
    let before = spot.digest();
    spot.run("INSERT INTO t VALUES (90); DELETE FROM t WHERE id=90;");
    let after = spot.digest();
    assert_eq!(before.digest, after.digest);
    assert!(after.counters["t"] > before.counters["t"]);
    if !place.is_sqlite() {
        spot.run("ALTER EVENT ev DISABLE");
        let off = spot.digest();
        assert_eq!(before.digest, off.digest);
        assert_eq!(
            (
                before.counters["event ev enabled"],
                off.counters["event ev enabled"]
            ),
            (1, 0)
        );
    }
}

fn differences_are_named(place: Place) {
    let one = place.with(TABLE).digest();
    let other = place
        .with(&format!(
            "{TABLE} DELETE FROM t WHERE id=1; UPDATE bag SET b='q' WHERE a=2; CREATE TABLE more (x INTEGER);"
        ))
        .digest();
    let told = one.differences(&other);
    for expected in [
        "table t: 2 rows, 3 expected",
        "table bag: same row count (4), other content",
        "table more is extra",
        "column more.x is extra",
    ] {
        assert!(told.iter().any(|t| t == expected), "{expected} in {told:?}");
    }
    assert!(
        other
            .differences(&one)
            .iter()
            .any(|t| t == "table more is missing")
    );
}
