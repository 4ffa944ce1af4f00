//! One bit, one word of a definition, or what other tools damage: each changes the digest and is told by name.

use super::place::Place;

/// Each statement on its own must change the digest, and the difference must name what `named` says.
fn seen(place: &Place, base: &str, changes: &[(&str, &str)]) {
    let before = place.with(base).digest();
    for (change, named) in changes {
        let after = place.with(&format!("{base}\n;\n{change}")).digest();
        assert_ne!(before.digest, after.digest, "not seen: {change}");
        let told = before.differences(&after);
        assert!(
            told.iter().any(|t| t.contains(named)),
            "{named} not told after {change}: {told:?}"
        );
    }
}

#[test]
fn one_bit_of_each_type_is_seen() {
    let place = Place::mariadb();
    let base = "SET sql_mode='ALLOW_INVALID_DATES', time_zone='+00:00';
        CREATE TABLE t (f FLOAT, d DOUBLE, n DECIMAL(65,30), b BIT(64), e ENUM('', 'a'), s SET('', 'b'), dt DATE, dm DATETIME(6), ti TIME(6), ts TIMESTAMP(6) NULL, y YEAR,
            bi BINARY(4), bl BLOB, cb BLOB COMPRESSED, g POINT, u UUID, i4 INET4, i6 INET6, l VARCHAR(9) CHARACTER SET latin1, m VARCHAR(9) CHARACTER SET utf8mb4, j JSON);
        INSERT INTO t VALUES (0.1, 0.1, 0.1, 1, '', '', '0000-00-00', '2024-02-00', '838:59:59', '2024-01-01', 0, 'a', 'a', 'a', POINT(1, 2),
            '123e4567-e89b-12d3-a456-426614174000', '1.2.3.4', '::1', _latin1 x'C3B1', _utf8mb4 x'C3B1', '{\"a\": 1}');";
    let changes = [
        "f=0.10000000894",
        "d=0.1e0+1.4e-17",
        "n=n+0.000000000000000000000000000001",
        "b=b+0x8000000000000000",
        "s=1",
        "dt='0000-00-01'",
        "dm='2024-02-00 00:00:00.000001'",
        "ti='838:59:58.999999'",
        "ts='2024-01-01 00:00:00.000001'",
        "y=2000",
        "bi=x'61000001'",
        "bl='a\\0'",
        "cb='a\\0'",
        "cb=NULL",
        "g=ST_GeomFromText('POINT(1 2)', 4326)",
        "g=POINT(1, 2.0000000000000004)",
        "u='123e4567-e89b-12d3-a456-426614174001'",
        "u=NULL",
        "i4='1.2.3.5'",
        "i6='::2'",
        "i6=NULL",
        "l=_latin1 x'F1'",
        "m=_utf8mb4 x'6ECC83'",
        "j='{\"a\":1}'",
    ];
    let changes: Vec<String> = changes.iter().map(|c| format!("UPDATE t SET {c}")).collect();
    let mut changes: Vec<(&str, &str)> = changes
        .iter()
        .map(|c| (c.as_str(), "table t: same row"))
        .collect();
    // Index 0, which prints like the empty member of index 1.
    changes.push(("UPDATE IGNORE t SET e='wrong'", "table t: same row"));
    seen(&place, base, &changes);
}

#[test]
fn every_change_of_columns_and_sequences_is_seen() {
    let base = "CREATE SEQUENCE s MAXVALUE 100 CACHE 10 COMMENT 'x'; CREATE SEQUENCE s2;
        CREATE TABLE t (id INT DEFAULT NEXTVAL(s), g POINT REF_SYSTEM_ID=4326 NOT NULL, b BINARY(3) DEFAULT x'FF0041', x VARCHAR(20), a DATE, c DATE, PERIOD FOR p (a, c),
            UNIQUE KEY k (id, p WITHOUT OVERLAPS), KEY i (x) KEY_BLOCK_SIZE=4, UNIQUE KEY pair (id, a, c), gs INT AS (LENGTH(x)) STORED);";
    let changes = [
        ("ALTER SEQUENCE s MAXVALUE 101", "sequence s "),
        ("ALTER SEQUENCE s CACHE 11", "sequence s "),
        ("ALTER SEQUENCE s CYCLE", "sequence s "),
        ("ALTER SEQUENCE s INCREMENT 2", "sequence s "),
        ("ALTER TABLE s COMMENT 'y'", "sequence s "),
        ("DROP SEQUENCE s2", "sequence s2 is missing"),
        (
            "ALTER TABLE t ALTER COLUMN id SET DEFAULT NEXTVAL(s2)",
            "column t.id ",
        ),
        ("ALTER TABLE t ALTER COLUMN id DROP DEFAULT", "column t.id "),
        (
            "ALTER TABLE t MODIFY g POINT REF_SYSTEM_ID=4327 NOT NULL",
            "column t.g ",
        ),
        ("ALTER TABLE t MODIFY g POINT NOT NULL", "column t.g "),
        ("ALTER TABLE t MODIFY b BINARY(3) DEFAULT x'FE0041'", "table t "),
        ("ALTER TABLE t DROP KEY i, ADD KEY i (x)", "table t "),
        (
            "ALTER TABLE t DROP KEY k; ALTER TABLE t ADD UNIQUE KEY k (id, c, a)",
            "table t ",
        ),
        (
            "ALTER TABLE t MODIFY gs INT AS (LENGTH(x) + 1) STORED",
            "column t.gs ",
        ),
        ("ALTER TABLE t DROP KEY k, DROP PERIOD FOR p", "table t "),
    ];
    seen(&Place::mariadb(), base, &changes);
}

#[test]
fn every_change_of_partitions_is_seen() {
    let base = "CREATE TABLE parted (id INT, x INT, d DATE) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10) COMMENT 'x', PARTITION p1 VALUES LESS THAN MAXVALUE);
        CREATE TABLE keyed (id INT PRIMARY KEY, x INT, UNIQUE KEY (id, x)) PARTITION BY KEY () PARTITIONS 2;";
    let changes = [
        ("ALTER TABLE parted REMOVE PARTITIONING", "table parted "),
        (
            "ALTER TABLE parted REORGANIZE PARTITION p0, p1 INTO (PARTITION p0 VALUES LESS THAN (11) COMMENT 'x', PARTITION p1 VALUES LESS THAN MAXVALUE)",
            "table parted ",
        ),
        (
            "ALTER TABLE parted REORGANIZE PARTITION p0 INTO (PARTITION p0 VALUES LESS THAN (10) COMMENT 'y')",
            "table parted ",
        ),
        (
            "ALTER TABLE parted REORGANIZE PARTITION p0 INTO (PARTITION q VALUES LESS THAN (10) COMMENT 'x')",
            "table parted ",
        ),
        (
            "ALTER TABLE parted PARTITION BY HASH (id) PARTITIONS 2",
            "table parted ",
        ),
        (
            "ALTER TABLE keyed PARTITION BY KEY () PARTITIONS 3",
            "table keyed ",
        ),
        (
            "ALTER TABLE keyed PARTITION BY KEY (id) PARTITIONS 2",
            "table keyed ",
        ),
        (
            "ALTER TABLE keyed PARTITION BY LINEAR KEY () PARTITIONS 2",
            "table keyed ",
        ),
    ];
    seen(&Place::mariadb(), base, &changes);
}

#[test]
fn every_change_of_history_is_seen() {
    let base = "CREATE TABLE v (id INT, x INT) WITH SYSTEM VERSIONING; CREATE TABLE plain (id INT);
        CREATE TABLE lim (id INT) WITH SYSTEM VERSIONING PARTITION BY SYSTEM_TIME LIMIT 10 (PARTITION p0 HISTORY, PARTITION pn CURRENT);
        CREATE TABLE parent (id INT PRIMARY KEY); CREATE TABLE child (p INT, CONSTRAINT fk FOREIGN KEY (p) REFERENCES parent (id));";
    let changes = [
        ("ALTER TABLE v DROP SYSTEM VERSIONING", "table v "),
        (
            "SET system_versioning_alter_history=KEEP; ALTER TABLE v MODIFY x INT WITHOUT SYSTEM VERSIONING",
            "column v.x ",
        ),
        ("ALTER TABLE plain ADD SYSTEM VERSIONING", "table plain "),
        (
            "ALTER TABLE lim PARTITION BY SYSTEM_TIME LIMIT 11 (PARTITION p0 HISTORY, PARTITION pn CURRENT)",
            "table lim ",
        ),
        (
            "ALTER TABLE lim PARTITION BY SYSTEM_TIME INTERVAL 1 DAY STARTS TIMESTAMP'2020-01-01 00:00:00' (PARTITION p0 HISTORY, PARTITION pn CURRENT)",
            "table lim ",
        ),
        (
            "ALTER TABLE child DROP FOREIGN KEY fk; ALTER TABLE child ADD CONSTRAINT fk FOREIGN KEY (p) REFERENCES parent (id) ON DELETE CASCADE",
            "foreign key child.fk ",
        ),
    ];
    seen(&Place::mariadb(), base, &changes);
}

#[test]
fn every_change_of_programs_is_seen() {
    let base = "DELIMITER //
        CREATE AGGREGATE FUNCTION total(x INT) RETURNS INT BEGIN DECLARE s INT DEFAULT 0; DECLARE CONTINUE HANDLER FOR NOT FOUND RETURN s; LOOP FETCH GROUP NEXT ROW; SET s = s + x; END LOOP; END//
        SET sql_mode=ORACLE//
        CREATE PACKAGE pack AS FUNCTION f RETURN INT; END//
        CREATE PACKAGE BODY pack AS FUNCTION f RETURN INT AS BEGIN RETURN 1; END; END//
        SET sql_mode=''//
        DELIMITER ;";
    let changes = [
        (
            "SET sql_mode=ORACLE; DROP PACKAGE BODY pack",
            "package body pack is missing",
        ),
        (
            "SET sql_mode=ORACLE; DROP PACKAGE pack",
            "package pack is missing",
        ),
        (
            "SET sql_mode=ORACLE;\nDELIMITER //\nCREATE OR REPLACE PACKAGE BODY pack AS FUNCTION f RETURN INT AS BEGIN RETURN 2; END; END//\nDELIMITER ;\n",
            "package body pack ",
        ),
        (
            "SET sql_mode=ORACLE;\nDELIMITER //\nCREATE OR REPLACE DEFINER=a@b PACKAGE pack AS FUNCTION f RETURN INT; END//\nDELIMITER ;\n",
            "package pack ",
        ),
        (
            "DELIMITER //\nCREATE OR REPLACE FUNCTION total(x INT) RETURNS INT BEGIN DECLARE s INT DEFAULT 0; RETURN s; END//\nDELIMITER ;\n",
            "routine function total ",
        ),
    ];
    seen(&Place::mariadb(), base, &changes);
}

#[test]
fn what_other_tools_damage_is_told_by_name() {
    let place = Place::mariadb();
    let base = "SET time_zone='+00:00', sql_mode='';
        CREATE TABLE floats (id INT PRIMARY KEY, f FLOAT); INSERT INTO floats SELECT seq, seq / 7 FROM seq_1_to_20;
        CREATE TABLE ids (u UUID, i INET6); INSERT INTO ids VALUES ('123e4567-e89b-12d3-a456-426614174000', '::1');
        CREATE TABLE hidden (a INT, h INT INVISIBLE DEFAULT 7); INSERT INTO hidden (a, h) VALUES (1, 2);
        CREATE TABLE members (e ENUM('x', 'y', '')); INSERT IGNORE INTO members VALUES ('wrong');
        CREATE TABLE past (id INT PRIMARY KEY, x INT) WITH SYSTEM VERSIONING; INSERT INTO past VALUES (1, 1); UPDATE past SET x=2; UPDATE past SET x=3;
        CREATE EVENT ev ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01' DISABLE DO SELECT 1;";
    let damages = [
        // What a dump of six digits makes of them.
        (
            "UPDATE floats SET f=CAST(CONCAT(f, '') AS DOUBLE)",
            "table floats: same row count (20)",
        ),
        ("UPDATE ids SET u=NULL", "table ids: same row count (1)"),
        ("UPDATE ids SET i=NULL", "table ids: same row count (1)"),
        ("UPDATE hidden SET h=DEFAULT", "table hidden: same row count (1)"),
        ("UPDATE members SET e=''", "table members: same row count (1)"),
        ("DELETE HISTORY FROM past", "table past: 1 rows, 3 expected"),
        ("DROP EVENT ev", "event ev is missing"),
    ];
    // History is stamped by the clock: one database, damaged step by step.
    for (damage, named) in damages {
        let spot = place.with(base);
        let before = spot.digest();
        spot.run(&format!("SET time_zone='+00:00', sql_mode=''; {damage}"));
        let told = before.differences(&spot.digest());
        assert_eq!(told.len(), 1, "{damage}: {told:?}");
        assert!(told[0].starts_with(named), "{damage}: {told:?}");
    }
}

#[test]
fn what_a_cut_dump_leaves_out_and_a_migration_leaves_behind_is_told_by_name() {
    let place = Place::mariadb();
    let base = "CREATE TABLE first_one (id INT PRIMARY KEY); CREATE TABLE last_one (id INT); INSERT INTO last_one VALUES (1), (1);
        CREATE VIEW lists AS SELECT id FROM last_one; CREATE FUNCTION f() RETURNS INT RETURN 1;";
    let changes = [
        ("DROP VIEW lists; DROP TABLE last_one", "last_one"),
        ("DROP VIEW lists", "view lists is missing"),
        ("DROP FUNCTION f", "routine function f is missing"),
        ("DELETE FROM last_one", "table last_one: 0 rows, 2 expected"),
        // The exclusive or of these two is that of the two before.
        ("UPDATE last_one SET id=2", "table last_one: same row count"),
        ("CREATE TABLE added (id INT)", "added"),
        ("ALTER TABLE first_one ADD COLUMN added JSON", "first_one"),
        ("CREATE VIEW added AS SELECT 1 AS x", "view added"),
        (
            "CREATE TRIGGER added BEFORE INSERT ON first_one FOR EACH ROW SET @x = 1",
            "trigger added",
        ),
    ];
    seen(&place, base, &changes);
}

#[test]
fn history_is_told_apart_by_its_microseconds() {
    let place = Place::mariadb();
    let filled = |moment: &str| {
        place.with(&format!(
            "SET time_zone='+00:00'; CREATE TABLE v (id INT) WITH SYSTEM VERSIONING; SET timestamp=1577836800; INSERT INTO v VALUES (1);
             SET timestamp={moment}; DELETE FROM v;"
        ))
    };
    let one = filled("1577836900.000001").digest();
    assert_eq!(one, filled("1577836900.000001").digest());
    assert_eq!(one.rows(), 1, "a row of the past is a row");
    assert_ne!(one.digest, filled("1577836900.000002").digest().digest);
}
