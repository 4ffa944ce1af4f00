//! A session that is silent is asked after: a statement may take hours without a byte, and a way that has died looks the same.

use super::handshake::{self, Login};
use super::packet::Packets;
use super::stream::{Ask, AtWork, Stream};
use super::{CONNECT, Fault, Options, Wire};
use crate::{Cell, Secret};
use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const LEAST: Duration = Duration::from_secs(2);

/// Where to ask, and as whom: a session sees the other sessions of its own account, whatever its privileges.
struct Asker {
    host: String,
    port: u16,
    user: String,
    password: Secret,
    limit: Duration,
}

/// The question after session `id`, asked over a connection of its own that must answer at once.
pub(super) fn ask(options: &Options<'_>, id: u32) -> Ask {
    let asker = Asker {
        host: options.host.to_string(),
        port: options.port,
        user: options.user.to_string(),
        password: options.password.clone(),
        // However soon one asks, a server under load takes its time to let somebody in.
        limit: options
            .silence
            .map_or(CONNECT, |silence| silence.clamp(LEAST, CONNECT)),
    };
    let seen = AtomicBool::new(false);
    Box::new(move || match asker.command_of(id) {
        Ok(Some(command)) => {
            seen.store(true, Ordering::Relaxed);
            Ok(match command.as_str() {
                "Sleep" => AtWork::Idle,
                _ => AtWork::Yes,
            })
        }
        Ok(None) if seen.load(Ordering::Relaxed) => Err(io::Error::other("it has no such session any more")),
        // A proxy between us has numbers of its own: what it does not know says nothing.
        Ok(None) => Ok(AtWork::Yes),
        // It refuses to talk to one more, so it is there; more is not known.
        Err(Fault::Server { number, message }) => {
            Ok(AtWork::Unknown(format!("{message} (server error {number})")))
        }
        Err(fault) => Err(io::Error::other(format!(
            "a second connection fails too: {fault}"
        ))),
    })
}

impl Asker {
    /// What session `id` does in the server's own word; `None` when there is none.
    fn command_of(&self, id: u32) -> Result<Option<String>, Fault> {
        // Never settled: each read and write has the limit.
        let mut packets = Packets::new(Stream::connect(&self.host, self.port, self.limit, None)?);
        let login = Login {
            user: &self.user,
            password: self.password.open(),
            attributes: HashMap::from([("program_name".to_string(), "ventana".to_string())]),
            way: packets.stream.way(),
        };
        let welcome = handshake::shake(&mut packets, &login)?;
        let mut wire = Wire::of(packets, welcome);
        let rows = wire.query(&format!(
            "SELECT COMMAND FROM information_schema.PROCESSLIST WHERE ID={id}"
        ))?;
        Ok(rows.first().and_then(|row| row.first()).and_then(Cell::to_text))
    }
}
