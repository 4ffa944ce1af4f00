//! A complete backup, opened.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::chunk_reader::ChunkReader;
use crate::error::{Error, Result};
use crate::files::{exists, open_regular};
use crate::hashed::sha256_hex;
use crate::manifest::{Chunk, Manifest, SchemaFile};
use crate::name::{MANIFEST, SUMS, without_partial};
use crate::sums;
use crate::verify::{Verified, VerifyError, verify};

/// No manifest or list of sums is longer: 5,000 tables need about 10 MiB.
const LONGEST_TEXT: u64 = 1 << 30;

/// A complete backup whose manifest was read and is coherent. Its other files are checked when they are read.
#[derive(Clone, Debug)]
pub struct Backup {
    path: PathBuf,
    manifest: Manifest,
    id: String,
}

impl Backup {
    /// Opens a folder. An incomplete, newer or damaged one is an error that says which.
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
        Ok(Self { path, manifest, id })
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
        ChunkReader::open(&self.path, chunk)
    }

    /// The text of a schema file, checked against its sum.
    pub fn schema_file(&self, schema: &SchemaFile) -> Result<String> {
        let path = self.path.join(&schema.file);
        let damaged = |what: &str| Error::Damaged {
            path: self.path.clone(),
            file: schema.file.clone(),
            what: what.into(),
        };
        let bytes = read_small(&path)?;
        if bytes.len() as u64 != schema.bytes || sha256_hex(&bytes) != schema.sha256 {
            return Err(damaged("its SHA-256 is not the one in manifest.json"));
        }
        String::from_utf8(bytes).map_err(|_| damaged("it is not UTF-8"))
    }

    /// A file that was attached when the backup was written, checked against its sum.
    pub fn attachment(&self, name: &str) -> Result<Vec<u8>> {
        let damaged = |what: &str| Error::Damaged {
            path: self.path.clone(),
            file: name.into(),
            what: what.into(),
        };
        let listed = self.manifest.other_files.iter().find(|other| other.file == name);
        let listed = listed.ok_or_else(|| damaged("the manifest does not list it"))?;
        let bytes = read_small(&self.path.join(name))?;
        if sha256_hex(&bytes) != listed.sha256 {
            return Err(damaged("its checksum is not the one in the manifest"));
        }
        Ok(bytes)
    }

    /// Re-reads every byte; see [`verify`].
    pub fn verify(&self, progress: &mut dyn FnMut(u64, u64)) -> Result<Verified, VerifyError> {
        verify(&self.path, progress)
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
        let source = std::io::Error::from(std::io::ErrorKind::NotADirectory);
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
            return Err(std::io::Error::new(
                std::io::ErrorKind::FileTooLarge,
                "it is longer than 1 GiB",
            ));
        }
        Ok(bytes)
    };
    read().map_err(Error::io("read", path))
}
