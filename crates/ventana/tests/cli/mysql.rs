//! The verbs that need nothing but a database, on MySQL 8.0. Where none could be fetched each test says so and ends.

use testkit::MariaDb;

use super::server::{TABLES, point, said_of, scene};

/// Nothing asks for `--accept-untested` here.
#[test]
fn digest_backup_proof_restore_and_difference() {
    let Some(server) = MariaDb::shared_mysql() else {
        return;
    };
    let schema = server.schema("cli_mysql");
    schema.query(TABLES);
    let scene = scene(&schema);
    let live = scene.json("digest").expect(0);
    let made = scene.json("backup").expect(0);
    assert_eq!(
        (made.text("digest"), made.text("verified")),
        (live.text("digest"), "restore".into())
    );
    assert_eq!(made.document["rows"], 5);
    let from_files = scene.json("digest --backup latest").expect(0);
    assert_eq!(from_files.document, live.document);
    let proven = scene.json("backup verify latest --restore").expect(0);
    assert_eq!(proven.text("digest"), live.text("digest"));

    let copy = format!("{}_copy", schema.name());
    let restored = scene
        .json(&format!("restore latest --into {copy} --yes"))
        .expect(0);
    assert_eq!(
        (restored.text("digest"), restored.document["verified"].as_bool()),
        (live.text("digest"), Some(true))
    );
    let equal = scene
        .run(&format!("digest --diff live schema:{copy} --lang en"))
        .expect(0);
    assert!(equal.everything().contains("equal"), "{}", equal.output);
    schema.query("UPDATE equipos SET precio = 12.51 WHERE id = 1; DELETE FROM piezas WHERE id = -5");
    let differ = scene
        .json(&format!("digest --diff live schema:{copy}"))
        .expect(12);
    assert_eq!(differ.document["equal"], false);
    point(&scene, &schema, &copy);
    assert_eq!(scene.json("digest").expect(0).document, live.document);
    server.query(&format!("DROP DATABASE {copy}"));
}

#[test]
fn a_private_server_would_be_another_one() {
    let Some(server) = MariaDb::shared_mysql() else {
        return;
    };
    let schema = server.schema("cli_mysql_private");
    schema.query(TABLES);
    let scene = scene(&schema);
    scene.json("backup --no-restore").expect(0);
    let refused = scene
        .json("backup verify latest --restore --scratch-server")
        .fails(2, "unsupported");
    assert!(refused.message.contains("MySQL"), "{refused:?}");
    assert!(
        refused.hint.contains("backup verify") && refused.hint.contains("--restore"),
        "{refused:?}"
    );
}

#[test]
fn check_prints_the_grants_that_suffice() {
    let Some(server) = MariaDb::shared_mysql() else {
        return;
    };
    let schema = server.schema("cli_mysql_grant");
    schema.query(TABLES);
    let scene = scene(&schema);
    let account = format!("'{}'@'127.0.0.1'", schema.name());
    server.query(&format!(
        "CREATE USER {account}; GRANT SHOW VIEW ON `{}`.* TO {account}",
        schema.name()
    ));
    scene.env("DB_USER", schema.name());
    for line in ["database", "privileges"] {
        // One line may ask for what another has hidden so far.
        while let Some(statement) = said_of(&scene, line)["hint"].as_str().map(str::to_owned) {
            assert!(statement.starts_with("GRANT "), "{line}: {statement}");
            server.query(&statement);
        }
        assert_eq!(said_of(&scene, line)["ok"], true);
    }
    scene.json("backup --no-restore").expect(0);
    server.query(&format!("DROP USER {account}"));
}

#[test]
fn what_was_never_tried_there_asks_first() {
    let Some(server) = MariaDb::shared_mysql() else {
        return;
    };
    let schema = server.schema("cli_mysql_fence");
    schema.query(TABLES);
    let scene = scene(&schema);
    let refused = scene.json("fence on").fails(2, "untested");
    assert!(refused.hint.contains("--accept-untested"), "{refused:?}");
}
