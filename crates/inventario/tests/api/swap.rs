//! The contract of the window, under a running service.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use inventario::store::Dialect;

use super::world::{World, on_both};

/// Every document as JSON, the swap as `ventana` does it.
const EXPAND_MARIADB: &str = "ALTER TABLE activos ADD COLUMN especificaciones_v2 JSON INVISIBLE DEFAULT NULL; \
    UPDATE activos SET especificaciones_v2 = CASE WHEN especificaciones IS NULL THEN NULL WHEN JSON_VALID(especificaciones) \
    THEN especificaciones ELSE JSON_OBJECT('_texto_original', especificaciones) END, actualizado_en = actualizado_en";
const CONTRACT_MARIADB: &str = "ALTER TABLE activos CHANGE COLUMN especificaciones especificaciones_v1 text DEFAULT NULL, \
    CHANGE COLUMN especificaciones_v2 especificaciones JSON DEFAULT NULL";
const UNDO_MARIADB: &str = "ALTER TABLE activos CHANGE COLUMN especificaciones especificaciones_v2 JSON INVISIBLE DEFAULT NULL, \
    CHANGE COLUMN especificaciones_v1 especificaciones text DEFAULT NULL";
const EXPAND_SQLITE: &str = "ALTER TABLE activos ADD COLUMN especificaciones_v2 JSON CHECK (json_valid(especificaciones_v2)); \
    UPDATE activos SET especificaciones_v2 = CASE WHEN especificaciones IS NULL THEN NULL WHEN json_valid(especificaciones) \
    THEN especificaciones ELSE json_object('_texto_original', especificaciones) END";
const CONTRACT_SQLITE: &str = "ALTER TABLE activos RENAME COLUMN especificaciones TO especificaciones_v1; \
    ALTER TABLE activos RENAME COLUMN especificaciones_v2 TO especificaciones";
const UNDO_SQLITE: &str = "ALTER TABLE activos RENAME COLUMN especificaciones TO especificaciones_v2; \
    ALTER TABLE activos RENAME COLUMN especificaciones_v1 TO especificaciones";

on_both!(readers_notice_nothing_but_the_new_shape, world, {
    let (expand, contract, undo) = match world.other.dialect() {
        Dialect::Sqlite => (EXPAND_SQLITE, CONTRACT_SQLITE, UNDO_SQLITE),
        Dialect::MySql => (EXPAND_MARIADB, CONTRACT_MARIADB, UNDO_MARIADB),
    };
    world.store_specs(1, Some("N/D")).await;
    world.store_specs(2, Some("{\"n\": 12345678901234567}")).await;
    let world = Arc::new(world);
    let (stop, reads) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let reader = {
        let (world, stop, reads) = (world.clone(), stop.clone(), reads.clone());
        tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                for path in [
                    "/api/activos",
                    "/api/activos/2",
                    "/api/activos?limit=3&sort=nombre",
                    "/api/revision",
                    "/healthz",
                ] {
                    let answer = world.get(path).await;
                    assert_eq!(answer.status, 200, "{path}: {}", answer.text);
                    assert!(
                        !answer.text.contains("especificaciones_"),
                        "{path}: {}",
                        answer.text
                    );
                    reads.fetch_add(1, Ordering::Relaxed);
                }
            }
        })
    };
    // Readers are at work before, between and after the steps.
    let read_on = async || {
        let seen = reads.load(Ordering::Relaxed);
        while reads.load(Ordering::Relaxed) < seen + 10 && !reader.is_finished() {
            tokio::task::yield_now().await;
        }
    };
    read_on().await;
    world.sql(expand).await;
    read_on().await;
    assert_eq!(world.get("/healthz").await.json()["schema"], 1);
    for _ in 0..3 {
        world.sql(contract).await;
        read_on().await;
        assert_eq!(world.get("/healthz").await.json()["schema"], 2);
        assert!(
            world
                .get("/api/activos/1")
                .await
                .text
                .contains(r#""especificaciones":{"_texto_original": "N/D"}"#)
                || world
                    .get("/api/activos/1")
                    .await
                    .text
                    .contains(r#""especificaciones":{"_texto_original":"N/D"}"#)
        );
        assert!(
            world
                .get("/api/activos/2")
                .await
                .text
                .contains(r#""especificaciones":{"n": 12345678901234567}"#)
        );
        world.sql(undo).await;
        read_on().await;
        assert_eq!(world.get("/healthz").await.json()["schema"], 1);
        assert!(
            world
                .get("/api/activos/1")
                .await
                .text
                .contains(r#""especificaciones":"N/D""#)
        );
    }
    world.sql(contract).await;
    stop.store(true, Ordering::Relaxed);
    reader.await.unwrap();
    // Writes go to the new column, as JSON.
    world
        .put("/api/activos/1", r#"{"especificaciones":{"cpu":"i9","n":1.10}}"#)
        .await
        .ok();
    assert_eq!(
        world
            .stored("SELECT especificaciones FROM activos WHERE id = 1")
            .await
            .unwrap(),
        r#"{"cpu":"i9","n":1.10}"#
    );
    assert_eq!(
        world
            .stored("SELECT especificaciones_v1 FROM activos WHERE id = 1")
            .await
            .unwrap(),
        "N/D"
    );
    let review = world.get("/api/revision?only=wrapped").await.ok().json();
    assert!(review["rows"].as_array().is_some_and(|rows| !rows.is_empty()));
});

on_both!(a_column_that_goes_away_is_noticed, world, {
    let row = world.get("/api/activos/3").await.ok().json();
    world.sql("ALTER TABLE activos DROP COLUMN proveedor").await;
    let without = world.get("/api/activos/3").await.ok().json();
    assert_eq!(without["proveedor"], serde_json::Value::Null);
    assert_eq!(without["nombre"], row["nombre"]);
    world.get("/api/activos").await.ok();
    let answer = world
        .put("/api/activos/3", r#"{"proveedor":"X","marca":"Y"}"#)
        .await
        .ok()
        .json();
    assert_eq!(answer["warnings"][0]["code"], "no_such_column");
    assert_eq!(world.get("/api/activos/3").await.ok().json()["marca"], "Y");
});

on_both!(a_column_that_goes_away_before_a_write_is_noticed_too, world, {
    world.get("/api/activos/3").await.ok();
    world.sql("ALTER TABLE activos DROP COLUMN proveedor").await;
    world
        .put("/api/activos/3", r#"{"proveedor":"X","marca":"Y"}"#)
        .await
        .ok();
    assert_eq!(world.get("/api/activos/3").await.ok().json()["marca"], "Y");
});

/// A copy left by the seeds' first phase: still schema 1, and invisible to clients.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_left_over_column_does_not_matter() {
    for world in [World::sqlite().await, World::mariadb().await] {
        world
            .sql("ALTER TABLE activos ADD COLUMN especificaciones_json JSON")
            .await;
        assert_eq!(world.get("/healthz").await.ok().json()["schema"], 1);
        assert!(
            !world
                .get("/api/activos")
                .await
                .ok()
                .text
                .contains("especificaciones_json")
        );
        let body = r#"{"nombre":"a","numero_serie":"SN-COPIA","especificaciones":{"a":1}}"#;
        world.post("/api/activos", body).await.ok();
    }
}
