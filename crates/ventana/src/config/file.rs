//! The shape of `ventana.toml`. An unknown key or a wrong type is an error that points at its line.

use super::rate::Rate;
use super::replica::{Keep, Replica};
use crate::error::Failure;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

/// `ventana.toml`, one environment of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct File {
    /// The service's name: in folder names, plans and reports.
    pub service: String,
    pub database: Database,
    pub state: State,
    pub backup: Backup,
    /// Places elsewhere, by name: each backup of a window is copied to all of them.
    pub replica: BTreeMap<String, Replica>,
    pub fence: Fence,
    pub release: Option<Release>,
    pub process: Option<Process>,
    pub migration: Option<Migration>,
    pub smoke: Option<Smoke>,
    pub watch: Watch,
    /// Keys that replace those above when `--env NAME` is given.
    pub env: BTreeMap<String, toml::Table>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Database {
    /// `sqlite:///path/to.db` or `mysql://user@host:3306/schema`. Passwords belong in the environment (`DB_PASS`).
    pub url: Option<String>,
    /// Go on with a MySQL release, or with a window on MySQL, that was never tested.
    pub accept_untested: bool,
    /// How many connections a backup, a restore or a digest uses at once. Default: 2.
    pub connections: Option<NonZeroUsize>,
    /// How many bytes a second a backup or a digest reads from the live database at most. Default: no limit.
    pub throttle: Option<Rate>,
    /// Seconds that a server may be silent where bytes are due; where it may be at work for long it is asked whether it is,
    /// this often. Default: 600.
    pub silence: Option<NonZeroU64>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct State {
    /// Folder of plans, runs and journals. Default `.ventana`.
    pub dir: Option<PathBuf>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Backup {
    /// Default `/var/backups/<service>`; `BACKUP_DIR` goes before it.
    pub dir: Option<PathBuf>,
    /// A folder elsewhere (a mount) that each backup of a window is copied to and re-read from: short for a replica of that
    /// name with a `folder`.
    pub off_site: Option<PathBuf>,
    /// Public keys of age (`age1…`): backups are encrypted so that any one of their secret keys opens them. None: in the clear.
    pub encrypt_to: Vec<String>,
    /// A file with secret keys of age: what restores and verifies the contents of encrypted backups. Not needed to make them.
    pub identity_file: Option<PathBuf>,
    /// What `backup prune` keeps; nothing is deleted without it.
    pub keep: Option<Keep>,
    /// `restore` (default) or `files`: how far the backup taken inside the window is proven before the contract.
    pub verify_final: VerifyFinal,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerifyFinal {
    #[default]
    Restore,
    Files,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fence {
    /// The service refuses writes while this file exists. Default for SQLite: `<database>.fence`.
    pub file: Option<PathBuf>,
    /// The service's own database accounts, e.g. `'app'@'%'`: they keep SELECT while the fence is on.
    pub accounts: Vec<String>,
    /// Other accounts that could write, accepted by name.
    pub accept_writers: Vec<String>,
    /// What the service answers in `Retry-After`, in seconds. Default 30.
    pub retry_after: Option<u32>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// Holds `releases/<name>/` and the link `current`.
    pub root: PathBuf,
    /// The folder of the new release; its last part is the release's name.
    pub source: PathBuf,
}

/// How the service is stopped and started. Either a process that ventana starts itself, or commands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Process {
    /// Program and arguments of a process that ventana starts and keeps a pid file of. `{current}` is the release link.
    pub exec: Vec<String>,
    /// Plain environment of that process.
    pub environment: BTreeMap<String, String>,
    /// Variables handed on from ventana's own environment, by name: secrets.
    pub pass_on: Vec<String>,
    /// Where its output goes. Default: `service.log` in the state folder.
    pub log: Option<PathBuf>,
    /// Instead of `exec`: a command that restarts the service, e.g. `["pm2", "restart", "inventario"]`.
    pub restart: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Migration {
    /// The folder under the new release's `migrations/`.
    pub id: String,
    /// The service's own UPDATE triggers on the table, acknowledged by name: the backfill fires them.
    #[serde(default)]
    pub accept_triggers: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Smoke {
    /// e.g. `http://127.0.0.1:3001`.
    pub url: String,
    /// How long the service may take to become healthy, in seconds. Default 30.
    #[serde(default)]
    pub within: Option<u64>,
    #[serde(default)]
    pub token: Option<Token>,
    #[serde(default)]
    pub check: Vec<Check>,
}

/// A bearer token that smoke mints: HS256 with the secret in an environment variable.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    pub secret_env: String,
    /// Claims beside `iat` and `exp`.
    pub claims: serde_json::Value,
}

/// One question to the running service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    pub name: String,
    #[serde(default = "get")]
    pub method: String,
    /// May hold `{saved}` of an earlier check's `save`.
    pub path: String,
    #[serde(default)]
    pub body: Option<serde_json::Value>,
    #[serde(default = "ok")]
    pub status: u16,
    /// JSON pointer → value that it must have; `{release}` stands for the release just deployed.
    #[serde(default)]
    pub expect: BTreeMap<String, serde_json::Value>,
    /// JSON pointer that must name an array or object with at least one element.
    #[serde(default)]
    pub not_empty: Option<String>,
    /// Name → JSON pointer of the answer, for later checks.
    #[serde(default)]
    pub save: BTreeMap<String, String>,
    /// Whether the token is sent. Default true where one is configured.
    #[serde(default = "yes")]
    pub token: bool,
    /// Writes: runs after the lift only.
    #[serde(default)]
    pub write: bool,
}

fn get() -> String {
    "GET".into()
}

fn ok() -> u16 {
    200
}

fn yes() -> bool {
    true
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Watch {
    /// How long the service is watched after the lift, in seconds. Default 0: not at all.
    pub seconds: u64,
}

/// The environment that is meant when none is named; it needs no table of its own.
pub const PRODUCTION: &str = "production";

/// Parses a file's text and lays the keys of `[env.<environment>]` over the others. What is wrong in any environment is
/// an error, whichever is asked for.
pub fn parse(text: &str, path: &Path, environment: &str) -> Result<File, Failure> {
    let wrong = |place: String, mut error: toml::de::Error| {
        error.set_input(Some(text));
        let error = error.to_string();
        Failure::usage(format!("{}: {place}{}", path.display(), error.trim_end()))
            .hint("docs/ventana.example.toml shows every key with its meaning")
    };
    let mut asked: File = toml::from_str(text).map_err(|e| wrong(String::new(), e))?;
    let known: Vec<String> = asked.env.keys().cloned().collect();
    // A slip of the pen must not end in production.
    if environment != PRODUCTION && !known.iter().any(|name| name == environment) {
        return Err(
            Failure::usage(format!("{} has no [env.{environment}]", path.display())).hint(format!(
                "known: {PRODUCTION} (without --env){}{}",
                if known.is_empty() { "" } else { ", " },
                known.join(", ")
            )),
        );
    }
    // Laid over each other with their places in the text, so that errors point at the file's own lines.
    let whole = DeTable::parse(text).map_err(|e| wrong(String::new(), e))?;
    for name in known {
        let mut laid = whole.clone();
        if let Some(over) = over(&whole, &name) {
            lay_over(laid.get_mut(), over);
        }
        let file =
            File::deserialize(Deserializer::from(laid)).map_err(|e| wrong(format!("[env.{name}]: "), e))?;
        file.check_replicas()?;
        file.check_recipients()?;
        if name == environment {
            asked = file;
        }
    }
    asked.check_replicas()?;
    asked.check_recipients()?;
    Ok(asked)
}

/// The table `[env.<name>]`.
fn over<'a, 'i>(whole: &'a Spanned<DeTable<'i>>, name: &str) -> Option<&'a DeTable<'i>> {
    let env = whole.get_ref().get("env")?.get_ref().as_table()?;
    env.get(name)?.get_ref().as_table()
}

fn lay_over<'i>(base: &mut DeTable<'i>, over: &DeTable<'i>) {
    for (key, value) in over {
        if let (Some(below), Some(above)) = (base.get_mut(key), value.get_ref().as_table())
            && let DeValue::Table(below) = below.get_mut()
        {
            lay_over(below, above);
            continue;
        }
        // Taken out first: the place of the key is the place of the one that counts.
        base.remove(key);
        base.insert(key.clone(), value.clone());
    }
}

impl File {
    /// Relative paths in the file are relative to its folder.
    pub fn resolve_against(&mut self, folder: &Path) {
        let fix = |path: &mut PathBuf| {
            if path.is_relative() {
                *path = folder.join(&path);
            }
        };
        let optional = [
            &mut self.state.dir,
            &mut self.backup.dir,
            &mut self.backup.off_site,
            &mut self.backup.identity_file,
            &mut self.fence.file,
        ];
        for path in optional.into_iter().flatten() {
            fix(path);
        }
        if let Some(release) = &mut self.release {
            fix(&mut release.root);
            fix(&mut release.source);
        }
        if let Some(log) = self.process.as_mut().and_then(|p| p.log.as_mut()) {
            fix(log);
        }
        self.replica
            .values_mut()
            .flat_map(Replica::paths_mut)
            .for_each(fix);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, environment: &str) -> Result<File, Failure> {
        parse(text, Path::new("ventana.toml"), environment)
    }

    #[test]
    fn unknown_keys_and_wrong_types_point_at_their_line() {
        let unknown =
            read("service = \"x\"\n[backup]\nfolder = \"/b\"\n", "production").expect_err("unknown key");
        assert!(
            unknown.message.contains("line 3") && unknown.message.contains("folder"),
            "{}",
            unknown.message
        );
        let wrong = read("service = 3\n", "production").expect_err("wrong type");
        assert!(wrong.message.contains("line 1"), "{}", wrong.message);
    }

    #[test]
    fn a_mistake_in_any_environment_points_at_its_line() {
        let text =
            "service = \"x\"\n[env.staging.backup]\ndir = \"/s\"\n[env.test.backup]\nfolder = \"/t\"\n";
        for environment in ["production", "staging", "test"] {
            let error = read(text, environment).expect_err("unknown key").message;
            assert!(
                error.contains("[env.test]") && error.contains("line 5") && error.contains("folder"),
                "--env {environment}: {error}"
            );
        }
        // Half of a table is enough where the other half stands above.
        let text = "[release]\nroot = \"/r\"\nsource = \"/a\"\n[env.staging.release]\nsource = \"/b\"\n[env.bad.watch]\nseconds = \"1\"\n";
        let error = read(text, "staging").expect_err("wrong type").message;
        assert!(error.contains("line 7") && error.contains("[env.bad]"), "{error}");
    }

    #[test]
    fn an_environment_lays_its_keys_over_the_others() {
        let text = "service=\"x\"\n[backup]\ndir=\"/a\"\noff_site=\"/o\"\n[env.staging.backup]\ndir=\"/s\"\n";
        assert_eq!(
            read(text, "production").expect("valid").backup.dir,
            Some("/a".into())
        );
        let staging = read(text, "staging").expect("valid").backup;
        assert_eq!(
            (staging.dir, staging.off_site),
            (Some("/s".into()), Some("/o".into()))
        );
    }
}
