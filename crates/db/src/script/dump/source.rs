//! The bytes of a dump file, decompressed.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::DumpFile;
use super::error::DumpError;

/// How a dump file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Compression {
    /// Not at all.
    Plain,
    /// gzip, one or more members.
    Gzip,
    /// zstd, one or more frames.
    Zstd,
}

/// Bytes kept from the beginning and the end of the text.
const KEPT: usize = 4096;
/// The largest window that `zstd --long=31` asks for.
const WINDOW_LOG: u32 = 31;

pub(super) fn probe(path: &Path) -> Result<(Compression, u64), DumpError> {
    let io = |source| DumpError::Io {
        path: path.to_path_buf(),
        source,
    };
    let not = |what| {
        Err(DumpError::NotADump {
            path: path.to_path_buf(),
            what,
        })
    };
    let mut file = File::open(path).map_err(io)?;
    let meta = file.metadata().map_err(io)?;
    if meta.is_dir() {
        return not("it is a folder");
    }
    let mut magic = Vec::new();
    file.by_ref().take(6).read_to_end(&mut magic).map_err(io)?;
    let compression = match magic.as_slice() {
        [] => return not("the file is empty"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Compression::Zstd,
        // A frame that is skipped, as pzstd and seekable files begin with.
        [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Compression::Zstd,
        [0x1f, 0x8b, ..] => Compression::Gzip,
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
            return not("its text is UTF-16, as PowerShell's > writes; write it with --result-file instead");
        }
        [b'B', b'Z', b'h', ..] => return not("it is compressed with bzip2; decompress it first"),
        [0xfd, b'7', b'z', b'X', b'Z', ..] => return not("it is compressed with xz; decompress it first"),
        [b'P', b'K', 3, 4, ..] => return not("it is a zip archive; unpack it first"),
        [b'<', b'?', b'x', b'm', b'l', ..] => {
            return not("it is XML, as --xml writes it; make the dump without that option");
        }
        [b'S', b'Q', b'L', b'i', b't', b'e'] => return not("it is a SQLite database"),
        _ => Compression::Plain,
    };
    Ok((compression, meta.len()))
}

/// The text of a dump, counted, with its beginning and end kept.
pub(super) struct Source {
    text: Box<dyn Read + Send>,
    taken: Arc<AtomicU64>,
    head: Vec<u8>,
    tail: Vec<u8>,
    bytes: u64,
}

impl Source {
    pub(super) fn open(file: &DumpFile) -> Result<Source, DumpError> {
        let io = |source| DumpError::Io {
            path: file.path.clone(),
            source,
        };
        let taken = Arc::new(AtomicU64::new(0));
        let raw = Counted {
            file: File::open(&file.path).map_err(io)?,
            taken: Arc::clone(&taken),
        };
        let text: Box<dyn Read + Send> = match file.compression {
            Compression::Plain => Box::new(raw),
            Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(BufReader::with_capacity(
                128 << 10,
                raw,
            ))),
            Compression::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::new(raw).map_err(io)?;
                decoder.window_log_max(WINDOW_LOG).map_err(io)?;
                Box::new(decoder)
            }
        };
        Ok(Source {
            text,
            taken,
            head: Vec::new(),
            tail: Vec::new(),
            bytes: 0,
        })
    }

    /// Bytes taken from the file.
    pub(super) fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// The first bytes of the text.
    pub(super) fn head(&self) -> &[u8] {
        &self.head
    }

    /// The last bytes of the text.
    pub(super) fn tail(&self) -> &[u8] {
        &self.tail
    }

    /// Bytes of text so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        const MARK: &[u8] = &[0xef, 0xbb, 0xbf];
        let count = self.text.read(buffer)?;
        let mut seen = &mut buffer[..count];
        if self.bytes == 0 && seen.starts_with(MARK) {
            // A byte order mark is no SQL: blanks do the same and keep all offsets.
            seen[..MARK.len()].fill(b' ');
        }
        self.bytes += count as u64;
        let room = KEPT - self.head.len();
        self.head.extend_from_slice(&seen[..count.min(room)]);
        if count > KEPT {
            seen = &mut seen[count - KEPT..];
        }
        let over = (self.tail.len() + seen.len()).saturating_sub(KEPT);
        self.tail.drain(..over);
        self.tail.extend_from_slice(seen);
        Ok(count)
    }
}

struct Counted {
    file: File,
    taken: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.taken.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
