//! What can go wrong, said with the path and with what to do next.

use std::io;
use std::path::PathBuf;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a backup could not be written, opened, found or copied.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The folder that holds the backups cannot be written to.
    #[error(
        "cannot create a backup in {path}: {source}. See that the folder exists, that its disk is mounted and has \
         room, and that this account may write there; or set another backup folder"
    )]
    Root {
        /// The folder that was tried.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// An operation on a file failed.
    #[error("cannot {doing} {path}: {source}")]
    Io {
        /// A verb, such as `read` or `write`.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A service name, stamp, extension … that the format does not allow.
    #[error("{what} {value:?} is not allowed: {rule}")]
    Name {
        /// What was named.
        what: &'static str,
        /// The value.
        value: String,
        /// What is allowed.
        rule: &'static str,
    },
    /// The writer was used wrongly, so the set would not be whole.
    #[error("the backup {name} cannot be finished: {why}. It stays incomplete; make it anew")]
    Unfinished {
        /// The backup's name.
        name: String,
        /// What is missing or does not add up.
        why: String,
    },
    /// The folder is what an interrupted backup or copy leaves.
    #[error(
        "incomplete backup {path}: {why}. It was interrupted while it was written and cannot be restored; use another \
         one, and delete this one"
    )]
    Incomplete {
        /// The folder.
        path: PathBuf,
        /// How one sees it.
        why: String,
    },
    /// No backup at all.
    #[error(
        "{path} is no backup: it holds neither SHA256SUMS nor manifest.json nor restore.sh. Name the folder of one backup; if \
         one lay here, use a replica, and move this folder away"
    )]
    NoBackup {
        /// The folder.
        path: PathBuf,
    },
    /// Written by a newer program.
    #[error("{path} has backup format {found}; this program knows up to {known}. Use a newer one to read it")]
    NewerFormat {
        /// The folder.
        path: PathBuf,
        /// The format number in it.
        found: u64,
        /// The highest number that this crate knows.
        known: u64,
    },
    /// Needs something this crate does not know.
    #[error("{path} needs {what:?}, which this program does not know. Use a newer one to read it")]
    Unknown {
        /// The folder.
        path: PathBuf,
        /// The kind or feature.
        what: String,
    },
    /// A file of the set is not what it has to be.
    #[error("the backup {path} is damaged: {file}: {what}. Use a replica or another backup")]
    Damaged {
        /// The folder.
        path: PathBuf,
        /// The file in it.
        file: String,
        /// What is wrong with it.
        what: String,
    },
    /// What was given as a recipient is none; its text is not repeated.
    #[error("a recipient of the encryption cannot be used: {why}")]
    Recipient {
        /// What is wrong, and what to give instead.
        why: &'static str,
    },
    /// What was given as a key file is none; its text is not repeated.
    #[error("the key file cannot be used{}: {why}", if *line == 0 { String::new() } else { format!(", line {line}") })]
    Identity {
        /// The line, from 1; 0 where it is about the whole file.
        line: usize,
        /// What is wrong, and what to give instead.
        why: &'static str,
    },
    /// Encrypted, and no key was given that opens it.
    #[error(
        "{file} of {path} is encrypted{}. Give the file with the secret key of one of its recipients ({}): --identity FILE",
        if *keys == 0 { String::new() } else { format!(", and none of the {keys} keys given opens it") },
        recipients.join(", ")
    )]
    Locked {
        /// The folder.
        path: PathBuf,
        /// The file that was to be read.
        file: String,
        /// Public keys that it was encrypted to.
        recipients: Vec<String>,
        /// How many keys were given, and did not fit.
        keys: usize,
    },
    /// Nothing of that name.
    #[error("no backup {which:?} of the service {service} in {root}{hint}")]
    NotFound {
        /// Where it was looked for.
        root: PathBuf,
        /// The service.
        service: String,
        /// What was asked for.
        which: String,
        /// What there is instead; begins with a colon, or empty.
        hint: String,
    },
    /// A complete backup of that name is there already and differs.
    #[error(
        "{path} exists already and {why}. It was left alone; copy to another folder, or move that one away"
    )]
    Exists {
        /// The folder that is there.
        path: PathBuf,
        /// How it differs.
        why: String,
    },
    /// The replica that is there already is this backup, and damaged.
    #[error(
        "{path} exists already and is a damaged replica: {why}. It was left alone; move it away there, then copy again"
    )]
    Spoiled {
        /// The replica.
        path: PathBuf,
        /// Its damage.
        why: String,
    },
    /// What is to be written does not fit; nothing was written.
    #[error(
        "{path} has {free} bytes free, and {needed} are needed: nothing was written. Make room there, or name another place"
    )]
    NoRoom {
        /// The place.
        path: PathBuf,
        /// Bytes that are free for this account.
        free: u64,
        /// Bytes that would be written.
        needed: u64,
    },
    /// Another process writes or copies it at this moment.
    #[error("another process is at work on {path}. Wait until it has finished")]
    Busy {
        /// The folder.
        path: PathBuf,
    },
    /// Somebody reads the backup that was to be deleted.
    #[error("{path} is being read by another process, and was not deleted. Wait until that has finished")]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// A proof with another digest than the backup's.
    #[error(
        "the digest {found} is not that of the backup {name} ({expected}): not recorded as proven. Do not rely on this \
         backup before the difference is explained"
    )]
    Disproved {
        /// The backup's name.
        name: String,
        /// The digest in its manifest.
        expected: String,
        /// The digest that was found.
        found: String,
    },
}

impl Error {
    /// For `map_err`: names the file and what was being done with it.
    pub(crate) fn io(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { doing, path, source }
    }
}
