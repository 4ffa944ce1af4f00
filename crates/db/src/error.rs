//! What can go wrong at a database, with what to do next.

use crate::marks::UNFINISHED;

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// A failure: what failed, on what, and (where there is something to type) what to do next.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address cannot be understood. The text never holds a password.
    #[error("{0}")]
    Address(String),
    /// No connection.
    #[error("cannot reach {target}: {source_text}")]
    Connect { target: String, source_text: String },
    /// A connection that was good is no more: cut, silent for too long, or ended by the server.
    #[error("the connection to {target} was lost during `{during} …`: {why}")]
    Lost {
        target: String,
        during: String,
        why: String,
    },
    /// The server refused or failed a statement.
    #[error("{what}: {message} (server error {number})")]
    Server {
        what: String,
        number: u32,
        message: String,
    },
    /// SQLite refused or failed a statement.
    #[error("{what}: {message}")]
    Sqlite {
        what: String,
        code: i32,
        message: String,
    },
    /// The schema holds what this release cannot carry exactly; every item at once, as `table.column: type`.
    #[error("cannot be carried exactly: {}", .0.join("; "))]
    Unsupported(Vec<String>),
    /// A server flavour that has never run the conformance suite.
    #[error("{0}")]
    Untested(String),
    /// Something is not as it must be before going on.
    #[error("{message}")]
    Refused { message: String, hint: String },
    /// Content differs from what was promised.
    #[error("{0}")]
    Differs(String),
    /// Whoever listened to its progress stopped it. What it had begun is as after any other failure.
    #[error("interrupted")]
    Interrupted,
    /// Reading or writing a stream that the caller handed in.
    #[error("{what}: {message}")]
    Io { what: String, message: String },
}

const FULL: &str =
    "the server's disk is full: make room in its data folder (df -h), then give the same command again";

impl Error {
    /// What to type or do next, where that is known.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Error::Refused { hint, .. } if !hint.is_empty() => Some(hint),
            Error::Connect { target, .. } if target.starts_with("sqlite:") => Some(
                "check that the file is there, that it is an SQLite database, and that this account may write to it",
            ),
            Error::Connect { .. } => Some("check host, port, user and password, and that the server runs"),
            Error::Lost { .. } => Some(
                "see that the server runs and that the way to it is up, then give the same command again: it starts anew or \
                 goes on, as it says",
            ),
            // A table that cannot grow; a file that cannot: the system's 28, and InnoDB's 135.
            Error::Server { number, message, .. }
                if matches!(number, 1114 | 1021)
                    || ["No space left on device", "errno: 28 ", "errno: 135 "]
                        .iter()
                        .any(|full| message.contains(full)) =>
            {
                Some(FULL)
            }
            Error::Server { number: 1205, .. } => Some(
                "another session holds a lock there, or is changing that table's definition: SHOW PROCESSLIST tells who. When it \
                 is done, give the same command again",
            ),
            // Of a full disk too it says no more than that.
            Error::Server { number: 1180, .. } => Some(
                "the server could not commit: see that its disk has room (df -h) and what its error log says, then give the same \
                 command again",
            ),
            Error::Server { number: 1412, .. } => Some(
                "another session has changed or emptied that table (ALTER, TRUNCATE, a migration) since this one began to \
                 read; SHOW PROCESSLIST tells who is at it. When it is done, give the same command again",
            ),
            // The lower bits are SQLite's result; the higher ones tell more.
            Error::Sqlite { code, .. } => sqlite_hint(code & 0xff),
            Error::Interrupted => Some("give the same command again: it starts anew or goes on, as it says"),
            Error::Untested(_) => Some("add --accept-untested to go on all the same"),
            Error::Unsupported(found) if found.iter().any(|item| item.ends_with(UNFINISHED)) => Some(
                "give the same restore again: that of a backup goes on where it stopped, that of an SQL dump begins anew with --replace --yes; or drop the whole schema. Dropping that table alone \
                 would make half a restore look like a database",
            ),
            Error::Unsupported(_) => {
                Some("drop or convert what is named, or leave this database to another tool for now")
            }
            _ => None,
        }
    }

    /// A stable word for machines.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Address(_) => "address",
            Error::Connect { .. } | Error::Lost { .. } => "unreachable",
            Error::Server { .. } | Error::Sqlite { .. } => "database",
            Error::Unsupported(_) => "unsupported",
            Error::Untested(_) => "untested",
            Error::Refused { .. } => "refused",
            Error::Differs(_) => "verification_failed",
            Error::Interrupted => "interrupted",
            Error::Io { .. } => "io",
        }
    }

    pub fn refused(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Error::Refused {
            message: message.into(),
            hint: hint.into(),
        }
    }

    pub fn io(what: impl Into<String>, error: impl std::fmt::Display) -> Self {
        Error::Io {
            what: what.into(),
            message: error.to_string(),
        }
    }
}

fn sqlite_hint(result: i32) -> Option<&'static str> {
    match result {
        // BUSY, LOCKED
        5 | 6 => Some(
            "another process is writing to the file (`fuser FILE` names it): stop it or wait, then give the same command again",
        ),
        // READONLY, CANTOPEN
        8 | 14 => Some("see that this account may write to the file and to its folder"),
        // IOERR
        10 => {
            Some("see the disk that holds the file: its room (df -h), and what the system says of it (dmesg)")
        }
        // CORRUPT, NOTADB
        11 | 26 => Some(
            "the file is damaged or no SQLite database: `ventana backup list` shows what could be restored",
        ),
        // FULL
        13 => {
            Some("the disk that holds the file is full: make room (df -h), then give the same command again")
        }
        _ => None,
    }
}
