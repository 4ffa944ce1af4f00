use insta::assert_snapshot;
use serde_json::json;
use testkit::{Process, bin, http};

use super::resume::die_under_the_fence;
use super::scene::{SECRET, Scene};

#[test]
fn on_and_off_for_people() {
    let scene = Scene::data();
    let said = [
        scene.run("fence status --lang en").expect(0),
        scene.run("fence on --lang en").expect(0),
        scene.run("fence status --lang es").expect(0),
        scene.run("fence on --lang en").expect(0),
        scene.run("fence off --lang en").expect(0),
        scene.run("fence off --lang en").expect(0),
    ];
    assert_snapshot!(said.map(|said| said.to_string()).join("\n"));
}

#[test]
fn writes_are_refused_and_reads_live() {
    let scene = Scene::served();
    let token = Process::within(scene.sandbox(), bin("inventario"))
        .args(["token", "--email", "ana@empresa.example"])
        .env("JWT_SECRET", SECRET)
        .env("DATABASE_URL", format!("sqlite://{}", scene.database().display()))
        .run()
        .ok();
    let token = token.stdout.trim();
    let read = || {
        http::get(scene.url("/api/activos/1"))
            .bearer(token)
            .expect(200)
            .json()
    };
    let write = || {
        http::put(scene.url("/api/activos/1"))
            .bearer(token)
            .json(&read_only_fields_gone(read()))
            .send()
            .unwrap()
    };
    assert_eq!(write().status, 200);

    let on = scene.json("fence on").expect(0);
    assert_eq!(on.document["on"], true);
    let status = scene.json("fence status").expect(0);
    assert_eq!(status.document["on"], true);
    assert_eq!(write().status, 503);
    read();

    let off = scene.json("fence off").expect(0);
    assert_eq!(off.document["on"], false);
    assert_eq!(write().status, 200);
    assert_snapshot!(format!("{on}\n{status}\n{off}"));
}

/// What a client may send back of what it got.
fn read_only_fields_gone(activo: serde_json::Value) -> serde_json::Value {
    json!({ "nombre": activo["nombre"], "numero_serie": activo["numero_serie"] })
}

#[test]
fn of_a_run_that_is_not_over() {
    let scene = Scene::data();
    die_under_the_fence(&scene);
    let human = scene.run("fence off --lang en").expect(4);
    assert!(
        scene
            .json("fence off")
            .fails(4, "open_run")
            .hint
            .contains("ventana resume")
    );
    scene.json("fence on").fails(4, "open_run");
    assert!(scene.path("inventario.db.fence").exists());
    scene.json("--yes fence off").expect(0);
    assert!(!scene.path("inventario.db.fence").exists());
    assert_snapshot!(human);
}

#[test]
fn what_is_not_said_is_not_done() {
    let scene = Scene::data();
    let before = scene.files();
    scene.run("fence").expect(2);
    scene.run("fence up").expect(2);
    assert!(scene.files() == before);
}
