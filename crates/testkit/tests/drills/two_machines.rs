//! Others are at work on the same server: a window on another machine, somebody's own DDL. Who must wait is told for
//! whom.

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

/// While somebody's DDL waits for its lock, the catalog shows its tables as if they had neither engine nor columns.
#[test]
fn a_table_that_somebody_holds_is_not_taken_for_one_that_cannot_be_carried() {
    let world = World::new(&fixtures::small_dump());
    let before = world.json(&["digest"]).ok().json();
    let mut reader = world.session("root", "");
    reader.run("BEGIN; SELECT id FROM roles LIMIT 1").unwrap();
    // Holds `activos` and waits for `roles`.
    let mut waiting = world.session("root", "");
    waiting.send("RENAME TABLE activos TO activos_, roles TO roles_, activos_ TO activos, roles_ TO roles");
    wait_for("the DDL of somebody", || {
        let there = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE STATE LIKE 'Waiting for table metadata lock'";
        (world.server.value(there)? == "1").then_some(())
    });
    let digest = world.ventana(&["--json", "--lang", "en", "digest"]).spawn();
    // Either it says so, or it waits until the table is free, on the server or between two looks; it never says something
    // wrong.
    let ours = "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE USER='ventana' \
        AND (STATE LIKE '%lock%' OR COMMAND='Sleep' AND TIME_MS>100)";
    wait_for("the digest", || {
        (!digest.is_running() || world.server.value(ours)? != "0").then_some(())
    });
    reader.run("COMMIT").unwrap();
    let output = digest.wait();
    match output.code {
        Some(0) => assert_eq!(output.json()["digest"], before["digest"], "{output}"),
        _ => assert!(
            !output.stdout.contains("engine ;") && output.stdout.contains("lock"),
            "{output}"
        ),
    }
    assert_eq!(world.json(&["digest"]).ok().json()["digest"], before["digest"]);
}
