//! Rows kept as cells, for those who want them whole.

use super::{Value, Visit};
use crate::{Cell, Error, Result};
use std::io::Read;

/// Gathers the values of a row and hands it on complete.
pub struct Gather<F> {
    cells: Vec<Cell>,
    each: F,
}

impl<F: FnMut(&[Cell]) -> Result<()>> Gather<F> {
    pub fn new(each: F) -> Self {
        Gather {
            cells: Vec::new(),
            each,
        }
    }
}

impl<F: FnMut(&[Cell]) -> Result<()>> Visit for Gather<F> {
    fn value(&mut self, _: usize, value: Value<'_>) -> Result<()> {
        self.cells.push(value.to_cell());
        Ok(())
    }

    fn long(&mut self, column: usize, text: bool, length: u64, data: &mut dyn Read) -> Result<()> {
        // Grown as it comes: the length is what a server says.
        let mut bytes = Vec::new();
        let read = data
            .read_to_end(&mut bytes)
            .map_err(|e| Error::io("reading a long value", e))?;
        if read as u64 != length {
            return Err(Error::io(
                format!("reading a long value of column {column}"),
                "it ends too early",
            ));
        }
        self.cells.push(if text {
            Cell::Text(bytes)
        } else {
            Cell::Bytes(bytes)
        });
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        let outcome = (self.each)(&self.cells);
        self.cells.clear();
        outcome
    }
}
