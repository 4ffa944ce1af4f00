//! What a killed `backup verify --restore` leaves, the next verb clears away, and nothing else.

use std::fs::{self, File};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use testkit::mariadb::Schema;
use testkit::{MariaDb, Service};

use super::scene::Scene;

/// Rows enough that a restore of them takes its time.
fn schema() -> Schema<'static> {
    let schema = MariaDb::shared().schema("cli_left");
    schema.query(
        "CREATE TABLE t (id INT PRIMARY KEY, a CHAR(200), KEY (a)) DEFAULT CHARSET utf8mb4;
         INSERT INTO t SELECT seq, SHA2(seq, 512) FROM seq_1_to_100000",
    );
    schema
}

fn scene(schema: &Schema<'_>) -> Scene {
    let scene = Scene::empty();
    scene.env("DB_HOST", "127.0.0.1");
    scene.env("DB_PORT", MariaDb::shared().port().to_string());
    scene.env("DB_USER", "root");
    scene.env("DB_NAME", schema.name());
    scene.env("BACKUP_DIR", scene.path("backups").display().to_string());
    scene.json("backup --no-restore").expect(0);
    scene
}

fn left(scene: &Scene) -> Vec<PathBuf> {
    let entries = fs::read_dir(scene.path(".ventana/scratch")).into_iter().flatten();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// Kills it, it alone, in the middle: as soon as `there` says so.
fn killed(service: &Service, there: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !there() {
        assert!(
            service.is_running() && Instant::now() < end,
            "{}",
            service.output()
        );
    }
    service.kill9();
}

fn scratch_schemas(schema: &Schema<'_>) -> u64 {
    let sql = format!(
        "SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE '{}\\_\\_ventana\\_%'",
        schema.name().replace('_', "\\_")
    );
    schema.server().value(&sql).unwrap().parse().unwrap()
}

#[test]
fn a_scratch_schema() {
    let schema = schema();
    let scene = scene(&schema);
    let verify = scene.ventana("backup verify --restore").spawn();
    killed(&verify, || scratch_schemas(&schema) == 1);
    assert_eq!((scratch_schemas(&schema), left(&scene).len()), (1, 2));
    // Without the server it cannot be removed yet, and is not forgotten.
    scene.env("DB_PORT", "1");
    scene.json("digest --backup latest").expect(0);
    assert_eq!((scratch_schemas(&schema), left(&scene).len()), (1, 2));
    scene.env("DB_PORT", MariaDb::shared().port().to_string());
    scene.json("digest --backup latest").expect(0);
    assert_eq!((scratch_schemas(&schema), left(&scene).len()), (0, 0));
}

#[test]
fn a_private_server() {
    let schema = schema();
    let scene = scene(&schema);
    let verify = scene.ventana("backup verify --restore --scratch-server").spawn();
    let socket = || left(&scene).iter().any(|path| path.join("mariadb.sock").exists());
    killed(&verify, socket);
    let servers = || {
        let all = scene.sandbox().processes();
        all.iter()
            .filter(|one| one.command.contains("--datadir="))
            .count()
    };
    assert_eq!((servers(), left(&scene).len()), (1, 2));
    scene.json("digest --backup latest").expect(0);
    assert_eq!((servers(), left(&scene).len()), (0, 0));
}

#[test]
fn what_somebody_holds_stays() {
    let schema = MariaDb::shared().schema("cli_held");
    schema.query("CREATE TABLE t (id INT PRIMARY KEY)");
    let scene = scene(&schema);
    let root = scene.path(".ventana/scratch");
    let live = format!(
        "schema {} 127.0.0.1:{}\n",
        schema.name(),
        MariaDb::shared().port()
    );
    for (name, content) in [("held_1", ""), ("dead_1", ""), ("strange_1", live.as_str())] {
        fs::create_dir_all(root.join(name)).unwrap();
        fs::write(root.join(format!("{name}.lock")), content).unwrap();
    }
    fs::create_dir(root.join("of_nobody")).unwrap();
    let held = File::open(root.join("held_1.lock")).unwrap();
    held.lock().unwrap();
    scene.json("backup verify --restore").expect(0);
    let mut names: Vec<String> = left(&scene)
        .iter()
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    // The live database is never a scratch copy, whoever wrote so.
    assert_eq!(
        names,
        [
            "held_1",
            "held_1.lock",
            "of_nobody",
            "strange_1",
            "strange_1.lock"
        ]
    );
    assert_eq!(scene.json("digest").expect(0).document["tables"][0]["name"], "t");
}
