//! Dump, load, and compare: by our digest and by the server's own means.

use super::place::{Place, Spot, in_every_dialect};
use super::store::{copied, dumped, loaded};
use db::Outline;
use testkit::mariadb::Brand;

in_every_dialect!(
    everything_comes_back_exactly,
    a_copy_of_a_copy_is_the_same,
    a_dump_is_the_digest_through_an_outline_too
);

fn everything(place: &Place) -> Spot<'_> {
    place.with(place.everything())
}

fn everything_comes_back_exactly(place: Place) {
    let original = everything(&place);
    let before = original.digest();
    let (store, dumped) = dumped(&original, None);
    assert_eq!(dumped.digest, before, "the dump's digest is the live one");
    let copy = place.empty();
    let rows = loaded(&store, &mut *copy.open(), false).expect("loads");
    assert_eq!(rows, before.rows());
    same_by_the_servers_own_means(&original, &copy);
    let after = copy.digest();
    assert_eq!(before.differences(&after), Vec::<String>::new());
    assert_eq!(before.digest, after.digest);
    assert_eq!(before.counters, after.counters);
    let structure = |spot: &Spot<'_>| spot.open().inspect().expect("inspects").structure();
    assert_eq!(structure(&original), structure(&copy));
    assert_eq!(original.digest(), before, "the original is as it was");
}

fn a_copy_of_a_copy_is_the_same(place: Place) {
    let original = everything(&place);
    let first = copied(&place, &original, false);
    let second = copied(&place, &first, false);
    assert_eq!(original.digest(), second.digest());
}

fn a_dump_is_the_digest_through_an_outline_too(place: Place) {
    let original = everything(&place);
    let mut outline: Outline = original.open().inspect().expect("inspects").outline();
    outline.tables.remove("keyless");
    outline
        .tables
        .get_mut(place.pick("empty_one", "nothing"))
        .expect("a table")
        .retain(|c| c != "x");
    let (_, dumped) = dumped(&original, Some(&outline));
    let through = db::digest::compute(&mut *original.open(), Some(&outline), &mut db::progress::silent())
        .expect("digest");
    assert_eq!(dumped.through, Some(through.clone()));
    assert_ne!(through.digest, dumped.digest.digest);
}

/// Compares without our code: every value of every table, and on MariaDB every definition as its own tools print it.
pub(super) fn same_by_the_servers_own_means(original: &Spot<'_>, copy: &Spot<'_>) {
    match (original, copy) {
        (Spot::Sqlite { path, .. }, Spot::Sqlite { path: other, .. }) => same_files(path, other),
        (Spot::MariaDb(schema), Spot::MariaDb(other)) => same_schemas(schema, other),
        _ => panic!("two dialects"),
    }
}

fn same_files(original: &std::path::Path, copy: &std::path::Path) {
    let connection = rusqlite::Connection::open(original).expect("opens");
    connection
        .execute("ATTACH ? AS copy", [copy.to_str().expect("UTF-8")])
        .expect("attaches");
    let one = |sql: &str| {
        connection
            .query_row(sql, [], |r| r.get::<_, i64>(0))
            .unwrap_or_else(|e| panic!("{e}: {sql}"))
    };
    let names: Vec<String> = connection
        .prepare("SELECT name FROM sqlite_master WHERE type='table' AND name NOT IN ('sqlite_stat1')")
        .and_then(|mut s| s.query_map([], |r| r.get(0))?.collect())
        .expect("tables");
    assert!(names.len() > 12);
    for name in names {
        let quote = |n: &str| format!("\"{}\"", n.replace('"', "\"\""));
        let columns: Vec<String> = connection
            .prepare(&format!(
                "SELECT name FROM pragma_table_xinfo({}) WHERE hidden<>2",
                quote(&name)
            ))
            .and_then(|mut s| s.query_map([], |r| r.get::<_, String>(0))?.collect())
            .expect("columns");
        let exact: Vec<String> = columns
            .iter()
            .map(|c| quote(c))
            .map(|c| format!("typeof({c}), CASE typeof({c}) WHEN 'text' THEN hex({c}) ELSE {c} END"))
            .collect();
        let list = exact.join(", ");
        let counted = |schema: &str| {
            format!(
                "SELECT {list}, COUNT(*) FROM {schema}.{} GROUP BY {list}",
                quote(&name)
            )
        };
        for (a, b) in [("main", "copy"), ("copy", "main")] {
            assert_eq!(
                one(&format!(
                    "SELECT COUNT(*) FROM ({} EXCEPT {})",
                    counted(a),
                    counted(b)
                )),
                0,
                "{name}: {a} has more"
            );
        }
    }
    let definitions = |schema: &str| format!("SELECT type, name, tbl_name, sql FROM {schema}.sqlite_master");
    assert_eq!(
        one(&format!(
            "SELECT COUNT(*) FROM ({} EXCEPT {})",
            definitions("main"),
            definitions("copy")
        )),
        0
    );
    for pragma in ["user_version", "application_id"] {
        assert_eq!(
            one(&format!("PRAGMA main.{pragma}")),
            one(&format!("PRAGMA copy.{pragma}"))
        );
    }
}

fn same_schemas(original: &testkit::mariadb::Schema<'_>, copy: &testkit::mariadb::Schema<'_>) {
    let server = original.server();
    let (a, b) = (original.name(), copy.name());
    let names = original.query("SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA=DATABASE() AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')");
    assert!(names.len() > 12);
    let quote = |n: &str| format!("`{}`", n.replace('`', "``"));
    for name in names.into_iter().flatten().flatten() {
        let literal = name.replace('\'', "''");
        let columns = original.query(&format!(
            "SELECT COLUMN_NAME, DATA_TYPE FROM information_schema.COLUMNS WHERE TABLE_SCHEMA=DATABASE() AND TABLE_NAME='{literal}' AND EXTRA NOT LIKE 'VIRTUAL%'"
        ));
        let versioned = original.query(&format!(
            "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA=DATABASE() AND TABLE_NAME='{literal}' AND TABLE_TYPE='SYSTEM VERSIONED'"
        ));
        let history = if versioned.is_empty() {
            ""
        } else {
            " FOR SYSTEM_TIME ALL"
        };
        let mut exact: Vec<String> = columns
            .iter()
            .map(|c| {
                (
                    quote(c[0].as_deref().expect("a name")),
                    c[1].as_deref().expect("a type"),
                )
            })
            .map(|(name, data_type)| match data_type {
                "enum" | "set" | "bit" => format!("CAST({name} AS UNSIGNED)"),
                "float" | "double" => format!("CAST({name} AS DOUBLE)"),
                "tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "decimal" | "year" => name,
                "date" | "datetime" | "timestamp" | "time" => format!("CAST({name} AS BINARY)"),
                _ => format!("HEX({name})"),
            })
            .collect();
        if !history.is_empty() && !columns.iter().any(|c| c[0].as_deref() == Some("ended")) {
            exact.extend(["row_start".into(), "row_end".into()]);
        }
        let list = exact.join(", ");
        let rows = |schema: &str| format!("SELECT {list} FROM {}.{}{history}", quote(schema), quote(&name));
        if server.brand() == Brand::MySql {
            // It has no EXCEPT ALL.
            let sorted = |schema: &str| {
                let mut rows = server.query(&format!(
                    "SET SESSION sql_mode='ALLOW_INVALID_DATES'; {}",
                    rows(schema)
                ));
                rows.sort();
                rows
            };
            assert_eq!(sorted(a), sorted(b), "{name}");
        }
        for (x, y) in [(a, b), (b, a)] {
            if server.brand() == Brand::MySql {
                break;
            }
            let more = server.query(&format!(
                "SET SESSION sql_mode='ALLOW_INVALID_DATES'; SELECT COUNT(*) FROM ({} EXCEPT ALL {}) d",
                rows(x),
                rows(y)
            ));
            assert_eq!(
                more,
                [[Some("0".to_string())]],
                "{name}: {x} has rows that {y} has not"
            );
        }
        // The virtual column of the one is computed from the clock; of a table with a multi-valued index, as the other is,
        // MySQL gives one sum now and another later.
        if name != "generated" && name != "documents" {
            let sums = server.query(&format!(
                "CHECKSUM TABLE {0}.{2}, {1}.{2}",
                quote(a),
                quote(b),
                quote(&name)
            ));
            assert_eq!(sums[0][1], sums[1][1], "CHECKSUM TABLE {name}");
        }
    }
    let definitions = |schema: &str| {
        let mut dump = server.dump_client();
        dump.args([
            "--no-data",
            "--routines",
            "--events",
            "--triggers",
            "--skip-comments",
            "--skip-lock-tables",
            schema,
        ]);
        let output = dump.output().expect("mariadb-dump runs");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).replace(schema, "SCHEMA")
    };
    assert_eq!(definitions(a), definitions(b));
}
