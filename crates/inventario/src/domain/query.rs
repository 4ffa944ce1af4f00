//! Which activos a list shows, in which order, and from where on.

/// Which rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Words to look for in name, make, model, serial number, place, person and supplier; all must occur.
    pub q: Option<String>,
    pub estado: Option<String>,
    pub categoria_id: Option<i64>,
}

/// A column that the list can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SortKey {
    #[default]
    Id,
    Nombre,
    NumeroSerie,
    Estado,
    Categoria,
    Ubicacion,
    Responsable,
    FechaCompra,
    PrecioUsd,
    ActualizadoEn,
}

impl SortKey {
    pub const ALL: [Self; 10] = [
        Self::Id,
        Self::Nombre,
        Self::NumeroSerie,
        Self::Estado,
        Self::Categoria,
        Self::Ubicacion,
        Self::Responsable,
        Self::FechaCompra,
        Self::PrecioUsd,
        Self::ActualizadoEn,
    ];

    /// The name in `?sort=`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Nombre => "nombre",
            Self::NumeroSerie => "numero_serie",
            Self::Estado => "estado",
            Self::Categoria => "categoria",
            Self::Ubicacion => "ubicacion",
            Self::Responsable => "responsable",
            Self::FechaCompra => "fecha_compra",
            Self::PrecioUsd => "precio_usd",
            Self::ActualizadoEn => "actualizado_en",
        }
    }
}

/// In which order; rows without a value come last either way, ties go by id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sort {
    pub key: SortKey,
    pub descending: bool,
}

impl Sort {
    /// Reads `nombre` or `-nombre`.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, descending) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
        SortKey::ALL
            .into_iter()
            .find(|key| key.name() == name)
            .map(|key| Self { key, descending })
    }

    /// As in `?sort=`.
    pub fn name(self) -> String {
        format!("{}{}", if self.descending { "-" } else { "" }, self.key.name())
    }
}

/// The row that a page begins behind (or ends before): its sort value and id. On the wire an opaque word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    pub value: Option<String>,
    pub id: i64,
}

impl Cursor {
    /// The word for a URL: hex, because it must survive any client untouched. A plain id for lists ordered by id.
    pub fn encode(&self, sort: Sort) -> String {
        match (sort.key, &self.value) {
            (SortKey::Id, _) => self.id.to_string(),
            (_, None) => format!("n{}", self.id),
            (_, Some(value)) => {
                let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
                format!("v{}.{hex}", self.id)
            }
        }
    }

    /// Reads what [`Cursor::encode`] wrote for a list of the same order.
    pub fn decode(word: &str, sort: Sort) -> Option<Self> {
        if sort.key == SortKey::Id {
            return Some(Self {
                value: None,
                id: strict_id(word)?,
            });
        }
        if let Some(id) = word.strip_prefix('n') {
            return Some(Self {
                value: None,
                id: strict_id(id)?,
            });
        }
        let (id, hex) = word.strip_prefix('v')?.split_once('.')?;
        if !hex.is_ascii() || !hex.len().is_multiple_of(2) {
            return None;
        }
        let bytes: Option<Vec<u8>> = (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).ok())
            .collect();
        Some(Self {
            value: Some(String::from_utf8(bytes?).ok()?),
            id: strict_id(id)?,
        })
    }
}

/// From where on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum From {
    #[default]
    Start,
    After(Cursor),
    Before(Cursor),
}

/// One page that is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageRequest {
    pub filter: Filter,
    pub sort: Sort,
    pub from: From,
    /// Rows at most; between 1 and [`MAX_LIMIT`].
    pub limit: u32,
}

/// The most rows that one page gives.
pub const MAX_LIMIT: u32 = 1000;

/// An id as a client writes it: digits alone. `4abc`, `+4` and ` 4` are no ids.
pub fn strict_id(text: &str) -> Option<i64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_digits_and_nothing_else() {
        assert_eq!(strict_id("4"), Some(4));
        for text in [
            "4abc",
            "",
            "-1",
            "+4",
            " 4",
            "4.0",
            "0x4",
            "99999999999999999999",
            "٤",
        ] {
            assert_eq!(strict_id(text), None, "{text}");
        }
    }

    #[test]
    fn cursors_survive_the_url() {
        let by_name = Sort::parse("-nombre").unwrap();
        assert_eq!(by_name.name(), "-nombre");
        for value in [None, Some(String::new()), Some("Ñandú 🙂/x.y".into())] {
            let cursor = Cursor { value, id: 7 };
            assert_eq!(Cursor::decode(&cursor.encode(by_name), by_name), Some(cursor));
        }
        assert_eq!(Cursor { value: None, id: 7 }.encode(Sort::default()), "7");
        for word in ["", "v7", "v7.0", "v7.zz", "v7.ff", "n", "x7", "v7.é0"] {
            assert_eq!(Cursor::decode(word, by_name), None, "{word}");
        }
        assert_eq!(Sort::parse("password"), None);
    }
}
