//! The form of an activo: what is stored or what was just sent, with each error beside its field.

mod fields;

use askama::Template;
use web::FieldError;

use super::list::stored;
use super::texts::Texts;
use fields::{Control, Section};

use crate::domain::activo::{Activo, Categoria};
use crate::domain::json_tree::{self, JsonError, Reason};

/// The names of the form's fields, in their order; the same as in the API.
pub(super) const FIELDS: [&str; 13] = [
    "nombre",
    "categoria_id",
    "estado",
    "numero_serie",
    "marca",
    "modelo",
    "ubicacion",
    "responsable",
    "proveedor",
    "fecha_compra",
    "precio_usd",
    "bitlocker",
    "notas",
];

/// The field that is edited as JSON.
pub(super) const SPECS: &str = "especificaciones";

/// What the form shows.
#[derive(Debug)]
pub(super) struct Filled<'a> {
    /// `None` for a new activo.
    pub(super) id: Option<i64>,
    /// The state of the row that the form was filled from.
    pub(super) version: Option<String>,
    /// Field names and texts, `especificaciones` included.
    pub(super) values: &'a [(String, String)],
    pub(super) categorias: &'a [Categoria],
    pub(super) errors: &'a [FieldError],
    /// What is wrong as a whole.
    pub(super) message: Option<&'static str>,
    /// Some of the values are hidden.
    pub(super) hides: bool,
    /// What to do about a row of the review list.
    pub(super) hint: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "form.html")]
pub(super) struct FormPage {
    t: &'static Texts,
    fenced: bool,
    id: Option<i64>,
    version: Option<String>,
    title: &'static str,
    action: String,
    cancel: String,
    submit: &'static str,
    message: Option<&'static str>,
    wrong_title: &'static str,
    errors: Vec<ErrorLine>,
    sections: Vec<Section>,
}

/// A line of the list of errors on top.
struct ErrorLine {
    /// The field it leads to.
    anchor: Option<&'static str>,
    label: &'static str,
    message: String,
}

/// The texts of the form for a row as it is stored.
pub(super) fn values_of(activo: &Activo) -> Vec<(String, String)> {
    let specs = stored(activo).map(|text| json_tree::pretty(text).into_owned());
    let value = |name: &str| match name {
        "nombre" => Some(activo.nombre.clone()),
        "numero_serie" => Some(activo.numero_serie.clone()),
        "categoria_id" => activo.categoria_id.map(|id| id.to_string()),
        "estado" => activo.estado.clone(),
        "marca" => activo.marca.clone(),
        "modelo" => activo.modelo.clone(),
        "ubicacion" => activo.ubicacion.clone(),
        "responsable" => activo.responsable.clone(),
        "proveedor" => activo.proveedor.clone(),
        "fecha_compra" => activo.fecha_compra.clone(),
        "precio_usd" => activo.precio_usd.clone(),
        "bitlocker" => activo.bitlocker.clone(),
        "notas" => activo.notas.clone(),
        _ => specs.clone(),
    };
    FIELDS
        .into_iter()
        .chain([SPECS])
        .map(|name| (name.to_owned(), value(name).unwrap_or_default()))
        .collect()
}

impl Filled<'_> {
    fn value(&self, name: &str) -> &str {
        self.values
            .iter()
            .find(|(field, _)| field == name)
            .map_or("", |(_, value)| value)
    }
}

impl FormPage {
    pub(super) fn new(t: &'static Texts, fenced: bool, filled: &Filled<'_>) -> Self {
        let f = &t.form;
        let (title, submit) = match filled.id {
            Some(_) => (f.edit_title, f.save),
            None => (f.new_title, f.create),
        };
        let home = filled
            .id
            .map_or_else(|| "/activos".to_owned(), |id| format!("/activos/{id}"));
        Self {
            t,
            fenced,
            id: filled.id,
            version: filled.version.clone(),
            title,
            action: filled
                .id
                .map_or_else(|| "/activos/nuevo".to_owned(), |_| format!("{home}/editar")),
            cancel: home,
            submit,
            message: filled.message,
            wrong_title: (f.wrong_title)(filled.errors.len() as u64),
            errors: filled.errors.iter().map(|error| line(error, filled, t)).collect(),
            sections: fields::sections(filled, t),
        }
    }

    pub(super) fn title(&self) -> &'static str {
        self.title
    }
}

fn line(error: &FieldError, filled: &Filled<'_>, t: &Texts) -> ErrorLine {
    let field = error.field.split('/').next().unwrap_or("");
    let anchor = FIELDS.into_iter().chain([SPECS]).find(|name| *name == field);
    ErrorLine {
        anchor,
        label: anchor.map_or("", |name| fields::label(name, t)),
        message: said(error, filled.value(field), t),
    }
}

/// What is wrong with a field, in the reader's language; for JSON with the place.
fn said(error: &FieldError, value: &str, t: &Texts) -> String {
    let c = &t.form.codes;
    let text = match error.code {
        "required" => c.required,
        "too_long" => c.too_long,
        "too_deep" => c.too_deep,
        "control_character" => c.control_character,
        "not_an_id" => c.not_an_id,
        "not_a_date" => c.not_a_date,
        "not_an_amount" => c.not_an_amount,
        "negative" => c.negative,
        "too_big" => c.too_big,
        "too_many_places" => c.too_many_places,
        "not_allowed" => c.not_allowed,
        "not_an_object" => c.not_an_object,
        "sensitive" => c.sensitive,
        "hidden_unknown" => c.hidden_unknown,
        "unknown_reference" => c.unknown_reference,
        "duplicate" => c.duplicate,
        "not_json" => match json_tree::check(value.trim()) {
            Err(place) => return broken(&place, t),
            Ok(()) => c.not_json,
        },
        _ => c.other,
    };
    match error.field.split_once('/') {
        Some((_, path)) if !path.is_empty() => format!("{text} ({path})"),
        _ => text.to_owned(),
    }
}

fn broken(place: &JsonError, t: &Texts) -> String {
    let r = &t.form.reasons;
    let reason = match place.reason {
        Reason::Empty => r.empty,
        Reason::EndsTooEarly => r.ends_too_early,
        Reason::ExpectedValue => r.expected_value,
        Reason::ExpectedColon => r.expected_colon,
        Reason::ExpectedComma => r.expected_comma,
        Reason::KeyNotQuoted => r.key_not_quoted,
        Reason::TrailingComma => r.trailing_comma,
        Reason::TrailingText => r.trailing_text,
        Reason::ControlCharacter => r.control_character,
        Reason::BadEscape => r.bad_escape,
        Reason::BadNumber => r.bad_number,
        Reason::Malformed => r.malformed,
    };
    let f = &t.form;
    format!(
        "{} {}, {} {}: {reason}",
        f.line, place.line, f.column, place.column
    )
}

/// The line of a broken JSON text, with a mark below the place.
fn excerpt(value: &str) -> Option<String> {
    const AROUND: usize = 40;
    let place = json_tree::check(value.trim())
        .err()
        .filter(|place| place.reason != Reason::Empty)?;
    let line: Vec<char> = value
        .trim()
        .split('\n')
        .nth(place.line - 1)?
        .trim_end_matches('\r')
        .chars()
        .collect();
    let at = (place.column - 1).min(line.len());
    let (from, to) = (at.saturating_sub(AROUND), (at + AROUND).min(line.len()));
    let shown: String = line[from..to]
        .iter()
        .map(|c| if c.is_control() { ' ' } else { *c })
        .collect();
    let number = format!("{} | ", place.line);
    Some(format!(
        "{number}{shown}\n{}^",
        " ".repeat(number.len() + at - from)
    ))
}
