//! The whole window on MariaDB, from the dump of a legacy production, while people work: nothing acknowledged is lost,
//! every row is where it belongs, and the way back leads exactly to where it began.

use jiff::Timestamp;
use serde_json::Value;
use testkit::fixtures;
use testkit::mariadb::Rows;

use crate::traffic_mariadb::{Bell, Read, Ringer, Try, expected, http_reader, http_writer, sql_reader, sql_writer};
use crate::world_mariadb::{State, World, wait_for};

/// Rows of `a` (after) joined with the copy `r` that was made before, and what each old text must have become.
const CLASSES: &str = "SELECT CASE
      WHEN r.especificaciones IS NULL THEN IF(a.especificaciones IS NULL, 'null', 'WRONG')
      WHEN JSON_VALID(r.especificaciones) THEN IF(BINARY a.especificaciones=BINARY r.especificaciones, 'valid', 'WRONG')
      WHEN NOT JSON_VALID(a.especificaciones) OR JSON_LENGTH(a.especificaciones)<>1
        OR NOT (BINARY JSON_VALUE(a.especificaciones, '$._texto_original') <=> BINARY r.especificaciones) THEN 'WRONG'
      WHEN r.especificaciones='' THEN 'empty' ELSE 'text' END AS class, COUNT(*)
    FROM inventario.activos a JOIN antes.activos r USING (id)";

/// A copy of what people can change, for comparing row by row in SQL.
fn remember(world: &World) {
    world.server.query(
        "CREATE DATABASE antes; CREATE TABLE antes.activos AS SELECT * FROM inventario.activos;
         ALTER TABLE antes.activos ADD PRIMARY KEY (id);
         CREATE TABLE antes.mantenimientos AS SELECT id, CAST(costo AS DOUBLE) AS costo FROM inventario.mantenimientos",
    );
}

fn pairs(rows: Rows) -> Vec<(String, u64)> {
    let pair = |row: Vec<Option<String>>| {
        let mut row = row.into_iter().map(Option::unwrap_or_default);
        (row.next().unwrap_or_default(), row.next().and_then(|count| count.parse().ok()).unwrap_or(0))
    };
    rows.into_iter().map(pair).collect()
}

#[test]
fn nothing_is_lost_while_people_write_through_the_window() {
    let world = World::new(&fixtures::legacy_dump());
    remember(&world);
    let grants = world.grants();
    let token = world.login();
    let bell = Bell::default();
    let (run, tries, reads) = std::thread::scope(|scope| {
        let _home = Ringer(&bell);
        let (sql, api) = (sql_writer(scope, &world, &bell, false), http_writer(scope, &world, &bell, &token));
        let (select, get) = (sql_reader(scope, &world, &bell), http_reader(scope, &world, &bell, &token));
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
    let restart = (journal.at("started", "restart"), journal.at("finished", "restart"));
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
    blocked_as_long_as_told(&document, &all);
}

fn writers_were_refused_only_inside(who: &str, tries: &[Try], fence: Timestamp, lift: Timestamp) {
    let (before, after): (Vec<&Try>, Vec<&Try>) = (
        tries.iter().filter(|one| one.answer.is_ok() && one.end < fence).collect(),
        tries.iter().filter(|one| one.answer.is_ok() && one.start > lift).collect(),
    );
    assert!(before.len() > 20, "{who}: {} writes before the fence", before.len());
    assert!(!after.is_empty(), "{who}: no write after the lift: {:?}", tries.last());
    for one in tries.iter().filter(|one| one.answer.is_err()) {
        assert!(one.end >= fence, "{who}: refused before the fence: {one:?}");
        assert!(one.start <= lift, "{who}: refused after the lift: {one:?}");
    }
    assert!(tries.iter().any(|one| one.answer.is_err()), "{who} was never refused: what did the drill see?");
    let longest = before.iter().map(|one| one.took()).max().unwrap_or_default();
    #[allow(clippy::print_stderr, reason = "a measurement, shown with --nocapture")]
    {
        eprintln!("{who} writer: {} before the fence, longest {longest:?}; {} after the lift", before.len(), after.len());
    }
    // On a machine that builds at the same time; `cargo xtask bench migrate` measures it on a quiet one.
    assert!(longest.as_millis() < 1500, "{who}: stalled for {longest:?} before the fence");
}

fn readers_were_never_refused(who: &str, read: &Read, restart: (Timestamp, Timestamp)) {
    assert!(read.answers > 50, "{who}: {read:?}");
    // One process on one port: between its end and its successor's start a connection is refused, and nothing worse.
    let failures: Vec<_> = read
        .failures
        .iter()
        .filter(|(at, said)| !(*said == "refused the connection" && *at >= restart.0 && *at <= restart.1))
        .collect();
    assert!(failures.is_empty(), "{who}: {failures:?}");
}

fn nothing_acknowledged_is_lost(world: &World, tries: &[Try]) {
    let rows = world.server.query("SELECT IF(numero_serie LIKE 'NUEVO-%', numero_serie, id), notas, especificaciones FROM inventario.activos");
    let mut found = std::collections::BTreeMap::new();
    for row in rows {
        let mut row = row.into_iter();
        let key = row.next().flatten().unwrap_or_default();
        found.insert(key, (row.next().flatten().unwrap_or_default(), row.next().flatten().unwrap_or_default()));
    }
    let valid = |text: &str| serde_json::from_str::<Value>(text).is_ok();
    let become_of = |text: &str| if valid(text) { text.to_owned() } else { serde_json::json!({ "_texto_original": text }).to_string() };
    let same = |found: &str, written: &str| {
        found == written || (!valid(written) && serde_json::from_str::<Value>(found).ok() == serde_json::from_str(&become_of(written)).ok())
    };
    for (row, acceptable) in expected(tries) {
        let now = found.get(&row);
        let good = acceptable.iter().any(|value| match (value, now) {
            (Some((notas, text)), Some(now)) => *notas == now.0 && same(&now.1, text),
            (None, _) => true,
            (Some(_), None) => false,
        });
        assert!(good, "row {row}: {now:?} instead of one of {acceptable:?}");
    }
    let invented: Vec<&String> = found.keys().filter(|key| key.starts_with("NUEVO-") && !tries.iter().any(|one| one.row == **key)).collect();
    assert!(invented.is_empty(), "{invented:?}");
}

fn rows_nobody_wrote_are_as_they_were(world: &World) {
    let changed = world.server.query(
        "SELECT a.id FROM inventario.activos a LEFT JOIN antes.activos r USING (id) WHERE a.id%5 NOT IN (1,2) AND a.numero_serie NOT LIKE 'NUEVO-%'
         AND NOT (a.actualizado_en<=>r.actualizado_en AND a.creado_en<=>r.creado_en AND BINARY a.nombre<=>BINARY r.nombre AND BINARY a.notas<=>BINARY r.notas
           AND a.precio_usd<=>r.precio_usd AND BINARY a.estado<=>BINARY r.estado AND a.categoria_id<=>r.categoria_id AND a.fecha_compra<=>r.fecha_compra
           AND BINARY a.numero_serie<=>BINARY r.numero_serie AND BINARY a.especificaciones_v1<=>BINARY r.especificaciones)
         UNION ALL SELECT r.id FROM antes.activos r LEFT JOIN inventario.activos a USING (id) WHERE a.id IS NULL",
    );
    assert_eq!(changed, Rows::new(), "rows that nobody wrote");
    let floats = "SELECT COUNT(*) FROM antes.mantenimientos r LEFT JOIN inventario.mantenimientos m USING (id) WHERE m.id IS NULL OR NOT (CAST(m.costo AS DOUBLE) <=> r.costo)";
    assert_eq!(world.server.value(floats).as_deref(), Some("0"), "FLOAT bits");
}

fn every_row_is_in_its_class(world: &World) {
    let untouched = pairs(world.server.query(&format!("{CLASSES} WHERE a.id%5 NOT IN (1,2) GROUP BY class ORDER BY class")));
    let before = pairs(world.server.query(
        "SELECT CASE WHEN especificaciones IS NULL THEN 'null' WHEN JSON_VALID(especificaciones) THEN 'valid' WHEN especificaciones='' THEN 'empty' ELSE 'text' END AS class,
           COUNT(*) FROM antes.activos WHERE id%5 NOT IN (1,2) GROUP BY class ORDER BY class",
    ));
    assert_eq!(untouched, before);
    assert_eq!(before.len(), 4, "{before:?}");
    // New rows and changed ones too: the new column is what the old one says, or a JSON document written since the lift.
    let wrong = "SELECT COUNT(*) FROM inventario.activos WHERE especificaciones IS NOT NULL AND NOT JSON_VALID(especificaciones)";
    assert_eq!(world.server.value(wrong).as_deref(), Some("0"));
    let types = "SELECT CONCAT_WS(' ', COLUMN_NAME, DATA_TYPE) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA='inventario' AND TABLE_NAME='activos' AND COLUMN_NAME LIKE 'especificaciones%' ORDER BY 1";
    let columns: Vec<String> = world.server.query(types).into_iter().flatten().flatten().collect();
    assert_eq!(columns, ["especificaciones longtext", "especificaciones_v1 text"]);
    let triggers = "SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA='inventario'";
    assert_eq!(world.server.query(triggers), [[Some("trg_activos_serie".to_owned())]]);
}

/// `blocked_ms` against what the writers saw: from the first refusal to the first write that was taken again.
fn blocked_as_long_as_told(document: &Value, tries: &[Try]) {
    let told = document["blocked_ms"].as_u64().expect("blocked_ms");
    let first = tries.iter().filter(|one| one.answer.is_err()).map(|one| one.end).min().expect("a refusal");
    let last = tries.iter().filter(|one| one.answer.is_ok() && one.start > first).map(|one| one.end).min().expect("a write again");
    let seen = last.duration_since(first).as_millis();
    assert!(i128::from(told) <= seen + 500 && seen <= i128::from(told) + 1000, "told {told} ms, the writers saw {seen} ms");
}

#[test]
fn a_rollback_after_the_lift_leads_back_to_the_fence() {
    let world = World::new(&fixtures::legacy_dump());
    let (start, grants) = (world.state(), world.grants());
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
    let sums = world.server.query("CHECKSUM TABLE valla.activos, inventario.activos EXTENDED");
    assert_eq!(sums[0][1], sums[1][1], "the rows of activos");
    assert_eq!(rest(&world), others);
    definitions_are_those_of(&world, &start);
    // Through the stock client again: what was acknowledged before the fence is there, as text.
    for (row, acceptable) in expected(&tries) {
        let key = if row.starts_with("NUEVO-") { "numero_serie" } else { "id" };
        let now = world.server.query(&format!("SELECT notas, especificaciones FROM inventario.activos WHERE {key}='{row}'"));
        let now = now.first().map(|now| (now[0].clone().unwrap_or_default(), now[1].clone().unwrap_or_default()));
        assert!(acceptable.iter().any(|value| value.is_none() || *value == now), "row {row}: {now:?} instead of {acceptable:?}");
    }
    // And the service takes writes again.
    let token = world.login();
    let put = testkit::http::put(world.url("/api/activos/3")).bearer(&token);
    put.json(&serde_json::json!({ "notas": "de vuelta" })).expect(200);
}

/// Tables, triggers, views, routines, events, as the dump prints them, whatever rows there are.
#[track_caller]
fn definitions_are_those_of(world: &World, start: &State) {
    let now = world.state();
    assert_eq!(now.definitions(), start.definitions());
    for (table, counter) in pairs(start.counters.clone()) {
        let now = pairs(now.counters.clone()).into_iter().find(|(name, _)| *name == table);
        assert!(now.as_ref().is_some_and(|(_, now)| *now >= counter), "{table}: {now:?} is lower than {counter}");
    }
}

#[test]
fn a_copy_that_the_seeds_left_is_counted_and_not_touched() {
    let world = World::bare();
    world.load(&fixtures::legacy_dump());
    // The seeds' first phase, and a month of writes that went to the text alone.
    world.server.query(
        "ALTER TABLE inventario.activos ADD COLUMN especificaciones_json JSON;
         UPDATE inventario.activos SET especificaciones_json=IF(JSON_VALID(especificaciones), especificaciones, NULL), actualizado_en=actualizado_en;
         UPDATE inventario.activos SET especificaciones='{\"nuevo\": true}', actualizado_en=actualizado_en WHERE id%100=7",
    );
    world.deploy();
    remember(&world);
    let start = world.state();
    let differ = world.server.value("SELECT COUNT(*) FROM antes.activos WHERE NOT (BINARY especificaciones <=> BINARY especificaciones_json)");
    let differ: u64 = differ.and_then(|count| count.parse().ok()).unwrap();
    assert!(differ > 200, "{differ}");
    let copy = "SELECT BIT_XOR(CAST(CRC32(CONCAT_WS(0x1f, id, IFNULL(HEX(especificaciones_json), 'NULL'))) AS UNSIGNED)) FROM";
    let untouched = world.server.value(&format!("{copy} antes.activos"));

    let run = world.json(&["run"]).ok();
    assert_eq!(world.journal().facts("digest_before")["report"]["copy_differs"], differ);
    let report = std::fs::read_to_string(run.json()["report"].as_str().expect("a report")).unwrap();
    assert!(report.contains("copy_differs") && report.contains(&format!(">{differ}<")), "the report says nothing of {differ} rows");
    assert_eq!(world.server.value(&format!("{copy} inventario.activos")), untouched, "the copy");
    let classes = pairs(world.server.query(&format!("{CLASSES} GROUP BY class ORDER BY class")));
    assert_eq!(classes.iter().map(|(class, _)| class.as_str()).collect::<Vec<_>>(), ["empty", "null", "text", "valid"]);
    assert_eq!(classes.iter().map(|(_, count)| count).sum::<u64>(), 5000);
    assert_eq!(world.health(), ("r2".into(), 2));

    // JSON already: the next release finds nothing to migrate, and says so.
    let done = world.state();
    world.release("r3");
    world.configure(&world.configuration().replace("source = \"build/r2\"", "source = \"build/r3\""));
    let plan = world.json(&["plan"]).ok();
    let kinds: Vec<Value> = plan.json()["steps"].as_array().unwrap().iter().map(|step| step["kind"].clone()).collect();
    for kind in ["statement", "backfill", "proof"] {
        assert!(!kinds.contains(&kind.into()), "{plan}");
    }
    let said = format!("{}{}", plan.stdout, plan.stderr);
    assert!(said.contains("0002_especificaciones_json") && said.contains("nothing to do"), "{plan}");
    world.state().assert_same(&done, "planning");

    // And the whole way back from the first window is still open, the copy included.
    world.configure(&world.configuration());
    world.json(&["rollback"]).ok();
    world.state().assert_same(&start, "after the rollback");
}
