//! Re-reads a backup whole and finds all damage.

mod examination;

use std::fmt;
use std::path::Path;

use crate::error::{Error, Result};
use crate::name::SUMS;
use crate::reader::read_sums;

use examination::Examination;

/// What was read and found whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Files read, `SHA256SUMS` included.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Rows in their chunks, as the manifest counts them.
    pub rows: u64,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Damage {
    /// The file, relative to the backup.
    pub file: String,
    /// What is wrong with it.
    pub what: String,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.what)
    }
}

/// Why a backup is not verified.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// All damage that was found, sorted by file; never empty.
    #[error("{}", list(.0))]
    Damaged(Vec<Damage>),
    /// It could not be examined: not there, incomplete, or of a newer format.
    #[error(transparent)]
    Open(#[from] Error),
}

fn list(damages: &[Damage]) -> String {
    let lines: String = damages.iter().map(|damage| format!("\n  {damage}")).collect();
    format!(
        "the backup is damaged in {} places; use a replica or another backup:{lines}",
        damages.len()
    )
}

/// Reads every byte of every file of the folder, decompresses every chunk, and compares all with `SHA256SUMS` and the
/// manifest. Works on folders that are too damaged for [`crate::Backup::open`].
///
/// Reading goes through the operating system's cache, which is not dropped: right after writing this proves what was
/// written, later what the disk has kept. `progress` is told bytes done and bytes in all.
pub fn verify(path: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<Verified, VerifyError> {
    let path = std::path::absolute(path).map_err(Error::io("find", path))?;
    let sums_text = match read_sums(&path) {
        Err(Error::Io {
            path: file, source, ..
        }) if file.ends_with(SUMS) => {
            return Err(VerifyError::Damaged(vec![damage(
                SUMS,
                format!("it cannot be read: {source}"),
            )]));
        }
        other => other?,
    };
    let mut examination = Examination::new(&path, &sums_text)?;
    let total = examination.sizes.values().sum();
    let mut done = examination.sizes.get(SUMS).copied().unwrap_or(0);
    progress(done, total);
    for file in examination
        .sizes
        .keys()
        .filter(|file| *file != SUMS)
        .cloned()
        .collect::<Vec<_>>()
    {
        examination.file(&file, &mut |read| {
            done += read;
            progress(done, total);
        });
    }
    let Examination {
        mut damages,
        sizes,
        manifest,
        ..
    } = examination;
    if damages.is_empty() {
        let rows = manifest.map_or(0, |manifest| manifest.totals.rows);
        return Ok(Verified {
            files: sizes.len() as u64,
            bytes: total,
            rows,
        });
    }
    damages.sort();
    damages.dedup();
    Err(VerifyError::Damaged(damages))
}

fn damage(file: &str, what: String) -> Damage {
    Damage {
        file: file.into(),
        what,
    }
}
