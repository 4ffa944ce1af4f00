//! `/api/activos`

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Path, RawQuery, State};
use axum::http::header::{CONTENT_TYPE, ETAG, IF_MATCH, LINK, LOCATION};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::json;
use tokio_stream::wrappers::ReceiverStream;
use web::{FieldError, Problem};

use super::body::JsonBody;
use crate::auth::Sesion;
use crate::domain::change::Warning;
use crate::domain::query::{Cursor, Filter, From, MAX_LIMIT, PageRequest, Sort, strict_id};
use crate::percent::{encoded, pairs};
use crate::problem::not_found;
use crate::state::AppState;
use crate::store::activos::ActivoStream;
use crate::store::{Store, StoreError};

/// The query string, read strictly: an unknown or malformed parameter is an error, never ignored.
#[derive(Debug, Default)]
struct ListQuery {
    filter: Filter,
    sort: Sort,
    limit: Option<u32>,
    after: Option<String>,
    before: Option<String>,
    total: bool,
}

impl ListQuery {
    fn parse(query: &str) -> Result<Self, Problem> {
        let mut parsed = Self::default();
        let mut errors = Vec::new();
        for (name, value) in pairs(query) {
            let value = value.as_str();
            let mut wrong = |code, message: &str| errors.push(FieldError::new(name.clone(), code, message));
            match name.as_str() {
                "q" => parsed.filter.q = Some(value.to_owned()).filter(|q| !q.trim().is_empty()),
                "estado" => parsed.filter.estado = Some(value.to_owned()).filter(|estado| !estado.is_empty()),
                "categoria_id" if value.is_empty() => {}
                "categoria_id" => match strict_id(value) {
                    Some(id) => parsed.filter.categoria_id = Some(id),
                    None => wrong("not_an_id", "categoria_id must be a number"),
                },
                "sort" => match Sort::parse(value) {
                    Some(sort) => parsed.sort = sort,
                    None => wrong(
                        "not_allowed",
                        "sort must be a column, with a minus before it for descending order",
                    ),
                },
                "limit" => match value.parse() {
                    Ok(limit) if (1..=MAX_LIMIT).contains(&limit) => parsed.limit = Some(limit),
                    _ => wrong("not_allowed", "limit must be between 1 and 1000"),
                },
                "after" => parsed.after = Some(value.to_owned()),
                "before" => parsed.before = Some(value.to_owned()),
                "total" => parsed.total = matches!(value, "1" | "true"),
                "token" => wrong(
                    "not_allowed",
                    "a token is never taken from the address; send it as a header",
                ),
                _ => errors.push(FieldError::new(
                    "",
                    "unknown_parameter",
                    "known parameters: q, estado, categoria_id, sort, limit, after, before, total",
                )),
            }
        }
        if errors.is_empty() {
            Ok(parsed)
        } else {
            Err(bad_query(errors))
        }
    }

    fn from(&self) -> Result<From, Problem> {
        let cursor = |name: &str, word: &str| {
            let wrong = || {
                vec![FieldError::new(
                    name,
                    "bad_cursor",
                    "take it from the Link header of a page of the same sort",
                )]
            };
            Cursor::decode(word, self.sort).ok_or_else(|| bad_query(wrong()))
        };
        match (&self.after, &self.before) {
            (Some(_), Some(_)) => Err(bad_query(vec![FieldError::new(
                "before",
                "not_allowed",
                "send one of after and before, not both",
            )])),
            (Some(word), None) => cursor("after", word).map(From::After),
            (None, Some(word)) => cursor("before", word).map(From::Before),
            (None, None) => Ok(From::Start),
        }
    }

    /// The address of another page of the same list.
    fn link(&self, limit: u32, direction: &str, cursor: &Cursor) -> String {
        let mut query = format!("limit={limit}&{direction}={}", cursor.encode(self.sort));
        let mut add = |name: &str, value: &str| {
            query.push_str(&format!("&{name}={}", encoded(value)));
        };
        if self.sort != Sort::default() {
            add("sort", &self.sort.name());
        }
        if let Some(q) = &self.filter.q {
            add("q", q);
        }
        if let Some(estado) = &self.filter.estado {
            add("estado", estado);
        }
        if let Some(id) = self.filter.categoria_id {
            add("categoria_id", &id.to_string());
        }
        let rel = if direction == "after" { "next" } else { "prev" };
        format!("</api/activos?{query}>; rel=\"{rel}\"")
    }
}

fn bad_query(errors: Vec<FieldError>) -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "bad_query",
        "The address has a parameter that cannot be taken",
    )
    .detail(
        errors
            .iter()
            .map(|error| error.message.as_str())
            .collect::<Vec<_>>()
            .join("; "),
    )
    .hint("The parameters are described at /api/openapi.json.")
    .errors(errors)
}

/// `GET /api/activos`: everything as a stream, or with `limit` one page and where the others are.
pub async fn list(
    _: Sesion,
    State(state): State<AppState>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let query = ListQuery::parse(query.as_deref().unwrap_or(""))?;
    let mut headers = HeaderMap::new();
    if query.total {
        let total = state
            .store
            .count_activos(&query.filter)
            .await
            .map_err(StoreError::problem)?;
        headers.insert("x-total-count", HeaderValue::from(total));
    }
    let Some(limit) = query.limit else {
        if query.after.is_some() || query.before.is_some() {
            return Err(bad_query(vec![FieldError::new(
                "limit",
                "required",
                "after and before need a limit",
            )]));
        }
        let stream = state
            .store
            .stream_activos(&query.filter, query.sort)
            .await
            .map_err(StoreError::problem)?;
        return Ok((headers, stream_answer(stream)).into_response());
    };
    let request = PageRequest {
        filter: query.filter.clone(),
        sort: query.sort,
        from: query.from()?,
        limit,
    };
    let page = state.store.activos(&request).await.map_err(StoreError::problem)?;
    let links: Vec<String> = [("after", &page.next), ("before", &page.previous)]
        .into_iter()
        .filter_map(|(direction, cursor)| cursor.as_ref().map(|cursor| query.link(limit, direction, cursor)))
        .collect();
    if !links.is_empty() {
        let links = HeaderValue::from_str(&links.join(", "));
        // Percent-encoded addresses are ASCII.
        headers.insert(LINK, links.unwrap_or(HeaderValue::from_static("")));
    }
    Ok((headers, Json(page.rows)).into_response())
}

/// One JSON array, written while the rows come. A failure in the middle cuts the connection: the client sees that the
/// array has no end.
fn stream_answer(mut activos: ActivoStream) -> Response {
    let (to, from) = tokio::sync::mpsc::channel::<Result<Bytes, StoreError>>(4);
    tokio::spawn(async move {
        let mut before = b'[';
        while let Some(batch) = activos.next().await {
            let chunk = batch.map(|batch| {
                let mut out = Vec::with_capacity(batch.len() * 640 + 1);
                for activo in batch {
                    out.push(std::mem::replace(&mut before, b','));
                    // Text and numbers into memory: it cannot fail.
                    let _ = serde_json::to_writer(&mut out, &activo);
                }
                Bytes::from(out)
            });
            let failed = chunk.is_err();
            if to.send(chunk).await.is_err() || failed {
                return;
            }
        }
        let end = if before == b'[' { "[]" } else { "]" };
        // A client that went away needs no end.
        let _ = to.send(Ok(Bytes::from_static(end.as_bytes()))).await;
    });
    let json = [(CONTENT_TYPE, HeaderValue::from_static("application/json"))];
    (json, Body::from_stream(ReceiverStream::new(from))).into_response()
}

/// `GET /api/activos/{id}`
pub async fn one(
    _: Sesion,
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = strict_id(&id).ok_or_else(no_activo)?;
    let found = state
        .store
        .activo(id)
        .await
        .map_err(StoreError::problem)?
        .ok_or_else(no_activo)?;
    Ok((etag(&found.version), Json(found.activo)).into_response())
}

#[derive(Debug, Serialize)]
struct Written {
    id: i64,
    message: &'static str,
    warnings: Vec<Warning>,
}

/// `POST /api/activos`
pub async fn create(_: Sesion, State(state): State<AppState>, body: JsonBody) -> Result<Response, Problem> {
    let (id, warnings) = state
        .store
        .create_activo(&body.fields())
        .await
        .map_err(StoreError::problem)?;
    let written = Written {
        id,
        message: "Activo creado",
        warnings,
    };
    let location = HeaderValue::from_str(&format!("/api/activos/{id}"));
    // An address with a number is ASCII.
    let headers = [(
        LOCATION,
        location.unwrap_or(HeaderValue::from_static("/api/activos")),
    )];
    Ok((StatusCode::CREATED, headers, Json(written)).into_response())
}

/// `PUT /api/activos/{id}`: a partial update; with `If-Match` only of the version that the client read.
pub async fn update(
    _: Sesion,
    State(state): State<AppState>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: JsonBody,
) -> Result<Response, Problem> {
    let id = strict_id(&id).ok_or_else(no_activo)?;
    let expected = expected_version(&headers)?;
    let store: &Store = &state.store;
    let updated = store
        .update_activo(id, expected.as_deref(), &body.fields())
        .await
        .map_err(|error| match error {
            StoreError::NotFound => no_activo(),
            other => other.problem(),
        })?;
    let message = if updated.changed {
        "Activo actualizado"
    } else {
        "Sin cambios"
    };
    let answer =
        json!({ "id": id, "message": message, "changed": updated.changed, "warnings": updated.warnings });
    Ok((etag(&updated.row.version), Json(answer)).into_response())
}

/// The version in `If-Match`; `*` and a missing header expect nothing.
fn expected_version(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(IF_MATCH) else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or("").trim();
    match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        Some(version) if !version.contains('"') => Ok(Some(version.to_owned())),
        _ if text == "*" => Ok(None),
        _ => Err(
            Problem::new(StatusCode::BAD_REQUEST, "bad_if_match", "If-Match cannot be read")
                .detail("If-Match must be one entity tag, quotes included.")
                .hint("Send the ETag of GET /api/activos/{id} as it is."),
        ),
    }
}

fn etag(version: &str) -> [(axum::http::HeaderName, HeaderValue); 1] {
    // A version is hexadecimal.
    let value = HeaderValue::from_str(&format!("\"{version}\"")).unwrap_or(HeaderValue::from_static("\"\""));
    [(ETAG, value)]
}

fn no_activo() -> Problem {
    not_found()
        .detail("There is no activo with this id.")
        .hint("GET /api/activos lists those that exist.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_strict() {
        let code = |query: &str| ListQuery::parse(query).unwrap_err().errors[0].code;
        assert_eq!(code("limit=0"), "not_allowed");
        assert_eq!(code("limit=1001"), "not_allowed");
        assert_eq!(code("sort=password"), "not_allowed");
        assert_eq!(code("categoria_id=1x"), "not_an_id");
        assert_eq!(code("estdo=Activo"), "unknown_parameter");
        assert_eq!(code("token=abc"), "not_allowed");
        let query = ListQuery::parse("q=S%C3%A3o+Paulo&estado=En+Mantenimiento&sort=-nombre&limit=5&total=1")
            .unwrap();
        assert_eq!(query.filter.q.as_deref(), Some("São Paulo"));
        let cursor = Cursor {
            value: Some("x".into()),
            id: 9,
        };
        assert_eq!(
            query.link(5, "after", &cursor),
            "</api/activos?limit=5&after=v9.78&sort=-nombre&q=S%C3%A3o%20Paulo&estado=En%20Mantenimiento>; rel=\"next\""
        );
    }

    #[test]
    fn if_match_is_one_strong_tag() {
        let read = |value: &'static str| {
            expected_version(&HeaderMap::from_iter([(
                IF_MATCH,
                HeaderValue::from_static(value),
            )]))
            .map_err(|p| p.code)
        };
        assert_eq!(read("\"abc\""), Ok(Some("abc".into())));
        assert_eq!(read("*"), Ok(None));
        assert_eq!(read("abc"), Err("bad_if_match"));
        assert_eq!(read("\"a\", \"b\""), Err("bad_if_match"));
        assert_eq!(expected_version(&HeaderMap::new()).unwrap(), None);
    }
}
