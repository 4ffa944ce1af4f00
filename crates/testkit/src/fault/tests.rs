use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use super::*;
use crate::Sandbox;

#[test]
fn nothing_can_be_made_below_a_file() {
    let sandbox = Sandbox::new();
    let error = std::fs::create_dir_all(unwritable(sandbox.work())).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::NotADirectory);
}

#[test]
fn bytes_are_flipped_and_cut() {
    let file = Sandbox::new();
    let path = file.file("f", [1, 2, 3, 4]);
    flip_byte(&path, 0);
    flip_byte(&path, -2);
    assert_eq!(std::fs::read(&path).unwrap(), [254, 2, 252, 4]);
    cut_tail(&path, 1);
    truncate(&path, 2);
    assert_eq!(std::fs::read(&path).unwrap(), [254, 2]);
}

#[test]
fn a_small_disk_runs_full() {
    // Some containers let not even root mount; the other faults do without.
    let Ok(disk) = SmallDisk::try_mount(64 * 1024) else {
        return;
    };
    disk.fill();
    let error = std::fs::write(disk.path().join("more"), [0; 10_000]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
}

/// Answers each connection with what it receives.
fn echo() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let (mut from, mut to) = (stream.try_clone().unwrap(), stream);
                let _ = std::io::copy(&mut from, &mut to);
            });
        }
    });
    port
}

fn connect(proxy: &Proxy) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", proxy.port())).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream
}

fn exchange(stream: &mut TcpStream, bytes: &[u8]) -> Option<Vec<u8>> {
    stream.write_all(bytes).ok()?;
    let mut answer = vec![0; bytes.len()];
    stream.read_exact(&mut answer).ok()?;
    Some(answer)
}

#[test]
fn the_proxy_passes_delays_and_cuts() {
    let proxy = Proxy::to(echo());
    let mut stream = connect(&proxy);
    assert_eq!(exchange(&mut stream, b"hello").unwrap(), b"hello");
    assert_eq!(proxy.passed(), 10);

    proxy.set(Rule::Latency(Duration::from_millis(50)));
    let start = Instant::now();
    assert!(exchange(&mut stream, b"x").is_some());
    assert!(
        start.elapsed() >= Duration::from_millis(100),
        "both ways are delayed"
    );

    proxy.set(Rule::CutAfter(7));
    assert_eq!(exchange(&mut stream, b"hello"), None);
    assert_eq!(proxy.passed(), 7);
    assert_eq!(
        exchange(&mut connect(&proxy), b"x"),
        None,
        "nothing new after the cut"
    );

    proxy.set(Rule::Pass);
    assert!(exchange(&mut connect(&proxy), b"x").is_some());
}

#[test]
fn the_proxy_stalls_until_told_otherwise() {
    let proxy = Proxy::to(echo());
    let mut stream = connect(&proxy);
    proxy.set(Rule::Stall);
    stream.write_all(b"x").unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let mut byte = [0];
    assert_eq!(
        stream.read_exact(&mut byte).unwrap_err().kind(),
        std::io::ErrorKind::WouldBlock
    );
    proxy.set(Rule::Pass);
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.read_exact(&mut byte).unwrap();

    proxy.set(Rule::StallAfter(7));
    stream.write_all(b"hello").unwrap();
    let mut two = [0; 2];
    stream.read_exact(&mut two).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    assert!(stream.read_exact(&mut byte).is_err(), "no third one comes");
    assert!(proxy.stalls() && proxy.passed() == 7);
    proxy.set(Rule::Pass);
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut three = [0; 3];
    stream.read_exact(&mut three).unwrap();
    assert_eq!((&two, &three), (b"he", b"llo"));

    let mut other = connect(&proxy);
    assert!(exchange(&mut other, b"x").is_some());
    proxy.set(Rule::CutOneAfter(3));
    assert_eq!(exchange(&mut stream, b"hello"), None);
    assert!(exchange(&mut other, b"x").is_some(), "the other one goes on");
    assert!(exchange(&mut connect(&proxy), b"x").is_some());
    let mut stream = connect(&proxy);
    assert!(exchange(&mut stream, b"x").is_some());

    proxy.set(Rule::Refuse);
    assert_eq!(exchange(&mut connect(&proxy), b"x"), None);
    assert!(exchange(&mut stream, b"x").is_some(), "an open one goes on");
    proxy.cut();
    assert_eq!(exchange(&mut stream, b"x"), None);
}
