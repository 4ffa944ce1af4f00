//! At the limits: nothing at all, as many columns as a table may have, rows as wide, names that a format would trip over.

use super::place::{Place, Spot, in_every_dialect};
use super::random::oracle;
use super::store::{dumped, loaded};
use std::fmt::Write as _;

in_every_dialect!(
    a_database_without_a_table_comes_back,
    a_table_of_a_thousand_columns_comes_back,
    rows_of_many_long_values_come_back,
    names_come_back_as_they_are,
);

/// Dumps and loads; the same by our digest, from the files alone too, and by the oracle's own means.
fn comes_back(place: &Place, sql: &str) -> db::Digest {
    let original = place.with(sql);
    let copy = place.empty();
    let (store, dumped) = dumped(&original, None);
    let rows = loaded(&store, &mut *copy.open(), false).expect("loads");
    let digest = original.digest();
    assert_eq!(rows, digest.rows());
    assert_eq!(digest.differences(&copy.digest()), Vec::<String>::new());
    assert_eq!((&dumped.digest, &copy.digest()), (&digest, &digest));
    let scratch = tempfile::tempdir().expect("a folder");
    let files = db::digest::of_files(&store, scratch.path(), &mut db::progress::silent()).expect("a digest");
    assert_eq!(files, digest);
    let seen = |spot: &Spot<'_>| match spot {
        Spot::Sqlite { path, .. } => oracle::sqlite(path),
        Spot::MariaDb(schema) => {
            let mut driver = oracle::connected(schema.server().port(), schema.name());
            oracle::mariadb(&mut driver, schema.name())
        }
    };
    let (before, after) = (seen(&original), seen(&copy));
    assert_eq!(before.differing(&after), Vec::<String>::new());
    assert_eq!(before.counters, after.counters);
    digest
}

fn a_database_without_a_table_comes_back(place: Place) {
    let digest = comes_back(&place, "");
    assert_eq!((digest.tables.len(), digest.rows()), (0, 0));
    let other = place.with("CREATE TABLE t (id INTEGER)").digest();
    assert_ne!(digest.digest, other.digest, "a table without rows is something");
}

fn a_table_of_a_thousand_columns_comes_back(place: Place) {
    // InnoDB's most.
    let columns = 1017;
    let list = |each: &dyn Fn(usize) -> String| (0..columns).map(each).collect::<Vec<_>>().join(", ");
    let create = format!("CREATE TABLE wide ({})", list(&|n| format!("c{n} INTEGER")));
    let mut sql = format!("{create};");
    for row in 0..5usize {
        let _ = write!(
            sql,
            "INSERT INTO wide VALUES ({});",
            list(&|n| if n % 7 == row {
                "NULL".into()
            } else {
                (n * row).to_string()
            })
        );
    }
    let digest = comes_back(&place, &sql);
    assert_eq!(digest.rows(), 5);
    let other = place.with(&format!("{sql}UPDATE wide SET c1016=1 WHERE c2=2"));
    assert_ne!(other.digest().digest, digest.digest, "the last column counts");
}

fn rows_of_many_long_values_come_back(place: Place) {
    let columns: Vec<String> = (0..40)
        .map(|n| format!("c{n} {}", place.pick("BLOB", "LONGBLOB")))
        .collect();
    let value = |n: usize, length: usize| {
        place
            .pick(
                "CAST(replace(hex(zeroblob(@l)), '00', 'ñ\\') AS BLOB)",
                "REPEAT(x'C3B15C0A', @l)",
            )
            .replace("@l", &(length + n).to_string())
    };
    let row = |length: usize| (0..40).map(|n| value(n, length)).collect::<Vec<_>>().join(", ");
    let create = format!(
        "CREATE TABLE pages (id INTEGER PRIMARY KEY, {})",
        columns.join(", ")
    );
    // 160 KiB in the row, and beyond any buffer: 3 MiB of values none of which is long.
    let digest = comes_back(
        &place,
        &format!(
            "{create}; INSERT INTO pages VALUES (1, {}); INSERT INTO pages VALUES (2, {})",
            row(1024),
            row(20_000)
        ),
    );
    assert_eq!(digest.rows(), 2);
}

fn names_come_back_as_they_are(place: Place) {
    let names = [
        "plain",
        "PLAIN2",
        "Plain2b",
        "with space",
        " before",
        "dot.dot",
        "per%cent_",
        "back\\slash",
        "it's",
        "quo\"ted",
        "tick`s",
        "``",
        "ñandú",
        "日本語",
        "select",
        "table",
        "rank",
        "--",
        "/*",
        ";",
        "#",
        "$1",
        "@v",
        "?",
        "0",
        "1e5",
        "null",
        "a/b",
        "..",
        "con",
        "tab\there",
        "new\nline",
    ];
    let mut names: Vec<String> = names.map(String::from).to_vec();
    names.push("n".repeat(64));
    if !place.is_sqlite() {
        // Names of tables that differ in nothing but their case.
        names.push("Plain".into());
    }
    let quote = |name: &str| {
        if place.is_sqlite() {
            format!("\"{}\"", name.replace('"', "\"\""))
        } else {
            super::random::quoted(name)
        }
    };
    let mut sql = String::new();
    for (at, name) in names.iter().enumerate() {
        let (table, column) = (
            quote(name),
            quote(&names[names.len() - 2 - at % (names.len() - 1)]),
        );
        let _ = write!(
            sql,
            "CREATE TABLE {table} ({column} INTEGER PRIMARY KEY, {} VARCHAR(20)); INSERT INTO {table} VALUES ({at}, 'x');\nCREATE INDEX {} ON {table} ({column});\n",
            quote(&format!("v{at}'")),
            quote(&format!("i{at} `\"")),
        );
    }
    let digest = comes_back(&place, &sql);
    assert_eq!(digest.tables.len(), names.len());
    for name in &names {
        assert!(digest.tables.iter().any(|t| t.name == *name), "{name}");
    }
}

#[test]
fn mariadb_a_schema_with_an_odd_name_comes_back() {
    let server = testkit::mariadb::MariaDb::shared();
    let odd = format!("odd `na\"me'. %-ñ {}", std::process::id());
    let (from, to) = (odd.clone(), format!("{odd} too"));
    for name in [&from, &to] {
        server.query(&format!("CREATE DATABASE {}", super::random::quoted(name)));
    }
    let open = |name: &str| {
        let address = match db::Address::parse(&server.url("root", "", "x")).expect("an address") {
            db::Address::MySql {
                host,
                port,
                user,
                password,
                ..
            } => db::Address::MySql {
                host,
                port,
                user,
                password,
                database: name.into(),
            },
            other => other,
        };
        db::open(&address, &db::Session::default()).expect("opens")
    };
    server.query_in(
        &from,
        "CREATE TABLE t (id INT PRIMARY KEY, p INT REFERENCES t (id)); INSERT INTO t VALUES (1, NULL), (2, 1); CREATE VIEW v AS SELECT id FROM t;
         CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.p = (SELECT MIN(id) FROM t); CREATE PROCEDURE p() SELECT id FROM t",
    );
    let (store, dumped) = super::store::dumped_from(&mut *open(&from), None);
    loaded(&store, &mut *open(&to), false).expect("loads");
    let copy = db::digest::compute(&mut *open(&to), None, &mut db::progress::silent()).expect("a digest");
    for name in [&from, &to] {
        server.query(&format!("DROP DATABASE {}", super::random::quoted(name)));
    }
    assert_eq!(dumped.digest.differences(&copy), Vec::<String>::new());
    assert_eq!(dumped.digest, copy);
}
