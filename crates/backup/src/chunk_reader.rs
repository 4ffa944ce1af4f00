//! A chunk's content, checked on the way.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use sha2::{Digest, Sha256};
use zstd::stream::read::Decoder;

use crate::error::{Error, Result};
use crate::files::open_regular;
use crate::hashed::{BLOCK, Hashed, Seal, hex};
use crate::manifest::Chunk;

type Stored = BufReader<Hashed<File>>;

/// Reads a chunk's content. Where the file or its content is not what the manifest says, the last read gives an error
/// of kind `InvalidData` that names the file; rows that came before it must not be committed.
pub struct ChunkReader {
    expected: Chunk,
    decoder: Option<Decoder<'static, Stored>>,
    content: Sha256,
    bytes: u64,
    /// Why reading ended too early; said again on every further read.
    failed: Option<String>,
}

impl ChunkReader {
    pub(crate) fn open(folder: &Path, chunk: &Chunk) -> Result<Self> {
        let path = folder.join(&chunk.file);
        let open = || {
            let file = open_regular(&path)?;
            Ok(Decoder::with_buffer(BufReader::with_capacity(BLOCK, Hashed::new(file)))?.single_frame())
        };
        let decoder = open().map_err(Error::io("read", &path))?;
        Ok(Self {
            expected: chunk.clone(),
            decoder: Some(decoder),
            content: Sha256::new(),
            bytes: 0,
            failed: None,
        })
    }

    /// Bytes taken from the file so far.
    pub(crate) fn stored_bytes(&self) -> u64 {
        self.decoder
            .as_ref()
            .map_or(self.expected.stored_bytes, |decoder| {
                decoder.get_ref().get_ref().bytes()
            })
    }

    /// Reads the file to its end, whatever became of the content.
    pub(crate) fn seal_stored(&mut self) -> Option<io::Result<Seal>> {
        let mut stored = self.decoder.take()?.finish().into_inner();
        Some(io::copy(&mut stored, &mut io::sink()).map(|_| stored.seal().1))
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
        let buffered = decoder.finish();
        let mut behind = buffered.buffer().len() as u64;
        let mut stored = buffered.into_inner();
        match io::copy(&mut stored, &mut io::sink()) {
            Ok(n) => behind += n,
            Err(error) => return Err(self.fail(format!("cannot be read: {error}"))),
        }
        let seal = stored.seal().1;
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
        if behind != 0 {
            return Err(self.fail(format!("{behind} bytes follow its zstd frame")));
        }
        if self.bytes != bytes {
            return Err(self.fail(format!(
                "its content has {} bytes, manifest.json says {bytes}",
                self.bytes
            )));
        }
        if hex(&std::mem::take(&mut self.content).finalize()) != self.expected.content_sha256 {
            return Err(self.fail("its content's SHA-256 is not the one in manifest.json".into()));
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
                self.content.update(&buffer[..n]);
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
