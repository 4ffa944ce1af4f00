//! One activo with everything known about it.

use askama::Template;

use super::badge::{self, Badge};
use super::especificaciones::{self as specs, EntriesView, Entry, Item, ItemView, Shown};
use super::list::{stored, under};
use super::texts::{Kind, Texts};
use super::{format, frame, review};
use crate::domain::activo::Activo;
use crate::domain::json_tree;
use crate::domain::mantenimiento::Mantenimiento;
use crate::domain::review::Review;

#[derive(Template)]
#[template(path = "detail.html")]
pub(super) struct DetailPage {
    t: &'static Texts,
    fenced: bool,
    id: i64,
    nombre: String,
    under: String,
    estado: Badge,
    facts: Vec<Fact>,
    kinds: Vec<&'static Kind>,
    shown: Shown,
    hides: bool,
    /// The JSON, laid out.
    stored: Option<String>,
    mantenimientos: Vec<Row>,
    mantenimientos_count: String,
    mantenimientos_word: &'static str,
}

struct Fact {
    label: &'static str,
    value: String,
}

struct Row {
    titulo: String,
    descripcion: String,
    observaciones: String,
    tipo: String,
    estado: Badge,
    planned: String,
    done: String,
    tecnico: String,
    costo: String,
}

impl DetailPage {
    pub(super) fn new(
        t: &'static Texts,
        fenced: bool,
        activo: &Activo,
        review: &Review,
        mantenimientos: &[Mantenimiento],
    ) -> Self {
        let text = stored(activo);
        let count = mantenimientos.len() as u64;
        let shown = specs::of_activo(text, review, t);
        Self {
            t,
            fenced,
            id: activo.id,
            nombre: activo.nombre.clone(),
            under: under(activo),
            estado: badge::activo(activo.estado.as_deref(), t),
            facts: facts(activo, t),
            kinds: if review.is_due() {
                review::kinds(review, t)
            } else {
                Vec::new()
            },
            hides: specs::hides(text),
            // Text that is no JSON is shown as it is already.
            stored: text
                .filter(|_| !matches!(shown, Shown::Text(_)))
                .map(|text| json_tree::pretty(text).into_owned()),
            shown,
            mantenimientos: mantenimientos.iter().map(|one| row(one, t)).collect(),
            mantenimientos_count: format::count(t.language, count),
            mantenimientos_word: (t.mantenimientos.count)(count),
        }
    }

    fn entries<'a>(&self, entries: &'a [Entry]) -> EntriesView<'a> {
        EntriesView { entries, t: self.t }
    }

    fn item<'a>(&self, item: &'a Item) -> ItemView<'a> {
        ItemView { item, t: self.t }
    }
}

fn facts(activo: &Activo, t: &Texts) -> Vec<Fact> {
    let f = &t.fields;
    let fact = |label, value: Option<&str>| Fact {
        label,
        value: value.unwrap_or("").to_owned(),
    };
    let bitlocker = activo.bitlocker.as_deref().map(|stored| match stored {
        "enabled" => f.bitlocker_enabled,
        "disabled" => f.bitlocker_disabled,
        "unknown" => f.bitlocker_unknown,
        other => other,
    });
    let date = activo
        .fecha_compra
        .as_deref()
        .map(|stored| format::date(t.language, stored));
    let price = activo.precio_usd.as_deref().map(format::price);
    let instant = |stored: Option<&str>| stored.map(|stored| frame::instant(t.language, stored));
    vec![
        fact(f.numero_serie, Some(&activo.numero_serie)),
        fact(f.categoria, activo.categoria_nombre.as_deref()),
        fact(f.marca, activo.marca.as_deref()),
        fact(f.modelo, activo.modelo.as_deref()),
        fact(f.ubicacion, activo.ubicacion.as_deref()),
        fact(f.responsable, activo.responsable.as_deref()),
        fact(f.proveedor, activo.proveedor.as_deref()),
        fact(f.fecha_compra, date.as_deref()),
        fact(f.precio_usd, price.as_deref()),
        fact(f.bitlocker, bitlocker),
        fact(f.notas, activo.notas.as_deref()),
        fact(
            t.detail.created_at,
            instant(activo.creado_en.as_deref()).as_deref(),
        ),
        fact(
            t.detail.updated_at,
            instant(activo.actualizado_en.as_deref()).as_deref(),
        ),
    ]
}

fn row(one: &Mantenimiento, t: &Texts) -> Row {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let date = |value: &Option<String>| value.as_deref().map(|stored| format::date(t.language, stored));
    Row {
        titulo: text(&one.titulo),
        descripcion: text(&one.descripcion),
        observaciones: text(&one.observaciones),
        tipo: badge::tipo(one.tipo.as_deref(), t),
        estado: badge::mantenimiento(one.estado.as_deref(), t),
        planned: date(&one.fecha_programada).unwrap_or_default(),
        done: date(&one.fecha_realizada).unwrap_or_default(),
        tecnico: text(&one.nombre_tecnico),
        costo: one.costo.as_deref().map(format::price).unwrap_or_default(),
    }
}
