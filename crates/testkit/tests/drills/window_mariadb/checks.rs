//! What must be true after a window that people wrote through; each looks at the database itself.

use jiff::Timestamp;
use serde_json::Value;
use testkit::mariadb::Rows;

use crate::traffic_mariadb::{Read, Try, expected};
use crate::world_mariadb::World;

/// Rows of `a` (after) joined with the copy `r` that was made before, and what each old text must have become.
pub(crate) const CLASSES: &str = "SELECT CASE
      WHEN r.especificaciones IS NULL THEN IF(a.especificaciones IS NULL, 'null', 'WRONG')
      WHEN JSON_VALID(r.especificaciones) THEN IF(BINARY a.especificaciones=BINARY r.especificaciones, 'valid', 'WRONG')
      WHEN NOT JSON_VALID(a.especificaciones) OR JSON_LENGTH(a.especificaciones)<>1
        OR NOT (BINARY JSON_VALUE(a.especificaciones, '$._texto_original') <=> BINARY r.especificaciones) THEN 'WRONG'
      WHEN r.especificaciones='' THEN 'empty' ELSE 'text' END AS class, COUNT(*)
    FROM inventario.activos a JOIN antes.activos r USING (id)";

/// A copy of what people can change, for comparing row by row in SQL.
pub(crate) fn remember(world: &World) {
    world.server.query(
        "CREATE DATABASE antes; CREATE TABLE antes.activos AS SELECT * FROM inventario.activos;
         ALTER TABLE antes.activos ADD PRIMARY KEY (id);
         CREATE TABLE antes.mantenimientos AS SELECT id, CAST(costo AS DOUBLE) AS costo FROM inventario.mantenimientos",
    );
}

pub(crate) fn pairs(rows: Rows) -> Vec<(String, u64)> {
    let pair = |row: Vec<Option<String>>| {
        let mut row = row.into_iter().map(Option::unwrap_or_default);
        (
            row.next().unwrap_or_default(),
            row.next().and_then(|count| count.parse().ok()).unwrap_or(0),
        )
    };
    rows.into_iter().map(pair).collect()
}

pub(crate) fn writers_were_refused_only_inside(who: &str, tries: &[Try], fence: Timestamp, lift: Timestamp) {
    let (before, after): (Vec<&Try>, Vec<&Try>) = (
        tries
            .iter()
            .filter(|one| one.answer.is_ok() && one.end < fence)
            .collect(),
        tries
            .iter()
            .filter(|one| one.answer.is_ok() && one.start > lift)
            .collect(),
    );
    assert!(
        before.len() > 20,
        "{who}: {} writes before the fence",
        before.len()
    );
    assert!(
        !after.is_empty(),
        "{who}: no write after the lift: {:?}",
        tries.last()
    );
    for one in tries.iter().filter(|one| one.answer.is_err()) {
        assert!(one.end >= fence, "{who}: refused before the fence: {one:?}");
        // Sessions opened under the fence are ended by the lift; who had one learns it with the next statement.
        let next = tries
            .iter()
            .find(|one| one.start > lift)
            .is_some_and(|next| next.row == one.row && next.start == one.start);
        assert!(
            one.start <= lift || (next && one.connection_lost()),
            "{who}: refused after the lift: {one:?}"
        );
    }
    assert!(
        tries.iter().any(|one| one.answer.is_err()),
        "{who} was never refused: what did the drill see?"
    );
    let longest = before.iter().map(|one| one.took()).max().unwrap_or_default();
    #[allow(clippy::print_stderr, reason = "a measurement, shown with --nocapture")]
    {
        eprintln!(
            "{who} writer: {} before the fence, longest {longest:?}; {} after the lift",
            before.len(),
            after.len()
        );
    }
    // On a machine that builds at the same time; `cargo xtask bench migrate` measures it on a quiet one.
    assert!(
        longest.as_millis() < 1500,
        "{who}: stalled for {longest:?} before the fence"
    );
}

pub(crate) fn readers_were_never_refused(who: &str, read: &Read, restart: (Timestamp, Timestamp)) {
    assert!(read.answers > 50, "{who}: {read:?}");
    // One process on one port: between its end and its successor's start a connection is refused, and nothing worse.
    let failures: Vec<_> = read
        .failures
        .iter()
        .filter(|(at, said)| !(*said == "refused the connection" && *at >= restart.0 && *at <= restart.1))
        .collect();
    assert!(failures.is_empty(), "{who}: {failures:?}");
}

pub(crate) fn nothing_acknowledged_is_lost(world: &World, tries: &[Try]) {
    let rows = world.server.query("SELECT IF(numero_serie LIKE 'NUEVO-%', numero_serie, id), notas, especificaciones FROM inventario.activos");
    let mut found = std::collections::BTreeMap::new();
    for row in rows {
        let mut row = row.into_iter();
        let key = row.next().flatten().unwrap_or_default();
        found.insert(
            key,
            (
                row.next().flatten().unwrap_or_default(),
                row.next().flatten().unwrap_or_default(),
            ),
        );
    }
    let valid = |text: &str| serde_json::from_str::<Value>(text).is_ok();
    let become_of = |text: &str| {
        if valid(text) {
            text.to_owned()
        } else {
            serde_json::json!({ "_texto_original": text }).to_string()
        }
    };
    let same = |found: &str, written: &str| {
        found == written
            || (!valid(written)
                && serde_json::from_str::<Value>(found).ok()
                    == serde_json::from_str(&become_of(written)).ok())
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
    let invented: Vec<&String> = found
        .keys()
        .filter(|key| key.starts_with("NUEVO-") && !tries.iter().any(|one| one.row == **key))
        .collect();
    assert!(invented.is_empty(), "{invented:?}");
}

pub(crate) fn rows_nobody_wrote_are_as_they_were(world: &World) {
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

pub(crate) fn every_row_is_in_its_class(world: &World) {
    let untouched = pairs(world.server.query(&format!(
        "{CLASSES} WHERE a.id%5 NOT IN (1,2) GROUP BY class ORDER BY class"
    )));
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
    let columns: Vec<String> = world
        .server
        .query(types)
        .into_iter()
        .flatten()
        .flatten()
        .collect();
    assert_eq!(columns, ["especificaciones longtext", "especificaciones_v1 text"]);
    let triggers = "SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA='inventario'";
    assert_eq!(
        world.server.query(triggers),
        [[Some("trg_activos_serie".to_owned())]]
    );
}

/// `blocked_ms` against what the service's users saw: from the first refusal to the first write that was taken again.
pub(crate) fn blocked_as_long_as_told(document: &Value, tries: &[Try]) {
    let told = document["blocked_ms"].as_u64().expect("blocked_ms");
    let first = tries
        .iter()
        .find(|one| one.answer.is_err())
        .expect("a refusal")
        .end;
    let again = tries
        .iter()
        .find(|one| one.answer.is_ok() && one.start > first)
        .expect("a write again")
        .end;
    let seen = again.duration_since(first).as_millis();
    assert!(
        i128::from(told) <= seen + 500 && seen <= i128::from(told) + 1000,
        "told {told} ms, the writers saw {seen} ms"
    );
}
