//! A person with nothing but the stock client can load a dump.

use super::place::{Place, Spot};
use super::store::dumped;
use std::io::Write;
use std::process::{Command, Stdio};

fn feed(mut client: Command, input: &[u8]) {
    let mut child = client
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the client starts");
    child
        .stdin
        .take()
        .expect("piped")
        .write_all(input)
        .expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn mariadb_loads_the_files_in_their_order() {
    loads_with_the_stock_client(&Place::mariadb(), include_str!("mariadb.sql"));
}

#[test]
fn mariadb_loads_history_sequences_packages_and_every_type() {
    loads_with_the_stock_client(&Place::mariadb(), include_str!("exact.sql"));
}

#[test]
fn mysql_loads_the_files_in_their_order() {
    if let Some(place) = Place::mysql() {
        loads_with_the_stock_client(&place, place.everything());
    }
}

fn loads_with_the_stock_client(place: &Place, sql: &str) {
    let original = place.with(sql);
    let (store, dumped) = dumped(&original, None);
    let copy = place.empty();
    let Spot::MariaDb(schema) = &copy else {
        unreachable!()
    };
    let client = || {
        let mut client = schema.server().client();
        client.args(["--local-infile=1", "--comments", schema.name()]);
        client
    };
    let folder = tempfile::tempdir().expect("a folder");
    let (tables, rest) = store.files.split_first().expect("files");
    assert_eq!(tables.0, "100-tables");
    feed(client(), tables.1.as_bytes());
    for table in &store.tables {
        for (n, chunk) in table.chunks.iter().enumerate() {
            let file = folder.path().join(format!("chunk{n}"));
            std::fs::write(&file, chunk).expect("writes");
            let load = table.load_sql.replace("{file}", file.to_str().expect("UTF-8"));
            // The settings at the head of each file are those under which the rows are meant.
            let head: String = tables
                .1
                .lines()
                .take_while(|l| !l.starts_with("ALTER DATABASE"))
                .map(|l| format!("{l}\n"))
                .collect();
            feed(client(), format!("{head}{load};\n").as_bytes());
        }
    }
    for (_, sql) in rest {
        // Views call functions by the schema's name only if their author wrote it.
        feed(client(), sql.as_bytes());
    }
    assert_eq!(dumped.digest.differences(&copy.digest()), Vec::<String>::new());
    assert_eq!(dumped.digest, copy.digest());
}

#[test]
fn sqlite3_loads_the_files_in_their_order() {
    let place = Place::sqlite();
    // The shell reads CR LF as LF, in values and in definitions.
    let sql = include_str!("sqlite.sql").to_owned()
        + "CREATE TABLE crlf (id INTEGER PRIMARY KEY,\r\n s TEXT DEFAULT 'a\r\nb');\r\n\
           CREATE INDEX by_crlf ON crlf (s) WHERE s <> 'a\r\r\nb';\
           INSERT INTO crlf VALUES (1, 'x\r\ny'), (2, 'x\ry\n'), (3, CAST('x\r\ny' AS BLOB)), (4, '\r\n');\
           CREATE VIEW seen AS SELECT 'a\r\nb' AS s;\
           CREATE TRIGGER tells AFTER DELETE ON crlf BEGIN\r\n INSERT INTO crlf (s) VALUES ('c\r\nd'); END;";
    let original = place.with(&sql);
    let (store, dumped) = dumped(&original, None);
    let copy = place.empty();
    let mut sql = Vec::new();
    sql.extend_from_slice(store.files[0].1.as_bytes());
    for table in &store.tables {
        sql.extend(table.chunks.concat());
    }
    for (_, file) in &store.files[1..] {
        sql.extend_from_slice(file.as_bytes());
    }
    let mut shell = Command::new(testkit::program::find("sqlite3").expect("package sqlite3"));
    shell.arg("-bail").arg(copy.path());
    feed(shell, &sql);
    assert_eq!(dumped.digest.differences(&copy.digest()), Vec::<String>::new());
    assert_eq!(dumped.digest, copy.digest());
    let definitions = "SELECT type, name, RTRIM(sql, CHAR(10)) FROM sqlite_master ORDER BY type, name";
    assert_eq!(
        copy.open().query(definitions).expect("reads"),
        original.open().query(definitions).expect("reads")
    );
}
