//! The beginning of a connection: the server's greeting, our answer, and the proof that we know the password.

use super::answer::{Done, done, refusal};
use super::cursor::Cursor;
use super::fault::{Fault, garbled};
use super::packet::{Packets, Source};
use mysql_common::constants::CapabilityFlags;
use mysql_common::packets::{AuthPlugin, HandshakeResponse};
use mysql_common::proto::MySerialize;
use std::collections::HashMap;
use std::io::{self, Write};

/// Who asks to be let in.
pub(super) struct Login<'l> {
    pub(super) user: &'l str,
    pub(super) password: &'l str,
    /// What the server shows in `session_connect_attrs`.
    pub(super) attributes: HashMap<String, String>,
    pub(super) way: Way,
}

/// The way to the server: what may be said on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// A Unix socket: nobody listens.
    Socket,
    /// This machine's own network: nobody stands between.
    Loopback,
    /// Whoever says on it what the server's key is may be anybody.
    Network,
}

/// What a connection is from then on.
pub(super) struct Welcome {
    pub(super) connection_id: u32,
    pub(super) capabilities: CapabilityFlags,
    pub(super) done: Done,
}

/// What we can do. Several statements in one text are not among it: one command is one statement.
fn wanted() -> CapabilityFlags {
    CapabilityFlags::CLIENT_LONG_PASSWORD
        | CapabilityFlags::CLIENT_LONG_FLAG
        | CapabilityFlags::CLIENT_LOCAL_FILES
        | CapabilityFlags::CLIENT_PROTOCOL_41
        | CapabilityFlags::CLIENT_TRANSACTIONS
        | CapabilityFlags::CLIENT_SECURE_CONNECTION
        | CapabilityFlags::CLIENT_MULTI_RESULTS
        | CapabilityFlags::CLIENT_PS_MULTI_RESULTS
        | CapabilityFlags::CLIENT_PLUGIN_AUTH
        | CapabilityFlags::CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA
        | CapabilityFlags::CLIENT_CONNECT_ATTRS
        | CapabilityFlags::CLIENT_DEPRECATE_EOF
}

/// Without these a server is older than any that we meet.
fn needed() -> CapabilityFlags {
    CapabilityFlags::CLIENT_PROTOCOL_41
        | CapabilityFlags::CLIENT_SECURE_CONNECTION
        | CapabilityFlags::CLIENT_PLUGIN_AUTH
}

/// The longest payload that we are ready to take.
const LONGEST: u32 = 1 << 30;

/// How often a server may ask for another method.
const SWITCHES: u32 = 8;

#[derive(Debug, PartialEq)]
struct Greeting {
    connection_id: u32,
    capabilities: CapabilityFlags,
    nonce: Vec<u8>,
    plugin: Vec<u8>,
}

fn greeting(payload: &[u8]) -> Result<Greeting, Fault> {
    let mut from = Cursor(payload);
    match from.u8()? {
        0xff => return Err(refusal(from.0)),
        10 => {}
        version => {
            return Err(Fault::Lost(format!(
                "it greets with protocol {version}; 10 is the one of MySQL and MariaDB"
            )));
        }
    }
    // The server's version, which a query tells better.
    from.zero_ended();
    let connection_id = from.u32()?;
    let mut nonce = from.bytes(8)?.to_vec();
    from.bytes(1)?;
    let low = from.u16()?;
    // Default character set, status.
    from.bytes(1 + 2)?;
    let high = from.u16()?;
    let nonce_length = usize::from(from.u8()?);
    from.bytes(10)?;
    let rest = nonce_length.saturating_sub(8).max(13);
    nonce.extend_from_slice(from.bytes(rest.min(from.0.len()))?);
    Ok(Greeting {
        connection_id,
        capabilities: CapabilityFlags::from_bits_truncate(u32::from(low) | u32::from(high) << 16),
        nonce,
        plugin: from.zero_ended().to_vec(),
    })
}

/// Greets, proves the password, and returns once the server is ready for commands.
pub(super) fn shake<S: Source + Write>(
    packets: &mut Packets<S>,
    login: &Login<'_>,
) -> Result<Welcome, Fault> {
    let greeting = greeting(packets.whole()?)?;
    let missing = needed() - greeting.capabilities;
    if !missing.is_empty() {
        return Err(Fault::Lost(format!(
            "it is too old a server: it lacks {missing:?}"
        )));
    }
    let capabilities = greeting.capabilities & wanted();
    // With a method that we do not speak the server is free to ask for another.
    let mut plugin = match AuthPlugin::from_bytes(&greeting.plugin) {
        AuthPlugin::CachingSha2Password => AuthPlugin::CachingSha2Password,
        _ => AuthPlugin::MysqlNativePassword,
    };
    let proof = prove(&plugin, login, &greeting.nonce)?;
    let attributes = capabilities
        .contains(CapabilityFlags::CLIENT_CONNECT_ATTRS)
        .then(|| login.attributes.clone());
    let response = HandshakeResponse::new(
        Some(&proof[..]),
        (5, 5, 5),
        Some(login.user.as_bytes()),
        None::<&[u8]>,
        Some(plugin.borrow()),
        capabilities,
        attributes,
        LONGEST,
    );
    let mut payload = Vec::new();
    response.serialize(&mut payload);
    packets.send(&[&payload])?;

    let mut switches = 0;
    loop {
        let payload = packets.whole()?.to_vec();
        match payload.split_first() {
            Some((0x00, rest)) => {
                return Ok(Welcome {
                    connection_id: greeting.connection_id,
                    capabilities,
                    done: done(rest)?,
                });
            }
            Some((0xff, rest)) => return Err(refusal(rest)),
            // An account may have several methods, each tried in its turn.
            Some((0xfe, rest)) if switches < SWITCHES => {
                switches += 1;
                let mut from = Cursor(rest);
                let name = from.zero_ended();
                plugin = AuthPlugin::from_bytes(name).into_owned();
                let proof = prove(&plugin, login, from.0)?;
                packets.send(&[&proof])?;
            }
            // The server knew the password's hash; OK follows.
            Some((0x01, [3])) if plugin == AuthPlugin::CachingSha2Password => {}
            // It did not know the hash: it wants the password itself.
            Some((0x01, [4])) if plugin == AuthPlugin::CachingSha2Password => {
                show_password(packets, login, &greeting.nonce)?;
            }
            _ => return Err(garbled("a step of signing in that nobody knows").into()),
        }
    }
}

/// What caching_sha2_password asks for after a restart of the server or a change of the password: once, until it has the
/// hash at hand again.
fn show_password<S: Source + Write>(
    packets: &mut Packets<S>,
    login: &Login<'_>,
    nonce: &[u8],
) -> Result<(), Fault> {
    let mut password = [login.password.as_bytes(), &[0]].concat();
    match login.way {
        Way::Socket => packets.send(&[&password])?,
        Way::Loopback => {
            packets.send(&[&[2]])?;
            let answer = packets.whole()?;
            let Some((0x01, key)) = answer.split_first() else {
                return Err(garbled("no key to show the password under").into());
            };
            let mask = nonce.get(..20).ok_or_else(short_nonce)?.iter().cycle();
            password
                .iter_mut()
                .zip(mask)
                .for_each(|(byte, mask)| *byte ^= mask);
            // It panics at what is no key, and at a password that is too long for one.
            let sealed = std::panic::catch_unwind(|| mysql_common::crypto::encrypt(&password, key))
                .map_err(|_| garbled("no key to show the password under"))?;
            packets.send(&[&sealed])?;
        }
        Way::Network => {
            return Err(Fault::Refused(format!(
                "account {} signs in with caching_sha2_password, whose password is not shown to a server on another machine \
                 without TLS; use the server's Unix socket or a tunnel to it, or an account with mysql_native_password",
                login.user
            )));
        }
    }
    Ok(())
}

/// The proof that we know the password, as `plugin` wants it over `nonce`; empty for an empty password.
pub(super) fn prove(plugin: &AuthPlugin<'_>, login: &Login<'_>, nonce: &[u8]) -> Result<Vec<u8>, Fault> {
    // A zero ends the nonce, or not: its length tells.
    let length = match plugin {
        AuthPlugin::MysqlNativePassword | AuthPlugin::CachingSha2Password => 20,
        AuthPlugin::Ed25519 => 32,
        // A password in clear text, or as good as, is not sent, whoever asks.
        other => {
            return Err(Fault::Refused(format!(
                "account {} signs in with {}; only mysql_native_password, ed25519 and caching_sha2_password are spoken",
                login.user,
                String::from_utf8_lossy(other.as_bytes())
            )));
        }
    };
    let nonce = nonce.get(..length).ok_or_else(short_nonce)?;
    let proof = plugin.gen_data(Some(login.password), nonce);
    Ok(proof.map(|p| p.to_vec()).unwrap_or_default())
}

fn short_nonce() -> io::Error {
    garbled("a challenge that is too short")
}
