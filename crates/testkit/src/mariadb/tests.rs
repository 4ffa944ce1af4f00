use super::*;

#[test]
fn a_schema_is_ours_and_goes_with_the_test() {
    let server = MariaDb::shared();
    let schema = server.schema("it");
    let name = schema.name().to_owned();
    schema.query(
        "CREATE TABLE t (a INT, b TEXT); INSERT INTO t VALUES (1, 'x'), (2, NULL), (3, 'NULL'), (4, '')",
    );
    let rows = schema.query("SELECT b FROM t ORDER BY a");
    let text = |text: &str| vec![Some(text.to_owned())];
    assert_eq!(rows, [text("x"), vec![None], text("NULL"), text("")]);
    server.query(&format!("CREATE DATABASE `{name}__scratch`"));
    drop(schema);
    assert!(server.query(&format!("SHOW DATABASES LIKE '{name}%'")).is_empty());
}

#[test]
fn values_come_back_as_they_are() {
    let server = MariaDb::shared();
    let text = "á ñ 🙂 李 <row> & \"q\" 'q' \\ \t\n </field>";
    let sql = format!("SELECT '{}'", text.replace('\\', "\\\\").replace('\'', "''"));
    assert_eq!(server.value(&sql).as_deref(), Some(text));
    assert_eq!(server.value("SELECT NULL"), None);
    assert_eq!(
        server.value("SELECT @@character_set_server").as_deref(),
        Some("utf8mb4")
    );
    assert_eq!(server.query("SELECT 1 FROM DUAL WHERE FALSE"), Rows::new());
}

#[test]
fn an_error_of_the_server_is_told() {
    let error = MariaDb::shared()
        .try_query(None, "SELECT * FROM nowhere.t")
        .unwrap_err();
    assert!(format!("{error:#}").contains("ERROR 1146"), "{error:#}");
}

#[test]
fn a_refused_write_is_told_to_its_user() {
    let server = MariaDb::shared();
    let schema = server.schema("it");
    schema.query("CREATE TABLE t (a INT)");
    let name = schema.name();
    server.query(&format!(
        "CREATE USER {name}@'%' IDENTIFIED BY 'it''s'; GRANT SELECT ON {name}.* TO {name}@'%'"
    ));
    assert_eq!(
        server
            .query_as(name, "it's", name, "SELECT COUNT(*) FROM t")
            .unwrap(),
        [[Some("0".to_owned())]]
    );
    let refused = server
        .query_as(name, "it's", name, "INSERT INTO t VALUES (1)")
        .unwrap_err();
    server.query(&format!("DROP USER {name}@'%'"));
    assert!(refused.contains("1142"), "{refused}");
}

#[test]
fn a_killed_server_comes_back_with_its_data() {
    let server = MariaDb::start();
    let port = server.port();
    server.query("CREATE DATABASE d; CREATE TABLE d.t (a INT PRIMARY KEY); INSERT INTO d.t VALUES (1), (2)");
    let first = server.pid();
    server.kill9();
    assert_eq!(server.pid(), None);
    assert!(server.try_query(None, "SELECT 1").is_err());
    server.restart();
    assert!(server.pid().is_some() && server.pid() != first);
    assert_eq!(
        (server.port(), server.value("SELECT COUNT(*) FROM d.t").as_deref()),
        (port, Some("2"))
    );
    server.stop();
    server.restart();
    assert_eq!(server.value("SELECT COUNT(*) FROM d.t").as_deref(), Some("2"));
}

#[test]
fn the_server_goes_with_its_folder() {
    let server = MariaDb::options().binary_log().start();
    assert_eq!(
        server
            .value("SELECT CONCAT(@@log_bin, @@event_scheduler)")
            .as_deref(),
        Some("ONON")
    );
    let (folder, pid) = (server.folder().to_owned(), server.pid().unwrap());
    assert!(server.socket().exists());
    drop(server);
    assert!(!folder.exists());
    assert!(!Path::new(&format!("/proc/{pid}")).exists());
}

#[test]
fn a_server_that_cannot_start_says_why() {
    let error = MariaDb::options()
        .arg("--no-such-option=1")
        .try_start()
        .unwrap_err();
    assert!(format!("{error:#}").contains("no-such-option"), "{error:#}");
}

#[test]
fn addresses_are_read_and_written() {
    let server = MariaDb {
        brand: Brand::MariaDb,
        port: 3307,
        own: None,
    };
    assert_eq!(server.url("u", "p", "d"), "mysql://u:p@127.0.0.1:3307/d");
    assert_eq!(port_of(&server.address()).unwrap(), 3307);
    assert!(port_of("mysql://root:x@example.net:3306").is_err());
}
