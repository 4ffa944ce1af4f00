//! Rows as SQL text: many of them in one statement, which is what makes a million of them possible.

use std::fmt::Write as _;

use super::Size;
use super::prng::Prng;
use super::specs::{Specs, specs};
use crate::store::Dialect;

pub(super) const CATEGORIAS: [&str; 10] = [
    "Laptop",
    "PC de Escritorio",
    "Servidor",
    "Switch",
    "YubiKey",
    "Monitor",
    "Router",
    "Teléfono",
    "Impresora",
    "Tarjeta PCI",
];

/// Weights of the categories, out of a hundred.
const WEIGHTS: [u64; 10] = [40, 20, 6, 6, 4, 9, 4, 6, 3, 2];

const AREAS: [&str; 5] = ["Ventas", "Soporte", "Contabilidad", "Almacén", "Dirección"];
const MARCAS: [Option<&str>; 6] = [
    None,
    Some("Dell"),
    Some("HP"),
    Some("Lenovo"),
    Some("Cisco"),
    Some("Samsung"),
];
const MODELOS: [Option<&str>; 5] = [None, Some("C9200"), Some("X1"), Some("9310"), Some("840 G9")];
const ESTADOS: [(Option<&str>, u64); 7] = [
    (Some("Activo"), 706),
    (Some("En Mantenimiento"), 78),
    (Some("De baja"), 77),
    (Some("En reparación"), 59),
    (Some("activo"), 40),
    (Some("Dado de Baja"), 29),
    (None, 11),
];
const UBICACIONES: [Option<&str>; 5] = [
    None,
    Some("Oficina 3ª planta"),
    Some("Bogotá"),
    Some("São Paulo"),
    Some("CDMX"),
];
const RESPONSABLES: [Option<&str>; 5] = [
    None,
    Some("José Ibáñez"),
    Some("Ana Núñez"),
    Some("Müller, Zoë"),
    Some("李雷"),
];
const PROVEEDORES: [Option<&str>; 3] = [None, Some("CompuMundo"), Some("Mayoreo TI")];
const NOTAS: [Option<&str>; 7] = [
    None,
    None,
    Some("Línea 1\nLínea 2\tcon tab"),
    Some("Etiqueta dañada"),
    Some("O'Higgins \"centro\""),
    Some("C:\\ruta\\x"),
    Some("revisar 👩‍💻 ﬁn; -- /* no */"),
];
const TITULOS: [&str; 4] = [
    "Cambio de disco",
    "Revisión «anual»",
    "Limpieza",
    "Actualización de BIOS",
];
const DESCRIPCIONES: [Option<&str>; 3] = [
    None,
    Some("Se cambió el ventilador.\nProbado 24 h"),
    Some("100% ok; falta \\ cable"),
];

/// A statement in the making.
#[derive(Debug)]
pub(super) struct Sql {
    dialect: Dialect,
    text: String,
}

impl Sql {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            text: String::new(),
        }
    }

    /// The statement; the next row begins another.
    pub(super) fn take(&mut self) -> String {
        std::mem::take(&mut self.text)
    }

    fn row(&mut self, head: &str) {
        if self.text.is_empty() {
            self.text.push_str(head);
        } else {
            self.text.push(',');
        }
        self.text.push_str("\n(");
    }

    fn raw(&mut self, value: impl std::fmt::Display) -> &mut Self {
        if !self.text.ends_with('(') {
            self.text.push(',');
        }
        // Writing into a string cannot fail.
        let _ = write!(self.text, "{value}");
        self
    }

    fn text(&mut self, value: Option<&str>) -> &mut Self {
        let Some(value) = value else {
            return self.raw("NULL");
        };
        self.raw("'");
        for c in value.chars() {
            match c {
                '\'' => self.text.push_str("''"),
                '\\' if self.dialect == Dialect::MySql => self.text.push_str("\\\\"),
                c => self.text.push(c),
            }
        }
        self.text.push('\'');
        self
    }

    fn end(&mut self) {
        self.text.push(')');
    }
}

/// Appends activo `n`; answers what is known about its `especificaciones`.
pub(super) fn activo(sql: &mut Sql, prng: &mut Prng, n: u32) -> Specs {
    let at = weighted(prng, &WEIGHTS);
    let categoria = CATEGORIAS[at];
    let without = prng.chance(20);
    sql.row(
        "INSERT INTO activos (id, categoria_id, nombre, marca, modelo, numero_serie, estado, ubicacion, responsable, \
         proveedor, fecha_compra, precio_usd, notas, bitlocker, especificaciones, creado_en, actualizado_en) VALUES",
    );
    sql.raw(n);
    match without {
        true => sql.raw("NULL"),
        false => sql.raw(at + 1),
    };
    let nombre = format!("{categoria} {} {n}", prng.pick(&AREAS));
    sql.text(Some(&nombre))
        .text(prng.pick(&MARCAS))
        .text(prng.pick(&MODELOS));
    let serie = format!("SN-{n:06}-{:04X}", prng.below(65_536));
    sql.text(Some(&serie));
    let weights = ESTADOS.map(|(_, weight)| weight);
    sql.text(ESTADOS[weighted(prng, &weights)].0);
    sql.text(prng.pick(&UBICACIONES))
        .text(prng.pick(&RESPONSABLES))
        .text(prng.pick(&PROVEEDORES));
    match prng.chance(130) {
        true => sql.raw("NULL"),
        false => sql.text(Some(&format!(
            "{}-{:02}-{:02}",
            2018 + prng.below(8),
            1 + prng.below(12),
            1 + prng.below(28)
        ))),
    };
    match prng.chance(50) {
        true => sql.raw("NULL"),
        false => sql.raw(format_args!("{}.{:02}", 50 + prng.below(3850), prng.below(100))),
    };
    sql.text(prng.pick(&NOTAS))
        .text(Some(prng.pick(&["enabled", "disabled", "unknown"])));
    let specs = specs(prng, n, categoria);
    sql.text(specs.text.as_deref());
    let (month, day, minute, updated) = (
        1 + prng.below(9),
        1 + prng.below(28),
        prng.below(60),
        1 + prng.below(31),
    );
    sql.text(Some(&format!("2025-{month:02}-{day:02} 08:{minute:02}:00")));
    sql.text(Some(&format!("2025-10-{updated:02} 12:00:00")));
    sql.end();
    specs
}

/// Appends mantenimiento `n`; they are spread over all activos in the order of their ids.
pub(super) fn mantenimiento(sql: &mut Sql, prng: &mut Prng, n: u32, size: Size) {
    sql.row(
        "INSERT INTO mantenimientos (id, activo_id, usuario_id, tipo, titulo, descripcion, estado, fecha_programada, \
         fecha_realizada, observaciones, costo, creado_en) VALUES",
    );
    let activos = u64::from(size.activos);
    let near = u64::from(n - 1) * activos / u64::from(size.mantenimientos) + prng.below(3);
    sql.raw(n).raw(1 + near.min(activos - 1)).raw(1 + prng.below(3));
    sql.text(Some(prng.pick(&["preventivo", "correctivo", "emergencia"])));
    sql.text(Some(prng.pick(&TITULOS)))
        .text(prng.pick(&DESCRIPCIONES));
    sql.text(Some(prng.pick(&["programado", "realizado", "cancelado"])));
    let (month, day) = (1 + prng.below(10), 1 + prng.below(28));
    for (missing, time) in [(100, "09:30:00"), (400, "17:45:10")] {
        match prng.chance(missing) {
            true => sql.raw("NULL"),
            false => sql.text(Some(&format!("2025-{month:02}-{day:02} {time}"))),
        };
    }
    sql.text(prng.pick(&[None, Some("—")]));
    match prng.chance(300) {
        true => sql.raw("NULL"),
        // A FLOAT keeps some seven digits.
        false => sql.raw(format_args!("{}.{:03}", prng.below(1000), prng.below(1000))),
    };
    sql.text(Some(&format!("2025-{month:02}-{day:02} 07:00:00")));
    sql.end();
}

fn weighted(prng: &mut Prng, weights: &[u64]) -> usize {
    let mut drawn = prng.below(weights.iter().sum());
    weights
        .iter()
        .position(|weight| {
            let hit = drawn < *weight;
            drawn = drawn.saturating_sub(*weight);
            hit
        })
        // A number below the sum of all weights hits one of them.
        .unwrap_or(0)
}
