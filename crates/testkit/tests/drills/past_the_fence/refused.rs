//! A window whose fence would have a gap is refused before it changes anything, with the words that mend it.

use testkit::fixtures;
use testkit::mariadb::Rows;

use super::accept;
use crate::world_mariadb::{SERVICE, State, World};

#[test]
fn the_services_own_account_cannot_run_its_window() {
    let world = World::new(&fixtures::small_dump());
    // As the seeds have it: one DB_USER for everything.
    world.server.query(&format!(
        "GRANT ALL PRIVILEGES ON *.* TO {SERVICE} WITH GRANT OPTION"
    ));
    let (start, grants) = (world.state(), world.grants());
    let one = world.configuration().replace(
        "mysql://ventana:de%20ventana@",
        "mysql://inventario:del%20servicio@",
    );
    world.configure(&one);
    for args in [&["run", "--dry-run"][..], &["run"]] {
        let refused = world.json(args);
        assert!(matches!(refused.code, Some(1 | 2)), "{refused}");
        let said = refused.stdout.replace("\\n", "\n");
        for needed in [
            "CREATE USER 'ventana'@",
            "GRANT ALL PRIVILEGES ON",
            "is the service's account",
            "TO `inventario`@`127.0.0.1`",
        ] {
            assert!(said.contains(needed), "{needed} is missing: {refused}");
        }
        assert!(!said.contains("del servicio"), "a password is shown: {refused}");
        nothing_changed(&world, &start, &grants);
    }
    // No account is named: the same.
    world.configure(
        &world
            .configuration()
            .replace(&format!("accounts = [\"{SERVICE}\"]"), ""),
    );
    let refused = world.json(&["run"]);
    assert!(matches!(refused.code, Some(1 | 2)), "{refused}");
    assert!(refused.stdout.contains("CREATE USER"), "{refused}");
    nothing_changed(&world, &start, &grants);

    // The statements that it prints do mend it.
    world
        .server
        .query(&format!("REVOKE ALL PRIVILEGES, GRANT OPTION FROM {SERVICE}"));
    world.server.query(&format!(
        "GRANT SELECT, INSERT, UPDATE, DELETE ON inventario.* TO {SERVICE}"
    ));
    world.configure(&world.configuration());
    world.json(&["run"]).ok();
}

fn nothing_changed(world: &World, start: &State, grants: &Rows) {
    world.state().assert_same(start, "after the refusal");
    world.assert_unfenced(grants, "after the refusal");
    world.assert_no_scratch("after the refusal");
    assert_eq!(world.health(), ("r1".into(), 1));
}

#[test]
fn whoever_could_write_past_the_fence_is_named() {
    let world = World::new(&fixtures::small_dump());
    let (start, grants) = (world.state(), world.grants());
    let cases = [
        (
            "CREATE USER otro@'%'; GRANT INSERT ON *.* TO otro@'%'",
            "otro",
            "DROP USER otro@'%'",
        ),
        (
            "CREATE USER otro@'%'; GRANT READ_ONLY ADMIN ON *.* TO otro@'%'",
            "otro",
            "DROP USER otro@'%'",
        ),
        (
            "CREATE USER otro@'%'; GRANT UPDATE ON `inventari_`.* TO otro@'%'",
            "otro",
            "DROP USER otro@'%'",
        ),
        (
            "CREATE USER otro@'%'; GRANT UPDATE (notas) ON inventario.activos TO otro@'%'",
            "otro",
            "DROP USER otro@'%'",
        ),
        (
            "CREATE USER otro@'%'; GRANT EXECUTE ON PROCEDURE inventario.baja_activo TO otro@'%'",
            "otro",
            "DROP USER otro@'%'",
        ),
        (
            "CREATE USER otro@'%'; GRANT UPDATE ON mysql.* TO otro@'%'",
            "otro",
            "DROP USER otro@'%'",
        ),
        (
            "CREATE ROLE papel; GRANT DELETE ON inventario.activos TO papel",
            "papel",
            "DROP ROLE papel",
        ),
        (
            "GRANT INSERT ON inventario.* TO PUBLIC",
            "PUBLIC",
            "REVOKE INSERT ON inventario.* FROM PUBLIC",
        ),
        (
            "CREATE DATABASE aparte; CREATE DEFINER='root'@'localhost' PROCEDURE aparte.puerta() UPDATE inventario.activos SET notas='x'",
            "aparte.puerta",
            "DROP DATABASE aparte",
        ),
        (
            "CREATE DATABASE aparte; CREATE EVENT aparte.reloj ON SCHEDULE EVERY 1 DAY STARTS '2035-01-01' DO UPDATE inventario.activos SET notas='x'",
            "aparte.reloj",
            "DROP DATABASE aparte",
        ),
    ];
    for (open, name, close) in cases {
        world.server.query(open);
        let refused = world.json(&["run"]);
        assert!(matches!(refused.code, Some(1 | 2)), "{open}: {refused}");
        assert!(
            refused.json()["error"]["message"]
                .as_str()
                .is_some_and(|said| said.contains(name)),
            "{open}: {refused}"
        );
        nothing_changed(&world, &start, &grants);
        world.server.query(close);
    }
    // Accepted by name, the window goes through.
    world
        .server
        .query("CREATE USER otro@'%'; GRANT INSERT ON *.* TO otro@'%'");
    accept(&world, &["'otro'@'%'"]);
    world.json(&["run"]).ok();
}
