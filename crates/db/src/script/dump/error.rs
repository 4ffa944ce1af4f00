//! Why a dump is not restored.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::script::split::SplitError;

/// A statement of a dump that is not sent anywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Its line in the uncompressed dump, from 1.
    pub line: u64,
    /// How it begins.
    pub statement: String,
    /// Why it is refused.
    pub why: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}: {}", self.line, self.statement, self.why)
    }
}

/// Stands among the names of a dump's databases for what comes before the first one that is named.
pub const NAMELESS: &str = "one without a name";

/// Why a dump is not restored.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// The file cannot be opened or read.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is something else than an SQL dump.
    #[error("{} is no SQL dump: {what}", path.display())]
    NotADump {
        /// The file.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// The compressed data is damaged.
    #[error("{}: the compressed data is damaged after {offset} bytes of text: {source}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Bytes of text read before.
        offset: u64,
        /// Why.
        source: io::Error,
    },
    /// It ends too early.
    #[error("{} was cut off: {how}. Nothing was sent", path.display())]
    CutOff {
        /// The file.
        path: PathBuf,
        /// How it ends.
        how: String,
    },
    /// The last line of a complete dump is missing.
    #[error(
        "{} does not end with the line `-- Dump completed` (it ends on line {line}), so it may have been cut off \
         between two statements. Nothing was sent; accept a dump without that line only if whatever made it writes none",
        path.display()
    )]
    NoTrailer {
        /// The file.
        path: PathBuf,
        /// Its last line.
        line: u64,
    },
    /// It holds several databases.
    #[error("{} holds several databases ({}): name the one to restore", path.display(), databases.join(", "))]
    Several {
        /// The file.
        path: PathBuf,
        /// Their names.
        databases: Vec<String>,
    },
    /// The database that was asked for is not in it.
    #[error("{} does not hold the database {only}; it {}", path.display(), match &databases[..] {
        [] => "names none".to_owned(),
        names => format!("holds {}", names.join(", ")),
    })]
    NotInDump {
        /// The file.
        path: PathBuf,
        /// The database that was asked for.
        only: String,
        /// Those in the dump.
        databases: Vec<String>,
    },
    /// Statements would write elsewhere, or are not understood.
    #[error("{}: {} refused; nothing was sent{}", path.display(), count(refusals.len() as u64 + more), listed(refusals, *more))]
    Refused {
        /// The file.
        path: PathBuf,
        /// The first of them.
        refusals: Vec<Refusal>,
        /// How many more there are.
        more: u64,
    },
    /// It cannot be cut into statements.
    #[error("{}: {source}", path.display())]
    Split {
        /// The file.
        path: PathBuf,
        /// Why.
        source: SplitError,
    },
}

fn count(refusals: u64) -> String {
    if refusals == 1 {
        "one statement is".to_owned()
    } else {
        format!("{refusals} statements are")
    }
}

fn listed(refusals: &[Refusal], more: u64) -> String {
    let mut text: String = refusals.iter().map(|refusal| format!("\n  {refusal}")).collect();
    if more > 0 {
        text.push_str(&format!("\n  and {more} more"));
    }
    text
}

impl DumpError {
    /// What a failure of the splitter means for the file.
    pub(super) fn from_split(path: PathBuf, error: SplitError) -> DumpError {
        match error {
            SplitError::Read { source, line, .. } if source.kind() == io::ErrorKind::UnexpectedEof => {
                DumpError::CutOff {
                    path,
                    how: format!("the compressed data ends in the middle of a frame (line {line})"),
                }
            }
            SplitError::Read { source, offset, .. } => DumpError::Damaged { path, offset, source },
            source => DumpError::Split { path, source },
        }
    }
}
