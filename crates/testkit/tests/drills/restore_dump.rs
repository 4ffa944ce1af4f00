//! Somebody has nothing but the dump that the seeds' own command made: it is restored beside production, or refused
//! whole, and the service runs on it.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use testkit::fixtures::{self, LOGINS};
use testkit::mariadb::Rows;
use testkit::port::Port;
use testkit::{MariaDb, Output, Process, Sandbox, bin, http, program};

use crate::world_mariadb::{State, login};

const STAGING: &str = "inventario_staging";

/// A server with a production schema of other content, and the folder of who restores.
struct Place {
    sandbox: Sandbox,
    server: MariaDb,
}

impl Place {
    fn new() -> Place {
        let (sandbox, server) = (Sandbox::new(), MariaDb::start());
        server.load(&fixtures::small_dump());
        server.query(
            "UPDATE inventario.activos SET notas='de producción', actualizado_en=actualizado_en WHERE id%3=0;
             CREATE DATABASE ajena; CREATE TABLE ajena.t (a INT); INSERT INTO ajena.t VALUES (1)",
        );
        Place { sandbox, server }
    }

    fn restore(&self, dump: &Path, args: &[&str]) -> Output {
        Process::within(&self.sandbox, bin("ventana"))
            .args(["--json", "--lang", "en", "restore"])
            .arg(dump)
            .args(["--into", STAGING])
            .args(args)
            .env("DB_HOST", "127.0.0.1")
            .env("DB_PORT", self.server.port().to_string())
            .env("DB_USER", "root")
            .env("DB_NAME", "inventario")
            .run()
    }

    /// Everything that exists, and how many statements that change something the server has taken so far.
    fn everything(&self) -> (Rows, Rows) {
        let schemas = self.server.query("SHOW DATABASES");
        let changes = self.server.query(
            "SELECT VARIABLE_NAME, VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME IN
             ('COM_CREATE_DB','COM_DROP_DB','COM_CREATE_TABLE','COM_DROP_TABLE','COM_INSERT','COM_CREATE_TRIGGER','COM_CREATE_PROCEDURE')
             ORDER BY 1",
        );
        assert_eq!(changes.len(), 7, "{changes:?}");
        (schemas, changes)
    }

    fn count(&self, table: &str) -> u64 {
        let count = self.server.value(&format!("SELECT COUNT(*) FROM {table}"));
        count.and_then(|count| count.parse().ok()).expect("a count")
    }
}

/// `tool ARGS < bytes > path`
fn packed(sandbox: &Sandbox, name: &str, tool: &str, bytes: &[u8]) -> PathBuf {
    let plain = sandbox.file("plain", bytes);
    let packed = Command::new(program::find(tool).unwrap())
        .arg("-c")
        .arg(plain)
        .output()
        .unwrap();
    assert!(packed.status.success(), "{tool}");
    sandbox.file(name, packed.stdout)
}

#[test]
fn the_legacy_dump_lands_in_staging_and_production_is_not_touched() {
    let place = Place::new();
    let before = State::of(&place.server, "inventario");
    let document = place.restore(&fixtures::legacy_dump(), &[]).ok().json();
    assert_eq!(
        (&document["database"], &document["verified"], &document["rows"]),
        (&STAGING.into(), &Value::Null, &11_974.into())
    );
    assert_eq!(document["digest"].as_str().map(str::len), Some(64));

    for (table, rows) in [
        ("roles", 2),
        ("usuarios", 3),
        ("categorias", 10),
        ("activos", 5000),
        ("mantenimientos", 6959),
    ] {
        assert_eq!(place.count(&format!("{STAGING}.{table}")), rows, "{table}");
    }
    let classes = place.server.query_in(
        STAGING,
        "SELECT SUM(especificaciones IS NULL), SUM(especificaciones=''), SUM(JSON_VALID(especificaciones)),
            SUM(especificaciones IS NOT NULL AND NOT JSON_VALID(especificaciones)) FROM activos",
    );
    assert_eq!(
        classes,
        [["106", "24", "4703", "191"].map(|count| Some(count.to_owned()))]
    );
    // What the stock client makes of the same dump, on a server where the name is free.
    let other = MariaDb::start();
    other.load(&fixtures::legacy_dump());
    let direct = |server: &MariaDb, schema: &str, table: &str| {
        server.query_in(schema, &format!("CHECKSUM TABLE {table} EXTENDED"))[0][1].clone()
    };
    for table in ["roles", "usuarios", "categorias", "activos", "mantenimientos"] {
        assert_eq!(
            direct(&place.server, STAGING, table),
            direct(&other, "inventario", table),
            "{table}"
        );
    }

    // The objects are there, and point at staging.
    let view = place
        .server
        .value(&format!("SELECT SUM(cuenta) FROM {STAGING}.activos_por_estado"));
    assert_eq!(view.as_deref(), Some("5000"));
    let named = "SELECT COUNT(*) FROM information_schema.VIEWS WHERE TABLE_SCHEMA='inventario_staging' AND VIEW_DEFINITION LIKE '%`inventario`.%'";
    assert_eq!(place.server.value(named).as_deref(), Some("0"));
    let staged = format!(
        "CALL {STAGING}.baja_activo(7);
         INSERT INTO {STAGING}.activos (nombre, numero_serie) VALUES ('nuevo', '  CON BLANCOS  ');
         SELECT estado FROM {STAGING}.activos WHERE id=7; SELECT COUNT(*) FROM {STAGING}.activos WHERE numero_serie='CON BLANCOS'"
    );
    let rows = place.server.query(&staged);
    assert_eq!(rows, [[Some("De baja".to_owned())], [Some("1".to_owned())]]);
    State::of(&place.server, "inventario").assert_same(&before, "production after the restore");
    assert_eq!(place.count("ajena.t"), 1);
}

#[test]
fn a_schema_with_something_in_it_is_not_overwritten_by_accident() {
    let place = Place::new();
    place.restore(&fixtures::small_dump(), &[]).ok();
    place
        .server
        .query(&format!("UPDATE {STAGING}.activos SET notas='mío' WHERE id=1"));
    let mine = State::of(&place.server, STAGING);
    let refused = place.restore(&fixtures::small_dump(), &[]).expect(2);
    assert!(
        refused.json()["error"]["message"]
            .as_str()
            .unwrap()
            .contains("not empty"),
        "{refused}"
    );
    State::of(&place.server, STAGING).assert_same(&mine, "after the refusal");
    let asked = place.restore(&fixtures::small_dump(), &["--replace"]).expect(2);
    assert!(
        asked.json()["error"]["hint"].as_str().unwrap().contains("--yes"),
        "{asked}"
    );
    State::of(&place.server, STAGING).assert_same(&mine, "after the question");
    place
        .restore(&fixtures::small_dump(), &["--replace", "--yes"])
        .ok();
    assert_eq!(place.count(&format!("{STAGING}.activos WHERE notas='mío'")), 0);
}

#[test]
fn a_dump_that_was_cut_off_changes_nothing() {
    let place = Place::new();
    let text = fixtures::read_dump(&fixtures::small_dump()).unwrap();
    let middle = text.len() / 2;
    let boundary = text.find("UNLOCK TABLES;\n").unwrap() + "UNLOCK TABLES;\n".len();
    let last = text.rfind("\n-- Dump completed").unwrap() + 1;
    let sandbox = &place.sandbox;
    let zst = std::fs::read(fixtures::small_dump()).unwrap();
    let gz = std::fs::read(packed(sandbox, "whole.sql.gz", "gzip", text.as_bytes())).unwrap();
    let cuts = [
        sandbox.file("middle.sql", &text[..middle]),
        sandbox.file("boundary.sql", &text[..boundary]),
        sandbox.file("before-the-trailer.sql", &text[..last]),
        sandbox.file("cut.sql.zst", &zst[..zst.len() / 2]),
        sandbox.file("cut-by-three.sql.zst", &zst[..zst.len() - 3]),
        sandbox.file("cut.sql.gz", &gz[..gz.len() / 2]),
        sandbox.file("cut-by-three.sql.gz", &gz[..gz.len() - 3]),
        packed(sandbox, "boundary.sql.zst", "zstd", &text.as_bytes()[..boundary]),
        packed(sandbox, "boundary.sql.gz", "gzip", &text.as_bytes()[..boundary]),
        sandbox.file("empty.sql", ""),
    ];
    let before = place.everything();
    for cut in &cuts {
        let refused = place.restore(cut, &[]).expect(1);
        let error = refused.json()["error"].clone();
        assert_eq!(error["code"], "dump_refused", "{refused}");
        assert_eq!(place.everything(), before, "{}: {refused}", cut.display());
    }
    // A schema that may be replaced is not dropped for a dump that cannot be loaded whole.
    place.server.query(&format!(
        "CREATE DATABASE {STAGING}; CREATE TABLE {STAGING}.t (a INT); INSERT INTO {STAGING}.t VALUES (1)"
    ));
    let before = place.everything();
    for cut in &cuts {
        place.restore(cut, &["--replace", "--yes"]).expect(1);
        assert_eq!(place.everything(), before, "{}", cut.display());
    }
    assert_eq!(place.count(&format!("{STAGING}.t")), 1);
    // The whole ones are taken.
    for whole in [sandbox.path("whole.sql.gz"), sandbox.file("whole.sql", &text)] {
        place.restore(&whole, &["--replace", "--yes"]).ok();
        assert_eq!(place.count(&format!("{STAGING}.usuarios")), 3);
    }
}

#[test]
fn the_service_runs_on_the_restored_dump_at_once() {
    let place = Place::new();
    place.restore(&fixtures::legacy_dump(), &[]).ok();
    place.server.query(&format!(
        "CREATE USER 'app'@'127.0.0.1' IDENTIFIED BY 'una clave'; GRANT SELECT, INSERT, UPDATE, DELETE ON {STAGING}.* TO 'app'@'127.0.0.1'"
    ));
    let before = State::of(&place.server, STAGING);
    let port = Port::reserve().unwrap();
    let base = format!("http://127.0.0.1:{}", port.number());
    let service = Process::within(&place.sandbox, bin("inventario"))
        .arg("serve")
        .env("PORT", port.number().to_string())
        .env("DB_HOST", "127.0.0.1")
        .env("DB_PORT", place.server.port().to_string())
        .env("DB_USER", "app")
        .env("DB_PASS", "una clave")
        .env("DB_NAME", STAGING)
        .env("JWT_SECRET", "the-secret-of-the-legacy-application")
        .spawn();
    let health = service.wait_url(&format!("{base}/healthz")).json();
    assert_eq!(health["schema"], 1);
    let tokens = LOGINS.map(|(email, password, _)| login(&base, email, password));
    http::post(format!("{base}/api/usuarios/login"))
        .json(&serde_json::json!({ "email": LOGINS[0].0, "password": "otra" }))
        .expect(401);
    for token in &tokens {
        let list = http::get(format!("{base}/api/activos"))
            .bearer(token)
            .expect(200)
            .json();
        assert_eq!(list.as_array().map(Vec::len), Some(5000));
    }

    // Valid JSON passes through with every digit; anything else comes as a string.
    let kinds = place.server.query_in(
        STAGING,
        "SELECT MIN(id) FROM activos WHERE especificaciones NOT LIKE '%recovery%' GROUP BY especificaciones IS NULL, JSON_VALID(especificaciones),
           JSON_TYPE(IF(JSON_VALID(especificaciones), especificaciones, NULL)), especificaciones REGEXP '[0-9.]{17,}', especificaciones='',
           especificaciones REGEXP '^[[:space:]]', especificaciones LIKE '%especificaciones%'",
    );
    assert!(kinds.len() >= 9, "{kinds:?}");
    for id in kinds.into_iter().flatten().flatten() {
        let row = place.server.query_in(
            STAGING,
            &format!("SELECT especificaciones, JSON_VALID(especificaciones) FROM activos WHERE id={id}"),
        );
        let (text, valid) = (row[0][0].clone(), row[0][1].as_deref() == Some("1"));
        let answer = http::get(format!("{base}/api/activos/{id}"))
            .bearer(&tokens[1])
            .expect(200);
        let expected = match &text {
            None => "null".to_owned(),
            Some(text) if valid => text.trim().to_owned(),
            Some(text) => serde_json::to_string(text).unwrap(),
        };
        let wanted = format!("\"especificaciones\":{expected}");
        assert!(
            answer.text().contains(&wanted),
            "activo {id}: {wanted}\n{}",
            answer.text()
        );
    }
    drop(service);
    State::of(&place.server, STAGING).assert_same(&before, "serving and logging in changes nothing");
}
