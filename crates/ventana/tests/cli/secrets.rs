//! No output and no file of ours holds a secret.

use testkit::MariaDb;

use super::scene::{SECRET, Scene};

#[test]
fn of_a_whole_window() {
    let scene = Scene::served();
    scene.env("DB_PASS", "Geheim-Wort-7");
    let mut said = String::new();
    for line in [
        "check",
        "plan",
        "run --dry-run",
        "rehearse",
        "run",
        "status",
        "smoke --write",
        "note 'x'",
        "report",
        "report verify",
        "rollback",
    ] {
        for line in [line.to_owned(), format!("--json {line}")] {
            // The second time round most have nothing left to do: what they say then is looked at, too.
            said.push_str(&scene.run(&line).everything());
        }
    }
    assert!(said.contains("rolled_back"), "{said}");
    nobody_knows(&scene, &said, &[SECRET, "Geheim-Wort-7"]);
    let journal = std::fs::read_to_string(scene.run_dir().join("journal.jsonl")).unwrap();
    assert!(journal.lines().count() > 20, "there is something to search");
}

#[test]
fn of_a_failed_window() {
    let scene = Scene::served();
    scene.configure("\"/database\" = \"ok\"", "\"/database\" = \"splendid\"");
    let said = scene.run("run").expect(3).everything();
    nobody_knows(&scene, &said, &[SECRET]);
}

#[test]
fn of_a_server() {
    let schema = MariaDb::shared().schema("cli_secret");
    let password = "Gehe!m Wort/7@";
    let user = format!("u{}", schema.name().rsplit('_').next().unwrap());
    schema.query(&format!(
        "CREATE USER '{user}'@'%' IDENTIFIED BY '{password}'; GRANT ALL ON `{}%`.* TO '{user}'@'%'; CREATE TABLE t (id INT PRIMARY KEY, a TEXT); INSERT INTO t VALUES (1, 'x')",
        schema.name()
    ));
    let scene = Scene::empty();
    let encoded = "Gehe%21m%20Wort%2F7%40";
    let port = MariaDb::shared().port();
    scene.env(
        "DATABASE_URL",
        format!("mysql://{user}:{encoded}@127.0.0.1:{port}/{}", schema.name()),
    );
    scene.env("BACKUP_DIR", scene.path("backups").display().to_string());
    let mut said = String::new();
    scene.run("digest").expect(0);
    for line in [
        "check",
        "digest",
        "backup",
        "backup list",
        "backup verify --restore",
        "fence status",
        "plan",
        "status",
    ] {
        for line in [line.to_owned(), format!("--json {line}")] {
            said.push_str(&scene.run(&line).everything());
        }
    }
    // In the file, where it does not belong, and with a run that leaves a plan, a journal and a report.
    let url = format!("mysql://{user}:{encoded}@127.0.0.1:{port}/{}", schema.name());
    scene.file("new/r2/RELEASE", "r2\n");
    let text = format!(
        "[database]\nurl = \"{url}\"\n[state]\ndir = \"state\"\n[release]\nroot = \"app\"\nsource = \"new/r2\"\n"
    );
    scene.file("ventana.toml", &text);
    scene.env("DATABASE_URL", "");
    for line in [
        "--json plan",
        "run --dry-run",
        "run --step prove_a --lang es",
        "--json run --step backup_a",
        "check",
        "status",
        "report",
    ] {
        said.push_str(&scene.run(line).everything());
    }
    scene.json("report verify").expect(0);
    std::fs::remove_file(scene.path("ventana.toml")).unwrap();
    // And with one that the server does not take.
    scene.env(
        "DATABASE_URL",
        format!(
            "mysql://{user}:Wrong-{encoded}@127.0.0.1:{port}/{}",
            schema.name()
        ),
    );
    for line in ["check", "digest", "backup", "plan"] {
        said.push_str(&scene.run(line).everything());
    }
    scene.json("digest").expect(1);
    schema.query(&format!("DROP USER '{user}'@'%'"));
    nobody_knows(&scene, &said, &[password, encoded, "Gehe", "Wrong-"]);
}

#[track_caller]
fn nobody_knows(scene: &Scene, said: &str, secrets: &[&str]) {
    for secret in secrets {
        assert!(!said.contains(secret), "an output holds {secret}: {said}");
        for (file, content) in scene.files() {
            let found = content
                .windows(secret.len())
                .any(|window| window == secret.as_bytes());
            assert!(!found, "{} holds {secret}", file.display());
        }
    }
}
