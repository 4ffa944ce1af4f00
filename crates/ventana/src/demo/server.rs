//! A private MariaDB in the demo's folder, on a free loopback port.

use crate::error::{Failure, io};
use crate::host::clock::{deadline, pause};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// The server, ended when dropped.
pub struct Server {
    pub port: u16,
    child: Mutex<Child>,
    kept: AtomicBool,
    folder: PathBuf,
}

impl Server {
    pub fn start(folder: &Path) -> Result<Server, Failure> {
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
            kept: AtomicBool::new(false),
            folder: folder.to_path_buf(),
        };
        let late = deadline(30);
        while !server.folder.join("mariadb.sock").exists() {
            if late() {
                return Err(Failure::failed(
                    "mariadb",
                    "the private MariaDB does not come up; see mariadb.log in the demo's folder",
                ));
            }
            pause(20);
        }
        server.sql(&[
            // Root over the socket is enough; every further account that may write would have to be accepted by name.
            "DELETE FROM mysql.global_priv WHERE User='root' AND Host<>'localhost'",
            "FLUSH PRIVILEGES",
            "CREATE DATABASE inventario CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
            "CREATE USER 'ventana'@'127.0.0.1' IDENTIFIED BY 'ventana'",
            "GRANT ALL PRIVILEGES ON *.* TO 'ventana'@'127.0.0.1' WITH GRANT OPTION",
            "CREATE USER 'inventario'@'127.0.0.1' IDENTIFIED BY 'inventario'",
            "GRANT SELECT, INSERT, UPDATE, DELETE, EXECUTE ON inventario.* TO 'inventario'@'127.0.0.1'",
        ])?;
        Ok(server)
    }

    pub fn url(&self, user: &str, password: &str) -> String {
        format!("mysql://{user}:{password}@127.0.0.1:{}/inventario", self.port)
    }

    /// Runs statements as root over the socket.
    pub fn sql(&self, statements: &[&str]) -> Result<(), Failure> {
        let mut text = statements.join(";\n");
        text.push_str(";\n");
        let output = Command::new("mariadb")
            .args(["--no-defaults", "-uroot", "-e", &text])
            .arg(format!("--socket={}", self.folder.join("mariadb.sock").display()))
            .output()
            .map_err(io("cannot run the mariadb client"))?;
        if output.status.success() {
            return Ok(());
        }
        Err(Failure::failed(
            "mariadb",
            String::from_utf8_lossy(&output.stderr).trim().to_string(),
        ))
    }

    /// Root's client as a process that stays: for a fault that holds a lock.
    pub fn hold(&self, sql: &str) -> Option<Child> {
        Command::new("mariadb")
            .args(["--no-defaults", "-uroot", "inventario", "-e", sql])
            .arg(format!("--socket={}", self.folder.join("mariadb.sock").display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok()
    }

    /// Leaves the server running when the demo ends.
    pub fn keep(&self) {
        self.kept.store(true, Ordering::SeqCst);
    }

    pub fn stop(&self) {
        if self.kept.load(Ordering::SeqCst) {
            return;
        }
        let Ok(mut child) = self.child.lock() else { return };
        if let Some(pid) = rustix::process::Pid::from_raw(child.id() as i32) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let _ = child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}
