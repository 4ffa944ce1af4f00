//! Files over SFTP, with enough questions under way that a distant server is no slower than its line.

use super::connection::Connection;
use super::packet::{self, garbled};
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read};

/// What every server takes in one packet.
const BLOCK: usize = 32 * 1024;

/// Blocks under way at a time.
const WINDOW: usize = 64;

/// Open modes.
const TO_READ: u32 = 0x01;
const TO_WRITE_ANEW: u32 = 0x02 | 0x08 | 0x20;

/// Writes a new file with mode 0600 and makes it durable; one that is there already is an error.
pub(super) fn write(connection: &mut Connection, path: &str, content: &mut dyn Read) -> io::Result<()> {
    let id = connection.ask(packet::OPEN, |packet| {
        packet.bytes(path.as_bytes()).u32(TO_WRITE_ANEW).u32(4).u32(0o600)
    })?;
    let handle = connection.wanted(id, packet::HANDLE)?.bytes()?;
    let mut pending = VecDeque::new();
    let sent = send(connection, &handle, content, &mut pending);
    let mut outcome = sent;
    // Every answer is read, whatever happened: the next question's must not be behind them.
    for id in pending {
        let written = connection.status(id);
        outcome = outcome.and(written);
    }
    let synced = outcome.and_then(|()| connection.sync(&handle));
    // A disk that is full may say so as late as this.
    let closed = connection.close(&handle);
    synced.and(closed)
}

fn send(
    connection: &mut Connection,
    handle: &[u8],
    content: &mut dyn Read,
    pending: &mut VecDeque<u32>,
) -> io::Result<()> {
    let mut block = vec![0; BLOCK];
    let mut offset = 0;
    loop {
        let read = match content.read(&mut block) {
            Ok(0) => return Ok(()),
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let id = connection.ask(packet::WRITE, |packet| {
            packet.bytes(handle).u64(offset).bytes(&block[..read])
        })?;
        pending.push_back(id);
        offset += read as u64;
        if pending.len() >= WINDOW
            && let Some(id) = pending.pop_front()
        {
            connection.status(id)?;
        }
    }
}

/// Reads a file from its beginning to its end.
pub(super) struct Reader<'a> {
    connection: &'a mut Connection,
    handle: Vec<u8>,
    /// Questions under way, in the order of the file: id and offset.
    pending: VecDeque<(u32, u64)>,
    /// Where the next question begins.
    ahead: u64,
    /// How long the file is said to be: one question behind that finds its end.
    bytes: u64,
    block: Vec<u8>,
    at: usize,
    ended: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn open(connection: &'a mut Connection, path: &str) -> io::Result<Reader<'a>> {
        let about = connection.lstat(path)?;
        if !about.is_file() {
            return Err(io::Error::new(
                ErrorKind::InvalidInput,
                "it is not a regular file",
            ));
        }
        let id = connection.ask(packet::OPEN, |packet| {
            packet.bytes(path.as_bytes()).u32(TO_READ).u32(0)
        })?;
        let handle = connection.wanted(id, packet::HANDLE)?.bytes()?;
        Ok(Reader {
            connection,
            handle,
            pending: VecDeque::new(),
            ahead: 0,
            bytes: about.bytes.unwrap_or(u64::MAX),
            block: Vec::new(),
            at: 0,
            ended: false,
        })
    }

    /// What an interrupted copy left may be right in the far side's cache and not yet on its disk.
    pub(super) fn make_durable(&mut self) -> io::Result<()> {
        self.connection.sync(&self.handle)
    }

    /// The next block, empty at the end.
    fn fill(&mut self) -> io::Result<()> {
        self.block.clear();
        self.at = 0;
        while !self.ended
            && self.pending.len() < WINDOW
            && (self.ahead <= self.bytes || self.pending.is_empty())
        {
            let offset = self.ahead;
            let handle = &self.handle;
            let id = self.connection.ask(packet::READ, |packet| {
                packet.bytes(handle).u64(offset).u32(BLOCK as u32)
            })?;
            self.pending.push_back((id, offset));
            self.ahead += BLOCK as u64;
        }
        let Some((id, offset)) = self.pending.pop_front() else {
            return Ok(());
        };
        match self.connection.wanted(id, packet::DATA) {
            Ok(mut answer) => self.block = answer.bytes()?,
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => self.ended = true,
            Err(error) => return Err(error),
        }
        if self.block.len() > BLOCK || (self.block.is_empty() && !self.ended) {
            return Err(garbled("another length than was asked for"));
        }
        if self.block.len() < BLOCK {
            // Behind a short block the questions under way leave a gap: they are asked anew from where it ends. At the
            // end of the file there is nothing behind it.
            self.drain();
            self.ahead = offset + self.block.len() as u64;
        }
        Ok(())
    }

    fn drain(&mut self) {
        for (id, _) in std::mem::take(&mut self.pending) {
            let _ = self.connection.answer(id);
        }
    }
}

impl Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.block.len() && !self.ended {
            self.fill()?;
        }
        let count = buffer.len().min(self.block.len() - self.at);
        buffer[..count].copy_from_slice(&self.block[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        self.drain();
        let _ = self.connection.close(&self.handle);
    }
}
