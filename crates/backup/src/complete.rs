//! Whether a folder is a complete backup: its name and two of its files tell.

use std::path::Path;

use crate::error::{Error, Result};
use crate::name::{MANIFEST, RESTORE, SUMS, without_partial};

/// How the place where a folder lies gives it its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// When the folder is whole, as the last step: what has the name and lacks a file has lost it.
    AtTheEnd,
    /// From its first file on: only `SHA256SUMS`, written last, tells a backup from the beginning of one.
    FromTheStart,
}

/// Refuses what is no complete backup, and says which of these it is: interrupted while it was written, damaged, or never
/// one. `has` tells whether the folder has a file.
pub(crate) fn must_be(path: &Path, named: Named, mut has: impl FnMut(&str) -> Result<bool>) -> Result<()> {
    let incomplete = |why: &str| Error::Incomplete {
        path: path.into(),
        why: why.into(),
    };
    let name = path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    if without_partial(name).is_some() {
        return Err(incomplete(
            "it still has the name of a folder that is being written",
        ));
    }
    let missing = match (has(SUMS)?, has(MANIFEST)?) {
        (true, true) => return Ok(()),
        (false, _) if named == Named::FromTheStart => {
            return Err(incomplete("it has no SHA256SUMS, which is written last"));
        }
        (false, false) if !has(RESTORE)? => return Err(Error::NoBackup { path: path.into() }),
        (false, _) => SUMS,
        (true, false) => MANIFEST,
    };
    Err(Error::Damaged {
        path: path.into(),
        file: missing.into(),
        what: "the file is missing".into(),
    })
}
