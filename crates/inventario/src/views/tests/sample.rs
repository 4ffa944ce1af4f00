//! Rows for the pages under test.

use serde_json::value::RawValue;
use web::Language;

use crate::domain::activo::{Activo, Categoria};
use crate::domain::mantenimiento::Mantenimiento;
use crate::views::especificaciones::judged;
use crate::views::form::{FIELDS, SPECS};
use crate::views::frame::{Frame, Person};
use crate::views::list::stored;
use crate::views::review::DueRow;

pub(super) const HOSTILE: &str = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>&amp;";

const SPECIFICATIONS: [&str; 4] = [
    r#"{"cpu":"Intel Core i5-1240P","ram":"32GB DDR5","ram":"64GB","id":12345678901234567,
        "gpu":{"modelo":"RTX 3050","memoria_gb":8},"discos":["SSD 256","HDD 1TB"],"bitlocker_recovery_key":"[oculto]",
        "red":"{\"mac\":\"cd:3e:e5\"}","garantia":true,"nota":null}"#,
    r#"{"_texto_original":"i5, 8GB, SSD 256\nver factura #140"}"#,
    r#""solo texto""#,
    "{}",
];

pub(super) fn frame(language: Language) -> Frame {
    Frame {
        language,
        uri: "/activos?q=i5".parse().unwrap(),
        user: Some(Person {
            nombre: "Ana Núñez".into(),
            administrador: true,
        }),
        fence: None,
        release: "r2".into(),
        schema: Some(2),
    }
}

pub(super) fn activo(id: i64) -> Activo {
    let some = |text: &str| Some(text.to_owned());
    let full = id % 2 == 1;
    let at = usize::try_from(id - 1).unwrap() % SPECIFICATIONS.len();
    Activo {
        id,
        categoria_id: full.then_some(1),
        nombre: format!("Laptop Ventas {id}"),
        marca: some("Dell"),
        modelo: full.then(|| "X1".to_owned()),
        numero_serie: format!("SN-00000{id}-D7C2"),
        estado: some(if full { "Activo" } else { "en mantenimiento" }),
        ubicacion: full.then(|| "Bogotá".to_owned()),
        responsable: full.then(|| "José Ibáñez".to_owned()),
        proveedor: full.then(|| "CompuMundo".to_owned()),
        fecha_compra: full.then(|| "2025-05-19".to_owned()),
        precio_usd: full.then(|| "1111.76".to_owned()),
        notas: full.then(|| "Línea 1\nLínea 2".to_owned()),
        bitlocker: full.then(|| "enabled".to_owned()),
        especificaciones: Some(RawValue::from_string(SPECIFICATIONS[at].to_owned()).unwrap()),
        creado_en: some("2025-09-18T08:27:00Z"),
        actualizado_en: some("2025-10-11T12:00:00Z"),
        categoria_nombre: full.then(|| "Laptop".to_owned()),
    }
}

/// A row with hostile text in every field.
pub(super) fn hostile() -> Activo {
    let some = || Some(HOSTILE.to_owned());
    let word = serde_json::to_string(HOSTILE).unwrap();
    let nested = serde_json::to_string(&format!("{{{word}:{word}}}")).unwrap();
    let specs = format!("{{{word}:{word},{word}:[{word}],\"o\":{{{word}:{word}}},\"t\":{nested}}}");
    Activo {
        id: 1,
        categoria_id: Some(1),
        nombre: HOSTILE.to_owned(),
        marca: some(),
        modelo: some(),
        numero_serie: HOSTILE.to_owned(),
        estado: some(),
        ubicacion: some(),
        responsable: some(),
        proveedor: some(),
        fecha_compra: some(),
        precio_usd: some(),
        notas: some(),
        bitlocker: some(),
        especificaciones: Some(RawValue::from_string(specs).unwrap()),
        creado_en: some(),
        actualizado_en: some(),
        categoria_nombre: some(),
    }
}

pub(super) fn mantenimientos() -> Vec<Mantenimiento> {
    let some = |text: &str| Some(text.to_owned());
    let first = Mantenimiento {
        id: 1,
        activo_id: 1,
        usuario_id: Some(1),
        tipo: some("preventivo"),
        titulo: some("Limpieza"),
        descripcion: some("Cambio de pasta térmica"),
        estado: some("realizado"),
        fecha_programada: some("2025-07-07T09:30:00"),
        fecha_realizada: some("2025-07-08T00:00:00"),
        observaciones: some("Sin novedad"),
        costo: some("45.5"),
        creado_en: None,
        nombre_tecnico: some("Zoë Müller 🛠"),
    };
    let gone = Mantenimiento {
        id: 2,
        tipo: some("emergencia"),
        estado: some("programado"),
        fecha_realizada: None,
        observaciones: None,
        costo: None,
        nombre_tecnico: None,
        ..first.clone()
    };
    vec![first, gone]
}

pub(super) fn hostile_mantenimientos() -> Vec<Mantenimiento> {
    let some = || Some(HOSTILE.to_owned());
    vec![Mantenimiento {
        id: 1,
        activo_id: 1,
        usuario_id: None,
        tipo: some(),
        titulo: some(),
        descripcion: some(),
        estado: some(),
        fecha_programada: some(),
        fecha_realizada: some(),
        observaciones: some(),
        costo: some(),
        creado_en: some(),
        nombre_tecnico: some(),
    }]
}

pub(super) fn categorias() -> Vec<Categoria> {
    vec![
        Categoria {
            id: 1,
            nombre: "Laptop".into(),
        },
        Categoria {
            id: 3,
            nombre: "Servidor".into(),
        },
    ]
}

/// The values of the form for a row, with another text of `especificaciones`.
pub(super) fn values(row: &Activo, specs: &str) -> Vec<(String, String)> {
    let mut values = crate::views::form::values_of(row);
    assert!(
        values
            .iter()
            .map(|(name, _)| name.as_str())
            .eq(FIELDS.into_iter().chain([SPECS]))
    );
    if let Some(last) = values.last_mut() {
        specs.clone_into(&mut last.1);
    }
    values
}

pub(super) fn due(row: &Activo, schema: Option<u32>) -> DueRow {
    DueRow {
        id: row.id,
        nombre: row.nombre.clone(),
        numero_serie: row.numero_serie.clone(),
        shown: crate::views::especificaciones::plain_text(
            stored(row).unwrap_or(""),
            &judged(stored(row), schema),
        ),
        review: judged(stored(row), schema),
    }
}
