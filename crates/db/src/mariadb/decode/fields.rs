//! Where fields and rows end, and what escapes stand for: LOAD DATA's `FIELDS TERMINATED BY '\t' ESCAPED BY '\\' LINES
//! TERMINATED BY '\n'`, whatever the size of the blocks in which the text comes.

use super::held::Held;
use std::io::Read;

const BLOCK: usize = 64 << 10;

/// What stood behind a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Field,
    Row,
}

pub(super) struct Fields<'d> {
    data: &'d mut dyn Read,
    block: Vec<u8>,
    at: usize,
    filled: usize,
}

impl<'d> Fields<'d> {
    pub(super) fn new(data: &'d mut dyn Read) -> Fields<'d> {
        Fields {
            data,
            block: vec![0; BLOCK],
            at: 0,
            filled: 0,
        }
    }

    /// Reads one field into `held` and says what ended it; `None` where the text ends before the field begins.
    pub(super) fn next(&mut self, held: &mut Held) -> Result<Option<End>, String> {
        if !self.more()? {
            return Ok(None);
        }
        loop {
            if !self.more()? {
                return Err("the chunk ends in the middle of the value".into());
            }
            let rest = &self.block[self.at..self.filled];
            let Some(length) = memchr::memchr3(b'\\', b'\t', b'\n', rest) else {
                held.push(rest)?;
                self.at = self.filled;
                continue;
            };
            if length > 0 {
                held.push(&rest[..length])?;
            }
            let special = rest[length];
            self.at += length + 1;
            match special {
                b'\t' => return Ok(Some(End::Field)),
                b'\n' => return Ok(Some(End::Row)),
                _ => self.escape(held)?,
            }
        }
    }

    /// The byte behind a backslash, read as the server reads it.
    fn escape(&mut self, held: &mut Held) -> Result<(), String> {
        if !self.more()? {
            return Err("the chunk ends in the middle of the value".into());
        }
        let byte = self.block[self.at];
        self.at += 1;
        let meant = match byte {
            b'N' => return held.null(),
            b'0' => 0,
            b'b' => 8,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'Z' => 26,
            other => other,
        };
        held.push(&[meant])
    }

    /// Whether there is another byte; the next block is read where there must be.
    fn more(&mut self) -> Result<bool, String> {
        while self.at == self.filled {
            match self.data.read(&mut self.block) {
                Ok(0) => return Ok(false),
                Ok(read) => (self.at, self.filled) = (0, read),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.to_string()),
            }
        }
        Ok(true)
    }
}
