//! The fence: while its flag file exists, no write reaches the data. The file is read on every write, because `ventana`
//! puts it there without asking us, and it survives a restart.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use web::Problem;

/// Seconds that a client is told to wait when the flag does not say.
pub const DEFAULT_RETRY_AFTER: u32 = 30;

/// The contents of the flag file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flag {
    /// The run that put it there.
    #[serde(default)]
    pub run: String,
    /// RFC 3339.
    #[serde(default)]
    pub since: String,
    /// Seconds.
    #[serde(default = "default_retry_after")]
    pub retry_after: u32,
}

fn default_retry_after() -> u32 {
    DEFAULT_RETRY_AFTER
}

/// The flag file.
#[derive(Debug, Clone)]
pub struct Fence {
    path: Arc<Path>,
}

impl Fence {
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into().into(),
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The flag, if the fence is on. A file that cannot be read or understood counts as a fence: better to refuse a
    /// write than to lose one.
    pub fn flag(&self) -> Option<Flag> {
        let unknown = || Flag {
            run: String::new(),
            since: String::new(),
            retry_after: DEFAULT_RETRY_AFTER,
        };
        match std::fs::read(&self.path) {
            Ok(bytes) => Some(serde_json::from_slice(&bytes).unwrap_or_else(|_| unknown())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(_) => Some(unknown()),
        }
    }

    /// Puts the fence on; the flag is on the disk when this returns.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn put(&self, flag: &Flag) -> io::Result<()> {
        let folder = self.folder();
        let mut name = self.path.as_os_str().to_owned();
        name.push(".part");
        let part = PathBuf::from(name);
        let mut file = std::fs::File::create(&part)?;
        file.write_all(&serde_json::to_vec(flag)?)?;
        file.sync_all()?;
        std::fs::rename(&part, &self.path)?;
        std::fs::File::open(folder)?.sync_all()
    }

    /// Takes the fence off; it is gone from the disk when this returns.
    ///
    /// # Errors
    /// The file cannot be removed.
    pub fn lift(&self) -> io::Result<()> {
        match std::fs::remove_file(&self.path) {
            Ok(()) => std::fs::File::open(self.folder())?.sync_all(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn folder(&self) -> &Path {
        self.path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(Path::new("."))
    }
}

/// The answer to a write behind the fence.
pub fn refusal(retry_after: u32) -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "fenced",
        "Maintenance in progress",
    )
    .detail("Nothing was written: changes are refused until the maintenance window ends. Reading works.")
    .hint("Send the same request again later.")
    .retry_after(retry_after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_the_fence() {
        let folder = tempfile::tempdir().unwrap();
        let fence = Fence::new(folder.path().join("x.db.fence"));
        assert_eq!(fence.flag(), None);
        fence.lift().unwrap();
        let flag = Flag {
            run: "r-1".into(),
            since: "2025-11-06T23:00:00Z".into(),
            retry_after: 7,
        };
        fence.put(&flag).unwrap();
        assert_eq!(fence.flag(), Some(flag));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        fence.lift().unwrap();
        assert_eq!(fence.flag(), None);
    }

    #[test]
    fn what_cannot_be_understood_is_a_fence() {
        let folder = tempfile::tempdir().unwrap();
        let fence = Fence::new(folder.path().join("fence"));
        std::fs::File::create(fence.path()).unwrap();
        assert_eq!(fence.flag().unwrap().retry_after, DEFAULT_RETRY_AFTER);
        std::fs::remove_file(fence.path()).unwrap();
        std::fs::create_dir(fence.path()).unwrap();
        assert!(fence.flag().is_some());
    }
}
