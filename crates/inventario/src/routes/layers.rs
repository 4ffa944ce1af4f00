//! The layers of this service itself: writes stop at the fence, answers are counted.

use axum::extract::{Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::fence::refusal;
use crate::state::AppState;

/// Requests that write nothing to the database although their method is not GET, by path.
const NOT_A_WRITE: [&str; 7] = [
    "/api/usuarios/login",
    "/api/admin/fence",
    "/login",
    "/logout",
    "/entrar",
    "/salir",
    "/idioma",
];

/// Refuses every write while the fence is on, before its handler runs.
pub(super) async fn gate(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let reads = [Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method());
    if reads || NOT_A_WRITE.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    match state.fence.flag() {
        None => next.run(request).await,
        Some(flag) => {
            state.metrics.fenced();
            refusal(flag.retry_after).into_response()
        }
    }
}

/// Counts answers and their time.
pub(super) async fn count(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let started = std::time::Instant::now();
    let response = next.run(request).await;
    state
        .metrics
        .answered(response.status().as_u16(), started.elapsed());
    response
}
