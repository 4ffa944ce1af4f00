//! A maintenance record as clients see it.

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// One `mantenimiento` of an activo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mantenimiento {
    pub id: i64,
    pub activo_id: i64,
    pub usuario_id: Option<i64>,
    pub tipo: Option<String>,
    pub titulo: Option<String>,
    pub descripcion: Option<String>,
    pub estado: Option<String>,
    /// Local time without a zone, as stored: `2025-07-07T09:30:00`.
    pub fecha_programada: Option<String>,
    pub fecha_realizada: Option<String>,
    pub observaciones: Option<String>,
    /// The server's own decimal text of a FLOAT; in JSON a number of just these digits.
    #[serde(serialize_with = "number")]
    pub costo: Option<String>,
    pub creado_en: Option<String>,
    /// `null` when the technician's account is gone; the record stays.
    pub nombre_tecnico: Option<String>,
}

fn number<S: Serializer>(digits: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
    let raw = digits
        .as_deref()
        .and_then(|digits| serde_json::from_str::<&RawValue>(digits).ok());
    raw.serialize(serializer)
}
