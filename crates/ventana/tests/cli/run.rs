use std::fs::File;

use insta::assert_snapshot;
use testkit::fault;
use testkit::process::Signal;

use super::scene::Scene;

#[test]
fn a_dry_run_shows_the_plan_and_changes_nothing() {
    let scene = Scene::data();
    // A state folder with a past: a plan that was read, a run, its lease.
    scene.run("plan").expect(0);
    scene.run("run --step backup_a").expect(0);
    let before = scene.files();
    let en = scene.run("run --dry-run --lang en").expect(0);
    let json = scene.json("run --dry-run").expect(0);
    assert!(scene.files() == before, "a dry run has changed a file");
    let dry = &json.document["dry_run"];
    assert_eq!((&dry["ok"], &dry["unchanged"]), (&true.into(), &true.into()));
    assert_eq!(dry["digest_before"], dry["digest_after"]);
    let plan = scene.json("plan").expect(0).document;
    assert_eq!(
        json.document["plan_digest"], plan["plan_digest"],
        "the very plan that a run consumes"
    );
    assert_eq!(json.document["steps"], plan["steps"]);
    assert_snapshot!(en);
}

#[test]
fn a_dry_run_finds_what_would_fail() {
    let scene = Scene::data();
    scene.configure("dir = \"backups\"", "dir = \"taken/backups\"");
    fault::unwritable(scene.sandbox().work());
    std::fs::rename(scene.path("not-a-folder"), scene.path("taken")).unwrap();
    let json = scene.json("run --dry-run").expect(1);
    let checks = json.document["dry_run"]["checks"].as_array().unwrap();
    let bad: Vec<_> = checks.iter().filter(|check| check["ok"] == false).collect();
    assert!(
        !bad.is_empty() && bad.iter().all(|check| check["message"].is_string()),
        "{bad:?}"
    );
    assert_snapshot!(scene.run("run --dry-run --lang es").expect(1));
}

#[test]
fn to_the_new_release_as_a_document() {
    let scene = Scene::served();
    let before = scene.json("digest").expect(0).text("digest");
    let ran = scene.json("run").expect(0);
    assert_snapshot!(format!("{ran}\n{}", ran.events()));
    assert_eq!(
        (ran.text("outcome"), ran.document["exit_code"].as_i64()),
        ("done".into(), Some(0))
    );
    assert_eq!(ran.text("digest_before"), before);
    assert_eq!(
        ran.text("digest_after"),
        scene.json("digest").expect(0).text("digest")
    );
    for file in ["journal", "report"] {
        assert!(std::path::Path::new(&ran.text(file)).is_file(), "{file}");
    }
    assert!(ran.document["blocked_ms"].as_u64().unwrap() > 0);
    // Seen from outside: the release, the schema, every row.
    let health = testkit::http::get(scene.url("/healthz")).expect(200).json();
    assert_eq!((&health["release"], &health["schema"]), (&"r2".into(), &2.into()));
    assert_eq!(
        scene.sqlite("SELECT count(*), count(especificaciones_v1) FROM activos"),
        "60|59"
    );
    assert_eq!(
        scene.sqlite("SELECT count(*) FROM activos WHERE especificaciones IS NOT NULL AND NOT json_valid(especificaciones)"),
        "0"
    );
}

#[test]
fn for_people_and_then_there_is_nothing_to_do() {
    let scene = Scene::data();
    let first = scene.run("run --lang en").expect(0);
    let digest = scene.json("digest").expect(0).text("digest");
    let second = scene.run("run --lang en").expect(2);
    assert_snapshot!(format!("{first}\n{second}"));
    let failed = scene.json("run").fails(2, "usage");
    assert!(failed.message.contains("r2 is deployed already"), "{failed:?}");
    assert_eq!(scene.json("digest").expect(0).text("digest"), digest);
    assert_eq!(std::fs::read_dir(scene.path("state/runs")).unwrap().count(), 1);
}

#[test]
fn speaks_spanish() {
    assert_snapshot!(Scene::data().run("run --lang es").expect(0));
}

#[test]
fn what_was_read_is_what_is_run() {
    let scene = Scene::data();
    scene.run("plan").expect(0);
    scene.file("build/r2/extra", "slipped in after the plan was read");
    let before = scene.files();
    let human = scene.run("run --lang en").expect(2);
    let failed = scene.json("run").fails(2, "usage");
    assert!(failed.hint.contains("ventana plan"), "{failed:?}");
    assert!(scene.files() == before, "a refused run has changed a file");
    assert_snapshot!(human);
    scene.run("plan").expect(0);
    scene.run("run").expect(0);
}

#[test]
fn one_step_alone() {
    let scene = Scene::data();
    let proven = scene.json("run --step prove_a").expect(0);
    assert_snapshot!(format!("{proven}\n{}", proven.events()));
    assert_eq!(scene.current(), "r1");
    assert_eq!(std::fs::read_dir(scene.path("backups")).unwrap().count(), 1);
    // It does not stand in the way of the window.
    scene.run("run").expect(0);
}

#[test]
fn steps_that_cannot_be_run_alone() {
    let scene = Scene::data();
    let before = scene.files();
    let mut said = String::new();
    for step in ["nonsense", "migrate", "fence", "lift"] {
        said.push_str(&format!(
            "{}\n",
            scene.run(&format!("run --lang en --step {step}")).expect(2)
        ));
        assert!(
            !scene
                .json(&format!("run --step {step}"))
                .fails(2, "usage")
                .hint
                .is_empty()
        );
    }
    assert!(scene.files() == before);
    assert_snapshot!(said);
}

#[test]
fn one_at_a_time() {
    let scene = Scene::data();
    std::fs::create_dir(scene.path("state")).unwrap();
    let lease = scene.file("state/lease", "run 20251106_230000 by ana@host\n");
    let held = File::open(&lease).unwrap();
    held.try_lock().unwrap();
    let before = scene.files();
    let human = scene.run("run --lang en").expect(10);
    let failed = scene.json("run").fails(10, "lease_held");
    assert!(
        failed.message.contains("by ana@host") && failed.hint.contains("ventana status"),
        "{failed:?}"
    );
    for verb in ["rehearse", "fence on", "fence off"] {
        scene.json(verb).fails(10, "lease_held");
    }
    assert!(!scene.path("state/runs").join("journal.jsonl").exists());
    assert_eq!(scene.sqlite("SELECT count(*) FROM activos"), "60");
    assert_eq!(
        before.get(&scene.database()),
        scene.files().get(&scene.database())
    );
    assert_snapshot!(human);
    drop(held);
    scene.run("run").expect(0);
}

#[test]
fn a_failure_before_anything_was_changed() {
    let scene = Scene::data();
    let folder = fault::unwritable(scene.sandbox().work());
    scene.configure(
        "dir = \"backups\"",
        &format!("dir = \"backups\"\noff_site = \"{}\"", folder.display()),
    );
    let digest = scene.json("digest").expect(0).text("digest");
    let ran = scene.json("run").expect(1);
    assert_eq!(
        (ran.text("outcome"), ran.document["exit_code"].as_i64()),
        ("failed".into(), Some(1))
    );
    assert!(ran.document["error"]["message"].is_string() && ran.document["journal"].is_string());
    assert_eq!(ran.document["blocked_ms"], 0);
    assert_eq!(scene.json("digest").expect(0).text("digest"), digest);
    assert_snapshot!(scene.run("run --lang en").expect(1));
}

#[test]
fn a_failure_in_the_window_is_taken_back() {
    let scene = Scene::served();
    let digest = scene.json("digest").expect(0).text("digest");
    scene.configure("\"/database\" = \"ok\"", "\"/database\" = \"splendid\"");
    let ran = scene.json("run").expect(3);
    assert_eq!(ran.text("outcome"), "rolled_back");
    assert_eq!(
        (ran.text("digest_before"), ran.text("digest_after")),
        (digest.clone(), digest.clone())
    );
    assert_eq!(ran.document["error"]["step"], "smoke");
    assert_eq!(scene.json("digest").expect(0).text("digest"), digest);
    let health = testkit::http::get(scene.url("/healthz")).expect(200).json();
    assert_eq!((&health["release"], &health["schema"]), (&"r1".into(), &1.into()));
    assert_snapshot!(format!("{ran}\n{}", ran.events()));
    // For people, with the same end.
    assert_snapshot!("rolled_back_for_people", scene.run("run --lang en").expect(3));
}

#[test]
fn ctrl_c_stops_between_two_steps_and_what_was_begun_can_go_on() {
    let scene = Scene::served();
    // A release that calls itself by another name: it is waited for, and nobody knows how long.
    let launcher = scene.read("build/r1/inventario");
    scene.file("build/r2/inventario", &launcher);
    let digest = scene.json("digest").expect(0).text("digest");
    let running = scene.ventana("--json run").spawn();
    running.wait_line(r#""step":"restart""#);
    assert!(running.signal(Signal::INT));
    let stopped = running.wait().expect(130);
    let document = stopped.json();
    assert_eq!(
        (&document["outcome"], &document["exit_code"]),
        (&"interrupted".into(), &130.into())
    );
    assert_eq!(scene.json("status").expect(0).text("next"), "ventana resume");
    scene.json("run").fails(4, "open_run");
    let back = scene.json("rollback").expect(0);
    assert_eq!(back.text("outcome"), "rolled_back");
    assert_eq!(scene.json("digest").expect(0).text("digest"), digest);
    assert!(!scene.path("inventario.db.fence").exists());
}
