//! `GET /activos`

use axum::extract::{Query, rejection::QueryRejection};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::{Visit, count, show};
use crate::domain::query::{Cursor, Filter, From, PageRequest, Sort, strict_id};
use crate::store::StoreError;
use crate::views::frame::Place;
use crate::views::list::{ListPage, Listing, ROWS};

/// The query of the page. What cannot be understood counts as not said: people edit addresses.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    q: String,
    estado: String,
    categoria: String,
    orden: String,
    antes: String,
    despues: String,
    /// Rows before the page: only what the page says of itself depends on it.
    n: String,
}

pub(super) async fn page(
    visit: Visit,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Response, Response> {
    let Query(asked) = asked.unwrap_or_default();
    let said = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let filter = Filter {
        q: said(&asked.q),
        estado: said(&asked.estado),
        categoria_id: strict_id(&asked.categoria),
    };
    let sort = Sort::parse(&asked.orden).unwrap_or_default();
    let from = match (
        Cursor::decode(&asked.despues, sort),
        Cursor::decode(&asked.antes, sort),
    ) {
        (Some(cursor), _) => From::After(cursor),
        (None, Some(cursor)) => From::Before(cursor),
        (None, None) => From::Start,
    };
    let before = if from == From::Start {
        0
    } else {
        asked.n.parse().unwrap_or(0)
    };
    let request = PageRequest {
        filter,
        sort,
        from,
        limit: u32::try_from(ROWS).unwrap_or(u32::MAX),
    };
    let found = look(&visit, &request)
        .await
        .map_err(|error| error.problem().into_response())?;
    let listing = Listing {
        filter: &request.filter,
        sort,
        rows: &found.page.rows,
        categorias: &found.categorias,
        estados: &found.estados,
        before,
        total: found.total,
        all: found.all,
        previous: found.page.previous.as_ref().map(|cursor| cursor.encode(sort)),
        next: found.page.next.as_ref().map(|cursor| cursor.encode(sort)),
    };
    let t = visit.texts();
    let content = ListPage::new(t, visit.fenced(), &listing);
    Ok(show(
        StatusCode::OK,
        &visit.frame.page(t.list.title, Place::Activos),
        &content,
    ))
}

struct Found {
    page: crate::store::Page,
    total: u64,
    all: u64,
    categorias: Vec<crate::domain::activo::Categoria>,
    estados: Vec<String>,
}

async fn look(visit: &Visit, request: &PageRequest) -> Result<Found, StoreError> {
    let store = &visit.state.store;
    let everything = Filter::default();
    let (page, total, categorias, estados) = tokio::try_join!(
        store.activos(request),
        store.count_activos(&request.filter),
        store.categorias(),
        store.estados(),
    )?;
    let all = if request.filter == everything {
        total
    } else {
        store.count_activos(&everything).await?
    };
    Ok(Found {
        page,
        total: count(total),
        all: count(all),
        categorias,
        estados,
    })
}
