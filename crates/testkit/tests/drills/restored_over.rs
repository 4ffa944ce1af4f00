//! Somebody with rights past the fence has written inside the window, so the way back restores backup B over the live
//! schema; and somebody or something dies in the middle of that too.

use testkit::fixtures;
use testkit::mariadb::Rows;

use crate::world_mariadb::{SERVICE, State, World, wait_for};

/// A world whose window died behind its verified backup B, with a row written past the fence since.
struct Written {
    world: World,
    start: State,
    grants: Rows,
    seq: u64,
}

impl Written {
    fn new() -> Written {
        let world = World::new(&fixtures::small_dump());
        world.lighten_releases();
        world.reset(&fixtures::small_dump());
        world.json(&["run"]).ok();
        let seq = world.journal().seq("finished", "verify_b");
        let written = Written {
            start: world.state(),
            grants: Rows::new(),
            world,
            seq,
        };
        written.again()
    }

    /// The same once more from the beginning.
    fn again(self) -> Written {
        self.once_more(
            "",
            "UPDATE inventario.activos SET notas='por encima de la valla', actualizado_en=actualizado_en ORDER BY id LIMIT 3;
             DELETE FROM inventario.mantenimientos ORDER BY id DESC LIMIT 1",
        )
    }

    /// A window that began after `before`, and `past` the fence this was done.
    fn once_more(mut self, before: &str, past: &str) -> Written {
        let world = &self.world;
        world.reset(&fixtures::small_dump());
        if !before.is_empty() {
            world.server.query(before);
        }
        world.server.query(&format!(
            "GRANT EXECUTE ON PROCEDURE inventario.baja_activo TO {SERVICE}"
        ));
        // An accepted account of somebody who calls the procedure by night.
        world
            .server
            .query("GRANT EXECUTE ON PROCEDURE inventario.baja_activo TO 'lector'@'127.0.0.1'");
        let accepted = "'mariadb.sys'@'localhost'\", \"'lector'@'127.0.0.1'\"";
        world.configure(
            &world
                .configuration()
                .replace("'mariadb.sys'@'localhost'\"", accepted),
        );
        (self.start, self.grants) = (world.state(), grants(world));
        world.die_at("run", &format!("after:{}", self.seq));
        world.server.query(past);
        self
    }

    /// Everything is what it was at the fence; what was found instead is kept aside.
    #[track_caller]
    fn assert_restored(&self, context: &str) {
        let world = &self.world;
        world
            .state()
            .without_backticks()
            .assert_same(&self.start.without_backticks(), context);
        assert_eq!(grants(world), self.grants, "{context}: grants");
        assert!(
            !world.path("fence/inventario.fence").exists(),
            "{context}: the flag file"
        );
        assert_eq!(world.health(), ("r1".into(), 1), "{context}");
        let schemas: Vec<String> = world
            .server
            .query("SHOW DATABASES LIKE 'inventario%'")
            .into_iter()
            .flatten()
            .flatten()
            .collect();
        assert!(
            schemas.len() == 2 && schemas[1].ends_with("_failed"),
            "{context}: {schemas:?}"
        );
        let kept = format!(
            "SELECT COUNT(*) FROM `{}`.activos WHERE notas='por encima de la valla'",
            schemas[1]
        );
        assert_eq!(
            world.server.value(&kept).as_deref(),
            Some("3"),
            "{context}: what was found is not kept"
        );
        let foreign = "SELECT COUNT(*) FROM information_schema.KEY_COLUMN_USAGE WHERE TABLE_SCHEMA='inventario' AND REFERENCED_TABLE_SCHEMA<>'inventario'";
        assert_eq!(
            world.server.value(foreign).as_deref(),
            Some("0"),
            "{context}: foreign keys lead out of the schema"
        );
    }

    #[track_caller]
    fn goes_back(&self, verb: &str, context: &str) {
        let output = self.world.json(&[verb]);
        let expected = if verb == "resume" { 3 } else { 0 };
        assert_eq!(
            (output.code, &output.json()["outcome"]),
            (Some(expected), &"rolled_back".into()),
            "{context}\n{output}"
        );
        self.assert_restored(context);
    }
}

fn grants(world: &World) -> Rows {
    let mut rows = world.grants();
    rows.extend(world.server.query("SHOW GRANTS FOR 'lector'@'127.0.0.1'"));
    rows
}

fn schema_like(world: &World, end: &str) -> Option<String> {
    let found = world
        .server
        .query(&format!("SHOW DATABASES LIKE 'inventario%{end}'"));
    found.into_iter().flatten().flatten().next()
}

/// Whether the moment has come.
type Look = fn(&World) -> Option<()>;

#[test]
fn what_was_written_past_the_fence_is_undone_by_backup_b() {
    let written = Written::new();
    written.goes_back("rollback", "an unkilled restore");

    // Everything works, as the service's account sees it.
    let world = &written.world;
    let id = world
        .server
        .value("SELECT MAX(id) FROM inventario.activos")
        .unwrap();
    world.as_service(&format!("CALL baja_activo({id})")).unwrap();
    world
        .as_service("INSERT INTO activos (nombre, numero_serie) VALUES ('x', '  BLANCOS  ')")
        .unwrap();
    let trimmed = "SELECT COUNT(*) FROM inventario.activos WHERE numero_serie='BLANCOS'";
    assert_eq!(world.server.value(trimmed).as_deref(), Some("1"));

    // Found at the proof instead: the run itself goes back.
    let written = written.again();
    written.goes_back("resume", "a run that finds it");
}

#[test]
fn a_restore_over_the_live_schema_survives_what_dies() {
    let mut written = Written::new();
    let deaths: [(&str, Look); 3] = [
        ("while the copy is loaded", |world| {
            schema_like(world, "_new").map(drop)
        }),
        ("around the exchange", |world| {
            schema_like(world, "_failed").map(drop)
        }),
        ("behind the exchange", |world| {
            let failed = schema_like(world, "_failed")?;
            let tables =
                format!("SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA='{failed}'");
            (world.server.value(&tables)? == "5").then_some(())
        }),
    ];
    for (n, (moment, look)) in deaths.into_iter().enumerate() {
        if n > 0 {
            written = written.again();
        }
        let world = &written.world;
        let back = world.ventana(&["--json", "rollback"]).spawn();
        // It may be over before anybody looks: then nothing died, and the result must be right all the same.
        wait_for(moment, || {
            look(world).or_else(|| (!back.is_running()).then_some(()))
        });
        back.kill9();
        if world.path("fence/inventario.fence").exists() {
            written.goes_back(
                if n % 2 == 0 { "rollback" } else { "resume" },
                &format!("ventana killed {moment}"),
            );
        } else {
            written.assert_restored(moment);
        }
    }

    let written = written.again();
    let world = &written.world;
    let back = world.ventana(&["--json", "rollback"]).spawn();
    wait_for("the copy", || schema_like(world, "_new"));
    world.server.kill9();
    let output = back.wait();
    assert!(!matches!(output.code, None | Some(0 | 3)), "{output}");
    world.server.restart();
    written.goes_back("resume", "mariadbd killed while the copy is loaded");
}

/// No row tells it, and so no digest: the next row would get a number that was given before.
#[test]
fn a_counter_that_went_back_is_no_rollback() {
    let written = Written::new().once_more(
        "DELETE FROM inventario.mantenimientos ORDER BY id DESC LIMIT 1",
        "ALTER TABLE inventario.mantenimientos AUTO_INCREMENT=1",
    );
    let world = &written.world;
    let output = world.json(&["rollback"]).expect(5);
    let error = output.json()["error"].clone();
    let message = error["message"].as_str().expect("a message").to_owned();
    let was = message
        .split_once("counter mantenimientos: ")
        .and_then(|(_, told)| told.split_once("it was "))
        .map(|(_, was)| was.chars().take_while(char::is_ascii_digit).collect::<String>());
    let was = was.unwrap_or_else(|| panic!("{output}"));
    assert!(
        error["hint"]
            .as_str()
            .is_some_and(|hint| hint.contains("AUTO_INCREMENT=n")),
        "{output}"
    );
    assert!(
        world.path("fence/inventario.fence").exists(),
        "the fence stays on"
    );
    world.server.query(&format!(
        "ALTER TABLE inventario.mantenimientos AUTO_INCREMENT={was}"
    ));
    let output = world.json(&["rollback"]).expect(0);
    assert_eq!(output.json()["outcome"], "rolled_back", "{output}");
    let now = world.server.value(
        "SELECT AUTO_INCREMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA='inventario' AND TABLE_NAME='mantenimientos'",
    );
    assert_eq!(now.as_deref(), Some(was.as_str()));
}

/// Somebody reads a table for long, so the exchange waits; `ventana` dies; the server goes on waiting for the exchange.
#[test]
fn an_exchange_that_outlives_its_client_is_ended_first() {
    let written = Written::new();
    let world = &written.world;
    let mut holder = world.session("root", "");
    holder.run("BEGIN; SELECT id FROM roles LIMIT 1").unwrap();
    let back = world.ventana(&["--json", "rollback"]).spawn();
    let waiting = || {
        let exchange = "SELECT ID FROM information_schema.PROCESSLIST WHERE USER='ventana' AND INFO LIKE 'RENAME TABLE%'";
        world
            .server
            .query(exchange)
            .into_iter()
            .flatten()
            .flatten()
            .next()
    };
    let orphan = wait_for("the exchange", waiting);
    back.kill9();
    assert_eq!(waiting().as_ref(), Some(&orphan));
    let next = world.ventana(&["--json", "rollback"]).spawn();
    wait_for("the end of the orphan", || {
        (waiting().as_ref() != Some(&orphan)).then_some(())
    });
    holder.run("COMMIT").unwrap();
    let output = next.wait();
    assert_eq!(
        (output.code, &output.json()["outcome"]),
        (Some(0), &"rolled_back".into()),
        "{output}"
    );
    written.assert_restored("an exchange that outlived its client");
}
