//! A file written so that its flushes stay small.

use std::fs::File;
use std::io::{self, Write};

/// Bytes after which what was written is flushed to the disk. A whole chunk left to one fsync at its end makes every
/// other fsync on that disk wait behind it, the commits of a database beside it among them. A mebibyte takes a few
/// milliseconds on any disk, and is still enough per flush that the flushes themselves cost little.
const PACE: usize = 1 << 20;

/// Writes to a file, at most [`PACE`] bytes of it not yet on the disk.
pub(crate) struct Paced {
    file: File,
    unflushed: usize,
}

impl Paced {
    pub(crate) fn new(file: File) -> Self {
        Self { file, unflushed: 0 }
    }

    /// Makes all of it durable, its metadata too.
    pub(crate) fn finish(self) -> io::Result<()> {
        self.file.sync_all()
    }
}

impl Write for Paced {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let n = self
            .file
            .write(&buffer[..buffer.len().min(PACE - self.unflushed)])?;
        self.unflushed += n;
        if self.unflushed >= PACE {
            self.file.sync_data()?;
            self.unflushed = 0;
        }
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn no_more_than_the_pace_is_ever_unflushed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let mut paced = Paced::new(crate::files::create_new(&path).unwrap());
        let content: Vec<u8> = (0..5 * PACE / 2).map(|i| (i % 251) as u8).collect();
        let mut rest = &content[..];
        let mut flushes = 0;
        while !rest.is_empty() {
            let before = paced.unflushed;
            let n = paced.write(&rest[..rest.len().min(700_000)]).unwrap();
            assert!(n > 0 && before + n <= PACE, "{before} {n}");
            flushes += u32::from(paced.unflushed == 0);
            rest = &rest[n..];
        }
        assert_eq!((flushes, paced.unflushed), (2, PACE / 2));
        paced.finish().unwrap();
        let mut read = Vec::new();
        File::open(&path).unwrap().read_to_end(&mut read).unwrap();
        assert!(read == content);
    }
}
