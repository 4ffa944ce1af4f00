//! Values of a row on their way from a connection to a digest or a dump: borrowed, typed, and never held whole when long.

use crate::{Cell, Error, Result};
use std::io::Read;

mod gather;

pub use gather::Gather;

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
    /// Appends what a digest hashes: a tag for the type, then a fixed width or a length prefix, so that no two different
    /// rows ever give the same bytes.
    #[inline]
    pub(crate) fn put(self, out: &mut Vec<u8>) {
        match self {
            Value::Null => out.push(0),
            Value::Int(v) => tagged(1, v.to_le_bytes(), out),
            Value::UInt(v) => tagged(2, v.to_le_bytes(), out),
            Value::Float(v) => tagged(3, v.to_bits().to_le_bytes(), out),
            Value::Double(v) => tagged(4, v.to_bits().to_le_bytes(), out),
            Value::Bytes(b) => {
                tagged(BYTES, (b.len() as u64).to_le_bytes(), out);
                out.extend_from_slice(b);
            }
            Value::Text(b) => {
                tagged(TEXT, (b.len() as u64).to_le_bytes(), out);
                out.extend_from_slice(b);
            }
            Value::Date(y, m, d, h, i, s, us) => {
                tagged(7, y.to_le_bytes(), out);
                out.extend_from_slice(&[m, d, h, i, s]);
                out.extend_from_slice(&us.to_le_bytes());
            }
            Value::Time(negative, days, h, m, s, us) => {
                tagged(8, [u8::from(negative)], out);
                out.extend_from_slice(&days.to_le_bytes());
                out.extend_from_slice(&[h, m, s]);
                out.extend_from_slice(&us.to_le_bytes());
            }
        }
    }

    /// Bytes that it took on its way, about.
    pub(crate) fn width(self) -> u64 {
        match self {
            Value::Null => 1,
            Value::Bytes(b) | Value::Text(b) => b.len() as u64,
            _ => 8,
        }
    }

    /// Feeds a hasher what [`Value::put`] gives.
    pub(crate) fn hash_into(self, hasher: &mut blake3::Hasher) {
        let mut bytes = Vec::new();
        self.put(&mut bytes);
        hasher.update(&bytes);
    }

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

/// Tag of [`Value::Bytes`] in a digest; its length follows.
pub(crate) const BYTES: u8 = 5;
/// Tag of [`Value::Text`] in a digest; its length follows.
pub(crate) const TEXT: u8 = 6;

#[inline]
fn tagged<const N: usize>(tag: u8, bytes: [u8; N], out: &mut Vec<u8>) {
    // One look at the room that is left, and two stores.
    out.reserve(1 + N);
    out.push(tag);
    out.extend_from_slice(&bytes);
}

/// Hands on the `length` bytes that `data` gives, a bounded piece at a time. Where it ends early, that is an error and not
/// another value.
pub(crate) fn pieces(
    length: u64,
    data: &mut dyn Read,
    each: &mut dyn FnMut(&[u8]) -> Result<()>,
) -> Result<()> {
    let mut piece = vec![0; PIECE];
    let mut data = data.take(length);
    let mut given = 0;
    loop {
        match data.read(&mut piece) {
            Ok(0) if given < length => {
                let came = format!("{given} of its {length} bytes came");
                return Err(Error::io("reading a long value", came));
            }
            Ok(0) => return Ok(()),
            Ok(n) => {
                given += n as u64;
                each(&piece[..n])?;
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Error::io("reading a long value", error)),
        }
    }
}

/// Bytes of a long value that are held at a time.
const PIECE: usize = 64 << 10;
