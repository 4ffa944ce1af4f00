use super::decode;
use super::held::LONG;
use crate::mariadb::encode::Encoder;
use crate::row::{Value, Visit};
use crate::schema::{Carry, Column, Table};
use crate::{Cell, Error, Result};
use proptest::prelude::*;
use std::io::Read;

/// Keeps rows; long values are read whole, and counted.
#[derive(Default)]
struct Kept {
    rows: Vec<Vec<Cell>>,
    row: Vec<Cell>,
    long: usize,
}

impl Visit for Kept {
    fn value(&mut self, column: usize, value: Value<'_>) -> Result<()> {
        assert_eq!(column, self.row.len(), "columns come in their order, each once");
        self.row.push(value.to_cell());
        Ok(())
    }

    fn long(&mut self, column: usize, text: bool, length: u64, data: &mut dyn Read) -> Result<()> {
        assert_eq!((column, text), (self.row.len(), false));
        let mut bytes = Vec::new();
        data.read_to_end(&mut bytes).expect("its file");
        assert_eq!(bytes.len() as u64, length);
        self.long += 1;
        self.row.push(Cell::Bytes(bytes));
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        self.rows.push(std::mem::take(&mut self.row));
        Ok(())
    }
}

/// Gives its bytes in blocks of a size of their own.
struct Blocks<'a>(&'a [u8], usize);

impl Read for Blocks<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let length = self.1.min(into.len()).min(self.0.len());
        let (now, later) = self.0.split_at(length);
        into[..length].copy_from_slice(now);
        self.0 = later;
        Ok(length)
    }
}

fn table(columns: &[(&str, Carry)]) -> Table {
    let column = |(at, (declared, carry)): (usize, &(&str, Carry))| Column {
        name: format!("c{at}"),
        declared: (*declared).into(),
        carry: *carry,
        nullable: true,
    };
    Table {
        name: "t".into(),
        columns: columns.iter().enumerate().map(column).collect(),
        key: Vec::new(),
        rows_estimate: 0,
        bytes_estimate: 0,
        longest_row: 0,
        create: String::new(),
    }
}

fn read(table: &Table, text: &[u8], block: usize) -> Result<Kept> {
    let folder = tempfile::tempdir().expect("a folder");
    let mut kept = Kept::default();
    let rows = decode(table, &mut Blocks(text, block), folder.path(), &mut kept)?;
    assert_eq!(rows as usize, kept.rows.len());
    assert!(
        folder.path().read_dir().expect("lists").next().is_none(),
        "spilled files have no name"
    );
    Ok(kept)
}

fn all() -> Table {
    table(&[
        ("int(11) unsigned zerofill", Carry::Text),
        ("bigint(20) unsigned", Carry::Text),
        ("int(11)", Carry::Virtual),
        ("float", Carry::Text),
        ("double(20,5)", Carry::Text),
        ("decimal(10,2)", Carry::Text),
        ("varchar(20)", Carry::Text),
        ("varbinary(20)", Carry::Hex),
        ("date", Carry::Text),
        ("datetime(6)", Carry::Text),
        ("timestamp", Carry::Text),
        ("time(6)", Carry::Text),
        ("year(4)", Carry::Text),
        ("set('a','b')", Carry::Number),
        ("blob", Carry::Virtual),
    ])
}

fn written(table: &Table, rows: &[Vec<Cell>]) -> Vec<u8> {
    let mut encoder = Encoder::new(table);
    let mut out = Vec::new();
    for row in rows {
        for (column, cell) in row.iter().enumerate() {
            encoder.value(column, cell.as_value(), &mut out);
        }
        encoder.end_row(&mut out);
    }
    out
}

/// A number as the driver gives it.
fn whole(value: u64) -> Cell {
    i64::try_from(value).map_or(Cell::UInt(value), Cell::Int)
}

fn cells() -> impl Strategy<Value = Vec<Cell>> {
    let bytes = || {
        prop_oneof![
            prop::collection::vec(prop::sample::select(&b"\\\t\nN\0a'\r\xff"[..]), 0..6),
            prop::collection::vec(any::<u8>(), 0..40)
        ]
        .prop_map(Cell::Bytes)
    };
    let or_null = |s: BoxedStrategy<Cell>| prop_oneof![1 => Just(Cell::Null), 4 => s].boxed();
    let moment = |fraction: bool| {
        (
            0u16..=9999,
            0u8..=12,
            0u8..=31,
            0u8..24,
            0u8..60,
            0u8..60,
            0u32..1_000_000,
        )
            .prop_map(move |(y, m, d, h, i, s, us)| {
                Cell::Date(y, m, d, h, i, s, if fraction { us } else { 0 })
            })
            .boxed()
    };
    let finite = |bits: u32| {
        Some(f32::from_bits(bits))
            .filter(|v| v.is_finite())
            .unwrap_or(-0.0)
    };
    let finite64 = |bits: u64| {
        Some(f64::from_bits(bits))
            .filter(|v| v.is_finite())
            .unwrap_or(-0.0)
    };
    let columns = vec![
        any::<u32>().prop_map(|v| whole(v.into())).boxed(),
        any::<u64>().prop_map(whole).boxed(),
        Just(Cell::Null).boxed(),
        any::<u32>().prop_map(move |v| Cell::Float(finite(v))).boxed(),
        any::<u64>().prop_map(move |v| Cell::Double(finite64(v))).boxed(),
        any::<i32>()
            .prop_map(|v| Cell::Bytes(format!("{v}.05").into_bytes()))
            .boxed(),
        bytes().boxed(),
        bytes().boxed(),
        (0u16..=9999, 0u8..=12, 0u8..=31)
            .prop_map(|(y, m, d)| Cell::Date(y, m, d, 0, 0, 0, 0))
            .boxed(),
        moment(true),
        moment(false),
        (
            any::<bool>(),
            0u32..=34,
            0u8..24,
            0u8..60,
            0u8..60,
            0u32..1_000_000,
        )
            .prop_map(|(n, d, h, m, s, us)| Cell::Time(n, d, h, m, s, us))
            .boxed(),
        (0i64..=2155).prop_map(Cell::Int).boxed(),
        any::<u64>().prop_map(whole).boxed(),
        Just(Cell::Null).boxed(),
    ];
    columns.into_iter().map(or_null).collect::<Vec<_>>()
}

proptest! {
    #[test]
    fn what_was_written_is_read(rows in prop::collection::vec(cells(), 0..8), block in 1usize..200) {
        let table = all();
        let text = written(&table, &rows);
        prop_assert_eq!(read(&table, &text, block).expect("reads").rows, rows);
    }

    #[test]
    fn whatever_comes_is_rows_or_an_error(
        text in prop::collection::vec(prop::sample::select(&b"0123456789-:. \\N\\t\te+EA\n\n\xc3"[..]), 0..200),
        block in 1usize..50,
    ) {
        let _ = read(&all(), &text, block);
        let _ = read(&table(&[("time", Carry::Text), ("blob", Carry::Hex)]), &text, block);
    }

    #[test]
    fn one_wrong_byte_is_rows_or_an_error(rows in prop::collection::vec(cells(), 1..4), at: prop::sample::Index, byte: u8) {
        let table = all();
        let mut text = written(&table, &rows);
        let at = at.index(text.len());
        text[at] = byte;
        let _ = read(&table, &text, 64);
    }
}

#[test]
fn long_values_pass_through_a_file_without_a_name() {
    let table = table(&[
        ("int(11)", Carry::Text),
        ("longblob", Carry::Hex),
        ("longtext", Carry::Text),
    ]);
    let bytes: Vec<u8> = b"\x00\\\n\tN\xff"
        .iter()
        .copied()
        .cycle()
        .take(LONG + 1)
        .collect();
    let short = bytes[..LONG].to_vec();
    let rows = vec![
        vec![
            Cell::Int(1),
            Cell::Bytes(bytes.clone()),
            Cell::Bytes([&bytes[..], &bytes].concat()),
        ],
        vec![Cell::Int(2), Cell::Bytes(short.clone()), Cell::Bytes(short)],
        vec![Cell::Int(3), Cell::Null, Cell::Bytes(bytes)],
    ];
    let kept = read(&table, &written(&table, &rows), 4099).expect("reads");
    assert!(kept.rows == rows, "long values differ");
    assert_eq!(kept.long, 3, "1 MiB is still held");
}

#[test]
fn a_wrong_chunk_names_table_row_and_column() {
    let table = table(&[
        ("int(11)", Carry::Text),
        ("date", Carry::Text),
        ("blob", Carry::Hex),
    ]);
    let cases: &[(&str, &str)] = &[
        (
            "1\t2024-01-01\tFF",
            "row 1, column c2: the chunk ends in the middle of the value",
        ),
        (
            "1\t2024-01-01\tFF\n2\t",
            "row 2, column c1: the chunk ends in the middle of the row",
        ),
        (
            "1\t2024-01-01\n",
            "row 1, column c1: the row has fewer columns than the table",
        ),
        (
            "1\t2024-01-01\tFF\t\n",
            "row 1, column c2: the row has more columns than the table",
        ),
        (
            "x\t2024-01-01\tFF\n",
            "row 1, column c0: it is not a whole number",
        ),
        ("1\t2024-13-01\tFF\n", "row 1, column c1: it is not a date"),
        ("1\t\tFF\n", "row 1, column c1: it is not a date"),
        (
            "1\t\\N\tFFF\n",
            "row 1, column c2: it has an odd number of hexadecimal digits",
        ),
        ("1\t\\N\tFG\n", "row 1, column c2: it is not hexadecimal"),
        (
            "1\t\\N\t\\NF\n",
            "row 1, column c2: \\N is part of a longer value",
        ),
        (
            "1\t\\N\tFF\\N\n",
            "row 1, column c2: \\N is part of a longer value",
        ),
        (
            "1\\",
            "row 1, column c0: the chunk ends in the middle of the value",
        ),
    ];
    for (text, said) in cases {
        let error = read(&table, text.as_bytes(), 3)
            .err()
            .unwrap_or_else(|| panic!("{text:?} was read"));
        assert_eq!(
            error.to_string(),
            format!("reading the backup: table t: {said}"),
            "{text:?}"
        );
    }
}

#[test]
fn null_and_the_text_that_looks_like_it_are_two_things() {
    let table = table(&[("text", Carry::Text)]);
    let rows = vec![
        vec![Cell::Null],
        vec![Cell::Bytes(b"\\N".to_vec())],
        vec![Cell::Bytes(b"NULL".to_vec())],
        vec![Cell::Bytes(b"N".to_vec())],
        vec![Cell::Bytes(Vec::new())],
    ];
    assert_eq!(
        read(&table, &written(&table, &rows), 1).expect("reads").rows,
        rows
    );
}

#[test]
fn what_the_files_do_not_hold_is_refused_by_name() {
    let table = table(&[("int(11)", Carry::Text), ("int(11)", Carry::Generated)]);
    let error = read(&table, b"1\n", 1).err().expect("refused");
    assert!(matches!(error, Error::Refused { .. }), "{error:?}");
    assert!(
        error.to_string().contains("table t") && error.to_string().contains("c1"),
        "{error}"
    );
}

/// Texts that were wrong once, or look as if they could be: each file of the corpus is read as rows of every shape.
#[test]
fn the_corpus_is_rows_or_errors() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/chunks");
    let mut seen = 0;
    for entry in std::fs::read_dir(&folder).expect("the corpus") {
        let text = std::fs::read(entry.expect("an entry").path()).expect("a file");
        let known = all();
        for column in &known.columns {
            let one = Table {
                columns: vec![column.clone()],
                ..known.clone()
            };
            for block in [1, 7, 4096] {
                let _ = read(&one, &text, block);
                let _ = read(&known, &text, block);
            }
        }
        seen += 1;
    }
    assert!(seen >= 8, "{seen} files");
}
