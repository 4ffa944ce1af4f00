//! Re-reads a backup whole and finds all damage.

mod content;
mod examination;
mod folder;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use crate::encryption::Identities;
use crate::error::{Error, Result};
use crate::name::SUMS;
use crate::sums::read_sums;

use examination::Examination;

/// Files read at once: reading and hashing keep one core busy each, and the host has other work.
const THREADS: usize = 2;

/// What was read and found whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Files read, `SHA256SUMS` included.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Rows in their chunks, as the manifest counts them.
    pub rows: u64,
    /// Whether the contents were checked too, and not the stored files alone: false of a replica that is read where it lies,
    /// and where the backup is encrypted and no keys were given.
    pub contents: bool,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Damage {
    /// The file, relative to the backup.
    pub file: String,
    /// What is wrong with it.
    pub what: String,
    /// Whose rows are in it, where it is a chunk that the manifest lists.
    pub chunk: Option<ChunkPlace>,
}

/// A chunk's place in the backup.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChunkPlace {
    /// The table.
    pub table: String,
    /// Which of its chunks, from 1.
    pub number: usize,
    /// How many it has.
    pub of: usize,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.file, self.what)?;
        match &self.chunk {
            Some(ChunkPlace { table, number, of }) => {
                write!(f, " (table {table:?}, chunk {number} of {of})")
            }
            None => Ok(()),
        }
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

/// How the damage begins that a file is which nobody listed.
pub(crate) const STRAY: &str = "it is not part of the backup";

fn list(damages: &[Damage]) -> String {
    let lines: String = damages.iter().map(|damage| format!("\n  {damage}")).collect();
    let places = match damages.len() {
        1 => "one place".to_owned(),
        count => format!("{count} places"),
    };
    // All of its own may be sound: whoever put something there can take it away.
    let next = match damages.iter().all(|damage| damage.what.starts_with(STRAY)) {
        true => "move away what is not its own, then verify it again",
        false => "use a replica or another backup",
    };
    format!("the backup is damaged in {places}; {next}:{lines}")
}

/// Verifies a folder without keys, two files at a time; see [`Verification`].
pub fn verify(path: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<Verified, VerifyError> {
    Verification::of(path).run(progress)
}

/// A verification: reads every byte of every file of the folder, decompresses every chunk, and compares all with
/// `SHA256SUMS` and the manifest. Works on folders that are too damaged for [`crate::Backup::open`].
///
/// Of an encrypted backup the stored files are compared, which needs no key and finds all damage to them; with keys
/// everything is decrypted and the contents are compared as well.
///
/// Reading goes through the operating system's cache, which is not dropped: right after writing this proves what was
/// written, later what the disk has kept.
#[derive(Clone, Debug)]
pub struct Verification {
    path: PathBuf,
    identities: Option<Identities>,
    threads: usize,
    just_written: bool,
}

impl Verification {
    /// Of this folder, without keys.
    pub fn of(path: &Path) -> Self {
        Self {
            path: path.into(),
            identities: None,
            threads: THREADS,
            just_written: false,
        }
    }

    /// Gives the keys to an encrypted backup's contents. Keys that do not open it are an error.
    pub fn identities(mut self, identities: &Identities) -> Self {
        self.identities = Some(identities.clone());
        self
    }

    /// How many files are read at once; each takes a core, and memory for one block of a chunk.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }

    /// For who wrote the folder a moment ago: chunks are decompressed and their lengths and the checksums of their frames
    /// compared, but the SHA-256 of their contents is not taken again. It was taken then, of the bytes that went into the
    /// frame; who reads the chunk later takes it.
    pub fn just_written(mut self) -> Self {
        self.just_written = true;
        self
    }

    /// Reads everything. `progress` is told bytes done and bytes in all, on the caller's thread.
    pub fn run(self, progress: &mut dyn FnMut(u64, u64)) -> Result<Verified, VerifyError> {
        let path = std::path::absolute(&self.path).map_err(Error::io("find", &self.path))?;
        let (sums_text, _shared) = match read_sums(&path) {
            Err(Error::Io {
                path: file, source, ..
            }) if file.ends_with(SUMS) => {
                let what = format!("it cannot be read: {source}");
                return Err(VerifyError::Damaged(vec![damage(SUMS, what)]));
            }
            other => other?,
        };
        let mut examination =
            Examination::new(&path, &sums_text, self.identities.as_ref(), self.just_written)?;
        let total = examination.sizes.values().sum();
        let mut done = examination.sizes.get(SUMS).copied().unwrap_or(0);
        progress(done, total);
        let mut found = examine(&examination, self.threads, &mut |read| {
            done = total.min(done + read);
            progress(done, total);
        });
        let mut damages = std::mem::take(&mut examination.damages);
        damages.append(&mut found);
        if damages.is_empty() {
            return Ok(Verified {
                files: examination.sizes.len() as u64,
                bytes: total,
                rows: examination.rows(),
                contents: examination.reads_contents(),
            });
        }
        damages.sort();
        damages.dedup();
        Err(VerifyError::Damaged(damages))
    }
}

/// Reads all files but `SHA256SUMS`, which was read already, and tells what is wrong with them, in no order.
fn examine(examination: &Examination<'_>, threads: usize, read: &mut dyn FnMut(u64)) -> Vec<Damage> {
    let files: Vec<&String> = examination.sizes.keys().filter(|file| *file != SUMS).collect();
    let next = AtomicUsize::new(0);
    let (tell, told) = mpsc::channel();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.min(files.len()))
            .map(|_| {
                let (tell, next, files) = (tell.clone(), &next, &files);
                scope.spawn(move || {
                    let mut damages = Vec::new();
                    while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                        // The receiver outlives the workers; were it gone, nobody would want to be told.
                        damages.append(&mut examination.file(file, &mut |bytes| {
                            let _ = tell.send(bytes);
                        }));
                    }
                    damages
                })
            })
            .collect();
        drop(tell);
        told.iter().for_each(read);
        let mut found = Vec::new();
        for worker in workers {
            match worker.join() {
                Ok(mut damages) => found.append(&mut damages),
                // Damage unseen would pass for none.
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        found
    })
}

fn damage(file: &str, what: String) -> Damage {
    Damage {
        file: file.into(),
        what,
        chunk: None,
    }
}
