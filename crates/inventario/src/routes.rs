//! The HTTP face: one file per resource, and the layers around all of them.

pub mod activos;
pub mod admin;
pub mod body;
pub mod categorias;
mod layers;
pub mod mantenimientos;
pub mod openapi;
pub mod reportes;
pub mod revision;
pub mod salud;
pub mod usuarios;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::CorsLayer;
use web::request_id::{self, RequestIds};
use web::{Problem, csrf, headers};

use crate::config::ConfigError;
use crate::state::AppState;
use crate::{problem, views};

/// The largest body that is read, as in the legacy application.
pub const MAX_BODY: usize = 100 * 1024;

/// Every route of the API; the OpenAPI document has exactly these.
pub const ROUTES: [(&str, &str); 17] = [
    ("post", "/api/usuarios/login"),
    ("post", "/api/usuarios/registro"),
    ("get", "/api/categorias"),
    ("get", "/api/activos"),
    ("post", "/api/activos"),
    ("get", "/api/activos/{id}"),
    ("put", "/api/activos/{id}"),
    ("get", "/api/mantenimientos/activo/{id}"),
    ("get", "/api/reportes/estadisticas"),
    ("get", "/api/revision"),
    ("get", "/api/revision/resumen"),
    ("get", "/api/admin/fence"),
    ("put", "/api/admin/fence"),
    ("get", "/api/openapi.json"),
    ("get", "/healthz"),
    ("get", "/readyz"),
    ("get", "/metrics"),
];

fn api() -> Router<AppState> {
    Router::new()
        .route("/api/usuarios/login", post(usuarios::login))
        .route("/api/usuarios/registro", post(usuarios::registro))
        .route("/api/categorias", get(categorias::list))
        .route("/api/activos", get(activos::list).post(activos::create))
        .route("/api/activos/{id}", get(activos::one).put(activos::update))
        .route("/api/mantenimientos/activo/{id}", get(mantenimientos::list))
        .route("/api/reportes/estadisticas", get(reportes::estadisticas))
        .route("/api/revision", get(revision::list))
        .route("/api/revision/resumen", get(revision::counts))
        .route("/api/admin/fence", put(admin::put_fence).get(admin::get_fence))
        .route("/api/openapi.json", get(openapi::document))
        .route("/healthz", get(salud::healthz))
        .route("/readyz", get(salud::readyz))
        .route("/metrics", get(salud::metrics))
}

/// The whole service. `ids` makes the ids of requests.
///
/// # Errors
/// An origin in `CORS_ALLOWED` that is none.
pub fn app(state: AppState, ids: RequestIds) -> Result<Router, ConfigError> {
    let origins = &state.about.cors_allowed;
    let wrong_origin = |_| ConfigError {
        problem: "CORS_ALLOWED has an entry that is no origin".into(),
        hint: "Write origins such as https://panel.example.org, separated by commas.".into(),
    };
    let router = api()
        .with_state(state.clone())
        .merge(views::router(state.clone()))
        .fallback(async || problem::not_found())
        .method_not_allowed_fallback(async || {
            Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "This cannot be done here",
            )
            .detail("The address exists, but not with this method.")
            .hint("The API is described at /api/openapi.json.")
        })
        .layer(from_fn_with_state(state.clone(), layers::gate))
        .layer(DefaultBodyLimit::max(MAX_BODY));
    let router = csrf::protect(router, origins).map_err(|_| wrong_origin(()))?;
    let allowed: Result<Vec<HeaderValue>, _> = origins.iter().map(|origin| origin.parse()).collect();
    let cors = CorsLayer::new()
        .allow_origin(allowed.map_err(|_| wrong_origin(()))?)
        .allow_methods([Method::GET, Method::POST, Method::PUT])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE, header::IF_MATCH])
        .expose_headers([header::ETAG, header::LINK, header::RETRY_AFTER]);
    Ok(router
        .layer(cors)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(state.clone(), views::for_browsers))
        .layer(from_fn_with_state(state, layers::count))
        .layer(from_fn(headers::secure))
        .layer(from_fn_with_state(ids, request_id::assign)))
}

fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    tracing::error!("a handler panicked");
    problem::internal().into_response()
}
