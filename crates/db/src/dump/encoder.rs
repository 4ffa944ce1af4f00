//! Rows as the dialect's own client reads them.

use crate::row::Value;
use crate::schema::Table;
use crate::{Dialect, mariadb, sqlite};

/// Turns rows into a chunk's bytes, value by value.
pub(super) enum Encoder {
    MySql(mariadb::encode::Encoder),
    Sqlite(sqlite::encode::Encoder),
}

impl Encoder {
    pub(super) fn new(dialect: Dialect, table: &Table) -> Encoder {
        match dialect {
            Dialect::Sqlite => Encoder::Sqlite(sqlite::encode::Encoder::new(table)),
            _ => Encoder::MySql(mariadb::encode::Encoder::new(table)),
        }
    }

    #[inline]
    pub(super) fn value(&mut self, column: usize, value: Value<'_>, out: &mut Vec<u8>) {
        match self {
            Encoder::MySql(encoder) => encoder.value(column, value, out),
            Encoder::Sqlite(encoder) => encoder.value(column, value, out),
        }
    }

    pub(super) fn begin_long(&mut self, column: usize, text: bool, out: &mut Vec<u8>) {
        match self {
            Encoder::MySql(encoder) => encoder.begin_long(column, out),
            Encoder::Sqlite(encoder) => encoder.begin_long(column, text, out),
        }
    }

    pub(super) fn piece(&mut self, column: usize, piece: &[u8], out: &mut Vec<u8>) {
        match self {
            Encoder::MySql(encoder) => encoder.piece(column, piece, out),
            Encoder::Sqlite(encoder) => encoder.piece(column, piece, out),
        }
    }

    pub(super) fn end_long(&mut self, column: usize, out: &mut Vec<u8>) {
        if let Encoder::Sqlite(encoder) = self {
            encoder.end_long(column, out);
        }
    }

    pub(super) fn end_row(&mut self, out: &mut Vec<u8>) {
        match self {
            Encoder::MySql(encoder) => encoder.end_row(out),
            Encoder::Sqlite(encoder) => encoder.end_row(out),
        }
    }

    pub(super) fn close(&mut self, out: &mut Vec<u8>) {
        if let Encoder::Sqlite(encoder) = self {
            encoder.close(out);
        }
    }
}
