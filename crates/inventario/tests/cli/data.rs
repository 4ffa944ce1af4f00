//! `demo-data`, `migrate`, `check`

use testkit::Sandbox;

use crate::inventario;

#[test]
fn made_up_data_is_a_legacy_database() {
    let sandbox = Sandbox::new();
    let url = format!("sqlite://{}", sandbox.path("a.db").display());
    let with = |args: &[&str]| {
        inventario(&sandbox)
            .args(args)
            .args(["--json", "--database-url", &url])
            .run()
    };
    let counts = with(&[
        "demo-data",
        "--activos",
        "300",
        "--mantenimientos",
        "50",
        "--seed",
        "5",
    ])
    .ok()
    .json();
    assert_eq!(
        (counts["activos"].as_i64(), counts["mantenimientos"].as_i64()),
        (Some(300), Some(50))
    );
    let sum: i64 = counts["classes"]
        .as_object()
        .unwrap()
        .values()
        .map(|n| n.as_i64().unwrap())
        .sum();
    assert_eq!(sum, 300);
    assert!(
        counts["findings"]
            .as_object()
            .unwrap()
            .values()
            .all(|n| n.as_i64().unwrap() > 0),
        "{counts}"
    );
    assert_eq!(counts["logins"][0]["email"], "ana@empresa.example");

    let again = with(&["demo-data"]).expect(1).json();
    assert_eq!(again["error"]["code"], "not_empty");
    assert!(
        again["error"]["hint"]
            .as_str()
            .unwrap()
            .contains("--database-url")
    );

    for args in [&["migrate", "--status"][..], &["migrate"][..]] {
        let status = with(args).ok().json();
        let expected = serde_json::json!({
            "schema": 1, "newest": 2, "created": false, "pending": ["0002_especificaciones_json"]
        });
        assert_eq!(status, expected);
    }
    let said = inventario(&sandbox)
        .args(["migrate", "--database-url", &url])
        .run()
        .ok()
        .stdout;
    assert!(
        said.contains("nothing was added") && said.contains("ventana run"),
        "{said}"
    );

    let check = with(&["check"]).ok().json();
    assert_eq!(
        (
            check["schema"].as_i64(),
            check["activos"].as_i64(),
            check["admins"].as_i64()
        ),
        (Some(1), Some(300), Some(1))
    );
    assert_eq!(check["fence"], false);
    assert_eq!(
        check["fence_file"],
        format!("{}.fence", sandbox.path("a.db").display())
    );
}

#[test]
fn an_empty_database_gets_the_newest_schema() {
    let sandbox = Sandbox::new();
    let url = format!("sqlite://{}", sandbox.path("b.db").display());
    let with = |args: &[&str]| {
        inventario(&sandbox)
            .args(args)
            .args(["--json", "--database-url", &url])
            .run()
    };
    assert_eq!(with(&["migrate", "--status"]).ok().json()["schema"], 0);
    let done = with(&["migrate"]).ok().json();
    assert_eq!(
        (done["schema"].as_i64(), done["created"].as_bool()),
        (Some(2), Some(true))
    );
    assert_eq!(with(&["migrate"]).ok().json()["created"], false);
}

#[test]
fn wrong_usage_and_configuration_are_exit_2() {
    let sandbox = Sandbox::new();
    let both = inventario(&sandbox)
        .env("DATABASE_URL", "sqlite:///x")
        .env("DB_HOST", "h")
        .args(["check", "--json"])
        .run();
    let error = both.expect(2).json();
    assert_eq!(error["error"]["code"], "config");
    assert!(error["error"]["hint"].as_str().unwrap().contains("unset"));
    inventario(&sandbox).args(["chek"]).run().expect(2);
    inventario(&sandbox)
        .args(["token", "--email", "a", "--expires", "soon"])
        .run()
        .expect(2);
    let differ = inventario(&sandbox)
        .env("DB_PASS", "uno-1")
        .env("DB_PASSWORD", "dos-2")
        .args(["check"])
        .run()
        .expect(2);
    assert!(
        differ.stderr.contains("differ") && !differ.stderr.contains("uno-1"),
        "{}",
        differ.stderr
    );
    let unreachable = "mysql://u:geheim-1@127.0.0.1:1/x";
    let failed = inventario(&sandbox)
        .args(["check", "--database-url", unreachable])
        .run()
        .expect(1);
    assert!(
        failed.stderr.contains("mysql://u@127.0.0.1:1/x") && !failed.stderr.contains("geheim"),
        "{}",
        failed.stderr
    );
}

#[test]
fn a_database_of_something_else_is_left_alone() {
    let sandbox = Sandbox::new();
    let path = sandbox.path("otra.db");
    let sqlite = |sql: &str| {
        testkit::Process::within(&sandbox, testkit::program::find("sqlite3").unwrap())
            .arg(&path)
            .arg(sql)
            .run()
            .ok()
    };
    sqlite("CREATE TABLE clientes (id INTEGER PRIMARY KEY)");
    let url = format!("sqlite://{}", path.display());
    for verb in ["serve", "migrate", "demo-data", "check"] {
        let failed = inventario(&sandbox)
            .args([verb, "--json", "--database-url", &url])
            .env("PORT", "0")
            .run()
            .expect(1);
        assert_eq!(failed.json()["error"]["code"], "not_ours", "{verb}");
    }
    assert_eq!(
        sqlite("SELECT group_concat(name) FROM sqlite_schema")
            .stdout
            .trim(),
        "clientes"
    );
}
