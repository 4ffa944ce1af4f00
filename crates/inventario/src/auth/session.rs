//! The session of a request: a valid token of an account that still exists and is not disabled.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::header::{AUTHORIZATION, COOKIE as COOKIE_HEADER, HeaderValue, WWW_AUTHENTICATE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use web::Problem;

use super::Token;
use crate::state::AppState;
use crate::store::{StoreError, Usuario};

/// The cookie that carries a browser's token.
pub const COOKIE: &str = "sesion";

/// Who is asking. As an extractor it refuses with 401; `Option<Sesion>` gives `None` where nobody is logged in.
#[derive(Debug, Clone)]
pub struct Sesion {
    pub usuario: Usuario,
}

impl Sesion {
    /// # Errors
    /// 403 for anybody who is not an administrator.
    pub fn require_admin(&self) -> Result<(), Problem> {
        if self.usuario.is_admin() {
            return Ok(());
        }
        Err(Problem::new(
            StatusCode::FORBIDDEN,
            "not_admin",
            "Only an administrator may do this",
        )
        .detail("The account has no administrator role.")
        .hint("Ask an administrator, or use a token of one."))
    }
}

/// Why there is no session.
#[derive(Debug)]
pub enum NoSession {
    /// No token was sent.
    Missing,
    /// A token was sent that is not valid (any more); why.
    Invalid(String),
    Store(StoreError),
}

impl NoSession {
    fn problem(self) -> Problem {
        let (code, title, detail) = match self {
            Self::Missing => (
                "no_token",
                "Not logged in",
                "The request carries no token.".to_owned(),
            ),
            Self::Invalid(why) => (
                "bad_token",
                "Not logged in",
                format!("The token is not accepted: {why}."),
            ),
            Self::Store(error) => return error.problem(),
        };
        Problem::new(StatusCode::UNAUTHORIZED, code, title)
            .detail(detail)
            .hint("Log in with POST /api/usuarios/login and send `Authorization: Bearer <token>`.")
    }
}

impl IntoResponse for NoSession {
    fn into_response(self) -> Response {
        let mut response = self.problem().into_response();
        if response.status() == StatusCode::UNAUTHORIZED {
            response
                .headers_mut()
                .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// The session of a request's headers.
///
/// # Errors
/// See [`NoSession`].
pub async fn of(headers: &HeaderMap, state: &AppState) -> Result<Sesion, NoSession> {
    let token = token_of(headers).ok_or(NoSession::Missing)?;
    let claims = state
        .auth
        .claims(token)
        .map_err(|error| NoSession::Invalid(error.to_string()))?;
    let usuario = state
        .store
        .usuario(claims.usuario.id)
        .await
        .map_err(NoSession::Store)?;
    let usuario = usuario.filter(|usuario| !usuario.disabled);
    usuario
        .map(|usuario| Sesion { usuario })
        .ok_or_else(|| NoSession::Invalid("its account is gone or disabled".into()))
}

/// The token in `Authorization`, else in the cookie. Never in the address: addresses are logged and shared.
fn token_of(headers: &HeaderMap) -> Option<&str> {
    if let Some(value) = headers.get(AUTHORIZATION) {
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        return scheme.eq_ignore_ascii_case("bearer").then_some(token.trim());
    }
    let cookies = headers
        .get_all(COOKIE_HEADER)
        .into_iter()
        .filter_map(|value| value.to_str().ok());
    let mut pairs = cookies
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, token)| token)
}

/// `Set-Cookie` that logs a browser in.
pub fn login_cookie(token: &Token) -> String {
    format!(
        "{COOKIE}={}; Path=/; HttpOnly; SameSite=Lax; Max-Age={}",
        token.text.open(),
        token.seconds
    )
}

/// `Set-Cookie` that logs a browser out.
pub fn logout_cookie() -> String {
    format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0")
}

impl FromRequestParts<AppState> for Sesion {
    type Rejection = NoSession;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, NoSession> {
        of(&parts.headers, state).await
    }
}

impl OptionalFromRequestParts<AppState> for Sesion {
    type Rejection = NoSession;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Option<Self>, NoSession> {
        match of(&parts.headers, state).await {
            Ok(sesion) => Ok(Some(sesion)),
            Err(NoSession::Store(error)) => Err(NoSession::Store(error)),
            Err(NoSession::Missing | NoSession::Invalid(_)) => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(headers: &[(&str, &str)]) -> Option<String> {
        let pairs = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_str(value).unwrap()));
        let headers: HeaderMap = pairs.collect();
        token_of(&headers).map(str::to_owned)
    }

    #[test]
    fn tokens_come_in_the_header_or_in_the_cookie() {
        assert_eq!(token(&[("authorization", "Bearer abc")]).as_deref(), Some("abc"));
        assert_eq!(
            token(&[("authorization", "bearer abc"), ("cookie", "sesion=x")]).as_deref(),
            Some("abc")
        );
        assert_eq!(token(&[("authorization", "Basic abc")]), None);
        assert_eq!(
            token(&[("cookie", "idioma=es; sesion=a.b.c; x=y")]).as_deref(),
            Some("a.b.c")
        );
        assert_eq!(token(&[("cookie", "xsesion=a")]), None);
        let token = Token {
            text: crate::secret::Secret::new("a.b"),
            seconds: 60,
        };
        assert_eq!(
            login_cookie(&token),
            "sesion=a.b; Path=/; HttpOnly; SameSite=Lax; Max-Age=60"
        );
    }
}
