//! The backups of a service in a folder: list and find.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::files::is_left;
use crate::manifest::{Manifest, Totals};
use crate::name::{BackupName, partial_of, without_partial};
use crate::proof::{Proof, Proven};
use crate::reader::Backup;

/// A folder that is, or was to become, a backup of the service.
#[derive(Debug)]
pub struct Entry {
    /// The backup's name, without the marks of a folder being written.
    pub name: BackupName,
    /// The folder.
    pub path: PathBuf,
    /// What it is.
    pub state: State,
}

/// What a listed folder is.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "a list has few, and nearly all are complete"
)]
pub enum State {
    /// Complete; its manifest is coherent. Whether its files are whole only verifying tells.
    Complete(Summary),
    /// Left by an interrupted backup or copy, or being written now.
    Incomplete {
        /// How one sees it.
        why: String,
    },
    /// Complete, but it cannot be read.
    Unreadable {
        /// Damaged, newer, or not permitted.
        why: String,
    },
}

/// What a list shows of a complete backup.
#[derive(Debug)]
pub struct Summary {
    /// SHA-256 of its manifest.
    pub id: String,
    /// RFC 3339, UTC.
    pub created_at: String,
    /// Content digest.
    pub digest: String,
    /// Schema name or file that it is a backup of.
    pub database: String,
    /// What a reader has to understand beyond version 1, such as `age` where it is encrypted.
    pub features: Vec<String>,
    /// Rows and bytes.
    pub totals: Totals,
    /// When it was last proven.
    pub last_proof: Option<Proof>,
    /// When it was last proven by a restore.
    pub last_restore: Option<Proof>,
}

impl Summary {
    /// `proofs` are in the order of their time.
    pub(crate) fn of(manifest: &Manifest, id: String, proofs: &[Proof]) -> Self {
        let mut newest = proofs.iter().rev();
        Self {
            id,
            created_at: manifest.created_at.clone(),
            digest: manifest.digest.clone(),
            database: manifest.source.database.clone(),
            features: manifest.features.clone(),
            totals: manifest.totals,
            last_proof: proofs.last().cloned(),
            last_restore: newest.find(|proof| proof.how == Proven::Restore).cloned(),
        }
    }
}

impl Entry {
    /// Whether it can be opened.
    pub fn is_complete(&self) -> bool {
        matches!(self.state, State::Complete(_))
    }
}

/// Backups of the service under `root`, newest first (by stamp, then number). A root that does not exist has none.
pub fn list(root: &Path, service: &str) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for (name, path) in folders(root, service)? {
        let state = match Backup::open(&path).and_then(|backup| Ok((backup.proofs()?, backup))) {
            Ok((proofs, backup)) => {
                State::Complete(Summary::of(backup.manifest(), backup.id().into(), &proofs))
            }
            Err(Error::Incomplete { why, .. }) => State::Incomplete { why },
            Err(error) => State::Unreadable {
                why: error.to_string(),
            },
        };
        entries.push(Entry { name, path, state });
    }
    Ok(entries)
}

/// Removes what dead writers left behind: folders still called partial that nobody holds; where the file
/// system has no locks nobody can tell, and they stay. Returns their paths.
pub fn remove_remains(root: &Path, service: &str) -> Result<Vec<PathBuf>> {
    let mut removed = Vec::new();
    for (name, path) in folders(root, service)? {
        if path
            .file_name()
            .is_none_or(|file| file != partial_of(&name.to_string()).as_str())
        {
            continue;
        }
        let Some(_lock) = is_left(&path)? else { continue };
        fs::remove_dir_all(&path).map_err(Error::io("remove", &path))?;
        removed.push(path);
    }
    Ok(removed)
}

/// `latest` (newest complete one), a name under `root`, or a path to a folder.
///
/// `latest` passes over incomplete folders, but not over a complete one that cannot be read: that is an error, lest an
/// older state be taken for the newest.
pub fn find(root: &Path, service: &str, which: &str) -> Result<Backup> {
    let not_found = |hint: String| Error::NotFound {
        root: root.into(),
        service: service.into(),
        which: which.into(),
        hint,
    };
    if which == "latest" {
        for (_, path) in folders(root, service)? {
            match Backup::open(&path) {
                Err(Error::Incomplete { .. }) => {}
                other => return other,
            }
        }
        return Err(not_found(": there is no complete one yet".into()));
    }
    if which.contains('/') || which == "." || which == ".." {
        return Backup::open(Path::new(which));
    }
    // The partial folder gives the better answer: interrupted, rather than not there.
    let candidates = [root.join(which), root.join(partial_of(which))];
    if let Some(path) = candidates.iter().find(|path| !which.is_empty() && path.is_dir()) {
        return Backup::open(path);
    }
    let newest = folders(root, service)?
        .into_iter()
        .find(|(_, path)| Backup::open(path).is_ok());
    Err(not_found(newest.map_or_else(
        || ": there is none at all".into(),
        |(name, _)| format!("; the newest is {name}"),
    )))
}

/// Every folder with a name of the service, being written or not, newest first.
fn folders(root: &Path, service: &str) -> Result<Vec<(BackupName, PathBuf)>> {
    let entries = match fs::read_dir(root) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Error::io("list the backups in", root)(error)),
    };
    let mut folders = Vec::new();
    for entry in entries {
        let entry = entry.map_err(Error::io("list the backups in", root))?;
        let file_name = entry.file_name();
        let Some(folder) = file_name.to_str() else {
            continue;
        };
        let Some(name) = BackupName::parse(service, without_partial(folder).unwrap_or(folder)) else {
            continue;
        };
        if entry.path().is_dir() {
            folders.push((name, entry.path()));
        }
    }
    folders.sort_by(|(a, a_path), (b, b_path)| {
        (b.stamp(), b.number(), b_path).cmp(&(a.stamp(), a.number(), a_path))
    });
    Ok(folders)
}
