use std::path::Path;

use super::{GENESIS, JournalError, Record};
use crate::sha256;

/// `,"sum":"` + 64 hex digits + `"}`: how every line ends.
const SUM_OPEN: &[u8] = br#","sum":""#;
const SUM_CLOSE: &[u8] = br#""}"#;
const SUM_LEN: usize = SUM_OPEN.len() + 64 + SUM_CLOSE.len();

/// A journal as read from disk, its chain verified.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Every complete record.
    pub records: Vec<Record>,
    /// SHA-256 (hex) of the last complete line, [`GENESIS`] if there is none. It names the whole journal up to there.
    pub head: String,
    /// A last line that was never completed. Nothing was done on its strength.
    pub torn: Option<TornTail>,
    /// Length in bytes of the complete lines.
    pub complete_bytes: u64,
}

/// What is left of a record that was being written when the process or the machine died.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TornTail {
    /// Line number, from 1.
    pub line: u64,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// Reads and verifies a journal; changes nothing and needs no lock, so it can be used on a live run.
///
/// # Errors
/// [`JournalError::Io`], or [`JournalError::Corrupt`] with the first line that does not fit.
pub fn read(path: &Path) -> Result<Reading, JournalError> {
    let bytes = std::fs::read(path).map_err(|source| JournalError::Io {
        path: path.to_path_buf(),
        doing: "cannot be read",
        source,
    })?;
    parse(path, &bytes)
}

/// Verifies the bytes of a journal; `path` is for messages only.
///
/// # Errors
/// [`JournalError::Corrupt`] with the first line that does not fit.
pub fn parse(path: &Path, bytes: &[u8]) -> Result<Reading, JournalError> {
    let mut reading = Reading {
        records: Vec::new(),
        head: GENESIS.to_owned(),
        torn: None,
        complete_bytes: 0,
    };
    let mut rest = bytes;
    while !rest.is_empty() {
        let line_number = reading.records.len() as u64 + 1;
        let (line, after) = match rest.iter().position(|byte| *byte == b'\n') {
            // A line that ends the file may hold zeros where the machine lost power between two of its blocks. JSON
            // never holds a zero byte, so this cannot be a record.
            Some(end) if end + 1 < rest.len() || !rest.contains(&0) => (&rest[..end], &rest[end + 1..]),
            _ => {
                if holds_a_record(rest) {
                    let what = "a record and something behind it that no torn write leaves".to_owned();
                    return Err(JournalError::Corrupt {
                        path: path.to_path_buf(),
                        line: line_number,
                        what,
                    });
                }
                reading.torn = Some(TornTail {
                    line: line_number,
                    bytes: rest.to_vec(),
                });
                break;
            }
        };
        let record = verify(line, line_number, &reading).map_err(|what| JournalError::Corrupt {
            path: path.to_path_buf(),
            line: line_number,
            what,
        })?;
        reading.head = sha256::hex(line);
        reading.complete_bytes += line.len() as u64 + 1;
        reading.records.push(record);
        rest = after;
    }
    Ok(reading)
}

fn verify(line: &[u8], number: u64, before: &Reading) -> Result<Record, String> {
    let body = body_of(line).ok_or("its bytes do not have the sum that the line states")?;
    // `body` lacks the closing brace that `sum` came before.
    let mut text = body.to_vec();
    text.push(b'}');
    let record: Record = serde_json::from_slice(&text).map_err(|error| format!("not a record: {error}"))?;
    if record.prev != before.head {
        return Err(format!(
            "it does not follow line {}: prev is {}",
            number - 1,
            record.prev
        ));
    }
    if record.seq != number {
        return Err(format!("seq is {}, {number} was expected", record.seq));
    }
    if before
        .records
        .first()
        .is_some_and(|first| first.run != record.run)
    {
        return Err(format!("it belongs to another run: {}", record.run));
    }
    Ok(record)
}

/// Whether a tail begins with a whole record and goes on behind it. A torn write is a beginning of one record.
fn holds_a_record(tail: &[u8]) -> bool {
    let ends =
        (0..tail.len().saturating_sub(SUM_CLOSE.len())).filter(|at| tail[*at..].starts_with(SUM_CLOSE));
    ends.map(|at| &tail[..at + SUM_CLOSE.len()])
        .any(|record| body_of(record).is_some())
}

/// The part of a line that its sum covers, if the sum is right.
fn body_of(line: &[u8]) -> Option<&[u8]> {
    let (body, tail) = line.split_at_checked(line.len().checked_sub(SUM_LEN)?)?;
    let sum = tail.strip_prefix(SUM_OPEN)?.strip_suffix(SUM_CLOSE)?;
    (sum == sha256::hex(body).as_bytes()).then_some(body)
}

/// The line of a record, without its line feed.
pub(super) fn line_of(record: &Record) -> Vec<u8> {
    // Plain structs with string keys, into memory: cannot fail.
    let mut line = serde_json::to_vec(record).expect("a record is plain data with string keys");
    line.pop(); // the closing brace comes back behind the sum
    let sum = sha256::hex(&line);
    line.extend_from_slice(SUM_OPEN);
    line.extend_from_slice(sum.as_bytes());
    line.extend_from_slice(SUM_CLOSE);
    line
}
