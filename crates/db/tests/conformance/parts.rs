//! Big tables are read in parts by several connections: every row in exactly one of them, whatever the key looks like.

use super::place::Place;
use super::store::{dumped, loaded};
use db::dump::{Chunk, Phase, Sink, dump};
use db::reading::Range;
use db::row::Visit;
use db::schema::{Schema, Table};
use db::{Cell, Database, Dialect, Error, Identity, Result, Session, digest};

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

/// A connection that divides the tables by the ranges that it is told.
struct Divided {
    inner: Box<dyn Database>,
    parts: Vec<Range>,
}

impl Database for Divided {
    fn parts(&mut self, schema: &Schema) -> Result<Vec<Vec<Range>>> {
        Ok(schema.tables.iter().map(|_| self.parts.clone()).collect())
    }

    fn dialect(&self) -> Dialect {
        self.inner.dialect()
    }

    fn identity(&mut self) -> Result<Identity> {
        self.inner.identity()
    }

    fn inspect(&mut self) -> Result<Schema> {
        self.inner.inspect()
    }

    fn begin_snapshot(&mut self, schema: &Schema) -> Result<()> {
        self.inner.begin_snapshot(schema)
    }

    fn end_snapshot(&mut self) -> Result<()> {
        self.inner.end_snapshot()
    }

    fn visit(
        &mut self,
        table: &Table,
        columns: &[String],
        range: Option<&str>,
        visitor: &mut dyn Visit,
    ) -> Result<u64> {
        self.inner.visit(table, columns, range, visitor)
    }

    fn execute(&mut self, sql: &str) -> Result<u64> {
        self.inner.execute(sql)
    }

    fn query(&mut self, sql: &str) -> Result<Vec<Vec<Cell>>> {
        self.inner.query(sql)
    }

    fn load_chunk(
        &mut self,
        _: &Table,
        _: &mut (dyn std::io::Read + Send),
        _: Option<u64>,
        _: Option<&str>,
    ) -> Result<u64> {
        unreachable!("it is read only")
    }

    fn begin_load(&mut self) -> Result<()> {
        unreachable!("it is read only")
    }

    fn end_load(&mut self) -> Result<()> {
        unreachable!("it is read only")
    }

    fn connection_id(&self) -> Option<u64> {
        self.inner.connection_id()
    }
}

/// Takes everything and keeps nothing.
struct Nowhere;

impl Sink for Nowhere {
    fn schema(&self, _: Phase, _: &str, _: &str) -> Result<()> {
        Ok(())
    }

    fn table(&self, _: &Table, _: &str) -> Result<()> {
        Ok(())
    }

    fn chunk(&self, _: usize) -> Result<Box<dyn Chunk + '_>> {
        Ok(Box::new(Nothing))
    }

    fn table_done(&self, _: usize, _: u64, _: &str) -> Result<()> {
        Ok(())
    }
}

struct Nothing;

impl std::io::Write for Nothing {
    fn write(&mut self, buffer: &[u8]) -> std::io::Result<usize> {
        Ok(buffer.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Chunk for Nothing {
    fn finish(self: Box<Self>, _: &db::dump::ChunkEnd) -> Result<()> {
        Ok(())
    }
}

#[test]
fn rows_that_lie_in_no_part_or_in_two_are_found() {
    let place = Place::mariadb();
    let original = place.with(
        "CREATE TABLE t (id INT PRIMARY KEY) WITH SYSTEM VERSIONING; INSERT INTO t SELECT seq FROM seq_1_to_30; DELETE FROM t WHERE id<10;",
    );
    let range = |after: Option<u32>, until: Option<u32>| Range {
        column: "`id`".into(),
        after: after.map(|n| n.to_string()),
        until: until.map(|n| n.to_string()),
    };
    let cases = [
        (vec![range(None, Some(10)), range(Some(10), None)], true),
        (vec![range(None, Some(10)), range(Some(11), None)], false),
        (vec![range(None, Some(10)), range(Some(9), None)], false),
        (vec![range(None, Some(10)), range(Some(10), Some(29))], false),
    ];
    for (parts, right) in cases {
        let mut db = Divided {
            inner: original.open(),
            parts,
        };
        let silent = &mut db::progress::silent();
        let digest = digest::compute(&mut db, None, silent);
        let dumped =
            dump(&mut db, None, &Nowhere, db::Throttle::new(None), silent).map(|dumped| dumped.digest);
        for outcome in [digest, dumped] {
            match outcome {
                Ok(found) => assert!(right && found.rows() == 30, "{:?}", db.parts),
                Err(error @ Error::Differs(_)) => assert!(
                    !right && error.to_string().contains("table t: ") && error.to_string().ends_with(" 30"),
                    "{error}"
                ),
                Err(other) => panic!("{other}"),
            }
        }
    }
}
