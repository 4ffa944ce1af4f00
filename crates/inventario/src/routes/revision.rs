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
const CLASSES: [&str; 7] = [
    "wrapped",
    "valid_object",
    "valid_other",
    "text",
    "truncated",
    "empty",
    "null",
];

/// The answer of [`list`].
#[derive(Debug, Serialize)]
pub struct List {
    pub rows: Vec<ReviewRow>,
    /// Send it as `after` for the next rows; `null` at the end.
    pub next: Option<i64>,
}

struct Query {
    only: Option<String>,
    limit: usize,
    after: i64,
}

impl Query {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let mut query = Self {
            only: None,
            limit: DEFAULT_LIMIT,
            after: 0,
        };
        for (name, value) in pairs(text) {
            match name.as_str() {
                "only" if value.is_empty() => {}
                "only"
                    if CLASSES.contains(&value.as_str())
                        || Finding::ALL.iter().any(|f| f.name() == value) =>
                {
                    query.only = Some(value);
                }
                "only" => return Err("only must be the name of a class or finding"),
                "limit" => {
                    let limit = value.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
                    query.limit = limit.ok_or("limit must be between 1 and 1000")?;
                }
                "after" => query.after = strict_id(&value).ok_or("after must be an id")?,
                _ => return Err("known parameters: only, limit, after"),
            }
        }
        Ok(query)
    }
}

/// `GET /api/revision?only=&limit=&after=`
pub async fn list(
    _: Sesion,
    State(state): State<AppState>,
    RawQuery(query): RawQuery,
) -> Result<Json<List>, Problem> {
    let query = Query::parse(query.as_deref().unwrap_or("")).map_err(|message| {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "bad_query",
            "The address has a parameter that cannot be taken",
        )
        .detail(message)
        .hint("The parameters are described at /api/openapi.json.")
        .errors(vec![FieldError::new("", "bad_query", message)])
    })?;
    let found = state
        .store
        .review_list(query.after, query.limit, query.only.as_deref())
        .await;
    let page = found.map_err(StoreError::problem)?;
    Ok(Json(List {
        rows: page.rows,
        next: page.next,
    }))
}

/// `GET /api/revision/resumen`: counts over all rows.
pub async fn counts(_: Sesion, State(state): State<AppState>) -> Result<Json<ReviewCounts>, StoreError> {
    state.store.review_counts().await.map(Json)
}
