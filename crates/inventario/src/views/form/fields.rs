//! The fields of the form and how each is entered.

use super::{Filled, SPECS, excerpt, said};
use crate::domain::change::{BITLOCKER, ESTADOS};
use crate::views::badge;
use crate::views::list::{Choice, categoria_choices};
use crate::views::texts::Texts;

/// A group of fields.
pub(in crate::views) struct Section {
    pub(in crate::views) id: &'static str,
    pub(in crate::views) title: &'static str,
    pub(in crate::views) fields: Vec<Field>,
}

/// One field.
pub(in crate::views) struct Field {
    pub(in crate::views) name: &'static str,
    pub(in crate::views) label: &'static str,
    /// Its class: half of the width, a `third`, or the `whole`.
    pub(in crate::views) width: &'static str,
    pub(in crate::views) required: bool,
    pub(in crate::views) value: String,
    pub(in crate::views) control: Control,
    pub(in crate::views) help: Option<String>,
    pub(in crate::views) wrong: Option<String>,
    /// Where a JSON text is broken.
    pub(in crate::views) excerpt: Option<String>,
}

/// How a field is entered.
pub(in crate::views) enum Control {
    Line { kind: &'static str, mode: &'static str },
    Choice(Vec<Choice>),
    Lines { rows: u32, code: bool },
}

impl Field {
    /// The ids of the texts that belong to the field.
    pub(in crate::views) fn described_by(&self) -> Option<String> {
        let id = |is: bool, what: &str| is.then(|| format!("{}-{what}", self.name));
        let ids: Vec<String> = [id(self.help.is_some(), "help"), id(self.wrong.is_some(), "wrong")]
            .into_iter()
            .flatten()
            .collect();
        (!ids.is_empty()).then(|| ids.join(" "))
    }
}

/// What a field is called.
pub(in crate::views) fn label(name: &str, t: &Texts) -> &'static str {
    let f = &t.fields;
    match name {
        "nombre" => f.nombre,
        "categoria_id" => f.categoria,
        "estado" => f.estado,
        "numero_serie" => f.numero_serie,
        "marca" => f.marca,
        "modelo" => f.modelo,
        "ubicacion" => f.ubicacion,
        "responsable" => f.responsable,
        "proveedor" => f.proveedor,
        "fecha_compra" => f.fecha_compra,
        "precio_usd" => f.precio_usd,
        "bitlocker" => f.bitlocker,
        "notas" => f.notas,
        _ => t.form.especificaciones_label,
    }
}

/// The form's sections, filled.
pub(in crate::views) fn sections(filled: &Filled<'_>, t: &Texts) -> Vec<Section> {
    let field = |name: &'static str, width, control| {
        let value = filled.value(name).to_owned();
        let of_field =
            |field: &str| field == name || field.strip_prefix(name).is_some_and(|rest| rest.starts_with('/'));
        let error = filled.errors.iter().find(|error| of_field(&error.field));
        Field {
            name,
            label: label(name, t),
            width,
            required: matches!(name, "nombre" | "numero_serie"),
            control,
            help: help(name, filled, t),
            wrong: error.map(|error| said(error, &value, t)),
            excerpt: error
                .filter(|error| error.code == "not_json")
                .and_then(|_| excerpt(&value)),
            value,
        }
    };
    let text = |name, width| {
        field(
            name,
            width,
            Control::Line {
                kind: "text",
                mode: "",
            },
        )
    };
    let choice = |name, width, choices| field(name, width, Control::Choice(choices));
    let estado = estados(filled.value("estado"), t);
    let categoria_id = categorias(filled, t);
    let date = if is_date(filled.value("fecha_compra")) {
        "date"
    } else {
        "text"
    };
    let section = |id, title, fields| Section { id, title, fields };
    vec![
        section(
            "what",
            t.form.section_what,
            vec![
                text("nombre", ""),
                text("numero_serie", ""),
                choice("categoria_id", "third", categoria_id),
                text("marca", "third"),
                text("modelo", "third"),
            ],
        ),
        section(
            "where",
            t.form.section_where,
            vec![
                choice("estado", "third", estado),
                text("ubicacion", "third"),
                text("responsable", "third"),
            ],
        ),
        section(
            "purchase",
            t.form.section_purchase,
            vec![
                text("proveedor", "third"),
                field("fecha_compra", "third", Control::Line { kind: date, mode: "" }),
                field(
                    "precio_usd",
                    "third",
                    Control::Line {
                        kind: "text",
                        mode: "decimal",
                    },
                ),
            ],
        ),
        section(
            "specs",
            t.fields.especificaciones,
            vec![field(
                SPECS,
                "whole",
                Control::Lines {
                    rows: rows(filled.value(SPECS)),
                    code: true,
                },
            )],
        ),
        section(
            "notes",
            t.form.section_notes,
            vec![
                choice("bitlocker", "third", bitlocker(filled.value("bitlocker"), t)),
                field("notas", "whole", Control::Lines { rows: 4, code: false }),
            ],
        ),
    ]
}

fn help(name: &str, filled: &Filled<'_>, t: &Texts) -> Option<String> {
    let f = &t.form;
    match name {
        "precio_usd" => Some(f.price_help.to_owned()),
        SPECS => {
            let hidden = filled.hides.then_some(f.especificaciones_hidden);
            let parts: Vec<&str> = [Some(f.especificaciones_help), filled.hint, hidden]
                .into_iter()
                .flatten()
                .collect();
            Some(parts.join(" "))
        }
        _ => None,
    }
}

/// A value that a date field can show; any other stays visible in a text field.
fn is_date(value: &str) -> bool {
    value.is_empty()
        || value
            .parse::<jiff::civil::Date>()
            .is_ok_and(|date| date.to_string() == value)
}

/// The offered estados, and the row's own if it is none of them. One that differs in its case alone takes the place of
/// the offered one, so that it is kept.
fn estados(value: &str, t: &Texts) -> Vec<Choice> {
    let mut values: Vec<&str> = ESTADOS.to_vec();
    match values
        .iter()
        .position(|offered| offered.to_lowercase() == value.to_lowercase())
    {
        Some(at) => values[at] = value,
        None if value.is_empty() => {}
        None => values.push(value),
    }
    let choice = |offered: &str| Choice {
        value: offered.to_owned(),
        label: badge::activo(Some(offered), t).label,
        selected: offered == value,
    };
    let mut choices: Vec<Choice> = values.into_iter().map(choice).collect();
    if value.is_empty() && filled_by_person(&choices) {
        choices.insert(0, none(t.form.not_recorded, true));
    }
    choices
}

/// Nothing is selected: the row has no value, and the first option must not be taken for it.
fn filled_by_person(choices: &[Choice]) -> bool {
    !choices.iter().any(|choice| choice.selected)
}

fn categorias(filled: &Filled<'_>, t: &Texts) -> Vec<Choice> {
    let value = filled.value("categoria_id");
    let mut choices = categoria_choices(filled.categorias, value.parse().ok());
    choices.insert(0, none(t.form.no_categoria, value.is_empty()));
    choices
}

fn bitlocker(value: &str, t: &Texts) -> Vec<Choice> {
    let f = &t.fields;
    let labels = [f.bitlocker_enabled, f.bitlocker_disabled, f.bitlocker_unknown];
    let mut choices = vec![none(t.form.not_recorded, value.is_empty())];
    for (word, label) in BITLOCKER.into_iter().zip(labels) {
        choices.push(Choice {
            value: word.to_owned(),
            label: label.to_owned(),
            selected: word == value,
        });
    }
    choices
}

fn none(label: &str, selected: bool) -> Choice {
    Choice {
        value: String::new(),
        label: label.to_owned(),
        selected,
    }
}

/// Lines of the text area: those of the text, within reason.
fn rows(value: &str) -> u32 {
    u32::try_from(value.lines().count() + 2)
        .unwrap_or(u32::MAX)
        .clamp(12, 36)
}
