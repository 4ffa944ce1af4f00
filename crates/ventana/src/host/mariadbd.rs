//! A private MariaDB: its own folder, a free loopback port, stopped by whoever started it.
#![allow(
    clippy::disallowed_methods,
    reason = "starts mariadbd: host is where processes are started"
)]

use super::clock::{deadline, pause};
use crate::error::{Failure, io};
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;

/// How long servers that were killed may take to be gone, in seconds.
const GRACE: u64 = 30;

/// How long making its data folder, or a few statements, may take, in seconds.
const SETUP: u64 = 120;

/// The server. It lives on after a drop: whoever started it says [`Server::stop`].
pub struct Server {
    pub port: u16,
    child: Mutex<Child>,
    folder: PathBuf,
}

impl Server {
    /// Data, log and socket lie in `folder`, which is there. `more` are further options of the server.
    pub fn start(folder: &Path, more: &[&str]) -> Result<Server, Failure> {
        let port = TcpListener::bind(("127.0.0.1", 0))
            .and_then(|l| l.local_addr())
            .map_err(io("no free port"))?
            .port();
        let lacking = |e: std::io::Error| {
            Failure::failed("mariadb", format!("cannot start MariaDB: {e}"))
                .hint("apt-get install mariadb-server-core mariadb-client")
        };
        let mut install = Command::new("mariadb-install-db")
            .args([
                "--no-defaults",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                "--user=root",
            ])
            .arg(data_argument(folder))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(lacking)?;
        let installed = wait(&mut install, SETUP);
        if installed.is_none() {
            let _ = install.kill();
            let _ = install.wait();
            end_in(folder);
        }
        if !installed.is_some_and(|status| status.success()) {
            return Err(Failure::failed("mariadb", "mariadb-install-db failed")
                .hint("is the package mariadb-server-core installed?"));
        }
        let log =
            std::fs::File::create(folder.join("mariadb.log")).map_err(io("cannot write mariadb.log"))?;
        // Debian keeps servers where a user's PATH does not look.
        let program = ["/usr/sbin/mariadbd", "mariadbd"]
            .into_iter()
            .find(|p| !p.starts_with('/') || Path::new(p).exists());
        let child = Command::new(program.unwrap_or("mariadbd"))
            .args([
                "--no-defaults",
                "--user=root",
                "--bind-address=127.0.0.1",
                "--skip-log-bin",
                "--innodb-buffer-pool-size=256M",
            ])
            .args(more)
            .arg(data_argument(folder))
            // A starting server clears its tmpdir, so /tmp would take away what another one is using.
            .arg(format!("--tmpdir={}", folder.display()))
            .arg(format!("--port={port}"))
            .arg(format!("--socket={}", folder.join("mariadb.sock").display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(lacking)?;
        let server = Server {
            port,
            child: Mutex::new(child),
            folder: folder.to_path_buf(),
        };
        let late = deadline(30);
        while !server.socket().exists() {
            if late() {
                server.stop();
                return Err(Failure::failed(
                    "mariadb",
                    format!(
                        "the private MariaDB does not come up; see {}",
                        folder.join("mariadb.log").display()
                    ),
                ));
            }
            pause(20);
        }
        Ok(server)
    }

    /// Where root may enter without a password, being on this machine.
    pub fn socket(&self) -> PathBuf {
        self.folder.join("mariadb.sock")
    }

    /// Runs statements as root over the socket. They may hold secrets: they stand in no argument.
    pub fn sql(&self, statements: &[&str]) -> Result<(), Failure> {
        let mut text = statements.join(";\n");
        text.push_str(";\n");
        let run = || {
            let mut client = Command::new("mariadb")
                .args(["--no-defaults", "-uroot"])
                .arg(format!("--socket={}", self.socket().display()))
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()?;
            if let Some(mut stdin) = client.stdin.take() {
                // One that refuses a statement does not read the others: its answer says why.
                let _ = stdin.write_all(text.as_bytes());
            }
            // It says no more than a pipe holds.
            if wait(&mut client, SETUP).is_none() {
                client.kill()?;
            }
            client.wait_with_output()
        };
        let output = run().map_err(io("cannot run the mariadb client"))?;
        if output.status.success() {
            return Ok(());
        }
        Err(Failure::failed(
            "mariadb",
            String::from_utf8_lossy(&output.stderr).trim().to_string(),
        ))
    }

    /// Ends it at once and waits for its end. What it holds is a copy, and InnoDB loses nothing that was committed; a
    /// server that is asked to end right after its start may not do so for half a minute.
    pub fn stop(&self) {
        let Ok(mut child) = self.child.lock() else { return };
        if !matches!(child.try_wait(), Ok(Some(_))) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Waits `seconds` at most; `None`: it still runs.
fn wait(child: &mut Child, seconds: u64) -> Option<ExitStatus> {
    let late = deadline(seconds);
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Some(status),
            Ok(None) if !late() => pause(10),
            _ => return None,
        }
    }
}

/// Ends the servers whose data lie in `folder`, of a `ventana` that was killed: told by their arguments, not by a pid that
/// somebody wrote down. A copy that is thrown away need not be closed in order.
pub fn end_in(folder: &Path) {
    let late = deadline(GRACE);
    loop {
        let left = servers_in(folder);
        if left.is_empty() || late() {
            return;
        }
        for pid in left {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
        pause(10);
    }
}

fn servers_in(folder: &Path) -> Vec<rustix::process::Pid> {
    let argument = data_argument(folder);
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|entry| {
            let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
            let line = std::fs::read(entry.path().join("cmdline")).ok()?;
            let ours = line
                .split(|byte| *byte == 0)
                .any(|word| word == argument.as_bytes());
            ours.then(|| rustix::process::Pid::from_raw(pid)).flatten()
        })
        .collect()
}

fn data_argument(folder: &Path) -> String {
    format!("--datadir={}", folder.join("mariadb").display())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::{Pid, Signal, kill_process};
    use std::os::unix::process::ExitStatusExt;

    #[test]
    fn one_that_hears_of_nothing_ends_too() {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(folder.path(), &[]).unwrap();
        let pid = Pid::from_child(&server.child.lock().unwrap());
        kill_process(pid, Signal::STOP).unwrap();
        server.stop();
        assert!(servers_in(folder.path()).is_empty());
        let ended = server.child.lock().unwrap().try_wait().unwrap();
        assert_eq!(ended.and_then(|status| status.signal()), Some(9));
        // Again, it is nothing to do.
        server.stop();
    }
}
