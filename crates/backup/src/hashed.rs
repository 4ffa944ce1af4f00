//! SHA-256 and length of whatever passes through.

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};

/// Length of the blocks in which files are read and copied.
pub(crate) const BLOCK: usize = 128 * 1024;

/// Wraps a reader or writer; hashes and counts what passes.
pub(crate) struct Hashed<T> {
    inner: T,
    sha256: Sha256,
    bytes: u64,
}

/// Length and SHA-256 (64 lower-case hex digits) of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seal {
    pub(crate) bytes: u64,
    pub(crate) sha256: String,
}

impl<T> Hashed<T> {
    pub(crate) fn new(inner: T) -> Self {
        Self {
            inner,
            sha256: Sha256::new(),
            bytes: 0,
        }
    }

    pub(crate) fn seal(self) -> (T, Seal) {
        (
            self.inner,
            Seal {
                bytes: self.bytes,
                sha256: hex(&self.sha256.finalize()),
            },
        )
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.sha256.update(&buffer[..n]);
        self.bytes += n as u64;
        Ok(n)
    }
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let n = self.inner.write(buffer)?;
        self.sha256.update(&buffer[..n]);
        self.bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// A stored file being read and hashed, held twice: by what decodes it, and by who asks for its sum afterwards. Decoders do not
/// give their input back, least of all after an error, where the sum of the whole file is still wanted.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Mutex<Hashed<Stored>>>);

/// A file as it is stored.
pub(crate) type Stored = Box<dyn Read + Send>;

impl Shared {
    pub(crate) fn new(stored: impl Read + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Hashed::new(Box::new(stored)))))
    }

    /// Bytes read so far.
    pub(crate) fn taken(&self) -> u64 {
        self.lock().bytes
    }

    /// Of what was read so far.
    pub(crate) fn seal(&self) -> Seal {
        let hashed = self.lock();
        Seal {
            bytes: hashed.bytes,
            sha256: hex(&hashed.sha256.clone().finalize()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Hashed<Stored>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Read for Shared {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.lock().read(buffer)
    }
}

/// SHA-256 of bytes in memory, as 64 lower-case hex digits.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]])
        .map(char::from)
        .collect()
}

/// Whether a text is a SHA-256 as the format writes it.
pub(crate) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}
