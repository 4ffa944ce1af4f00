//! The fence.

use inventario::store::{Address, Store};
use serde_json::json;

use super::world::{ANA, NOW, World, on_both};

on_both!(no_write_passes_and_reads_go_on, world, {
    world.fence_on();
    let writes = [
        ("PUT", "/api/activos/1", r#"{"marca":"X"}"#),
        ("POST", "/api/activos", r#"{"nombre":"a","numero_serie":"b"}"#),
        ("POST", "/api/usuarios/registro", "{}"),
        ("DELETE", "/api/activos/1", ""),
        ("PUT", "/api/activos/1", "not even json"),
    ];
    for (method, path, body) in writes {
        let answer = world.with(method, path, &[], body).await;
        let problem = answer.problem(503, "fenced");
        assert_eq!(
            (answer.header("retry-after"), &problem["retry_after"]),
            ("17", &json!(17))
        );
        // The gate comes before anything else, the session too.
        world.anonymous(method, path, body).await.problem(503, "fenced");
    }
    for path in [
        "/api/activos",
        "/api/activos/1",
        "/api/revision",
        "/healthz",
        "/readyz",
        "/metrics",
        "/api/admin/fence",
    ] {
        world.get(path).await.ok();
    }
    world.login(ANA.0, ANA.1).await.ok();
    assert_eq!(world.get("/readyz").await.json()["fence"]["run"], "r-1");
    assert!(
        world
            .get("/metrics")
            .await
            .text
            .contains("inventario_fenced_writes_total 10")
    );
    world.state.fence.lift().unwrap();
    world.put("/api/activos/1", r#"{"marca":"X"}"#).await.ok();
});

on_both!(an_administrator_sets_and_lifts_it, world, {
    let usuario = format!("Bearer {}", world.token(2));
    world
        .with(
            "PUT",
            "/api/admin/fence",
            &[("authorization", &usuario)],
            r#"{"on":true}"#,
        )
        .await
        .problem(403, "not_admin");
    let on = world
        .put("/api/admin/fence", r#"{"on":true,"run":"r-9","retry_after":5}"#)
        .await
        .ok()
        .json();
    assert_eq!(
        on,
        json!({ "on": true, "run": "r-9", "since": NOW, "retry_after": 5 })
    );
    let file: serde_json::Value =
        serde_json::from_slice(&std::fs::read(world.state.fence.path()).unwrap()).unwrap();
    assert_eq!(file, json!({ "run": "r-9", "since": NOW, "retry_after": 5 }));
    world.put("/api/activos/1", "{}").await.problem(503, "fenced");
    world
        .put("/api/admin/fence", r#"{"on":false,"run":"r-8"}"#)
        .await
        .problem(409, "other_run");
    for body in ["{}", r#"{"on":"yes"}"#, r#"{"on":1}"#] {
        world.put("/api/admin/fence", body).await.problem(422, "invalid");
    }
    assert_eq!(
        world
            .put("/api/admin/fence", r#"{"on":false,"run":"r-9"}"#)
            .await
            .ok()
            .json()["on"],
        false
    );
    assert!(!world.state.fence.path().exists());
    world.put("/api/activos/1", "{}").await.ok();
});

on_both!(a_writer_past_the_gate_is_caught_inside, world, {
    world.fence_on();
    let hash = inventario::secret::Secret::new("x");
    let error = world.state.store.set_password(ANA.0, &hash).await.unwrap_err();
    assert!(
        matches!(error, inventario::store::StoreError::Fenced { retry_after: 17 }),
        "{error:?}"
    );
    assert_ne!(
        world
            .stored("SELECT password FROM usuarios WHERE id = 1")
            .await
            .unwrap(),
        "x"
    );
});

/// `ventana` holds SQLite's write lock; a service that starts meanwhile must not need it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_held_lock_is_a_busy_answer_and_no_obstacle_to_a_restart() {
    let world = World::sqlite().await;
    let mut lock = world.other.begin().await.unwrap();
    lock.script("UPDATE activos SET marca = 'de la ventana' WHERE id = 1".into())
        .await
        .unwrap();
    let answer = world.put("/api/activos/1", r#"{"modelo":"Y"}"#).await;
    answer.problem(503, "database_busy");
    assert_eq!(answer.header("retry-after"), "2");
    world.get("/api/activos").await.ok();
    let address = Address::Sqlite {
        path: world.folder.path().join("inventario.db"),
    };
    let again = Store::open(&address, world.state.fence.clone()).await.unwrap();
    assert_eq!(again.count_activos(&Default::default()).await.unwrap(), 60);
    again.close().await;
    lock.rollback().await.unwrap();
    world.put("/api/activos/1", r#"{"modelo":"Y"}"#).await.ok();
}

/// The fence as MariaDB enforces it: the service's account keeps SELECT, its sessions are ended.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_account_reads_on_and_hears_of_the_fence() {
    let world = World::own_mariadb().await;
    let name = world.stored("SELECT DATABASE()").await.unwrap();
    let user = format!("s_{}", &name[name.len().saturating_sub(12)..]);
    world
        .sql(&format!(
            "CREATE USER '{user}'@'%' IDENTIFIED BY 'p'; GRANT SELECT, INSERT, UPDATE, DELETE, EXECUTE ON `{name}`.* TO '{user}'@'%'"
        ))
        .await;
    let world = world.with_account(&user, "p").await;
    world.put("/api/activos/1", r#"{"modelo":"Y"}"#).await.ok();
    assert_eq!(world.get("/healthz").await.ok().json()["schema"], 1);
    world
        .sql(&format!(
            "REVOKE INSERT, UPDATE, DELETE, EXECUTE ON `{name}`.* FROM '{user}'@'%'; KILL USER '{user}'@'%'"
        ))
        .await;
    let answer = world.put("/api/activos/1", r#"{"modelo":"Z"}"#).await;
    assert_eq!(answer.status, 503, "{}", answer.text);
    assert!(!answer.header("retry-after").is_empty());
    world
        .put("/api/activos/1", r#"{"modelo":"Z"}"#)
        .await
        .problem(503, "fenced");
    assert_eq!(world.get("/api/activos/1").await.ok().json()["modelo"], "Y");
    assert_eq!(
        world
            .get("/api/activos")
            .await
            .ok()
            .json()
            .as_array()
            .unwrap()
            .len(),
        60
    );
    assert_eq!(world.get("/healthz").await.ok().json()["schema"], 1);
    // Schema 2 is recognised with SELECT alone.
    world
        .sql("ALTER TABLE activos MODIFY especificaciones LONGTEXT")
        .await;
    world
        .sql("UPDATE activos SET especificaciones = '{}' WHERE NOT JSON_VALID(especificaciones)")
        .await;
    world
        .sql("ALTER TABLE activos MODIFY especificaciones JSON")
        .await;
    assert_eq!(world.get("/healthz").await.ok().json()["schema"], 2);
    world.sql(&format!("DROP USER '{user}'@'%'")).await;
}
