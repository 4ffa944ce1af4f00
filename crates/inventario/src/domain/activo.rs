//! An asset as clients see it, and as it is stored.

use serde::Serialize;
use serde_json::value::RawValue;

use super::{especificaciones, sensitive};

/// One asset as the API and the pages show it: nothing in it is secret.
#[derive(Debug, Clone, Serialize)]
pub struct Activo {
    pub id: i64,
    pub categoria_id: Option<i64>,
    pub nombre: String,
    pub marca: Option<String>,
    pub modelo: Option<String>,
    pub numero_serie: String,
    pub estado: Option<String>,
    pub ubicacion: Option<String>,
    pub responsable: Option<String>,
    pub proveedor: Option<String>,
    /// `2025-05-19`
    pub fecha_compra: Option<String>,
    /// Exact decimal text, as legacy clients expect: `"1111.76"`.
    pub precio_usd: Option<String>,
    pub notas: Option<String>,
    /// `enabled`, `disabled` or `unknown`.
    pub bitlocker: Option<String>,
    /// The stored JSON, byte for byte but for hidden values; a text that is not JSON as a JSON string.
    pub especificaciones: Option<Box<RawValue>>,
    /// UTC: `2025-09-18T08:27:00Z`
    pub creado_en: Option<String>,
    pub actualizado_en: Option<String>,
    pub categoria_nombre: Option<String>,
}

/// A category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Categoria {
    pub id: i64,
    pub nombre: String,
}

/// One asset as it is stored, secrets included. Not `Serialize`, and its `Debug` shows the id alone: it must not leave
/// the store and the decisions made on it.
#[derive(Clone, PartialEq, Eq)]
pub struct Stored {
    pub id: i64,
    pub categoria_id: Option<i64>,
    pub nombre: String,
    pub marca: Option<String>,
    pub modelo: Option<String>,
    pub numero_serie: String,
    pub estado: Option<String>,
    pub ubicacion: Option<String>,
    pub responsable: Option<String>,
    pub proveedor: Option<String>,
    pub fecha_compra: Option<String>,
    pub precio_usd: Option<String>,
    pub notas: Option<String>,
    pub bitlocker: Option<String>,
    pub especificaciones: Option<String>,
    pub creado_en: Option<String>,
    pub actualizado_en: Option<String>,
    pub categoria_nombre: Option<String>,
}

impl std::fmt::Debug for Stored {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Stored(activo {})", self.id)
    }
}

impl Stored {
    /// What may be shown of it.
    pub fn shown(self) -> Activo {
        Activo {
            id: self.id,
            categoria_id: self.categoria_id,
            nombre: self.nombre,
            marca: self.marca,
            modelo: self.modelo,
            numero_serie: self.numero_serie,
            estado: self.estado,
            ubicacion: self.ubicacion,
            responsable: self.responsable,
            proveedor: self.proveedor,
            fecha_compra: self.fecha_compra,
            precio_usd: self.precio_usd,
            notas: self
                .notas
                .map(|notas| sensitive::mask_values(&notas).unwrap_or(notas)),
            bitlocker: self.bitlocker,
            especificaciones: especificaciones::shown(self.especificaciones.as_deref()),
            creado_en: self.creado_en.map(instant),
            actualizado_en: self.actualizado_en.map(instant),
            categoria_nombre: self.categoria_nombre,
        }
    }

    /// A strong entity tag: it changes when any stored value of the row does.
    pub fn version(&self) -> String {
        use sha2::{Digest, Sha256};
        let mut hash = Sha256::new();
        let numbers = [
            Some(self.id.to_string()),
            self.categoria_id.map(|id| id.to_string()),
        ];
        let texts = [
            &self.marca,
            &self.modelo,
            &self.estado,
            &self.ubicacion,
            &self.responsable,
            &self.proveedor,
            &self.fecha_compra,
            &self.precio_usd,
            &self.notas,
            &self.bitlocker,
            &self.especificaciones,
            &self.actualizado_en,
        ];
        let names = [Some(&self.nombre), Some(&self.numero_serie)];
        for field in numbers
            .iter()
            .map(Option::as_ref)
            .chain(texts.map(Option::as_ref))
            .chain(names)
        {
            // A length of its own for "no value", so that no two rows are written alike.
            hash.update(field.map_or(u64::MAX, |text| text.len() as u64).to_be_bytes());
            hash.update(field.map_or("", |text| text).as_bytes());
        }
        hash.finalize()[..12]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

/// A TIMESTAMP read in a UTC session, in the form of RFC 3339; anything else as it is.
pub fn instant(text: String) -> String {
    let mut instant = local_time(text);
    if instant.len() >= 19 && instant.as_bytes()[10] == b'T' && !instant.ends_with('Z') {
        instant.push('Z');
    }
    instant
}

/// A DATETIME with `T` between date and time; anything else as it is.
pub fn local_time(text: String) -> String {
    if text.len() >= 19 && text.is_ascii() && text.as_bytes()[10] == b' ' {
        text.replacen(' ', "T", 1)
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_keep_their_digits() {
        assert_eq!(instant("2025-09-18 08:27:00".into()), "2025-09-18T08:27:00Z");
        assert_eq!(instant("2025-09-18T08:27:00Z".into()), "2025-09-18T08:27:00Z");
        assert_eq!(
            local_time("2025-07-07 09:30:00.123".into()),
            "2025-07-07T09:30:00.123"
        );
        assert_eq!(instant("ayer".into()), "ayer");
    }
}
