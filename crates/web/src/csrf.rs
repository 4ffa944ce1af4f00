//! The guard against forged requests: Fetch-Metadata and Origin, no token in any form.
//!
//! A program without a browser sends neither header and passes; a page of another site does not. A proxy in front must
//! pass `Host` and `Origin` on unchanged.

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use tower_http::csrf::{ConfigError, CsrfLayer, ProtectionError};

use crate::problem::Problem;

/// Puts the guard around `router`. `trusted` are origins (`https://panel.example.org`) that may send writes too.
///
/// # Errors
/// An origin that is not `scheme://host[:port]`.
pub fn protect<S: Clone + Send + Sync + 'static>(
    router: Router<S>,
    trusted: &[String],
) -> Result<Router<S>, ConfigError> {
    let mut layer = CsrfLayer::new();
    for origin in trusted {
        layer = layer.add_trusted_origin(origin)?;
    }
    Ok(router.layer(layer.with_rejection_response(refusal)))
}

fn refusal(_: ProtectionError) -> Response {
    Problem::new(
        StatusCode::FORBIDDEN,
        "cross_origin",
        "The request comes from another site",
    )
    .detail("Writes are accepted only from the pages of this service or from programs that are no browser.")
    .hint("Open the service at its own address and send the form again.")
    .into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use axum::routing::post;
    use tower::ServiceExt;

    use super::*;

    async fn status(headers: &[(&str, &str)]) -> StatusCode {
        let app = protect(
            Router::new().route("/", post(|| async { "done" })),
            &["https://ok.example".into()],
        )
        .unwrap();
        let mut request = Request::post("/").header("host", "inventario.example");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        app.oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap()
            .status()
    }

    #[tokio::test]
    async fn only_our_own_pages_and_programs_pass() {
        assert_eq!(status(&[]).await, StatusCode::OK);
        assert_eq!(status(&[("sec-fetch-site", "same-origin")]).await, StatusCode::OK);
        assert_eq!(
            status(&[("origin", "https://inventario.example")]).await,
            StatusCode::OK
        );
        assert_eq!(
            status(&[("origin", "https://ok.example"), ("sec-fetch-site", "cross-site")]).await,
            StatusCode::OK
        );
        assert_eq!(
            status(&[("sec-fetch-site", "cross-site")]).await,
            StatusCode::FORBIDDEN
        );
        assert_eq!(
            status(&[("sec-fetch-site", "same-site")]).await,
            StatusCode::FORBIDDEN
        );
        assert_eq!(
            status(&[("origin", "https://evil.example")]).await,
            StatusCode::FORBIDDEN
        );
        assert_eq!(status(&[("origin", "null")]).await, StatusCode::FORBIDDEN);
    }

    #[test]
    fn a_wrong_origin_is_refused_at_start() {
        assert!(protect(Router::<()>::new(), &["ok.example".into()]).is_err());
    }
}
