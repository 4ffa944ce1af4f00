//! `/api/mantenimientos`

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};

use crate::auth::Sesion;
use crate::domain::query::strict_id;
use crate::problem::not_found;
use crate::state::AppState;

/// `GET /api/mantenimientos/activo/{id}`: the newest first; an unknown activo has none.
pub async fn list(_: Sesion, State(state): State<AppState>, Path(id): Path<String>) -> Response {
    let Some(id) = strict_id(&id) else {
        return not_found().into_response();
    };
    match state.store.mantenimientos(id).await {
        Ok(rows) => Json(rows).into_response(),
        Err(error) => error.into_response(),
    }
}
