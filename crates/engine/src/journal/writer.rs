use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::reader::{line_of, read};
use super::{Event, GENESIS, JournalError, Reading, Record, TornTail};
use crate::{durable, sha256};

/// Called around every append, so that a test (or the binary, in a drill) can kill the process at every record.
pub trait Hook: Send {
    /// Nothing of record `seq` is on disk yet.
    ///
    /// # Errors
    /// [`Killed`] stops the process as if it had died here.
    fn before(&mut self, seq: u64, event: &Event) -> Result<(), Killed>;
    /// Record `seq` is on disk.
    ///
    /// # Errors
    /// [`Killed`] stops the process as if it had died here.
    fn after(&mut self, seq: u64, event: &Event) -> Result<(), Killed>;
}

/// Says that the process is dead from here on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Killed;

/// The single writer of a run's journal. Holds a lock on the file until dropped, and every record in memory (a run has
/// hundreds, not millions).
pub struct Journal {
    path: PathBuf,
    run: String,
    file: File,
    records: Vec<Record>,
    head: String,
    torn: Option<TornTail>,
    poisoned: bool,
    hook: Option<Box<dyn Hook>>,
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal")
            .field("path", &self.path)
            .field("records", &self.records.len())
            .field("poisoned", &self.poisoned)
            .finish_non_exhaustive()
    }
}

impl Journal {
    /// Creates the journal of a new run; the file must not exist. Its name is durable when this returns.
    ///
    /// # Errors
    /// [`JournalError::Io`].
    pub fn create(path: &Path, run: impl Into<String>) -> Result<Self, JournalError> {
        let io = |doing| {
            move |source| JournalError::Io {
                path: path.to_path_buf(),
                doing,
                source,
            }
        };
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(path)
            .map_err(io("cannot be created"))?;
        lock(&file, path)?;
        file.sync_all().map_err(io("cannot be made durable"))?;
        durable::sync_folder(&durable::folder_of(path)).map_err(io("its folder cannot be made durable"))?;
        Ok(Self {
            path: path.to_path_buf(),
            run: run.into(),
            file,
            records: Vec::new(),
            head: GENESIS.to_owned(),
            torn: None,
            poisoned: false,
            hook: None,
        })
    }

    /// Opens the journal of an earlier process to go on with it. A torn tail is copied to `<journal>.torn` and cut off
    /// (see [`Journal::torn`]).
    ///
    /// # Errors
    /// [`JournalError::Busy`] if another process writes it, [`JournalError::Corrupt`], [`JournalError::Empty`],
    /// [`JournalError::Io`].
    pub fn open_for_append(path: &Path) -> Result<Self, JournalError> {
        let io = |doing| {
            move |source| JournalError::Io {
                path: path.to_path_buf(),
                doing,
                source,
            }
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .map_err(io("cannot be opened"))?;
        lock(&file, path)?;
        let Reading {
            records,
            head,
            torn,
            complete_bytes,
        } = read(path)?;
        let Some(run) = records.first().map(|first| first.run.clone()) else {
            return Err(JournalError::Empty {
                path: path.to_path_buf(),
            });
        };
        if let Some(tail) = &torn {
            keep_torn(path, tail).map_err(io("its torn tail cannot be copied"))?;
            file.set_len(complete_bytes)
                .map_err(io("its torn tail cannot be cut off"))?;
            file.sync_all().map_err(io("cannot be made durable"))?;
        }
        file.seek(SeekFrom::Start(complete_bytes))
            .map_err(io("cannot be opened at its end"))?;
        Ok(Self {
            path: path.to_path_buf(),
            run,
            file,
            records,
            head,
            torn,
            poisoned: false,
            hook: None,
        })
    }

    /// Calls `hook` around every append from now on.
    pub fn set_hook(&mut self, hook: Box<dyn Hook>) {
        self.hook = Some(hook);
    }

    /// Appends a record. When this returns the record is on disk.
    ///
    /// # Errors
    /// Any error poisons the journal: what is on disk is then unknown to this process, and every later append is
    /// refused. (After a failed fsync the kernel may have dropped the data and say nothing the next time.)
    pub fn append(&mut self, at: Timestamp, event: Event) -> Result<&Record, JournalError> {
        if self.poisoned {
            return Err(JournalError::Poisoned {
                path: self.path.clone(),
            });
        }
        let at = Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at);
        let seq = self.records.len() as u64 + 1;
        let record = Record {
            seq,
            at,
            prev: self.head.clone(),
            run: self.run.clone(),
            event,
        };
        self.poisoned = true; // until everything below went well
        if let Some(hook) = &mut self.hook {
            hook.before(seq, &record.event)
                .map_err(|Killed| JournalError::Killed { place: "before", seq })?;
        }
        let mut line = line_of(&record);
        let head = sha256::hex(&line);
        line.push(b'\n');
        self.file
            .write_all(&line)
            .and_then(|()| self.file.sync_data())
            .map_err(|source| JournalError::Io {
                path: self.path.clone(),
                doing: "cannot be written",
                source,
            })?;
        if let Some(hook) = &mut self.hook {
            hook.after(seq, &record.event)
                .map_err(|Killed| JournalError::Killed { place: "after", seq })?;
        }
        self.poisoned = false;
        self.head = head;
        self.records.push(record);
        Ok(&self.records[self.records.len() - 1])
    }

    /// Every record so far.
    #[must_use]
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// SHA-256 (hex) of the last line: names the whole journal.
    #[must_use]
    pub fn head(&self) -> &str {
        &self.head
    }

    /// The run's id.
    #[must_use]
    pub fn run(&self) -> &str {
        &self.run
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The torn tail that [`Journal::open_for_append`] cut off, if there was one.
    #[must_use]
    pub fn torn(&self) -> Option<&TornTail> {
        self.torn.as_ref()
    }

    /// Whether an append failed; nothing more can be appended then.
    #[must_use]
    pub fn poisoned(&self) -> bool {
        self.poisoned
    }
}

fn lock(file: &File, path: &Path) -> Result<(), JournalError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => Err(JournalError::Busy {
            path: path.to_path_buf(),
        }),
        Err(TryLockError::Error(source)) => Err(JournalError::Io {
            path: path.to_path_buf(),
            doing: "cannot be locked",
            source,
        }),
    }
}

/// Appends, so that the tails of several crashes are all kept.
fn keep_torn(path: &Path, tail: &TornTail) -> std::io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".torn");
    let name = PathBuf::from(name);
    let mut file = OpenOptions::new().create(true).append(true).open(&name)?;
    file.write_all(&tail.bytes)?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    durable::sync_folder(&durable::folder_of(&name))
}
