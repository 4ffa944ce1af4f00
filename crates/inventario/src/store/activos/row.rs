//! One row, as [`select`](super::query::select) asks for it.

use super::Versioned;
use crate::domain::activo::Stored;
use crate::store::db::Row;
use crate::store::error::StoreError;
use crate::store::schema::ACTIVO_COLUMNS;

/// Columns of one row of [`select`].
const WIDTH: usize = ACTIVO_COLUMNS.len() + 1;

pub(in crate::store) fn stored(mut row: Row) -> Result<Stored, StoreError> {
    let missing = || StoreError::NotOurs("a row of activos has no whole number as its id".into());
    let mut at = 2;
    let mut next = || {
        at += 1;
        row.take(at - 1)
    };
    let (nombre, marca, modelo, numero_serie) = (next(), next(), next(), next());
    let (estado, ubicacion, responsable, proveedor) = (next(), next(), next(), next());
    let (fecha_compra, precio_usd, notas, bitlocker) = (next(), next(), next(), next());
    let (especificaciones, creado_en, actualizado_en, categoria_nombre) = (next(), next(), next(), next());
    Ok(Stored {
        id: row.int(0).ok_or_else(missing)?,
        categoria_id: row.int(1),
        nombre: nombre.unwrap_or_default(),
        marca,
        modelo,
        numero_serie: numero_serie.unwrap_or_default(),
        estado,
        ubicacion,
        responsable,
        proveedor,
        fecha_compra,
        precio_usd,
        notas,
        bitlocker,
        especificaciones,
        creado_en,
        actualizado_en,
        categoria_nombre,
    })
}

pub(super) fn versioned(row: Stored) -> Versioned {
    Versioned {
        version: row.version(),
        activo: row.shown(),
    }
}

/// A row and its value of the sort column, which stands behind the others.
pub(super) fn with_key(mut row: Row) -> Result<(Stored, Option<String>), StoreError> {
    let key = row.take(WIDTH);
    Ok((stored(row)?, key))
}
