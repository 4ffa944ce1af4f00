//! Signing in to a real server.

use super::*;

fn opened(server: &MariaDb, user: &str, password: &str) -> Result<db::mariadb::MariaDb> {
    let address = Address::parse(&server.url(user, password, "")).expect("parses");
    let session = Session {
        run: "run-8".into(),
        accept_untested: true,
        ..Session::default()
    };
    db::mariadb::MariaDb::open(&address, &session)
}

#[test]
fn accounts_sign_in_with_what_they_have() {
    let server = MariaDb::options().arg("--performance-schema=ON").start();
    server.query(
        "CREATE USER native@'%' IDENTIFIED VIA mysql_native_password USING PASSWORD('señal y clave');
         CREATE USER either@'%' IDENTIFIED VIA unix_socket OR mysql_native_password USING PASSWORD('señal y clave');
         CREATE USER open@'%'; CREATE USER socket@'%' IDENTIFIED VIA unix_socket;",
    );
    let right = "se%C3%B1al%20y%20clave";
    for (user, password) in [("native", right), ("either", right), ("open", "")] {
        // The nonce is random; a method that reads it wrongly now and then must not pass.
        for _ in 0..20 {
            let mut db = opened(&server, user, password).unwrap_or_else(|e| panic!("{user}: {e}"));
            let who = db.text("SELECT CURRENT_USER()").expect("answers");
            assert_eq!(who.as_deref(), Some(format!("{user}@%").as_str()));
        }
    }
    for (user, password) in [
        ("native", "wrong"),
        ("either", "wrong"),
        ("open", "wrong"),
        ("native", ""),
    ] {
        let error = opened(&server, user, password).err().expect("refused");
        assert!(
            matches!(&error, Error::Connect { source_text, .. } if source_text.contains("1045")),
            "{user}: {error:?}"
        );
    }
    let error = opened(&server, "socket", "x").err().expect("refused");
    assert!(matches!(error, Error::Connect { .. }), "{error:?}");

    let mut db = opened(&server, "open", "").expect("opens");
    let id = db.connection_id().expect("an id");
    let attributes = server.query(&format!(
        "SELECT ATTR_NAME, ATTR_VALUE FROM performance_schema.session_connect_attrs WHERE PROCESSLIST_ID={id} AND ATTR_NAME<>'_pid' ORDER BY 1"
    ));
    let text = |t: &str| Some(t.to_string());
    assert_eq!(
        attributes,
        [
            [text("_client_name"), text("ventana")],
            [text("_client_version"), text(env!("CARGO_PKG_VERSION"))],
            [text("program_name"), text("ventana")],
            [text("ventana_run"), text("run-8")],
        ]
    );
    assert_eq!(
        db.count("SELECT CONNECTION_ID()").expect("an id").cast_unsigned(),
        id
    );
}

/// The ordinary account of MySQL 8: after each change of its password the server wants the password itself, once.
#[test]
fn mysql_is_shown_the_password_where_nobody_listens() {
    let Some(server) = MariaDb::shared_mysql() else {
        return;
    };
    let user = format!("sha_{}", std::process::id());
    server.query(&format!(
        "CREATE USER {user}@'%' IDENTIFIED WITH caching_sha2_password BY 'señal y clave'; CREATE USER {user}n@'%' IDENTIFIED WITH mysql_native_password BY 'x'"
    ));
    let right = "se%C3%B1al%20y%20clave";
    for round in 0..3 {
        let wrong = opened(server, &user, "wrong").err().expect("refused");
        assert!(
            matches!(&wrong, Error::Connect { source_text, .. } if source_text.contains("1045")),
            "{wrong:?}"
        );
        let mut db = opened(server, &user, right).unwrap_or_else(|e| panic!("{round}: {e}"));
        assert_eq!(
            db.text("SELECT CURRENT_USER()").expect("answers"),
            Some(format!("{user}@%"))
        );
        if round == 1 {
            server.query("FLUSH PRIVILEGES");
        }
    }
    opened(server, &format!("{user}n"), "x").expect("opens");
    server.query(&format!("DROP USER {user}@'%', {user}n@'%'"));
}

#[test]
fn a_server_that_is_full_says_so() {
    let server = MariaDb::options().arg("--max-connections=10").start();
    let mut open = Vec::new();
    // An administrator has one more.
    let error = loop {
        match opened(&server, "root", "") {
            Ok(db) => open.push(db),
            Err(error) => break error,
        }
        assert!(open.len() < 20);
    };
    assert!(
        matches!(&error, Error::Connect { source_text, .. } if source_text.contains("1040")),
        "{error:?}"
    );
    // A session ends when its connection is dropped.
    open.clear();
    while opened(&server, "root", "").is_err() {}
}

#[test]
fn a_server_is_reached_by_its_socket_too() {
    let server = MariaDb::options().start();
    server.query("CREATE USER root@'%' IDENTIFIED BY 'far'; CREATE SCHEMA near; CREATE TABLE near.t (id INT PRIMARY KEY)");
    server.query("ALTER USER root@localhost IDENTIFIED VIA unix_socket");
    let url = format!("mysql://root@localhost/near?socket={}", server.socket().display());
    let address = Address::parse(&url).expect("parses");
    let mut db = db::mariadb::MariaDb::open(&address, &Session::default()).expect("opens");
    assert_eq!(
        db.text("SELECT CURRENT_USER()").expect("answers").as_deref(),
        Some("root@localhost")
    );
    // Every connection of a piece of work goes the same way: that account signs in nowhere else.
    let session = Session {
        connections: 3,
        ..Session::default()
    };
    let mut db = db::open(&address, &session).expect("opens");
    let digest = db::digest::compute(&mut *db, None, &mut db::progress::silent()).expect("a digest");
    assert_eq!(digest.tables.len(), 1);

    let gone = Address::parse("mysql://root@localhost/near?socket=/nowhere/d.sock").expect("parses");
    let error = db::mariadb::MariaDb::open(&gone, &Session::default())
        .err()
        .expect("refused");
    assert!(error.to_string().contains("/nowhere/d.sock"), "{error}");
}
