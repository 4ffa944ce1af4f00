use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;

use crate::must;

/// What a [`Proxy`] does to the bytes that pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Nothing.
    Pass,
    /// Holds each piece back for this long.
    Latency(Duration),
    /// Lets this many bytes through, both directions and all connections together, counted from the moment the rule
    /// is set; then every connection is cut and no new one accepted.
    CutAfter(u64),
    /// Lets this many bytes through, counted the same way; then the connection of the next byte is cut and the rule is
    /// [`Rule::Pass`]: all others go on, and new ones are accepted.
    CutOneAfter(u64),
    /// Keeps connections open and delivers nothing until the rule changes.
    Stall,
    /// Lets this many bytes through, counted the same way; then the rule is [`Rule::Stall`].
    StallAfter(u64),
    /// Cuts each new connection at once; open ones go on.
    Refuse,
}

/// A TCP proxy on a free loopback port that breaks connections on command.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    upstream: SocketAddr,
    now: Mutex<Now>,
    changed: Condvar,
}

#[derive(Debug)]
struct Now {
    rule: Rule,
    passed: u64,
    open: Vec<TcpStream>,
    closed: bool,
}

impl Proxy {
    /// A proxy to 127.0.0.1:`port` that lets everything pass.
    #[track_caller]
    pub fn to(port: u16) -> Proxy {
        let listener = must(TcpListener::bind(("127.0.0.1", 0)).context("listening for the proxy"));
        let address = must(listener.local_addr().context("asking for the proxy's port"));
        let now = Now {
            rule: Rule::Pass,
            passed: 0,
            open: Vec::new(),
            closed: false,
        };
        let upstream = SocketAddr::from(([127, 0, 0, 1], port));
        let shared = Arc::new(Shared {
            upstream,
            now: Mutex::new(now),
            changed: Condvar::new(),
        });
        let acceptor = Arc::clone(&shared);
        thread::spawn(move || acceptor.accept(&listener));
        Proxy { address, shared }
    }

    /// The port to connect to instead.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Changes the rule for open and new connections, and counts bytes from zero again.
    pub fn set(&self, rule: Rule) {
        let mut now = self.shared.lock();
        now.rule = rule;
        now.passed = 0;
        drop(now);
        self.shared.changed.notify_all();
    }

    /// Bytes delivered since the rule was set, both directions together.
    pub fn passed(&self) -> u64 {
        self.shared.lock().passed
    }

    /// Whether bytes are being held back.
    pub fn stalls(&self) -> bool {
        self.shared.lock().rule == Rule::Stall
    }

    /// Cuts every open connection now.
    pub fn cut(&self) {
        cut(&mut self.shared.lock());
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let mut now = self.shared.lock();
        now.closed = true;
        cut(&mut now);
        drop(now);
        self.shared.changed.notify_all();
        // Wakes the acceptor, which then sees that it is over.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn accept(self: &Arc<Self>, listener: &TcpListener) {
        for client in listener.incoming() {
            let Ok(client) = client else { continue };
            let mut now = self.lock();
            if now.closed {
                return;
            }
            let spent = matches!(now.rule, Rule::CutAfter(limit) if now.passed >= limit);
            if now.rule == Rule::Refuse || spent {
                continue;
            }
            // Unreachable upstream: the client sees its connection closed.
            let Ok(server) = TcpStream::connect(self.upstream) else {
                continue;
            };
            // A proxy that waits for more to send would be the slowest part of the way.
            let _ = (client.set_nodelay(true), server.set_nodelay(true));
            let pairs = [
                (client.try_clone(), server.try_clone()),
                (server.try_clone(), client.try_clone()),
            ];
            now.open.extend([client, server]);
            drop(now);
            for (from, to) in pairs {
                if let (Ok(from), Ok(to)) = (from, to) {
                    let shared = Arc::clone(self);
                    thread::spawn(move || shared.pump(from, to));
                }
            }
        }
    }

    fn pump(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut piece = vec![0; 16 * 1024];
        while let Ok(length @ 1..) = from.read(&mut piece) {
            if !self.deliver(&piece[..length], &from, &mut to) {
                break;
            }
        }
        // Half-close, as the sender did: the other direction may still have bytes to deliver.
        let _ = to.shutdown(Shutdown::Write);
    }

    /// Delivers a piece as the rules let it; `false` when the connection is over.
    fn deliver(&self, mut piece: &[u8], from: &TcpStream, to: &mut TcpStream) -> bool {
        while !piece.is_empty() {
            let (allowed, rest) = match self.admit(piece.len()) {
                Some(allowed) => piece.split_at(allowed),
                None => return false,
            };
            if to.write_all(allowed).is_err() {
                return false;
            }
            piece = rest;
            let mut now = self.lock();
            match now.rule {
                Rule::CutAfter(_) if !piece.is_empty() => {
                    cut(&mut now);
                    return false;
                }
                Rule::CutOneAfter(limit) if !piece.is_empty() && now.passed >= limit => {
                    now.rule = Rule::Pass;
                    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
                    return false;
                }
                _ => {}
            }
        }
        true
    }

    /// How many of `length` bytes may be delivered now, after any delay; `None` when the proxy is gone.
    fn admit(&self, length: usize) -> Option<usize> {
        let mut now = self.lock();
        loop {
            match now.rule {
                Rule::StallAfter(limit) if now.passed >= limit => now.rule = Rule::Stall,
                Rule::Stall if !now.closed => {
                    now = self.changed.wait(now).unwrap_or_else(PoisonError::into_inner);
                }
                _ => break,
            }
        }
        if let Rule::Latency(delay) = now.rule {
            drop(now);
            thread::sleep(delay);
            now = self.lock();
        }
        if now.closed {
            return None;
        }
        let allowed = match now.rule {
            Rule::CutAfter(limit) | Rule::CutOneAfter(limit) | Rule::StallAfter(limit) => {
                usize::try_from(limit.saturating_sub(now.passed)).map_or(length, |left| left.min(length))
            }
            _ => length,
        };
        now.passed += allowed as u64;
        Some(allowed)
    }
}

fn cut(now: &mut Now) {
    for stream in now.open.drain(..) {
        let _ = stream.shutdown(Shutdown::Both);
    }
}
