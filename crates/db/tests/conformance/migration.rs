//! Migrations as data: the service's own and another one, forward and back, on both dialects.

use super::place::{Place, Spot, in_sqlite_and_mariadb};
use db::mariadb::ddl;
use db::migration::{self, Change, Migration, Online};
use db::sqlite::Sqlite;
use db::{Database, Error};

const REAL: &str = include_str!("../../../inventario/migrations/0002_especificaciones_json/migration.toml");
const SECOND: &str = include_str!("second.toml");

in_sqlite_and_mariadb!(
    the_services_migration_goes_forward_and_back,
    another_migration_on_another_table_goes_forward_and_back,
    each_start_state_is_known_and_any_other_refused,
    a_migration_that_cannot_hold_leaves_no_trace,
    nothing_of_the_window_destroys,
);

/// The columns that matter of the legacy table, with every class and finding of dirt, and what hangs on it.
fn legacy(place: &Place) -> Spot<'_> {
    let values = [
        r#"'{"a": 1}'"#,
        r#"'{"a": 1, "a": 2, "n": 12345678901234567890123}'"#,
        r#"'{"especificaciones": {"ram": "8 GB"}}'"#,
        r#"'  {"recovery key": "ñ 😀"}'"#,
        r#"'{"_texto_original": "ya estaba"}'"#,
        "'[]'",
        "'null'",
        r#"'"a string"'"#,
        "'17'",
        r#"'{"cut": tru'"#,
        "'[1, 2'",
        "'Intel i5, 8 GB'",
        "'O''Brien \" comillas'",
        "''",
        "NULL",
        "NULL",
    ];
    let rows: Vec<String> = values
        .iter()
        .enumerate()
        .map(|(i, v)| format!("({}, 'n{i}', {v}, '2020-01-01 00:00:{i:02}')", i * 3 + 1))
        .collect();
    let rows = rows.join(",\n");
    match place {
        Place::Sqlite => place.with(&format!(
            "CREATE TABLE activos (id INTEGER PRIMARY KEY AUTOINCREMENT, nombre TEXT NOT NULL, especificaciones TEXT, actualizado_en TEXT DEFAULT CURRENT_TIMESTAMP, estado TEXT DEFAULT 'Activo');
             INSERT INTO activos(id, nombre, especificaciones, actualizado_en) VALUES {rows};
             CREATE TABLE registro (x); CREATE INDEX por_espec ON activos (especificaciones);
             CREATE VIEW con_espec AS SELECT id, especificaciones FROM activos WHERE especificaciones <> '';
             CREATE VIEW encima AS SELECT id FROM con_espec;
             CREATE TRIGGER toca AFTER UPDATE OF especificaciones ON activos BEGIN INSERT INTO registro VALUES (new.especificaciones); END;"
        )),
        Place::MariaDb(_) => place.with(&format!(
            "SET NAMES utf8mb4; SET sql_mode='NO_BACKSLASH_ESCAPES';
             CREATE TABLE activos (id INT PRIMARY KEY AUTO_INCREMENT, nombre VARCHAR(50) NOT NULL, especificaciones TEXT COMMENT 'as typed, by people',
               actualizado_en TIMESTAMP NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(), estado VARCHAR(20) DEFAULT 'Activo');
             INSERT INTO activos(id, nombre, especificaciones, actualizado_en) VALUES {rows};
             CREATE VIEW con_espec AS SELECT id, especificaciones FROM activos WHERE especificaciones <> '';
             CREATE TRIGGER antes BEFORE INSERT ON activos FOR EACH ROW SET NEW.especificaciones = TRIM(NEW.especificaciones);"
        )),
    }
}

fn order_lines(place: &Place) -> Spot<'_> {
    let rows: Vec<String> = (1..=60)
        .map(|i| {
            format!(
                "({}, {}, 'x{i}')",
                i * 17 - 900,
                if i % 5 == 0 {
                    "NULL".into()
                } else {
                    format!("{i}.25")
                }
            )
        })
        .collect();
    let rows = rows.join(",");
    place.with(&match place {
        Place::Sqlite => format!("CREATE TABLE \"order lines\" (\"line no\" INTEGER PRIMARY KEY, price NUMERIC, name TEXT); INSERT INTO \"order lines\" VALUES {rows};"),
        Place::MariaDb(_) => format!(
            "CREATE TABLE `order lines` (`line no` INT PRIMARY KEY, price DECIMAL(10,2) NOT NULL DEFAULT 1.50 COMMENT 'in money', name VARCHAR(20), touched TIMESTAMP NOT NULL DEFAULT '2001-01-01' ON UPDATE current_timestamp());
             ALTER TABLE `order lines` MODIFY price DECIMAL(10,2) NULL DEFAULT 1.50 COMMENT 'in money'; INSERT INTO `order lines`(`line no`, price, name) VALUES {rows};"
        ),
    })
}

fn resolved(text: &str, spot: &Spot<'_>) -> Online {
    Migration::parse(text, "migration.toml")
        .expect("parses")
        .resolve(&mut *spot.open())
        .expect("resolves")
}

/// Runs statements as the plan would, one journaled unit each.
fn run(changes: &[Change], db: &mut dyn Database) {
    for change in changes {
        ddl(db, &change.sql, 3).unwrap_or_else(|e| panic!("{e}: {}", change.sql));
    }
}

fn undo(changes: &[Change], db: &mut dyn Database) {
    for change in changes.iter().rev() {
        if let Some(sql) = &change.undo {
            ddl(db, sql, 3).unwrap_or_else(|e| panic!("{e}: {sql}"));
        }
    }
}

/// Start to contract, with the counts and invariants compared; then back, with the digest compared.
fn there_and_back(spot: &Spot<'_>, text: &str, start: &str) {
    let online = resolved(text, spot);
    let before = spot.digest();
    let mut db = spot.open();
    assert_eq!(
        migration::start_state(&online, &mut *db).expect("a start").name,
        start
    );
    let counts = migration::counts(&online, false, &mut *db).expect("counts");
    let invariants = migration::invariants(&online, false, &mut *db).expect("invariants");
    assert!(counts.values().all(|c| !c.is_empty()));
    let compare = |db: &mut dyn Database| {
        assert_eq!(migration::counts(&online, true, db).expect("counts"), counts);
        assert_eq!(
            migration::invariants(&online, true, db).expect("invariants"),
            invariants
        );
        assert!(
            migration::start_state(&online, db).expect("known").done,
            "a migrated schema is known as such"
        );
    };
    match spot {
        Spot::Sqlite { path, .. } => {
            let mut db = Sqlite::open(path).expect("opens");
            db.lock_writes().expect("locks");
            migration::forward(&online, start, &mut db).expect("goes forward");
            compare(&mut db);
            db.commit().expect("commits");
            assert!(db.check().expect("checks").is_empty());
            assert_ne!(spot.digest().digest, before.digest);
            // Undo after the commit is the reverse migration, under a lock of its own.
            db.lock_writes().expect("locks");
            migration::reverse(&online, &mut db).expect("goes back");
            db.commit().expect("commits");
        }
        Spot::MariaDb(_) => {
            let outline = db.inspect().expect("inspects").outline();
            run(&online.expand, &mut *db);
            run(&online.sync, &mut *db);
            let backfill = online.backfill.as_ref().expect("a backfill");
            // Stopped after its first batch, then run again from the start.
            let first = migration::backfill(backfill, &mut *db, &mut |_| false).expect("backfills");
            let mut batches = Vec::new();
            let rest = migration::backfill(backfill, &mut *db, &mut |batch| {
                batches.push(batch);
                true
            });
            assert_eq!(
                migration::backfill(backfill, &mut *db, &mut |_| true).expect("again"),
                0,
                "nothing left to do"
            );
            assert!(first > 0 || rest.expect("backfills") > 0);
            assert!(
                batches.iter().all(|b| b.key <= b.last_key)
                    && batches.last().is_some_and(|b| b.key == b.last_key)
            );
            migration::prove(&online, start, &mut *db).expect("proves");
            let through =
                db::digest::compute(&mut *db, Some(&outline), &mut db::progress::silent()).expect("a digest");
            assert_eq!(
                before.differences(&through),
                Vec::<String>::new(),
                "nothing old has changed, ON UPDATE columns included"
            );
            run(&online.contract, &mut *db);
            compare(&mut *db);
            undo(&online.contract, &mut *db);
            undo(&online.sync, &mut *db);
            undo(&online.expand, &mut *db);
        }
    }
    let after = spot.digest();
    assert_eq!(before.differences(&after), Vec::<String>::new());
    assert_eq!(before.digest, after.digest);
}

fn the_services_migration_goes_forward_and_back(place: Place) {
    let spot = legacy(&place);
    let online = resolved(REAL, &spot);
    let classes = migration::counts(&online, false, &mut *spot.open())
        .expect("counts")
        .remove("classes")
        .expect("classes");
    // A bare number is valid JSON, but a column declared JSON would make it a number on SQLite: there it is text.
    let numbers = i64::from(place.is_sqlite());
    let expected = [
        ("valid_object", 5),
        ("valid_other", 4 - numbers),
        ("truncated", 2),
        ("text", 2 + numbers),
        ("empty", 1),
        ("null", 2),
    ];
    assert_eq!(classes, expected.map(|(name, n)| (name.to_string(), n)).into());
    assert_eq!(
        migration::report(&online, "text", &mut *spot.open()).expect("reports")["has_texto_original"],
        1
    );
    there_and_back(&spot, REAL, "text");
}

fn another_migration_on_another_table_goes_forward_and_back(place: Place) {
    there_and_back(&order_lines(&place), SECOND, "decimal");
}

fn each_start_state_is_known_and_any_other_refused(place: Place) {
    // The seeds' first phase left a copy behind.
    let spot = legacy(&place);
    spot.run("ALTER TABLE activos ADD COLUMN especificaciones_json JSON");
    spot.run("UPDATE activos SET especificaciones_json=especificaciones WHERE id=1");
    let online = resolved(REAL, &spot);
    let report = migration::report(&online, "text_with_copy", &mut *spot.open()).expect("reports");
    assert_eq!(
        report["copy_differs"], 13,
        "all that is neither NULL nor the first row"
    );
    assert!(
        !migration::report(&online, "text", &mut *spot.open())
            .expect("reports")
            .contains_key("copy_differs")
    );
    there_and_back(&spot, REAL, "text_with_copy");
    // JSON already.
    let spot = place.with(place.pick(
        "CREATE TABLE activos (id INTEGER PRIMARY KEY, especificaciones JSON)",
        "CREATE TABLE activos (id INT PRIMARY KEY, especificaciones JSON)",
    ));
    let online = resolved(REAL, &spot);
    let start = migration::start_state(&online, &mut *spot.open())
        .expect("known")
        .clone();
    assert_eq!((start.name.as_str(), start.done), ("json", true));
    // None of them.
    for other in [
        "CREATE TABLE activos (id INTEGER PRIMARY KEY, especificaciones BLOB)",
        "CREATE TABLE activos (id INTEGER PRIMARY KEY)",
    ] {
        // A BLOB on MariaDB is no text and so counts as done; the file must say what it refuses.
        if !place.is_sqlite() && other.contains("BLOB") {
            continue;
        }
        let spot = place.with(other);
        let online = Migration::parse(
            &REAL.replace("${definition:activos.especificaciones}", "TEXT"),
            "m",
        )
        .expect("parses")
        .resolve(&mut *spot.open())
        .expect("resolves");
        let error = migration::start_state(&online, &mut *spot.open()).expect_err("refused");
        assert!(
            matches!(error, Error::Refused { .. }) && error.to_string().contains("activos"),
            "{error}"
        );
    }
}

fn a_migration_that_cannot_hold_leaves_no_trace(place: Place) {
    // The expression leaves rows out: not total.
    let partial = REAL
        .replace("ELSE JSON_OBJECT('_texto_original', {}) END", "END")
        .replace("ELSE json_object('_texto_original', {}) END", "END");
    let spot = legacy(&place);
    let before = spot.digest();
    let mut broken = resolved(&partial, &spot);
    broken.proof = resolved(REAL, &spot).proof;
    match &spot {
        Spot::Sqlite { path, .. } => {
            let mut db = Sqlite::open(path).expect("opens");
            assert!(
                matches!(
                    migration::forward(&broken, "text", &mut db),
                    Err(Error::Refused { .. })
                ),
                "not without the lock"
            );
            db.lock_writes().expect("locks");
            let error = migration::forward(&broken, "text", &mut db).expect_err("not total");
            assert!(matches!(error, Error::Differs(_)), "{error:?}");
            db.rollback().expect("rolls back");
            // A statement that the engine refuses: the new column's own check.
            let mut refused = resolved(REAL, &spot);
            refused.backfill.as_mut().expect("a backfill").set = "especificaciones_v2 = 'no json'".into();
            db.lock_writes().expect("locks");
            assert!(matches!(
                migration::forward(&refused, "text", &mut db),
                Err(Error::Sqlite { .. })
            ));
            db.rollback().expect("rolls back");
        }
        Spot::MariaDb(_) => {
            let mut db = spot.open();
            run(&broken.expand, &mut *db);
            migration::backfill(
                broken.backfill.as_ref().expect("a backfill"),
                &mut *db,
                &mut |_| true,
            )
            .expect("backfills");
            let error = migration::prove(&broken, "text", &mut *db).expect_err("not total");
            assert!(error.to_string().contains("byte for byte: 5 rows"), "{error}");
            undo(&broken.expand, &mut *db);
        }
    }
    assert_eq!(spot.digest(), before);
}

fn nothing_of_the_window_destroys(place: Place) {
    let spot = legacy(&place);
    let mut online = resolved(REAL, &spot);
    let dialect = spot.open().dialect();
    assert_eq!(migration::destructive(&online, dialect), Vec::<String>::new());
    online.contract.push(Change {
        sql: "ALTER TABLE activos DROP COLUMN especificaciones_v1".into(),
        when: None,
        undo: None,
    });
    assert_eq!(migration::destructive(&online, dialect).len(), 1);
    online.contract[0] = Change {
        sql: "DROP TABLE activos".into(),
        when: None,
        undo: None,
    };
    assert_eq!(migration::destructive(&online, dialect).len(), 2);
}

#[test]
fn an_unknown_key_is_an_error_with_its_line() {
    let wrong = REAL.replace("[sqlite.backfill]\ntable =", "[sqlite.backfill]\ntabel =");
    let error = Migration::parse(&wrong, "0002/migration.toml")
        .expect_err("unknown key")
        .to_string();
    let line = wrong.lines().position(|l| l.starts_with("tabel")).expect("there") + 1;
    assert!(
        error.contains("0002/migration.toml")
            && error.contains("tabel")
            && error.contains(&format!("line {line}")),
        "{error}"
    );
    let error = Migration::parse(&REAL.replace("format = 1", "format = 2"), "m").expect_err("newer");
    assert!(error.hint().is_some());
}

#[test]
fn placeholders_that_mean_nothing_are_errors() {
    let place = Place::sqlite();
    let spot = legacy(&place);
    for (wrong, told) in [
        ("${jsn:x}", "jsn"),
        ("${json:x", "without }"),
        ("${definition:activos.none}", "activos.none"),
    ] {
        let text = REAL.replace("SELECT COUNT(*), MIN(id), MAX(id) FROM activos", wrong);
        let error = Migration::parse(&text, "m")
            .expect("parses")
            .resolve(&mut *spot.open())
            .expect_err("refused");
        assert!(error.to_string().contains(told), "{error}");
    }
}

#[test]
fn writers_go_on_while_a_mariadb_schema_is_expanded() {
    let place = Place::mariadb();
    let spot = legacy(&place);
    let online = resolved(REAL, &spot);
    let mut db = spot.open();
    run(&online.expand, &mut *db);
    run(&online.sync, &mut *db);
    // A writer that knows nothing of the new column, as the old release does, before, amid and after the backfill.
    spot.run(r#"INSERT INTO activos(nombre, especificaciones) VALUES ('w', '{"new": 1}'), ('w', 'plain'); UPDATE activos SET especificaciones='edited' WHERE id=1;"#);
    let visible = db.query("SELECT * FROM activos LIMIT 1").expect("reads");
    assert_eq!(visible[0].len(), 5, "SELECT * is as it was");
    spot.run("INSERT INTO activos VALUES (500, 'w', 'no column list', '2020-01-01', 'Activo')");
    migration::backfill(
        online.backfill.as_ref().expect("a backfill"),
        &mut *db,
        &mut |_| true,
    )
    .expect("backfills");
    spot.run("UPDATE activos SET especificaciones='after' WHERE id=4; DELETE FROM activos WHERE id=7;");
    migration::prove(&online, "text", &mut *db).expect("proves");
}

#[test]
fn a_backfill_needs_an_integer_key() {
    let place = Place::mariadb();
    let spot =
        place.with("CREATE TABLE t (k VARCHAR(5) PRIMARY KEY, a INT); INSERT INTO t VALUES ('x', NULL);");
    let spec = migration::Backfill {
        table: "t".into(),
        key: "k".into(),
        set: "a=1".into(),
        rows: "a IS NULL".into(),
        batch: 10,
    };
    let error = migration::backfill(&spec, &mut *spot.open(), &mut |_| true).expect_err("refused");
    assert!(error.to_string().contains("t.k"), "{error}");
    spot.run("DELETE FROM t");
    assert_eq!(
        migration::backfill(&spec, &mut *spot.open(), &mut |_| true).expect("an empty table is no error"),
        0
    );
}
