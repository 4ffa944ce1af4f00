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
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

/// The server. It lives on after a drop: whoever started it says [`Server::stop`].
pub struct Server {
    pub port: u16,
    child: Mutex<Child>,
    folder: PathBuf,
}

impl Server {
    /// Data, log and socket lie in `folder`, which is there. `more` are further options of the server.
    pub fn start(folder: &Path, more: &[&str]) -> Result<Server, Failure> {
        let data = folder.join("mariadb");
        let port = TcpListener::bind(("127.0.0.1", 0))
            .and_then(|l| l.local_addr())
            .map_err(io("no free port"))?
            .port();
        let lacking = |e: std::io::Error| {
            Failure::failed("mariadb", format!("cannot start MariaDB: {e}"))
                .hint("apt-get install mariadb-server-core mariadb-client")
        };
        let install = Command::new("mariadb-install-db")
            .args([
                "--no-defaults",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                "--user=root",
            ])
            .arg(format!("--datadir={}", data.display()))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .map_err(lacking)?;
        if !install.success() {
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
            .arg(format!("--datadir={}", data.display()))
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

    /// Ends it and waits for its end.
    pub fn stop(&self) {
        let Ok(mut child) = self.child.lock() else { return };
        if matches!(child.try_wait(), Ok(Some(_))) {
            return;
        }
        if let Some(pid) = rustix::process::Pid::from_raw(child.id() as i32) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let _ = child.wait();
    }
}
