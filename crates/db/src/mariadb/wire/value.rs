//! Binary rows: a zero, a bitmap of NULLs, then the other values, each as its column's type says.

use super::cursor::{Cursor, length_tail, little_endian};
use super::fault::{Fault, garbled};
use super::packet::{Payload, Source};
use crate::row::{LONG, Value, Visit};
use mysql_common::constants::{ColumnFlags, ColumnType};
use std::io::{self, Read};

/// How a column's values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    I8,
    U8,
    I16,
    U16,
    I32,
    U32,
    I64,
    U64,
    F32,
    F64,
    Date,
    Time,
    Bytes,
}

impl Kind {
    pub(super) fn of(code: u8, flags: u16) -> io::Result<Kind> {
        use ColumnType::*;
        let unknown = || garbled(format_args!("a column of type {code}"));
        let unsigned = flags & ColumnFlags::UNSIGNED_FLAG.bits() != 0;
        Ok(match ColumnType::try_from(code).map_err(|_| unknown())? {
            MYSQL_TYPE_NULL => Kind::Null,
            MYSQL_TYPE_TINY if unsigned => Kind::U8,
            MYSQL_TYPE_TINY => Kind::I8,
            MYSQL_TYPE_SHORT | MYSQL_TYPE_YEAR if unsigned => Kind::U16,
            MYSQL_TYPE_SHORT | MYSQL_TYPE_YEAR => Kind::I16,
            // Three bytes on disk, four on the wire.
            MYSQL_TYPE_LONG | MYSQL_TYPE_INT24 if unsigned => Kind::U32,
            MYSQL_TYPE_LONG | MYSQL_TYPE_INT24 => Kind::I32,
            MYSQL_TYPE_LONGLONG if unsigned => Kind::U64,
            MYSQL_TYPE_LONGLONG => Kind::I64,
            MYSQL_TYPE_FLOAT => Kind::F32,
            MYSQL_TYPE_DOUBLE => Kind::F64,
            MYSQL_TYPE_DATE | MYSQL_TYPE_NEWDATE | MYSQL_TYPE_DATETIME | MYSQL_TYPE_TIMESTAMP => Kind::Date,
            MYSQL_TYPE_TIME => Kind::Time,
            MYSQL_TYPE_STRING
            | MYSQL_TYPE_VAR_STRING
            | MYSQL_TYPE_VARCHAR
            | MYSQL_TYPE_TINY_BLOB
            | MYSQL_TYPE_BLOB
            | MYSQL_TYPE_MEDIUM_BLOB
            | MYSQL_TYPE_LONG_BLOB
            | MYSQL_TYPE_SET
            | MYSQL_TYPE_ENUM
            | MYSQL_TYPE_DECIMAL
            | MYSQL_TYPE_NEWDECIMAL
            | MYSQL_TYPE_BIT
            | MYSQL_TYPE_GEOMETRY
            | MYSQL_TYPE_VECTOR
            | MYSQL_TYPE_JSON => Kind::Bytes,
            // These live in tables and in the binary log, never on the wire.
            MYSQL_TYPE_TIMESTAMP2
            | MYSQL_TYPE_DATETIME2
            | MYSQL_TYPE_TIME2
            | MYSQL_TYPE_TYPED_ARRAY
            | MYSQL_TYPE_UNKNOWN => return Err(unknown()),
        })
    }

    /// Bytes of a value; `None` where its first byte tells.
    fn width(self) -> Option<usize> {
        match self {
            Kind::Null => Some(0),
            Kind::I8 | Kind::U8 => Some(1),
            Kind::I16 | Kind::U16 => Some(2),
            Kind::I32 | Kind::U32 | Kind::F32 => Some(4),
            Kind::I64 | Kind::U64 | Kind::F64 => Some(8),
            Kind::Date | Kind::Time | Kind::Bytes => None,
        }
    }
}

/// One value. Every integer that fits is signed; only what lies beyond is unsigned, so that a value has one type whatever
/// its column.
#[inline]
fn value<'a>(kind: Kind, from: &mut Cursor<'a>) -> io::Result<Value<'a>> {
    Ok(match kind {
        Kind::Null => Value::Null,
        Kind::I8 => Value::Int(from.i8()?.into()),
        Kind::U8 => Value::Int(from.u8()?.into()),
        Kind::I16 => Value::Int(from.i16()?.into()),
        Kind::U16 => Value::Int(from.u16()?.into()),
        Kind::I32 => Value::Int(from.i32()?.into()),
        Kind::U32 => Value::Int(from.u32()?.into()),
        Kind::I64 => Value::Int(from.i64()?),
        Kind::U64 => {
            let wide = from.u64()?;
            i64::try_from(wide).map_or(Value::UInt(wide), Value::Int)
        }
        Kind::F32 => Value::Float(from.f32()?),
        Kind::F64 => Value::Double(from.f64()?),
        Kind::Date => date(from)?,
        Kind::Time => time(from)?,
        Kind::Bytes => Value::Bytes(from.string()?),
    })
}

/// Trailing parts that are all zero are left out.
fn date<'a>(from: &mut Cursor<'a>) -> io::Result<Value<'a>> {
    let length = from.u8()?;
    let (mut y, mut m, mut d, mut h, mut i, mut s, mut us) = (0, 0, 0, 0, 0, 0, 0);
    if !matches!(length, 0 | 4 | 7 | 11) {
        return Err(garbled(format_args!("a date of {length} bytes")));
    }
    if length >= 4 {
        (y, m, d) = (from.u16()?, from.u8()?, from.u8()?);
    }
    if length >= 7 {
        (h, i, s) = (from.u8()?, from.u8()?, from.u8()?);
    }
    if length == 11 {
        us = from.u32()?;
    }
    Ok(Value::Date(y, m, d, h, i, s, us))
}

fn time<'a>(from: &mut Cursor<'a>) -> io::Result<Value<'a>> {
    let length = from.u8()?;
    let (mut negative, mut days, mut h, mut m, mut s, mut us) = (false, 0, 0, 0, 0, 0);
    if !matches!(length, 0 | 8 | 12) {
        return Err(garbled(format_args!("a time of {length} bytes")));
    }
    if length >= 8 {
        negative = from.u8()? == 1;
        (days, h, m, s) = (from.u32()?, from.u8()?, from.u8()?, from.u8()?);
    }
    if length == 12 {
        us = from.u32()?;
    }
    Ok(Value::Time(negative, days, h, m, s, us))
}

/// Bytes of the bitmap of NULLs; its first two bits are not used.
fn bitmap_length(columns: usize) -> usize {
    (columns + 2).div_ceil(8)
}

#[inline]
fn is_null(bitmap: &[u8], column: usize) -> bool {
    let bit = column + 2;
    bitmap[bit / 8] & (1 << (bit % 8)) != 0
}

/// Hands out a row that lies in one piece.
pub(super) fn binary_row<V: Visit + ?Sized>(
    payload: &[u8],
    columns: &[Kind],
    visitor: &mut V,
) -> Result<(), Fault> {
    let mut from = Cursor(payload);
    from.u8()?;
    let bitmap = from.bytes(bitmap_length(columns.len()))?;
    for (column, kind) in columns.iter().enumerate() {
        // The same call in each arm: compiled for one kind of value, a visitor need not ask of each what it is.
        match kind {
            _ if is_null(bitmap, column) => visitor.value(column, Value::Null),
            Kind::Bytes => visitor.value(column, Value::Bytes(from.string()?)),
            Kind::I32 => visitor.value(column, Value::Int(from.i32()?.into())),
            Kind::Date => visitor.value(column, date(&mut from)?),
            kind => visitor.value(column, value(*kind, &mut from)?),
        }
        .map_err(Fault::Stopped)?;
    }
    if !from.0.is_empty() {
        return Err(garbled("a row is longer than its columns").into());
    }
    visitor.end().map_err(Fault::Stopped)
}

/// Hands out a row that is too long for the buffer. Only values up to [`LONG`] are ever held, in `scratch`.
pub(super) fn long_row<S: Source, V: Visit + ?Sized>(
    mut payload: Payload<'_, S>,
    columns: &[Kind],
    scratch: &mut Vec<u8>,
    visitor: &mut V,
) -> Result<(), Fault> {
    let mut bitmap = vec![0; 1 + bitmap_length(columns.len())];
    payload.exact(&mut bitmap)?;
    if bitmap[0] != 0 {
        return Err(garbled("a row does not begin with a zero").into());
    }
    for (column, kind) in columns.iter().enumerate() {
        if is_null(&bitmap[1..], column) {
            visitor.value(column, Value::Null).map_err(Fault::Stopped)?;
        } else if *kind == Kind::Bytes {
            let length = string_length(&mut payload)?;
            if length > LONG {
                long_value(&mut payload, column, length, visitor)?;
                continue;
            }
            scratch.resize(usize::try_from(length).unwrap_or(0), 0);
            payload.exact(scratch)?;
            visitor
                .value(column, Value::Bytes(scratch))
                .map_err(Fault::Stopped)?;
        } else {
            let mut field = [0; 13];
            let mut at = 0;
            let width = match kind.width() {
                Some(width) => width,
                None => {
                    payload.exact(&mut field[..1])?;
                    at = 1;
                    1 + usize::from(field[0])
                }
            };
            let rest = field
                .get_mut(at..width)
                .ok_or_else(|| garbled("a date that is too long"))?;
            payload.exact(rest)?;
            let value = value(*kind, &mut Cursor(&field[..width]))?;
            visitor.value(column, value).map_err(Fault::Stopped)?;
        }
    }
    if payload.drain()? != 0 {
        return Err(garbled("a row is longer than its columns").into());
    }
    visitor.end().map_err(Fault::Stopped)
}

fn string_length<S: Source>(payload: &mut Payload<'_, S>) -> io::Result<u64> {
    let mut field = [0; 9];
    payload.exact(&mut field[..1])?;
    let tail = length_tail(field[0])?;
    if tail == 0 {
        return Ok(field[0].into());
    }
    payload.exact(&mut field[1..=tail])?;
    Ok(little_endian(&field[1..=tail]))
}

fn long_value<S: Source, V: Visit + ?Sized>(
    payload: &mut Payload<'_, S>,
    column: usize,
    length: u64,
    visitor: &mut V,
) -> Result<(), Fault> {
    let mut bounded = payload.by_ref().take(length);
    let visited = visitor.long(column, false, length, &mut bounded);
    let unread = bounded.limit();
    if let Err(error) = visited {
        // The visitor saw a connection that failed, and told it in its own words.
        return Err(match payload.failed() {
            Some(text) => Fault::Lost(text.to_string()),
            None => Fault::Stopped(error),
        });
    }
    Ok(payload.skip(unread)?)
}
