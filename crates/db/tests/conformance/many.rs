//! Many small tables: what a server is asked for each of them is a fixed number of statements.

use super::place::{OwnServer, Spot};
use super::store::{dumped, loaded};

/// A table of each kind that is asked for more than others: keys, foreign keys, checks, partitions.
fn tables(count: usize) -> String {
    let table = |n: usize| {
        let more = match n % 4 {
            1 => format!(", CONSTRAINT f{n} FOREIGN KEY (v) REFERENCES t{} (id))", n - 1),
            2 => ", CHECK (v >= 0))".into(),
            3 => ") PARTITION BY HASH (id) PARTITIONS 2".into(),
            _ => ")".into(),
        };
        format!(
            "CREATE TABLE t{n} (id INT NOT NULL PRIMARY KEY, v INT, KEY v (v), UNIQUE KEY u (id, v){more}; \
             INSERT INTO t{n} VALUES (1, 1), (2, 1);"
        )
    };
    (0..count).map(table).collect()
}

/// Statements that `work` makes the server run, preparing one and closing it included.
fn statements(server: &OwnServer, work: impl FnOnce()) -> u64 {
    let asked = || -> u64 {
        let rows = server.query("SHOW GLOBAL STATUS LIKE 'Queries'");
        let number = rows.first().and_then(|r| r[1].clone()).expect("a number");
        number.parse().expect("a number")
    };
    let before = asked();
    work();
    asked() - before
}

#[test]
fn a_table_costs_a_server_a_fixed_number_of_statements() {
    let server = OwnServer::start();
    let mut asked = Vec::new();
    // Multiples of four kinds of tables, and of what one statement locks on each of two readers.
    for count in [100, 400] {
        let spot = Spot::MariaDb(server.schema("h_many"));
        spot.run(&tables(count));
        let digest = statements(&server, || drop(spot.digest()));
        assert_eq!(alone(&spot), spot.digest());
        let mut store = None;
        let dump = statements(&server, || store = Some(dumped(&spot, None).0));
        let copy = Spot::MariaDb(server.schema("h_many_copy"));
        let load = statements(&server, || {
            loaded(&store.expect("a dump"), &mut *copy.open(), false).expect("loads");
        });
        assert_eq!(copy.digest(), spot.digest());
        asked.push([digest, dump, load]);
    }
    let more = |work: usize| asked[1][work] - asked[0][work];
    let tables = 300;
    // Its statement twice, and its rows; every fifty are locked in one statement for the caller, then for a reader.
    let read = tables * (2 + ROWS) + 2 * tables / 50;
    assert_eq!([more(0), more(1)], [read, read]);
    // Created with its keys, loaded in a transaction with a look at the warnings; a quarter has foreign keys.
    assert_eq!(more(2), tables * 5 + tables / 4);
}

/// The digest over one connection, which holds the locks of all tables.
fn alone(spot: &Spot<'_>) -> db::Digest {
    let mut one = db::open(&spot.address(), &db::Session::default()).expect("opens");
    db::digest::compute(&mut *one, None, &mut db::progress::silent()).expect("a digest")
}

/// Statements that read the rows of a table: prepared, run and closed.
const ROWS: u64 = 3;
