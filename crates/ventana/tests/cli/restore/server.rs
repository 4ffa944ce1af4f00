//! On a server: what a restore needs, what a killed one leaves, and that nobody takes a half for the whole.

use std::time::Duration;

use testkit::MariaDb;
use testkit::fault::{Proxy, Rule};
use testkit::mariadb::Schema;
use testkit::process::Signal;

use crate::cli::scene::Scene;

/// A scene whose environment names the schema, as this account on this port.
fn scene(schema: &Schema<'_>) -> Scene {
    let scene = Scene::empty();
    point(&scene, schema.name(), schema.server().port(), "root");
    scene.env("BACKUP_DIR", scene.path("backups").display().to_string());
    scene
}

fn point(scene: &Scene, database: &str, port: u16, user: &str) {
    scene.env("DB_HOST", "127.0.0.1");
    scene.env("DB_PORT", port.to_string());
    scene.env("DB_USER", user);
    scene.env("DB_NAME", database);
}

fn tables(server: &MariaDb, schema: &str) -> Option<String> {
    server.value(&format!(
        "SELECT GROUP_CONCAT(TABLE_NAME ORDER BY TABLE_NAME) FROM information_schema.TABLES WHERE TABLE_SCHEMA='{schema}'"
    ))
}

#[test]
fn what_is_lacking_is_said_before_anything_is_written() {
    let schema = MariaDb::shared().schema("cli_lacks");
    let server = schema.server();
    schema.query(
        "CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, s VARCHAR(20), KEY (s)); INSERT INTO t VALUES (1, 'a');
         CREATE DEFINER='nadie'@'ninguna.parte' VIEW v AS SELECT s FROM t;",
    );
    let scene = scene(&schema);
    let path = scene.json("backup --no-restore").expect(0).text("path");
    let (copy, poor) = (format!("{}_copy", schema.name()), schema.name().to_owned());
    server.query(&format!(
        "CREATE DATABASE {copy}; CREATE TABLE {copy}.precious (id INT); CREATE USER {poor}@'%'; GRANT SELECT, DROP ON {copy}.* TO {poor}@'%'"
    ));
    point(&scene, schema.name(), server.port(), &poor);
    let refused = scene
        .json(&format!("restore {path} --into {copy} --replace --yes"))
        .fails(1, "preflight");
    for word in ["CREATE,", "INSERT", "ALTER", "CREATE VIEW", "defined by others"] {
        assert!(refused.message.contains(word), "{word}: {refused:?}");
    }
    assert_eq!(
        tables(server, &copy).as_deref(),
        Some("precious"),
        "nothing was dropped"
    );
    // What is told to be typed is what it takes.
    for statement in refused.hint.split("; ") {
        server.query(statement);
    }
    server.query(&format!("GRANT SELECT ON mysql.* TO {poor}@'%'"));
    let asked = scene
        .json(&format!("restore {path} --into {copy} --replace"))
        .fails(1, "preflight");
    assert!(
        asked
            .message
            .contains("definer `nadie`@`ninguna.parte` does not exist")
            && asked.hint.contains("CREATE USER `nadie`@`ninguna.parte`")
            && asked.hint.contains("--yes"),
        "{asked:?}"
    );
    assert_eq!(
        tables(server, &copy).as_deref(),
        Some("precious"),
        "nothing was dropped"
    );
    let restored = scene
        .json(&format!("restore {path} --into {copy} --replace --yes"))
        .expect(0);
    assert_eq!(restored.document["verified"], true);
    assert!(
        restored.said.output.stderr.contains("ninguna.parte"),
        "it is said all the same\n{}",
        restored.said.output
    );
    server.query(&format!("DROP USER {poor}@'%'"));
}

#[test]
fn what_a_killed_restore_left_at_work_is_ended() {
    let schema = MariaDb::shared().schema("cli_killed");
    let server = schema.server();
    schema.query(
        "CREATE TABLE t (id INT PRIMARY KEY, s LONGTEXT); INSERT INTO t SELECT seq, REPEAT(SHA2(seq, 512), 400) FROM seq_1_to_400",
    );
    let scene = scene(&schema);
    let made = scene.json("backup --no-restore").expect(0);
    let (path, copy) = (made.text("path"), format!("{}_copy", schema.name()));
    let proxy = Proxy::to(server.port());
    // Slow enough that the moment is not missed.
    proxy.set(Rule::Latency(Duration::from_millis(2)));
    point(&scene, schema.name(), proxy.port(), "root");
    let killed = scene.ventana(&format!("restore {path} --into {copy}")).spawn();
    // In the middle of the 20 MB that are loaded, the server is left waiting for more, as a lost network leaves it.
    while proxy.passed() < 1 << 20 {
        assert!(killed.is_running(), "{}", killed.output());
        std::thread::yield_now();
    }
    proxy.set(Rule::Stall);
    killed.signal(Signal::KILL);
    killed.wait();
    let loading = format!(
        "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE DB='{copy}' AND INFO LIKE 'LOAD DATA%'"
    );
    assert_eq!(server.value(&loading).as_deref(), Some("1"), "it holds the table");
    // Whoever looks is told, whoever comes from elsewhere does not disturb it, and who goes on waits for nobody.
    point(&scene, &copy, server.port(), "root");
    let half = scene.json("digest").fails(2, "unsupported");
    assert!(
        half.message.contains("is not finished") && half.hint.contains("drop the whole schema"),
        "{half:?}"
    );
    let begun = Scene::empty();
    point(&begun, schema.name(), server.port(), "root");
    let other = begun
        .json(&format!("restore {path} --into {copy}"))
        .fails(10, "lease_held");
    assert!(
        other.message.contains(&copy) && other.hint.contains("KILL "),
        "{other:?}"
    );
    point(&scene, schema.name(), server.port(), "root");
    let restored = scene.json(&format!("restore {path} --into {copy}")).expect(0);
    assert!(
        restored.said.output.stderr.contains("\"event\":\"resumed\""),
        "{}",
        restored.said.output
    );
    assert_eq!(restored.text("digest"), made.text("digest"));
    assert_eq!(server.value(&loading).as_deref(), Some("0"));
}

#[test]
fn a_dump_that_fails_in_the_middle_is_never_taken_for_whole() {
    let schema = MariaDb::shared().schema("cli_half");
    let scene = scene(&schema);
    let into = format!("{}_staging", schema.name());
    let dump = |second: u32| {
        format!(
            "CREATE TABLE `t` (`id` int PRIMARY KEY);\nINSERT INTO `t` VALUES (1);\nINSERT INTO `t` VALUES ({second});\n-- Dump completed on 2025-11-06 23:00:01\n"
        )
    };
    scene.file("dump.sql", &dump(1));
    let failed = scene
        .json(&format!("restore dump.sql --into {into}"))
        .fails(1, "dump");
    assert!(
        failed.hint.contains("however often") && failed.hint.contains("--replace --yes"),
        "{failed:?}"
    );
    point(&scene, &into, schema.server().port(), "root");
    for verb in ["digest", "backup"] {
        let refused = scene.json(verb).fails(2, "unsupported");
        assert!(refused.message.contains("is not finished"), "{verb}: {refused:?}");
    }
    point(&scene, schema.name(), schema.server().port(), "root");
    scene.file("dump.sql", &dump(2));
    let again = scene
        .json(&format!("restore dump.sql --into {into}"))
        .fails(2, "usage");
    assert!(
        again.message.contains("was not finished") && again.hint.contains("--replace --yes"),
        "{again:?}"
    );
    let restored = scene
        .json(&format!("restore dump.sql --into {into} --replace --yes"))
        .expect(0);
    assert_eq!(restored.document["rows"], 2);
    point(&scene, &into, schema.server().port(), "root");
    assert_eq!(
        scene.json("digest").expect(0).text("digest"),
        restored.text("digest")
    );
    assert_eq!(
        tables(schema.server(), &into).as_deref(),
        Some("t"),
        "no mark stays"
    );
}

#[test]
fn a_dump_for_accounts_that_are_not_there_is_refused_before_anything_is_written() {
    let schema = MariaDb::shared().schema("cli_definers");
    let server = schema.server();
    let scene = scene(&schema);
    let into = format!("{}_staging", schema.name());
    scene.file(
        "dump.sql",
        "CREATE TABLE `t` (`id` int PRIMARY KEY);\n/*!50001 CREATE DEFINER=`nadie`@`ninguna.parte` SQL SECURITY DEFINER VIEW `v` AS select `t`.`id` AS `id` from `t` */;\n\
         -- Dump completed on 2025-11-06 23:00:01\n",
    );
    let refused = scene
        .json(&format!("restore dump.sql --into {into}"))
        .fails(1, "preflight");
    assert!(
        refused.message.contains("`nadie`@`ninguna.parte` does not exist"),
        "{refused:?}"
    );
    for word in ["CREATE USER `nadie`@`ninguna.parte`", "--yes", "--definer"] {
        assert!(refused.hint.contains(word), "{word}: {refused:?}");
    }
    let there = format!("SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME='{into}'");
    assert_eq!(server.value(&there).as_deref(), Some("0"));
    scene
        .json(&format!(
            "restore dump.sql --into {into} --definer root@localhost"
        ))
        .expect(0);
    // An account that may read the target and nothing else.
    let (poor, other) = (schema.name(), format!("{}_other", schema.name()));
    server.query(&format!(
        "CREATE USER {poor}@'%'; GRANT SELECT ON {other}.* TO {poor}@'%'"
    ));
    point(&scene, schema.name(), server.port(), poor);
    let refused = scene
        .json(&format!("restore dump.sql --into {other} --yes"))
        .fails(1, "preflight");
    for word in ["CREATE,", "INSERT", "DROP", "CREATE VIEW", "defined by others"] {
        assert!(refused.message.contains(word), "{word}: {refused:?}");
    }
    server.query(&format!("DROP USER {poor}@'%'"));
    point(&scene, schema.name(), server.port(), "root");
    let definer = format!("SELECT DEFINER FROM information_schema.VIEWS WHERE TABLE_SCHEMA='{into}'");
    assert_eq!(server.value(&definer).as_deref(), Some("root@localhost"));
    scene
        .json(&format!("restore dump.sql --into {into} --replace --yes"))
        .expect(0);
    assert_eq!(server.value(&definer).as_deref(), Some("nadie@ninguna.parte"));
}

#[test]
fn a_dump_of_sqlite_is_not_sent_to_a_server() {
    let schema = MariaDb::shared().schema("cli_lite");
    let scene = scene(&schema);
    let into = format!("{}_staging", schema.name());
    scene.file(
        "dump.sql",
        "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE t (id INTEGER PRIMARY KEY);\nINSERT INTO t VALUES(1);\nCOMMIT;\n",
    );
    let refused = scene
        .json(&format!("restore dump.sql --into {into}"))
        .fails(1, "dump_refused");
    assert!(
        refused.message.contains("does not end with the line"),
        "{refused:?}"
    );
    let refused = scene
        .json(&format!("restore dump.sql --into {into} --no-trailer"))
        .fails(1, "dump_refused");
    assert!(refused.message.contains("line 1: PRAGMA"), "{refused:?}");
    let there = format!("SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME='{into}'");
    assert_eq!(schema.server().value(&there).as_deref(), Some("0"));
}

/// A value that the target's server would not take is known before anything is dropped or made.
#[test]
fn a_target_that_takes_only_short_statements_is_left_as_it_is() {
    let source = MariaDb::shared().schema("cli_packet");
    source.query(
        "CREATE TABLE t (id INT PRIMARY KEY, s LONGTEXT); INSERT INTO t VALUES (1, REPEAT('x', 3 << 20))",
    );
    let here = scene(&source);
    let path = here.json("backup --no-restore").expect(0).text("path");
    let server = MariaDb::start();
    server.query("SET GLOBAL max_allowed_packet=1048576; CREATE DATABASE own; CREATE DATABASE copy; CREATE TABLE copy.precious (id INT)");
    point(&here, "own", server.port(), "root");
    let mut hint = String::new();
    for into in ["copy --replace --yes", "fresh"] {
        let refused = here
            .json(&format!("restore {path} --into {into}"))
            .fails(1, "preflight");
        assert!(
            refused.message.contains("table t has a row of ")
                && refused.message.contains("sends 1048576 at a time"),
            "{refused:?}"
        );
        hint = refused.hint;
    }
    assert_eq!(tables(&server, "copy").as_deref(), Some("precious"));
    let fresh = "SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME='fresh'";
    assert_eq!(server.value(fresh).as_deref(), Some("0"));
    // What is told to be typed is what it takes.
    server.query(hint.split(';').next().unwrap());
    here.json(&format!("restore {path} --into fresh")).expect(0);
}

/// The server stores something else than the dump says, and says so: whoever restores hears it.
#[test]
fn a_dump_whose_values_the_server_changes_is_not_taken_for_whole() {
    let schema = MariaDb::shared().schema("cli_warned");
    let (scene, into) = (scene(&schema), format!("{}_staging", schema.name()));
    scene.file(
        "dump.sql",
        "SET SQL_MODE='';\nCREATE TABLE w (a tinyint, b varchar(3));\nINSERT INTO w VALUES (300,'abcdef');\n\
         INSERT INTO w VALUES (1,'a');\n-- Dump completed on 2025-11-06 23:00:01\n",
    );
    let failed = scene
        .json(&format!("restore dump.sql --into {into}"))
        .fails(12, "verification_failed");
    assert!(failed.message.contains("line 3: Warning 1264"), "{failed:?}");
    assert!(failed.hint.contains("--accept-warnings"), "{failed:?}");
    let taken = scene
        .json(&format!(
            "restore dump.sql --into {into} --accept-warnings --replace --yes"
        ))
        .expect(0);
    assert_eq!(taken.document["rows"], 2);
    assert_eq!(taken.document["warnings"].as_array().unwrap().len(), 2);
}

/// The dump's own words about its database, else the target's as it is; what this server does not know is left out.
#[test]
fn a_dump_gets_the_defaults_of_its_database() {
    let schema = MariaDb::shared().schema("cli_defaults");
    let (scene, into) = (scene(&schema), format!("{}_staging", schema.name()));
    let defaults = || {
        schema.query(&format!(
            "SELECT CONCAT(DEFAULT_CHARACTER_SET_NAME, ' ', DEFAULT_COLLATION_NAME) FROM information_schema.SCHEMATA \
             WHERE SCHEMA_NAME='{into}'"
        ))
    };
    let end = "CREATE TABLE t (id int PRIMARY KEY);\n-- Dump completed on 2025-11-06 23:00:01\n";
    let created = |options: &str| format!("CREATE DATABASE `a` {options};\nUSE `a`;\n{end}");
    let restored = |dump: &str| {
        scene.file("dump.sql", dump);
        scene
            .json(&format!("restore dump.sql --into {into} --replace --yes"))
            .expect(0);
        defaults()[0][0].clone().unwrap()
    };
    assert_eq!(
        restored(&created(
            "/*!40100 DEFAULT CHARACTER SET latin1 COLLATE latin1_spanish_ci */"
        )),
        "latin1 latin1_spanish_ci"
    );
    assert_eq!(restored(end), "latin1 latin1_spanish_ci");
    assert_eq!(
        restored(&created(
            "/*!40100 DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci */"
        )),
        "utf8mb4 utf8mb4_general_ci"
    );
}

/// The dump is somebody else's: what no backup of ours could hold is restored, and said.
#[test]
fn a_dump_with_tables_of_other_engines_is_restored_without_a_digest() {
    let schema = MariaDb::shared().schema("cli_engines");
    let (scene, into) = (scene(&schema), format!("{}_staging", schema.name()));
    scene.file(
        "dump.sql",
        "CREATE TABLE my (id int PRIMARY KEY) ENGINE=MyISAM;\nINSERT INTO my VALUES (1),(2);\n-- Dump completed on 2025-11-06 23:00:01\n",
    );
    let restored = scene.json(&format!("restore dump.sql --into {into}")).expect(0);
    assert_eq!(restored.document["digest"], serde_json::Value::Null);
    assert_eq!(restored.document["rows"], 2);
    let left = schema.query(&format!("SHOW TABLES FROM `{into}`"));
    assert_eq!(left, [[Some("my".to_owned())]]);
}
