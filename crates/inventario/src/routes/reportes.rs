//! `/api/reportes`

use axum::Json;
use axum::extract::State;

use crate::auth::Sesion;
use crate::state::AppState;
use crate::store::StoreError;
use crate::store::stats::Stats;

/// `GET /api/reportes/estadisticas`
pub async fn estadisticas(_: Sesion, State(state): State<AppState>) -> Result<Json<Stats>, StoreError> {
    state.store.stats().await.map(Json)
}
