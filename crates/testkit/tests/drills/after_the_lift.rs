//! People have written on the new release when somebody asks for the way back: nothing of theirs is thrown away.

use serde_json::json;
use testkit::{fixtures, http};

use crate::world_mariadb::World;

#[test]
fn a_rollback_that_would_lose_writes_is_refused_and_harms_nobody() {
    let world = World::new(&fixtures::small_dump());
    let grants = world.grants();
    world.json(&["run"]).ok();
    let token = world.login();
    let id = world
        .server
        .value("SELECT MIN(id) FROM inventario.activos")
        .unwrap();
    let write = |notas: &str| {
        let put = http::put(world.url(&format!("/api/activos/{id}"))).bearer(&token);
        put.json(&json!({ "notas": notas, "especificaciones": { "escrito": notas } }))
            .expect(200);
    };
    write("después de levantar la valla");
    let written = world.state();

    for _ in 0..2 {
        let refused = world.json(&["rollback"]).expect(4).json();
        assert_eq!(
            (&refused["outcome"], &refused["error"]["code"]),
            (&"held".into(), &"diverged".into()),
            "{refused:#}"
        );
        world.state().assert_same(&written, "after the refusal");
        assert_eq!(world.health(), ("r2".into(), 2));
        world.assert_unfenced(&grants, "after the refusal");
        world.assert_no_scratch("after the refusal");
    }
    // Whoever works goes on working.
    write("y después de la negativa");
    let status = world.json(&["status"]).ok().json();
    assert_eq!(
        (&status["outcome"], &status["fence"]["journal"]),
        (&"held".into(), &"off".into()),
        "{status:#}"
    );

    // The refusal is taken note of, and the window ends as what it is: done.
    let written = world.state();
    let done = world.json(&["resume"]).ok().json();
    assert_eq!(done["outcome"], "done", "{done:#}");
    world.state().assert_same(&written, "after going on");
    world.assert_unfenced(&grants, "after going on");

    // Put back by hand, the data are those of the lift, and the way is open.
    let past = format!(
        "UPDATE inventario.activos a JOIN antes.activos r USING (id) SET a.notas=r.notas, a.especificaciones=r.especificaciones, a.actualizado_en=r.actualizado_en WHERE a.id={id}"
    );
    world.reset(&fixtures::small_dump());
    let start = world.state();
    world.json(&["run"]).ok();
    world
        .server
        .query("CREATE DATABASE antes; CREATE TABLE antes.activos AS SELECT * FROM inventario.activos");
    write("otra vez");
    world.json(&["rollback"]).expect(4);
    world.server.query(&past);
    let back = world.json(&["rollback"]).ok().json();
    assert_eq!(back["outcome"], "rolled_back", "{back:#}");
    world.state().assert_same(&start, "after the rollback");
    assert_eq!(world.health(), ("r1".into(), 1));
    world.assert_unfenced(&grants, "after the rollback");
}
