//! A chunk's content, checked on the way.

use std::io::{self, BufReader, Read};
use std::path::Path;

use sha2::{Digest, Sha256};
use zstd::stream::read::Decoder;

use crate::encryption::{Closed, Identities, decrypting};
use crate::error::{Error, Result};
use crate::files::open_regular;
use crate::hashed::{BLOCK, Seal, Shared, hex};
use crate::manifest::{Chunk, Manifest};

/// The frame, decrypted where the file is encrypted.
type Frame = BufReader<Box<dyn Read + Send>>;

/// Reads a chunk's content. Where the file or its content is not what the manifest says, the last read gives an error
/// of kind `InvalidData` that names the file; rows that came before it must not be committed.
pub struct ChunkReader {
    expected: Chunk,
    decoder: Option<Decoder<'static, Frame>>,
    /// The file itself, below what decrypts and decompresses it.
    stored: Shared,
    /// Of the content so far; `None` where it is not wanted.
    content: Option<Sha256>,
    bytes: u64,
    /// Why reading ended too early; said again on every further read.
    failed: Option<String>,
}

/// Why a chunk cannot be opened.
pub(crate) enum Unopened {
    /// The file is encrypted, and none of the keys opens it.
    Locked,
    /// It cannot be read, or is not what age writes.
    Io(io::Error),
}

impl ChunkReader {
    /// `identities`: the keys that were given; needed where the backup is encrypted.
    pub(crate) fn open(
        folder: &Path,
        manifest: &Manifest,
        chunk: &Chunk,
        identities: Option<&Identities>,
    ) -> Result<Self> {
        let path = folder.join(&chunk.file);
        match Self::of(&path, chunk, manifest.encryption.is_some(), identities) {
            Ok(reader) => Ok(reader),
            Err(Unopened::Locked) => Err(manifest.locked(folder, &chunk.file, identities)),
            Err(Unopened::Io(error)) => Err(Error::io("read", path)(error)),
        }
    }

    pub(crate) fn of(
        path: &Path,
        chunk: &Chunk,
        encrypted: bool,
        identities: Option<&Identities>,
    ) -> std::result::Result<Self, Unopened> {
        let file = open_regular(path).map_err(Unopened::Io)?;
        Self::over(Shared::new(file), chunk, encrypted, identities)
    }

    pub(crate) fn over(
        stored: Shared,
        chunk: &Chunk,
        encrypted: bool,
        identities: Option<&Identities>,
    ) -> std::result::Result<Self, Unopened> {
        let frame: Box<dyn Read + Send> = if encrypted {
            let identities = identities.ok_or(Unopened::Locked)?;
            let file = BufReader::with_capacity(BLOCK, stored.clone());
            match decrypting(identities, file) {
                Ok(stream) => Box::new(stream),
                Err(Closed::NoKey) => return Err(Unopened::Locked),
                Err(Closed::Broken(error)) => return Err(Unopened::Io(error)),
            }
        } else {
            Box::new(stored.clone())
        };
        let frame = BufReader::with_capacity(BLOCK, frame);
        let decoder = Decoder::with_buffer(frame).map_err(Unopened::Io)?.single_frame();
        Ok(Self {
            expected: chunk.clone(),
            decoder: Some(decoder),
            stored,
            content: Some(Sha256::new()),
            bytes: 0,
            failed: None,
        })
    }

    /// Leaves the content to its length and its frame's own checksum.
    pub(crate) fn trust_frame(&mut self) {
        self.content = None;
    }

    /// Bytes taken from the file so far.
    pub(crate) fn stored_bytes(&self) -> u64 {
        self.stored.taken()
    }

    /// Reads the file to its end, whatever became of the content.
    pub(crate) fn seal_stored(&mut self) -> io::Result<Seal> {
        self.decoder = None;
        io::copy(&mut self.stored, &mut io::sink())?;
        Ok(self.stored.seal())
    }

    fn fail(&mut self, what: String) -> io::Error {
        let what = format!("{}: {what}", self.expected.file);
        self.failed = Some(what.clone());
        io::Error::new(io::ErrorKind::InvalidData, what)
    }

    /// The frame has ended: is everything as the manifest says?
    fn end(&mut self) -> io::Result<()> {
        let Some(decoder) = self.decoder.take() else {
            return Ok(());
        };
        // The file's own sum comes first: where it differs, nothing else need be said.
        let behind = io::copy(&mut decoder.finish(), &mut io::sink());
        if let Err(error) = io::copy(&mut self.stored, &mut io::sink()) {
            return Err(self.fail(format!("cannot be read: {error}")));
        }
        let seal = self.stored.seal();
        let Chunk {
            bytes, stored_bytes, ..
        } = self.expected;
        if seal.bytes != stored_bytes {
            return Err(self.fail(format!(
                "the file has {} bytes, manifest.json says {stored_bytes}",
                seal.bytes
            )));
        }
        if seal.sha256 != self.expected.sha256 {
            return Err(self.fail("the file's SHA-256 is not the one in manifest.json".into()));
        }
        match behind {
            Ok(0) => {}
            Ok(behind) => return Err(self.fail(format!("{behind} bytes follow its zstd frame"))),
            Err(error) => return Err(self.fail(format!("cannot be read behind its zstd frame: {error}"))),
        }
        if self.bytes != bytes {
            return Err(self.fail(format!(
                "its content has {} bytes, manifest.json says {bytes}",
                self.bytes
            )));
        }
        let content = self.content.take().map(|content| hex(&content.finalize()));
        if content.is_some_and(|sum| sum != self.expected.content_sha256) {
            return Err(self.fail("its content's SHA-256 is not the one that was recorded".into()));
        }
        Ok(())
    }
}

impl Read for ChunkReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(what) = &self.failed {
            return Err(io::Error::new(io::ErrorKind::InvalidData, what.clone()));
        }
        let Some(decoder) = &mut self.decoder else {
            return Ok(0);
        };
        if buffer.is_empty() {
            return Ok(0);
        }
        match decoder.read(buffer) {
            Ok(0) => self.end().map(|()| 0),
            Ok(n) => {
                if let Some(content) = &mut self.content {
                    content.update(&buffer[..n]);
                }
                self.bytes += n as u64;
                if self.bytes > self.expected.bytes {
                    let bytes = self.expected.bytes;
                    return Err(self.fail(format!(
                        "its content is longer than the {bytes} bytes of manifest.json"
                    )));
                }
                Ok(n)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => Err(self.fail(format!("cannot be decompressed: {error}"))),
        }
    }
}
