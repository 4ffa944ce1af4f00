//! Which database it is, and that no password is ever told.

use super::place::{Place, in_every_dialect};
use db::{Address, Dialect, Error, Session};

in_every_dialect!(
    two_connections_tell_the_same_identity,
    a_database_that_is_not_there_is_refused_by_name
);

fn two_connections_tell_the_same_identity(place: Place) {
    let spot = place.empty();
    let identity = spot.open().identity().expect("identity");
    assert_eq!(identity, spot.open().identity().expect("identity"));
    assert_ne!(identity, place.empty().open().identity().expect("identity"));
    assert!(!identity.version.is_empty());
    if place.is_sqlite() {
        assert_eq!(identity.dialect, Dialect::Sqlite);
        assert_eq!(identity.fields.keys().collect::<Vec<_>>(), ["path"]);
    } else {
        let (dialect, id) = if place.is_mysql() {
            (Dialect::MySql, "server_uuid")
        } else {
            (Dialect::MariaDb, "server_uid")
        };
        assert_eq!(identity.dialect, dialect);
        assert_eq!(
            identity.fields.keys().collect::<Vec<_>>(),
            ["datadir", "hostname", "port", id]
        );
        assert!(identity.fields.values().all(|v| !v.is_empty()), "{identity:?}");
    }
    let text = serde_json::to_string(&identity).expect("JSON");
    assert_eq!(identity, serde_json::from_str(&text).expect("reads back"));
}

fn a_database_that_is_not_there_is_refused_by_name(place: Place) {
    let spot = place.empty();
    let absent = match spot.address() {
        Address::Sqlite { path } => Address::Sqlite {
            path: path.with_file_name("absent.db"),
        },
        mysql => mysql.with_database("h_db_absent"),
    };
    let error = db::open(&absent, &Session::default()).err().expect("refused");
    assert!(error.to_string().contains("absent"), "{error}");
    assert!(error.hint().is_some());
    if let Address::Sqlite { path } = absent {
        assert!(!path.exists(), "looking creates nothing");
    }
}

#[test]
fn a_password_is_in_no_error_and_no_debug_text() {
    let server = testkit::mariadb::MariaDb::shared();
    let closed = testkit::port::Port::reserve().expect("a port").number();
    let wrong = [
        server.url("root", "hunter2", "mysql"),
        server.url("nobody", "hunter2", ""),
        format!("mysql://u:hunter2@127.0.0.1:{closed}/x"),
    ];
    for url in wrong {
        let address = Address::parse(&url).expect("parses");
        let error = db::open(&address, &Session::default()).err().expect("refused");
        assert!(matches!(error, Error::Connect { .. }), "{error:?}");
        assert_eq!(error.code(), "unreachable");
        for text in [
            error.to_string(),
            format!("{error:?}"),
            format!("{address:?}"),
            address.to_string(),
        ] {
            assert!(!text.contains("hunter2"), "{text}");
        }
    }
}

#[test]
fn the_run_is_named_in_the_servers_list_of_connections() {
    let place = Place::mariadb();
    let spot = place.empty();
    let session = Session {
        run: "run-7".into(),
        ..Session::default()
    };
    let db = db::mariadb::MariaDb::open(&spot.address(), &session).expect("opens");
    let id = db::Database::connection_id(&db).expect("a server has them");
    let listed = spot
        .open()
        .text(&format!(
            "SELECT DB FROM information_schema.PROCESSLIST WHERE ID={id}"
        ))
        .expect("listed");
    assert_eq!(listed, Some(spot.name()));
}
