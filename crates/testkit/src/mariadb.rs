//! Private MariaDB and MySQL servers: an own data folder, an own loopback port, an own socket; never the machine's own server.

mod brand;
mod client;
mod options;
mod schema;
mod template;

use std::io::Read as _;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

pub use brand::Brand;
pub use client::Rows;
pub use options::Options;
pub use schema::Schema;

use crate::must;
use crate::port::Port;
use crate::process::{Running, Signal};

/// The environment variable that hands a running server on to tests: `mysql://root@127.0.0.1:PORT`.
pub const SHARED: &str = "TESTKIT_MARIADB";

/// The same for a MySQL server; [`ABSENT`] where none could be fetched, and then tests on MySQL say so and end.
pub const SHARED_MYSQL: &str = "TESTKIT_MYSQL";

/// Value of [`SHARED_MYSQL`] that says that there is no MySQL here.
pub const ABSENT: &str = "absent";

/// How long a server may take to start (after a crash it recovers first) or to stop.
const LIMIT: Duration = Duration::from_secs(60);

/// A MariaDB (or, if told, MySQL) server on 127.0.0.1 whose `root` has no password.
#[derive(Debug)]
pub struct MariaDb {
    brand: Brand,
    port: u16,
    own: Option<Own>,
}

/// What only a server that we started has. The process is dropped before the folder it works in.
#[derive(Debug)]
struct Own {
    running: Mutex<Option<Running>>,
    args: Vec<String>,
    _port: Port,
    folder: TempDir,
}

impl MariaDb {
    /// Starts a private server with the defaults of [`Options`] and waits until it greets. Stopped on drop.
    #[track_caller]
    pub fn start() -> MariaDb {
        MariaDb::options().start()
    }

    /// Settings for a private server.
    pub fn options() -> Options {
        Options::default()
    }

    /// The server that tests share, each with its own [`schema`](MariaDb::schema): the one that [`SHARED`] names, or one
    /// started at first use in this process. Tests that fence, set globals or kill start their own.
    #[track_caller]
    pub fn shared() -> &'static MariaDb {
        static SERVER: OnceLock<MariaDb> = OnceLock::new();
        SERVER.get_or_init(|| match std::env::var(SHARED) {
            Ok(url) => MariaDb::at(Brand::MariaDb, &url),
            Err(_) => MariaDb::start(),
        })
    }

    /// The MySQL server that tests share; `None` only where [`SHARED_MYSQL`] says that there is none.
    #[track_caller]
    pub fn shared_mysql() -> Option<&'static MariaDb> {
        static SERVER: OnceLock<Option<MariaDb>> = OnceLock::new();
        let server = SERVER.get_or_init(|| match std::env::var(SHARED_MYSQL) {
            Ok(absent) if absent == ABSENT => None,
            Ok(url) => Some(MariaDb::at(Brand::MySql, &url)),
            Err(_) => Some(MariaDb::options().brand(Brand::MySql).start()),
        });
        server.as_ref()
    }

    /// Whether tests on MySQL can run; see [`SHARED_MYSQL`].
    pub fn has_mysql() -> bool {
        std::env::var(SHARED_MYSQL).as_deref() != Ok(ABSENT)
    }

    #[track_caller]
    fn at(brand: Brand, url: &str) -> MariaDb {
        MariaDb {
            brand,
            port: must(port_of(url)),
            own: None,
        }
    }

    /// Which server it is.
    pub fn brand(&self) -> Brand {
        self.brand
    }

    fn launch(options: &Options) -> Result<MariaDb> {
        let mut folder = tempfile::Builder::new();
        folder.prefix("tk-my-");
        let folder = match &options.inside {
            Some(inside) => folder.tempdir_in(inside),
            None => folder.tempdir(),
        }
        .context("creating a temporary folder")?;
        template::copy_to(options.brand, &folder.path().join("data"))?;
        let port = Port::reserve()?;
        let args = options.arguments(folder.path(), port.number())?;
        let own = Own {
            running: Mutex::new(None),
            args,
            _port: port,
            folder,
        };
        let server = MariaDb {
            brand: options.brand,
            port: own._port.number(),
            own: Some(own),
        };
        server.try_restart()?;
        Ok(server)
    }

    /// TCP port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `mysql://USER:PASSWORD@127.0.0.1:PORT/DATABASE`; an empty password or database is left out.
    pub fn url(&self, user: &str, password: &str, database: &str) -> String {
        let secret = if password.is_empty() {
            String::new()
        } else {
            format!(":{password}")
        };
        let path = if database.is_empty() {
            String::new()
        } else {
            format!("/{database}")
        };
        format!("mysql://{user}{secret}@127.0.0.1:{}{path}", self.port)
    }

    /// Value for [`SHARED`].
    pub fn address(&self) -> String {
        self.url("root", "", "")
    }

    /// The unix socket of a server of our own.
    #[track_caller]
    pub fn socket(&self) -> PathBuf {
        socket_in(self.own().folder.path())
    }

    /// The folder of a server of our own: `data/`, `error.log`.
    #[track_caller]
    pub fn folder(&self) -> &Path {
        self.own().folder.path()
    }

    /// Process id of the server; `None` after [`kill9`](MariaDb::kill9).
    #[track_caller]
    pub fn pid(&self) -> Option<i32> {
        self.running()
            .as_ref()
            .map(|running| running.pid().as_raw_nonzero().get())
    }

    /// Kills the server as a power cut does; its data folder stays for [`restart`](MariaDb::restart).
    #[track_caller]
    pub fn kill9(&self) {
        // Dropping kills and reaps.
        drop(self.running().take());
    }

    /// Stops the server in good order; its data folder stays for [`restart`](MariaDb::restart).
    #[track_caller]
    pub fn stop(&self) {
        stop(self.running().take());
    }

    /// Starts the server again on the same data, port and settings, stopping it first if it runs.
    #[track_caller]
    pub fn restart(&self) {
        self.own();
        must(self.try_restart());
    }

    fn try_restart(&self) -> Result<()> {
        let Some(own) = &self.own else {
            bail!("this server is shared and not ours to restart")
        };
        let mut running = lock(&own.running);
        stop(running.take());
        let folder = own.folder.path();
        let mut command = self.brand.command()?;
        command.args(&own.args).current_dir(folder);
        command.stdin(std::process::Stdio::null());
        let server = Running::spawn(command, "server", Some(folder)).context("starting the server")?;
        let end = Instant::now() + LIMIT;
        while !greets(self.port) {
            if !server.is_running() || Instant::now() > end {
                let log = std::fs::read_to_string(folder.join("error.log")).unwrap_or_default();
                let tail = log.lines().rev().take(25).collect::<Vec<_>>();
                let tail = tail.into_iter().rev().collect::<Vec<_>>().join("\n");
                bail!(
                    "the server did not start on port {}\n{tail}\n{}",
                    self.port,
                    server.finish(Duration::ZERO)
                );
            }
            thread::sleep(Duration::from_millis(5));
        }
        *running = Some(server);
        Ok(())
    }

    #[track_caller]
    fn own(&self) -> &Own {
        match &self.own {
            Some(own) => own,
            None => panic!(
                "testkit: this server is shared: start an own one with MariaDb::start() to stop, kill or look into it"
            ),
        }
    }

    #[track_caller]
    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        lock(&self.own().running)
    }
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        if let Some(own) = &self.own {
            stop(lock(&own.running).take());
        }
    }
}

fn lock(running: &Mutex<Option<Running>>) -> MutexGuard<'_, Option<Running>> {
    running.lock().unwrap_or_else(PoisonError::into_inner)
}

/// SIGTERM, then SIGKILL (by dropping) when that takes too long.
fn stop(running: Option<Running>) {
    if let Some(running) = running {
        running.signal(Signal::TERM);
        running.wait(LIMIT);
    }
}

fn socket_in(folder: &Path) -> PathBuf {
    folder.join("s")
}

/// Whether a server speaks on `port`: its greeting is a packet that starts with protocol version 10.
fn greets(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else {
        return false;
    };
    let mut head = [0; 5];
    let limited = stream.set_read_timeout(Some(Duration::from_secs(5)));
    limited.is_ok() && stream.read_exact(&mut head).is_ok() && head[4] == 10
}

fn port_of(url: &str) -> Result<u16> {
    let port = url
        .strip_prefix("mysql://root@127.0.0.1:")
        .and_then(|rest| rest.trim_end_matches('/').parse().ok());
    port.with_context(|| format!("{url:?}: expected mysql://root@127.0.0.1:PORT"))
}

#[cfg(test)]
mod tests;
