//! `/healthz`, `/readyz`, `/metrics`: for programs that watch the service; no token, never behind the fence.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::state::AppState;
use crate::store::schema::NEWEST;

/// `GET /healthz`: 200 while the database answers. The schema is read anew each time.
pub async fn healthz(State(state): State<AppState>) -> Response {
    let schema = state.store.reload_schema().await;
    let (status, word, database) = match &schema {
        Ok(_) => (StatusCode::OK, "ok", "ok".to_owned()),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, "error", error.to_string()),
    };
    let uptime = (state.about.started.elapsed().as_secs_f64() * 10.0).round() / 10.0;
    let answer = json!({
        "status": word,
        "release": state.about.release,
        "schema": schema.ok().map(|schema| schema.version),
        "database": database,
        "uptime": uptime,
        "env": state.about.environment,
    });
    (status, Json(answer)).into_response()
}

/// `GET /readyz`: 200 while requests should be sent here. The fence does not make it unready: reads go on.
pub async fn readyz(State(state): State<AppState>) -> Response {
    let schema = state
        .store
        .reload_schema()
        .await
        .ok()
        .map(|schema| schema.version);
    let draining = state.metrics.is_draining();
    let ready = schema.is_some_and(|version| version > 0) && !draining;
    let flag = state.fence.flag();
    let answer = json!({
        "ready": ready,
        "draining": draining,
        "fence": {
            "on": flag.is_some(),
            "run": flag.as_ref().map(|flag| &flag.run),
            "since": flag.as_ref().map(|flag| &flag.since),
        },
        "schema": schema,
        "newest_schema": NEWEST,
    });
    (
        if ready {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        },
        Json(answer),
    )
        .into_response()
}

/// `GET /metrics`
pub async fn metrics(State(state): State<AppState>) -> Response {
    let fence = state.fence.flag().is_some();
    let text = state
        .metrics
        .text(&state.about.release, state.about.started.elapsed(), fence);
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        text,
    )
        .into_response()
}
