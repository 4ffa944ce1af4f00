//! Big tables are read in parts by several connections: every row in exactly one of them, whatever the key looks like.

use super::place::Place;
use super::store::{dumped, loaded};
use db::{Session, digest};

/// Tables of some hundred KiB whose keys are hard to divide.
const TABLES: &[&str] = &[
    "CREATE TABLE gaps (id INT PRIMARY KEY, s VARCHAR(400));
     INSERT INTO gaps SELECT IF(seq <= 1500, CAST(seq AS SIGNED) - 1000000, 2000000000 + seq), REPEAT(seq, 40) FROM seq_1_to_3000;",
    "CREATE TABLE skewed (id BIGINT UNSIGNED PRIMARY KEY, s VARCHAR(400));
     INSERT INTO skewed SELECT seq, REPEAT(seq, 40) FROM seq_1_to_3000;
     INSERT INTO skewed VALUES (18446744073709551615, 'last'), (9223372036854775808, 'middle'), (0, 'first');",
    "CREATE TABLE pairs (a SMALLINT, b INT, s VARCHAR(400), PRIMARY KEY (a, b));
     INSERT INTO pairs SELECT CAST(seq % 7 AS SIGNED) - 3, seq, REPEAT(seq, 40) FROM seq_1_to_3000;",
    "CREATE TABLE words (w VARCHAR(60) CHARACTER SET latin1 COLLATE latin1_spanish_ci PRIMARY KEY, s VARCHAR(400));
     INSERT INTO words SELECT CONCAT(CHAR(65 + seq % 26 + IF(seq % 2, 32, 0) USING latin1), _latin1 X'F1', '''\\\\', seq), REPEAT(seq, 40) FROM seq_1_to_3000;",
    "CREATE TABLE hashes (h BINARY(20) PRIMARY KEY, s VARCHAR(400)); INSERT INTO hashes SELECT UNHEX(SHA1(seq)), REPEAT(seq, 40) FROM seq_1_to_3000;",
    "CREATE TABLE ids (u UUID PRIMARY KEY, s VARCHAR(400)); INSERT INTO ids SELECT CONCAT(LEFT(MD5(seq), 12), '4', SUBSTR(MD5(seq), 14, 3), '8', SUBSTR(MD5(seq), 18, 15)), REPEAT(seq, 40) FROM seq_1_to_3000;",
];

#[test]
fn every_row_is_in_exactly_one_part() {
    let place = Place::mariadb();
    let original = place.with(&TABLES.join("\n"));
    original.run("ANALYZE TABLE gaps, skewed, pairs, words, hashes, ids");
    let alone = {
        let mut db = db::open(&original.address(), &Session::default()).expect("opens");
        digest::compute(&mut *db, None, &mut db::progress::silent()).expect("a digest")
    };
    assert_eq!(alone.rows(), 6 * 3000 + 3);
    assert_eq!(original.digest(), alone, "divided or not, the digest is one");

    let (store, dumped) = dumped(&original, None);
    assert_eq!(dumped.digest, alone);
    assert_eq!(dumped.snapshot.get("readers").map(String::as_str), Some("2"));
    for table in &store.tables {
        let ranges: Vec<_> = table.ends.iter().flatten().map(|end| &end.range).collect();
        assert!(ranges.len() > 2, "{} is in {} parts", table.name, ranges.len());
        assert_eq!(
            (&ranges[0].after, &ranges[ranges.len() - 1].until),
            (&None, &None),
            "{}",
            table.name
        );
        for pair in ranges.windows(2) {
            assert!(
                pair[0].until.is_some() && pair[0].until == pair[1].after,
                "{}: {pair:?}",
                table.name
            );
        }
        let sum = table
            .ends
            .iter()
            .flatten()
            .fold(digest::RowSum::default(), |all, end| all.plus(end.sum));
        assert_eq!(sum.rows, table.rows, "{}", table.name);
    }

    let copy = place.empty();
    assert_eq!(
        loaded(&store, &mut *copy.open(), false).expect("loads"),
        alone.rows()
    );
    assert_eq!(copy.digest(), alone);
}
