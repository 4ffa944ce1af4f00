//! Packets: four bytes of header (length 3, sequence 1) before at most 16 MiB − 1 of payload. A payload of exactly that
//! length goes on in the next packet.

use super::fault::garbled;
use std::io::{self, Read, Write};

/// The longest packet; one of this length is continued.
pub(super) const MAX: usize = 0xff_ffff;
/// Bytes of the one read buffer. A packet that fits is handed out in place; a longer one is streamed.
const BUFFER: usize = 256 << 10;

/// Where packets come from.
pub(super) trait Source: Read {
    /// Tells whether bytes are due from now on, so that a long silence is an error.
    fn flowing(&mut self, _on: bool) -> io::Result<()> {
        Ok(())
    }
}

impl Source for &[u8] {}

/// Both directions of a connection as packets.
pub(super) struct Packets<S> {
    pub(super) stream: S,
    buffer: Box<[u8]>,
    /// Bytes received and not handed out yet.
    start: usize,
    end: usize,
    /// Number of the next packet; a command starts again at 0.
    sequence: u8,
    /// Text of the last failure to receive, so that it is not taken for a visitor's own.
    failed: Option<String>,
    gathered: Vec<u8>,
    out: Vec<u8>,
}

/// One payload.
pub(super) enum Packet<'p, S> {
    /// In place, valid until the next packet is asked for.
    Whole(&'p [u8]),
    /// Too long for the buffer.
    Long(Payload<'p, S>),
}

impl<S: Source> Packets<S> {
    pub(super) fn new(stream: S) -> Packets<S> {
        Packets {
            stream,
            buffer: vec![0; BUFFER].into_boxed_slice(),
            start: 0,
            end: 0,
            sequence: 0,
            failed: None,
            gathered: Vec::new(),
            out: Vec::new(),
        }
    }

    /// The sequence number that the next packet must have.
    pub(super) fn expect(&mut self, sequence: u8) {
        self.sequence = sequence;
    }

    pub(super) fn next(&mut self) -> io::Result<Packet<'_, S>> {
        let length = self.header()?;
        if length < MAX && length <= self.buffer.len() {
            self.fill(length)?;
            let at = self.start;
            self.start += length;
            return Ok(Packet::Whole(&self.buffer[at..at + length]));
        }
        Ok(Packet::Long(Payload {
            more: length == MAX,
            left: length,
            packets: self,
        }))
    }

    /// The next payload in one piece, however long: for what is small or is kept anyway.
    pub(super) fn whole(&mut self) -> io::Result<&[u8]> {
        let mut gathered = std::mem::take(&mut self.gathered);
        gathered.clear();
        let at = match self.next()? {
            Packet::Whole(bytes) => Some(bytes.len()),
            Packet::Long(mut payload) => {
                payload.read_to_end(&mut gathered)?;
                None
            }
        };
        self.gathered = gathered;
        Ok(match at {
            Some(length) => &self.buffer[self.start - length..self.start],
            None => &self.gathered,
        })
    }

    /// Reads a header and checks that its packet is the next one.
    fn header(&mut self) -> io::Result<usize> {
        self.fill(4)?;
        let header = &self.buffer[self.start..self.start + 4];
        let length = usize::from(header[0]) | usize::from(header[1]) << 8 | usize::from(header[2]) << 16;
        let sequence = header[3];
        self.start += 4;
        if sequence != self.sequence {
            // A server that ends a session says so without being asked.
            let told = length > 0 && {
                self.fill(1)?;
                self.buffer[self.start] == 0xff
            };
            if !told {
                return Err(garbled(format_args!(
                    "packet {sequence} came instead of {}",
                    self.sequence
                )));
            }
        }
        self.sequence = sequence.wrapping_add(1);
        Ok(length)
    }

    /// Makes the next `length` bytes, at most the buffer's, stand in one piece at `start`.
    #[inline]
    fn fill(&mut self, length: usize) -> io::Result<()> {
        if self.end - self.start < length {
            self.refill(length)?;
        }
        Ok(())
    }

    fn refill(&mut self, length: usize) -> io::Result<()> {
        if self.start == self.end || self.start + length > self.buffer.len() {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        while self.end - self.start < length {
            let end = self.end;
            let mut buffer = std::mem::take(&mut self.buffer);
            let received = self.receive(&mut buffer[end..]);
            self.buffer = buffer;
            self.end += received?;
        }
        Ok(())
    }

    /// Some bytes off the stream, at least one.
    fn receive(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let error = match self.stream.read(into) {
                Ok(0) => io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "the server closed the connection in the middle",
                ),
                Ok(n) => return Ok(n),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => error,
            };
            self.failed = Some(error.to_string());
            return Err(error);
        }
    }

    /// Why receiving failed, if it did.
    pub(super) fn failed(&self) -> Option<&str> {
        self.failed.as_deref()
    }
}

impl<S: Source + Write> Packets<S> {
    /// Sends one payload of any length, in one write where it is short.
    pub(super) fn send(&mut self, parts: &[&[u8]]) -> io::Result<()> {
        let mut out = std::mem::take(&mut self.out);
        out.clear();
        out.extend_from_slice(&[0; 4]);
        for part in parts {
            let mut rest = *part;
            while out.len() + rest.len() >= 4 + MAX {
                let (head, tail) = rest.split_at(4 + MAX - out.len());
                out.extend_from_slice(head);
                self.send_framed(&mut out)?;
                out.truncate(4);
                rest = tail;
            }
            out.extend_from_slice(rest);
        }
        self.send_framed(&mut out)?;
        if out.capacity() <= BUFFER {
            self.out = out;
        }
        Ok(())
    }

    /// Sends a payload shorter than [`MAX`] that stands behind four spare bytes, in one write.
    pub(super) fn send_framed(&mut self, framed: &mut [u8]) -> io::Result<()> {
        let length = u32::try_from(framed.len() - 4).unwrap_or(u32::MAX).to_le_bytes();
        framed[..3].copy_from_slice(&length[..3]);
        framed[3] = self.sequence;
        self.sequence = self.sequence.wrapping_add(1);
        self.stream.write_all(framed)
    }
}

/// A payload too long for the buffer, over as many packets as it takes.
pub(super) struct Payload<'p, S> {
    packets: &'p mut Packets<S>,
    /// Bytes of the current packet that are still to come.
    left: usize,
    more: bool,
}

impl<S: Source> Payload<'_, S> {
    /// Exactly as many bytes as `into` holds; an end before that is garbled.
    pub(super) fn exact(&mut self, into: &mut [u8]) -> io::Result<()> {
        self.read_exact(into).map_err(|error| match self.packets.failed {
            None if error.kind() == io::ErrorKind::UnexpectedEof => garbled("a packet ends too early"),
            _ => error,
        })
    }

    /// Passes over `length` bytes.
    pub(super) fn skip(&mut self, length: u64) -> io::Result<()> {
        match io::copy(&mut self.by_ref().take(length), &mut io::sink())? {
            n if n == length => Ok(()),
            _ => Err(garbled("a packet ends too early")),
        }
    }

    /// Passes over all that is left; says how much that was.
    pub(super) fn drain(&mut self) -> io::Result<u64> {
        io::copy(self, &mut io::sink())
    }

    pub(super) fn failed(&self) -> Option<&str> {
        self.packets.failed()
    }
}

impl<S: Source> Read for Payload<'_, S> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.left == 0 {
            if !self.more {
                return Ok(0);
            }
            self.left = self.packets.header()?;
            self.more = self.left == MAX;
        }
        let want = into.len().min(self.left);
        if want == 0 {
            return Ok(0);
        }
        let packets = &mut *self.packets;
        let held = packets.end - packets.start;
        let n = if held == 0 && want >= BUFFER / 2 {
            // Straight to where it is wanted.
            packets.receive(&mut into[..want])?
        } else {
            packets.fill(1)?;
            let n = want.min(packets.end - packets.start);
            into[..n].copy_from_slice(&packets.buffer[packets.start..packets.start + n]);
            packets.start += n;
            n
        };
        self.left -= n;
        Ok(n)
    }
}
