//! What a server answers to a command: OK, an error, a request for a file, or rows.

use super::cursor::Cursor;
use super::fault::{Fault, garbled};
use super::packet::{MAX, Packet, Packets, Source};
use super::value::{Kind, binary_row, long_row};
use crate::row::{Value, Visit};
use mysql_common::constants::{CapabilityFlags, StatusFlags};
use std::io;

/// How the rows of an answer are written: as text for COM_QUERY, binary for a prepared statement.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    Binary,
}

/// The end of an answer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Done {
    pub(super) affected: u64,
    pub(super) warnings: u16,
    status: u16,
}

impl Done {
    /// Whether another answer follows, as the one of a procedure's second query.
    pub(super) fn more(self) -> bool {
        self.status & StatusFlags::SERVER_MORE_RESULTS_EXISTS.bits() != 0
    }

    /// Whether what is done next can still be rolled back.
    pub(super) fn in_transaction(self) -> bool {
        self.status & StatusFlags::SERVER_STATUS_IN_TRANS.bits() != 0
            || self.status & StatusFlags::SERVER_STATUS_AUTOCOMMIT.bits() == 0
    }
}

/// How an answer begins.
pub(super) enum First {
    Done(Done),
    /// The server wants this file.
    File(Vec<u8>),
    /// Rows follow, of as many columns as `columns` holds.
    Rows(Vec<Kind>),
}

/// Reads an OK packet behind its first byte.
pub(super) fn done(payload: &[u8]) -> io::Result<Done> {
    let mut from = Cursor(payload);
    let affected = from.length()?;
    // The last AUTO_INCREMENT.
    from.length()?;
    let status = from.u16()?;
    Ok(Done {
        affected,
        warnings: from.u16()?,
        status,
    })
}

/// Reads an error packet behind its first byte.
pub(super) fn refusal(payload: &[u8]) -> Fault {
    let mut from = Cursor(payload);
    let Ok(number) = from.u16() else {
        return garbled("an error without a number").into();
    };
    // The state is missing before the handshake is done.
    if from.0.first() == Some(&b'#') {
        from.0 = from.0.get(6..).unwrap_or_default();
    }
    Fault::Server {
        number,
        message: String::from_utf8_lossy(from.0).into_owned(),
    }
}

/// Reads the beginning of an answer and, where rows follow, what their columns are.
pub(super) fn first<S: Source>(
    packets: &mut Packets<S>,
    capabilities: CapabilityFlags,
) -> Result<First, Fault> {
    let payload = packets.whole()?;
    let count = match payload.split_first() {
        None => return Err(garbled("an empty packet").into()),
        Some((0x00, rest)) => return Ok(First::Done(done(rest)?)),
        Some((0xff, rest)) => return Err(refusal(rest)),
        Some((0xfb, name)) => return Ok(First::File(name.to_vec())),
        Some(_) => Cursor(payload).length()?,
    };
    let mut columns = Vec::new();
    for _ in 0..count {
        columns.push(column(packets.whole()?)?);
    }
    skip_marker(packets, capabilities)?;
    Ok(First::Rows(columns))
}

/// Reads the definition of a column; only its type is of use.
fn column(payload: &[u8]) -> io::Result<Kind> {
    let mut from = Cursor(payload);
    // Catalog, schema, table and column, the last two also under their own names.
    for _ in 0..6 {
        from.string()?;
    }
    // The length of what follows; character set; the greatest width.
    from.length()?;
    from.bytes(2 + 4)?;
    Kind::of(from.u8()?, from.u16()?)
}

/// Passes over definitions that nobody wants to know, such as those of a statement's parameters.
pub(super) fn skip_columns<S: Source>(
    packets: &mut Packets<S>,
    capabilities: CapabilityFlags,
    count: u16,
) -> io::Result<()> {
    for _ in 0..count {
        packets.whole()?;
    }
    if count > 0 {
        skip_marker(packets, capabilities)?;
    }
    Ok(())
}

/// Older servers end the columns with a packet of their own.
fn skip_marker<S: Source>(packets: &mut Packets<S>, capabilities: CapabilityFlags) -> io::Result<()> {
    if !capabilities.contains(CapabilityFlags::CLIENT_DEPRECATE_EOF)
        && packets.whole()?.first() != Some(&0xfe)
    {
        return Err(garbled("no end of the columns"));
    }
    Ok(())
}

/// Hands out every row up to the end of the answer; says how many there were.
pub(super) fn rows<S: Source, V: Visit + ?Sized>(
    packets: &mut Packets<S>,
    capabilities: CapabilityFlags,
    form: Form,
    columns: &[Kind],
    visitor: &mut V,
) -> Result<(u64, Done), Fault> {
    let mut scratch = Vec::new();
    let mut count = 0;
    loop {
        match packets.next()? {
            Packet::Whole(payload) => match payload.split_first() {
                None => return Err(garbled("an empty packet").into()),
                Some((0xff, rest)) => return Err(refusal(rest)),
                // A text row may begin with this byte too, but only a very long one.
                Some((0xfe, rest)) => {
                    let done = end(rest, capabilities)?;
                    if count > 0 {
                        packets.stream.flowing(false)?;
                    }
                    return Ok((count, done));
                }
                Some((0x00, _)) if form == Form::Binary => binary_row(payload, columns, visitor)?,
                Some(_) if form == Form::Text => text_row(payload, columns.len(), visitor)?,
                Some((first, _)) => {
                    return Err(garbled(format_args!("0x{first:02x} where a row must begin")).into());
                }
            },
            Packet::Long(payload) if form == Form::Binary => {
                long_row(payload, columns, &mut scratch, visitor)?;
            }
            Packet::Long(mut payload) => {
                scratch.clear();
                io::Read::read_to_end(&mut payload, &mut scratch)?;
                text_row(&scratch, columns.len(), visitor)?;
            }
        }
        // The first row may take as long as it takes to sort a table; from then on they come without a pause.
        if count == 0 {
            packets.stream.flowing(true)?;
        }
        count += 1;
    }
}

/// Reads the packet that ends rows, behind its first byte.
fn end(rest: &[u8], capabilities: CapabilityFlags) -> io::Result<Done> {
    if capabilities.contains(CapabilityFlags::CLIENT_DEPRECATE_EOF) {
        return done(rest);
    }
    let mut from = Cursor(rest);
    Ok(Done {
        affected: 0,
        warnings: from.u16()?,
        status: from.u16()?,
    })
}

fn text_row<V: Visit + ?Sized>(payload: &[u8], columns: usize, visitor: &mut V) -> Result<(), Fault> {
    let mut from = Cursor(payload);
    for column in 0..columns {
        let value = if from.0.first() == Some(&0xfb) {
            from.u8()?;
            Value::Null
        } else {
            Value::Bytes(from.string()?)
        };
        visitor.value(column, value).map_err(Fault::Stopped)?;
    }
    if !from.0.is_empty() {
        return Err(garbled("a row is longer than its columns").into());
    }
    visitor.end().map_err(Fault::Stopped)
}

/// Passes over all rows up to the end of the answer.
pub(super) fn skip_rows<S: Source>(
    packets: &mut Packets<S>,
    capabilities: CapabilityFlags,
) -> Result<Done, Fault> {
    loop {
        match packets.next()? {
            Packet::Whole(payload) => match payload.split_first() {
                Some((0xff, rest)) => return Err(refusal(rest)),
                Some((0xfe, rest)) if payload.len() < MAX => return Ok(end(rest, capabilities)?),
                _ => {}
            },
            Packet::Long(mut payload) => {
                payload.drain()?;
            }
        }
    }
}
