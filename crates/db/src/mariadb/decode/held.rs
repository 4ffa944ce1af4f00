//! The field that is being read: in memory while it is short, in a file without a name once it is not.

use super::value::{Shape, parse};
use crate::row::Value;
use std::fs::File;
use std::io::{BufReader, Seek, Write};
use std::path::{Path, PathBuf};

/// A value longer than this is not kept in memory.
pub(super) const LONG: usize = 1 << 20;

pub(super) struct Held {
    scratch: PathBuf,
    shape: Shape,
    bytes: Vec<u8>,
    /// Of a hexadecimal value: the digit that waits for its second half.
    half: Option<u8>,
    null: bool,
    file: Option<File>,
    length: u64,
}

impl Held {
    pub(super) fn new(scratch: &Path) -> Held {
        Held {
            scratch: scratch.to_path_buf(),
            shape: Shape::Bytes,
            bytes: Vec::new(),
            half: None,
            null: false,
            file: None,
            length: 0,
        }
    }

    pub(super) fn begin(&mut self, shape: Shape) {
        self.shape = shape;
        self.bytes.clear();
        self.half = None;
        self.null = false;
        self.file = None;
        self.length = 0;
    }

    /// `\N` stood where the field began.
    pub(super) fn null(&mut self) -> Result<(), String> {
        if self.null || self.length > 0 || self.half.is_some() {
            return Err("\\N is part of a longer value".into());
        }
        self.null = true;
        Ok(())
    }

    /// More of the value, its escapes resolved.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), String> {
        if self.null {
            return Err("\\N is part of a longer value".into());
        }
        let before = self.bytes.len();
        if self.shape == Shape::Hex {
            for byte in bytes {
                let digit = match byte {
                    b'0'..=b'9' => byte - b'0',
                    b'A'..=b'F' => byte - b'A' + 10,
                    b'a'..=b'f' => byte - b'a' + 10,
                    _ => return Err("it is not hexadecimal".into()),
                };
                match self.half.take() {
                    Some(high) => self.bytes.push(high << 4 | digit),
                    None => self.half = Some(digit),
                }
            }
        } else {
            self.bytes.extend_from_slice(bytes);
        }
        self.length += (self.bytes.len() - before) as u64;
        if self.bytes.len() > LONG {
            self.spill()?;
        }
        Ok(())
    }

    fn spill(&mut self) -> Result<(), String> {
        if !matches!(self.shape, Shape::Bytes | Shape::Hex) {
            return Err("it is too long for a value of its type".into());
        }
        let cannot = |error: std::io::Error| {
            format!(
                "it is long and cannot be kept in folder {}: {error}",
                self.scratch.display()
            )
        };
        if self.file.is_none() {
            self.file = Some(tempfile::tempfile_in(&self.scratch).map_err(cannot)?);
        }
        if let Some(file) = &mut self.file {
            file.write_all(&self.bytes).map_err(cannot)?;
        }
        self.bytes.clear();
        Ok(())
    }

    /// A value too long for memory, and its length.
    pub(super) fn spilled(&mut self) -> Result<Option<(u64, BufReader<File>)>, String> {
        if self.file.is_none() {
            return Ok(None);
        }
        self.whole()?;
        self.spill()?;
        let Some(mut file) = self.file.take() else {
            return Ok(None);
        };
        file.rewind().map_err(|error| error.to_string())?;
        Ok(Some((self.length, BufReader::with_capacity(64 << 10, file))))
    }

    /// The value.
    pub(super) fn value(&self, shape: Shape) -> Result<Value<'_>, String> {
        self.whole()?;
        if self.null {
            return Ok(Value::Null);
        }
        parse(shape, &self.bytes)
    }

    fn whole(&self) -> Result<(), String> {
        match self.half {
            Some(_) => Err("it has an odd number of hexadecimal digits".into()),
            None => Ok(()),
        }
    }
}
