//! A private MariaDB in the demo's folder.

use crate::error::Failure;
use crate::host::mariadbd;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

/// The server, ended when dropped.
pub struct Server {
    pub port: u16,
    server: mariadbd::Server,
    kept: AtomicBool,
}

impl Server {
    pub fn start(folder: &Path) -> Result<Server, Failure> {
        let server = mariadbd::Server::start(folder, &[])?;
        let server = Server {
            port: server.port,
            server,
            kept: AtomicBool::new(false),
        };
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
        self.server.sql(statements)
    }

    /// Root's client as a process that stays: for a fault that holds a lock.
    pub fn hold(&self, sql: &str) -> Option<Child> {
        Command::new("mariadb")
            .args(["--no-defaults", "-uroot", "inventario", "-e", sql])
            .arg(format!("--socket={}", self.server.socket().display()))
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
        if !self.kept.load(Ordering::SeqCst) {
            self.server.stop();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}
