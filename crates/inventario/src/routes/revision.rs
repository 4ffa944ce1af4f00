//! `/api/revision`: rows whose `especificaciones` a person should look at.

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use serde::Serialize;
use web::{FieldError, Problem};

use crate::auth::Sesion;
use crate::domain::query::strict_id;
use crate::domain::review::Finding;
use crate::percent::pairs;
use crate::state::AppState;
use crate::store::StoreError;
use crate::store::review::{ReviewCounts, ReviewRow};

const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 1000;

/// Names of classes that `only` takes besides those of findings.
const CLASSES: [&str; 7] = ["wrapped", "valid_object", "valid_other", "text", "truncated", "empty", "null"];

/// The answer of [`list`].
#[derive(Debug, Serialize)]
pub struct List {
    pub rows: Vec<ReviewRow>,
    /// Send it as `after` for the next rows; `null` at the end.
    pub next: Option<i64>,
}

/// `GET /api/revision?only=&limit=&after=`
pub async fn list(
    _: Sesion,
    State(state): State<AppState>,
    RawQuery(query): RawQuery,
) -> Result<Json<List>, Problem> {
    let (mut only, mut limit, mut after) = (None, DEFAULT_LIMIT, 0);
    for (name, value) in pairs(query.as_deref().unwrap_or("")) {
        let known = |value: &str| CLASSES.contains(&value) || Finding::ALL.iter().any(|f| f.name() == value);
        let taken = match name.as_str() {
            "only" if value.is_empty() => Ok(()),
            "only" if known(&value) => Ok(only = Some(value)),
            "limit" => match value.parse() {
                Ok(n) if (1..=MAX_LIMIT).contains(&n) => Ok(limit = n),
                _ => Err("limit must be between 1 and 1000"),
            },
            "after" => strict_id(&value).map(|id| after = id).ok_or("after must be an id"),
            "only" => Err("only must be the name of a class or finding"),
            _ => Err("known parameters: only, limit, after"),
        };
        taken.map_err(|message| {
            Problem::new(StatusCode::BAD_REQUEST, "bad_query", "The address has a parameter that cannot be taken")
                .detail(message)
                .hint("The parameters are described at /api/openapi.json.")
                .errors(vec![FieldError::new("", "bad_query", message)])
        })?;
    }
    let page = state.store.review_list(after, limit, only.as_deref()).await.map_err(StoreError::problem)?;
    Ok(Json(List { rows: page.rows, next: page.next }))
}

/// `GET /api/revision/resumen`: counts over all rows.
pub async fn counts(_: Sesion, State(state): State<AppState>) -> Result<Json<ReviewCounts>, StoreError> {
    state.store.review_counts().await.map(Json)
}
