//! Creating and changing an activo: what a client sent is parsed, judged against the row and either becomes a list of
//! columns to write, or is refused. Pure: the store calls this inside its transaction.
//!
//! Codes of field errors: `required`, `wrong_type`, `too_long`, `too_deep`, `control_character`, `not_an_id`,
//! `not_a_date`, `not_an_amount`, `negative`, `too_big`, `too_many_places`, `not_allowed`, `not_an_object`, `not_json`,
//! `sensitive`, `hidden_unknown`; the store adds `unknown_reference` and `duplicate`.
//! Codes of warnings: `duplicate_keys`, `big_numbers`, `nested`, `unknown_field`, `no_such_column`.

use serde::Serialize;
use web::FieldError;

use super::activo::Stored;
use super::especificaciones::{self, MAX_WRITE_DEPTH, Unstorable};
use super::fields::{Input, missing};
use super::raw_json::{self, Kind};
use super::review::{Finding, review};
use super::sensitive::{mask_text, mask_values};

/// The states that forms offer. A value that some row already has is taken too.
pub const ESTADOS: [&str; 4] = ["Activo", "En Mantenimiento", "En reparación", "De baja"];

/// The values of `bitlocker`.
pub const BITLOCKER: [&str; 3] = ["enabled", "disabled", "unknown"];

/// Bytes of a TEXT column.
const TEXT_BYTES: usize = 65_535;

/// Fields that clients send back although they cannot be written.
const READ_ONLY: [&str; 4] = ["id", "categoria_nombre", "creado_en", "actualizado_en"];

/// A value for a column.
#[derive(Clone, PartialEq, Eq)]
pub enum Cell {
    Null,
    Int(i64),
    Text(String),
}

impl std::fmt::Debug for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Null => f.write_str("Null"),
            Self::Int(n) => write!(f, "Int({n})"),
            // A text may be a secret that is being kept.
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
        }
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl From<i64> for Cell {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<String> for Cell {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<&str> for Cell {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

/// What the row's surroundings allow.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// Values of `estado` that rows have now.
    pub estados: Vec<String>,
    /// Columns that the table has; a legacy table may lack some.
    pub columns: Vec<String>,
}

/// Something the client should know although the write was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    pub code: &'static str,
    pub field: String,
    pub message: String,
}

/// A decided write.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Write {
    pub columns: Vec<(&'static str, Cell)>,
    pub warnings: Vec<Warning>,
}

/// Why nothing is written; one entry per field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused(pub Vec<FieldError>);

/// What a client sent: field names and values, in order.
pub type Fields<'a> = Vec<(&'a str, Input<'a>)>;

/// Decides on a new activo.
///
/// # Errors
/// Every field that is missing or wrong.
pub fn create(sent: &Fields<'_>, context: &Context) -> Result<Write, Refused> {
    let mut decision = decide(sent, None, context);
    for field in ["nombre", "numero_serie"] {
        if !sent.iter().any(|(name, _)| *name == field) {
            decision.errors.push(missing(field));
        }
    }
    if !decision.write.columns.iter().any(|(name, _)| *name == "estado") && context.has("estado") {
        decision.write.columns.push(("estado", ESTADOS[0].into()));
    }
    decision.end()
}

/// Decides on a change of `stored`: only what was sent changes, and what is sent as it is stored is not written.
///
/// # Errors
/// Every field that is wrong.
pub fn update(sent: &Fields<'_>, stored: &Stored, context: &Context) -> Result<Write, Refused> {
    let mut write = decide(sent, Some(stored), context).end()?;
    write
        .columns
        .retain(|(name, cell)| column_of(stored, name) != *cell);
    Ok(write)
}

impl Context {
    fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|name| name == column)
    }
}

#[derive(Default)]
struct Decision {
    write: Write,
    errors: Vec<FieldError>,
}

impl Decision {
    fn end(self) -> Result<Write, Refused> {
        if self.errors.is_empty() {
            Ok(self.write)
        } else {
            Err(Refused(self.errors))
        }
    }

    fn warn(&mut self, code: &'static str, field: &str, message: &str) {
        self.write.warnings.push(Warning {
            code,
            field: field.to_owned(),
            message: message.to_owned(),
        });
    }
}

fn decide(sent: &Fields<'_>, stored: Option<&Stored>, context: &Context) -> Decision {
    let mut decision = Decision::default();
    for (name, input) in sent {
        let (column, cell) = match *name {
            "nombre" => ("nombre", input.required(name, 255).map(Cell::from)),
            "numero_serie" => ("numero_serie", input.required(name, 120).map(Cell::from)),
            "marca" => ("marca", input.text(name, 100).map(Cell::from)),
            "modelo" => ("modelo", input.text(name, 100).map(Cell::from)),
            "ubicacion" => ("ubicacion", input.text(name, 150).map(Cell::from)),
            "responsable" => ("responsable", input.text(name, 150).map(Cell::from)),
            "proveedor" => ("proveedor", input.text(name, 150).map(Cell::from)),
            "categoria_id" => ("categoria_id", input.id(name).map(Cell::from)),
            "fecha_compra" => ("fecha_compra", input.date(name).map(Cell::from)),
            "precio_usd" => ("precio_usd", input.amount(name).map(Cell::from)),
            "bitlocker" => ("bitlocker", input.one_of(name, &BITLOCKER).map(Cell::from)),
            "estado" => ("estado", estado(*input, context)),
            "notas" => ("notas", notas(*input, stored)),
            "especificaciones" => ("especificaciones", specs(*input, stored, &mut decision)),
            other if READ_ONLY.contains(&other) => continue,
            _ => {
                // The name is the client's own text: it is not repeated.
                decision.warn("unknown_field", "", "a field that no activo has was ignored");
                continue;
            }
        };
        match cell {
            Ok(_) if !context.has(column) => {
                decision.warn(
                    "no_such_column",
                    column,
                    "this database has no such column; the value was not stored",
                );
            }
            Ok(cell) => decision.write.columns.push((column, cell)),
            Err(error) => decision.errors.push(error),
        }
    }
    decision
}

fn estado(input: Input<'_>, context: &Context) -> Result<Cell, FieldError> {
    let mut words: Vec<&str> = ESTADOS.to_vec();
    words.extend(context.estados.iter().map(String::as_str));
    if let Some(text) = input.scalar("estado")?
        && words.contains(&text.as_str())
    {
        return Ok(text.into());
    }
    input.one_of("estado", &ESTADOS).map(Cell::from)
}

fn notas(input: Input<'_>, stored: Option<&Stored>) -> Result<Cell, FieldError> {
    let Some(text) = input.free_text("notas", TEXT_BYTES)? else {
        return Ok(Cell::Null);
    };
    let kept = stored.and_then(|stored| stored.notas.as_deref());
    // Forms send line breaks as CR LF.
    let same = |a: &str, b: &str| a.replace("\r\n", "\n") == b.replace("\r\n", "\n");
    if let Some(kept) = kept
        && same(&text, &mask_values(kept).unwrap_or_else(|| kept.to_owned()))
    {
        return Ok(kept.into());
    }
    if mask_values(&text).is_some() {
        return Err(FieldError::new(
            "notas",
            "sensitive",
            "notas contains a BitLocker recovery password",
        ));
    }
    Ok(text.into())
}

/// `especificaciones` as an object, as JSON in a string (legacy clients and forms), or exactly as it was shown.
fn specs(input: Input<'_>, stored: Option<&Stored>, decision: &mut Decision) -> Result<Cell, FieldError> {
    const FIELD: &str = "especificaciones";
    let error = |code, message: &str| FieldError::new(FIELD, code, message);
    let kept = stored.and_then(|stored| stored.especificaciones.as_deref());
    let sent = match input {
        Input::Form(text) => text.trim().to_owned(),
        Input::Json(raw) => raw.get().to_owned(),
    };
    if sent.is_empty() {
        return Ok(Cell::Null);
    }
    // As it was shown: nothing changes, whatever it is.
    if let Some(kept) = kept
        && especificaciones::same_but_blanks(&sent, &especificaciones::shown_text(kept))
    {
        return Ok(kept.into());
    }
    // A form may show a text that is no JSON without its quotes.
    if let (Input::Form(text), Some(kept)) = (input, kept)
        && raw_json::parse(kept).is_none()
        && text.replace("\r\n", "\n").trim() == mask_text(kept).as_deref().unwrap_or(kept).trim()
    {
        return Ok(kept.into());
    }
    let not_json = || {
        error(
            "not_json",
            "especificaciones is not valid JSON; nothing was changed",
        )
    };
    let outer = raw_json::parse(&sent).ok_or_else(not_json)?;
    let inner_text;
    let (document, tree) = match outer.kind {
        Kind::Null => return Ok(Cell::Null),
        Kind::String => {
            inner_text = outer.text().unwrap_or_default().into_owned();
            if inner_text.trim().is_empty() {
                return Ok(Cell::Null);
            }
            (
                inner_text.as_str(),
                raw_json::parse(&inner_text).ok_or_else(not_json)?,
            )
        }
        _ => (sent.as_str(), outer),
    };
    if tree.kind == Kind::Null {
        return Ok(Cell::Null);
    }
    if let Some(kept) = kept
        && especificaciones::same_but_blanks(document, &especificaciones::shown_text(kept))
    {
        return Ok(kept.into());
    }
    if !matches!(tree.kind, Kind::Object(_)) {
        return Err(error("not_an_object", "especificaciones must be a JSON object"));
    }
    if raw_json::depth(&tree) > MAX_WRITE_DEPTH {
        return Err(error(
            "too_deep",
            "especificaciones is nested deeper than 30 levels",
        ));
    }
    let text = especificaciones::to_store(&tree, kept).map_err(|why| match why {
        Unstorable::Sensitive(paths) => {
            let path = paths.into_iter().next().unwrap_or_default();
            let message = "secrets (keys, passwords, PINs, tokens) are not stored here; keep them in a vault";
            FieldError::new(format!("{FIELD}/{path}"), "sensitive", message)
        }
        Unstorable::HiddenUnknown(path) => {
            let message = "a hidden value came back where nothing is stored; leave the key out";
            FieldError::new(format!("{FIELD}/{path}"), "hidden_unknown", message)
        }
    })?;
    if text.len() > TEXT_BYTES {
        return Err(error("too_long", "especificaciones takes at most 65535 bytes"));
    }
    for finding in review(Some(&text)).findings {
        let message = match finding {
            Finding::DuplicateKeys => {
                "a key stands twice in one object; most programs read only the last one"
            }
            Finding::BigNumbers => "a number has more digits than most programs keep; it is stored exactly",
            Finding::Nested => "especificaciones contains especificaciones",
            Finding::SensitiveKey | Finding::LeadingBlanks => continue,
        };
        decision.warn(finding.name(), FIELD, message);
    }
    Ok(text.into())
}

fn column_of(stored: &Stored, name: &str) -> Cell {
    let text = match name {
        "categoria_id" => return stored.categoria_id.into(),
        "nombre" => return stored.nombre.as_str().into(),
        "numero_serie" => return stored.numero_serie.as_str().into(),
        "marca" => &stored.marca,
        "modelo" => &stored.modelo,
        "estado" => &stored.estado,
        "ubicacion" => &stored.ubicacion,
        "responsable" => &stored.responsable,
        "proveedor" => &stored.proveedor,
        "fecha_compra" => &stored.fecha_compra,
        "precio_usd" => &stored.precio_usd,
        "notas" => &stored.notas,
        "bitlocker" => &stored.bitlocker,
        "especificaciones" => &stored.especificaciones,
        // Not a column that `decide` writes.
        _ => &None,
    };
    text.as_deref().into()
}

#[cfg(test)]
mod tests;
