//! Two people on two machines open a window on the same schema: one of them gets it, the other is told so.

use testkit::fixtures;

use crate::world_mariadb::{World, wait_for};

#[test]
fn the_server_gives_the_lease_to_one_of_two_machines() {
    let world = World::new(&fixtures::small_dump());
    // The other machine has its own state folder, so only the server can tell.
    let other = world
        .configuration()
        .replace("dir = \"state\"", "dir = \"state-elsewhere\"");
    world.sandbox().file("other.toml", other);
    let mut holder = world.session("root", "");
    holder.run("BEGIN; SELECT id FROM activos LIMIT 1").unwrap();
    let first = world.ventana(&["--json", "run"]).spawn();
    wait_for("the first statement of the first window", || {
        let waiting = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER='ventana' AND INFO LIKE 'ALTER TABLE activos ADD%'";
        (world.server.value(waiting)? != "0").then_some(())
    });
    for args in [&["--config", "other.toml", "run"][..], &["run"]] {
        let refused = world.json(args);
        assert_eq!(
            (refused.code, &refused.json()["error"]["code"]),
            (Some(10), &"lease_held".into()),
            "{refused}"
        );
    }
    holder.run("COMMIT").unwrap();
    first.wait().ok();
    assert_eq!(world.health(), ("r2".into(), 2));
    let second = world.json(&["--config", "other.toml", "run"]);
    assert!(
        second.json()["error"]["message"]
            .as_str()
            .is_some_and(|said| said.contains("deployed already")),
        "{second}"
    );
}
