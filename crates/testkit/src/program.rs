//! Programs that tests need, and the Debian packages that bring them.

use std::path::PathBuf;

use anyhow::{Result, bail};

/// Where programs are looked for: the PATH of a Debian root shell, so that `/usr/sbin/mariadbd` is found by anybody.
pub const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Where `cargo xtask ci` lays programs of the Python package index.
pub const VENV: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/venv/bin");

/// Where `cargo xtask ci` unpacks MySQL, which Debian has not: `usr/sbin/mysqld` and the libraries that it was built with.
pub const MYSQL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/mysql-8.0");

const PACKAGES: &[(&str, &str)] = &[
    ("age-keygen", "age"),
    ("chromium", "chromium"),
    ("mariadb", "mariadb-client"),
    ("mariadb-dump", "mariadb-client"),
    ("mariadb-install-db", "mariadb-server-core"),
    ("mariadbd", "mariadb-server-core"),
    ("moto_server", "moto[server] (PyPI)"),
    ("mount", "mount"),
    ("prlimit", "util-linux"),
    ("sh", "dash"),
    ("sqlite3", "sqlite3"),
    ("ssh-keygen", "openssh-client"),
    ("sshd", "openssh-server"),
    ("strace", "strace"),
    ("umount", "mount"),
    ("zstd", "zstd"),
];

/// The absolute path of `name`, or an error that names the Debian package to install.
pub fn find(name: &str) -> Result<PathBuf> {
    let own = std::env::var("PATH").unwrap_or_default();
    for folder in [VENV]
        .into_iter()
        .chain(PATH.split(':'))
        .chain(own.split(':'))
        .filter(|folder| !folder.is_empty())
    {
        let candidate = PathBuf::from(folder).join(name);
        if candidate.is_file() {
            return Ok(candidate);
        }
    }
    let package = PACKAGES
        .iter()
        .find(|(program, _)| *program == name)
        .map_or(name, |(_, package)| package);
    bail!(
        "program `{name}` is missing: apt-get install {package} (Debian, Ubuntu), or run `cargo xtask ci --only programs`"
    );
}
