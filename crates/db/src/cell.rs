//! One value of one row, typed as the engine stores it.

use crate::row::Value;

/// A value. Nothing is ever turned into text on the way: FLOAT stays an `f32`, a date its parts.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Null,
    Int(i64),
    UInt(u64),
    Float(f32),
    Double(f64),
    /// Strings, DECIMAL and binary on MySQL/MariaDB (the column's type says which); blobs on SQLite.
    Bytes(Vec<u8>),
    /// A SQLite value of storage class text.
    Text(Vec<u8>),
    /// year, month, day, hour, minute, second, microsecond. Zero and partial dates keep their zeros.
    Date(u16, u8, u8, u8, u8, u8, u32),
    /// negative, days, hours, minutes, seconds, microseconds.
    Time(bool, u32, u8, u8, u8, u32),
}

impl Cell {
    /// The value as an integer, where it is one (or text that is one: some drivers send counts so).
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Cell::Int(v) => Some(*v),
            Cell::UInt(v) => i64::try_from(*v).ok(),
            Cell::Bytes(b) | Cell::Text(b) => std::str::from_utf8(b).ok()?.parse().ok(),
            Cell::Double(v) if v.fract() == 0.0 => Some(*v as i64),
            _ => None,
        }
    }

    /// The value as a person reads it; `None` for NULL.
    pub fn to_text(&self) -> Option<String> {
        Some(match self {
            Cell::Null => return None,
            Cell::Int(v) => v.to_string(),
            Cell::UInt(v) => v.to_string(),
            Cell::Float(v) => v.to_string(),
            Cell::Double(v) => v.to_string(),
            Cell::Bytes(b) | Cell::Text(b) => String::from_utf8_lossy(b).into_owned(),
            Cell::Date(y, m, d, 0, 0, 0, 0) => format!("{y:04}-{m:02}-{d:02}"),
            Cell::Date(y, m, d, h, i, s, us) => {
                format!("{y:04}-{m:02}-{d:02} {h:02}:{i:02}:{s:02}{}", fraction(*us))
            }
            Cell::Time(negative, days, h, m, s, us) => {
                let sign = if *negative { "-" } else { "" };
                format!(
                    "{sign}{:02}:{m:02}:{s:02}{}",
                    days * 24 + u32::from(*h),
                    fraction(*us)
                )
            }
        })
    }

    /// The value, borrowed.
    pub fn as_value(&self) -> Value<'_> {
        match self {
            Cell::Null => Value::Null,
            Cell::Int(v) => Value::Int(*v),
            Cell::UInt(v) => Value::UInt(*v),
            Cell::Float(v) => Value::Float(*v),
            Cell::Double(v) => Value::Double(*v),
            Cell::Bytes(b) => Value::Bytes(b),
            Cell::Text(b) => Value::Text(b),
            Cell::Date(y, m, d, h, i, s, us) => Value::Date(*y, *m, *d, *h, *i, *s, *us),
            Cell::Time(negative, days, h, m, s, us) => Value::Time(*negative, *days, *h, *m, *s, *us),
        }
    }
}

fn fraction(microseconds: u32) -> String {
    if microseconds == 0 {
        String::new()
    } else {
        format!(".{microseconds:06}")
    }
}
