//! `/api/admin`: the fence, for administrators.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use web::{FieldError, Problem};

use super::body::JsonBody;
use crate::auth::Sesion;
use crate::fence::{DEFAULT_RETRY_AFTER, Flag};
use crate::problem::{internal, invalid};
use crate::state::AppState;

/// The fence as it stands.
#[derive(Debug, Serialize)]
pub struct FenceState {
    pub on: bool,
    pub run: Option<String>,
    pub since: Option<String>,
    pub retry_after: Option<u32>,
}

fn current(state: &AppState) -> Json<FenceState> {
    let flag = state.fence.flag();
    Json(FenceState {
        on: flag.is_some(),
        retry_after: flag.as_ref().map(|flag| flag.retry_after),
        run: flag.as_ref().map(|flag| flag.run.clone()),
        since: flag.map(|flag| flag.since),
    })
}

/// `GET /api/admin/fence`
pub async fn get_fence(sesion: Sesion, State(state): State<AppState>) -> Result<Json<FenceState>, Problem> {
    sesion.require_admin()?;
    Ok(current(&state))
}

/// `PUT /api/admin/fence` `{"on": true, "run": "…"}`: writes or removes the same flag file as `ventana`.
pub async fn put_fence(
    sesion: Sesion,
    State(state): State<AppState>,
    body: JsonBody,
) -> Result<Json<FenceState>, Problem> {
    sesion.require_admin()?;
    let on = match body.get("on") {
        Some(crate::domain::fields::Input::Json(raw)) if raw.get() == "true" => true,
        Some(crate::domain::fields::Input::Json(raw)) if raw.get() == "false" => false,
        _ => {
            return Err(invalid(vec![FieldError::new(
                "on",
                "wrong_type",
                "on must be true or false",
            )]));
        }
    };
    let field = |error| invalid(vec![error]);
    let run = body
        .get("run")
        .map_or(Ok(None), |run| run.text("run", 200))
        .map_err(field)?;
    let retry_after = body
        .get("retry_after")
        .map_or(Ok(None), |wait| wait.id("retry_after"))
        .map_err(field)?;
    let standing = state.fence.flag();
    if let Some(flag) = &standing
        && let Some(run) = &run
        && !flag.run.is_empty()
        && flag.run != *run
    {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "other_run",
            "The fence belongs to another run",
        )
        .detail("Nothing was changed: the fence was put on by another run.")
        .hint("Look at `ventana status`; leave `run` out to override it."));
    }
    let done = if on {
        state.fence.put(&Flag {
            run: run
                .or_else(|| standing.as_ref().map(|flag| flag.run.clone()))
                .unwrap_or_default(),
            since: standing.map_or_else(|| state.clock.now().to_string(), |flag| flag.since),
            retry_after: retry_after
                .and_then(|wait| u32::try_from(wait).ok())
                .unwrap_or(DEFAULT_RETRY_AFTER),
        })
    } else {
        state.fence.lift()
    };
    done.map_err(|error| {
        tracing::error!(%error, path = %state.fence.path().display(), "the fence's file cannot be changed");
        internal()
            .detail("The fence's file cannot be changed.")
            .hint("Check the rights on the folder of FENCE_FILE.")
    })?;
    tracing::info!(on, by = sesion.usuario.id, "the fence was changed");
    Ok(current(&state))
}
