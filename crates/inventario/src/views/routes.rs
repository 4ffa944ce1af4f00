//! Addresses of the pages. A handler asks the same functions as the API and puts the answer into a page.

mod activo;
mod edit;
mod list;
mod login;
mod review;
mod visit;

use axum::Router;
use axum::extract::{Form, FromRequest, FromRequestParts, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use web::problem::{self, Problem};
use web::{RequestId, language};

use super::failure::FailurePage;
use super::frame::{ASSETS, Place};
use crate::state::AppState;
use visit::Visit;

/// Names and texts of a form that was sent.
type Sent = Vec<(String, String)>;

/// The pages and their files.
pub(crate) fn router(state: AppState) -> Router {
    Router::new()
        .route("/", get(|| async { Redirect::to("/activos") }))
        .route("/login", get(login::form).post(login::enter))
        .route("/logout", post(login::leave))
        .route("/activos", get(list::page))
        .route("/activos/nuevo", get(edit::new).post(edit::create))
        .route("/activos/{id}", get(activo::page))
        .route("/activos/{id}/editar", get(edit::edit).post(edit::update))
        .route("/revision", get(review::page))
        .merge(ASSETS.router())
        .layer(axum::middleware::from_fn(language::remember))
        .with_state(state)
}

/// Middleware around the whole service, outside of the fence's gate: what went wrong becomes a page for a browser, and a
/// form that was sent during the fence comes back with all that was typed.
pub(crate) async fn for_browsers(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let page = problem::wants_page(request.headers()) && !request.uri().path().starts_with("/api/");
    if !page {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    if parts.method == Method::POST && edit::is_form(parts.uri.path()) && state.fence.flag().is_some() {
        let visit = match Visit::from_request_parts(&mut parts, &state).await {
            Ok(visit) => visit,
            Err(response) => return response,
        };
        let path = parts.uri.path().to_owned();
        return match Form::<Sent>::from_request(Request::from_parts(parts, body), &state).await {
            Ok(Form(sent)) => edit::fenced(&visit, &path, sent).await,
            Err(rejection) => rejection.into_response(),
        };
    }
    let head = axum::http::request::Parts::clone(&parts);
    let response = next.run(Request::from_parts(parts, body)).await;
    let status = response.status();
    let problem = match Problem::of(&response) {
        Some(problem) => problem.clone(),
        // What axum itself refuses: no such route or method, a body that cannot be read.
        None if status.is_client_error() || status.is_server_error() => {
            if response
                .headers()
                .get(axum::http::header::CONTENT_TYPE)
                .is_some_and(is_html)
            {
                return response;
            }
            Problem::new(
                status,
                code(status),
                status.canonical_reason().unwrap_or("failed"),
            )
        }
        None => return response,
    };
    if problem.status == StatusCode::UNAUTHORIZED {
        return visit::to_login(&head.uri);
    }
    let frame = visit::frame(&state, &head).await;
    let id = head.extensions.get::<RequestId>().map(|id| id.0.as_str());
    let failure = FailurePage::new(frame.texts(), &problem, id);
    match frame.page(failure.name, Place::Elsewhere).render(&failure) {
        Ok(html) => Problem::as_page(response, html),
        Err(_) => response,
    }
}

fn is_html(value: &axum::http::HeaderValue) -> bool {
    value.as_bytes().starts_with(b"text/html")
}

fn code(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "not_found",
        StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
        StatusCode::PAYLOAD_TOO_LARGE => "too_large",
        status if status.is_client_error() => "invalid",
        _ => "internal",
    }
}

/// A page with its status.
fn show<T: askama::Template>(status: StatusCode, page: &web::Page, content: &T) -> Response {
    match page.respond(content) {
        Ok(response) => (status, response).into_response(),
        Err(error) => {
            tracing::error!(%error, page = page.title, "a page cannot be rendered");
            Problem::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "The page cannot be shown",
            )
            .into_response()
        }
    }
}

/// The 404 of an activo.
fn no_such_activo() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "No such activo")
}

/// A count of the database, which is never negative.
fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
