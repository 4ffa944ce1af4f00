//! One value from its text: as the driver types it in a scan, so that both feed the same bytes to a digest.

use crate::row::Value;
use crate::schema::{Carry, Column};

/// What a column's text stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// The bytes themselves: character data, DECIMAL, JSON.
    Bytes,
    Hex,
    /// Whole numbers; BIT, ENUM and SET by their number.
    Number,
    Float,
    Double,
    Date,
    DateTime,
    Time,
}

impl Shape {
    pub(super) fn of(column: &Column) -> Shape {
        match column.carry {
            Carry::Hex => return Shape::Hex,
            Carry::Number => return Shape::Number,
            _ => {}
        }
        match column.declared.split(['(', ' ']).next().unwrap_or("") {
            "tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "year" | "bit" | "enum" | "set" => {
                Shape::Number
            }
            "float" => Shape::Float,
            "double" => Shape::Double,
            "date" => Shape::Date,
            "datetime" | "timestamp" => Shape::DateTime,
            "time" => Shape::Time,
            _ => Shape::Bytes,
        }
    }
}

pub(super) fn parse(shape: Shape, bytes: &[u8]) -> Result<Value<'_>, String> {
    let value = match shape {
        Shape::Bytes | Shape::Hex => Some(Value::Bytes(bytes)),
        Shape::Number => number(bytes),
        // As servers read it: a DOUBLE first. What is written comes through that unchanged.
        Shape::Float => real(bytes)
            .map(|v| v as f32)
            .filter(|v| v.is_finite())
            .map(Value::Float),
        Shape::Double => real(bytes).map(Value::Double),
        Shape::Date => date(bytes).map(|(y, m, d)| Value::Date(y, m, d, 0, 0, 0, 0)),
        Shape::DateTime => date_time(bytes),
        Shape::Time => time(bytes),
    };
    // Not the text itself: it is data, and errors are shown and kept.
    value.ok_or_else(|| {
        let what = match shape {
            Shape::Number => "a whole number",
            Shape::Float | Shape::Double => "a number",
            Shape::Date => "a date",
            Shape::DateTime => "a date with a time",
            _ => "a time",
        };
        format!("it is not {what}")
    })
}

/// The driver gives an unsigned number as a signed one wherever that holds it.
fn number(bytes: &[u8]) -> Option<Value<'static>> {
    let text = std::str::from_utf8(bytes).ok().filter(|t| !t.starts_with('+'))?;
    text.parse()
        .map(Value::Int)
        .or_else(|_| text.parse().map(Value::UInt))
        .ok()
}

fn real(bytes: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(bytes).ok()?;
    // Neither `inf` nor `nan` is a value of a column.
    if !text.bytes().last()?.is_ascii_digit() {
        return None;
    }
    text.parse().ok().filter(|v: &f64| v.is_finite())
}

/// `length` digits.
fn digits(bytes: &[u8], length: usize) -> Option<u32> {
    if bytes.len() != length || length > 9 {
        return None;
    }
    bytes.iter().try_fold(0, |sum: u32, b| {
        b.is_ascii_digit().then(|| sum * 10 + u32::from(b - b'0'))
    })
}

/// Two digits, at most `most`.
fn two(bytes: &[u8], most: u8) -> Option<u8> {
    digits(bytes, 2)
        .and_then(|v| u8::try_from(v).ok())
        .filter(|v| *v <= most)
}

/// `YYYYMMDD`, or `YYYY-MM-DD` as older releases wrote it.
fn date(bytes: &[u8]) -> Option<(u16, u8, u8)> {
    let (year, [m1, m2], [d1, d2]) = match bytes {
        [year @ .., b'-', m1, m2, b'-', d1, d2] => (year, [*m1, *m2], [*d1, *d2]),
        [year @ .., m1, m2, d1, d2] => (year, [*m1, *m2], [*d1, *d2]),
        _ => return None,
    };
    let year = u16::try_from(digits(year, 4)?).ok()?;
    Some((year, two(&[m1, m2], 12)?, two(&[d1, d2], 31)?))
}

/// `YYYYMMDDhhmmss`, or `YYYY-MM-DD hh:mm:ss`; both may go on with `.ffffff`.
fn date_time(bytes: &[u8]) -> Option<Value<'static>> {
    let (bytes, micro) = fraction(bytes)?;
    let (day, hour, minute, second) = match bytes {
        [day @ .., b' ', h1, h2, b':', m1, m2, b':', s1, s2] if day.len() == 10 => {
            (day, [*h1, *h2], [*m1, *m2], [*s1, *s2])
        }
        [day @ .., h1, h2, m1, m2, s1, s2] if day.len() == 8 => (day, [*h1, *h2], [*m1, *m2], [*s1, *s2]),
        _ => return None,
    };
    let (y, m, d) = date(day)?;
    Some(Value::Date(
        y,
        m,
        d,
        two(&hour, 23)?,
        two(&minute, 59)?,
        two(&second, 59)?,
        micro,
    ))
}

/// What stands before the microseconds, and those.
fn fraction(bytes: &[u8]) -> Option<(&[u8], u32)> {
    match bytes {
        [whole @ .., b'.', _, _, _, _, _, _] => Some((whole, digits(&bytes[whole.len() + 1..], 6)?)),
        _ => Some((bytes, 0)),
    }
}

/// `:MM:SS` or `:MM:SS.ffffff`.
fn clock(bytes: &[u8]) -> Option<(u8, u8, u32)> {
    let (clock, micro) = fraction(bytes)?;
    let [b':', m1, m2, b':', s1, s2] = clock else {
        return None;
    };
    Some((two(&[*m1, *m2], 59)?, two(&[*s1, *s2], 59)?, micro))
}

fn time(bytes: &[u8]) -> Option<Value<'static>> {
    let (negative, rest) = match bytes {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let colon = rest.iter().position(|b| *b == b':')?;
    // A TIME reaches 838 hours.
    let hours = digits(&rest[..colon], colon).filter(|_| (2..=3).contains(&colon))?;
    let (minute, second, micro) = clock(&rest[colon..])?;
    let left = u8::try_from(hours % 24).ok()?;
    Some(Value::Time(negative, hours / 24, left, minute, second, micro))
}
