//! A database on its way to the name that it is for: filled and checked beside it, made durable, then renamed.
//!
//! Whoever looks at the name finds what was there before or the whole new database, never a part of it. An old file that
//! another process is using is not replaced. In WAL mode every open connection shows; with a rollback journal an idle one
//! does not, and SQLite refuses its next write (`SQLITE_READONLY_DBMOVED`): nothing is written into a file without a name.

use super::{Sqlite, error, online};
use crate::{Database, Error, Result};
use rusqlite::{Connection, OpenFlags};
use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What SQLite keeps beside a database: left there, it would be taken for a part of the next file of that name.
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// How long a statement that is at work on the old file is waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// The place beside a name where its new database is made; what is there is gone when this is dropped.
pub struct Beside {
    target: PathBuf,
    partial: PathBuf,
    /// Locked as long as this lives, so that nobody else fills the same place. SQLite's own locks are of another kind.
    file: File,
}

impl Beside {
    /// Takes the place `.NAME.ventana.partial` beside `target`, a name that nobody else would give; the remains of one that was killed are removed. Refused while
    /// another process uses the database at `target`, or fills the same place, and where a log lies beside a name that no database has.
    pub fn of(target: &Path) -> Result<Beside> {
        // The file that a link names, not the link, is what is replaced.
        let target = target.canonicalize().unwrap_or_else(|_| target.to_path_buf());
        if target.exists() {
            drop(alone(&target, false)?);
        } else {
            strays(&target)?;
        }
        let partial = beside(&target);
        let file = claim(&partial)?;
        companions(&partial)?;
        file.set_len(0)
            .map_err(|e| Error::io(format!("emptying {}", partial.display()), e))?;
        Ok(Beside {
            target,
            partial,
            file,
        })
    }

    /// A connection to the new database.
    pub fn open(&self) -> Result<Sqlite> {
        Sqlite::create(&self.partial)
    }

    /// Checks the new database and gives it its name, in place of an old one only with `replace`. Answers what the check
    /// found beside damage, which is an error: it was in the original too. Until it has the name the old one is what it was.
    pub fn publish(self, db: Sqlite, replace: bool) -> Result<Vec<String>> {
        self.publish_by(db, replace, &mut || Ok(()))
    }

    /// `step` is told before each step that changes a file.
    fn publish_by(
        self,
        mut db: Sqlite,
        replace: bool,
        step: &mut dyn FnMut() -> Result<()>,
    ) -> Result<Vec<String>> {
        let mut notes = Vec::new();
        online::integrity(&mut db, &self.partial, &mut notes)?;
        online::foreign_keys(&mut db, &mut notes);
        drop(db);
        let io = |what: &str, e: std::io::Error| Error::io(format!("{what} {}", self.partial.display()), e);
        // Held until the new one has the name: nobody begins to write into the old one in between.
        let mut old = None;
        let there = std::fs::metadata(&self.target);
        let replace = replace && there.is_ok();
        if let (true, Ok(about)) = (replace, there) {
            step()?;
            std::fs::set_permissions(&self.partial, about.permissions())
                .map_err(|e| io("setting the mode of", e))?;
            // Only the superuser may; everybody else owns both files.
            let _ = std::os::unix::fs::chown(&self.partial, Some(about.uid()), Some(about.gid()));
            step()?;
            old = alone(&self.target, true)?;
        }
        if let Some((_, true)) = old {
            step()?;
            // What reads while others write is the service's choice, and stays.
            Sqlite::create(&self.partial)?.query("PRAGMA journal_mode=WAL")?;
        }
        step()?;
        self.file.sync_all().map_err(|e| io("making durable", e))?;
        companions(&self.partial)?;
        if replace {
            step()?;
            // All commits are in the file: its log is of use to nobody.
            companions(&self.target)?;
            step()?;
            std::fs::rename(&self.partial, &self.target).map_err(|e| io("renaming", e))?;
        } else {
            strays(&self.target)?;
            step()?;
            name(&self.partial, &self.target).map_err(|e| io("renaming", e))?;
        }
        // It knows a file that has lost its name, and removes nothing beside the name then.
        drop(old);
        let folder = match self.target.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(|e| Error::io(format!("making folder {} durable", folder.display()), e))?;
        Ok(notes)
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // Renamed, or of no use to anybody.
        if same(&self.file, &self.partial) {
            let _ = std::fs::remove_file(&self.partial);
        }
        let _ = companions(&self.partial);
    }
}

/// Gives `partial` a name that is free.
fn name(partial: &Path, target: &Path) -> std::io::Result<()> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use rustix::io::Errno;
    match renameat_with(CWD, partial, CWD, target, RenameFlags::NOREPLACE) {
        // A file system that cannot do both at once.
        Err(Errno::INVAL | Errno::NOSYS) if !target.exists() => std::fs::rename(partial, target),
        other => other.map_err(Into::into),
    }
}

fn beside(target: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(target.file_name().unwrap_or_default());
    name.push(".ventana.partial");
    target.with_file_name(name)
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// Removes what SQLite keeps beside a database that nobody has open.
fn companions(path: &Path) -> Result<()> {
    for end in COMPANIONS {
        let companion = with_end(path, end);
        match std::fs::remove_file(&companion) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::io(format!("removing {}", companion.display()), e));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Refuses what SQLite would take for a part of the new database: the log of one that was moved or deleted, which may hold
/// commits that are nowhere else.
fn strays(target: &Path) -> Result<()> {
    for end in COMPANIONS {
        let stray = with_end(target, end);
        if stray.symlink_metadata().is_ok() {
            return Err(Error::refused(
                format!(
                    "{} belongs to a database that is not there any more",
                    stray.display()
                ),
                format!(
                    "move it to where that database went, under its name (NAME{end}): it may hold its last commits; or delete it \
                     if nobody wants them",
                ),
            ));
        }
    }
    Ok(())
}

/// Opens the file at `path` and locks it: it is ours, whoever left it there.
fn claim(path: &Path) -> Result<File> {
    let failed = |e| Error::io(format!("making {}", path.display()), e);
    loop {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::refused(
                    format!("another restore is filling {}", path.display()),
                    "wait for it, or restore into another file",
                ));
            }
            Err(TryLockError::Error(e)) => return Err(failed(e)),
        }
        // Whoever had it may have renamed or removed it in between.
        if same(&file, path) {
            // Of one that an older release has left.
            file.set_permissions(Permissions::from_mode(0o600))
                .map_err(failed)?;
            return Ok(file);
        }
    }
}

/// Whether `path` still names this file.
fn same(file: &File, path: &Path) -> bool {
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(file), Ok(path)) => (file.dev(), file.ino()) == (path.dev(), path.ino()),
        _ => false,
    }
}

/// A connection that has the database at `path` for itself, and whether it is in WAL mode; with `whole` every commit is in
/// the file, and its log empty. `None` where the file is no database that SQLite could read, and so nobody's.
fn alone(path: &Path, whole: bool) -> Result<Option<(Connection, bool)>> {
    match locked(path, whole) {
        Ok(found) => Ok(Some(found)),
        Err(e) => match e.sqlite_error_code() {
            Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) => Ok(None),
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => {
                Err(Error::refused(
                    format!("another process is using {}", path.display()),
                    "stop the service that has it open (`fuser FILE` names it), or restore into another file",
                ))
            }
            _ => Err(error(path, "BEGIN EXCLUSIVE", e)),
        },
    }
}

fn locked(path: &Path, whole: bool) -> rusqlite::Result<(Connection, bool)> {
    let conn = opened(path)?;
    // Before anything is read: in WAL mode this is what finds other connections that only have it open, and what keeps the
    // index of the log out of a file beside the name.
    mode(&conn, "PRAGMA locking_mode=EXCLUSIVE")?;
    let wal = mode(&conn, "PRAGMA journal_mode")? == "wal";
    if wal && whole {
        // The mode stays: whatever fails or dies from here on leaves the old database in the one that it had.
        let busy: i64 = conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        if busy != 0 {
            let busy = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
            return Err(rusqlite::Error::SqliteFailure(busy, None));
        }
    }
    conn.execute_batch("BEGIN EXCLUSIVE")?;
    Ok((conn, wal))
}

fn opened(path: &Path) -> rusqlite::Result<Connection> {
    let conn = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    conn.busy_timeout(PATIENCE)?;
    Ok(conn)
}

fn mode(conn: &Connection, pragma: &str) -> rusqlite::Result<String> {
    conn.query_row(pragma, [], |row| row.get(0))
}

#[cfg(test)]
mod tests;
