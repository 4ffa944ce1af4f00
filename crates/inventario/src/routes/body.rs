//! Request bodies: strict JSON objects whose values are kept as text, so that no number is rounded on the way.

use std::fmt;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use web::{FieldError, Problem};

use crate::domain::change::Fields;
use crate::domain::fields::Input;
use crate::state::AppState;

/// A JSON object: names and raw values in their order.
#[derive(Debug)]
pub struct JsonBody(Vec<(String, Box<RawValue>)>);

impl JsonBody {
    /// For the domain.
    pub fn fields(&self) -> Fields<'_> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), Input::Json(value)))
            .collect()
    }

    /// The value of one field.
    pub fn get(&self, name: &str) -> Option<Input<'_>> {
        self.0
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| Input::Json(value))
    }

    /// Text that must be there.
    ///
    /// # Errors
    /// It is missing, empty, too long or no text.
    pub fn required(&self, name: &str, max: usize) -> Result<String, FieldError> {
        self.get(name).map_or_else(
            || Err(crate::domain::fields::missing(name)),
            |input| input.required(name, max),
        )
    }

    /// Reads an object.
    ///
    /// # Errors
    /// Not JSON, no object, or a field twice.
    pub fn parse(bytes: &[u8]) -> Result<Self, Problem> {
        let members: Members = serde_json::from_slice(bytes).map_err(|error| {
            Problem::new(
                StatusCode::BAD_REQUEST,
                "not_json",
                "The body is not a JSON object",
            )
            // Position only: the message of the parser may repeat what was sent.
            .detail(format!(
                "Reading stopped at line {}, column {}.",
                error.line(),
                error.column()
            ))
            .hint("Send a JSON object with Content-Type: application/json.")
        })?;
        let fields = members.0;
        let mut names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(Problem::new(
                StatusCode::BAD_REQUEST,
                "repeated_field",
                "A field stands twice in the body",
            )
            .detail("It cannot be told which of the two values is meant.")
            .hint("Send every field once."));
        }
        Ok(Self(fields))
    }
}

impl FromRequest<AppState> for JsonBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        let kind = request
            .headers()
            .get(header::CONTENT_TYPE)
            .map(|value| value.to_str().unwrap_or("?").to_owned());
        if kind.is_some_and(|kind| !is_json(&kind)) {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "not_json",
                "The body is not JSON",
            )
            .detail("Content-Type names another format.")
            .hint("Send Content-Type: application/json."));
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| {
            if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                return Problem::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "too_large",
                    "The body is too large",
                )
                .detail(format!("At most {} bytes are read.", super::MAX_BODY))
                .hint("Send less in one request.");
            }
            Problem::new(StatusCode::BAD_REQUEST, "body_cut", "The body could not be read")
                .detail("The connection ended before the body did.")
                .hint("Send the request again.")
        })?;
        Self::parse(&bytes)
    }
}

fn is_json(content_type: &str) -> bool {
    let kind = content_type
        .split(';')
        .next()
        .unwrap_or("")
        .trim()
        .to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}
