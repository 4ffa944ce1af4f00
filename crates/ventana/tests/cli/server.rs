//! The verbs that need nothing but a database, on MariaDB.

use insta::assert_snapshot;
use testkit::MariaDb;
use testkit::mariadb::Schema;

use super::scene::Scene;

pub(super) const TABLES: &str = "
CREATE TABLE equipos (id INT AUTO_INCREMENT PRIMARY KEY, nombre VARCHAR(80) NOT NULL, precio DECIMAL(10,2), alta TIMESTAMP NULL,
  notas TEXT, foto BLOB, KEY (nombre)) DEFAULT CHARSET utf8mb4;
CREATE TABLE piezas (id BIGINT PRIMARY KEY, equipo INT, peso DOUBLE, FOREIGN KEY (equipo) REFERENCES equipos (id));
INSERT INTO equipos (nombre, precio, alta, notas, foto) VALUES
  ('Ñandú 😀', 12.50, '2024-02-29 12:00:00', NULL, x'00FF0A5C27'), ('línea\\nnueva\\ty \\\\ barra', NULL, NULL, '', x'');
INSERT INTO piezas VALUES (1, 1, 0.1), (9007199254740993, 2, 1e300), (-5, NULL, NULL);
CREATE VIEW caros AS SELECT nombre FROM equipos WHERE precio > 10;
CREATE TRIGGER mayusculas BEFORE INSERT ON piezas FOR EACH ROW SET NEW.peso = COALESCE(NEW.peso, 0);
";

/// A scene without a file: the environment names the database.
pub(super) fn scene(schema: &Schema<'_>) -> Scene {
    let scene = Scene::empty();
    point(&scene, schema, schema.name());
    scene.env("BACKUP_DIR", scene.path("backups").display().to_string());
    scene
}

/// From here on at `database`, on the server of `schema`.
pub(super) fn point(scene: &Scene, schema: &Schema<'_>, database: &str) {
    scene.env("DB_HOST", "127.0.0.1");
    scene.env("DB_PORT", schema.server().port().to_string());
    scene.env("DB_USER", "root");
    scene.env("DB_NAME", database);
}

/// The schema's name is another one each time.
pub(super) fn shown(schema: &Schema<'_>, said: impl std::fmt::Display) -> String {
    said.to_string()
        .replace(schema.name(), "[schema]")
        .replace(&schema.server().port().to_string(), "[port]")
}

#[test]
fn digest_backup_restore_digest() {
    let schema = MariaDb::shared().schema("cli_backup");
    schema.query(TABLES);
    let scene = scene(&schema);
    let live = scene.json("digest").expect(0);
    let made = scene.json("backup").expect(0);
    assert_eq!(
        (made.text("digest"), made.text("verified")),
        (live.text("digest"), "restore".into())
    );
    assert_eq!(made.document["rows"], 5);

    let copy = format!("{}_copy", schema.name());
    let restored = scene
        .json(&format!("restore {} --into {copy}", made.text("path")))
        .expect(0);
    assert_eq!(
        (restored.text("digest"), restored.document["verified"].as_bool()),
        (live.text("digest"), Some(true))
    );
    // In a server of its own, that is gone afterwards: the configured one need not even be there.
    scene.env("DB_PORT", "1");
    let proven = scene
        .json(&format!(
            "backup verify {} --restore --scratch-server",
            made.text("path")
        ))
        .expect(0);
    assert_eq!(proven.text("digest"), live.text("digest"));
    assert!(
        !scene
            .path(".ventana/scratch")
            .read_dir()
            .is_ok_and(|mut left| left.next().is_some()),
        "the scratch server's folder is gone"
    );
    point(&scene, &schema, &copy);
    assert_eq!(
        scene.json("digest").expect(0).document,
        live.document,
        "the schema's own name is no content"
    );
    point(&scene, &schema, schema.name());
    assert_snapshot!(shown(&schema, format!("{live}\n{made}\n{restored}")));

    // Into what is not empty: only when told so, twice.
    let path = made.text("path");
    assert!(
        scene
            .json(&format!("restore {path} --into {copy}"))
            .fails(2, "usage")
            .hint
            .contains("--replace")
    );
    assert!(
        scene
            .json(&format!("restore {path} --into {copy} --replace"))
            .fails(2, "usage")
            .hint
            .contains("--yes")
    );
    scene
        .json(&format!("restore {path} --into {copy} --replace --yes"))
        .expect(0);
    // Into the live one: never.
    schema.query("UPDATE equipos SET nombre = 'newer' WHERE id = 1");
    let newer = scene.json("digest").expect(0).document;
    let failed = scene
        .json(&format!(
            "restore {path} --into {} --replace --yes",
            schema.name()
        ))
        .fails(2, "usage");
    assert!(failed.message.contains("live"), "{failed:?}");
    assert_eq!(scene.json("digest").expect(0).document, newer);
}

#[test]
fn where_a_backup_and_two_schemas_differ() {
    let schema = MariaDb::shared().schema("cli_diff");
    schema.query(TABLES);
    let scene = scene(&schema);
    let live = scene.json("digest").expect(0);
    scene.json("backup --no-restore").expect(0);
    assert_eq!(
        scene.json("digest --backup latest").expect(0).document,
        live.document
    );
    let copy = format!("{}_copy", schema.name());
    scene
        .json(&format!("restore latest --into {copy} --yes"))
        .expect(0);
    let equal = scene.json(&format!("digest --diff live schema:{copy}")).expect(0);
    assert_eq!(equal.document["equal"], true);
    schema.query("UPDATE equipos SET precio = 12.51 WHERE id = 1; DELETE FROM piezas WHERE id = -5; INSERT INTO piezas VALUES (7, NULL, 1); DROP VIEW caros");
    let url = format!("mysql://root@127.0.0.1:{}/{copy}", MariaDb::shared().port());
    let said = [
        scene
            .run("digest --diff backup:latest live --show-values --lang en")
            .expect(12),
        scene
            .run(&format!("digest --diff {url} live --lang es"))
            .expect(12),
        scene
            .run(&format!("digest --diff schema:{copy} backup:latest --lang en"))
            .expect(0),
    ];
    assert_snapshot!(shown(&schema, said.map(|said| said.to_string()).join("\n")));
}

#[test]
fn check_says_who_could_write() {
    let schema = MariaDb::shared().schema("cli_check");
    schema.query(TABLES);
    let scene = scene(&schema);
    let writers = |document: &serde_json::Value| {
        let checks = document["checks"].as_array().unwrap().clone();
        checks
            .into_iter()
            .find(|check| check["check"] == "writers")
            .unwrap()
    };
    // Where no window is configured it stops nothing.
    let noted = writers(&scene.json("check").expect(0).document);
    assert_eq!(
        (&noted["ok"], &noted["note"]),
        (&true.into(), &true.into()),
        "{noted}"
    );
    assert!(
        noted["text"].as_str().unwrap().contains("'root'@'localhost'"),
        "{noted}"
    );
    scene.file("ventana.toml", "[fence]\naccounts = [\"'app'@'%'\"]\n");
    let found = writers(&scene.json("check").expect(1).document);
    let message = found["message"].as_str().unwrap();
    assert!(message.contains("'root'@'localhost'"), "{message}");
    assert!(
        found["hint"].as_str().unwrap().contains("accept_writers"),
        "{found}"
    );
}

/// For each privilege that is lacking: the statement stands there ready, and mends it.
#[test]
fn check_prints_the_grant_that_is_lacking() {
    let schema = MariaDb::shared().schema("cli_grant");
    schema.query(TABLES);
    let server = schema.server();
    let scene = scene(&schema);
    let account = format!("'{}'@'127.0.0.1'", schema.name());
    scene.env("DB_USER", schema.name());
    let on = format!("`{}`.*", schema.name());
    let wanted = [
        ("SELECT", on.as_str()),
        ("SHOW VIEW", &on),
        ("TRIGGER", &on),
        ("EVENT", &on),
        ("SELECT", "mysql.proc"),
        ("RELOAD", "*.*"),
    ];
    // Without the first nobody gets in at all.
    for lacking in &wanted[1..] {
        server.query(&format!("CREATE OR REPLACE USER {account}"));
        for (privilege, place) in wanted.iter().filter(|given| *given != lacking) {
            server.query(&format!("GRANT {privilege} ON {place} TO {account}"));
        }
        let found = said_of(&scene, "privileges");
        assert_eq!(found["ok"], false, "{lacking:?}: {found}");
        let statement = found["hint"].as_str().unwrap();
        assert!(
            statement.starts_with(&format!("GRANT {} ON ", lacking.0)) && !statement.contains(';'),
            "{lacking:?}: {statement}"
        );
        let person = scene.run("check --lang en").expect(1);
        assert!(
            person.output.stdout.contains(&format!("next: {statement}")),
            "{}",
            person.output
        );
        server.query(statement);
        for line in ["schema", "privileges"] {
            let mended = said_of(&scene, line);
            assert_eq!(mended["ok"], true, "{lacking:?}: {mended}");
        }
        scene.json("backup --no-restore").expect(0);
    }
    server.query(&format!("DROP USER {account}"));
}

/// A line of `check`.
pub(super) fn said_of(scene: &Scene, line: &str) -> serde_json::Value {
    let document = scene.json("check").document;
    let checks = document["checks"].as_array().unwrap();
    let found = checks.iter().find(|check| check["check"] == line);
    found
        .unwrap_or_else(|| panic!("no line {line}: {document}"))
        .clone()
}

#[test]
fn what_a_backup_cannot_carry_is_refused_at_once() {
    let schema = MariaDb::shared().schema("cli_types");
    schema.query(
        "CREATE TABLE a (id INT PRIMARY KEY, fin YEAR(2)); CREATE TABLE b (id INT PRIMARY KEY) ENGINE=MyISAM",
    );
    let scene = scene(&schema);
    let mut said = String::new();
    for verb in ["backup", "digest"] {
        let failed = scene.run(&format!("{verb} --lang en")).expect(2);
        for column in ["a.fin: year(2)", "b: engine myisam"] {
            assert!(
                failed.output.stderr.to_lowercase().contains(column),
                "{column}\n{}",
                failed.output
            );
        }
        assert_eq!(
            scene.json(verb).expect(2).document["error"]["code"],
            "unsupported"
        );
        said.push_str(&format!("{}\n", shown(&schema, failed)));
    }
    assert!(
        !scene.path("backups").exists(),
        "refused before a byte is written"
    );
    assert_snapshot!(said);
}

#[test]
fn a_dump_is_judged_before_its_first_statement() {
    let schema = MariaDb::shared().schema("cli_dump");
    let scene = scene(&schema);
    let into = format!("{}_staging", schema.name());
    scene.file(
        "dump.sql",
        "CREATE TABLE `t` (`id` int PRIMARY KEY);\nINSERT INTO `t` VALUES (1),(2);\n-- Dump completed on 2025-11-06 23:00:01\n",
    );
    let restored = scene.json(&format!("restore dump.sql --into {into}")).expect(0);
    assert!(restored.document["verified"].is_null());
    assert_eq!(restored.document["rows"], 2);
    assert_eq!(
        schema.server().value(&format!("SELECT COUNT(*) FROM `{into}`.t")),
        Some("2".into())
    );
    // Cut off, it never reaches the server.
    scene.file(
        "cut.sql",
        "CREATE TABLE `t` (`id` int PRIMARY KEY);\nINSERT INTO `t` VALUES (1)",
    );
    let cut = scene
        .run(&format!("restore cut.sql --into {into}_2 --lang en"))
        .expect(1);
    assert_eq!(
        scene
            .json(&format!("restore cut.sql --into {into}_2"))
            .expect(1)
            .document["error"]["code"],
        "dump_refused"
    );
    assert_eq!(
        schema.server().value(&format!(
            "SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME='{into}_2'"
        )),
        Some("0".into())
    );
    assert_snapshot!(shown(&schema, format!("{restored}\n{cut}")));
}

/// Every refusal of a dump that an option answers names the option, ready to be typed.
#[test]
fn a_refused_dump_says_what_to_type() {
    let schema = MariaDb::shared().schema("cli_refused");
    let scene = scene(&schema);
    let into = format!("{}_staging", schema.name());
    let table = "CREATE TABLE `t` (`id` int PRIMARY KEY);\n";
    let end = "-- Dump completed on 2025-11-06 23:00:01\n";
    let two = format!("CREATE DATABASE `a`;\nUSE `a`;\n{table}CREATE DATABASE `b`;\nUSE `b`;\n{table}{end}");
    for (dump, options, hint) in [
        (two.clone(), "", "--only a"),
        (two, "--only c", "--only a"),
        (format!("{table}{end}"), "--only c", "leave out --only"),
        (table.to_owned(), "", "--no-trailer"),
        (
            format!("{table}INSERT INTO other.t VALUES (1);\n{end}"),
            "",
            "reaches elsewhere",
        ),
        ("BZh91AY".into(), "", "mariadb-dump"),
    ] {
        scene.file("dump.sql", &dump);
        let refused = scene.json(&format!("restore dump.sql --into {into} {options}"));
        let refused = refused.fails(1, "dump_refused");
        assert!(refused.hint.contains(hint), "{hint}: {refused:?}");
    }
}

#[test]
fn nobody_listens() {
    let port = testkit::port::Port::reserve().unwrap();
    let scene = Scene::empty();
    scene.env(
        "DATABASE_URL",
        format!("mysql://ana:Geheim-7@127.0.0.1:{}/x", port.number()),
    );
    let said = scene.run("digest --lang en").expect(1);
    assert!(!said.everything().contains("Geheim"), "{}", said.output);
    assert_snapshot!(said);
    let failed = scene.json("digest").fails(1, "unreachable");
    assert!(!failed.hint.is_empty(), "{failed:?}");
}

/// A database in which there is nothing yet is a database.
#[test]
fn one_without_tables() {
    let schema = MariaDb::shared().schema("cli_nothing");
    let scene = scene(&schema);
    let live = scene.json("digest").expect(0).text("digest");
    let made = scene.json("backup").expect(0);
    assert_eq!(
        (made.text("digest"), made.text("verified"), &made.document["rows"]),
        (live.clone(), "restore".into(), &0.into())
    );
    scene.json("backup verify --restore").expect(0);
    let told = scene.run("backup --lang en --no-restore").expect(0).everything();
    assert!(told.contains("0 rows"), "{told}");
    let copy = format!("{}_copy", schema.name());
    let restored = scene
        .json(&format!("restore {} --into {copy}", made.text("path")))
        .expect(0);
    assert_eq!(
        (restored.text("digest"), &restored.document["rows"]),
        (live.clone(), &0.into())
    );
    point(&scene, &schema, &copy);
    assert_eq!(scene.json("digest").expect(0).text("digest"), live);
    MariaDb::shared().query(&format!("DROP DATABASE {copy}"));
}

/// Whatever a server takes for a name (nothing beyond the BMP, so no emoji), a backup and its restore take.
#[test]
fn names_that_are_no_words() {
    let schema = MariaDb::shared().schema("cli_names");
    let long = "n".repeat(64);
    let quoted = |name: &str| format!("`{}`", name.replace('`', "``"));
    let names = [
        "a`b", "c'd\"e", "f g", "h.i", "año", "j%k\\l", "../m", "-n;--", "SELECT", &long,
    ];
    for (at, name) in names.iter().enumerate() {
        let table = quoted(name);
        schema.query(&format!(
            "CREATE TABLE {table} ({table} INT PRIMARY KEY, `v '\"``.%` TEXT, KEY {table} (`v '\"``.%`(10)));
             INSERT INTO {table} VALUES ({at}, 'x'), (100, NULL);"
        ));
    }
    schema.query("CREATE VIEW `w ``'.%` AS SELECT `v '\"``.%` FROM `a``b`");
    let scene = scene(&schema);
    let made = scene.json("backup").expect(0);
    assert_eq!(made.document["rows"], 2 * names.len());
    let copy = format!("{}_copy", schema.name());
    scene
        .json(&format!("restore {} --into {copy}", made.text("path")))
        .expect(0);
    let there = |schema: &str| {
        MariaDb::shared().value(&format!(
            "SELECT GROUP_CONCAT(HEX(TABLE_NAME) ORDER BY TABLE_NAME) FROM information_schema.TABLES WHERE TABLE_SCHEMA='{schema}'"
        ))
    };
    assert_eq!(there(&copy), there(schema.name()));
    let live = scene.json("digest").expect(0).text("digest");
    point(&scene, &schema, &copy);
    assert_eq!(
        (scene.json("digest").expect(0).text("digest"), made.text("digest")),
        (live.clone(), live)
    );
    let part = format!("{}_part", schema.name());
    scene
        .json(&format!(
            "restore {} --into {part} --tables 'f g'",
            made.text("path")
        ))
        .expect(0);
    assert_eq!(
        MariaDb::shared()
            .value(&format!("SELECT COUNT(*) FROM {part}.`f g`"))
            .as_deref(),
        Some("2")
    );
    MariaDb::shared().query(&format!("DROP DATABASE {copy}; DROP DATABASE {part}"));
}

/// What a table's definition reads comes with it: without the sequence it could not be made, after the old one was dropped.
#[test]
fn a_table_that_numbers_by_a_sequence_comes_with_it() {
    let schema = MariaDb::shared().schema("cli_part_sequence");
    schema.query(
        "CREATE SEQUENCE folio START 100; CREATE SEQUENCE other;
         CREATE TABLE t (id BIGINT PRIMARY KEY DEFAULT nextval(folio), v INT); CREATE TABLE u (id INT PRIMARY KEY);
         INSERT INTO t (v) VALUES (1), (2)",
    );
    let scene = scene(&schema);
    let path = scene.json("backup --no-restore").expect(0).text("path");
    let part = format!("{}_part", schema.name());
    for again in ["", " --replace"] {
        let restored = scene.json(&format!("--yes restore {path} --into {part} --tables t{again}"));
        assert_eq!(restored.expect(0).document["rows"], 2);
    }
    let value = |sql: &str| MariaDb::shared().value(sql);
    assert_eq!(
        value(&format!(
            "SELECT GROUP_CONCAT(TABLE_NAME ORDER BY 1) FROM information_schema.TABLES WHERE TABLE_SCHEMA='{part}'"
        ))
        .as_deref(),
        Some("folio,t")
    );
    let next = value(&format!("SELECT NEXT VALUE FOR {part}.folio")).unwrap();
    assert!(next.parse::<u64>().unwrap() >= 102, "{next}");
    MariaDb::shared().query(&format!("DROP DATABASE {part}"));
}

/// A copy must not act, and whoever goes on to use it has to know.
#[test]
fn events_that_a_restore_switches_off_are_named() {
    let schema = MariaDb::shared().schema("cli_events");
    schema.query(
        "CREATE TABLE t (id INT PRIMARY KEY); CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY DO DELETE FROM t;
         CREATE EVENT asleep ON SCHEDULE EVERY 1 DAY DISABLE DO DELETE FROM t",
    );
    let scene = scene(&schema);
    let path = scene.json("backup --no-restore").expect(0).text("path");
    let copy = format!("{}_copy", schema.name());
    let restored = scene.json(&format!("restore {path} --into {copy}")).expect(0);
    assert_eq!(restored.document["events_off"], serde_json::json!(["nightly"]));
    let said = scene
        .run(&format!("--yes restore {path} --into {copy} --replace --lang en"))
        .expect(0)
        .to_string();
    let enable = said.lines().find(|line| line.contains("ALTER EVENT")).unwrap();
    schema.server().query(enable.trim());
    let on = format!(
        "SELECT GROUP_CONCAT(EVENT_NAME) FROM information_schema.EVENTS WHERE EVENT_SCHEMA='{copy}' AND STATUS='ENABLED'"
    );
    assert_eq!(MariaDb::shared().value(&on).as_deref(), Some("nightly"));
    let kept = scene
        .json(&format!(
            "--yes restore {path} --into {copy} --replace --keep-events"
        ))
        .expect(0);
    assert_eq!(kept.document["events_off"], serde_json::json!([]));
    assert_eq!(MariaDb::shared().value(&on).as_deref(), Some("nightly"));
    MariaDb::shared().query(&format!("DROP DATABASE {copy}"));
}

/// What `check` asks for is enough, and each part of it is needed: for the backup, and for its proof.
#[test]
fn the_grants_that_check_prints_suffice_for_a_backup_and_its_proof() {
    let server = MariaDb::start();
    let schema = server.schema("cli_grants");
    schema.query(TABLES);
    schema.query(
        "CREATE PROCEDURE p() SELECT 1; CREATE FUNCTION f() RETURNS INT DETERMINISTIC RETURN 1; CREATE SEQUENCE s;
         CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SET @a=1; CREATE USER least@'%' IDENTIFIED BY ''",
    );
    let scene = scene(&schema);
    scene.env("DB_USER", "least");
    let failed = scene.json("check").expect(1);
    let hint = failed.document["checks"][0]["hint"].as_str().unwrap().to_owned();
    assert!(
        hint.starts_with("GRANT SELECT") && !hint.contains("ALL PRIVILEGES"),
        "{hint}"
    );
    server.query(hint.split(';').next().unwrap());
    let wanted = || -> Vec<String> {
        let checks = scene.json("check").document["checks"].as_array().unwrap().clone();
        let hints = checks.iter().filter_map(|check| check["hint"].as_str());
        hints
            .flat_map(|hint| hint.split("; "))
            .filter(|part| part.starts_with("GRANT"))
            .map(str::to_owned)
            .collect()
    };
    // What the catalog hides comes first: only then can be seen what a proof has to make.
    let mut grants = Vec::new();
    for _ in 0..2 {
        for grant in wanted() {
            server.query(&grant);
            grants.push(grant);
        }
    }
    assert!(grants.len() > 2, "{grants:?}");
    // No window is configured: who else could write is a note.
    let checked = scene.json("check").expect(0);
    assert!(
        checked.document.to_string().contains("\"note\":true"),
        "{}",
        checked.document
    );
    assert_eq!(scene.json("backup").expect(0).text("verified"), "restore");
    let pattern = grants.iter().find(|grant| grant.contains("ventana")).unwrap();
    let names = pattern
        .strip_prefix("GRANT ")
        .unwrap()
        .split(" ON ")
        .next()
        .unwrap();
    let (on, to) = pattern.split_once(" ON ").unwrap().1.split_once(" TO ").unwrap();
    for privilege in names
        .split(", ")
        .filter(|name| !["SHOW VIEW", "SELECT"].contains(name))
    {
        server.query(&format!("REVOKE {privilege} ON {on} FROM {to}"));
        assert_eq!(wanted(), [format!("GRANT {privilege} ON {on} TO {to}")]);
        server.query(&format!("GRANT {privilege} ON {on} TO {to}"));
    }
    // Without them there is a backup all the same, and the failure says so.
    server.query(&format!("REVOKE CREATE ON {on} FROM {to}"));
    let failed = scene.json("backup");
    assert_eq!(failed.said.output.code, Some(1), "{}", failed.said.output);
    let error = &failed.document["error"];
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .contains("was made and re-read")
            && error["hint"].as_str().unwrap().contains("--restore` proves it"),
        "{error}"
    );
    assert_eq!(
        scene.json("backup list").expect(0).document["backups"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn check_sees_what_a_restore_needs_of_the_server_and_a_folder_that_cannot_be_made() {
    let server = MariaDb::start();
    let schema = server.schema("cli_check");
    schema.query("CREATE TABLE t (id INT PRIMARY KEY)");
    let scene = scene(&schema);
    scene.json("check").expect(0);
    server.query("SET GLOBAL local_infile=OFF");
    let bad = |name: &str| {
        let said = scene.json("check").expect(1);
        let checks = said.document["checks"].as_array().unwrap().clone();
        let found: Vec<_> = checks.into_iter().filter(|check| check["ok"] == false).collect();
        assert!(found.len() == 1 && found[0]["check"] == name, "{found:?}");
        found[0].clone()
    };
    assert!(
        bad("proof")["hint"]
            .as_str()
            .unwrap()
            .contains("SET GLOBAL local_infile=ON")
    );
    server.query("SET GLOBAL local_infile=ON");
    let below = testkit::fault::unwritable(scene.sandbox().work());
    scene.env("BACKUP_DIR", below.display().to_string());
    assert!(
        bad("backup folder")["hint"]
            .as_str()
            .unwrap()
            .contains("BACKUP_DIR")
    );
    scene.env("DB_NAME", "nowhere");
    let missing = scene.json("check").expect(1);
    assert!(
        missing.document["checks"][0]["hint"]
            .as_str()
            .unwrap()
            .contains("--into nowhere"),
        "{}",
        missing.document
    );
}
