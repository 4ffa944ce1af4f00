//! A connection over TCP to a server that plays a part.

use super::{BLOB, Kept, Wire, answer_of, ok, packets, refusal, row, string};
use crate::mariadb::wire::{Fault, Options};
use crate::row::{Value, Visit};
use crate::{Error, Result, Secret};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

/// One packet of the client.
fn heard(stream: &mut TcpStream) -> Vec<u8> {
    let mut header = [0; 4];
    if stream.read_exact(&mut header).is_err() {
        return Vec::new();
    }
    let length = u32::from_le_bytes([header[0], header[1], header[2], 0]);
    let mut payload = vec![0; usize::try_from(length).expect("fits")];
    stream.read_exact(&mut payload).expect("a payload");
    payload
}

/// A server that lets everybody in and then plays `part`.
fn server<T: Send + 'static>(
    part: impl FnOnce(&mut TcpStream) -> T + Send + 'static,
) -> (u16, JoinHandle<T>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("listens");
    let port = listener.local_addr().expect("an address").port();
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let greeting = [
            b"\x0a10.11\0\x01\0\0\0" as &[u8],
            b"12345678\0",
            &[0xff; 2],
            &[45, 2, 0],
            &[0xff; 2],
            &[21],
            &[0; 10],
            b"abcdefghijkl\0mysql_native_password\0",
        ];
        stream
            .write_all(&packets(0, &[greeting.concat()]))
            .expect("greets");
        heard(&mut stream);
        // In a transaction, so that a load is taken.
        stream.write_all(&packets(2, &[ok(0, 1)])).expect("welcomes");
        part(&mut stream)
    });
    (port, thread)
}

fn connected(port: u16) -> Wire {
    let password = Secret::new(String::new());
    Wire::connect(&Options {
        host: "127.0.0.1",
        port,
        user: "ops",
        password: &password,
        attributes: &[],
        silence: Some(Duration::from_millis(100)),
    })
    .expect("connects")
}

fn say(stream: &mut TcpStream, sequence: u8, payloads: &[Vec<u8>]) {
    stream.write_all(&packets(sequence, payloads)).expect("says");
}

#[test]
fn a_file_that_was_not_offered_is_never_sent() {
    let (port, played) = server(|stream| {
        heard(stream);
        say(stream, 1, &[b"\xfb/etc/passwd".to_vec()]);
        let sent = heard(stream);
        say(stream, 3, &[ok(0, 2)]);
        heard(stream);
        say(stream, 1, &[ok(0, 2)]);
        sent
    });
    let mut wire = connected(port);
    let fault = wire.execute("SELECT 1").expect_err("a file is asked for");
    assert!(
        matches!(&fault, Fault::Refused(text) if text.contains("/etc/passwd")),
        "{fault:?}"
    );
    wire.execute("SELECT 1").expect("the connection goes on");
    assert_eq!(played.join().expect("played"), b"", "nothing but the end");
}

#[test]
fn a_load_answers_only_to_its_own_name() {
    let (port, played) = server(|stream| {
        heard(stream);
        let mut limit = answer_of(&[(BLOB, 0)], &[string(b"16777216")]);
        limit.pop();
        limit.push(ok(0xfe, 1));
        say(stream, 1, &limit);
        heard(stream);
        say(stream, 1, &[b"\xfbid_rsa".to_vec()]);
        let sent = heard(stream);
        say(stream, 3, &[refusal(1062, "something else")]);
        sent
    });
    let mut wire = connected(port);
    let fault = wire.load_local("LOAD DATA LOCAL INFILE 'x'", "x", &mut &b"rows"[..]);
    assert!(
        matches!(&fault, Err(Fault::Refused(text)) if text.contains("id_rsa")),
        "{fault:?}"
    );
    assert_eq!(played.join().expect("played"), b"");
}

#[test]
fn a_server_that_goes_silent_between_rows_is_lost() {
    let (port, played) = server(|stream| {
        heard(stream);
        // Statement 1, one column, no parameter.
        say(
            stream,
            1,
            &[vec![0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0], super::column(BLOB, 0)],
        );
        heard(stream);
        let all = packets(1, &answer_of(&[(BLOB, 0)], &[row(&[&string(b"first")])]));
        stream.write_all(&all[..all.len() - 5]).expect("says");
        // Until the client gives up.
        heard(stream)
    });
    let mut wire = connected(port);
    let mut kept = Kept::default();
    let fault = wire.stream("SELECT b", &mut kept).expect_err("silence");
    assert!(
        matches!(&fault, Fault::Lost(text) if text.contains("sent nothing for 100ms")),
        "{fault:?}"
    );
    assert_eq!(kept.rows.len(), 1);
    let later = wire.query("SELECT 1").expect_err("given up");
    assert!(
        matches!(&later, Fault::Lost(text) if text.contains("given up before") && text.contains("100ms")),
        "{later:?}"
    );
    assert_eq!(played.join().expect("played"), b"");
}

#[test]
fn what_cannot_be_understood_ends_the_connection() {
    let (port, played) = server(|stream| {
        heard(stream);
        say(stream, 9, &[ok(0, 2)]);
        heard(stream)
    });
    let mut wire = connected(port);
    assert!(matches!(wire.execute("SELECT 1"), Err(Fault::Lost(_))));
    assert!(matches!(wire.execute("SELECT 1"), Err(Fault::Lost(_))));
    assert_eq!(played.join().expect("played"), b"", "nothing more is sent");
}

#[test]
fn a_visitor_that_panics_leaves_no_half_answer_behind() {
    struct Bug;
    impl Visit for Bug {
        fn value(&mut self, _: usize, _: Value<'_>) -> Result<()> {
            panic!("a bug in the visitor")
        }
        fn long(&mut self, _: usize, _: bool, _: u64, _: &mut dyn Read) -> Result<()> {
            Err(Error::io("never", "called"))
        }
        fn end(&mut self) -> Result<()> {
            Ok(())
        }
    }
    let (port, played) = server(|stream| {
        heard(stream);
        say(stream, 1, &[vec![0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]]);
        heard(stream);
        say(stream, 1, &answer_of(&[(BLOB, 0)], &[row(&[&string(b"x")])]));
        heard(stream)
    });
    let mut wire = connected(port);
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| wire.stream("SELECT b", &mut Bug)));
    assert!(caught.is_err());
    assert!(matches!(wire.query("SELECT 1"), Err(Fault::Lost(_))));
    drop(wire);
    assert_eq!(played.join().expect("played"), b"");
}
