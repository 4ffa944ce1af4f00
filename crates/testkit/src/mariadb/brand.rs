//! The two servers that speak one protocol: where each is found and how it is called.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::template;
use crate::program;

/// Which server a private one is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Brand {
    #[default]
    MariaDb,
    /// MySQL 8.0, as `cargo xtask ci --only programs` unpacked it.
    MySql,
}

impl Brand {
    /// The server program with nothing of our environment.
    pub(super) fn command(self) -> Result<Command> {
        let mut command = Command::new(match self {
            Brand::MariaDb => program::find("mariadbd")?,
            Brand::MySql => mysql("usr/sbin/mysqld")?,
        });
        command.env_clear().env("PATH", program::PATH).env("TZ", "UTC");
        if self == Brand::MySql {
            command.env("LD_LIBRARY_PATH", mysql("usr/lib/x86_64-linux-gnu")?);
        }
        Ok(command)
    }

    /// A client program of this brand.
    pub(super) fn client(self, name: &str) -> Result<Command> {
        let mut command = Command::new(match self {
            Brand::MariaDb => program::find(name)?,
            Brand::MySql => {
                mysql("usr/bin")?.join(name.replace("mariadb-", "mysql").replace("mariadb", "mysql"))
            }
        });
        command.env_clear().env("PATH", program::PATH).env("TZ", "UTC");
        if self == Brand::MySql {
            command.env("LD_LIBRARY_PATH", mysql("usr/lib/x86_64-linux-gnu")?);
        }
        Ok(command)
    }

    /// What the server is called with beside its folder and port.
    pub(super) fn arguments(self) -> Result<Vec<String>> {
        let mut arguments = [
            "--bind-address=127.0.0.1",
            "--skip-name-resolve",
            "--skip-log-bin",
            "--event-scheduler=ON",
            "--innodb-buffer-pool-size=64M",
            // A commit reaches the kernel, so a killed server loses nothing; only a machine's crash could.
            "--innodb-flush-log-at-trx-commit=2",
            "--key-buffer-size=1M",
            "--character-set-server=utf8mb4",
        ]
        .map(str::to_owned)
        .to_vec();
        match self {
            Brand::MariaDb => {
                arguments.push(format!("--innodb-log-file-size={}", template::LOG_FILE_SIZE));
                arguments.push("--aria-pagecache-buffer-size=8M".to_owned());
                arguments.push("--collation-server=utf8mb4_general_ci".to_owned());
            }
            Brand::MySql => {
                arguments.extend(unpacked()?);
                // Off by default, and then nothing can be loaded.
                arguments.push("--local-infile=ON".to_owned());
                arguments.push("--secure-file-priv=".to_owned());
                arguments.push("--mysqlx=OFF".to_owned());
            }
        }
        Ok(arguments)
    }

    /// The command that makes a fresh data folder.
    pub(super) fn install(self, data: &Path) -> Result<Command> {
        let mut command = match self {
            Brand::MariaDb => {
                let mut command = Command::new(program::find("mariadb-install-db")?);
                command.env_clear().env("PATH", program::PATH);
                command
            }
            Brand::MySql => self.command()?,
        };
        command
            .arg("--no-defaults")
            .args(template::as_root())
            .arg(format!("--datadir={}", data.display()));
        match self {
            Brand::MariaDb => {
                command.args([
                    "--auth-root-authentication-method=normal",
                    "--skip-test-db",
                    "--skip-name-resolve",
                ]);
                command.arg(format!("--innodb-log-file-size={}", template::LOG_FILE_SIZE));
            }
            Brand::MySql => {
                // It makes one root, for the socket; ours come over TCP, and names are not resolved.
                let accounts = data.with_extension("sql");
                std::fs::write(
                    &accounts,
                    "CREATE USER root@'127.0.0.1' IDENTIFIED BY '';\nGRANT ALL ON *.* TO root@'127.0.0.1' WITH GRANT OPTION;\n",
                )
                .context("writing the accounts")?;
                command.arg("--initialize-insecure").args(unpacked()?);
                command.arg(format!("--init-file={}", accounts.display()));
            }
        }
        Ok(command)
    }
}

/// Where a MySQL that was only unpacked finds its own files.
fn unpacked() -> Result<[String; 2]> {
    Ok([
        format!("--basedir={}", mysql("usr")?.display()),
        format!("--lc-messages-dir={}", mysql("usr/share/mysql")?.display()),
    ])
}

fn mysql(part: &str) -> Result<PathBuf> {
    let path = Path::new(program::MYSQL).join(part);
    ensure!(
        path.exists(),
        "MySQL 8.0 is not there ({}): run `cargo xtask ci --only programs`, which fetches it",
        path.display()
    );
    Ok(path)
}
