//! SQL dumps made by others: checked whole before anything is sent, then sent into another schema.
//!
//! [`DumpFile::check`] reads the file to its end and answers whether it is complete, what it holds, and whether any
//! statement would write elsewhere than into the one schema that it is restored into. Only then
//! [`DumpFile::statements`] yields what to send; it judges each statement once more by the same rules, so a file
//! that was changed in between stops there.
//!
//! `USE`, `CREATE DATABASE` and `DROP DATABASE` of the dumped database are left out, names qualified by it are
//! rewritten, and events are created disabled. Everything that is not known to be harmless is refused.

mod actions;
mod check;
mod error;
mod judge;
mod options;
mod part;
mod plain;
mod rewrite;
mod session;
mod source;
mod utf8;

use std::path::{Path, PathBuf};

pub use actions::{Action, Actions, Outgoing};
pub use check::{Database, Facts, Progress, Rows, Seen};
pub use error::{DumpError, NAMELESS, Refusal};
pub use options::{CheckOptions, Definer, Events, Policy};
pub use part::{Part, Reason};
pub use source::Compression;

/// A dump file, plain or compressed, told apart by its first bytes.
#[derive(Clone, Debug)]
pub struct DumpFile {
    path: PathBuf,
    compression: Compression,
    size: u64,
}

impl DumpFile {
    /// Opens the file and looks at its first bytes.
    pub fn open(path: impl AsRef<Path>) -> Result<DumpFile, DumpError> {
        let path = path.as_ref().to_path_buf();
        let (compression, size) = source::probe(&path)?;
        Ok(DumpFile {
            path,
            compression,
            size,
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How it is compressed.
    pub fn compression(&self) -> Compression {
        self.compression
    }

    /// Its size on disk, in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Reads the whole file once and refuses it unless it can be restored into one schema. Nothing is sent.
    pub fn check(
        &self,
        options: &CheckOptions,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Facts, DumpError> {
        check::check(self, options, progress)
    }

    /// What to send, in order. `facts` come from [`DumpFile::check`] with the same `options`.
    pub fn statements(
        &self,
        facts: &Facts,
        options: &CheckOptions,
        policy: &Policy,
    ) -> Result<Actions, DumpError> {
        Actions::new(self, facts, options, policy)
    }
}
