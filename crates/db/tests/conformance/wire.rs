//! Our own client of the protocol, against a real server: with a driver as the oracle, and when things break.

use super::place::{OwnServer, Place, Spot, in_every_dialect};
use db::mariadb::wire::{Fault, Options, Wire};
use db::row::{Gather, LONG, Value, Visit};
use db::{Address, Cell, Database, Error, Result, Secret, Session};
use mysql::prelude::Queryable;
use std::io::Read;
use std::time::Duration;
use testkit::fault::{Proxy, Rule};
use testkit::mariadb::MariaDb;

mod big;
mod corpus;
mod login;

fn connected(port: u16, silence: Option<Duration>) -> Wire {
    let password = Secret::new(String::new());
    let mut wire = Wire::connect(&Options {
        host: "127.0.0.1",
        port,
        user: "root",
        password: &password,
        attributes: &[],
        silence,
    })
    .expect("connects");
    // Sequences are tables of any schema.
    wire.execute("USE mysql").expect("uses");
    wire
}

/// Calls a function with each row.
struct Each<F>(Vec<Cell>, F);

impl<F: FnMut(&[Cell]) -> Result<()>> Visit for Each<F> {
    fn value(&mut self, column: usize, value: Value<'_>) -> Result<()> {
        assert_eq!(column, self.0.len());
        self.0.push(value.to_cell());
        Ok(())
    }

    fn long(&mut self, column: usize, text: bool, length: u64, data: &mut dyn Read) -> Result<()> {
        assert!(length > LONG, "{length} bytes are not long");
        let mut bytes = Vec::new();
        data.read_to_end(&mut bytes)
            .map_err(|e| Error::io("reading", e))?;
        assert_eq!((column, bytes.len() as u64), (self.0.len(), length));
        self.0.push(if text {
            Cell::Text(bytes)
        } else {
            Cell::Bytes(bytes)
        });
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        (self.1)(&std::mem::take(&mut self.0))
    }
}

fn streamed(wire: &mut Wire, sql: &str) -> Vec<Vec<Cell>> {
    let mut rows = Vec::new();
    let mut each = Each(Vec::new(), |row: &[Cell]| {
        rows.push(row.to_vec());
        Ok(())
    });
    let count = wire.stream(sql, &mut each).expect("streams");
    assert_eq!(count, rows.len() as u64);
    rows
}

fn cell(value: mysql::Value) -> Cell {
    match value {
        mysql::Value::NULL => Cell::Null,
        mysql::Value::Bytes(b) => Cell::Bytes(b),
        mysql::Value::Int(v) => Cell::Int(v),
        mysql::Value::UInt(v) => Cell::UInt(v),
        mysql::Value::Float(v) => Cell::Float(v),
        mysql::Value::Double(v) => Cell::Double(v),
        mysql::Value::Date(y, m, d, h, i, s, us) => Cell::Date(y, m, d, h, i, s, us),
        mysql::Value::Time(negative, days, h, m, s, us) => Cell::Time(negative, days, h, m, s, us),
    }
}

#[test]
fn every_value_is_what_the_driver_makes_of_it() {
    let place = Place::mariadb();
    let original = place.with(include_str!("mariadb.sql"));
    let port = MariaDb::shared().port();
    let options = mysql::OptsBuilder::new()
        .ip_or_hostname(Some("127.0.0.1"))
        .tcp_port(port)
        .prefer_socket(false)
        .user(Some("root"));
    let mut driver = mysql::Conn::new(options).expect("the driver connects");
    let mut wire = connected(port, None);
    for setting in [
        "SET NAMES utf8mb4, character_set_results=binary, time_zone='+00:00'",
        &format!("USE `{}`", original.name()),
    ] {
        driver.query_drop(setting).expect("sets");
        wire.execute(setting).expect("sets");
    }
    let tables = wire
        .query("SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA=DATABASE() AND TABLE_TYPE='BASE TABLE'")
        .expect("tables");
    assert!(tables.len() > 12);
    let mut queries: Vec<String> = tables
        .iter()
        // Computed from the clock.
        .map(|t| t[0].to_text().expect("a name"))
        .filter(|name| name != "generated")
        .map(|name| format!("SELECT * FROM `{}`", name.replace('`', "``")))
        .collect();
    queries.extend(
        [
            "SELECT CAST(s64 AS UNSIGNED), CAST(e AS UNSIGNED), NULL, e FROM members",
            "SELECT 1, -1, 1.5, 1e0, 'a', x'00', TRUE, CURRENT_DATE - INTERVAL 1 DAY, TIMEDIFF('00:00:00', '10:00:00.5')",
            "SELECT POINT(1, 2), INET6_ATON('::1'), UUID() IS NULL, JSON_OBJECT('a', 1), CAST(1 AS DECIMAL(65, 30))",
            "SELECT REPEAT('x', seq) FROM seq_248_to_254",
            "SELECT REPEAT('x', seq) FROM seq_65533_to_65538",
            "SELECT REPEAT('ab', 150000), 1, REPEAT('c', 300000)",
            "SELECT 1 FROM numbers WHERE id > 100",
        ]
        .map(String::from),
    );
    let cells = |rows: Vec<mysql::Row>| -> Vec<Vec<Cell>> {
        rows.into_iter()
            .map(|r| r.unwrap().into_iter().map(cell).collect())
            .collect()
    };
    let mut rows = 0;
    for sql in queries {
        let binary = cells(driver.exec(&sql, ()).expect("executes"));
        let text = cells(driver.query(&sql).expect("queries"));
        rows += binary.len();
        // NaN is in no table, so that equality holds.
        assert!(binary == streamed(&mut wire, &sql), "{sql}");
        assert!(binary == wire.bound(&sql, &[]).expect("executes"), "{sql}");
        assert!(text == wire.query(&sql).expect("queries"), "{sql}");
    }
    assert!(rows > 50, "{rows} rows");
    for sql in ["SELECT ?, LENGTH(?), ? IS NULL", "SELECT CONCAT(?, ?), HEX(?)"] {
        let values: [&[u8]; 3] = ["ñ'\\".as_bytes(), b"", &[b'x'; 70000]];
        let params = values.map(|v| mysql::Value::Bytes(v.to_vec())).to_vec();
        let oracle = cells(driver.exec(sql, params).expect("executes"));
        assert!(oracle == wire.bound(sql, &values).expect("executes"), "{sql}");
    }
}

#[test]
fn a_statement_s_error_leaves_the_connection_as_it_was() {
    let mut wire = connected(MariaDb::shared().port(), None);
    let number = |fault: Fault| match fault {
        Fault::Server { number, .. } => number,
        other => panic!("{other:?}"),
    };
    let late = "SELECT seq, IF(seq < 50000, 1, (SELECT seq FROM seq_1_to_2)) FROM seq_1_to_50000";
    let mut rows = 0u32;
    let mut count = Each(Vec::new(), |_: &[Cell]| {
        rows += 1;
        Ok(())
    });
    assert_eq!(
        number(wire.stream(late, &mut count).expect_err("in the last row")),
        1242
    );
    assert_eq!(rows, 49_999);
    assert_eq!(number(wire.query(late).expect_err("in the last row")), 1242);
    assert_eq!(number(wire.execute("SELECTED").expect_err("syntax")), 1064);
    assert_eq!(
        number(
            wire.bound("SELECT ? FROM nothing.there", &[b"x"])
                .expect_err("no table")
        ),
        1146
    );
    assert!(matches!(wire.bound("SELECT ?", &[]), Err(Fault::Refused(_))));
    // One command is one statement.
    assert_eq!(
        number(wire.execute("DO 1; DO 2").expect_err("two statements")),
        1064
    );
    assert_eq!(streamed(&mut wire, "SELECT 5"), [[Cell::Int(5)]]);
}

#[test]
fn a_procedure_s_further_answers_are_passed_over() {
    let place = Place::mariadb();
    let spot = place.with(
        "CREATE TABLE t (n INT);\nDELIMITER //\nCREATE PROCEDURE p() BEGIN SELECT 1; SELECT 2, 3; INSERT INTO t VALUES (1), (2); END//",
    );
    let mut wire = connected(MariaDb::shared().port(), None);
    wire.execute(&format!("USE `{}`", spot.name())).expect("uses");
    assert_eq!(
        wire.query("CALL p()").expect("calls"),
        [[Cell::Bytes(b"1".to_vec())]]
    );
    assert_eq!(streamed(&mut wire, "CALL p()"), [[Cell::Int(1)]]);
    wire.execute("CALL p()").expect("calls");
    assert_eq!(
        wire.execute("UPDATE t SET n = n + 1 WHERE n > 1")
            .expect("updates"),
        3
    );
    assert_eq!(
        wire.execute("UPDATE t SET n = 9 WHERE n = 9").expect("updates"),
        0
    );
}

in_every_dialect!(a_range_is_what_is_visited);

fn a_range_is_what_is_visited(place: Place) {
    let spot = place.with("CREATE TABLE t (id INTEGER PRIMARY KEY, s VARCHAR(9)); INSERT INTO t VALUES (1,'a'),(2,'b'),(3,NULL),(4,'d');");
    let mut db = spot.open();
    let table = db.inspect().expect("inspects").tables.remove(0);
    let columns = ["s".to_string(), "id".to_string()];
    let mut ids = Vec::new();
    let mut each = Each(Vec::new(), |row: &[Cell]| {
        ids.push((row[0].to_text(), row[1].as_i64()));
        Ok(())
    });
    let range = Some("id > 1 AND id <= 3");
    assert_eq!(db.visit(&table, &columns, range, &mut each).expect("visits"), 2);
    assert_eq!(ids, [(Some("b".into()), Some(2)), (None, Some(3))]);
    fn moved<T: Send>(_: &T) {}
    moved(&db);
}

/// Far more than all buffers on the way hold.
const MANY: &str = "SELECT seq, REPEAT('x', 200) FROM seq_1_to_1000000";

#[test]
fn a_connection_that_is_cut_between_rows_is_lost() {
    let server = MariaDb::shared();
    let proxy = Proxy::to(server.port());
    let mut wire = connected(proxy.port(), None);
    let mut rows = 0u32;
    let mut cut = Each(Vec::new(), |_: &[Cell]| {
        rows += 1;
        if rows == 1000 {
            proxy.cut();
        }
        Ok(())
    });
    let fault = wire.stream(MANY, &mut cut).expect_err("cut");
    assert!(matches!(fault, Fault::Lost(_)), "{fault:?}");
    assert!((1000..1_000_000).contains(&rows));
    let later = wire.query("SELECT 1").expect_err("given up");
    assert!(
        matches!(&later, Fault::Lost(text) if text.contains("given up before")),
        "{later:?}"
    );
}

#[test]
fn a_server_that_stalls_between_rows_is_lost_at_last() {
    let place = Place::mariadb();
    let spot = place.with("CREATE TABLE t (id INT PRIMARY KEY, s VARCHAR(200)); INSERT INTO t SELECT seq, REPEAT('x', 200) FROM seq_1_to_200000");
    let proxy = Proxy::to(MariaDb::shared().port());
    let mut db = behind(&proxy, &spot);
    let table = db.inspect().expect("inspects").tables.remove(0);
    // Not before: between the rows of a catalog a busy server may rest.
    db.limit_silence(Some(Duration::from_millis(300)))
        .expect("limits");
    let error = db
        .visit(
            &table,
            &["id".into(), "s".into()],
            None,
            &mut Gather::new(|row: &[Cell]| {
                if row[0] == Cell::Int(100) {
                    proxy.set(Rule::Stall);
                }
                Ok(())
            }),
        )
        .expect_err("stalled");
    assert!(
        matches!(&error, Error::Lost { why, .. } if why.contains("sent nothing for 300ms")),
        "{error:?}"
    );
    let later = db.execute("DO 1").expect_err("given up");
    assert!(matches!(later, Error::Lost { .. }), "{later:?}");
}

#[test]
fn a_table_that_somebody_changes_under_a_view_says_what_to_do() {
    let place = Place::mariadb();
    let spot = place.with("CREATE TABLE t (id INT PRIMARY KEY)");
    let proxy = Proxy::to(MariaDb::shared().port());
    let mut db = behind(&proxy, &spot);
    db.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")
        .expect("begins");
    MariaDb::shared().query(&format!("ALTER TABLE {}.t ADD COLUMN b INT, FORCE", spot.name()));
    let error = db.query("SELECT * FROM t").expect_err("changed");
    assert!(matches!(error, Error::Server { number: 1412, .. }), "{error:?}");
    let hint = error.hint().unwrap_or_default();
    assert!(
        hint.contains("another session has changed") && hint.contains("PROCESSLIST"),
        "{hint}"
    );
}

/// Before its first row a statement may be silent for any time, as long as the server says that it is at work on it.
#[test]
fn a_server_that_is_at_work_is_told_from_a_way_that_is_dead() {
    let place = Place::mariadb();
    let spot = place.with("CREATE TABLE t (id INT PRIMARY KEY)");
    let proxy = Proxy::to(MariaDb::shared().port());
    let url = format!("mysql://root@127.0.0.1:{}/{}", proxy.port(), spot.name());
    let session = Session {
        silence: Some(Duration::from_millis(300)),
        ..Session::default()
    };
    let address = Address::parse(&url).expect("parses");
    let mut db = db::mariadb::MariaDb::open(&address, &session).expect("opens");
    let slept = db.query("SELECT SLEEP(1.5)").expect("is waited for");
    assert_eq!(slept, [[Cell::Bytes(b"0".to_vec())]]);

    // The server answers, and the answer never arrives; nor does a second connection.
    proxy.set(Rule::Stall);
    let error = db.query("SELECT 1").expect_err("stalled");
    assert!(
        matches!(&error, Error::Lost { target, why, .. } if why.contains("sent nothing for 300ms, and a second connection fails too")
            && target.contains(&proxy.port().to_string())),
        "{error:?}"
    );
    assert!(
        error
            .hint()
            .is_some_and(|hint| hint.contains("the same command again"))
    );
}

/// The question after a silent session takes a second connection, and the server may have none to give: it is there, and
/// whether it is at work is not known.
#[test]
fn a_server_that_refuses_the_question_is_waited_for_but_not_for_ever() {
    let full = OwnServer::start_with(MariaDb::options().arg("--max-connections=10"));
    full.query("CREATE USER app@'%'; CREATE USER once@'%' WITH MAX_USER_CONNECTIONS 1");
    let wire = |user: &str, silence: u64| {
        let password = Secret::new(String::new());
        let options = Options {
            host: "127.0.0.1",
            port: full.port(),
            user,
            password: &password,
            attributes: &[],
            silence: Some(Duration::from_millis(silence)),
        };
        Wire::connect(&options)
    };
    let waited = |wire: &mut Wire| wire.query("SELECT SLEEP(1.5)");
    let slept = [[Cell::Bytes(b"0".to_vec())]];
    let gives_up = |wire: &mut Wire, word: &str| {
        let fault = wire.query("SELECT SLEEP(1000)").expect_err("not for ever");
        assert!(
            matches!(&fault, Fault::Lost(why) if why.contains("refused 72 times") && why.contains(word)
                && why.contains("MAX_USER_CONNECTIONS")),
            "{fault:?}"
        );
    };

    // The account's only connection.
    let mut only = wire("once", 300).expect("connects");
    assert_eq!(waited(&mut only).expect("is waited for"), slept);
    only.limit_silence(Some(Duration::from_millis(10)))
        .expect("limits");
    gives_up(&mut only, "server error 1226");

    // The server is full.
    let mut others = vec![wire("app", 300).expect("connects")];
    while let Ok(one) = wire("app", 300) {
        others.push(one);
    }
    assert!(others.len() > 5, "full too soon");
    assert_eq!(waited(&mut others[0]).expect("is waited for"), slept);
    others[0]
        .limit_silence(Some(Duration::from_millis(10)))
        .expect("limits");
    gives_up(&mut others[0], "server error 1040");
}

fn behind(proxy: &Proxy, spot: &Spot<'_>) -> db::mariadb::MariaDb {
    let url = format!("mysql://root@127.0.0.1:{}/{}", proxy.port(), spot.name());
    let address = Address::parse(&url).expect("parses");
    db::mariadb::MariaDb::open(&address, &Session::default()).expect("opens")
}

#[test]
fn a_visitor_that_fails_gives_the_connection_up() {
    let mut wire = connected(MariaDb::shared().port(), None);
    let mut full = Each(Vec::new(), |_: &[Cell]| {
        Err(Error::io("writing a chunk", "no space left"))
    });
    let fault = wire.stream(MANY, &mut full).expect_err("stopped");
    assert!(matches!(fault, Fault::Stopped(Error::Io { .. })), "{fault:?}");
    let later = wire.query("SELECT 1").expect_err("given up");
    assert!(
        matches!(&later, Fault::Lost(text) if text.contains("no space left")),
        "{later:?}"
    );
}

#[test]
fn a_killed_query_is_an_error_and_a_killed_connection_is_lost() {
    let server = OwnServer::start();
    let mut wire = connected(server.port(), None);
    let id = wire.connection_id();
    let mut kill = Each(Vec::new(), |row: &[Cell]| {
        if row[0] == Cell::Int(10) {
            server.query(&format!("KILL QUERY {id}"));
        }
        Ok(())
    });
    let fault = wire.stream(MANY, &mut kill).expect_err("killed");
    assert!(matches!(fault, Fault::Server { number: 1317, .. }), "{fault:?}");
    wire.execute("DO 1").expect("goes on");
    server.query(&format!("KILL {id}"));
    // The server may still say that it killed the connection before it is gone.
    let first = wire.execute("DO 1").expect_err("killed");
    assert!(
        matches!(first, Fault::Lost(_) | Fault::Server { number: 1927, .. }),
        "{first:?}"
    );
    let then = wire.execute("DO 1").expect_err("killed");
    assert!(matches!(then, Fault::Lost(_)), "{then:?}");
}
