//! Free loopback ports that stay ours while a server is down.

use std::fs::{File, OpenOptions, TryLockError};
use std::hash::{BuildHasher, RandomState};
use std::net::TcpListener;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

/// Below the kernel's range for outgoing connections (from 32768), so that no client takes the port of a server that
/// is being restarted.
const RANGE: std::ops::Range<u16> = 15_000..31_000;

/// A port on 127.0.0.1 that no other `Port` of this machine has, in any process, until it is dropped.
#[derive(Debug)]
pub struct Port {
    number: u16,
    _lock: File,
}

impl Port {
    /// Reserves a port that nobody listens on.
    pub fn reserve() -> Result<Port> {
        let folder = cache_folder()?.join("ports");
        std::fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
        let span = u64::from(RANGE.end - RANGE.start);
        let start = RandomState::new().hash_one(std::process::id()) % span;
        for step in 0..span {
            // In range: the remainder is below the span, which itself fits in u16.
            let number = RANGE.start + u16::try_from((start + step) % span).unwrap_or(0);
            let path = folder.join(number.to_string());
            let lock = OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .open(&path);
            let lock = lock.with_context(|| format!("opening {}", path.display()))?;
            match lock.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => continue,
                Err(TryLockError::Error(error)) => {
                    return Err(error).with_context(|| format!("locking {}", path.display()));
                }
            }
            if TcpListener::bind(("127.0.0.1", number)).is_ok() {
                return Ok(Port { number, _lock: lock });
            }
        }
        bail!(
            "no free port on 127.0.0.1 between {} and {}",
            RANGE.start,
            RANGE.end
        )
    }

    /// The number.
    pub fn number(&self) -> u16 {
        self.number
    }
}

/// Folder of this user for what tests of all processes share: port locks, prepared data folders.
pub(crate) fn cache_folder() -> Result<PathBuf> {
    let user = rustix::process::getuid().as_raw();
    let folder = std::env::temp_dir().join(format!("ventana-testkit-{user}"));
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder)
        .with_context(|| format!("creating {}", folder.display()))?;
    Ok(folder)
}
