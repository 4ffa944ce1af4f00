//! Configuration: flags, then environment, then `ventana.toml`; every value knows where it came from.

mod database;
mod encryption;
mod file;
mod origin;
mod rate;
mod replica;
mod session;

pub use file::{Check, File, Migration, PRODUCTION, Process, Token, VerifyFinal};
pub use origin::{Origin, Shown, origins};
pub use rate::Rate;
pub use replica::{Keep, Place, Replica, S3, SshPlace};

use crate::error::Failure;
use db::{Address, Secret};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The environment variables that ventana reads, taken once at the start of `main`.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The process's own environment.
    #[allow(
        clippy::disallowed_methods,
        reason = "the one place that reads the environment"
    )]
    pub fn of_process() -> Environment {
        Environment(std::env::vars().collect())
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.0.insert(name.into(), value.into());
    }

    pub fn unset(&mut self, name: &str) {
        self.0.remove(name);
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|v| !v.is_empty())
    }
}

/// Everything a command works from.
#[derive(Clone)]
pub struct Config {
    pub file: File,
    pub environment: String,
    pub database: Option<Address>,
    pub database_origin: Origin,
    /// Its parts with their origins, where `DB_*` variables have a say.
    pub database_parts: Vec<Shown>,
    pub vars: Environment,
    /// `--identity`: the file with the secret keys of encrypted backups.
    pub identity: Option<PathBuf>,
    /// SHA-256 of the file's bytes.
    pub digest: Option<String>,
}

impl Config {
    /// Reads `path` (which must exist when it was named by the user) and joins it with the environment.
    pub fn load(path: &Path, named: bool, environment: &str, vars: Environment) -> Result<Config, Failure> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => Some(text),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound && !named => None,
            Err(e) => {
                return Err(
                    Failure::usage(format!("cannot read configuration {}: {e}", path.display()))
                        .hint("name it with --config FILE, or write one with `ventana init`"),
                );
            }
        };
        let (mut file, digest) = match &text {
            Some(text) => (
                file::parse(text, path, environment)?,
                Some(crate::host::files::sha256(text.as_bytes())),
            ),
            None => (File::default(), None),
        };
        if let Some(folder) = path.parent().filter(|_| text.is_some()) {
            file.resolve_against(&std::path::absolute(folder).unwrap_or_else(|_| folder.to_path_buf()));
        }
        let found = database::database(&file, &vars)?;
        Ok(Config {
            file,
            environment: environment.into(),
            database: found.address,
            database_origin: found.origin,
            database_parts: found.parts,
            vars,
            identity: None,
            digest,
        })
    }

    /// The database, or the error that says how to name one.
    pub fn address(&self) -> Result<&Address, Failure> {
        self.database.as_ref().ok_or_else(|| {
            Failure::usage("no database is configured").hint(
                "set DATABASE_URL (or DB_HOST, DB_USER, DB_PASS, DB_NAME), or write [database] url = \"…\" in ventana.toml",
            )
        })
    }

    /// The service's name; without a file, the database's.
    pub fn service(&self) -> String {
        if !self.file.service.is_empty() {
            return self.file.service.clone();
        }
        let name = self.database.as_ref().map(Address::database).unwrap_or_default();
        let stem = Path::new(&name)
            .file_stem()
            .map(|s| s.to_string_lossy().into_owned())
            .unwrap_or_default();
        let clean = clean(&stem);
        if clean.is_empty() { "service".into() } else { clean }
    }

    /// What the names of backups begin with: the service, and the environment where it is not production. The rules that delete
    /// backups and `latest` never reach from one environment into another.
    pub fn series(&self) -> String {
        match self.environment.as_str() {
            PRODUCTION => self.service(),
            other => format!("{}-{}", self.service(), clean(other)),
        }
    }

    /// Where runs are kept.
    pub fn state_dir(&self) -> PathBuf {
        self.file
            .state
            .dir
            .clone()
            .or_else(|| self.vars.get("VENTANA_STATE_DIR").map(PathBuf::from))
            .unwrap_or_else(|| PathBuf::from(".ventana"))
    }

    /// Where backups are kept.
    pub fn backup_dir(&self) -> PathBuf {
        self.vars
            .get("BACKUP_DIR")
            .map(PathBuf::from)
            .or_else(|| self.file.backup.dir.clone())
            .unwrap_or_else(|| PathBuf::from("/var/backups").join(self.service()))
    }

    /// The secret in the environment variable `name`.
    pub fn secret(&self, name: &str) -> Result<Secret, Failure> {
        self.vars.get(name).map(Secret::new).ok_or_else(|| {
            Failure::usage(format!("the environment variable {name} is not set"))
                .hint(format!("export {name}=… before running ventana"))
        })
    }
}

/// With what a backup's name cannot hold replaced.
fn clean(name: &str) -> String {
    let kept = |c: char| c.is_ascii_alphanumeric() || c == '-';
    name.chars().map(|c| if kept(c) { c } else { '_' }).collect()
}
