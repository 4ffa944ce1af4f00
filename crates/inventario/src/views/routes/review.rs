//! `GET /revision`

use axum::extract::{Query, rejection::QueryRejection};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::{Visit, show};
use crate::domain::query::strict_id;
use crate::store::StoreError;
use crate::store::review::{ReviewCounts, ReviewRow};
use crate::views::especificaciones::plain_text;
use crate::views::frame::Place;
use crate::views::list::stored;
use crate::views::review::{Due, DueRow, ROWS, ReviewPage, reasons};

/// The query of the page.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    motivo: String,
    despues: String,
    n: String,
}

pub(super) async fn page(
    visit: Visit,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Response> {
    let refused = |error: StoreError| error.problem().into_response();
    let Query(asked) = asked.unwrap_or_default();
    let reason = reasons().into_iter().find(|reason| *reason == asked.motivo);
    let after = strict_id(&asked.despues).unwrap_or(0);
    let store = &visit.state.store;
    let limit = usize::try_from(ROWS).unwrap_or(usize::MAX);
    let (counts, found) =
        tokio::try_join!(store.review_counts(), store.review_list(after, limit, reason)).map_err(refused)?;
    let mut rows = Vec::with_capacity(found.rows.len());
    for row in found.rows {
        rows.push(with_text(&visit, row).await.map_err(refused)?);
    }
    let by_reason: Vec<_> = reasons()
        .into_iter()
        .map(|name| (name, of(&counts, name)))
        .collect();
    let due = Due {
        reason,
        counts: &by_reason,
        all: counts.due,
        rows: &rows,
        before: if after == 0 {
            0
        } else {
            asked.n.parse().unwrap_or(0)
        },
        total: reason.map_or(counts.due, |reason| of(&counts, reason)),
        next: found.next,
        before_window: visit.schema() == Some(1),
    };
    let t = visit.texts();
    let content = ReviewPage::new(t, visit.fenced(), &due);
    Ok(show(
        StatusCode::OK,
        &visit.frame.page(t.review.title, Place::Revision),
        &content,
    ))
}

/// The row with what may be shown of its text.
async fn with_text(visit: &Visit, row: ReviewRow) -> Result<DueRow, StoreError> {
    // A page has fifty rows: each is one look-up by its key.
    let activo = visit.state.store.activo(row.id).await?.map(|found| found.activo);
    let shown = activo
        .as_ref()
        .and_then(stored)
        .map(|text| plain_text(text, &row.review))
        .unwrap_or_default();
    Ok(DueRow {
        id: row.id,
        nombre: row.nombre,
        numero_serie: row.numero_serie,
        shown,
        review: row.review,
    })
}

fn of(counts: &ReviewCounts, reason: &str) -> u64 {
    let (classes, findings) = (&counts.classes, &counts.findings);
    match reason {
        "wrapped" => counts.wrapped,
        "valid_other" => classes.valid_other,
        "text" => classes.text,
        "truncated" => classes.truncated,
        "empty" => classes.empty,
        "duplicate_keys" => findings.duplicate_keys,
        "nested" => findings.nested,
        "big_numbers" => findings.big_numbers,
        "sensitive_key" => findings.sensitive_key,
        "leading_blanks" => findings.leading_blanks,
        _ => 0,
    }
}
