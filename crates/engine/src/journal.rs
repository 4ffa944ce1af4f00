//! The journal: what a run did, one JSON line per record, hash-chained, durable before the next thing happens.
//!
//! See `docs/JOURNAL.md` for the format and for what it promises. In short: when [`Journal::append`] returns, the record
//! is on disk; a record that was being written when the machine died is a *torn tail*, and cutting it off is safe
//! because nothing was done on its strength; anything else that does not fit is corruption or tampering and is refused.

mod event;
mod reader;
mod writer;

pub use event::{Attachment, Event, Found, Mode};
pub use reader::{Reading, TornTail, parse, read};
pub use writer::{Hook, Journal, Killed};

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// `prev` of the first record.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// 1, 2, 3, …
    pub seq: u64,
    /// When it was appended (RFC 3339, UTC, milliseconds). For people and reports: no decision depends on it.
    pub at: Timestamp,
    /// SHA-256 (hex) of the previous line without its line feed; [`GENESIS`] for the first.
    pub prev: String,
    /// The run that this journal belongs to.
    pub run: String,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// Why a journal cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file system refused.
    #[error("journal {}: {doing}: {source}", path.display())]
    Io {
        /// The journal.
        path: PathBuf,
        /// What was being done.
        doing: &'static str,
        /// What the file system says.
        source: std::io::Error,
    },
    /// A complete line that is not what was written.
    #[error(
        "journal {}, line {line}: {what}; the journal was changed or damaged after it was written, and nothing after \
         line {} can be believed: keep the file, compare it with a copy (the report names its head hash), and find out \
         the state of the service by hand before anything else is run",
        path.display(), line - 1
    )]
    Corrupt {
        /// The journal.
        path: PathBuf,
        /// The first line that does not fit, from 1.
        line: u64,
        /// What does not fit.
        what: String,
    },
    /// Another process writes this journal.
    #[error("journal {}: another process is writing it; wait for it, or see `status`", path.display())]
    Busy {
        /// The journal.
        path: PathBuf,
    },
    /// There is no record in it, so there is no run to go on with.
    #[error("journal {}: it has no complete record, so this run never began; start a new run", path.display())]
    Empty {
        /// The journal.
        path: PathBuf,
    },
    /// An earlier append failed: what is on disk is unknown to this process.
    #[error(
        "journal {}: an earlier record could not be written, so this process may not go on; the state on disk is what \
         counts: run `resume`",
        path.display()
    )]
    Poisoned {
        /// The journal.
        path: PathBuf,
    },
    /// A [`Hook`] stopped the process here.
    #[error("stopped by a hook {place} record {seq}")]
    Killed {
        /// `before` or `after`.
        place: &'static str,
        /// The record.
        seq: u64,
    },
}

#[cfg(test)]
mod tests;
