//! How a conversation with a server goes wrong.

use crate::Error;
use std::fmt;
use std::io;

/// What went wrong, and with it whether the connection may be used again.
#[derive(Debug)]
pub enum Fault {
    /// The server refused or failed a statement. The connection goes on.
    Server { number: u16, message: String },
    /// We did not do what was asked, by the server or by the caller. The connection goes on.
    Refused(String),
    /// The data that was to be loaded could not be read to its end. The connection goes on, and what was sent so far is in
    /// the open transaction, which must be rolled back.
    Data(String),
    /// The connection was cut, went silent, or said what cannot be understood. It is given up.
    Lost(String),
    /// A visitor did not go on in the middle of an answer. The connection is given up: to read the rest of the answer only to
    /// throw it away could take hours.
    Stopped(Error),
}

impl Fault {
    /// Whether the connection is given up.
    pub(super) fn is_last(&self) -> bool {
        matches!(self, Fault::Lost(_) | Fault::Stopped(_))
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Fault {
        Fault::Lost(error.to_string())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Server { number, message } => write!(f, "{message} (server error {number})"),
            Fault::Refused(text) | Fault::Data(text) | Fault::Lost(text) => f.write_str(text),
            Fault::Stopped(error) => error.fmt(f),
        }
    }
}

/// Bytes that no server sends.
#[cold]
pub(super) fn garbled(what: impl fmt::Display) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("the answer cannot be understood: {what}"),
    )
}
