//! One `ssh … sftp`, and the questions that are asked through it.
#![allow(
    clippy::disallowed_methods,
    reason = "starts ssh: host is where processes are started"
)]

use super::Options;
use super::packet::{self, About, Answer, EOF, OK, Packet, garbled};
use rustix::process::{Pid, Signal, kill_process};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind, Read};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a single answer may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// Of what ssh says on its error output, this much is kept.
const KEPT: usize = 8 * 1024;

/// How long the last of it is waited for when the connection has ended.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// A connection to the far side's SFTP server.
pub(super) struct Connection {
    host: String,
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: ChildStdout,
    said: Said,
    watch: Arc<Watch>,
    watcher: Option<JoinHandle<()>>,
    extensions: BTreeSet<String>,
    next: u32,
    /// Answers that came before they were asked for.
    early: BTreeMap<u32, Answer>,
}

/// A file or folder in a listing.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) about: About,
}

impl Connection {
    pub(super) fn open(host: &str, options: &Options<'_>) -> io::Result<Connection> {
        let mut command = Command::new("ssh");
        for option in [
            // Nobody is there to answer: an unknown or changed host key and a password prompt are errors.
            "BatchMode=yes",
            "StrictHostKeyChecking=yes",
            "ConnectTimeout=20",
            "ServerAliveInterval=15",
            "ServerAliveCountMax=4",
            "ClearAllForwardings=yes",
            "ForwardAgent=no",
            "PermitLocalCommand=no",
        ] {
            command.args(["-o", option]);
        }
        if let Some(port) = options.port {
            command.args(["-p", &port.to_string()]);
        }
        if let Some(key) = options.identity_file {
            command.arg("-i").arg(key).args(["-o", "IdentitiesOnly=yes"]);
        }
        if let Some(file) = options.known_hosts {
            command.args(["-o", &format!("UserKnownHostsFile=\"{}\"", file.display())]);
            command.args(["-o", "GlobalKnownHostsFile=none"]);
        }
        command.args(["-s", "--", host, "sftp"]);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| {
            io::Error::new(
                error.kind(),
                format!("cannot start ssh: {error}; apt-get install openssh-client"),
            )
        })?;
        let (Some(stdin), Some(stdout), Some(stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(io::Error::other("ssh was started without its pipes"));
        };
        let said = Said::of(stderr);
        let watch = Arc::new(Watch::default());
        let watcher = std::thread::spawn({
            let (watch, pid) = (Arc::clone(&watch), Pid::from_child(&child));
            move || watch.over(pid)
        });
        let mut connection = Connection {
            host: host.to_owned(),
            child,
            stdin: Some(stdin),
            stdout,
            said,
            watch,
            watcher: Some(watcher),
            extensions: BTreeSet::new(),
            next: 0,
            early: BTreeMap::new(),
        };
        connection.greet()?;
        Ok(connection)
    }

    fn greet(&mut self) -> io::Result<()> {
        self.transmit(Packet::new(packet::INIT).u32(3))?;
        let mut answer = self.receive()?;
        if answer.kind != packet::VERSION || answer.u32()? < 3 {
            return Err(garbled("no greeting of SFTP version 3"));
        }
        while !answer.is_at_end() {
            let name = answer.text()?;
            answer.bytes()?;
            self.extensions.insert(name);
        }
        Ok(())
    }

    /// Sends a question without waiting for its answer.
    pub(super) fn ask(&mut self, kind: u8, fields: impl FnOnce(Packet) -> Packet) -> io::Result<u32> {
        let id = self.next;
        self.next = self.next.wrapping_add(1);
        self.transmit(fields(Packet::new(kind).u32(id)))?;
        Ok(id)
    }

    /// Waits for the answer to a question. They may come in any order.
    pub(super) fn answer(&mut self, id: u32) -> io::Result<Answer> {
        loop {
            if let Some(answer) = self.early.remove(&id) {
                return Ok(answer);
            }
            let mut answer = self.receive()?;
            let of = answer.u32()?;
            self.early.insert(of, answer);
        }
    }

    fn transmit(&mut self, packet: Packet) -> io::Result<()> {
        self.watch.expect(true);
        let sent = match &mut self.stdin {
            Some(stdin) => packet.send(stdin),
            None => Err(ErrorKind::BrokenPipe.into()),
        };
        sent.map_err(|error| self.ended(error))
    }

    fn receive(&mut self) -> io::Result<Answer> {
        self.watch.expect(true);
        let answer = Answer::receive(&mut self.stdout);
        self.watch.expect(false);
        answer.map_err(|error| self.ended(error))
    }

    /// Why the connection ended, in ssh's own words.
    fn ended(&mut self, error: io::Error) -> io::Error {
        if !matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe) {
            return error;
        }
        self.stdin = None;
        let late = self.watch.now().fired;
        let said = self.said.to_the_end();
        let said: Vec<&str> = said
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect();
        let host = &self.host;
        let what = match (late, said.is_empty()) {
            (true, _) => format!("{host} has not answered for {} s", PATIENCE.as_secs()),
            (false, true) => format!("the connection to {host} ended"),
            (false, false) => format!("the connection to {host} ended: {}", said.join("; ")),
        };
        io::Error::new(ErrorKind::ConnectionAborted, what)
    }

    /// An answer that says only whether it was done.
    pub(super) fn status(&mut self, id: u32) -> io::Result<()> {
        let mut answer = self.answer(id)?;
        match answer.kind {
            packet::STATUS => refusal(&mut answer).map_or(Ok(()), Err),
            _ => Err(garbled("an answer that is no status")),
        }
    }

    /// The answer of the wanted kind, or the server's refusal.
    pub(super) fn wanted(&mut self, id: u32, kind: u8) -> io::Result<Answer> {
        let mut answer = self.answer(id)?;
        match answer.kind {
            found if found == kind => Ok(answer),
            packet::STATUS => {
                Err(refusal(&mut answer)
                    .unwrap_or_else(|| garbled("a status in place of what was asked for")))
            }
            _ => Err(garbled("an answer of another kind")),
        }
    }

    fn plain(&mut self, kind: u8, path: &str) -> io::Result<()> {
        let id = self.ask(kind, |packet| packet.bytes(path.as_bytes()))?;
        self.status(id)
    }

    pub(super) fn lstat(&mut self, path: &str) -> io::Result<About> {
        let id = self.ask(packet::LSTAT, |packet| packet.bytes(path.as_bytes()))?;
        self.wanted(id, packet::ATTRS)?.about()
    }

    pub(super) fn remove(&mut self, path: &str) -> io::Result<()> {
        self.plain(packet::REMOVE, path)
    }

    pub(super) fn remove_folder(&mut self, path: &str) -> io::Result<()> {
        self.plain(packet::RMDIR, path)
    }

    /// With mode 0700.
    pub(super) fn make_folder(&mut self, path: &str) -> io::Result<()> {
        let id = self.ask(packet::MKDIR, |packet| {
            packet.bytes(path.as_bytes()).u32(4).u32(0o700)
        })?;
        self.status(id)
    }

    /// Never over something that is there.
    pub(super) fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let id = self.ask(packet::RENAME, |packet| {
            packet.bytes(from.as_bytes()).bytes(to.as_bytes())
        })?;
        self.status(id)
    }

    pub(super) fn list(&mut self, path: &str) -> io::Result<Vec<Entry>> {
        let id = self.ask(packet::OPENDIR, |packet| packet.bytes(path.as_bytes()))?;
        let handle = self.wanted(id, packet::HANDLE)?.bytes()?;
        let mut entries = Vec::new();
        loop {
            let id = self.ask(packet::READDIR, |packet| packet.bytes(&handle))?;
            let mut answer = match self.wanted(id, packet::NAME) {
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => break,
                answer => answer?,
            };
            for _ in 0..answer.u32()? {
                let name = answer.text()?;
                answer.bytes()?;
                let about = answer.about()?;
                // A name that leads elsewhere is no name.
                if name != "." && name != ".." && !name.contains('/') {
                    entries.push(Entry { name, about });
                }
            }
        }
        self.close(&handle)?;
        Ok(entries)
    }

    pub(super) fn close(&mut self, handle: &[u8]) -> io::Result<()> {
        let id = self.ask(packet::CLOSE, |packet| packet.bytes(handle))?;
        self.status(id)
    }

    /// Makes an open file durable, where the server knows how.
    pub(super) fn sync(&mut self, handle: &[u8]) -> io::Result<()> {
        if !self.extensions.contains("fsync@openssh.com") {
            return Ok(());
        }
        let id = self.ask(packet::EXTENDED, |packet| {
            packet.bytes(b"fsync@openssh.com").bytes(handle)
        })?;
        self.status(id)
    }

    /// Makes a folder's entries durable, as far as the server lets us: not all open a folder.
    pub(super) fn sync_folder(&mut self, path: &str) -> io::Result<()> {
        let id = self.ask(packet::OPEN, |packet| packet.bytes(path.as_bytes()).u32(1).u32(0))?;
        let handle = match self.wanted(id, packet::HANDLE) {
            Err(error) if error.kind() == ErrorKind::ConnectionAborted => return Err(error),
            Err(_) => return Ok(()),
            Ok(mut answer) => answer.bytes()?,
        };
        let synced = self.sync(&handle);
        self.close(&handle)?;
        match synced {
            Err(error) if error.kind() == ErrorKind::ConnectionAborted => Err(error),
            _ => Ok(()),
        }
    }

    /// Bytes that the far side's disk has free for this account; `None` where the server does not tell.
    pub(super) fn free_bytes(&mut self, path: &str) -> io::Result<Option<u64>> {
        if !self.extensions.contains("statvfs@openssh.com") {
            return Ok(None);
        }
        let id = self.ask(packet::EXTENDED, |packet| {
            packet.bytes(b"statvfs@openssh.com").bytes(path.as_bytes())
        })?;
        let mut answer = self.wanted(id, packet::EXTENDED_REPLY)?;
        let (_block, fragment) = (answer.u64()?, answer.u64()?);
        let (blocks, _free, available) = (answer.u64()?, answer.u64()?, answer.u64()?);
        // What has no size says that it is 0.
        Ok((blocks > 0).then(|| available.saturating_mul(fragment)))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // The end of its input ends ssh; one that hangs is ended.
        self.stdin = None;
        self.watch.expect(true);
        let late = Instant::now() + Duration::from_secs(5);
        while matches!(self.child.try_wait(), Ok(None)) {
            if Instant::now() > late {
                let _ = self.child.kill();
                let _ = self.child.wait();
            }
            crate::host::clock::pause(5);
        }
        self.watch.close();
        if let Some(watcher) = self.watcher.take() {
            let _ = watcher.join();
        }
    }
}

/// What ssh says on its error output.
struct Said {
    text: Arc<Mutex<Vec<u8>>>,
    /// Closed at the end of that output.
    ended: Receiver<()>,
}

impl Said {
    fn of(mut stderr: ChildStderr) -> Said {
        let text = Arc::new(Mutex::new(Vec::new()));
        let (end, ended) = mpsc::channel();
        let kept = Arc::clone(&text);
        std::thread::spawn(move || {
            let _end = end;
            let mut block = [0; 1024];
            while let Ok(read @ 1..) = stderr.read(&mut block) {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                let room = KEPT.saturating_sub(kept.len());
                kept.extend_from_slice(&block[..read.min(room)]);
            }
        });
        Said { text, ended }
    }

    /// All of it, or what there is after a moment: what ssh started, a proxy or the master of a shared connection, may keep
    /// the output open long after ssh itself.
    fn to_the_end(&self) -> String {
        let _ = self.ended.recv_timeout(LAST_WORDS);
        let text = self.text.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&text).into_owned()
    }
}

/// The server's words as an error; `None` where they say that all is well.
fn refusal(answer: &mut Answer) -> Option<io::Error> {
    let code = match answer.u32() {
        Ok(OK) => return None,
        Ok(code) => code,
        Err(error) => return Some(error),
    };
    let text = answer.text().unwrap_or_default();
    let kind = match code {
        EOF => ErrorKind::UnexpectedEof,
        2 => ErrorKind::NotFound,
        3 => ErrorKind::PermissionDenied,
        8 => ErrorKind::Unsupported,
        _ => ErrorKind::Other,
    };
    Some(io::Error::new(kind, format!("the far side says: {text}")))
}

/// Ends an ssh whose far side does not answer any more.
#[derive(Default)]
struct Watch {
    now: Mutex<Now>,
    changed: Condvar,
}

#[derive(Default)]
struct Now {
    /// Until when something has to come; `None` while nothing is awaited.
    until: Option<Instant>,
    fired: bool,
    over: bool,
}

impl Watch {
    fn now(&self) -> MutexGuard<'_, Now> {
        // Each holder only assigns.
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn expect(&self, something: bool) {
        self.now().until = something.then(|| Instant::now() + PATIENCE);
        self.changed.notify_one();
    }

    fn close(&self) {
        self.now().over = true;
        self.changed.notify_one();
    }

    /// The process is ended at most once, and is reaped only after this has returned or was told to.
    fn over(&self, child: Pid) {
        let mut now = self.now();
        while !now.over {
            let left = now
                .until
                .map(|until| until.saturating_duration_since(Instant::now()));
            if left == Some(Duration::ZERO) && !now.fired {
                now.fired = true;
                let _ = kill_process(child, Signal::KILL);
            }
            let wait = left.filter(|left| !left.is_zero()).unwrap_or(PATIENCE);
            now = self
                .changed
                .wait_timeout(now, wait)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}
