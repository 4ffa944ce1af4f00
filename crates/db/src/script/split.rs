//! Cuts a stream into statements, as the stock clients do, holding one statement at a time.
//!
//! MySQL and MariaDB: `;` ends a statement outside strings, quoted names and comments, until a `DELIMITER` line names
//! another end. Inside a conditional comment nothing ends a statement, so that no half of one is ever sent.
//! SQLite: `;`, and for a trigger the `;` after its `END`.

mod scan;

use std::io::{self, Read};
use std::mem;

use super::syntax::Syntax;
use scan::{Ends, Scan, Step};

/// Statements longer than this are refused unless told otherwise.
pub const LONGEST: usize = 1 << 30;
/// Bytes asked of the reader at once.
const BLOCK: usize = 256 << 10;

/// One statement of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Its bytes from the first that is no blank and no plain comment up to its end, which is left out.
    pub text: Vec<u8>,
    /// Line of the first byte, from 1.
    pub line: u64,
    /// Place of the first byte in the stream.
    pub offset: u64,
    /// The stream ended the statement properly. Only the last one can lack its end.
    pub terminated: bool,
    /// The stream ended inside a string, quoted name or comment of the statement.
    pub open: bool,
}

/// The stream cannot be cut any further.
#[derive(Debug, thiserror::Error)]
pub enum SplitError {
    /// It cannot be read.
    #[error("reading failed after {offset} bytes (line {line}): {source}")]
    Read {
        /// Bytes read before.
        offset: u64,
        /// Line reached.
        line: u64,
        /// Why.
        source: io::Error,
    },
    /// A statement is longer than allowed.
    #[error(
        "the statement on line {line} is longer than {limit} bytes; if it is really one statement, allow longer ones"
    )]
    TooLong {
        /// Line of its first byte.
        line: u64,
        /// The limit.
        limit: usize,
    },
    /// A `DELIMITER` line without a usable delimiter.
    #[error("line {line}: DELIMITER needs a sign without backslashes after it")]
    Delimiter {
        /// Its line.
        line: u64,
    },
}

/// An iterator over the statements of a reader.
pub struct Splitter<R> {
    reader: R,
    syntax: Syntax,
    limit: usize,
    ends: Ends,
    /// Room for bytes, of which the first `filled` are the stream's.
    buffer: Vec<u8>,
    filled: usize,
    /// Start of the current statement in the buffer.
    start: usize,
    /// Place of the buffer's first byte in the stream.
    base: u64,
    /// Line of `start`.
    line: u64,
    ended: bool,
    /// Nothing follows an error.
    failed: bool,
    scan: Scan,
}

impl<R: Read> Splitter<R> {
    /// A splitter with the longest statement of [`LONGEST`] bytes.
    pub fn new(reader: R, syntax: Syntax) -> Splitter<R> {
        Splitter::with_limit(reader, syntax, LONGEST)
    }

    /// A splitter that refuses statements of more than `limit` bytes.
    pub fn with_limit(reader: R, syntax: Syntax, limit: usize) -> Splitter<R> {
        Splitter {
            reader,
            syntax,
            limit,
            ends: Ends::new(b";"),
            buffer: Vec::new(),
            filled: 0,
            start: 0,
            base: 0,
            line: 1,
            ended: false,
            failed: false,
            scan: Scan::default(),
        }
    }

    /// The rules for the statements that follow, as after a `SET sql_mode` that was just read.
    pub fn set_syntax(&mut self, syntax: Syntax) {
        self.syntax = syntax;
    }

    /// Bytes taken from the reader.
    pub fn bytes(&self) -> u64 {
        self.base + self.filled as u64
    }

    /// Lines passed so far.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// The reader.
    pub fn reader(&self) -> &R {
        &self.reader
    }

    /// The next statement, none at the end of the stream or after an error.
    pub fn next_statement(&mut self) -> Result<Option<Statement>, SplitError> {
        if self.failed {
            return Ok(None);
        }
        let next = self.cut();
        self.failed = next.is_err();
        next
    }

    fn cut(&mut self) -> Result<Option<Statement>, SplitError> {
        loop {
            match self.scan.step(
                &self.buffer[self.start..self.filled],
                self.ended,
                self.syntax,
                &self.ends,
            ) {
                Step::More => self.fill()?,
                Step::Skip(length) => self.advance(length),
                Step::Delimiter { line, length } => {
                    let delimiter = scan::delimiter(line).ok_or(SplitError::Delimiter { line: self.line })?;
                    self.ends = Ends::new(delimiter);
                    self.advance(length);
                }
                // Whatever the pieces in which the stream came, the same statements are too long.
                Step::Statement { length, .. } | Step::Rest { length, .. } if length > self.limit => {
                    return Err(self.too_long());
                }
                Step::Statement { length, end } => {
                    let statement = self.statement(length, true, false);
                    self.advance(length + end);
                    return Ok(Some(statement));
                }
                Step::Rest { length: 0, .. } => return Ok(None),
                Step::Rest { length, open } => {
                    let statement = self.statement(length, false, open);
                    self.advance(self.filled - self.start);
                    return Ok(Some(statement));
                }
            }
        }
    }

    fn too_long(&self) -> SplitError {
        SplitError::TooLong {
            line: self.line,
            limit: self.limit,
        }
    }

    fn statement(&self, length: usize, terminated: bool, open: bool) -> Statement {
        Statement {
            text: self.buffer[self.start..self.start + length].to_vec(),
            line: self.line,
            offset: self.base + self.start as u64,
            terminated,
            open,
        }
    }

    /// Leaves `length` bytes behind.
    fn advance(&mut self, length: usize) {
        let passed = &self.buffer[self.start..self.start + length];
        self.line += memchr::memchr_iter(b'\n', passed).count() as u64;
        self.start += length;
        self.scan = Scan::default();
    }

    fn fill(&mut self) -> Result<(), SplitError> {
        if self.start > 0 {
            self.base += self.start as u64;
            self.buffer.copy_within(self.start..self.filled, 0);
            self.filled -= mem::take(&mut self.start);
        }
        // The block is for what stands behind a statement, its delimiter foremost, which is not part of its length.
        if self.filled > self.limit.saturating_add(BLOCK) {
            return Err(self.too_long());
        }
        if self.buffer.len() < self.filled + BLOCK {
            // Room grows with a long statement, so that it is not copied over and over.
            self.buffer.resize(self.filled + BLOCK.max(self.filled / 2), 0);
        }
        let read = loop {
            match self.reader.read(&mut self.buffer[self.filled..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        match read {
            Ok(count) => {
                self.filled += count;
                self.ended = count == 0;
                Ok(())
            }
            Err(source) => {
                let passed = memchr::memchr_iter(b'\n', &self.buffer[..self.filled]).count() as u64;
                Err(SplitError::Read {
                    offset: self.bytes(),
                    line: self.line + passed,
                    source,
                })
            }
        }
    }
}

impl<R: Read> Iterator for Splitter<R> {
    type Item = Result<Statement, SplitError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_statement().transpose()
    }
}
