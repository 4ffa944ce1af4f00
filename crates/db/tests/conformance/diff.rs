//! Where two databases differ: named to the row, whether they are live or files.

use super::place::{Place, Spot, in_every_dialect};
use super::store::{Store, dumped};
use db::diff::{Difference, Files, Limits, Live, Piece, Side, State, TableDifference, Unnamed, compare};
use db::load::Source;
use db::progress::silent;
use std::collections::BTreeMap;

in_every_dialect!(
    equal_is_equal_however_it_is_kept,
    rows_are_named_live_and_in_files,
    rows_on_the_edge_of_ranges_are_named,
    more_rows_than_may_be_held_are_matched_in_turns,
    without_a_key_rows_are_only_counted,
    other_columns_tables_and_definitions_are_told,
    values_are_shown_where_asked_for,
    keys_are_told_apart_by_their_bytes,
);

const ROWS: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, s VARCHAR(40), n INTEGER);
    INSERT INTO t SELECT id, id, id * 2 FROM (SELECT a.i * 100 + b.i * 10 + c.i AS id
      FROM (SELECT 0 AS i UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9) a,
           (SELECT 0 AS i UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9) b,
           (SELECT 0 AS i UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9) c) x ORDER BY id;";

const SMALL: Limits = Limits {
    keys: 20,
    values: false,
    held: 200_000,
    range: 100,
};

fn live(spot: &Spot<'_>) -> Live {
    Live::new(spot.open()).expect("a snapshot")
}

fn of(left: &mut dyn Side, right: &mut dyn Side, limits: Limits) -> Difference {
    compare(left, right, limits, &mut silent()).expect("compares")
}

fn between(left: &Spot<'_>, right: &Spot<'_>, limits: Limits) -> Difference {
    of(&mut live(left), &mut live(right), limits)
}

/// The table's one chunk cut into several of `rows` rows.
fn cut(store: &mut Store, table: &str, rows: usize) -> BTreeMap<String, Vec<Piece>> {
    let stored = store
        .tables
        .iter_mut()
        .find(|t| t.name == table)
        .expect("the table");
    let whole: Vec<u8> = stored.chunks.concat();
    let lines: Vec<&[u8]> = whole.split_inclusive(|b| *b == b'\n').collect();
    // SQL is left whole: its pieces are only counted.
    if stored.load_sql.is_empty() {
        let all = stored.rows;
        let piece = |at: u64| Piece {
            file: format!("{table}.{at}"),
            rows: (all - at * rows as u64).min(rows as u64),
        };
        return [(
            table.to_string(),
            (0..all.div_ceil(rows as u64)).map(piece).collect(),
        )]
        .into();
    }
    let chunks: Vec<Vec<u8>> = lines.chunks(rows).map(<[&[u8]]>::concat).collect();
    let pieces = lines.chunks(rows).enumerate().map(|(at, lines)| Piece {
        file: format!("{table}.{at}"),
        rows: lines.len() as u64,
    });
    let pieces = pieces.collect();
    stored.chunks = chunks;
    [(table.to_string(), pieces)].into()
}

fn table<'d>(difference: &'d Difference, name: &str) -> &'d TableDifference {
    difference
        .tables
        .iter()
        .find(|t| t.name == name)
        .expect("the table")
}

fn keys(table: &TableDifference) -> Vec<(String, State)> {
    let keys = table.ranges.iter().flat_map(|r| &r.keys);
    keys.map(|k| (k.key.clone(), k.state)).collect()
}

fn named(keys: &[(&str, State)]) -> Vec<(String, State)> {
    keys.iter()
        .map(|(key, state)| (key.to_string(), *state))
        .collect()
}

fn equal_is_equal_however_it_is_kept(place: Place) {
    let one = place.with(ROWS);
    let other = place.with(ROWS);
    let digest = one.digest().digest;
    let scratch = tempfile::tempdir().expect("a folder");
    let (mut store, _) = dumped(&one, None);
    let pieces = cut(&mut store, "t", 300);
    let mut files = Files::new(
        &store as &dyn Source,
        pieces.clone(),
        scratch.path(),
        &mut silent(),
    )
    .expect("opens");
    let mut files_too =
        Files::new(&store as &dyn Source, pieces, scratch.path(), &mut silent()).expect("opens");
    for found in [
        between(&one, &other, SMALL),
        of(&mut files, &mut live(&other), SMALL),
        of(&mut live(&other), &mut files, SMALL),
        of(&mut files_too, &mut files, SMALL),
    ] {
        assert!(found.equal && found.tables.iter().all(|t| t.equal), "{found:?}");
        assert_eq!((&found.left, &found.right), (&digest, &digest));
        assert!(found.objects.is_empty() && found.counters.is_empty());
    }
}

fn rows_are_named_live_and_in_files(place: Place) {
    let one = place.with(ROWS);
    let other = place.with(ROWS);
    other.run("DELETE FROM t WHERE id = 7; UPDATE t SET s = 'x' WHERE id = 512; INSERT INTO t VALUES (2000, 'new', 0);");
    let expected = named(&[
        ("id=7", State::Missing),
        ("id=512", State::Different),
        ("id=2000", State::Extra),
    ]);
    let scratch = tempfile::tempdir().expect("a folder");
    let (mut store, _) = dumped(&one, None);
    let pieces = cut(&mut store, "t", 300);
    let mut files = Files::new(&store as &dyn Source, pieces, scratch.path(), &mut silent()).expect("opens");
    let in_files = of(&mut files, &mut live(&other), SMALL);
    let t = table(&in_files, "t");
    assert!(!in_files.equal && !t.equal && t.complete);
    assert_eq!(
        (t.differing, t.rows.left, t.rows.right),
        (3, Some(1000), Some(1000))
    );
    assert_eq!(keys(t), expected);
    let ranges: Vec<_> = t
        .ranges
        .iter()
        .map(|r| {
            (
                r.chunks.join(" "),
                r.from.as_deref(),
                r.to.as_deref(),
                r.rows_left,
                r.rows_right,
            )
        })
        .collect();
    assert_eq!(
        ranges,
        [
            ("t.0".to_string(), None, Some("id=300"), 300, 299),
            ("t.1".to_string(), Some("id=300"), Some("id=600"), 300, 300),
            ("t.3".to_string(), Some("id=900"), None, 100, 101),
        ]
    );
    // The other way round the ranges are the same, and the words are not.
    let turned = of(&mut live(&other), &mut files, SMALL);
    let t = table(&turned, "t");
    assert_eq!(
        keys(t),
        named(&[
            ("id=7", State::Extra),
            ("id=512", State::Different),
            ("id=2000", State::Missing)
        ])
    );
    assert_eq!(t.ranges[0].chunks, ["t.0"]);
    let both_live = between(&one, &other, SMALL);
    let t = table(&both_live, "t");
    assert_eq!(keys(t), expected);
    assert_eq!(
        (t.ranges[1].from.as_deref(), t.ranges[1].to.as_deref()),
        (Some("id=500"), Some("id=600"))
    );
    assert!(t.ranges.iter().all(|r| r.chunks.is_empty()));
}

fn rows_on_the_edge_of_ranges_are_named(place: Place) {
    let one = place.with(ROWS);
    let other = place.with(ROWS);
    // The first keys of ranges, on the one side, on the other, and new ones before the first and behind the last.
    other.run("DELETE FROM t WHERE id IN (0, 100, 200, 999); INSERT INTO t VALUES (-1, 'before', 0), (1000, 'behind', 0);");
    let expected = [
        ("id=-1", State::Extra),
        ("id=0", State::Missing),
        ("id=100", State::Missing),
        ("id=200", State::Missing),
        ("id=1000", State::Extra),
        ("id=999", State::Missing),
    ];
    let found = between(&one, &other, SMALL);
    let t = table(&found, "t");
    let sorted = |mut keys: Vec<(String, State)>| {
        keys.sort_by(|a, b| a.0.cmp(&b.0));
        keys
    };
    assert_eq!(sorted(keys(t)), sorted(named(&expected)));
    // Ranges whose beginnings the other side lacks are one.
    assert_eq!(
        (t.ranges[0].from.as_deref(), t.ranges[0].to.as_deref()),
        (None, Some("id=300"))
    );
    assert_eq!((t.ranges[0].rows_left, t.ranges[0].rows_right), (300, 298));
    // Nothing in common, and nothing at all.
    other.run("DELETE FROM t");
    let found = between(&one, &other, SMALL);
    let t = table(&found, "t");
    assert_eq!((t.differing, t.ranges.len(), keys(t).len()), (1000, 1, 20));
    let found = between(&other, &one, SMALL);
    let t = table(&found, "t");
    assert_eq!(
        (t.differing, t.rows.left, t.rows.right),
        (1000, Some(0), Some(1000))
    );
    assert!(keys(t).iter().all(|(_, state)| *state == State::Extra));
}

fn more_rows_than_may_be_held_are_matched_in_turns(place: Place) {
    let one = place.with(ROWS);
    let other = place.with(ROWS);
    other.run("UPDATE t SET s = 'x' WHERE id IN (3, 777)");
    let limits = Limits {
        held: 10,
        range: 1000,
        ..SMALL
    };
    let found = between(&one, &other, limits);
    let t = table(&found, "t");
    assert!(t.complete, "all turns were needed");
    assert_eq!(
        keys(t),
        named(&[("id=3", State::Different), ("id=777", State::Different)])
    );
    other.run("UPDATE t SET n = -1");
    let found = between(&one, &other, limits);
    let t = table(&found, "t");
    assert!(!t.complete && t.differing >= 20 && keys(t).len() == 20, "{t:?}");
}

fn without_a_key_rows_are_only_counted(place: Place) {
    let sql =
        "CREATE TABLE bag (a INTEGER, b VARCHAR(9)); INSERT INTO bag VALUES (1, 'x'), (1, 'x'), (2, 'y');";
    let one = place.with(sql);
    let other = place.with(sql);
    other.run("DELETE FROM bag WHERE a = 2");
    let found = between(&one, &other, SMALL);
    let bag = table(&found, "bag");
    assert_eq!(bag.unnamed, Some(Unnamed::NoKey));
    assert_eq!(
        (bag.rows.left, bag.rows.right, bag.ranges.len()),
        (Some(3), Some(2), 0)
    );
    let one = place.with(
        "CREATE TABLE k (a INTEGER NOT NULL PRIMARY KEY, b INTEGER NOT NULL); INSERT INTO k VALUES (1, 1)",
    );
    let other = place.with(
        "CREATE TABLE k (a INTEGER NOT NULL, b INTEGER NOT NULL PRIMARY KEY); INSERT INTO k VALUES (1, 2)",
    );
    assert_eq!(
        table(&between(&one, &other, SMALL), "k").unnamed,
        Some(Unnamed::OtherKey)
    );
}

fn other_columns_tables_and_definitions_are_told(place: Place) {
    let one = place.with(&format!(
        "{ROWS} CREATE TABLE gone (id INTEGER PRIMARY KEY); INSERT INTO gone VALUES (1), (2);"
    ));
    let other = place.with(&format!(
        "{ROWS} ALTER TABLE t ADD COLUMN more INTEGER DEFAULT 5; CREATE INDEX i ON t (s); CREATE TABLE fresh (id INTEGER PRIMARY KEY);
         UPDATE t SET s = 'x' WHERE id = 5;"
    ));
    let found = between(&one, &other, SMALL);
    // Through the columns that both have, one row differs and not a thousand.
    assert_eq!(keys(table(&found, "t")), named(&[("id=5", State::Different)]));
    assert!(table(&found, "t").other_columns && !table(&found, "gone").other_columns);
    for (name, left, right) in [("gone", Some(2), None), ("fresh", None, Some(0))] {
        let t = table(&found, name);
        assert_eq!(
            (t.unnamed, t.rows.left, t.rows.right),
            (Some(Unnamed::OneSide), left, right)
        );
    }
    let objects: BTreeMap<_, _> = found
        .objects
        .iter()
        .map(|o| (o.name.as_str(), (&o.left, &o.right)))
        .collect();
    for (name, left, right) in [
        ("index t.i", false, true),
        ("column t.more", false, true),
        ("table gone", true, false),
        ("table fresh", false, true),
    ] {
        let (l, r) = objects
            .get(name)
            .unwrap_or_else(|| panic!("{name} in {objects:?}"));
        assert_eq!((l.is_some(), r.is_some()), (left, right), "{name}");
    }
    assert!(!objects.contains_key("column t.s"));
}

fn values_are_shown_where_asked_for(place: Place) {
    let sql = "CREATE TABLE t (id INTEGER PRIMARY KEY, s VARCHAR(40), b BLOB, n INTEGER); INSERT INTO t VALUES (1, 'secret', X'00FF', NULL), (2, 'b', NULL, 3);";
    let one = place.with(sql);
    let other = place.with(sql);
    other.run("UPDATE t SET s = 'it''s', b = X'00FE', n = 7 WHERE id = 1; DELETE FROM t WHERE id = 2");
    let text = |d: &Difference| format!("{d:?}");
    assert!(!text(&between(&one, &other, SMALL)).contains("secret"));
    let found = between(
        &one,
        &other,
        Limits {
            values: true,
            ..SMALL
        },
    );
    let t = table(&found, "t");
    let values: Vec<_> = t.ranges[0]
        .keys
        .iter()
        .flat_map(|k| {
            k.values.iter().map(|v| {
                (
                    k.key.as_str(),
                    v.column.as_str(),
                    v.left.as_deref(),
                    v.right.as_deref(),
                )
            })
        })
        .collect();
    assert_eq!(
        values,
        [
            ("id=1", "b", Some("X'00FF'"), Some("X'00FE'")),
            ("id=1", "n", Some("NULL"), Some("7")),
            ("id=1", "s", Some("'secret'"), Some("'it''s'")),
            ("id=2", "b", Some("NULL"), None),
            ("id=2", "id", Some("2"), None),
            ("id=2", "n", Some("3"), None),
            ("id=2", "s", Some("'b'"), None),
        ]
    );
}

fn keys_are_told_apart_by_their_bytes(place: Place) {
    let table_sql = place.pick(
        "CREATE TABLE k (a TEXT COLLATE NOCASE, b BLOB, v INTEGER, PRIMARY KEY (b, a))",
        "CREATE TABLE k (a VARCHAR(20) COLLATE utf8mb4_general_ci, b VARBINARY(9), v INTEGER, PRIMARY KEY (b, a))",
    );
    let one = place.with(&format!(
        "{table_sql}; INSERT INTO k VALUES ('Ñandú', X'01', 1), ('a''b', X'02', 1);"
    ));
    let other = place.with(&format!(
        "{table_sql}; INSERT INTO k VALUES ('ñandú', X'01', 1), ('a''b', X'02', 2);"
    ));
    let found = between(&one, &other, SMALL);
    let mut told = keys(table(&found, "k"));
    told.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(
        told,
        named(&[
            ("b=X'01' AND a='Ñandú'", State::Missing),
            ("b=X'01' AND a='ñandú'", State::Extra),
            ("b=X'02' AND a='a''b'", State::Different),
        ])
    );
    // Each condition finds its row.
    let mut db = one.open();
    for (key, state) in &told {
        let rows = db
            .count(&format!("SELECT COUNT(*) FROM k WHERE {key}"))
            .expect("counts");
        assert!(*state == State::Extra || rows == 1, "{key}");
    }
}

#[test]
fn sqlite_rows_in_another_order_and_several_null_keys_are_no_difference() {
    let place = Place::sqlite();
    let create = "CREATE TABLE k (a TEXT PRIMARY KEY, v INTEGER);";
    let one = place.with(&format!(
        "{create} INSERT INTO k VALUES ('a', 1), ('b', 2), (NULL, 3), (NULL, 4), ('c', 5);"
    ));
    let other = place.with(&format!(
        "{create} INSERT INTO k VALUES ('c', 5), (NULL, 4), ('b', 2), (NULL, 3), ('a', 9);"
    ));
    let limits = Limits { range: 2, ..SMALL };
    let found = between(&one, &other, limits);
    assert_eq!(keys(table(&found, "k")), named(&[("a='a'", State::Different)]));
    other.run("DELETE FROM k WHERE v = 4; UPDATE k SET v = 1 WHERE a = 'a'");
    assert_eq!(
        keys(table(&between(&one, &other, limits), "k")),
        named(&[("a IS NULL", State::Different)])
    );
}

#[test]
fn mariadb_a_chunk_with_other_rows_than_its_manifest_says_is_told() {
    let place = Place::mariadb();
    let one = place.with(ROWS);
    let scratch = tempfile::tempdir().expect("a folder");
    let (mut store, _) = dumped(&one, None);
    let mut pieces = cut(&mut store, "t", 300);
    pieces.get_mut("t").expect("pieces")[1].rows = 299;
    let mut files = Files::new(&store as &dyn Source, pieces, scratch.path(), &mut silent()).expect("opens");
    let error = compare(&mut files, &mut live(&one), SMALL, &mut silent()).expect_err("told");
    assert!(matches!(error, db::Error::Differs(_)), "{error:?}");
    assert!(
        error.to_string().contains("t.1 holds 300 rows of table t"),
        "{error}"
    );
}
