//! The one list of programs that checks, tests and the demo need, and how they come onto the machine.

mod mysql;

use std::fs;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::workspace;

/// A program that must be there, and the Debian or Ubuntu package that brings it.
struct Program {
    name: &'static str,
    package: &'static str,
}

const PROGRAMS: &[Program] = &[
    // Builds: SQLite, zstd and the TLS primitives are C.
    Program {
        name: "cc",
        package: "build-essential",
    },
    // Private servers, and the stock clients that check and restore without us.
    Program {
        name: "mariadbd",
        package: "mariadb-server-core",
    },
    Program {
        name: "mariadb-install-db",
        package: "mariadb-server-core",
    },
    Program {
        name: "mariadb",
        package: "mariadb-client",
    },
    Program {
        name: "mariadb-dump",
        package: "mariadb-client",
    },
    Program {
        name: "sqlite3",
        package: "sqlite3",
    },
    Program {
        name: "zstd",
        package: "zstd",
    },
    // Encrypted backups, restored without us.
    Program {
        name: "age",
        package: "age",
    },
    // Pages as a person sees them.
    Program {
        name: "chromium",
        package: "chromium",
    },
    // Fault injection.
    Program {
        name: "strace",
        package: "strace",
    },
    Program {
        name: "prlimit",
        package: "util-linux",
    },
    Program {
        name: "mount",
        package: "mount",
    },
    // Far sides of replicas.
    Program {
        name: "sshd",
        package: "openssh-server",
    },
    Program {
        name: "ssh",
        package: "openssh-client",
    },
    Program {
        name: "python3",
        package: "python3-venv",
    },
];

/// A bucket that speaks S3, from the Python package index: Debian has none.
const MOTO: &str = "moto[server]==5.2.1";

/// What only a bench compares us with; checks and tests do without.
const PEERS: &[Program] = &[Program {
    name: "mydumper",
    package: "mydumper",
}];

/// Where the talk of an installation goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Talk {
    Stdout,
    Stderr,
}

/// Installs what the whole list lacks; returns a one-line result.
pub(crate) fn provide_all() -> Result<String> {
    let names: Vec<&str> = PROGRAMS.iter().map(|program| program.name).collect();
    let said = provide(&names, Talk::Stdout)?;
    provide_moto()?;
    Ok(match mysql::provide() {
        Ok(()) => said,
        // Its archive is none of Debian's: without it all but the tests on MySQL can run.
        Err(error) => format!("{said}; MySQL 8.0 is NOT tested, since it cannot be fetched: {error:#}"),
    })
}

/// Lays `moto_server` into `target/venv`, where testkit finds it.
fn provide_moto() -> Result<()> {
    if present("moto_server") {
        return Ok(());
    }
    let venv = Path::new(testkit::program::VENV)
        .parent()
        .context("the venv has a folder")?;
    println!("installing {MOTO} into {}", venv.display());
    workspace::succeed(Command::new("python3").args(["-m", "venv"]).arg(venv))?;
    workspace::succeed(
        Command::new(venv.join("bin/pip"))
            .args(["install", "--quiet", "--disable-pip-version-check", MOTO])
            .stdin(Stdio::null()),
    )
}

/// Installs what `names` lack, as root; otherwise prints the command that does.
pub(crate) fn provide(names: &[&str], talk: Talk) -> Result<String> {
    let known = || PROGRAMS.iter().chain(PEERS);
    let wanted = || known().filter(|program| names.contains(&program.name));
    let mut packages: Vec<&str> = wanted()
        .filter(|program| !present(program.name))
        .map(|program| program.package)
        .collect();
    packages.dedup();
    if packages.is_empty() {
        return Ok(format!("{} programs present", names.len()));
    }
    let command = format!("apt-get install --no-install-recommends {}", packages.join(" "));
    if !rustix::process::getuid().is_root() {
        bail!("missing programs: run `sudo apt-get update && sudo {command}`");
    }
    if !present("apt-get") {
        bail!(
            "missing programs, and no apt-get to install them: {}",
            packages.join(", ")
        );
    }
    let said = format!("installing {} ({command})", packages.join(", "));
    match talk {
        Talk::Stdout => println!("{said}"),
        Talk::Stderr => eprintln!("{said}"),
    }
    install(&packages, talk)?;
    if let Some(missing) = wanted().find(|program| !present(program.name)) {
        bail!(
            "package {} is installed, but there is still no program `{}`",
            missing.package,
            missing.name
        );
    }
    Ok(format!("installed {}", packages.join(", ")))
}

fn install(packages: &[&str], talk: Talk) -> Result<()> {
    let _policy = NoServices::declare(Path::new("/usr/sbin/policy-rc.d"))?;
    let apt = |args: &[&str]| {
        let mut command = Command::new("apt-get");
        command
            .args(["-q", "-y"])
            .args(args)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null());
        if talk == Talk::Stderr {
            command.stdout(std::io::stderr());
        }
        workspace::succeed(&mut command)
    };
    apt(&["update"])?;
    apt(&[&["install", "--no-install-recommends"], packages].concat())
}

fn present(name: &str) -> bool {
    testkit::program::find(name).is_ok()
}

/// Keeps Debian from starting the services of what is installed: a `policy-rc.d` that says no (101). One that is there
/// already stays as it is; ours goes afterwards.
struct NoServices {
    ours: Option<PathBuf>,
}

impl NoServices {
    fn declare(path: &Path) -> Result<NoServices> {
        let file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o755)
            .open(path);
        match file {
            Ok(mut file) => {
                use std::io::Write as _;
                let ours = NoServices {
                    ours: Some(path.to_owned()),
                };
                file.write_all(b"#!/bin/sh\nexit 101\n")
                    .with_context(|| format!("writing {}", path.display()))?;
                Ok(ours)
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(NoServices { ours: None }),
            Err(error) => Err(error).with_context(|| format!("creating {}", path.display())),
        }
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if let Some(path) = &self.ours {
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_policy_goes_and_a_foreign_one_stays() {
        let sandbox = testkit::Sandbox::new();
        let path = sandbox.path("policy-rc.d");
        drop(NoServices::declare(&path).unwrap());
        assert!(!path.exists());
        sandbox.file("policy-rc.d", "theirs");
        drop(NoServices::declare(&path).unwrap());
        assert_eq!(fs::read_to_string(&path).unwrap(), "theirs");
    }

    #[test]
    fn every_program_stands_once() {
        let programs = PROGRAMS.iter().chain(PEERS);
        let mut names: Vec<&str> = programs.map(|program| program.name).collect();
        names.sort_unstable();
        let all = names.len();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
