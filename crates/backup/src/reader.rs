//! A complete backup, opened.

use std::path::{Path, PathBuf};

use crate::chunk_reader::ChunkReader;
use crate::encryption::{Closed, Identities, decrypt};
use crate::error::{Error, Result};
use crate::files::{Shared, read_small};
use crate::hashed::sha256_hex;
use crate::manifest::{Chunk, Encryption, Manifest, SchemaFile, Sealed};
use crate::name::{MANIFEST, SEALED, SUMS, stored_name};
use crate::sums::{self, read_sums};
use crate::verify::{Verification, Verified, VerifyError};

/// A complete backup whose manifest was read and is coherent. Its other files are checked when they are read. As long as it
/// lives nobody on this machine deletes the folder.
#[derive(Clone, Debug)]
pub struct Backup {
    path: PathBuf,
    manifest: Manifest,
    id: String,
    identities: Option<Identities>,
    _shared: Shared,
}

impl Backup {
    /// Opens a folder. An incomplete, newer or damaged one is an error that says which. An encrypted one opens without
    /// keys; only its contents need [`Backup::unlock`].
    pub fn open(path: &Path) -> Result<Self> {
        let path = std::path::absolute(path).map_err(Error::io("find", path))?;
        let (sums, shared) = read_sums(&path)?;
        let json = read_small(&path.join(MANIFEST))?;
        let damaged = |file: &str, what: String| Error::Damaged {
            path: path.clone(),
            file: file.into(),
            what,
        };
        let (sums, wrong) = sums::parse(&sums);
        let id = sha256_hex(&json);
        match sums.get(MANIFEST) {
            Some(expected) if *expected == id => {}
            Some(_) => return Err(damaged(MANIFEST, format!("its SHA-256 is not the one in {SUMS}"))),
            None => {
                let wrong = if wrong.is_empty() {
                    String::new()
                } else {
                    format!(" ({})", wrong.join("; "))
                };
                return Err(damaged(SUMS, format!("it has no sum of {MANIFEST}{wrong}")));
            }
        }
        if !wrong.is_empty() {
            return Err(damaged(SUMS, wrong.join("; ")));
        }
        let manifest = Manifest::parse(&json, &path)?;
        if let Some((file, ..)) = manifest
            .listed()
            .find(|(file, _, sha256)| sums.get(*file).map(String::as_str) != Some(*sha256))
        {
            return Err(damaged(
                SUMS,
                format!("its sum of {file} is not the one in {MANIFEST}"),
            ));
        }
        Ok(Self {
            path,
            manifest,
            id,
            identities: None,
            _shared: shared,
        })
    }

    /// To whom it is encrypted; `None` where it is not.
    pub fn encryption(&self) -> Option<&Encryption> {
        self.manifest.encryption.as_ref()
    }

    /// Gives the keys to an encrypted backup: its contents can be read, and its manifest has what was sealed. Keys that
    /// do not open it are an error. A backup that is not encrypted needs none and stays as it is.
    pub fn unlock(mut self, identities: &Identities) -> Result<Self> {
        if self.manifest.encryption.is_some() {
            self.identities = Some(identities.clone());
            let json = self.attachment(SEALED)?;
            let damaged = |what: String| Error::Damaged {
                path: self.path.clone(),
                file: SEALED.into(),
                what,
            };
            let sealed: Sealed = serde_json::from_slice(&json)
                .map_err(|error| damaged(format!("its content cannot be read: {error}")))?;
            self.manifest.unseal(sealed).map_err(damaged)?;
        }
        Ok(self)
    }

    /// The folder, absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The table of contents.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// SHA-256 of `manifest.json`: names this very backup and all its bytes.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Content digest of the database, as the caller gave it.
    pub fn digest(&self) -> &str {
        &self.manifest.digest
    }

    /// The content of a chunk. Damage comes as an error in place of the end: do not commit rows before it.
    pub fn chunk_reader(&self, chunk: &Chunk) -> Result<ChunkReader> {
        ChunkReader::open(&self.path, &self.manifest, chunk, self.identities.as_ref())
    }

    /// The text of a schema file, checked against its sum.
    pub fn schema_file(&self, schema: &SchemaFile) -> Result<String> {
        let content = self.small_file(&schema.file, schema.bytes, &schema.sha256)?;
        String::from_utf8(content).map_err(|_| self.damaged(&schema.file, "it is not UTF-8".into()))
    }

    /// A file that was attached when the backup was written, under the name that it was given then; checked against its
    /// sum.
    pub fn attachment(&self, name: &str) -> Result<Vec<u8>> {
        let stored = stored_name(name.into(), self.manifest.encryption.is_some());
        let mut listed = self.manifest.other_files.iter();
        let listed = listed
            .find(|other| other.file == stored || other.file == name)
            .ok_or_else(|| self.damaged(name, format!("{MANIFEST} does not list it")))?;
        self.small_file(&listed.file, listed.bytes, &listed.sha256)
    }

    /// The content of a file, decrypted where its name says that it is encrypted.
    fn small_file(&self, file: &str, bytes: u64, sha256: &str) -> Result<Vec<u8>> {
        let path = self.path.join(file);
        let stored = read_small(&path)?;
        if stored.len() as u64 != bytes || sha256_hex(&stored) != sha256 {
            return Err(self.damaged(file, format!("its SHA-256 is not the one in {MANIFEST}")));
        }
        if self.manifest.encryption.is_none() || !file.ends_with(".age") {
            return Ok(stored);
        }
        let locked = || self.manifest.locked(&self.path, file, self.identities.as_ref());
        match decrypt(self.identities.as_ref().ok_or_else(locked)?, &stored) {
            Ok(content) => Ok(content),
            Err(Closed::NoKey) => Err(locked()),
            Err(Closed::Broken(error)) => Err(self.damaged(file, format!("it cannot be decrypted: {error}"))),
        }
    }

    fn damaged(&self, file: &str, what: String) -> Error {
        Error::Damaged {
            path: self.path.clone(),
            file: file.into(),
            what,
        }
    }

    /// Re-reads every byte, the contents of an encrypted backup too if it was unlocked; see [`Verification`].
    pub fn verify(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<Verified, VerifyError> {
        self.verification().run(progress)
    }

    /// A verification of this backup, with the keys that unlocked it.
    pub fn verification(&self) -> Verification {
        let verification = Verification::of(&self.path);
        match &self.identities {
            Some(identities) => verification.identities(identities),
            None => verification,
        }
    }
}
