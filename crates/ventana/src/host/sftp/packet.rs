//! Packets of SFTP version 3 (draft-ietf-secsh-filexfer-02), the one that every server speaks.

use std::io::{self, ErrorKind, Read, Write};

pub(super) const INIT: u8 = 1;
pub(super) const VERSION: u8 = 2;
pub(super) const OPEN: u8 = 3;
pub(super) const CLOSE: u8 = 4;
pub(super) const READ: u8 = 5;
pub(super) const WRITE: u8 = 6;
pub(super) const LSTAT: u8 = 7;
pub(super) const OPENDIR: u8 = 11;
pub(super) const READDIR: u8 = 12;
pub(super) const REMOVE: u8 = 13;
pub(super) const MKDIR: u8 = 14;
pub(super) const RMDIR: u8 = 15;
pub(super) const RENAME: u8 = 18;
pub(super) const STATUS: u8 = 101;
pub(super) const HANDLE: u8 = 102;
pub(super) const DATA: u8 = 103;
pub(super) const NAME: u8 = 104;
pub(super) const ATTRS: u8 = 105;
pub(super) const EXTENDED: u8 = 200;
pub(super) const EXTENDED_REPLY: u8 = 201;

pub(super) const OK: u32 = 0;
pub(super) const EOF: u32 = 1;

/// The protocol lets servers refuse more than 34,000 bytes; OpenSSH takes up to 256 KiB.
const LONGEST: u32 = 1 << 20;

/// A packet being made: length, kind, then fields.
pub(super) struct Packet(Vec<u8>);

impl Packet {
    pub(super) fn new(kind: u8) -> Packet {
        Packet(vec![0, 0, 0, 0, kind])
    }

    pub(super) fn u32(mut self, value: u32) -> Packet {
        self.0.extend(value.to_be_bytes());
        self
    }

    pub(super) fn u64(mut self, value: u64) -> Packet {
        self.0.extend(value.to_be_bytes());
        self
    }

    pub(super) fn bytes(mut self, value: &[u8]) -> Packet {
        // Callers pass names, handles and blocks: far below 4 GiB.
        self.0.extend((value.len() as u32).to_be_bytes());
        self.0.extend(value);
        self
    }

    pub(super) fn send(mut self, to: &mut impl Write) -> io::Result<()> {
        let length = (self.0.len() - 4) as u32;
        self.0[..4].copy_from_slice(&length.to_be_bytes());
        to.write_all(&self.0)?;
        to.flush()
    }
}

/// A packet that came: its kind, and fields that are read in order.
pub(super) struct Answer {
    pub(super) kind: u8,
    fields: Vec<u8>,
    at: usize,
}

impl Answer {
    pub(super) fn receive(from: &mut impl Read) -> io::Result<Answer> {
        let mut length = [0; 4];
        from.read_exact(&mut length)?;
        let length = u32::from_be_bytes(length);
        if !(1..=LONGEST).contains(&length) {
            return Err(garbled("a packet of impossible length"));
        }
        let mut fields = vec![0; length as usize];
        from.read_exact(&mut fields)?;
        Ok(Answer {
            kind: fields[0],
            fields,
            at: 1,
        })
    }

    fn take(&mut self, count: usize) -> io::Result<&[u8]> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.fields.len());
        let end = end.ok_or_else(|| garbled("a packet that ends too early"))?;
        let taken = &self.fields[self.at..end];
        self.at = end;
        Ok(taken)
    }

    pub(super) fn u32(&mut self) -> io::Result<u32> {
        let bytes = self.take(4)?;
        Ok(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    pub(super) fn u64(&mut self) -> io::Result<u64> {
        Ok(u64::from(self.u32()?) << 32 | u64::from(self.u32()?))
    }

    pub(super) fn bytes(&mut self) -> io::Result<Vec<u8>> {
        let length = self.u32()?;
        Ok(self.take(length as usize)?.to_vec())
    }

    pub(super) fn text(&mut self) -> io::Result<String> {
        Ok(String::from_utf8_lossy(&self.bytes()?).into_owned())
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at == self.fields.len()
    }

    /// What is known of a file.
    pub(super) fn about(&mut self) -> io::Result<About> {
        let flags = self.u32()?;
        let bytes = if flags & 1 != 0 { Some(self.u64()?) } else { None };
        if flags & 2 != 0 {
            self.take(8)?;
        }
        let mode = if flags & 4 != 0 { Some(self.u32()?) } else { None };
        if flags & 8 != 0 {
            self.take(8)?;
        }
        if flags & 0x8000_0000 != 0 {
            for _ in 0..self.u32()? {
                self.bytes()?;
                self.bytes()?;
            }
        }
        Ok(About { bytes, mode })
    }
}

/// What a server says of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct About {
    pub(super) bytes: Option<u64>,
    mode: Option<u32>,
}

impl About {
    fn kind(self) -> u32 {
        self.mode.unwrap_or(0) & 0o170_000
    }

    pub(super) fn is_folder(self) -> bool {
        self.kind() == 0o040_000
    }

    pub(super) fn is_file(self) -> bool {
        self.kind() == 0o100_000
    }
}

pub(super) fn garbled(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("the far side sent {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_what_is_read() {
        let mut wire = Vec::new();
        let packet = Packet::new(NAME).u32(7).u64(1 << 40).bytes(b"abc");
        packet.send(&mut wire).unwrap();
        let mut answer = Answer::receive(&mut wire.as_slice()).unwrap();
        assert_eq!(answer.kind, NAME);
        assert_eq!(answer.u32().unwrap(), 7);
        assert_eq!(answer.u64().unwrap(), 1 << 40);
        assert_eq!(answer.text().unwrap(), "abc");
        assert!(answer.is_at_end());
        assert_eq!(answer.u32().unwrap_err().kind(), ErrorKind::InvalidData);
    }

    #[test]
    fn a_torn_or_impossible_packet_is_an_error() {
        let torn = [0, 0, 0, 9, DATA, 1];
        let error = Answer::receive(&mut torn.as_slice()).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        for length in [[0, 0, 0, 0], [255, 255, 255, 255]] {
            let error = Answer::receive(&mut length.as_slice()).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::InvalidData);
        }
        // A text that claims to be longer than its packet.
        let lying = [0, 0, 0, 6, NAME, 0, 0, 0, 200, 65];
        let mut answer = Answer::receive(&mut lying.as_slice()).unwrap();
        assert!(answer.bytes().is_err());
    }
}
