//! The review list: rows whose `especificaciones` a person should look at, by reason.

use askama::Template;

use super::pager::{Neighbours, Pager};
use super::texts::{Kind, Kinds, Texts};
use super::{format, link};
use crate::domain::review::{Class, Finding, Review};

/// Rows on a page.
pub(super) const ROWS: u64 = 50;

/// Characters of the stored text that a row shows.
const EXCERPT: usize = 160;

/// What the list shows.
#[derive(Debug)]
pub(super) struct Due<'a> {
    /// The reason that is filtered by.
    pub(super) reason: Option<&'a str>,
    /// How many rows each reason has.
    pub(super) counts: &'a [(&'static str, u64)],
    /// Rows that are due at all.
    pub(super) all: u64,
    pub(super) rows: &'a [DueRow],
    /// Rows before this page, and rows with this reason.
    pub(super) before: u64,
    pub(super) total: u64,
    /// The id behind which the next page begins.
    pub(super) next: Option<i64>,
    /// The database still holds texts.
    pub(super) before_window: bool,
}

/// One row.
#[derive(Debug)]
pub(super) struct DueRow {
    pub(super) id: i64,
    pub(super) nombre: String,
    pub(super) numero_serie: String,
    /// What may be shown of the stored text.
    pub(super) shown: String,
    pub(super) review: Review,
}

#[derive(Template)]
#[template(path = "review.html")]
pub(super) struct ReviewPage {
    t: &'static Texts,
    fenced: bool,
    lead: &'static str,
    kinds: Vec<Tab>,
    heading: &'static str,
    help: Option<&'static str>,
    total: String,
    total_word: &'static str,
    rows: Vec<Row>,
    pager: Pager,
}

struct Tab {
    name: &'static str,
    href: String,
    count: String,
    current: bool,
}

struct Row {
    id: i64,
    nombre: String,
    numero_serie: String,
    kinds: Vec<&'static Kind>,
    excerpt: String,
    paths: Vec<String>,
}

impl ReviewPage {
    pub(super) fn new(t: &'static Texts, fenced: bool, due: &Due<'_>) -> Self {
        let kind = due.reason.and_then(|reason| named(reason, &t.review.kinds));
        let tab = |name: &'static str, reason: &str, count: u64, current: bool| Tab {
            name,
            href: link::to("/revision", &[("motivo", reason)]),
            count: format::count(t.language, count),
            current,
        };
        let mut kinds = vec![tab(t.review.all, "", due.all, due.reason.is_none())];
        for (reason, count) in due.counts {
            if let Some(kind) = named(reason, &t.review.kinds)
                && (*count > 0 || due.reason == Some(*reason))
            {
                kinds.push(tab(kind.name, reason, *count, due.reason == Some(*reason)));
            }
        }
        let rows = due.rows.len() as u64;
        let address = |more: &[(&str, &str)]| {
            let mut pairs = vec![("motivo", due.reason.unwrap_or(""))];
            pairs.extend_from_slice(more);
            link::to("/revision", &pairs)
        };
        let neighbours = Neighbours {
            first: Some(address(&[])),
            previous: None,
            next: due.next.map(|id| {
                address(&[
                    ("despues", &id.to_string()),
                    ("n", &(due.before + rows).to_string()),
                ])
            }),
        };
        Self {
            t,
            fenced,
            lead: if due.before_window {
                t.review.lead_text
            } else {
                t.review.lead
            },
            kinds,
            heading: kind.map_or(t.review.all, |kind| kind.name),
            help: kind.map(|kind| kind.help),
            total: format::count(t.language, due.total),
            total_word: (t.review.found)(due.total),
            rows: due.rows.iter().map(|row| shown(row, t)).collect(),
            pager: Pager::new(t, (due.before, rows, due.total), ROWS, neighbours),
        }
    }
}

fn shown(row: &DueRow, t: &'static Texts) -> Row {
    // An empty path is free text: its secret stands in the excerpt, masked.
    let paths = row.review.sensitive_paths.iter().filter(|path| !path.is_empty());
    Row {
        id: row.id,
        nombre: row.nombre.clone(),
        numero_serie: row.numero_serie.clone(),
        kinds: kinds(&row.review, t),
        excerpt: format::excerpt(&row.shown, EXCERPT),
        paths: paths.cloned().collect(),
    }
}

/// Why a row is due, in words.
pub(super) fn kinds(review: &Review, t: &'static Texts) -> Vec<&'static Kind> {
    let class = (!matches!(review.class, Class::ValidObject | Class::Null)).then(|| review.class.name());
    // The class of a wrapped text says it already.
    let wrapped = (review.wrapped && class.is_none()).then_some("wrapped");
    let names = wrapped
        .into_iter()
        .chain(class)
        .chain(review.findings.iter().map(|finding| finding.name()));
    names.filter_map(|name| named(name, &t.review.kinds)).collect()
}

/// The reasons of the filter, in the order of the page.
pub(super) fn reasons() -> Vec<&'static str> {
    let classes = [Class::Text, Class::Truncated, Class::Empty, Class::ValidOther].map(Class::name);
    std::iter::once("wrapped")
        .chain(classes)
        .chain(Finding::ALL.map(Finding::name))
        .collect()
}

fn named<'a>(name: &str, kinds: &'a Kinds) -> Option<&'a Kind> {
    Some(match name {
        "valid_object" => &kinds.valid_object,
        "valid_other" => &kinds.valid_other,
        "text" => &kinds.text,
        "truncated" => &kinds.truncated,
        "empty" => &kinds.empty,
        "null" => &kinds.null,
        "wrapped" => &kinds.wrapped,
        "duplicate_keys" => &kinds.duplicate_keys,
        "nested" => &kinds.nested,
        "big_numbers" => &kinds.big_numbers,
        "sensitive_key" => &kinds.sensitive_key,
        "leading_blanks" => &kinds.leading_blanks,
        _ => return None,
    })
}
