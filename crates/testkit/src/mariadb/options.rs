use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{Brand, MariaDb, socket_in, template};
use crate::must;

/// Settings of a private server: small, no binary log, events running, Debian's character set.
#[derive(Debug, Clone, Default)]
pub struct Options {
    extra: Vec<String>,
    pub(super) inside: Option<PathBuf>,
    pub(super) brand: Brand,
}

impl Options {
    /// Adds an argument of `mariadbd`, such as `--sql-mode=ANSI`; it wins over the defaults.
    pub fn arg(mut self, argument: impl Into<String>) -> Options {
        self.extra.push(argument.into());
        self
    }

    /// Turns the binary log on (it is off by default).
    pub fn binary_log(self) -> Options {
        self.arg("--log-bin=binlog")
            .arg("--binlog-format=ROW")
            .arg("--server-id=1")
    }

    /// Makes the server's folder inside `folder` instead of the machine's folder for temporary files.
    pub fn inside(mut self, folder: impl Into<PathBuf>) -> Options {
        self.inside = Some(folder.into());
        self
    }

    /// Which server it is; MariaDB if nothing is said.
    pub fn brand(mut self, brand: Brand) -> Options {
        self.brand = brand;
        self
    }

    /// Starts the server and waits until it greets.
    #[track_caller]
    pub fn start(&self) -> MariaDb {
        must(self.try_start())
    }

    /// [`Options::start`] for callers that are not tests.
    pub fn try_start(&self) -> Result<MariaDb> {
        MariaDb::launch(self)
    }

    pub(super) fn arguments(&self, folder: &Path, port: u16) -> Result<Vec<String>> {
        let mut arguments = vec!["--no-defaults".to_owned()];
        arguments.extend(template::as_root().map(str::to_owned));
        arguments.extend([
            format!("--datadir={}", folder.join("data").display()),
            format!("--socket={}", socket_in(folder).display()),
            format!("--log-error={}", folder.join("error.log").display()),
            format!("--pid-file={}", folder.join("pid").display()),
            // A starting server removes what other servers keep in a temporary folder that it shares with them.
            format!("--tmpdir={}", folder.display()),
            format!("--port={port}"),
        ]);
        arguments.extend(self.brand.arguments()?);
        arguments.extend(self.extra.iter().cloned());
        Ok(arguments)
    }
}
