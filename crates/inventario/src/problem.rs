//! Failures of the store as the one error envelope.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use web::{FieldError, Problem};

use crate::fence::{DEFAULT_RETRY_AFTER, refusal};
use crate::store::StoreError;

impl StoreError {
    /// What a client hears of it. Messages of the database stay in the log.
    pub fn problem(self) -> Problem {
        match self {
            Self::Fenced { retry_after } => refusal(retry_after),
            Self::WriteDenied(cause) => {
                tracing::warn!(%cause, "the database refused a write");
                refusal(DEFAULT_RETRY_AFTER)
            }
            Self::Busy(cause) => {
                tracing::warn!(%cause, "the database was busy");
                Problem::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "database_busy",
                    "The database is busy",
                )
                .detail("Nothing was written: another program holds a lock on the database.")
                .hint("Send the same request again.")
                .retry_after(2)
            }
            Self::ConnectionLost(cause) | Self::Unreachable(cause) => {
                tracing::error!(%cause, "the database cannot be reached");
                Problem::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "database_unreachable",
                    "The database cannot be reached",
                )
                .detail("The request was not carried out.")
                .hint("Send the same request again later; `inventario check` says what is wrong.")
                .retry_after(5)
            }
            Self::Refused(errors) => invalid(errors),
            Self::Duplicate(field) => {
                let error = FieldError::new(field, "duplicate", format!("{field} is taken by another row"));
                Problem::new(StatusCode::CONFLICT, "duplicate", "The value is taken")
                    .detail(format!("Another row has this {field}."))
                    .hint("Look for the other row, or send another value.")
                    .errors(vec![error])
            }
            Self::VersionDiffers => Problem::new(
                StatusCode::PRECONDITION_FAILED,
                "version_differs",
                "Somebody else changed the row",
            )
            .detail("The row is no longer as it was when it was read; nothing was written.")
            .hint("Read it again, apply the change to it and send it with the new ETag."),
            Self::NotFound => not_found(),
            Self::SchemaChanged(cause) | Self::NotOurs(cause) => {
                tracing::error!(%cause, "the schema is not the expected one");
                Problem::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "schema_unknown",
                    "The database has another schema",
                )
                .detail("The request was not carried out.")
                .hint("Look at `inventario migrate --status`.")
                .retry_after(5)
            }
            Self::Other(cause) => {
                tracing::error!(%cause, "database error");
                internal()
            }
        }
    }
}

impl IntoResponse for StoreError {
    fn into_response(self) -> Response {
        self.problem().into_response()
    }
}

/// 422: fields that cannot be taken.
pub fn invalid(errors: Vec<FieldError>) -> Problem {
    let detail = errors
        .iter()
        .map(|error| error.message.as_str())
        .collect::<Vec<_>>()
        .join("; ");
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "invalid",
        "The data cannot be taken",
    )
    .detail(format!("Nothing was written: {detail}."))
    .hint("Correct the fields in `errors` and send the request again.")
    .errors(errors)
}

/// 404.
pub fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "There is no such thing")
        .detail("Nothing has this address.")
        .hint("The API is described at /api/openapi.json.")
}

/// 500, without a word about the inside.
pub fn internal() -> Problem {
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal",
        "Something went wrong here",
    )
    .detail("The request was not carried out.")
    .hint("The log has the cause under this request id.")
}
