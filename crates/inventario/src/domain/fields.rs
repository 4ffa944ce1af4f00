//! The fields of an activo as a client writes them: parsed strictly, refused by name, never echoed.

use serde_json::value::RawValue;
use web::FieldError;

use super::query::strict_id;
use super::raw_json;

/// What a client sent for one field.
#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    /// JSON, as sent to the API.
    Json(&'a RawValue),
    /// The text of a form's field; an empty one means "no value".
    Form(&'a str),
}

/// A field's text, or `None` for "no value".
type Parsed<T> = Result<Option<T>, FieldError>;

impl Input<'_> {
    /// A scalar as text: a string's content, or a number's own digits. `""` and `null` are no value.
    pub fn scalar(self, field: &str) -> Parsed<String> {
        let text = match self {
            Self::Form(text) => text.to_owned(),
            Self::Json(raw) => match raw_json::parse(raw.get()) {
                Some(value) => match value.kind {
                    raw_json::Kind::Null => return Ok(None),
                    raw_json::Kind::String => value.text().unwrap_or_default().into_owned(),
                    raw_json::Kind::Number => value.raw.to_owned(),
                    _ => {
                        return Err(FieldError::new(
                            field,
                            "wrong_type",
                            format!("{field} must be a text or a number"),
                        ));
                    }
                },
                None => {
                    return Err(FieldError::new(
                        field,
                        "too_deep",
                        format!("{field} is nested too deep"),
                    ));
                }
            },
        };
        if text.contains('\0') {
            return Err(FieldError::new(
                field,
                "control_character",
                format!("{field} contains a NUL character"),
            ));
        }
        Ok((!text.is_empty()).then_some(text))
    }

    /// Text of at most `max` characters, without blanks around it.
    pub fn text(self, field: &str, max: usize) -> Parsed<String> {
        let Some(text) = self.scalar(field)? else {
            return Ok(None);
        };
        let text = text.trim();
        if text.chars().count() > max {
            return Err(FieldError::new(
                field,
                "too_long",
                format!("{field} takes at most {max} characters"),
            ));
        }
        Ok((!text.is_empty()).then(|| text.to_owned()))
    }

    /// Text that must be there.
    pub fn required(self, field: &str, max: usize) -> Result<String, FieldError> {
        self.text(field, max)?.ok_or_else(|| missing(field))
    }

    /// Free text as it is, blanks and line breaks included; at most `max` bytes.
    pub fn free_text(self, field: &str, max: usize) -> Parsed<String> {
        let text = self.scalar(field)?;
        if text.as_ref().is_some_and(|text| text.len() > max) {
            return Err(FieldError::new(
                field,
                "too_long",
                format!("{field} takes at most {max} bytes"),
            ));
        }
        Ok(text)
    }

    /// An id of another row.
    pub fn id(self, field: &str) -> Parsed<i64> {
        let Some(text) = self.scalar(field)? else {
            return Ok(None);
        };
        match strict_id(text.trim()) {
            Some(id) => Ok(Some(id)),
            None => Err(FieldError::new(
                field,
                "not_an_id",
                format!("{field} must be the id of an existing row"),
            )),
        }
    }

    /// A calendar date; the time behind it, which legacy clients send along, is dropped.
    pub fn date(self, field: &str) -> Parsed<String> {
        let Some(text) = self.scalar(field)? else {
            return Ok(None);
        };
        let wrong = || {
            FieldError::new(
                field,
                "not_a_date",
                format!("{field} must be a date as YYYY-MM-DD"),
            )
        };
        let (date, rest) = text.split_at_checked(10).ok_or_else(wrong)?;
        if !(rest.is_empty() || rest.starts_with('T')) || !date.starts_with(['1', '2']) {
            return Err(wrong());
        }
        let parsed: jiff::civil::Date = date.parse().map_err(|_| wrong())?;
        Ok(Some(parsed.to_string()))
    }

    /// An amount that DECIMAL(10,2) holds exactly, normalised to two places. Digits are never rounded.
    pub fn amount(self, field: &str) -> Parsed<String> {
        let Some(text) = self.scalar(field)? else {
            return Ok(None);
        };
        let wrong = |code, what: &str| FieldError::new(field, code, format!("{field} {what}"));
        let (whole, cents) = text.split_once('.').unwrap_or((&text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if text.starts_with('-') {
            return Err(wrong("negative", "must not be negative"));
        }
        if !digits(whole) || !digits(cents) {
            return Err(wrong("not_an_amount", "must be an amount such as 1234.50"));
        }
        let (whole, cents) = (whole.trim_start_matches('0'), cents.trim_end_matches('0'));
        if whole.len() > 8 {
            return Err(wrong("too_big", "must be below 100000000"));
        }
        if cents.len() > 2 {
            return Err(wrong("too_many_places", "takes two decimal places"));
        }
        Ok(Some(format!(
            "{}.{cents:0<2}",
            if whole.is_empty() { "0" } else { whole }
        )))
    }

    /// One of a fixed set of words.
    pub fn one_of(self, field: &str, words: &[&str]) -> Parsed<String> {
        let Some(text) = self.scalar(field)? else {
            return Ok(None);
        };
        if words.contains(&text.as_str()) {
            return Ok(Some(text));
        }
        Err(FieldError::new(
            field,
            "not_allowed",
            format!("{field} must be one of: {}", words.join(", ")),
        ))
    }
}

/// The error for a field that must be there.
pub fn missing(field: &str) -> FieldError {
    FieldError::new(field, "required", format!("{field} is required"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code<T: std::fmt::Debug>(result: Parsed<T>) -> &'static str {
        result.unwrap_err().code
    }

    #[test]
    fn amounts_are_exact() {
        let amount = |text| Input::Form(text).amount("precio_usd");
        for (text, exact) in [
            ("1111.76", "1111.76"),
            ("5", "5.00"),
            ("0.5", "0.50"),
            ("007.10", "7.10"),
            ("99999999.99", "99999999.99"),
            ("1.100", "1.10"),
        ] {
            assert_eq!(amount(text).unwrap().unwrap(), exact);
        }
        assert_eq!(amount("").unwrap(), None);
        assert_eq!(code(amount("-1")), "negative");
        assert_eq!(code(amount("1.005")), "too_many_places");
        assert_eq!(code(amount("100000000")), "too_big");
        for text in ["1e3", "1,5", "abc", ".", "1.", "NaN", " 1"] {
            assert_eq!(code(amount(text)), "not_an_amount", "{text}");
        }
        let raw: Box<RawValue> = serde_json::from_str("12345678.10").unwrap();
        assert_eq!(
            Input::Json(&raw).amount("precio_usd").unwrap().unwrap(),
            "12345678.10"
        );
    }

    #[test]
    fn dates_are_days_that_exist() {
        let date = |text| Input::Form(text).date("fecha_compra");
        assert_eq!(date("2024-02-29").unwrap().unwrap(), "2024-02-29");
        assert_eq!(date("2025-05-19T00:00:00.000Z").unwrap().unwrap(), "2025-05-19");
        assert_eq!(date("").unwrap(), None);
        for text in [
            "2025-02-29",
            "19/05/2025",
            "2025-5-19",
            "2025-05-19 x",
            "0000-00-00",
            "ñandúñandúñ",
        ] {
            assert_eq!(code(date(text)), "not_a_date", "{text}");
        }
    }

    #[test]
    fn types_and_lengths() {
        let json = |text: &str| serde_json::from_str::<Box<RawValue>>(text).unwrap();
        assert_eq!(
            Input::Json(&json("\" a \"")).text("marca", 1).unwrap().unwrap(),
            "a"
        );
        assert_eq!(code(Input::Json(&json("\"ñañ\"")).text("marca", 2)), "too_long");
        assert_eq!(code(Input::Json(&json("{}")).text("marca", 2)), "wrong_type");
        assert_eq!(code(Input::Json(&json("true")).scalar("marca")), "wrong_type");
        assert_eq!(
            code(Input::Json(&json("\"\\u0000\"")).scalar("marca")),
            "control_character"
        );
        assert_eq!(Input::Json(&json("3")).id("categoria_id").unwrap(), Some(3));
        assert_eq!(code(Input::Json(&json("3.0")).id("categoria_id")), "not_an_id");
        assert_eq!(Input::Json(&json("null")).id("categoria_id").unwrap(), None);
        assert_eq!(
            Input::Form("  ").required("nombre", 9).unwrap_err().code,
            "required"
        );
    }
}
