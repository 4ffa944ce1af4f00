//! What has to hold for any bytes whatever that a server sends: the body of the fuzz target in `fuzz/`, which a test replays
//! over the corpus kept there. Not part of the crate's face.

use super::answer::{self, First, Form};
use super::fault::Fault;
use super::handshake::{self, Login};
use super::packet::{Packets, Source};
use crate::row::{LONG, Value, Visit};
use crate::{Error, Result};
use mysql_common::constants::CapabilityFlags;
use std::io::{self, Read, Write};

/// A server that says `bytes`, so many at a time, and takes whatever it is told.
struct Recorded<'b> {
    bytes: &'b [u8],
    piece: usize,
}

impl Read for Recorded<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.piece.min(into.len());
        self.bytes.read(&mut into[..count])
    }
}

impl Write for Recorded<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Source for Recorded<'_> {}

/// All that a visitor was shown, in one value.
#[derive(Default)]
struct Heard {
    hasher: blake3::Hasher,
    column: usize,
    /// Bytes of strings; none may be shown that were not sent.
    shown: u64,
}

impl Visit for Heard {
    fn value(&mut self, column: usize, value: Value<'_>) -> Result<()> {
        assert_eq!(column, self.column, "a column was passed over");
        self.column += 1;
        value.hash_into(&mut self.hasher);
        if let Value::Bytes(bytes) | Value::Text(bytes) = value {
            self.shown += bytes.len() as u64;
        }
        Ok(())
    }

    fn long(&mut self, column: usize, _: bool, length: u64, data: &mut dyn Read) -> Result<()> {
        assert_eq!(column, self.column, "a column was passed over");
        assert!(length > LONG, "{length} bytes are not long");
        self.column += 1;
        let mut piece = [0; 8192];
        let mut sent = 0;
        loop {
            match data.read(&mut piece).map_err(|e| Error::io("reading", e))? {
                0 => break,
                n => {
                    self.hasher.update(&piece[..n]);
                    sent += n as u64;
                }
            }
        }
        assert!(sent <= length, "more than was said came");
        self.shown += sent;
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        self.column = 0;
        self.hasher.update(b"end");
        Ok(())
    }
}

/// A conversation ends or fails, the same in whatever pieces its bytes arrive, and shows no byte that was not sent. The first
/// byte chooses: bit 0 rows as text, bit 1 columns ended by a packet of their own, bit 2 a handshake comes first, bit 3 rows
/// are passed over; the other bits the length of the pieces.
pub fn wire_decode(data: &[u8]) {
    let Some((&choice, bytes)) = data.split_first() else {
        return;
    };
    let pieces = [1, 2, 3, 5, 17, 257, 4099, 70_001];
    let (whole, dripped) = (
        conversation(choice, bytes, usize::MAX),
        conversation(choice, bytes, pieces[usize::from(choice >> 5)]),
    );
    assert_eq!(whole, dripped, "pieces make a difference");
}

/// What was shown, and how it ended.
fn conversation(choice: u8, bytes: &[u8], piece: usize) -> (blake3::Hash, String) {
    let has = |bit: u8| choice & (1 << bit) != 0;
    let form = if has(0) { Form::Text } else { Form::Binary };
    let mut capabilities = CapabilityFlags::empty();
    capabilities.set(CapabilityFlags::CLIENT_DEPRECATE_EOF, !has(1));
    let mut heard = Heard::default();
    let mut packets = Packets::new(Recorded { bytes, piece });
    let ended = (|| {
        if has(2) {
            let login = Login {
                user: "somebody",
                password: "secret",
                attributes: std::collections::HashMap::new(),
                way: handshake::Way::Network,
            };
            capabilities = handshake::shake(&mut packets, &login)?.capabilities;
        }
        packets.expect(1);
        answers(&mut packets, capabilities, form, has(3), &mut heard)
    })();
    assert!(heard.shown <= bytes.len() as u64, "bytes that were never sent");
    (heard.hasher.finalize(), format!("{ended:?}"))
}

/// Reads answers up to the last; says how many rows they had.
fn answers<S: Source>(
    packets: &mut Packets<S>,
    capabilities: CapabilityFlags,
    form: Form,
    skip: bool,
    heard: &mut Heard,
) -> std::result::Result<u64, Fault> {
    let mut rows = 0;
    loop {
        let done = match answer::first(packets, capabilities)? {
            First::Done(done) => done,
            First::File(_) => return Ok(rows),
            First::Rows(_) if skip => answer::skip_rows(packets, capabilities)?,
            First::Rows(columns) => {
                let (count, done) = answer::rows(packets, capabilities, form, &columns, heard)?;
                rows += count;
                done
            }
        };
        if !done.more() {
            return Ok(rows);
        }
    }
}
