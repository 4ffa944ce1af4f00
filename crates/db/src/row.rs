//! Values of a row on their way from a connection to a digest or a dump: borrowed, typed, and never held whole when long.

use crate::{Cell, Result};
use std::io::Read;

mod gather;

pub(crate) use gather::Gather;

/// A string longer than this, in bytes, is handed out as a stream: [`Visit::long`].
pub const LONG: u64 = 1 << 20;

/// One value, typed as the engine stores it, borrowed from the connection's buffer; [`Cell`] is the same kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    Null,
    Int(i64),
    UInt(u64),
    Float(f32),
    Double(f64),
    /// Strings, DECIMAL and binary on MySQL/MariaDB (the column's type says which); blobs on SQLite.
    Bytes(&'a [u8]),
    /// A SQLite value of storage class text.
    Text(&'a [u8]),
    /// year, month, day, hour, minute, second, microsecond. Zero and partial dates keep their zeros.
    Date(u16, u8, u8, u8, u8, u8, u32),
    /// negative, days, hours, minutes, seconds, microseconds.
    Time(bool, u32, u8, u8, u8, u32),
}

/// Who takes rows, value by value. The values of one row come in the order of the scan's columns, then [`Visit::end`].
pub trait Visit {
    fn value(&mut self, column: usize, value: Value<'_>) -> Result<()>;

    /// A string of `length` bytes that is too long to hold: `data` gives exactly these, and what is left unread is
    /// passed over. `text` is true for what would be a [`Value::Text`].
    fn long(&mut self, column: usize, text: bool, length: u64, data: &mut dyn Read) -> Result<()>;

    /// The row is complete.
    fn end(&mut self) -> Result<()>;
}

impl Value<'_> {
    pub fn to_cell(self) -> Cell {
        match self {
            Value::Null => Cell::Null,
            Value::Int(v) => Cell::Int(v),
            Value::UInt(v) => Cell::UInt(v),
            Value::Float(v) => Cell::Float(v),
            Value::Double(v) => Cell::Double(v),
            Value::Bytes(b) => Cell::Bytes(b.to_vec()),
            Value::Text(b) => Cell::Text(b.to_vec()),
            Value::Date(y, m, d, h, i, s, us) => Cell::Date(y, m, d, h, i, s, us),
            Value::Time(negative, days, h, m, s, us) => Cell::Time(negative, days, h, m, s, us),
        }
    }
}
