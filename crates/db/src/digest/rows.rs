//! Rows hashed as they come, value by value; a long value passes through without being held.

use super::TableHasher;
use crate::row::{Value, Visit};
use crate::{Error, Result};
use std::io::Read;

/// The hash of one row after the other, as [`TableHasher::row`] hashes kept ones.
pub(crate) struct RowHash {
    key: [u8; 32],
    /// Which of the table's columns are hashed.
    picked: Vec<bool>,
    state: blake3::Hasher,
}

impl RowHash {
    /// `columns` is how many the table has.
    pub(crate) fn of(table: &TableHasher, columns: usize) -> RowHash {
        RowHash {
            key: table.key,
            picked: (0..columns).map(|at| table.picks.contains(&at)).collect(),
            state: blake3::Hasher::new_keyed(&table.key),
        }
    }

    fn picks(&self, column: usize) -> bool {
        self.picked.get(column) == Some(&true)
    }

    pub(crate) fn value(&mut self, column: usize, value: Value<'_>) {
        if !self.picks(column) {
            return;
        }
        match value {
            Value::Bytes(bytes) => {
                self.begin(false, bytes.len() as u64).update(bytes);
            }
            Value::Text(bytes) => {
                self.begin(true, bytes.len() as u64).update(bytes);
            }
            scalar => scalar.to_cell().hash_into(&mut self.state),
        }
    }

    /// A string's tag and length, as [`crate::Cell`] feeds them.
    pub(crate) fn begin(&mut self, text: bool, length: u64) -> &mut blake3::Hasher {
        self.state
            .update(&[if text { 6 } else { 5 }])
            .update(&length.to_le_bytes())
    }

    /// A long string. Where it ends early, that is an error and not another hash.
    pub(crate) fn long(&mut self, column: usize, text: bool, length: u64, data: &mut dyn Read) -> Result<()> {
        if !self.picks(column) {
            return Ok(());
        }
        let state = self.begin(text, length);
        let mut data = data.take(length);
        let mut block = vec![0; 64 << 10];
        let mut fed = 0;
        loop {
            match data.read(&mut block) {
                Ok(0) => break,
                Ok(read) => {
                    state.update(&block[..read]);
                    fed += read as u64;
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::io("reading a long value", error)),
            }
        }
        if fed < length {
            return Err(Error::io(
                "reading a long value",
                format!("{fed} of its {length} bytes came"),
            ));
        }
        Ok(())
    }

    /// The finished row's hash; the next row begins.
    pub(crate) fn end(&mut self) -> u128 {
        let hash = self.state.finalize();
        self.state = blake3::Hasher::new_keyed(&self.key);
        let mut half = [0u8; 16];
        half.copy_from_slice(&hash.as_bytes()[..16]);
        u128::from_le_bytes(half)
    }
}

impl TableHasher {
    /// Adds one row by its hash.
    pub(crate) fn add(&mut self, hash: u128) {
        self.sum = self.sum.wrapping_add(hash);
        self.rows += 1;
    }
}

/// A table's hasher that takes rows from a visit.
pub(crate) struct Adding {
    table: TableHasher,
    row: RowHash,
}

impl Adding {
    pub(crate) fn new(table: TableHasher, columns: usize) -> Adding {
        let row = RowHash::of(&table, columns);
        Adding { table, row }
    }

    pub(crate) fn rows(&self) -> u64 {
        self.table.rows
    }

    pub(crate) fn finish(self) -> super::TableDigest {
        self.table.finish()
    }
}

impl Visit for Adding {
    fn value(&mut self, column: usize, value: Value<'_>) -> Result<()> {
        self.row.value(column, value);
        Ok(())
    }

    fn long(&mut self, column: usize, text: bool, length: u64, data: &mut dyn Read) -> Result<()> {
        self.row.long(column, text, length, data)
    }

    fn end(&mut self) -> Result<()> {
        let hash = self.row.end();
        self.table.add(hash);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Cell;
    use crate::schema::{Carry, Column, Outline, Table};

    fn table() -> Table {
        let column = |name: &str| Column {
            name: name.into(),
            declared: "x".into(),
            carry: Carry::Text,
            nullable: true,
        };
        Table {
            name: "t".into(),
            columns: vec![column("a"), column("b"), column("c")],
            key: Vec::new(),
            rows_estimate: 0,
            create: String::new(),
        }
    }

    #[test]
    fn rows_value_by_value_and_rows_kept_have_one_digest() {
        let table = table();
        let long = vec![7u8; 300_000];
        let rows = [
            [Cell::Null, Cell::Bytes(b"x".to_vec()), Cell::Int(-1)],
            [Cell::Text(b"x".to_vec()), Cell::UInt(u64::MAX), Cell::Float(-0.0)],
            [
                Cell::Double(0.1),
                Cell::Date(2024, 2, 29, 1, 2, 3, 4),
                Cell::Time(true, 1, 2, 3, 4, 5),
            ],
            [Cell::Bytes(long.clone()), Cell::Text(long.clone()), Cell::Null],
        ];
        let outline = Outline {
            tables: [("t".to_string(), vec!["a".to_string(), "c".to_string()])].into(),
            ..Outline::default()
        };
        for outline in [None, Some(&outline)] {
            let mut kept = TableHasher::new(&table, outline).expect("the table");
            let mut adding = Adding::new(TableHasher::new(&table, outline).expect("the table"), 3);
            for row in &rows {
                kept.row(row);
                for (at, cell) in row.iter().enumerate() {
                    let given = match cell {
                        Cell::Bytes(b) if b.len() > 10 => adding.long(at, false, b.len() as u64, &mut &b[..]),
                        Cell::Text(b) if b.len() > 10 => adding.long(at, true, b.len() as u64, &mut &b[..]),
                        Cell::Bytes(b) => adding.value(at, Value::Bytes(b)),
                        Cell::Text(b) => adding.value(at, Value::Text(b)),
                        Cell::Int(v) => adding.value(at, Value::Int(*v)),
                        Cell::UInt(v) => adding.value(at, Value::UInt(*v)),
                        Cell::Float(v) => adding.value(at, Value::Float(*v)),
                        Cell::Double(v) => adding.value(at, Value::Double(*v)),
                        Cell::Date(y, m, d, h, i, s, us) => {
                            adding.value(at, Value::Date(*y, *m, *d, *h, *i, *s, *us))
                        }
                        Cell::Time(n, d, h, m, s, us) => {
                            adding.value(at, Value::Time(*n, *d, *h, *m, *s, *us))
                        }
                        Cell::Null => adding.value(at, Value::Null),
                    };
                    given.expect("fed");
                }
                adding.end().expect("ends");
            }
            assert_eq!(adding.rows(), 4);
            assert_eq!(adding.finish(), kept.finish());
        }
    }

    #[test]
    fn a_long_value_that_ends_early_is_an_error() {
        let table = table();
        let mut adding = Adding::new(TableHasher::new(&table, None).expect("the table"), 3);
        assert!(adding.long(0, false, 3, &mut &b"ab"[..]).is_err());
    }
}
