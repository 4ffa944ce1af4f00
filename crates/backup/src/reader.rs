//! A complete backup, opened.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::chunk_reader::ChunkReader;
use crate::encryption::{Closed, Identities, decrypt};
use crate::error::{Error, Result};
use crate::files::{exists, open_regular};
use crate::hashed::sha256_hex;
use crate::manifest::{Chunk, Encryption, Manifest, SchemaFile, Sealed};
use crate::name::{MANIFEST, SEALED, SUMS, stored_name, without_partial};
use crate::sums;
use crate::verify::{Verification, Verified, VerifyError};

/// No manifest or list of sums is longer: 5,000 tables need about 10 MiB.
const LONGEST_TEXT: u64 = 1 << 30;

/// A complete backup whose manifest was read and is coherent. Its other files are checked when they are read.
#[derive(Clone, Debug)]
pub struct Backup {
    path: PathBuf,
    manifest: Manifest,
    id: String,
    identities: Option<Identities>,
}

impl Backup {
    /// Opens a folder. An incomplete, newer or damaged one is an error that says which. An encrypted one opens without
    /// keys; only its contents need [`Backup::unlock`].
    pub fn open(path: &Path) -> Result<Self> {
        let path = std::path::absolute(path).map_err(Error::io("find", path))?;
        let sums = read_sums(&path)?;
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

/// `SHA256SUMS` of a complete backup; its absence, or the folder's name, shows that it is not complete.
pub(crate) fn read_sums(folder: &Path) -> Result<Vec<u8>> {
    let incomplete = |why: &str| Error::Incomplete {
        path: folder.into(),
        why: why.into(),
    };
    let metadata = std::fs::metadata(folder).map_err(Error::io("open the backup", folder))?;
    if !metadata.is_dir() {
        let source = io::Error::from(io::ErrorKind::NotADirectory);
        return Err(Error::io("open the backup", folder)(source));
    }
    let name = folder
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    if without_partial(name).is_some() {
        return Err(incomplete(
            "it still has the name of a folder that is being written",
        ));
    }
    let sums = folder.join(SUMS);
    if !exists(&sums).map_err(Error::io("read", &sums))? {
        return Err(incomplete("it has no SHA256SUMS, which is written last"));
    }
    let text = read_small(&sums)?;
    let manifest = folder.join(MANIFEST);
    if !exists(&manifest).map_err(Error::io("read", &manifest))? {
        return Err(incomplete("it has no manifest.json"));
    }
    Ok(text)
}

/// A whole file that the format expects to be small.
pub(crate) fn read_small(path: &Path) -> Result<Vec<u8>> {
    let read = || {
        let mut bytes = Vec::new();
        open_regular(path)?
            .take(LONGEST_TEXT + 1)
            .read_to_end(&mut bytes)?;
        if bytes.len() as u64 > LONGEST_TEXT {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                "it is longer than 1 GiB",
            ));
        }
        Ok(bytes)
    };
    read().map_err(Error::io("read", path))
}
