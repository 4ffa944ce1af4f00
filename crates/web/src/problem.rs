//! The one error envelope: RFC 9457 `application/problem+json` with a stable `code`, and what to do next.
//!
//! A problem never repeats a submitted value: what was refused may be a secret. The same value becomes a page for a
//! browser: the response carries the problem as an extension until somebody has replaced the body.

use axum::body::Body;
use axum::http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// The media type of the envelope.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// One failure, as the client hears of it. Kept small (boxed texts): it is the error of most functions of a face.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub status: StatusCode,
    /// Stable, snake_case: what programs match on.
    pub code: &'static str,
    /// What failed, in general.
    pub title: Box<str>,
    /// What failed this time, on what.
    pub detail: Option<Box<str>>,
    /// What to do next.
    pub hint: Option<Box<str>>,
    pub errors: Vec<FieldError>,
    /// Seconds, sent as `Retry-After` too.
    pub retry_after: Option<u32>,
    request_id: Option<Box<str>>,
}

/// What is wrong with one field of the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The field's name in the request (`numero_serie`), or a path (`especificaciones/cpu`).
    pub field: String,
    /// Stable, snake_case.
    pub code: &'static str,
    /// For people; never the submitted value.
    pub message: String,
}

impl FieldError {
    pub fn new(field: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            code,
            message: message.into(),
        }
    }
}

impl Problem {
    pub fn new(status: StatusCode, code: &'static str, title: impl Into<String>) -> Self {
        Self {
            status,
            code,
            title: title.into().into_boxed_str(),
            detail: None,
            hint: None,
            errors: Vec::new(),
            retry_after: None,
            request_id: None,
        }
    }

    #[must_use]
    pub fn detail(mut self, text: impl Into<String>) -> Self {
        self.detail = Some(text.into().into_boxed_str());
        self
    }

    #[must_use]
    pub fn hint(mut self, text: impl Into<String>) -> Self {
        self.hint = Some(text.into().into_boxed_str());
        self
    }

    #[must_use]
    pub fn errors(mut self, errors: Vec<FieldError>) -> Self {
        self.errors = errors;
        self
    }

    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    #[must_use]
    pub fn request_id(mut self, id: &str) -> Self {
        self.request_id = Some(id.into());
        self
    }

    /// The problem that `response` carries, if its body is still the JSON document.
    pub fn of(response: &Response) -> Option<&Self> {
        response.extensions().get()
    }

    /// The same answer as a page: status and headers stay, the body becomes `html`.
    pub fn as_page(mut response: Response, html: String) -> Response {
        response.extensions_mut().remove::<Self>();
        response.headers_mut().remove(CONTENT_LENGTH);
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        *response.body_mut() = Body::from(html);
        response
    }

    pub(crate) fn replace_body(self, response: &mut Response) {
        response.headers_mut().remove(CONTENT_LENGTH);
        *response.body_mut() = Body::from(self.document());
        response.extensions_mut().insert(self);
    }

    fn document(&self) -> Vec<u8> {
        // Writing plain strings and numbers into memory cannot fail.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// Whether the client is a browser that asks for a page rather than for JSON.
pub fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers
        .get(ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("");
    match (accept.find("text/html"), accept.find("application/json")) {
        (Some(html), Some(json)) => html < json,
        (html, _) => html.is_some(),
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("type", &format!("urn:problem:{}", self.code))?;
        map.serialize_entry("status", &self.status.as_u16())?;
        map.serialize_entry("code", self.code)?;
        map.serialize_entry("title", &self.title)?;
        // Clients of the legacy API read `error` and `errors[].msg`, nothing else.
        map.serialize_entry("error", self.detail.as_ref().unwrap_or(&self.title))?;
        for (name, text) in [
            ("detail", &self.detail),
            ("hint", &self.hint),
            ("request_id", &self.request_id),
        ] {
            if let Some(text) = text {
                map.serialize_entry(name, text)?;
            }
        }
        if let Some(seconds) = self.retry_after {
            map.serialize_entry("retry_after", &seconds)?;
        }
        if !self.errors.is_empty() {
            map.serialize_entry("errors", &self.errors)?;
        }
        map.end()
    }
}

impl Serialize for FieldError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("pointer", &format!("/{}", self.field.replace('~', "~0")))?;
        map.serialize_entry("code", self.code)?;
        map.serialize_entry("detail", &self.message)?;
        map.serialize_entry("path", &self.field)?;
        map.serialize_entry("msg", &self.message)?;
        map.end()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.document()).into_response();
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if let Some(seconds) = self.retry_after {
            response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fenced() -> Problem {
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "fenced",
            "Maintenance in progress",
        )
        .detail("Writes are refused until the maintenance window ends.")
        .hint("Try again later.")
        .retry_after(30)
    }

    #[test]
    fn it_is_small_enough_to_be_returned() {
        assert!(size_of::<Problem>() < 128, "{}", size_of::<Problem>());
    }

    #[test]
    fn the_envelope() {
        let problem = fenced().errors(vec![FieldError::new(
            "especificaciones/cpu",
            "required",
            "cpu is missing",
        )]);
        let json: serde_json::Value = serde_json::from_slice(&problem.document()).unwrap();
        let expected = serde_json::json!({
            "type": "urn:problem:fenced", "status": 503, "code": "fenced", "title": "Maintenance in progress",
            "error": "Writes are refused until the maintenance window ends.",
            "detail": "Writes are refused until the maintenance window ends.", "hint": "Try again later.",
            "retry_after": 30,
            "errors": [{"pointer": "/especificaciones/cpu", "code": "required", "detail": "cpu is missing",
                        "path": "especificaciones/cpu", "msg": "cpu is missing"}],
        });
        assert_eq!(json, expected);
        let response = problem.into_response();
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()[CONTENT_TYPE], MEDIA_TYPE);
        assert_eq!(response.headers()[RETRY_AFTER], "30");
    }

    #[tokio::test]
    async fn the_same_answer_as_a_page() {
        let page = Problem::as_page(fenced().into_response(), "<p>x</p>".into());
        assert_eq!(page.status(), 503);
        assert_eq!(page.headers()[CONTENT_TYPE], "text/html; charset=utf-8");
        assert_eq!(page.headers()[RETRY_AFTER], "30");
        assert!(Problem::of(&page).is_none());
        assert_eq!(
            axum::body::to_bytes(page.into_body(), 100).await.unwrap(),
            "<p>x</p>"
        );
    }

    #[test]
    fn browsers_ask_for_pages() {
        let accepts = |value: &str| {
            wants_page(&HeaderMap::from_iter([(
                ACCEPT,
                HeaderValue::from_str(value).unwrap(),
            )]))
        };
        assert!(accepts(
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
        ));
        assert!(!accepts("application/json"));
        assert!(!accepts("application/json, text/html;q=0.1"));
        assert!(!accepts("*/*"));
        assert!(!wants_page(&HeaderMap::new()));
    }
}
