//! What this machine knows of its backups and their replicas: `replicas.jsonl` of the state folder, one line for each thing
//! that was done.

use crate::config::Config;
use crate::error::{Failure, io};
use crate::host::clock;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

/// The replica's name where the backup folder of this machine is meant.
pub const HERE: &str = "";

/// What was done with a backup in a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Copied there and every file re-read.
    Copied,
    /// Every file re-read.
    Files,
    /// Restored from there, and the restored copy had the digest.
    Restore,
    /// Damage was found there.
    Damaged,
    /// Deleted there.
    Removed,
}

/// What is known of a backup in a replica.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// [`HERE`] for the backup folder.
    pub replica: String,
    /// The backup's name and id.
    pub name: String,
    pub id: String,
    /// Where it lies, as people are told.
    pub path: String,
    /// RFC 3339.
    pub at: String,
    /// The last thing done.
    pub act: Act,
    /// It was restored from there once, and no damage was found since.
    #[serde(skip)]
    pub restored: bool,
}

/// The file.
pub struct Ledger {
    path: PathBuf,
}

impl Ledger {
    pub fn of(config: &Config) -> Ledger {
        Ledger {
            path: config.state_dir().join("replicas.jsonl"),
        }
    }

    /// Appends a line durably.
    pub fn record(&self, replica: &str, name: &str, id: &str, path: &str, act: Act) -> Result<(), Failure> {
        let known = Known {
            replica: replica.into(),
            name: name.into(),
            id: id.into(),
            path: path.into(),
            at: clock::now().to_string(),
            act,
            restored: false,
        };
        let append = || {
            if let Some(folder) = self.path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            let mut file = OpenOptions::new()
                .append(true)
                .create(true)
                .mode(0o600)
                .open(&self.path)?;
            // Whoever else verifies or copies writes here too: line after line. The lock goes with the file; where
            // there are no locks, a line is one write all the same.
            let _ = file.lock();
            // A line torn by a crash must not swallow this one: it gets an end, and an empty line counts for nothing.
            let mut line = if file.metadata()?.len() == 0 {
                String::new()
            } else {
                "\n".into()
            };
            line.push_str(&serde_json::to_string(&known)?);
            line.push('\n');
            file.write_all(line.as_bytes())?;
            file.sync_all()?;
            self.path
                .parent()
                .map_or(Ok(()), |folder| File::open(folder)?.sync_all())
        };
        append().map_err(io(format!("cannot write {}", self.path.display())))
    }

    /// The last thing done with each backup in each replica, in the order in which they came there.
    pub fn read(&self) -> Result<Vec<Known>, Failure> {
        let bytes = match std::fs::read(&self.path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            bytes => bytes.map_err(io(format!("cannot read {}", self.path.display())))?,
        };
        Ok(fold(&String::from_utf8_lossy(&bytes)))
    }
}

fn fold(text: &str) -> Vec<Known> {
    let mut all: Vec<Known> = Vec::new();
    for mut known in text
        .lines()
        .filter_map(|line| serde_json::from_str::<Known>(line).ok())
    {
        let same = |other: &Known| other.replica == known.replica && other.name == known.name;
        let at = all.iter().position(same);
        let before = at.is_some_and(|at| all[at].restored && all[at].id == known.id);
        known.restored = known.act == Act::Restore || (before && known.act != Act::Damaged);
        match at {
            Some(at) if known.act == Act::Removed => drop(all.remove(at)),
            Some(at) => all[at] = known,
            None if known.act == Act::Removed => {}
            None => all.push(known),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_on_each_counts_and_torn_lines_do_not() {
        let line = |replica: &str, name: &str, act| {
            let known = Known {
                replica: replica.into(),
                name: name.into(),
                id: "i".into(),
                path: "/p".into(),
                at: "2025-11-06T23:00:00Z".into(),
                act,
                restored: false,
            };
            format!("{}\n", serde_json::to_string(&known).unwrap())
        };
        let text = [
            line("a", "x", Act::Copied),
            line("b", "x", Act::Copied),
            "{\"replica\":\"a\",\"na\n".to_owned(),
            line("a", "y", Act::Copied),
            line("a", "x", Act::Restore),
            line("a", "x", Act::Files),
            line("a", "w", Act::Restore),
            line("a", "w", Act::Damaged),
            line("b", "x", Act::Removed),
            line("b", "z", Act::Removed),
        ]
        .concat();
        let known = fold(&text);
        let known: Vec<(&str, &str, Act, bool)> = known
            .iter()
            .map(|k| (k.replica.as_str(), k.name.as_str(), k.act, k.restored))
            .collect();
        let expected = [
            ("a", "x", Act::Files, true),
            ("a", "y", Act::Copied, false),
            ("a", "w", Act::Damaged, false),
        ];
        assert_eq!(known, expected);
    }
}
