//! Signing in, with servers that ask for what they should not have.

use super::super::handshake::{Login, Way, prove, shake};
use super::{Packets, Script, ok, packets, refusal};
use crate::mariadb::wire::Fault;
use mysql_common::constants::CapabilityFlags;
use mysql_common::packets::AuthPlugin;
use proptest::prelude::*;
use std::collections::HashMap;

fn greeting(capabilities: u32, plugin: &str) -> Vec<u8> {
    let caps = capabilities.to_le_bytes();
    [
        b"\x0a5.5.5-10.11.6-MariaDB\0",
        &77u32.to_le_bytes()[..],
        b"12345678\0",
        &caps[..2],
        &[45, 2, 0],
        &caps[2..],
        &[21],
        &[0; 10],
        b"abcdefghijkl\0",
        plugin.as_bytes(),
        &[0],
    ]
    .concat()
}

fn switch(plugin: &str, nonce: &[u8]) -> Vec<u8> {
    [&[0xfe][..], plugin.as_bytes(), &[0], nonce, &[0]].concat()
}

/// The outcome of a handshake in which the server says this, and what it heard.
fn shaken(said: &[Vec<u8>]) -> (Result<(u32, CapabilityFlags), Fault>, Vec<u8>) {
    shaken_by(Way::Network, said)
}

fn shaken_by(way: Way, said: &[Vec<u8>]) -> (Result<(u32, CapabilityFlags), Fault>, Vec<u8>) {
    // We speak in between, so numbers grow by two.
    let said = said
        .iter()
        .zip((0u8..).step_by(2))
        .flat_map(|(p, n)| packets(n, std::slice::from_ref(p)))
        .collect();
    let mut packets = Packets::new(Script {
        said: std::io::Cursor::new(said),
        heard: Vec::new(),
    });
    let login = Login {
        user: "ops",
        password: "s3cret-word",
        attributes: HashMap::from([("program_name".to_string(), "ventana".to_string())]),
        way,
    };
    let outcome = shake(&mut packets, &login).map(|w| (w.connection_id, w.capabilities));
    (outcome, packets.stream.heard)
}

const ALL: u32 = u32::MAX;

#[test]
fn a_known_password_opens() {
    let (outcome, heard) = shaken(&[greeting(ALL, "mysql_native_password"), ok(0, 2)]);
    let (id, capabilities) = outcome.expect("opens");
    assert_eq!(id, 77);
    for never in [
        CapabilityFlags::CLIENT_MULTI_STATEMENTS,
        CapabilityFlags::CLIENT_SSL,
        CapabilityFlags::CLIENT_COMPRESS,
        CapabilityFlags::CLIENT_FOUND_ROWS,
    ] {
        assert!(!capabilities.contains(never));
    }
    let text = String::from_utf8_lossy(&heard);
    assert!(text.contains("ops") && text.contains("program_name"), "{text}");
    assert!(!text.contains("s3cret"), "the password itself is never sent");
}

#[test]
fn a_server_may_ask_for_other_methods_but_not_for_ever() {
    let first = greeting(ALL, "mysql_native_password");
    for (plugin, nonce, proof) in [
        ("mysql_native_password", 20, 20),
        ("client_ed25519", 32, 64),
        ("caching_sha2_password", 20, 32),
    ] {
        // A nonce may end in a zero of its own.
        let mut bytes = vec![b'n'; nonce];
        bytes[nonce - 1] = 0;
        let (outcome, heard) = shaken(&[first.clone(), switch(plugin, &bytes), ok(0, 2)]);
        outcome.unwrap_or_else(|e| panic!("{plugin}: {e}"));
        assert_eq!(heard[heard.len() - proof - 4], proof as u8, "{plugin}");
    }
    let again = switch("mysql_native_password", &[b'n'; 20]);
    let mut said = vec![first.clone(), again.clone(), again.clone(), ok(0, 2)];
    shaken(&said).0.expect("opens");
    said.splice(1..1, vec![again; 10]);
    let (outcome, _) = shaken(&said);
    assert!(matches!(outcome, Err(Fault::Lost(_))), "{outcome:?}");
    let (outcome, _) = shaken(&[first, switch("mysql_native_password", b"short"), ok(0, 2)]);
    assert!(matches!(outcome, Err(Fault::Lost(_))), "{outcome:?}");
}

/// Debian's server core comes without the plugin; a server that has it took the proofs of an independent reckoning, and this
/// is one of them.
#[test]
fn the_proof_of_ed25519_is_the_known_one() {
    let login = Login {
        user: "curve",
        password: "señal y clave",
        attributes: HashMap::new(),
        way: Way::Network,
    };
    let nonce: Vec<u8> = (1..=32).collect();
    let proof = prove(&AuthPlugin::Ed25519, &login, &nonce).expect("proves");
    let hex: String = proof.iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(
        hex,
        "926c6f3f39ccfcc4bd4aa12095adaeb9bed5dc153a159e936d820611244e3302\
         024dd140e2b1a5bdbb51e4586a5c370dc486fc999fa0c0daf8ed5dffc8249401"
    );
}

#[test]
fn a_password_is_never_shown() {
    let first = greeting(ALL, "mysql_native_password");
    for plugin in [
        "mysql_clear_password",
        "mysql_old_password",
        "dialog",
        "sha256_password",
        "",
    ] {
        let (outcome, heard) = shaken(&[first.clone(), switch(plugin, &[b'n'; 20]), ok(0, 2)]);
        assert!(
            matches!(&outcome, Err(Fault::Refused(text)) if text.contains("ops")),
            "{plugin}: {outcome:?}"
        );
        assert!(!String::from_utf8_lossy(&heard).contains("s3cret"));
    }
    // The server does not have the hash at hand and wants the password itself.
    let (outcome, heard) = shaken(&[greeting(ALL, "caching_sha2_password"), vec![1, 4], ok(0, 2)]);
    assert!(
        matches!(&outcome, Err(Fault::Refused(text)) if text.contains("TLS")),
        "{outcome:?}"
    );
    assert!(!String::from_utf8_lossy(&heard).contains("s3cret"));
    // Under a key it is not readable either, and what is no key is an error.
    let wants = [greeting(ALL, "caching_sha2_password"), vec![1, 4]];
    let (outcome, heard) = shaken_by(Way::Loopback, &[&wants[..], &[b"\x01no key".to_vec()]].concat());
    assert!(matches!(&outcome, Err(Fault::Lost(_))), "{outcome:?}");
    assert!(!String::from_utf8_lossy(&heard).contains("s3cret"));
    let (outcome, heard) = shaken_by(Way::Socket, &[&wants[..], &[ok(0, 2)]].concat());
    assert!(outcome.is_ok(), "{outcome:?}");
    assert!(heard.ends_with(b"s3cret-word\0"), "{heard:?}");
}

#[test]
fn a_server_may_refuse_before_it_greets() {
    let (outcome, _) = shaken(&[[&[0xff, 0x10, 0x04][..], b"Too many connections"].concat()]);
    assert!(
        matches!(&outcome, Err(Fault::Server { number: 1040, message }) if message == "Too many connections"),
        "{outcome:?}"
    );
    let (outcome, _) = shaken(&[
        greeting(ALL, "mysql_native_password"),
        refusal(1045, "Access denied"),
    ]);
    assert!(
        matches!(&outcome, Err(Fault::Server { number: 1045, message }) if message == "Access denied"),
        "{outcome:?}"
    );
    let (outcome, _) = shaken(&[vec![9, 0]]);
    assert!(
        matches!(&outcome, Err(Fault::Lost(text)) if text.contains("protocol 9")),
        "{outcome:?}"
    );
    let (outcome, _) = shaken(&[greeting(0x200, ""), ok(0, 2)]);
    assert!(
        matches!(&outcome, Err(Fault::Lost(text)) if text.contains("too old")),
        "{outcome:?}"
    );
}

proptest! {
    #[test]
    fn no_greeting_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..120), length in any::<u8>()) {
        let _ = shaken(std::slice::from_ref(&bytes));
        let mut first = greeting(ALL, "mysql_native_password");
        first[43] = length;
        let _ = shaken(&[first, bytes]);
    }
}
