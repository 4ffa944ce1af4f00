//! Our own client of the MySQL/MariaDB protocol: one blocking connection, made for rows in great number and of any length.
//!
//! [`Wire::stream`] hands out values where they lie in the read buffer: no allocation per row or value, and what is longer
//! than [`LONG`](crate::row::LONG) comes as a stream off the socket. [`Wire::load_local`] sends large packets. Why it is
//! ours, and what it does not do: `docs/decisions/0009-own-wire.md`.

mod answer;
mod asked;
mod cursor;
mod fault;
pub mod fuzzing;
mod handshake;
mod load;
mod packet;
mod stream;
#[cfg(test)]
mod tests;
mod value;

pub use fault::Fault;

use crate::Cell;
use crate::row::{Gather, Visit};
use answer::{Done, First, Form};
use cursor::Cursor;
use handshake::{Login, Welcome};
use mysql_common::constants::{CapabilityFlags, Command};
use packet::Packets;
use std::collections::HashMap;
use std::time::Duration;
use stream::Stream;

/// How long a server may take to accept a connection, and for each step of the handshake.
const CONNECT: Duration = Duration::from_secs(10);

/// Where a connection goes and who asks for it.
#[derive(Clone, Copy, Debug)]
pub struct Options<'o> {
    pub host: &'o str,
    pub port: u16,
    pub user: &'o str,
    pub password: &'o crate::Secret,
    /// Attributes of the session, beside `_client_name`, `_client_version` and `_pid`.
    pub attributes: &'o [(&'o str, &'o str)],
    /// How long the server may be silent in the middle of rows, or take nothing of what is loaded, before the connection
    /// counts as lost. A statement may take any time before its first row: the server is asked over a second connection,
    /// each time so long has passed, whether it is still at work on it. `None`: for ever, and nobody asks.
    pub silence: Option<Duration>,
}

/// One connection.
///
/// After [`Fault::Lost`] and [`Fault::Stopped`] the connection is closed, and every later call fails with
/// [`Fault::Lost`]; after any other fault it goes on.
pub struct Wire {
    packets: Packets<Stream>,
    connection_id: u32,
    capabilities: CapabilityFlags,
    last: Done,
    /// The most that one packet of a load may hold, once it is known.
    block: Option<usize>,
    /// Why the connection is of no use; set while a command is under way, so that a panic leaves it set.
    given_up: Option<String>,
}

impl Wire {
    /// Connects and signs in. The session has no default schema.
    pub fn connect(options: &Options<'_>) -> Result<Wire, Fault> {
        let stream = Stream::connect(options.host, options.port, CONNECT, options.silence)?;
        let mut packets = Packets::new(stream);
        let mut attributes = HashMap::from([
            ("_client_name".to_string(), "ventana".to_string()),
            ("_client_version".into(), env!("CARGO_PKG_VERSION").into()),
            ("_pid".into(), std::process::id().to_string()),
        ]);
        attributes.extend(options.attributes.iter().map(|(k, v)| ((*k).into(), (*v).into())));
        let login = Login {
            user: options.user,
            password: options.password.open(),
            attributes,
            way: packets.stream.way(),
        };
        let welcome = handshake::shake(&mut packets, &login)?;
        packets
            .stream
            .settle(Some(asked::ask(options, welcome.connection_id)))?;
        Ok(Wire::of(packets, welcome))
    }

    fn of(packets: Packets<Stream>, welcome: Welcome) -> Wire {
        Wire {
            packets,
            connection_id: welcome.connection_id,
            capabilities: welcome.capabilities,
            last: welcome.done,
            block: None,
            given_up: None,
        }
    }

    /// The server's id of this connection.
    pub fn connection_id(&self) -> u64 {
        self.connection_id.into()
    }

    /// Changes [`Options::silence`].
    pub fn limit_silence(&mut self, silence: Option<Duration>) -> Result<(), Fault> {
        self.run(|wire| Ok(wire.packets.stream.silence(silence)?))
    }

    /// Runs one statement; rows that it answers are passed over. Returns the number of rows affected.
    pub fn execute(&mut self, sql: &str) -> Result<u64, Fault> {
        self.run(|wire| {
            wire.command(Command::COM_QUERY, &[sql.as_bytes()])?;
            wire.skip_answers()?;
            Ok(wire.last.affected)
        })
    }

    /// Whether the server has something to say of the last statement.
    pub fn warned(&self) -> bool {
        self.last.warnings > 0
    }

    /// Runs one query and keeps its rows, every value as the text that the server makes of it: for small answers.
    pub fn query(&mut self, sql: &str) -> Result<Vec<Vec<Cell>>, Fault> {
        self.run(|wire| {
            wire.command(Command::COM_QUERY, &[sql.as_bytes()])?;
            wire.keep_rows(Form::Text)
        })
    }

    /// Runs one query with byte strings bound to its `?` and keeps its rows, typed.
    pub fn bound(&mut self, sql: &str, values: &[&[u8]]) -> Result<Vec<Vec<Cell>>, Fault> {
        self.run(|wire| wire.prepared(sql, values, |wire| wire.keep_rows(Form::Binary)))
    }

    /// Runs one query and hands every row to `visitor`, value by value; returns how many rows there were.
    ///
    /// A visitor that fails ends the connection: see [`Fault::Stopped`].
    pub fn stream<V: Visit + ?Sized>(&mut self, sql: &str, visitor: &mut V) -> Result<u64, Fault> {
        self.run(|wire| wire.prepared(sql, &[], |wire| wire.visit_rows(Form::Binary, visitor)))
    }

    /// Does `work`, unless the connection was given up; afterwards it goes on only if the answer was read to its end.
    fn run<T>(&mut self, work: impl FnOnce(&mut Wire) -> Result<T, Fault>) -> Result<T, Fault> {
        if let Some(why) = &self.given_up {
            return Err(Fault::Lost(format!("the connection was given up before: {why}")));
        }
        self.given_up = Some("an answer was not read to its end".into());
        let outcome = work(self);
        self.given_up = match &outcome {
            Err(fault) if fault.is_last() => {
                self.packets.stream.shut();
                Some(fault.to_string())
            }
            _ => None,
        };
        outcome
    }

    fn command(&mut self, command: Command, rest: &[&[u8]]) -> Result<(), Fault> {
        self.packets.expect(0);
        let code = [command as u8];
        let mut parts = vec![&code[..]];
        parts.extend_from_slice(rest);
        if let Err(error) = self.packets.send(&parts) {
            // A server that has ended the session said why, if the words still came through.
            return Err(match answer::first(&mut self.packets, self.capabilities) {
                Err(Fault::Server { number, message }) => {
                    Fault::Lost(format!("{message} (server error {number})"))
                }
                _ => error.into(),
            });
        }
        Ok(())
    }

    /// Prepares a statement, executes it, has its answer read and lets the server forget it.
    fn prepared<T>(
        &mut self,
        sql: &str,
        values: &[&[u8]],
        read: impl FnOnce(&mut Wire) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        self.command(Command::COM_STMT_PREPARE, &[sql.as_bytes()])?;
        let payload = self.packets.whole()?;
        let (id, columns, parameters) = match payload.split_first() {
            Some((0x00, rest)) => {
                let mut from = Cursor(rest);
                (from.u32()?, from.u16()?, from.u16()?)
            }
            Some((0xff, rest)) => return Err(answer::refusal(rest)),
            _ => return Err(fault::garbled("no prepared statement").into()),
        };
        answer::skip_columns(&mut self.packets, self.capabilities, parameters)?;
        answer::skip_columns(&mut self.packets, self.capabilities, columns)?;
        let outcome = if usize::from(parameters) == values.len() {
            self.command(Command::COM_STMT_EXECUTE, &[&execution(id, values)])
                .and_then(|()| read(self))
        } else {
            Err(Fault::Refused(format!(
                "the statement takes {parameters} values, not {}",
                values.len()
            )))
        };
        if !outcome.as_ref().is_err_and(Fault::is_last) {
            // The server does not answer this.
            self.command(Command::COM_STMT_CLOSE, &[&id.to_le_bytes()])?;
        }
        outcome
    }

    /// Reads a whole answer; the rows go to `visitor`, those of any further answer nowhere.
    fn visit_rows<V: Visit + ?Sized>(&mut self, form: Form, visitor: &mut V) -> Result<u64, Fault> {
        let mut count = 0;
        match answer::first(&mut self.packets, self.capabilities)? {
            First::Done(done) => self.last = done,
            First::File(name) => return self.decline(&name),
            First::Rows(columns) => {
                (count, self.last) =
                    answer::rows(&mut self.packets, self.capabilities, form, &columns, visitor)?;
            }
        }
        if self.last.more() {
            self.skip_answers()?;
        }
        Ok(count)
    }

    fn keep_rows(&mut self, form: Form) -> Result<Vec<Vec<Cell>>, Fault> {
        let mut rows = Vec::new();
        let mut gather = Gather::new(|cells: &[Cell]| {
            rows.push(cells.to_vec());
            Ok(())
        });
        self.visit_rows(form, &mut gather)?;
        Ok(rows)
    }

    /// Passes over everything up to the end of the last answer.
    fn skip_answers(&mut self) -> Result<(), Fault> {
        loop {
            self.last = match answer::first(&mut self.packets, self.capabilities)? {
                First::Done(done) => done,
                First::File(name) => return self.decline(&name),
                First::Rows(_) => answer::skip_rows(&mut self.packets, self.capabilities)?,
            };
            if !self.last.more() {
                return Ok(());
            }
        }
    }
}

/// The command that executes a prepared statement: no cursor, once, every value a string.
fn execution(id: u32, values: &[&[u8]]) -> Vec<u8> {
    let mut out = id.to_le_bytes().to_vec();
    out.push(0);
    out.extend_from_slice(&1u32.to_le_bytes());
    if !values.is_empty() {
        // None is NULL; types follow.
        out.resize(out.len() + values.len().div_ceil(8), 0);
        out.push(1);
        for _ in values {
            out.extend_from_slice(&[
                mysql_common::constants::ColumnType::MYSQL_TYPE_VAR_STRING as u8,
                0,
            ]);
        }
        for value in values {
            mysql_common::io::BufMutExt::put_lenenc_str(&mut out, value);
        }
    }
    out
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.given_up.is_none() {
            // The server ends the session at once, instead of counting it as aborted. It may be gone already.
            let _ = self.command(Command::COM_QUIT, &[]);
        }
    }
}

/// Decodes a server's answer to an executed statement as it came off the socket, and hands its rows to `visitor`; returns how
/// many there were. Whatever the bytes are, it answers or fails.
pub fn decode<V: Visit + ?Sized>(bytes: &[u8], visitor: &mut V) -> Result<u64, Fault> {
    let mut packets = Packets::new(bytes);
    packets.expect(1);
    let capabilities = CapabilityFlags::CLIENT_DEPRECATE_EOF;
    match answer::first(&mut packets, capabilities)? {
        First::Rows(columns) => {
            Ok(answer::rows(&mut packets, capabilities, Form::Binary, &columns, visitor)?.0)
        }
        First::Done(_) | First::File(_) => Ok(0),
    }
}
