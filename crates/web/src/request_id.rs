//! One id per request, in the log, in the response header and in every error, so that a person's complaint leads to
//! the line in the log.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;

use crate::problem::Problem;

/// The header that carries the id both ways.
pub const HEADER: HeaderName = HeaderName::from_static("x-request-id");

const MAX_LENGTH: usize = 64;

/// The id of the request; an extension of every request below [`assign`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(pub String);

/// Where ids come from: a prefix that differs for every start of the process, and a count.
#[derive(Debug, Clone)]
pub struct RequestIds(Arc<Source>);

#[derive(Debug)]
struct Source {
    prefix: String,
    count: AtomicU64,
}

impl RequestIds {
    /// `prefix` tells one start of the process from another (a random or time-based word).
    pub fn new(prefix: impl Into<String>) -> Self {
        Self(Arc::new(Source {
            prefix: prefix.into(),
            count: AtomicU64::new(0),
        }))
    }

    fn next(&self) -> RequestId {
        let count = self.0.count.fetch_add(1, Ordering::Relaxed) + 1;
        RequestId(format!("{}-{count}", self.0.prefix))
    }
}

/// Middleware (`axum::middleware::from_fn_with_state(ids, request_id::assign)`): takes a well-formed id that a proxy
/// sent, else makes one; opens the span of the request's log lines; writes the id into the answer.
pub async fn assign(State(ids): State<RequestIds>, mut request: Request, next: Next) -> Response {
    let given = request
        .headers()
        .get(HEADER)
        .and_then(|value| value.to_str().ok())
        .filter(|id| well_formed(id));
    let id = given.map_or_else(|| ids.next(), |id| RequestId(id.to_owned()));
    // The path without its query: a query may hold what people search for.
    let span =
        tracing::info_span!("request", id = %id.0, method = %request.method(), path = request.uri().path());
    request.extensions_mut().insert(id.clone());
    let mut response = next.run(request).instrument(span).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        problem.request_id(&id.0).replace_body(&mut response);
    }
    if let Ok(value) = HeaderValue::from_str(&id.0) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}

fn well_formed(id: &str) -> bool {
    (1..=MAX_LENGTH).contains(&id.len())
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::http::StatusCode;
    use axum::middleware::from_fn_with_state;
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;

    async fn ask(sent: Option<&str>) -> (String, String) {
        let fail = || async { Problem::new(StatusCode::NOT_FOUND, "not_found", "No such thing") };
        let app = Router::new()
            .route("/", get(fail))
            .layer(from_fn_with_state(RequestIds::new("a1"), assign));
        let mut request = Request::get("/");
        if let Some(id) = sent {
            request = request.header(HEADER, id);
        }
        let response = app.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let id = response.headers()[HEADER].to_str().unwrap().to_owned();
        (
            id,
            String::from_utf8(to_bytes(response.into_body(), 10_000).await.unwrap().to_vec()).unwrap(),
        )
    }

    #[tokio::test]
    async fn header_and_error_carry_the_same_id() {
        let (id, body) = ask(None).await;
        assert_eq!(id, "a1-1");
        assert!(body.contains(r#""request_id":"a1-1""#), "{body}");
        assert_eq!(ask(Some("proxy-77.x_Y")).await.0, "proxy-77.x_Y");
    }

    #[tokio::test]
    async fn a_malformed_id_is_not_taken_over() {
        for bad in ["", "a b", "<script>", &"x".repeat(65)] {
            assert_eq!(ask(Some(bad)).await.0, "a1-1", "{bad:?}");
        }
    }
}
