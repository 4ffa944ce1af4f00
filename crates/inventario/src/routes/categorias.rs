//! `/api/categorias`

use axum::Json;
use axum::extract::State;

use crate::auth::Sesion;
use crate::domain::activo::Categoria;
use crate::state::AppState;
use crate::store::StoreError;

/// `GET /api/categorias`: by name.
pub async fn list(_: Sesion, State(state): State<AppState>) -> Result<Json<Vec<Categoria>>, StoreError> {
    state.store.categorias().await.map(Json)
}
