//! `/api/usuarios`: login, and new accounts by an administrator.

use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::{Extensions, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use web::shutdown::Client;
use web::{FieldError, Problem};

use super::body::JsonBody;
use crate::auth::{LoginError, Sesion, password};
use crate::problem::{internal, invalid};
use crate::secret::Secret;
use crate::state::AppState;
use crate::store::StoreError;

/// The role that new accounts have without another word, as in the legacy application.
const USUARIO: &str = "usuario";

/// `POST /api/usuarios/login` `{email, password}` → `{token}`
pub async fn login(
    State(state): State<AppState>,
    extensions: Extensions,
    body: JsonBody,
) -> Result<Response, Problem> {
    let (email, password) = (
        body.required("email", 190),
        body.required("password", password::MAX_LENGTH),
    );
    let (email, password) = match (email, body.get("password").map(|input| input.scalar("password"))) {
        // The password as it was sent, blanks included.
        (Ok(email), Some(Ok(Some(text)))) if password.is_ok() || text.trim().is_empty() => {
            (email, Secret::new(text))
        }
        (email, _) => {
            return Err(invalid(
                [email.err(), password.err()].into_iter().flatten().collect(),
            ));
        }
    };
    let from = extensions
        .get::<ConnectInfo<Client>>()
        .map(|ConnectInfo(Client(address))| address.ip());
    match state.auth.login(&state.store, &email, password, from).await {
        Ok((usuario, token)) => {
            tracing::info!(usuario = usuario.id, "logged in");
            let answer = json!({ "token": token.text.open(), "expires_in": token.seconds });
            Ok(Json(answer).into_response())
        }
        Err(error) => {
            if !matches!(error, LoginError::Store(_)) {
                state.metrics.failed_login();
            }
            Err(error.problem())
        }
    }
}

/// `POST /api/usuarios/registro` `{nombre, email, password, rol_id?}` by an administrator → `{message, usuarioId}`
pub async fn registro(
    sesion: Sesion,
    State(state): State<AppState>,
    body: JsonBody,
) -> Result<Response, Problem> {
    sesion.require_admin()?;
    let (nombre, email) = (
        body.required("nombre", 120),
        body.required("email", 190).and_then(checked_email),
    );
    let password = body
        .get("password")
        .map_or(Ok(None), |input| input.scalar("password"));
    let password = password.and_then(|text| checked_password(text.unwrap_or_default()));
    let rol_id = body.get("rol_id").map_or(Ok(None), |input| input.id("rol_id"));
    let (nombre, email, password, rol_id) = match (nombre, email, password, rol_id) {
        (Ok(nombre), Ok(email), Ok(password), Ok(rol_id)) => (nombre, email, password, rol_id),
        (a, b, c, d) => {
            let errors = [a.err(), b.err(), c.err(), d.err()];
            return Err(invalid(errors.into_iter().flatten().collect()));
        }
    };
    let rol_id = match rol_id {
        Some(id) => id,
        None => {
            let roles = state.store.roles().await.map_err(StoreError::problem)?;
            let usuario = roles.iter().find(|rol| rol.nombre == USUARIO).map(|rol| rol.id);
            usuario
                .ok_or_else(|| invalid(vec![FieldError::new("rol_id", "required", "rol_id is required")]))?
        }
    };
    let hash = state.auth.hash(password).await.map_err(|error| {
        tracing::error!(%error, "registro");
        internal()
    })?;
    let id = state
        .store
        .create_usuario(&nombre, &email, &hash, rol_id)
        .await
        .map_err(StoreError::problem)?;
    tracing::info!(usuario = id, by = sesion.usuario.id, "account created");
    let answer = json!({ "message": "Usuario creado", "usuarioId": id });
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

/// An address with something on both sides of the @; whether it exists only a mail can tell.
pub fn checked_email(email: String) -> Result<String, FieldError> {
    let parts = email
        .split_once('@')
        .filter(|(user, host)| !user.is_empty() && host.contains('.') && !host.contains('@'));
    if parts.is_some() && !email.contains(char::is_whitespace) {
        return Ok(email);
    }
    Err(FieldError::new(
        "email",
        "not_an_email",
        "email must be an e-mail address",
    ))
}

/// A password of a length that is taken.
pub fn checked_password(text: String) -> Result<Secret, FieldError> {
    let error = |code, message: String| Err(FieldError::new("password", code, message));
    if text.chars().count() < password::MIN_LENGTH {
        return error(
            "too_short",
            format!("password takes at least {} characters", password::MIN_LENGTH),
        );
    }
    if text.len() > password::MAX_LENGTH {
        return error(
            "too_long",
            format!("password takes at most {} bytes", password::MAX_LENGTH),
        );
    }
    Ok(Secret::new(text))
}
