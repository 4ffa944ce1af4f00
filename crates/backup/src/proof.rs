//! When a backup was proven: recorded beside the set, which itself never changes.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::files::{open_regular, sync_dir};
use crate::name::PROVEN;
use crate::reader::Backup;

/// How a backup was proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proven {
    /// Every file re-read and verified.
    Files,
    /// Restored, and the restored copy had the digest.
    Restore,
}

/// One line of `proven.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// RFC 3339.
    pub at: String,
    /// How.
    pub how: Proven,
    /// The content digest that was found.
    pub digest: String,
    /// The backup's id: a line that wandered to another backup proves nothing.
    pub id: String,
}

impl Backup {
    /// Appends a proof durably. `digest` is what was found; one that differs from the backup's is refused.
    pub fn record_proof(&self, at: &str, how: Proven, digest: &str) -> Result<Proof> {
        if digest != self.digest() {
            return Err(Error::Disproved {
                name: self.manifest().name.clone(),
                expected: self.digest().into(),
                found: digest.into(),
            });
        }
        let proof = Proof {
            at: at.into(),
            how,
            digest: digest.into(),
            id: self.id().into(),
        };
        let path = self.path().join(PROVEN);
        let append = || {
            let mut line = serde_json::to_string(&proof)?;
            // A line torn by a crash must not swallow this one.
            line.insert(0, '\n');
            line.push('\n');
            let mut file = OpenOptions::new()
                .append(true)
                .create(true)
                .mode(0o600)
                .open(&path)?;
            // Others may be proving it as well: line after line. Where there are no locks, a line is one write all the same.
            let _ = file.lock();
            let line = if file.metadata()?.len() == 0 {
                &line[1..]
            } else {
                &line
            };
            file.write_all(line.as_bytes())?;
            file.sync_all()
        };
        append().map_err(Error::io("write", &path))?;
        sync_dir(self.path())?;
        Ok(proof)
    }

    /// Every proof of this very backup, oldest first.
    pub fn proofs(&self) -> Result<Vec<Proof>> {
        let path = self.path().join(PROVEN);
        let mut text = String::new();
        match open_regular(&path) {
            Ok(mut file) => {
                let mut bytes = Vec::new();
                std::io::Read::read_to_end(&mut file, &mut bytes).map_err(Error::io("read", &path))?;
                text.push_str(&String::from_utf8_lossy(&bytes));
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(Error::io("read", path)(error)),
        }
        let proofs = text
            .lines()
            .filter_map(|line| serde_json::from_str::<Proof>(line).ok());
        Ok(proofs
            .filter(|proof| proof.id == self.id() && proof.digest == self.digest())
            .collect())
    }

    /// The newest proof of this very backup.
    pub fn last_proof(&self) -> Result<Option<Proof>> {
        Ok(self.proofs()?.pop())
    }
}
