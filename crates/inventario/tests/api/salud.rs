//! For programs that watch, and the description of the whole.

use serde_json::{Value, json};

use super::world::{World, on_both};

on_both!(health_says_what_runs_on_what, world, {
    let mut health = world.anonymous("GET", "/healthz", "").await.ok().json();
    assert!(health["uptime"].is_number());
    health["uptime"] = Value::Null;
    let expected = json!({ "status": "ok", "release": "r1", "schema": 1, "database": "ok", "uptime": null, "env": "test" });
    assert_eq!(health, expected);
    let ready = world.anonymous("GET", "/readyz", "").await.ok().json();
    assert_eq!(
        (&ready["ready"], &ready["schema"], &ready["newest_schema"]),
        (&json!(true), &json!(1), &json!(2))
    );
    world.state.metrics.drain();
    assert_eq!(world.anonymous("GET", "/readyz", "").await.status, 503);
    // Without its database the service says so, and answers.
    world.state.store.close().await;
    let answer = world.anonymous("GET", "/healthz", "").await;
    assert_eq!(answer.status, 503);
    assert_eq!(
        (&answer.json()["status"], &answer.json()["schema"]),
        (&json!("error"), &Value::Null)
    );
    let answer = world.get("/api/activos").await;
    answer.problem(503, "database_unreachable");
});

#[tokio::test]
async fn the_openapi_document_is_the_routes() {
    let world = World::sqlite().await;
    let document = world.anonymous("GET", "/api/openapi.json", "").await.ok().json();
    let mut described = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item
            .as_object()
            .unwrap()
            .keys()
            .filter(|key| *key != "parameters")
        {
            described.push((method.as_str(), path.as_str()));
        }
    }
    let mut routes = inventario::routes::ROUTES.to_vec();
    routes.sort_unstable();
    described.sort_unstable();
    assert_eq!(described, routes);
    for (method, path) in routes {
        let answer = world
            .with(&method.to_uppercase(), &path.replace("{id}", "1"), &[], "")
            .await;
        assert!(
            !matches!(answer.status.as_u16(), 404 | 405 | 500..),
            "{method} {path}: {} {}",
            answer.status,
            answer.text
        );
    }
    assert_refs(&document, &document);
}

/// Every `$ref` leads somewhere.
fn assert_refs(value: &Value, document: &Value) {
    match value {
        Value::Object(map) => {
            if let Some(Value::String(place)) = map.get("$ref") {
                assert!(
                    document.pointer(place.trim_start_matches('#')).is_some(),
                    "{place}"
                );
            }
            map.values().for_each(|value| assert_refs(value, document));
        }
        Value::Array(items) => items.iter().for_each(|value| assert_refs(value, document)),
        _ => {}
    }
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_too() {
    let world = World::sqlite().await;
    world.get("/api/nada").await.problem(404, "not_found");
    world
        .with("DELETE", "/api/activos/1", &[], "")
        .await
        .problem(405, "method_not_allowed");
    let cross = [
        ("origin", "https://evil.example"),
        ("sec-fetch-site", "cross-site"),
    ];
    world
        .with("PUT", "/api/activos/1", &cross, "{}")
        .await
        .problem(403, "cross_origin");
    let allowed = [
        ("origin", "https://panel.example"),
        ("sec-fetch-site", "cross-site"),
    ];
    let answer = world.with("PUT", "/api/activos/1", &allowed, "{}").await.ok();
    assert_eq!(
        answer.header("access-control-allow-origin"),
        "https://panel.example"
    );
    assert!(
        answer
            .header("content-security-policy")
            .contains("default-src 'none'")
    );
    assert!(answer.header("x-request-id").starts_with("t-"));
}
