//! The list of activos.

use askama::Template;

use super::badge::{self, Badge};
use super::especificaciones::{self as specs, Chip};
use super::pager::{Neighbours, Pager};
use super::texts::Texts;
use super::{format, link};
use crate::domain::activo::{Activo, Categoria};
use crate::domain::query::{Filter, Sort, SortKey};

/// Rows on a page.
pub(super) const ROWS: u64 = 50;

/// What the list shows.
#[derive(Debug)]
pub(super) struct Listing<'a> {
    pub(super) filter: &'a Filter,
    pub(super) sort: Sort,
    pub(super) rows: &'a [Activo],
    pub(super) categorias: &'a [Categoria],
    /// Every `estado` that rows have.
    pub(super) estados: &'a [String],
    /// Rows before this page.
    pub(super) before: u64,
    /// Rows that meet the filter, and all rows.
    pub(super) total: u64,
    pub(super) all: u64,
    /// Cursor words of the neighbour pages.
    pub(super) previous: Option<String>,
    pub(super) next: Option<String>,
}

#[derive(Template)]
#[template(path = "list.html")]
pub(super) struct ListPage {
    t: &'static Texts,
    fenced: bool,
    total: String,
    total_word: &'static str,
    of_all: Option<String>,
    q: String,
    estados: Vec<Choice>,
    categorias: Vec<Choice>,
    orden: Option<String>,
    filtered: bool,
    columns: Vec<Column>,
    rows: Vec<Row>,
    pager: Pager,
}

/// An option of a selection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) label: String,
    pub(super) selected: bool,
}

struct Column {
    label: &'static str,
    href: Option<String>,
    /// `ascending` or `descending`.
    sorted: Option<&'static str>,
}

impl Column {
    fn arrow(&self) -> Option<&'static str> {
        self.sorted
            .map(|direction| if direction == "ascending" { "▲" } else { "▼" })
    }
}

struct Row {
    id: i64,
    nombre: String,
    under: String,
    numero_serie: String,
    categoria: String,
    estado: Badge,
    ubicacion: String,
    responsable: String,
    chips: Vec<Chip>,
}

impl ListPage {
    pub(super) fn new(t: &'static Texts, fenced: bool, list: &Listing<'_>) -> Self {
        let filtered = *list.filter != Filter::default();
        let categoria = list
            .filter
            .categoria_id
            .map(|id| id.to_string())
            .unwrap_or_default();
        let address = |sort: Sort, more: &[(&str, &str)]| {
            let orden = if sort == Sort::default() {
                String::new()
            } else {
                sort.name()
            };
            let mut pairs = vec![
                ("q", list.filter.q.as_deref().unwrap_or("")),
                ("estado", list.filter.estado.as_deref().unwrap_or("")),
                ("categoria", categoria.as_str()),
                ("orden", orden.as_str()),
            ];
            pairs.extend_from_slice(more);
            link::to("/activos", &pairs)
        };
        let rows = list.rows.len() as u64;
        let neighbours = Neighbours {
            first: Some(address(list.sort, &[])),
            previous: list.previous.as_deref().map(|cursor| {
                let before = list.before.saturating_sub(ROWS).to_string();
                address(list.sort, &[("antes", cursor), ("n", &before)])
            }),
            next: list.next.as_deref().map(|cursor| {
                address(
                    list.sort,
                    &[("despues", cursor), ("n", &(list.before + rows).to_string())],
                )
            }),
        };
        Self {
            t,
            fenced,
            total: format::count(t.language, list.total),
            total_word: (t.list.found)(list.total),
            of_all: filtered.then(|| format::count(t.language, list.all)),
            q: list.filter.q.clone().unwrap_or_default(),
            estados: estado_choices(list.estados, list.filter.estado.as_deref(), t),
            categorias: categoria_choices(list.categorias, list.filter.categoria_id),
            orden: (list.sort != Sort::default()).then(|| list.sort.name()),
            filtered,
            columns: columns(list.sort, t, |sort| address(sort, &[])),
            rows: list.rows.iter().map(|activo| row(activo, t)).collect(),
            pager: Pager::new(t, (list.before, rows, list.total), ROWS, neighbours),
        }
    }
}

fn columns(current: Sort, t: &Texts, address: impl Fn(Sort) -> String) -> Vec<Column> {
    let column = |label, key: Option<SortKey>| {
        let sorted = key.filter(|key| *key == current.key && current != Sort::default());
        Column {
            label,
            // A click on the sorted column turns it round.
            href: key.map(|key| {
                address(Sort {
                    key,
                    descending: sorted.is_some() && !current.descending,
                })
            }),
            sorted: sorted.map(|_| {
                if current.descending {
                    "descending"
                } else {
                    "ascending"
                }
            }),
        }
    };
    vec![
        column(t.fields.activo, Some(SortKey::Nombre)),
        column(t.fields.numero_serie, Some(SortKey::NumeroSerie)),
        column(t.fields.categoria, Some(SortKey::Categoria)),
        column(t.fields.estado, Some(SortKey::Estado)),
        column(t.list.place, Some(SortKey::Ubicacion)),
        column(t.fields.especificaciones, None),
    ]
}

fn row(activo: &Activo, t: &Texts) -> Row {
    Row {
        id: activo.id,
        nombre: activo.nombre.clone(),
        under: under(activo),
        numero_serie: activo.numero_serie.clone(),
        categoria: activo.categoria_nombre.clone().unwrap_or_default(),
        estado: badge::activo(activo.estado.as_deref(), t),
        ubicacion: activo.ubicacion.clone().unwrap_or_default(),
        responsable: activo.responsable.clone().unwrap_or_default(),
        chips: specs::chips(stored(activo), t),
    }
}

/// `marca · modelo`, as far as they are there.
pub(super) fn under(activo: &Activo) -> String {
    let parts = [activo.marca.as_deref(), activo.modelo.as_deref()];
    parts
        .into_iter()
        .flatten()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" · ")
}

/// The JSON text of the field, as it may be shown.
pub(super) fn stored(activo: &Activo) -> Option<&str> {
    activo
        .especificaciones
        .as_deref()
        .map(serde_json::value::RawValue::get)
}

fn estado_choices(stored: &[String], selected: Option<&str>, t: &Texts) -> Vec<Choice> {
    let mut choices: Vec<Choice> = Vec::new();
    // A filter that no row meets any more stays visible.
    let gone = selected.filter(|selected| !stored.iter().any(|value| value == selected));
    for value in stored
        .iter()
        .map(String::as_str)
        .chain(gone)
        .filter(|value| !value.is_empty())
    {
        let label = badge::activo(Some(value), t).label;
        // Two spellings of one state are two filters: the second is shown as it is stored.
        let label = if choices.iter().any(|choice| choice.label == label) {
            value.to_owned()
        } else {
            label
        };
        choices.push(Choice {
            value: value.to_owned(),
            label,
            selected: selected == Some(value),
        });
    }
    choices
}

/// The categorias as options.
pub(super) fn categoria_choices(categorias: &[Categoria], selected: Option<i64>) -> Vec<Choice> {
    let choice = |categoria: &Categoria| Choice {
        value: categoria.id.to_string(),
        label: categoria.nombre.clone(),
        selected: selected == Some(categoria.id),
    };
    categorias.iter().map(choice).collect()
}
