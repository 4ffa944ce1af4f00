//! LOAD DATA LOCAL: the server asks for a file, and gets what the caller hands in.

use super::answer::{self, First};
use super::{Fault, Wire};
use mysql_common::constants::Command;
use std::io::{self, Read};

/// The most that one packet of data holds; one packet is one write.
const BLOCK: usize = 1 << 20;

impl Wire {
    /// Runs a LOAD DATA LOCAL INFILE statement whose file is called `name` and gives the server `data` for it; returns the
    /// number of rows affected. No file is ever opened, and no other name is ever answered.
    ///
    /// A transaction must be open: when `data` cannot be read to its end ([`Fault::Data`]) the protocol has no word for it but
    /// the end of the file, and the caller must roll back what was loaded so far. A connection that is cut rolls back by
    /// itself.
    pub fn load_local(&mut self, sql: &str, name: &str, data: &mut dyn Read) -> Result<u64, Fault> {
        let block = self.block()?;
        self.run(|wire| {
            if !wire.last.in_transaction() {
                return Err(Fault::Refused(
                    "data is loaded only inside a transaction, so that a part of it can be taken back".into(),
                ));
            }
            wire.command(Command::COM_QUERY, &[sql.as_bytes()])?;
            let torn = match answer::first(&mut wire.packets, wire.capabilities)? {
                First::File(asked) if asked == name.as_bytes() => wire.send_data(block, data)?,
                First::File(asked) => return wire.decline(&asked),
                First::Done(_) | First::Rows(_) => {
                    return Err(super::fault::garbled("no request for data").into());
                }
            };
            let outcome = wire.skip_answers();
            // What the server makes of half the data is of no interest, unless it is gone.
            match (torn, outcome) {
                (_, Err(fault)) if fault.is_last() => Err(fault),
                (Some(error), _) => Err(Fault::Data(error.to_string())),
                (None, outcome) => outcome.map(|()| wire.last.affected),
            }
        })
    }

    /// Sends `data` and its end; returns why it could not be read, if so.
    fn send_data(&mut self, block: usize, data: &mut dyn Read) -> Result<Option<io::Error>, Fault> {
        let mut framed = vec![0; 4 + block];
        loop {
            let (filled, end) = fill(data, &mut framed[4..]);
            let torn = matches!(end, Some(Err(_)));
            // An empty packet is the end.
            if filled > 0 && !torn {
                self.packets.send_framed(&mut framed[..4 + filled])?;
            }
            if let Some(end) = end {
                self.packets.send(&[])?;
                return Ok(end.err());
            }
        }
    }

    /// Answers a request for a file that nobody offered: with nothing, so that none is read.
    pub(super) fn decline<T>(&mut self, name: &[u8]) -> Result<T, Fault> {
        self.packets.send(&[])?;
        // Nothing was loaded; what the server says to that is of no interest, unless it is gone.
        match self.skip_rest() {
            Err(fault) if fault.is_last() => Err(fault),
            _ => Err(Fault::Refused(format!(
                "the server asked for the file {}, which it was not offered",
                String::from_utf8_lossy(name)
            ))),
        }
    }

    /// Passes over the answers to a declined request; a further request is not answered at all.
    fn skip_rest(&mut self) -> Result<(), Fault> {
        loop {
            self.last = match answer::first(&mut self.packets, self.capabilities)? {
                First::Done(done) => done,
                First::Rows(_) => answer::skip_rows(&mut self.packets, self.capabilities)?,
                First::File(_) => {
                    return Err(super::fault::garbled("one request for a file after another").into());
                }
            };
            if !self.last.more() {
                return Ok(());
            }
        }
    }

    /// Bytes of one packet of data: a server refuses packets longer than its own limit.
    fn block(&mut self) -> Result<usize, Fault> {
        if let Some(block) = self.block {
            return Ok(block);
        }
        let rows = self.query("SELECT @@max_allowed_packet")?;
        let limit = rows.first().and_then(|r| r.first()).and_then(crate::Cell::as_i64);
        let limit = limit
            .and_then(|l| usize::try_from(l).ok())
            .ok_or_else(|| super::fault::garbled("no max_allowed_packet"))?;
        let block = BLOCK.min(limit / 2).max(1);
        self.block = Some(block);
        Ok(block)
    }
}

/// Fills `into` as far as `data` goes; the second is how `data` ended, if it did.
fn fill(data: &mut dyn Read, into: &mut [u8]) -> (usize, Option<io::Result<()>>) {
    let mut filled = 0;
    while filled < into.len() {
        match data.read(&mut into[filled..]) {
            Ok(0) => return (filled, Some(Ok(()))),
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (filled, Some(Err(error))),
        }
    }
    (filled, None)
}
