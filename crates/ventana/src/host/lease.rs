//! Who may do what beside whom: locks on files of the state folder, held as long as the process lives.
//!
//! - `lease`: one run at a time.
//! - `lease.backups`: shared by all who read backups or write new ones; alone for who deletes.
//! - `lease.restores`: one restore into a database at a time, beside whatever reads.

use crate::error::{Failure, exit, io};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long others may go on looking while the lease is taken: each look takes far less.
const LOOKS: Duration = Duration::from_secs(1);

/// The lease. The lock goes with the process, however it dies.
pub struct Lease {
    _file: File,
}

impl Lease {
    /// Whether somebody has the lease: fails like [`Lease::take`], and takes and writes nothing.
    pub fn free(state_dir: &Path) -> Result<(), Failure> {
        let path = state_dir.join("lease");
        let what = format!("cannot look at the lease {}", path.display());
        let mut file = match File::open(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            file => file.map_err(io(&what))?,
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(()),
            Err(TryLockError::WouldBlock) => Err(held(&mut file)),
            Err(TryLockError::Error(e)) => Err(io(&what)(e)),
        }
    }

    /// Takes the lease of a state folder for `holder`, or fails with exit code 10 and who has it.
    pub fn take(state_dir: &Path, holder: &str) -> Result<Lease, Failure> {
        Lease::take_named(state_dir, "lease", holder)
    }

    /// Takes the backups for itself, to delete some: nobody reads or makes one meanwhile.
    pub fn of_backups(state_dir: &Path, holder: &str) -> Result<Lease, Failure> {
        Lease::take_named(state_dir, "lease.backups", holder)
    }

    /// Takes the lease of restores: the marks and sessions that a restore finds are then of a dead one.
    pub fn of_restores(state_dir: &Path, holder: &str) -> Result<Lease, Failure> {
        Lease::take_named(state_dir, "lease.restores", holder)
    }

    /// Shares the backups with others who read and make them: none is deleted meanwhile.
    pub fn of_backups_shared(state_dir: &Path, holder: &str) -> Result<Lease, Failure> {
        let (mut file, what) = open(state_dir, "lease.backups")?;
        match file.try_lock_shared() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(held(&mut file)),
            Err(TryLockError::Error(e)) => return Err(no_lock(&what, e)),
        }
        // Of several the last one is named to whoever asks.
        sign(&mut file, holder).map_err(io(&what))?;
        Ok(Lease { _file: file })
    }

    fn take_named(state_dir: &Path, name: &str, holder: &str) -> Result<Lease, Failure> {
        let (mut file, what) = open(state_dir, name)?;
        let end = Instant::now() + LOOKS;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(e)) => return Err(no_lock(&what, e)),
            }
            // Whoever only looks shares the lock with us and lets go of it at once; a holder does not.
            match file.try_lock_shared() {
                Ok(()) if Instant::now() < end => file.unlock().map_err(io(&what))?,
                Ok(()) | Err(TryLockError::WouldBlock) => return Err(held(&mut file)),
                Err(TryLockError::Error(e)) => return Err(io(&what)(e)),
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        sign(&mut file, holder).map_err(io(&what))?;
        Ok(Lease { _file: file })
    }
}

/// The file of a lease, and what to say of an error with it.
fn open(state_dir: &Path, name: &str) -> Result<(File, String), Failure> {
    std::fs::create_dir_all(state_dir).map_err(io(format!(
        "cannot make the state folder {}",
        state_dir.display()
    )))?;
    let path = state_dir.join(name);
    let what = format!("cannot take the lease {}", path.display());
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(io(&what))?;
    Ok((file, what))
}

/// Without a lock nobody could be kept from a run that is at work.
fn no_lock(what: &str, error: std::io::Error) -> Failure {
    io(what)(error).hint("[state] dir must lie on a file system with locks, such as a local disk")
}

fn sign(file: &mut File, holder: &str) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{holder}")
}

fn held(file: &mut File) -> Failure {
    let mut who = String::new();
    let _ = file.read_to_string(&mut who);
    Failure::new(
        "lease_held",
        format!("another ventana is at work here: {}", who.trim()),
        exit::LEASE,
    )
    .hint("wait until it has ended, then say this again; runs are shown by `ventana status`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn one_holder_at_a_time() {
        let state = tempfile::tempdir().unwrap();
        Lease::free(state.path()).unwrap();
        let lease = Lease::take(state.path(), "run 1").unwrap();
        let refused = Lease::take(state.path(), "run 2").err().expect("it is held");
        assert!(
            refused.exit == exit::LEASE && refused.message.contains("run 1"),
            "{refused}"
        );
        assert!(Lease::free(state.path()).is_err());
        drop(lease);
        Lease::take(state.path(), "run 2").unwrap();
    }

    #[test]
    fn readers_of_backups_share_and_keep_from_deleting() {
        let state = tempfile::tempdir().unwrap();
        let one = Lease::of_backups_shared(state.path(), "digest").unwrap();
        let other = Lease::of_backups_shared(state.path(), "backup").unwrap();
        let refused = Lease::of_backups(state.path(), "prune")
            .err()
            .expect("it is shared");
        assert!(
            refused.exit == exit::LEASE && refused.message.contains("backup"),
            "{refused}"
        );
        drop((one, other));
        let _prune = Lease::of_backups(state.path(), "prune").unwrap();
        assert!(Lease::of_backups_shared(state.path(), "digest").is_err());
    }

    #[test]
    fn who_looks_does_not_keep_anybody_from_taking_it() {
        let state = tempfile::tempdir().unwrap();
        drop(Lease::take(state.path(), "run 0").unwrap());
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        // Taken or not: both are answers.
                        let _ = Lease::free(state.path());
                    }
                });
            }
            let taken: Vec<bool> = (0..500)
                .map(|run| Lease::take(state.path(), &format!("run {run}")).is_ok())
                .collect();
            stop.store(true, Ordering::Relaxed);
            assert!(taken.iter().all(|taken| *taken));
        });
    }
}
