//! One chunk being written: compressed and hashed on the way.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use age::stream::StreamWriter;
use sha2::{Digest, Sha256};
use zstd::bulk::Compressor;
use zstd::stream::write::Encoder;

use super::{TableId, Written, lock};
use crate::encryption::{Recipient, encrypting};
use crate::error::{Error, Result};
use crate::hashed::{Hashed, hex};
use crate::manifest::Chunk;
use crate::paced::Paced;

/// A chunk is held until it has more than this many bytes, and compressed at one go: the compressor then reads it where
/// it lies, a quarter faster than it takes a stream, and knows its size. Two of these per connection, content and frame,
/// are what a backup's memory is.
const HELD: usize = 12 << 20;

/// Writes one chunk's content. Dropped before [`ChunkWriter::finish`], its backup cannot be finished.
pub struct ChunkWriter {
    place: Place,
    file: String,
    path: PathBuf,
    level: i32,
    stage: Stage,
    content: Sha256,
    bytes: u64,
}

/// Where the finished chunk belongs.
pub(super) struct Place {
    pub(super) state: Arc<Mutex<Written>>,
    pub(super) table: TableId,
    pub(super) number: usize,
}

enum Stage {
    /// All of it so far.
    Held(Vec<u8>, Sink),
    /// Too long to be held.
    Streaming(Encoder<'static, Sink>),
    /// A write failed; nothing more can be written.
    Broken,
}

/// Where the frame goes.
pub(super) enum Sink {
    Plain(Hashed<Paced>),
    Encrypted(StreamWriter<Hashed<Paced>>),
}

impl Sink {
    /// No recipients: as it is.
    pub(super) fn new(stored: Hashed<Paced>, recipients: &[Recipient]) -> io::Result<Self> {
        Ok(if recipients.is_empty() {
            Self::Plain(stored)
        } else {
            Self::Encrypted(encrypting(recipients, stored)?)
        })
    }

    fn finish(self) -> io::Result<Hashed<Paced>> {
        match self {
            Self::Plain(stored) => Ok(stored),
            Self::Encrypted(stream) => stream.finish(),
        }
    }
}

impl Write for Sink {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stored) => stored.write(buffer),
            Self::Encrypted(stream) => stream.write(buffer),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stored) => stored.flush(),
            Self::Encrypted(stream) => stream.flush(),
        }
    }
}

/// What is known of a chunk at its end. A number of rows alone will do.
#[derive(Clone, Debug, Default)]
pub struct ChunkEnd {
    /// Rows in it.
    pub rows: u64,
    /// Content digest of these rows.
    pub digest: Option<String>,
    /// Least key.
    pub first_key: Option<String>,
    /// Greatest key.
    pub last_key: Option<String>,
}

impl From<u64> for ChunkEnd {
    fn from(rows: u64) -> Self {
        Self {
            rows,
            ..Self::default()
        }
    }
}

impl ChunkWriter {
    pub(super) fn new(place: Place, file: String, path: PathBuf, sink: Sink, level: i32) -> Self {
        let stage = Stage::Held(Vec::new(), sink);
        Self {
            place,
            file,
            path,
            level,
            stage,
            content: Sha256::new(),
            bytes: 0,
        }
    }

    /// Its path in the backup.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Bytes of content so far: callers cut chunks by this.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Ends the frame and makes the file durable.
    pub fn finish(mut self, end: impl Into<ChunkEnd>) -> Result<Chunk> {
        let stored = self.end_frame().map_err(Error::io("write", &self.path))?;
        let (file, seal) = stored.seal();
        file.finish()
            .map_err(Error::io("make durable (fsync)", &self.path))?;
        let ChunkEnd {
            rows,
            digest,
            first_key,
            last_key,
        } = end.into();
        let chunk = Chunk {
            file: self.file,
            rows,
            bytes: self.bytes,
            content_sha256: hex(&self.content.finalize()),
            stored_bytes: seal.bytes,
            sha256: seal.sha256,
            digest,
            first_key,
            last_key,
        };
        let mut state = lock(&self.place.state);
        // The writer may be finished or gone by now; then nothing waits for this chunk.
        if let Some(table) = state.tables.get_mut(self.place.table.0) {
            table.chunks[self.place.number] = Some(chunk.clone());
        }
        Ok(chunk)
    }

    fn end_frame(&mut self) -> io::Result<Hashed<Paced>> {
        let sink = match std::mem::replace(&mut self.stage, Stage::Broken) {
            Stage::Held(content, mut stored) => {
                // Of the very bytes that the frame is made of, not of those that were to be held.
                self.content.update(&content);
                let mut compressor = Compressor::new(self.level)?;
                compressor.include_checksum(true)?;
                stored.write_all(&compressor.compress(&content)?)?;
                stored
            }
            Stage::Streaming(encoder) => encoder.finish()?,
            Stage::Broken => return Err(broken()),
        };
        sink.finish()
    }

    fn put(&mut self, buffer: &[u8]) -> io::Result<()> {
        match std::mem::replace(&mut self.stage, Stage::Broken) {
            Stage::Held(mut content, stored) if content.len() + buffer.len() <= HELD => {
                content.extend_from_slice(buffer);
                self.stage = Stage::Held(content, stored);
            }
            Stage::Held(content, stored) => {
                self.content.update(&content);
                self.content.update(buffer);
                let mut encoder = Encoder::new(stored, self.level)?;
                encoder.include_checksum(true)?;
                encoder.write_all(&content)?;
                encoder.write_all(buffer)?;
                self.stage = Stage::Streaming(encoder);
            }
            Stage::Streaming(mut encoder) => {
                self.content.update(buffer);
                encoder.write_all(buffer)?;
                self.stage = Stage::Streaming(encoder);
            }
            Stage::Broken => return Err(broken()),
        }
        Ok(())
    }
}

impl Write for ChunkWriter {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.put(buffer)
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", self.path.display())))?;
        self.bytes += buffer.len() as u64;
        Ok(buffer.len())
    }

    /// Nothing: a flush would only cut the frame into smaller blocks. [`ChunkWriter::finish`] makes it durable.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn broken() -> io::Error {
    io::Error::other("an earlier write of this chunk failed")
}
