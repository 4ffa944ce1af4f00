//! The longest row of a dump: a server hands a row out only where it fits one packet.

use crate::Result;
use crate::row::{Value, Visit};
use std::io::Read;

/// A visitor that measures rows on their way to another.
pub(super) struct Longest<V> {
    inner: V,
    row: u64,
    longest: u64,
}

/// Bytes of a string as the server sends it: its length stands before it.
fn sent(length: u64) -> u64 {
    length
        + match length {
            0..=250 => 1,
            251..=0xffff => 3,
            0x1_0000..=0xff_ffff => 4,
            _ => 9,
        }
}

impl<V: Visit> Longest<V> {
    pub(super) fn of(inner: V) -> Longest<V> {
        Longest {
            inner,
            row: 0,
            longest: 0,
        }
    }

    /// The visitor, and see [`Table::longest_row`](crate::schema::Table::longest_row).
    pub(super) fn end(self) -> (V, u64) {
        (self.inner, self.longest)
    }
}

impl<V: Visit> Visit for Longest<V> {
    #[inline]
    fn value(&mut self, column: usize, value: Value<'_>) -> Result<()> {
        self.row += match value {
            Value::Bytes(bytes) | Value::Text(bytes) => sent(bytes.len() as u64),
            // From none to 13: what matters here is long.
            _ => 0,
        };
        self.inner.value(column, value)
    }

    fn long(&mut self, column: usize, text: bool, length: u64, data: &mut dyn Read) -> Result<()> {
        self.row += sent(length);
        self.inner.long(column, text, length, data)
    }

    #[inline]
    fn end(&mut self) -> Result<()> {
        self.longest = self.longest.max(std::mem::take(&mut self.row));
        self.inner.end()
    }
}
