//! The whole window on MariaDB, from the dump of a legacy production, while people work: nothing acknowledged is lost,
//! every row is where it belongs, and the way back leads exactly to where it began.

#[path = "window_mariadb/checks.rs"]
mod checks;
#[path = "window_mariadb/start_states.rs"]
mod start_states;

use jiff::Timestamp;
use testkit::{MariaDb, fixtures};

use crate::traffic_mariadb::{Bell, Ringer, Try, expected, http_reader, http_writer, sql_reader, sql_writer};
use crate::world_mariadb::{State, World, wait_for};
use checks::{
    blocked_as_long_as_told, every_row_is_in_its_class, nothing_acknowledged_is_lost, pairs,
    readers_were_never_refused, remember, rows_nobody_wrote_are_as_they_were,
    writers_were_refused_only_inside,
};

#[test]
fn nothing_is_lost_while_people_write_through_the_window() {
    let world = World::new(&fixtures::legacy_dump());
    remember(&world);
    let grants = world.grants();
    let token = world.login();
    let bell = Bell::default();
    let (run, tries, reads) = std::thread::scope(|scope| {
        let _home = Ringer(&bell);
        let (sql, api) = (
            sql_writer(scope, &world, &bell, false),
            http_writer(scope, &world, &bell, &token),
        );
        let (select, get) = (
            sql_reader(scope, &world, &bell),
            http_reader(scope, &world, &bell, &token),
        );
        let run = world.json(&["run"]);
        // The first write behind the lift, by each of them.
        let ended = Timestamp::now();
        wait_for("a write of each after the lift", || {
            [1, 2].iter().all(|person| {
                let latest = format!("SELECT UNIX_TIMESTAMP(MAX(actualizado_en)) FROM inventario.activos WHERE id%5={person}");
                let latest = world.server.value(&latest).and_then(|second| second.parse::<f64>().ok());
                latest.is_some_and(|second| second as i64 > ended.as_second())
            }).then_some(())
        });
        bell.ring();
        let tries = [("sql", sql.join().unwrap()), ("api", api.join().unwrap())];
        let reads = [("sql", select.join().unwrap()), ("http", get.join().unwrap())];
        (run, tries, reads)
    });
    let document = run.expect(0).json();
    assert_eq!(document["outcome"], "done");
    assert_eq!(world.health(), ("r2".into(), 2));
    world.assert_unfenced(&grants, "after the run");
    world.assert_no_scratch("after the run");

    let journal = world.journal();
    let (fence, lift) = (journal.at("started", "fence"), journal.at("finished", "lift"));
    let restart = (
        journal.at("started", "restart"),
        journal.at("finished", "restart"),
    );
    for (who, tries) in &tries {
        writers_were_refused_only_inside(who, tries, fence, lift);
    }
    for (who, read) in &reads {
        readers_were_never_refused(who, read, restart);
    }
    let all: Vec<Try> = tries.iter().flat_map(|(_, tries)| tries).cloned().collect();
    nothing_acknowledged_is_lost(&world, &all);
    rows_nobody_wrote_are_as_they_were(&world);
    every_row_is_in_its_class(&world);
    blocked_as_long_as_told(&document, &tries[1].1);
}

#[test]
fn a_rollback_after_the_lift_leads_back_to_the_fence() {
    // With the binary log on, as a server has it that others replicate from.
    let world = World::on(&MariaDb::options().binary_log());
    world.load(&fixtures::legacy_dump());
    world.deploy();
    let (start, grants) = (world.state(), world.grants());
    a_dry_run_changes_nothing(&world);
    let bell = Bell::default();
    // People write until the fence stops them, and then go home.
    let tries = std::thread::scope(|scope| {
        let _home = Ringer(&bell);
        let writer = sql_writer(scope, &world, &bell, true);
        world.json(&["run"]).ok();
        writer.join().unwrap()
    });
    assert!(tries.iter().filter(|one| one.answer.is_ok()).count() > 20);
    let after = world.state();
    assert!(!after.same(&start));
    // What was there at the fence: the rows as they are now, with the old column.
    let columns = "id, categoria_id, nombre, marca, modelo, numero_serie, estado, ubicacion, responsable, proveedor, fecha_compra, precio_usd, notas, bitlocker";
    world.server.query(&format!(
        "CREATE DATABASE valla; CREATE TABLE valla.activos AS SELECT {columns}, especificaciones_v1 AS especificaciones, creado_en, actualizado_en FROM inventario.activos"
    ));
    let rest = |world: &World| {
        world.server.query("CHECKSUM TABLE inventario.categorias, inventario.mantenimientos, inventario.roles, inventario.usuarios EXTENDED")
    };
    let others = rest(&world);

    let back = world.json(&["rollback"]).ok().json();
    assert_eq!(back["outcome"], "rolled_back");
    assert_eq!(back["digest_before"], back["digest_after"]);
    assert_eq!(world.health(), ("r1".into(), 1));
    world.assert_unfenced(&grants, "after the rollback");
    world.assert_no_scratch("after the rollback");
    let sums = world
        .server
        .query("CHECKSUM TABLE valla.activos, inventario.activos EXTENDED");
    assert_eq!(sums[0][1], sums[1][1], "the rows of activos");
    assert_eq!(rest(&world), others);
    definitions_are_those_of(&world, &start);
    // Through the stock client again: what was acknowledged before the fence is there, as text.
    for (row, acceptable) in expected(&tries) {
        let key = if row.starts_with("NUEVO-") {
            "numero_serie"
        } else {
            "id"
        };
        let now = world.server.query(&format!(
            "SELECT notas, especificaciones FROM inventario.activos WHERE {key}='{row}'"
        ));
        let now = now.first().map(|now| {
            (
                now[0].clone().unwrap_or_default(),
                now[1].clone().unwrap_or_default(),
            )
        });
        assert!(
            acceptable.iter().any(|value| value.is_none() || *value == now),
            "row {row}: {now:?} instead of {acceptable:?}"
        );
    }
    // What was only tried on copies is none of the replicas' business.
    let logged = world.server.query("SHOW BINLOG EVENTS");
    let copies: Vec<_> = logged
        .iter()
        .filter(|event| {
            event[5]
                .as_deref()
                .is_some_and(|info| info.contains("__ventana_"))
        })
        .take(3)
        .collect();
    assert!(
        logged.len() > 100 && copies.is_empty(),
        "{copies:?} of {} events",
        logged.len()
    );
    // And the service takes writes again.
    let token = world.login();
    let put = testkit::http::put(world.url("/api/activos/3")).bearer(&token);
    put.json(&serde_json::json!({ "notas": "de vuelta" })).expect(200);
}

fn a_dry_run_changes_nothing(world: &World) {
    let position = || world.server.query("SHOW MASTER STATUS");
    let (state, logged) = (world.state(), position());
    let dry = world.json(&["run", "--dry-run"]).ok();
    assert_eq!(dry.json()["dry_run"]["unchanged"], true, "{dry}");
    world.state().assert_same(&state, "after the dry run");
    assert_eq!(position(), logged, "the binary log grew");
    assert!(!world.path("state/runs").exists(), "a dry run is no run");
}

/// Tables, triggers, views, routines, events, as the dump prints them, whatever rows there are.
#[track_caller]
fn definitions_are_those_of(world: &World, start: &State) {
    let now = world.state();
    assert_eq!(now.definitions(), start.definitions());
    for (table, counter) in pairs(start.counters.clone()) {
        let now = pairs(now.counters.clone())
            .into_iter()
            .find(|(name, _)| *name == table);
        assert!(
            now.as_ref().is_some_and(|(_, now)| *now >= counter),
            "{table}: {now:?} is lower than {counter}"
        );
    }
}
