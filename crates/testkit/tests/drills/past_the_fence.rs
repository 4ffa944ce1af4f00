//! The window's process dies right behind the fence. Until somebody goes on, nothing that the service's account tries
//! reaches the data, by whatever way; reads go on; and the way back gives everything back exactly.

#[path = "past_the_fence/refused.rs"]
mod refused;

use testkit::fixtures;
use testkit::http;
use testkit::mariadb::Rows;

use crate::world_mariadb::{SERVICE, World, wait_for};

/// Rows of every table, as the server sums them up.
fn sums(world: &World) -> Rows {
    world.server.query(
        "CHECKSUM TABLE inventario.activos, inventario.categorias, inventario.mantenimientos, inventario.roles, inventario.usuarios EXTENDED",
    )
}

/// Everything that lets the service's account write by a side door, as it grows over the years.
fn side_doors(world: &World) {
    world.server.query(&format!(
        "CREATE ROLE escritor; GRANT INSERT, UPDATE, DELETE ON inventario.* TO escritor;
         GRANT escritor TO {SERVICE}; SET DEFAULT ROLE escritor FOR {SERVICE};
         GRANT EXECUTE ON PROCEDURE inventario.baja_activo TO {SERVICE};
         GRANT EVENT, TRIGGER ON inventario.* TO {SERVICE};
         GRANT UPDATE (nombre) ON inventario.roles TO {SERVICE} WITH GRANT OPTION;
         CREATE DEFINER='root'@'localhost' EVENT inventario.pulso ON SCHEDULE EVERY 1 SECOND
           DO INSERT INTO inventario.mantenimientos (activo_id, usuario_id, tipo, titulo) SELECT MIN(id), 1, 'preventivo', 'pulso' FROM inventario.activos;
         CREATE DEFINER={SERVICE} EVENT inventario.latido ON SCHEDULE EVERY 1 SECOND
           DO INSERT INTO inventario.mantenimientos (activo_id, usuario_id, tipo, titulo) SELECT MIN(id), 1, 'preventivo', 'latido' FROM inventario.activos;
         CREATE DATABASE control; CREATE TABLE control.ticks (n INT AUTO_INCREMENT PRIMARY KEY);
         CREATE EVENT control.tick ON SCHEDULE EVERY 1 SECOND DO INSERT INTO control.ticks VALUES ()"
    ));
}

fn events(world: &World) -> Rows {
    world.server.query(
        "SELECT EVENT_NAME, DEFINER, STATUS, INTERVAL_VALUE, INTERVAL_FIELD, SQL_MODE, TIME_ZONE, CHARACTER_SET_CLIENT, COLLATION_CONNECTION, DATABASE_COLLATION, ON_COMPLETION,
           STARTS, EVENT_DEFINITION FROM information_schema.EVENTS WHERE EVENT_SCHEMA='inventario' ORDER BY 1",
    )
}

fn all_grants(world: &World) -> Rows {
    let mut rows = world.grants();
    rows.extend(world.server.query("SHOW GRANTS FOR escritor"));
    rows
}

fn count(world: &World, sql: &str) -> u64 {
    world
        .server
        .value(sql)
        .and_then(|count| count.parse().ok())
        .expect("a count")
}

/// Accepts the writers that the refusal names, as an operator does who has looked at each.
#[track_caller]
fn accept(world: &World, names: &[&str]) {
    let more: String = names.iter().map(|name| format!(", \"{name}\"")).collect();
    let text = world.configuration().replace(
        "'mariadb.sys'@'localhost'\"",
        &format!("'mariadb.sys'@'localhost'\"{more}"),
    );
    world.configure(&text);
}

#[test]
fn a_dead_run_keeps_every_door_shut_until_somebody_goes_on() {
    let world = World::new(&fixtures::small_dump());
    let seq = {
        world.json(&["run"]).ok();
        let seq = world.journal().seq("finished", "fence");
        world.reset(&fixtures::small_dump());
        seq
    };
    side_doors(&world);
    accept(&world, &["'escritor'@''"]);
    // A role that could not be given back is not taken.
    let refused = world.json(&["run"]).expect(1);
    let hint = "GRANT `escritor` TO `ventana`@`127.0.0.1` WITH ADMIN OPTION";
    assert_eq!(refused.json()["error"]["hint"], hint, "{refused}");
    world.server.query(hint);
    let start = world.state();
    let (grants, scheduled) = (all_grants(&world), events(&world));
    assert!(
        scheduled.len() == 3
            && scheduled
                .iter()
                .all(|event| event[2].as_deref() == Some("ENABLED")),
        "{scheduled:?}"
    );
    wait_for("both events", || {
        (count(
            &world,
            "SELECT COUNT(DISTINCT titulo) FROM inventario.mantenimientos WHERE titulo IN ('pulso','latido')",
        ) == 2)
            .then_some(())
    });
    let token = world.login();
    let mut old = world.session("inventario", "del servicio");
    old.run("SET ROLE escritor; PREPARE otra FROM 'UPDATE activos SET notas=''de antes'''")
        .unwrap();
    // In the middle of a transaction when the fence comes; on a table that the migration's DDL need not lock.
    let mut unfinished = world.session("inventario", "del servicio");
    unfinished
        .run("BEGIN; UPDATE roles SET nombre='a medias' WHERE id=1")
        .unwrap();

    let begun = sums(&world);
    world.die_at("run", &format!("after:{seq}"));
    let (before, ticks) = (sums(&world), count(&world, "SELECT COUNT(*) FROM control.ticks"));

    for session in [&mut old, &mut unfinished] {
        let ended = session
            .run("COMMIT; UPDATE activos SET notas='por la sesión vieja'")
            .unwrap_err();
        assert!(
            ["1927", "2006", "2013", "4031", "over"]
                .iter()
                .any(|code| ended.contains(code)),
            "{ended}"
        );
    }
    let tries = [
        "UPDATE activos SET notas='x'",
        "UPDATE roles SET nombre='x' WHERE id=1",
        "INSERT INTO categorias (nombre) VALUES ('x')",
        "DELETE FROM mantenimientos",
        "REPLACE INTO categorias VALUES (1, 'x')",
        "INSERT INTO mantenimientos (activo_id, usuario_id, tipo, titulo) SELECT 1, 1, 'preventivo', 'x'",
        "CALL baja_activo(1)",
        "PREPARE s FROM 'UPDATE activos SET notas=1'; EXECUTE s",
        "EXECUTE IMMEDIATE 'DELETE FROM mantenimientos'",
        "SET ROLE escritor; UPDATE activos SET notas='x'",
        "SET DEFAULT ROLE escritor",
        "CREATE EVENT mio ON SCHEDULE EVERY 1 SECOND DO DELETE FROM mantenimientos",
        "ALTER EVENT latido ENABLE",
        "ALTER EVENT pulso ENABLE",
        "CREATE TRIGGER mio BEFORE INSERT ON activos FOR EACH ROW SET NEW.notas='x'",
        "CREATE PROCEDURE mio() UPDATE activos SET notas='x'",
        "CREATE VIEW mio AS SELECT * FROM activos",
        "ALTER TABLE activos COMMENT='x'",
        "TRUNCATE TABLE mantenimientos",
        "DROP TABLE mantenimientos",
        "GRANT UPDATE (nombre) ON inventario.roles TO 'lector'@'127.0.0.1'",
        "GRANT INSERT ON inventario.* TO 'inventario'@'127.0.0.1'",
        "LOCK TABLES activos WRITE",
        "SET GLOBAL event_scheduler=OFF",
    ];
    for sql in tries {
        let answer = world.as_service(sql);
        assert!(
            answer
                .as_ref()
                .is_err_and(|said| said.contains("ERROR 1") || said.contains("ERROR 4")),
            "`{sql}` went through: {answer:?}"
        );
    }
    world.fenced_over_http(&token);
    wait_for("three beats of an event elsewhere", || {
        (count(&world, "SELECT COUNT(*) FROM control.ticks") >= ticks + 3).then_some(())
    });
    assert_eq!(sums(&world), before, "something was written past the fence");

    // Reads go on, over SQL and through the service.
    assert!(
        world
            .as_service("SELECT COUNT(*) FROM activos; SELECT * FROM activos_por_estado")
            .unwrap()
            .len()
            > 2
    );
    http::get(world.url("/api/activos?limit=5"))
        .bearer(&token)
        .expect(200);
    assert_eq!(world.health(), ("r1".into(), 1));

    status_says_what_goes_on(&world);
    let another = world.json(&["run"]);
    assert_eq!(
        (another.code, &another.json()["error"]["code"]),
        (Some(4), &"open_run".into()),
        "{another}"
    );

    let back = world.json(&["rollback"]).ok().json();
    assert_eq!(back["outcome"], "rolled_back", "{back:#}");
    assert_eq!(all_grants(&world), grants);
    assert_eq!(events(&world), scheduled);
    assert!(!world.path("fence/inventario.fence").exists());
    world.assert_no_scratch("after the rollback");
    assert_eq!(world.state().definitions(), start.definitions());
    for (after, begun) in sums(&world).iter().zip(&begun) {
        // The events are at it again.
        assert!(
            after == begun || after[0].as_deref() == Some("inventario.mantenimientos"),
            "{after:?} instead of {begun:?}"
        );
    }
    // Everything works again: the events, the procedure, the role, the service.
    let beats = count(
        &world,
        "SELECT COUNT(*) FROM inventario.mantenimientos WHERE titulo='pulso'",
    );
    wait_for("the event", || {
        (count(
            &world,
            "SELECT COUNT(*) FROM inventario.mantenimientos WHERE titulo='pulso'",
        ) > beats)
            .then_some(())
    });
    world
        .as_service("CALL baja_activo((SELECT MAX(id) FROM activos))")
        .unwrap();
    world
        .as_service("SET ROLE escritor; UPDATE activos SET notas='de vuelta' LIMIT 1")
        .unwrap();
    let id = world
        .server
        .value("SELECT MIN(id) FROM inventario.activos")
        .unwrap();
    let put = http::put(world.url(&format!("/api/activos/{id}"))).bearer(&token);
    put.json(&serde_json::json!({ "notas": "otra vez" })).expect(200);
}

fn status_says_what_goes_on(world: &World) {
    let status = world.json(&["status"]).ok().json();
    assert_eq!(
        (&status["fence"]["journal"], &status["fence"]["flag_present"]),
        (&"on".into(), &true.into()),
        "{status:#}"
    );
    assert_eq!(
        (&status["next"], &status["or"]),
        (&"ventana resume".into(), &"ventana rollback".into()),
        "{status:#}"
    );
    assert_eq!(
        (&status["alive"], &status["outcome"]),
        (&false.into(), &serde_json::Value::Null),
        "{status:#}"
    );
    let text = world.ventana(&["--lang", "es", "status"]).run().ok().stdout;
    assert!(
        text.contains("PUESTA") && text.contains("`ventana resume` o `ventana rollback`"),
        "{text}"
    );
}

#[test]
fn going_on_from_the_fence_gives_everything_back_too() {
    let world = World::new(&fixtures::small_dump());
    world.json(&["run"]).ok();
    let seq = world.journal().seq("finished", "fence");
    world.reset(&fixtures::small_dump());
    side_doors(&world);
    accept(&world, &["'escritor'@''"]);
    world
        .server
        .query("GRANT escritor TO 'ventana'@'127.0.0.1' WITH ADMIN OPTION");
    let (grants, scheduled) = (all_grants(&world), events(&world));
    world.die_at("run", &format!("after:{seq}"));
    let done = world.json(&["resume"]).ok().json();
    assert_eq!(done["outcome"], "done", "{done:#}");
    assert_eq!(
        (all_grants(&world), events(&world)),
        (grants.clone(), scheduled.clone())
    );
    assert_eq!(world.health(), ("r2".into(), 2));
    assert!(!world.path("fence/inventario.fence").exists());

    // An account that can write and that nobody accepted appears behind the fence: the window ends where it began.
    world.reset(&fixtures::small_dump());
    world.server.query("DROP ROLE escritor; DROP DATABASE control");
    side_doors(&world);
    accept(&world, &["'escritor'@''"]);
    world
        .server
        .query("GRANT escritor TO 'ventana'@'127.0.0.1' WITH ADMIN OPTION");
    let (grants, scheduled) = (all_grants(&world), events(&world));
    world.die_at("run", &format!("after:{seq}"));
    world
        .server
        .query("CREATE USER intruso@'%'; GRANT INSERT ON inventario.activos TO intruso@'%'");
    let stopped = world.json(&["resume"]).expect(3);
    assert!(
        stopped.json()["error"]["message"]
            .as_str()
            .unwrap()
            .contains("intruso"),
        "{stopped}"
    );
    assert_eq!((all_grants(&world), events(&world)), (grants, scheduled));
    assert_eq!(world.health(), ("r1".into(), 1));
    assert!(!world.path("fence/inventario.fence").exists());
}
