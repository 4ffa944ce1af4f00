//! The byte stream under a connection, and how long it may be silent.

use super::handshake::Way;
use super::packet::Source;
use rustix::net::sockopt;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// After how long without a byte the kernel begins to ask whether the other side is still there, and how often.
const KEEPALIVE: (Duration, Duration, u32) = (Duration::from_secs(30), Duration::from_secs(10), 6);

/// Asks whether the server is still at work on what it is silent about; an error says why it cannot be.
pub(super) type Ask = Box<dyn Fn() -> io::Result<AtWork> + Send>;

/// What a server says of one of its sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum AtWork {
    Yes,
    /// It waits for the next statement: the answer is on its way, or lost.
    Idle,
    /// It refuses to say, for this reason: it is there, and nothing else is known.
    Unknown(String),
}

/// How often in a row a server may refuse to say whether it is at work: half a day, where it is asked every ten minutes. A
/// statement that takes longer is rarer than a way that has died beside a server that is full for so long.
pub(super) const REFUSALS: u32 = 72;

/// What carries the bytes. TLS will be another variant: it takes the plain stream over between the server's greeting and
/// our answer to it.
enum Transport {
    Tcp(TcpStream),
    Unix(UnixStream),
}

pub(super) struct Stream {
    transport: Transport,
    /// How long the server may be silent while bytes are due, or take none while we send.
    silence: Option<Duration>,
    /// The limit that is set on the socket for reading.
    limit: Option<Duration>,
    /// Whether bytes are due.
    flowing: bool,
    /// Asked when none are due and none came; without it such a silence may last for ever.
    ask: Option<Ask>,
}

impl Stream {
    /// The way that the bytes take.
    pub(super) fn way(&self) -> Way {
        match &self.transport {
            Transport::Unix(_) => Way::Socket,
            Transport::Tcp(tcp) if tcp.peer_addr().is_ok_and(|peer| peer.ip().is_loopback()) => Way::Loopback,
            Transport::Tcp(_) => Way::Network,
        }
    }

    /// Connects to the Unix socket that `host` is the path of, or to the first of the host's addresses that answers, each
    /// within `limit`; reads are limited by it too until [`Stream::settle`].
    pub(super) fn connect(
        host: &str,
        port: u16,
        limit: Duration,
        silence: Option<Duration>,
    ) -> io::Result<Stream> {
        let stream = |transport| Stream {
            transport,
            silence,
            limit: Some(limit),
            flowing: false,
            ask: None,
        };
        if host.starts_with('/') {
            let unix = UnixStream::connect(host)?;
            unix.set_read_timeout(Some(limit))?;
            unix.set_write_timeout(Some(limit))?;
            return Ok(stream(Transport::Unix(unix)));
        }
        let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for address in (bare.unwrap_or(host), port).to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, limit) {
                Ok(tcp) => {
                    tcp.set_nodelay(true)?;
                    sockopt::set_socket_keepalive(&tcp, true)?;
                    let (idle, interval, probes) = KEEPALIVE;
                    sockopt::set_tcp_keepidle(&tcp, idle)?;
                    sockopt::set_tcp_keepintvl(&tcp, interval)?;
                    sockopt::set_tcp_keepcnt(&tcp, probes)?;
                    tcp.set_read_timeout(Some(limit))?;
                    tcp.set_write_timeout(Some(limit))?;
                    return Ok(stream(Transport::Tcp(tcp)));
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Ends the time in which the server must answer at once: a statement may take hours. After each silence of the limit
    /// `ask` is asked whether it does.
    pub(super) fn settle(&mut self, ask: Option<Ask>) -> io::Result<()> {
        self.ask = ask;
        self.unhurried()
    }

    fn unhurried(&mut self) -> io::Result<()> {
        self.flowing = false;
        match &self.transport {
            Transport::Tcp(tcp) => tcp.set_write_timeout(self.silence)?,
            Transport::Unix(unix) => unix.set_write_timeout(self.silence)?,
        }
        self.limit(self.ask.as_ref().and(self.silence))
    }

    /// Changes how long the server may be silent while bytes are due.
    pub(super) fn silence(&mut self, silence: Option<Duration>) -> io::Result<()> {
        self.silence = silence;
        self.unhurried()
    }

    fn limit(&mut self, limit: Option<Duration>) -> io::Result<()> {
        match &self.transport {
            Transport::Tcp(tcp) => tcp.set_read_timeout(limit)?,
            Transport::Unix(unix) => unix.set_read_timeout(limit)?,
        }
        self.limit = limit;
        Ok(())
    }

    /// Ends the connection: whoever waits on it sees its end.
    pub(super) fn shut(&mut self) {
        // It may be gone already.
        let _ = match &self.transport {
            Transport::Tcp(tcp) => tcp.shutdown(Shutdown::Both),
            Transport::Unix(unix) => unix.shutdown(Shutdown::Both),
        };
    }
}

impl Source for Stream {
    fn flowing(&mut self, on: bool) -> io::Result<()> {
        if self.silence.is_some() {
            self.flowing = on;
            let unhurried = self.ask.as_ref().and(self.silence);
            self.limit(if on { self.silence } else { unhurried })?;
        }
        Ok(())
    }
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut doubted = false;
        let mut refused = 0;
        loop {
            let read = match &mut self.transport {
                Transport::Tcp(tcp) => tcp.read(into),
                Transport::Unix(unix) => unix.read(into),
            };
            let error = match read {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => silent(error, "sent nothing", self.limit),
                read => return read,
            };
            let Some(ask) = self.ask.as_ref().filter(|_| !self.flowing) else {
                return Err(error);
            };
            if error.kind() != io::ErrorKind::TimedOut {
                return Err(error);
            }
            let besides = |why: &str| io::Error::new(io::ErrorKind::TimedOut, format!("{error}, and {why}"));
            let answer = ask();
            refused = match &answer {
                Ok(AtWork::Unknown(_)) => refused + 1,
                _ => 0,
            };
            match answer {
                Ok(AtWork::Yes) => doubted = false,
                Ok(AtWork::Unknown(_)) if refused < REFUSALS => {}
                Ok(AtWork::Unknown(why)) => {
                    return Err(besides(&format!(
                        "refused {REFUSALS} times to say whether it is at work on the statement ({why}): let this account open \
                         one connection more (max_connections, MAX_USER_CONNECTIONS, its password), or give [database] \
                         silence a longer time; SHOW PROCESSLIST tells what the server does"
                    )));
                }
                // An answer that was on its way has come by the next time, and who was too busy to answer may answer then.
                Ok(AtWork::Idle) | Err(_) if !doubted => doubted = true,
                Ok(AtWork::Idle) => return Err(besides("it says that it has answered")),
                Err(why) => return Err(besides(&why.to_string())),
            }
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let limit = self.silence;
        let written = match &mut self.transport {
            Transport::Tcp(tcp) => tcp.write(bytes),
            Transport::Unix(unix) => unix.write(bytes),
        };
        written.map_err(|e| silent(e, "took nothing", limit))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A time limit of a socket is told as "would block".
fn silent(error: io::Error, did: &str, limit: Option<Duration>) -> io::Error {
    match (error.kind(), limit) {
        (io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut, Some(limit)) => {
            io::Error::new(io::ErrorKind::TimedOut, format!("the server {did} for {limit:?}"))
        }
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// A stream that asks `ask` with the number of the question, and its other end.
    fn asking(ask: impl Fn(u32, &UnixStream) -> io::Result<AtWork> + Send + 'static) -> (Stream, UnixStream) {
        let (ours, theirs) = UnixStream::pair().expect("a pair");
        let mut stream = Stream {
            transport: Transport::Unix(ours),
            silence: Some(Duration::from_millis(1)),
            limit: None,
            flowing: false,
            ask: None,
        };
        let (asked, answers) = (AtomicU32::new(0), theirs.try_clone().expect("clones"));
        let ask = move || ask(asked.fetch_add(1, Ordering::SeqCst), &answers);
        stream.settle(Some(Box::new(ask))).expect("settles");
        (stream, theirs)
    }

    #[test]
    fn refusals_in_a_row_are_counted_and_an_answer_ends_the_row() {
        let (mut stream, _theirs) = asking(|number, mut answers| {
            Ok(match number {
                n if n == REFUSALS - 1 => AtWork::Yes,
                n if n < 2 * REFUSALS - 2 => AtWork::Unknown("full".into()),
                _ => {
                    answers.write_all(b"an answer")?;
                    AtWork::Unknown("full".into())
                }
            })
        });
        let mut answer = [0; 9];
        stream.read_exact(&mut answer).expect("an answer at last");
        assert_eq!(&answer, b"an answer");
    }

    #[test]
    fn a_server_that_never_says_is_not_waited_for_without_end() {
        let (mut stream, _theirs) = asking(|number, _| {
            assert!(number < REFUSALS, "it was asked once too often");
            Ok(AtWork::Unknown("Too many connections (server error 1040)".into()))
        });
        let error = stream.read(&mut [0]).expect_err("refused");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        let told = error.to_string();
        assert!(
            told.contains("sent nothing for 1ms, and refused 72 times") && told.contains("server error 1040"),
            "{told}"
        );
    }
}
