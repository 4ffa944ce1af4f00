//! What a server may say, and what none says.

use super::answer::First;
use super::cursor::Cursor;
use super::packet::{MAX, Packets, Source};
use super::{Fault, Wire, answer, decode};
use crate::row::{LONG, Value, Visit};
use crate::{Cell, Error, Result};
use mysql_common::constants::CapabilityFlags;
use proptest::prelude::*;
use std::io::{Read, Write};

mod handshake;
mod session;

const UNSIGNED: u16 = 32;
const TINY: u8 = 1;
const LONGLONG: u8 = 8;
const TIME: u8 = 11;
const DATETIME: u8 = 12;
const BLOB: u8 = 252;

/// Payloads as packets, numbered from `sequence` on.
fn packets(mut sequence: u8, payloads: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    for payload in payloads {
        let mut rest = &payload[..];
        loop {
            let (head, tail) = rest.split_at(rest.len().min(MAX));
            out.extend_from_slice(&u32::try_from(head.len()).expect("fits").to_le_bytes()[..3]);
            out.push(sequence);
            out.extend_from_slice(head);
            sequence = sequence.wrapping_add(1);
            rest = tail;
            if head.len() < MAX {
                break;
            }
        }
    }
    out
}

fn ok(header: u8, status: u16) -> Vec<u8> {
    [&[header, 0, 0][..], &status.to_le_bytes(), &[0, 0]].concat()
}

fn refusal(number: u16, message: &str) -> Vec<u8> {
    [&[0xff][..], &number.to_le_bytes(), b"#HY000", message.as_bytes()].concat()
}

fn column(code: u8, flags: u16) -> Vec<u8> {
    let names = b"\x03def\x01d\x01t\x01t\x01c\x01c";
    let [low, high] = flags.to_le_bytes();
    [
        &names[..],
        &[12, 63, 0, 255, 255, 255, 255, code, low, high, 0, 0, 0],
    ]
    .concat()
}

/// The payloads of an answer with these columns and rows.
fn answer_of(columns: &[(u8, u16)], rows: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut payloads = vec![vec![u8::try_from(columns.len()).expect("few")]];
    payloads.extend(columns.iter().map(|(code, flags)| column(*code, *flags)));
    payloads.extend_from_slice(rows);
    payloads.push(ok(0xfe, 2));
    payloads
}

fn string(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    mysql_common::io::BufMutExt::put_lenenc_str(&mut out, bytes);
    out
}

/// A row of a few columns, none of them NULL.
fn row(values: &[&[u8]]) -> Vec<u8> {
    [&[0, 0][..], &values.concat()].concat()
}

/// Keeps rows, and of a long value its length, how much of it was read, and the hash of that.
#[derive(Default)]
struct Kept {
    rows: Vec<Vec<Cell>>,
    row: Vec<Cell>,
    long: Vec<(u64, u64, blake3::Hash)>,
    /// How much of a long value is read.
    appetite: Option<usize>,
}

impl Visit for Kept {
    fn value(&mut self, column: usize, value: Value<'_>) -> Result<()> {
        assert_eq!(column, self.row.len());
        self.row.push(value.to_cell());
        Ok(())
    }

    fn long(&mut self, column: usize, text: bool, length: u64, data: &mut dyn Read) -> Result<()> {
        assert_eq!((column, text), (self.row.len(), false));
        let mut piece = [0; 65536];
        let (mut read, mut hasher) = (0, blake3::Hasher::new());
        loop {
            let want = self.appetite.map_or(piece.len(), |a| piece.len().min(a - read));
            match data
                .read(&mut piece[..want])
                .map_err(|e| Error::io("reading", e))?
            {
                0 => break,
                n => {
                    read += n;
                    hasher.update(&piece[..n]);
                }
            }
        }
        self.long.push((length, read as u64, hasher.finalize()));
        self.row.push(Cell::Null);
        Ok(())
    }

    fn end(&mut self) -> Result<()> {
        self.rows.push(std::mem::take(&mut self.row));
        Ok(())
    }
}

fn decoded(columns: &[(u8, u16)], rows: &[Vec<u8>]) -> std::result::Result<Vec<Vec<Cell>>, Fault> {
    let mut kept = Kept::default();
    let count = decode(&packets(1, &answer_of(columns, rows)), &mut kept)?;
    assert_eq!(count, kept.rows.len() as u64);
    Ok(kept.rows)
}

#[test]
fn lengths() {
    let read = |bytes: &[u8]| Cursor(bytes).length();
    for (bytes, length) in [
        (&[0u8][..], 0u64),
        (&[0xfa], 0xfa),
        (&[0xfc, 0x01, 0x02], 0x201),
        (&[0xfd, 1, 2, 3], 0x3_0201),
        (&[0xfe, 1, 2, 3, 4, 5, 6, 7, 8], 0x0807_0605_0403_0201),
    ] {
        assert_eq!(read(bytes).expect("a length"), length);
        for cut in 0..bytes.len() {
            assert!(read(&bytes[..cut]).is_err(), "{bytes:?} cut at {cut}");
        }
    }
    assert!(read(&[0xfb]).is_err());
    assert!(read(&[0xff; 9]).is_err());
    // A string that claims more than there is, up to what no memory holds.
    assert!(
        Cursor(&[0xfe, 255, 255, 255, 255, 255, 255, 255, 255, 1])
            .string()
            .is_err()
    );
}

#[test]
fn every_integer_that_fits_is_signed() {
    let columns = [(TINY, 0), (TINY, UNSIGNED), (LONGLONG, 0), (LONGLONG, UNSIGNED)];
    let full = row(&[&[0x80], &[0xff], &i64::MIN.to_le_bytes(), &u64::MAX.to_le_bytes()]);
    let fits = row(&[&[1], &[1], &[255; 8], &i64::MAX.to_le_bytes()]);
    assert_eq!(
        decoded(&columns, &[full, fits]).expect("decodes"),
        [
            [
                Cell::Int(-128),
                Cell::Int(255),
                Cell::Int(i64::MIN),
                Cell::UInt(u64::MAX)
            ],
            [Cell::Int(1), Cell::Int(1), Cell::Int(-1), Cell::Int(i64::MAX)],
        ]
    );
}

#[test]
fn dates_and_times_of_every_length() {
    let columns = [(DATETIME, 0), (TIME, 0)];
    let rows = [
        row(&[&[0], &[0]]),
        row(&[&[4, 0xe8, 7, 2, 0], &[8, 1, 34, 0, 0, 0, 22, 59, 59]]),
        row(&[&[7, 15, 39, 12, 31, 23, 59, 58], &[8, 0, 0, 0, 0, 0, 0, 0, 1]]),
        row(&[
            &[11, 1, 0, 1, 1, 0, 0, 0, 63, 66, 15, 0],
            &[12, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0],
        ]),
    ];
    assert_eq!(
        decoded(&columns, &rows).expect("decodes"),
        [
            [Cell::Date(0, 0, 0, 0, 0, 0, 0), Cell::Time(false, 0, 0, 0, 0, 0)],
            [
                Cell::Date(2024, 2, 0, 0, 0, 0, 0),
                Cell::Time(true, 34, 22, 59, 59, 0)
            ],
            [
                Cell::Date(9999, 12, 31, 23, 59, 58, 0),
                Cell::Time(false, 0, 0, 0, 1, 0)
            ],
            [
                Cell::Date(1, 1, 1, 0, 0, 0, 999_999),
                Cell::Time(true, 0, 0, 0, 0, 1)
            ],
        ]
    );
    for length in (1..=255u8).filter(|l| ![4, 7, 11].contains(l)) {
        let bytes = [&[length][..], &vec![1; length.into()]].concat();
        assert!(decoded(&[(DATETIME, 0)], &[row(&[&bytes])]).is_err(), "{length}");
    }
    for length in (1..=255u8).filter(|l| ![8, 12].contains(l)) {
        let bytes = [&[length][..], &vec![1; length.into()]].concat();
        assert!(decoded(&[(TIME, 0)], &[row(&[&bytes])]).is_err(), "{length}");
    }
}

#[test]
fn each_bit_of_the_null_bitmap_is_its_column() {
    for width in 1..=19usize {
        let columns = vec![(TINY, 0); width];
        for null in 0..width {
            let mut bytes = vec![0; 1 + (width + 2).div_ceil(8)];
            bytes[1 + (null + 2) / 8] |= 1 << ((null + 2) % 8);
            bytes.extend(vec![7; width - 1]);
            let rows = decoded(&columns, &[bytes]).expect("decodes");
            for (i, cell) in rows[0].iter().enumerate() {
                assert_eq!(*cell, if i == null { Cell::Null } else { Cell::Int(7) });
            }
        }
    }
}

#[test]
fn a_row_ends_where_its_columns_end() {
    let extra = row(&[&[1], &[2]]);
    assert!(matches!(decoded(&[(TINY, 0)], &[extra]), Err(Fault::Lost(_))));
    let unknown = decoded(&[(19, 0)], &[]).expect_err("a type of the binary log");
    assert!(unknown.to_string().contains("type 19"), "{unknown}");
}

#[test]
fn long_values_come_as_a_stream_over_packets() {
    let limit = usize::try_from(LONG).expect("fits");
    // Rows shorter and longer than the buffer and than a packet; the one of MAX - 18 makes a payload of exactly MAX.
    for length in [limit, limit + 1, MAX - 19, MAX - 18, MAX - 17, 2 * MAX + 5] {
        let value: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
        let columns = [(TIME, 0), (BLOB, 0), (LONGLONG, 0)];
        let rows = [
            row(&[&[0], &string(&value), &[9, 0, 0, 0, 0, 0, 0, 0]]),
            row(&[&[0], &string(b"short"), &[8, 0, 0, 0, 0, 0, 0, 0]]),
        ];
        let bytes = packets(1, &answer_of(&columns, &rows));
        for appetite in [None, Some(10), Some(0)] {
            let mut kept = Kept {
                appetite,
                ..Kept::default()
            };
            assert_eq!(decode(&bytes, &mut kept).expect("decodes"), 2, "{length}");
            assert_eq!(kept.rows[0][2], Cell::Int(9));
            assert_eq!(kept.rows[1][1], Cell::Bytes(b"short".to_vec()));
            if length > limit {
                let eaten = appetite.unwrap_or(length);
                let hash = blake3::hash(&value[..eaten]);
                assert_eq!(kept.long, [(length as u64, eaten as u64, hash)]);
            } else {
                assert!(kept.long.is_empty());
                assert!(kept.rows[0][1] == Cell::Bytes(value.clone()));
            }
        }
        let cut = decode(&bytes[..bytes.len() / 2], &mut Kept::default());
        assert!(matches!(cut, Err(Fault::Lost(_))), "{cut:?}");
    }
}

#[test]
fn no_part_of_an_answer_passes_for_the_whole() {
    let columns = [(BLOB, 0), (LONGLONG, 0)];
    let wide = string(&[b'x'; 300]);
    let rows = vec![row(&[&wide, &[1; 8]]); 3];
    let bytes = packets(1, &answer_of(&columns, &rows));
    for cut in 0..bytes.len() {
        let outcome = decode(&bytes[..cut], &mut Kept::default());
        assert!(matches!(outcome, Err(Fault::Lost(_))), "{cut}: {outcome:?}");
    }
    let mut out_of_order = bytes.clone();
    out_of_order[3] = 2;
    let outcome = decode(&out_of_order, &mut Kept::default());
    assert!(matches!(outcome, Err(Fault::Lost(_))), "{outcome:?}");
}

#[test]
fn a_visitor_s_error_is_its_own() {
    struct Full;
    impl Visit for Full {
        fn value(&mut self, _: usize, _: Value<'_>) -> Result<()> {
            Err(Error::io("writing", "no space left"))
        }
        fn long(&mut self, _: usize, _: bool, _: u64, _: &mut dyn Read) -> Result<()> {
            Err(Error::io("writing", "no space left"))
        }
        fn end(&mut self) -> Result<()> {
            Ok(())
        }
    }
    for length in [5, 3 << 20] {
        let rows = [row(&[&string(&vec![1; length])])];
        let outcome = decode(&packets(1, &answer_of(&[(BLOB, 0)], &rows)), &mut Full);
        assert!(
            matches!(outcome, Err(Fault::Stopped(Error::Io { .. }))),
            "{outcome:?}"
        );
    }
}

#[test]
fn older_servers_end_columns_and_rows_with_packets_of_their_own() {
    let eof = vec![0xfe, 0, 0, 2, 0];
    let payloads = [vec![1], column(TINY, 0), eof.clone(), row(&[&[5]]), eof];
    let bytes = packets(1, &payloads);
    let mut packets = Packets::new(&bytes[..]);
    packets.expect(1);
    let old = CapabilityFlags::empty();
    let Ok(First::Rows(columns)) = answer::first(&mut packets, old) else {
        panic!("rows")
    };
    let mut kept = Kept::default();
    let (count, done) =
        answer::rows(&mut packets, old, answer::Form::Binary, &columns, &mut kept).expect("decodes");
    assert_eq!((count, done.more()), (1, false));
    assert_eq!(kept.rows, [[Cell::Int(5)]]);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode(&bytes, &mut Kept::default());
        let _ = decode(&packets(1, std::slice::from_ref(&bytes)), &mut Kept::default());
        let columns = [(TINY, 0), (BLOB, 0), (TIME, 0), (DATETIME, 0), (LONGLONG, UNSIGNED)];
        let _ = decoded(&columns, &[bytes]);
    }
}

/// A connection whose server said everything beforehand.
struct Script {
    said: std::io::Cursor<Vec<u8>>,
    heard: Vec<u8>,
}

impl Read for Script {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        self.said.read(into)
    }
}

impl Write for Script {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.heard.write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Source for Script {}
