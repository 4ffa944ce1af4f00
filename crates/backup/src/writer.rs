//! Writes a backup: folder, schema files, chunks, manifest, sums, in the order that makes a crash visible.

mod chunk;
mod parts;

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::encryption::{Recipient, encrypt};
use crate::error::{Error, Result};
use crate::files::{create_dir, create_new, create_root, exists, lock_dir, sync_dir, write_new};
use crate::hashed::{Hashed, sha256_hex};
use crate::instructions;
use crate::manifest::{
    Encryption, FEATURE_AGE, FORMAT, KIND_FULL, Manifest, OtherFile, Phase, SchemaFile, Table, Totals,
};
use crate::name::{
    BackupName, DATA_DIR, MANIFEST, PROVEN, README, RESTORE, SCHEMA_DIR, SEALED, SUMS, chunk_file, is_plain,
    partial_of, schema_file, stored_name,
};
use crate::paced::Paced;
use crate::reader::Backup;
use crate::sums::{self, Sums};

pub use chunk::{ChunkEnd, ChunkWriter};
pub use parts::{Content, TableId, TableSpec};
use parts::{TableWritten, Written};

/// zstd's level 1: as small as level 3 on such rows, at a third of the time.
const LEVEL: i32 = 1;

/// A backup being written. Its methods take `&self`: several threads may write chunks at once.
///
/// Dropped before [`Writer::finish`], the folder stays as `.<name>.partial`, which no reader takes for a backup.
#[derive(Debug)]
pub struct Writer {
    root: PathBuf,
    name: BackupName,
    partial: PathBuf,
    level: i32,
    /// Empty: it is not encrypted.
    recipients: Arc<[Recipient]>,
    state: Arc<Mutex<Written>>,
    /// Held as long as the folder is written.
    _lock: Option<File>,
}

impl Writer {
    /// Makes `<root>/.<service>_<stamp>.partial`, or with `_2`, `_3` … where that name is taken. `stamp` is
    /// `YYYYmmdd_HHMMSS` in UTC. A missing root is made.
    pub fn create(root: &Path, service: &str, stamp: &str) -> Result<Self> {
        BackupName::new(service, stamp, 1)?;
        let unusable = |source| Error::Root {
            path: root.into(),
            source,
        };
        let root = std::path::absolute(root).map_err(unusable)?;
        create_root(&root).map_err(unusable)?;
        let mut number = 1;
        let (name, partial) = loop {
            let name = BackupName::new(service, stamp, number)?;
            number += 1;
            let partial = root.join(partial_of(&name.to_string()));
            let complete = root.join(name.to_string());
            if exists(&complete).map_err(unusable)? {
                continue;
            }
            match create_dir(&partial) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(unusable(error)),
            }
            // Only the holder of the partial folder can make the complete one, so this answer stays true.
            if exists(&complete).map_err(unusable)? {
                fs::remove_dir(&partial).map_err(unusable)?;
                continue;
            }
            break (name, partial);
        };
        let lock = lock_dir(&partial)?;
        for folder in [SCHEMA_DIR, DATA_DIR] {
            create_dir(&partial.join(folder)).map_err(unusable)?;
        }
        Ok(Self {
            root,
            name,
            partial,
            level: LEVEL,
            recipients: Arc::default(),
            state: Arc::default(),
            _lock: lock,
        })
    }

    /// Another zstd level, 1 to 19.
    pub fn with_level(mut self, level: i32) -> Self {
        self.level = level.clamp(1, 19);
        self
    }

    /// Encrypts everything but the table of contents and the instructions, so that the secret key of any one of these
    /// recipients reads it; none: not encrypted. Has to be said before anything is written.
    pub fn with_recipients(mut self, recipients: Vec<Recipient>) -> Result<Self> {
        let begun = {
            let state = self.state();
            !(state.schema.is_empty() && state.tables.is_empty() && state.attached.is_empty())
        };
        if begun {
            return Err(self.unfinished("its recipients were named after something was written".into()));
        }
        self.recipients = recipients.into();
        Ok(self)
    }

    /// The name that the folder will have.
    pub fn name(&self) -> String {
        self.name.to_string()
    }

    /// The folder that is being written.
    pub fn partial_path(&self) -> &Path {
        &self.partial
    }

    /// Adds a schema file, in load order; returns its path in the backup, for [`crate::Object::file`]. Files that are loaded
    /// before the rows come before all others.
    pub fn schema(&self, phase: Phase, stem: &str, sql: &str) -> Result<String> {
        if !is_plain(stem) {
            let rule = "1 to 64 of A-Z a-z 0-9 _ -";
            return Err(Error::Name {
                what: "the schema file",
                value: stem.into(),
                rule,
            });
        }
        let mut state = self.state();
        let file = self.stored_name(schema_file(state.schema.len(), stem));
        if phase == Phase::BeforeData
            && state
                .schema
                .last()
                .is_some_and(|last| last.phase == Phase::AfterData)
        {
            return Err(self.unfinished(format!(
                "{file} (before the rows) comes after files for after the rows"
            )));
        }
        let OtherFile { file, bytes, sha256 } = self.write_small(file, sql.as_bytes())?;
        state.schema.push(SchemaFile {
            file: file.clone(),
            phase,
            bytes,
            sha256,
        });
        Ok(file)
    }

    /// Adds a table; tables are loaded in this order.
    pub fn table(&self, spec: TableSpec) -> Result<TableId> {
        if spec
            .load_sql
            .as_deref()
            .is_some_and(|sql| !sql.contains(instructions::FILE))
        {
            let rule = "it has to contain '{file}', quotes included";
            return Err(Error::Name {
                what: "the load statement",
                value: spec.load_sql.unwrap_or_default(),
                rule,
            });
        }
        let mut state = self.state();
        if !state.names.insert(spec.name.clone()) {
            return Err(self.unfinished(format!("table {:?} was added twice", spec.name)));
        }
        state.tables.push(TableWritten {
            spec,
            chunks: Vec::new(),
            end: None,
        });
        Ok(TableId(state.tables.len() - 1))
    }

    /// Opens the table's next chunk; `extension` says what it holds (`tsv`, `sql`). Chunks get their number here, and
    /// may be written side by side.
    pub fn chunk(&self, table: TableId, extension: &str) -> Result<ChunkWriter> {
        if !is_plain(extension) {
            let rule = "1 to 64 of A-Z a-z 0-9 _ -";
            return Err(Error::Name {
                what: "the chunk's extension",
                value: extension.into(),
                rule,
            });
        }
        let mut state = self.state();
        let written = self.written(&mut state, table)?;
        if written.end.is_some() {
            return Err(self.unfinished(format!(
                "a chunk for table {:?}, which is finished",
                written.spec.name
            )));
        }
        let number = written.chunks.len();
        let file = self.stored_name(chunk_file(table.0, &written.spec.name, number, extension));
        let path = self.partial.join(&file);
        let stored = create_new(&path).map_err(Error::io("write", &path))?;
        written.chunks.push(None);
        let place = chunk::Place {
            state: Arc::clone(&self.state),
            table,
            number,
        };
        let stored = Hashed::new(Paced::new(stored));
        let sink = chunk::Sink::new(stored, &self.recipients).map_err(Error::io("write", &path))?;
        Ok(ChunkWriter::new(place, file, path, sink, self.level))
    }

    /// Ends a table. `rows` has to be the sum over its chunks, which all have to be finished.
    pub fn finish_table(&self, table: TableId, rows: u64, digest: &str) -> Result<()> {
        let mut state = self.state();
        let written = self.written(&mut state, table)?;
        let name = &written.spec.name;
        if written.end.is_some() {
            return Err(self.unfinished(format!("table {name:?} was finished twice")));
        }
        let mut sum = 0u64;
        for (number, chunk) in written.chunks.iter().enumerate() {
            let Some(chunk) = chunk else {
                return Err(
                    self.unfinished(format!("chunk {} of table {name:?} is not finished", number + 1))
                );
            };
            sum = sum.saturating_add(chunk.rows);
        }
        if sum != rows {
            return Err(self.unfinished(format!("table {name:?} has {rows} rows, its chunks have {sum}")));
        }
        written.end = Some((rows, digest.into()));
        Ok(())
    }

    /// Adds a file that belongs to whoever writes the backup, and that this crate does not look into.
    pub fn attach(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let own = [README, RESTORE, MANIFEST, SUMS, PROVEN, SEALED].contains(&name)
            || stored_name(name.into(), true) == SEALED;
        if !name.split('.').all(is_plain) || own {
            let rule = "1 to 64 of A-Z a-z 0-9 _ - in parts joined by dots, and no name of the format's own";
            return Err(Error::Name {
                what: "the attached file",
                value: name.into(),
                rule,
            });
        }
        let attached = self.write_small(self.stored_name(name.into()), bytes)?;
        self.state().attached.push(attached);
        Ok(())
    }

    fn stored_name(&self, file: String) -> String {
        stored_name(file, !self.recipients.is_empty())
    }

    /// Writes a file whole, encrypted if there are recipients.
    fn write_small(&self, file: String, content: &[u8]) -> Result<OtherFile> {
        let path = self.partial.join(&file);
        let encrypted = if self.recipients.is_empty() {
            None
        } else {
            Some(encrypt(&self.recipients, content).map_err(Error::io("encrypt", &path))?)
        };
        let stored = encrypted.as_deref().unwrap_or(content);
        write_new(&path, stored)?;
        Ok(OtherFile {
            file,
            bytes: stored.len() as u64,
            sha256: sha256_hex(stored),
        })
    }

    /// Writes what remains, makes all of it durable, gives the folder its name, and opens it.
    pub fn finish(self, content: Content) -> Result<Backup> {
        self.finish_by(content, &mut || {})
    }

    /// [`Writer::finish`], which calls `stepped` whenever something more is on the disk: each file, the folders, the name. A
    /// process that dies there leaves a folder that is plainly incomplete, or a whole backup.
    pub fn finish_by(self, content: Content, stepped: &mut dyn FnMut()) -> Result<Backup> {
        let mut manifest = self.manifest(content)?;
        manifest.other_files.append(&mut self.state().attached);
        if !self.recipients.is_empty() {
            let sealed =
                serde_json::to_vec(&manifest.seal()).map_err(|error| self.unfinished(error.to_string()))?;
            let sealed = self.write_small(SEALED.into(), &sealed)?;
            manifest.other_files.push(sealed);
            stepped();
        }
        let instructions = [
            (README, instructions::readme(&manifest)),
            (RESTORE, instructions::restore_sh(&manifest)),
        ];
        for (file, text) in instructions {
            write_new(&self.partial.join(file), text.as_bytes())?;
            let sha256 = sha256_hex(text.as_bytes());
            manifest.other_files.push(OtherFile {
                file: file.into(),
                bytes: text.len() as u64,
                sha256,
            });
            stepped();
        }
        let wrong = manifest.incoherences();
        if !wrong.is_empty() {
            return Err(self.unfinished(wrong.join("; ")));
        }
        let json = manifest
            .to_json()
            .map_err(|error| self.unfinished(error.to_string()))?;
        write_new(&self.partial.join(MANIFEST), &json)?;
        stepped();
        let mut sums: Sums = manifest
            .listed()
            .map(|(file, _, sha256)| (file.into(), sha256.into()))
            .collect();
        sums.insert(MANIFEST.into(), sha256_hex(&json));
        write_new(&self.partial.join(SUMS), sums::render(&sums).as_bytes())?;
        stepped();
        sync_dir(&self.partial.join(SCHEMA_DIR))?;
        sync_dir(&self.partial.join(DATA_DIR))?;
        sync_dir(&self.partial)?;
        stepped();
        let complete = self.root.join(self.name.to_string());
        fs::rename(&self.partial, &complete).map_err(Error::io("give its name to", &complete))?;
        stepped();
        sync_dir(&self.root)?;
        stepped();
        Backup::open(&complete)
    }

    /// Removes what was written.
    pub fn abandon(self) -> Result<()> {
        fs::remove_dir_all(&self.partial).map_err(Error::io("remove", &self.partial))?;
        sync_dir(&self.root)
    }

    fn manifest(&self, content: Content) -> Result<Manifest> {
        let mut state = self.state();
        let mut tables = Vec::with_capacity(state.tables.len());
        for TableWritten { spec, chunks, end } in std::mem::take(&mut state.tables) {
            let Some((rows, digest)) = end else {
                return Err(self.unfinished(format!("table {:?} is not finished", spec.name)));
            };
            let TableSpec {
                name,
                columns,
                load_sql,
                count_sql,
            } = spec;
            let chunks = chunks.into_iter().flatten().collect();
            tables.push(Table {
                name,
                rows,
                digest,
                columns,
                load_sql,
                count_sql,
                chunks,
            });
        }
        let totals =
            Totals::of(&tables).ok_or_else(|| self.unfinished("more than 2^64 rows or bytes".into()))?;
        let Content {
            created_at,
            tool,
            source,
            digest,
            counters,
            objects,
            session_sql,
            notes,
        } = content;
        let encryption = (!self.recipients.is_empty()).then(|| Encryption {
            recipients: self.recipients.iter().map(Recipient::to_string).collect(),
        });
        Ok(Manifest {
            format: FORMAT,
            kind: KIND_FULL.into(),
            features: encryption.iter().map(|_| FEATURE_AGE.to_owned()).collect(),
            encryption,
            name: self.name(),
            service: self.name.service().into(),
            created_at,
            tool,
            source,
            digest,
            counters,
            session_sql,
            schema: std::mem::take(&mut state.schema),
            objects,
            tables,
            other_files: Vec::new(),
            notes,
            totals,
        })
    }

    fn written<'a>(&self, state: &'a mut Written, table: TableId) -> Result<&'a mut TableWritten> {
        state
            .tables
            .get_mut(table.0)
            .ok_or_else(|| self.unfinished("a table of another backup".into()))
    }

    fn unfinished(&self, why: String) -> Error {
        Error::Unfinished {
            name: self.name(),
            why,
        }
    }

    fn state(&self) -> MutexGuard<'_, Written> {
        lock(&self.state)
    }
}

/// A thread that panicked leaves its chunk unfinished, which `finish_table` sees; the lists themselves stay whole.
fn lock(state: &Mutex<Written>) -> MutexGuard<'_, Written> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
