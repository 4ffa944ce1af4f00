//! One part of a table on its way into chunks: every row is hashed and written in the same pass.

use super::encoder::Encoder;
use super::{Chunk, ChunkEnd, Sink};
use crate::database::CHUNK_BYTES;
use crate::digest::{RowSum, TableHasher};
use crate::reading::{Part, Step, TELL_BYTES, TELL_ROWS, Told};
use crate::row::{self, Value, Visit};
use crate::schema::{Outline, Schema};
use crate::{Error, Result};
use std::io::Read;

/// Bytes of a chunk that are held before they are handed on.
const BLOCK: usize = 256 << 10;

/// The rows of a part added up: all their columns, and those that the outline knows.
#[derive(Default)]
pub(super) struct Sums {
    pub(super) full: RowSum,
    pub(super) through: RowSum,
    /// See [`Table::longest_row`](crate::schema::Table::longest_row).
    pub(super) longest_row: u64,
}

/// One part on its way into chunks: every row is hashed and written in the same pass.
pub(super) struct Writing<'a> {
    hasher: TableHasher,
    through: Option<TableHasher>,
    encoder: Encoder,
    block: Vec<u8>,
    chunk: Option<Box<dyn Chunk + 'a>>,
    chunk_bytes: u64,
    /// Since it was last told.
    rows: u64,
    bytes: u64,
    sums: Sums,
    sink: &'a dyn Sink,
    part: &'a Part,
    told: &'a Told<'a>,
}

impl<'a> Writing<'a> {
    pub(super) fn of(
        schema: &Schema,
        part: &'a Part,
        outline: Option<&Outline>,
        sink: &'a dyn Sink,
        chunk: Option<Box<dyn Chunk + 'a>>,
        told: &'a Told<'a>,
    ) -> Writing<'a> {
        let table = &schema.tables[part.table];
        Writing {
            hasher: TableHasher::new(table, None).expect("no outline leaves no table out"),
            through: outline.and_then(|o| TableHasher::new(table, Some(o))),
            encoder: Encoder::new(schema.dialect, table),
            block: Vec::with_capacity(BLOCK + (64 << 10)),
            chunk,
            chunk_bytes: 0,
            rows: 0,
            bytes: 0,
            sums: Sums::default(),
            sink,
            part,
            told,
        }
    }

    /// Hands on what is held.
    fn hand_on(&mut self) -> Result<()> {
        let chunk = match &mut self.chunk {
            Some(chunk) => chunk,
            None => self.chunk.insert(self.sink.chunk(self.part.table)?),
        };
        chunk
            .write_all(&self.block)
            .map_err(|e| Error::io("writing the backup", e))?;
        self.chunk_bytes += self.block.len() as u64;
        self.bytes += self.block.len() as u64;
        self.block.clear();
        Ok(())
    }

    fn end_chunk(&mut self) -> Result<()> {
        self.encoder.close(&mut self.block);
        let sum = self.hasher.cut();
        if !self.block.is_empty() || self.chunk.is_some() {
            self.hand_on()?;
        }
        if let Some(chunk) = self.chunk.take() {
            chunk.finish(&ChunkEnd {
                sum,
                range: self.part.range.clone(),
            })?;
        }
        self.chunk_bytes = 0;
        self.sums.full = self.sums.full.plus(sum);
        Ok(())
    }

    fn tell(&mut self) -> Result<()> {
        self.told.step(Step {
            table: self.part.table,
            rows: std::mem::take(&mut self.rows),
            bytes: std::mem::take(&mut self.bytes),
        })
    }

    pub(super) fn finish(mut self) -> Result<Sums> {
        self.end_chunk()?;
        self.sums.through = self.through.as_mut().map(TableHasher::cut).unwrap_or_default();
        self.tell()?;
        Ok(self.sums)
    }
}

impl Visit for Writing<'_> {
    #[inline]
    fn value(&mut self, column: usize, value: Value<'_>) -> Result<()> {
        self.hasher.put(column, value);
        if let Some(through) = &mut self.through {
            through.put(column, value);
        }
        self.encoder.value(column, value, &mut self.block);
        Ok(())
    }

    fn long(&mut self, column: usize, text: bool, length: u64, data: &mut dyn Read) -> Result<()> {
        self.hasher.begin_long(column, text, length);
        let through = match &mut self.through {
            Some(through) => through.begin_long(column, text, length),
            None => false,
        };
        self.encoder.begin_long(column, text, &mut self.block);
        row::pieces(length, data, &mut |piece| {
            self.hasher.piece(piece);
            if let Some(hasher) = self.through.as_mut().filter(|_| through) {
                hasher.piece(piece);
            }
            self.encoder.piece(column, piece, &mut self.block);
            if self.block.len() >= BLOCK {
                self.hand_on()?;
            }
            if self.bytes >= TELL_BYTES {
                self.tell()?;
            }
            Ok(())
        })?;
        self.encoder.end_long(column, &mut self.block);
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        self.hasher.end_row();
        if let Some(through) = &mut self.through {
            through.end_row();
        }
        self.encoder.end_row(&mut self.block);
        self.rows += 1;
        if self.block.len() >= BLOCK {
            self.hand_on()?;
            // Only a part that is the whole table may be cut anywhere, here before compression: the chunks of the others are
            // their ranges.
            if self.chunk_bytes >= CHUNK_BYTES && self.part.range.condition().is_none() {
                self.end_chunk()?;
            }
        }
        if self.rows >= TELL_ROWS || self.bytes >= TELL_BYTES {
            self.tell()?;
        }
        Ok(())
    }
}
