//! One verification: compares folder, sums, manifest and every file's bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::Path;

use super::{Damage, VerifyError, damage};
use crate::chunk_reader::ChunkReader;
use crate::error::{Error, Result};
use crate::files::{open_regular, seal_of};
use crate::hashed::{BLOCK, Seal, sha256_hex};
use crate::manifest::{Chunk, Manifest};
use crate::name::{DATA_DIR, MANIFEST, PROVEN, SCHEMA_DIR, SUMS};
use crate::reader::read_small;
use crate::sums::{self, Sums};

/// One verification under way.
pub(super) struct Examination<'a> {
    path: &'a Path,
    sums: Sums,
    pub(super) manifest: Option<Manifest>,
    chunks: BTreeMap<String, Chunk>,
    /// Length and sum that the manifest gives.
    listed: BTreeMap<String, Seal>,
    /// Files that are there and belong to the set.
    pub(super) sizes: BTreeMap<String, u64>,
    pub(super) damages: Vec<Damage>,
}

impl<'a> Examination<'a> {
    /// Reads the tables of contents and compares them with what is in the folder.
    pub(super) fn new(path: &'a Path, sums_text: &[u8]) -> Result<Self, VerifyError> {
        let (sums, wrong) = sums::parse(sums_text);
        let mut damages: Vec<Damage> = wrong.into_iter().map(|what| damage(SUMS, what)).collect();
        let manifest = match read_small(&path.join(MANIFEST)) {
            Ok(json) => match Manifest::parse(&json, path) {
                Ok(manifest) => Some(manifest),
                Err(Error::Damaged { what, .. }) => {
                    damages.push(damage(MANIFEST, what));
                    None
                }
                // A flipped bit can make the format look newer: only an undamaged manifest is believed.
                Err(_) if sums.get(MANIFEST).is_some_and(|sum| *sum != sha256_hex(&json)) => None,
                Err(newer) => return Err(newer.into()),
            },
            Err(_) => None,
        };
        let mut listed = BTreeMap::new();
        let mut chunks = BTreeMap::new();
        if let Some(manifest) = &manifest {
            for (file, bytes, sha256) in manifest.listed() {
                listed.insert(
                    file.to_owned(),
                    Seal {
                        bytes,
                        sha256: sha256.into(),
                    },
                );
            }
            let all = manifest.tables.iter().flat_map(|table| &table.chunks);
            chunks.extend(all.map(|chunk| (chunk.file.clone(), chunk.clone())));
        }
        let mut sizes = BTreeMap::new();
        for folder in ["", SCHEMA_DIR, DATA_DIR] {
            sizes_in(path, folder, &mut sizes, &mut damages);
        }
        let mut examination = Self {
            path,
            sums,
            manifest,
            chunks,
            listed,
            sizes,
            damages,
        };
        examination.compare_lists();
        Ok(examination)
    }

    /// Files that are missing, that nobody lists, or that only one of the two lists has.
    fn compare_lists(&mut self) {
        let known: BTreeSet<&String> = self.sums.keys().chain(self.listed.keys()).collect();
        for file in &known {
            if !self.sizes.contains_key(*file) && !self.damages.iter().any(|damage| damage.file == **file) {
                self.damages.push(damage(file, "the file is missing".into()));
            }
        }
        for file in self
            .sizes
            .keys()
            .filter(|file| *file != SUMS && *file != MANIFEST && !known.contains(file))
        {
            self.damages.push(damage(
                file,
                format!("it is not part of the backup: neither {SUMS} nor {MANIFEST} has it"),
            ));
        }
        for file in self
            .listed
            .keys()
            .map(String::as_str)
            .chain([MANIFEST])
            .filter(|f| !self.sums.contains_key(*f))
        {
            self.damages
                .push(damage(SUMS, format!("it has no sum of {file}")));
        }
        let Some(_) = self.manifest else { return };
        for file in self
            .sums
            .keys()
            .filter(|file| *file != MANIFEST && !self.listed.contains_key(*file))
        {
            self.damages.push(damage(
                SUMS,
                format!("it has a sum of {file}, which {MANIFEST} does not list"),
            ));
        }
    }

    /// Reads one file to its end and judges it.
    pub(super) fn file(&mut self, file: &str, read: &mut dyn FnMut(u64)) {
        let outcome = match self.chunks.get(file) {
            Some(chunk) => examine_chunk(self.path, chunk, read),
            None => open_regular(&self.path.join(file))
                .and_then(|f| seal_of(f, read))
                .map(|seal| (seal, None)),
        };
        match outcome {
            Err(error) => self
                .damages
                .push(damage(file, format!("it cannot be read: {error}"))),
            Ok((seal, content)) => self.judge(file, &seal, content),
        }
    }

    fn judge(&mut self, file: &str, actual: &Seal, content: Option<String>) {
        let sum = self.sums.get(file);
        let listed = self.listed.get(file);
        let sum_right = sum.is_none_or(|sum| *sum == actual.sha256);
        let mut wrong = Vec::new();
        match listed {
            Some(listed) if listed == actual && sum_right => {}
            // The manifest and the file agree, so the sum is what changed.
            Some(listed) if listed == actual => {
                let what = format!("its sum of {file} is wrong: file and {MANIFEST} agree");
                self.damages.push(damage(SUMS, what));
            }
            Some(listed) if listed.bytes != actual.bytes => {
                wrong.push(format!(
                    "it has {} bytes, {MANIFEST} says {}",
                    actual.bytes, listed.bytes
                ));
            }
            Some(_) if sum_right && sum.is_some() => {
                self.damages.push(damage(
                    MANIFEST,
                    format!("its SHA-256 of {file} is not the file's and not that of {SUMS}"),
                ));
            }
            Some(_) => wrong.push(format!("its SHA-256 is not the one in {MANIFEST} and {SUMS}")),
            None if !sum_right => wrong.push(format!("its SHA-256 is not the one in {SUMS}")),
            None => {}
        }
        wrong.extend(content);
        if !wrong.is_empty() {
            self.damages.push(damage(file, wrong.join("; ")));
        }
    }
}

/// Stored seal of a chunk's file and what is wrong with its content, in one reading.
fn examine_chunk(
    path: &Path,
    chunk: &Chunk,
    read: &mut dyn FnMut(u64),
) -> std::io::Result<(Seal, Option<String>)> {
    let mut reader = match ChunkReader::open(path, chunk) {
        Ok(reader) => reader,
        Err(Error::Io { source, .. }) => return Err(source),
        Err(other) => return Err(std::io::Error::other(other)),
    };
    let mut block = vec![0; BLOCK];
    let mut told = 0;
    loop {
        let outcome = reader.read(&mut block);
        let stored = reader.stored_bytes();
        read(stored.saturating_sub(told));
        told = told.max(stored);
        match outcome {
            Ok(0) => {
                let Chunk {
                    stored_bytes, sha256, ..
                } = chunk;
                return Ok((
                    Seal {
                        bytes: *stored_bytes,
                        sha256: sha256.clone(),
                    },
                    None,
                ));
            }
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => {
                let seal = match reader.seal_stored() {
                    Some(seal) => seal?,
                    // The frame ended and the reader compared the file itself: read it again for its sum.
                    None => seal_of(open_regular(&path.join(&chunk.file))?, &mut |_| ())?,
                };
                read(seal.bytes.saturating_sub(told));
                let what = error.to_string();
                let whole = seal.bytes == chunk.stored_bytes && seal.sha256 == chunk.sha256;
                let what = what
                    .strip_prefix(&format!("{}: ", chunk.file))
                    .unwrap_or(&what)
                    .to_owned();
                let about_the_file = what.starts_with("the file");
                return Ok((seal, (whole || !about_the_file).then_some(what)));
            }
        }
    }
}

/// Lengths of the files in a folder of the set; what is no file is damage.
fn sizes_in(path: &Path, folder: &str, sizes: &mut BTreeMap<String, u64>, damages: &mut Vec<Damage>) {
    let entries = match fs::read_dir(path.join(folder)) {
        Ok(entries) => entries,
        Err(error) => return damages.push(damage(folder, format!("the folder cannot be read: {error}"))),
    };
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => return damages.push(damage(folder, format!("the folder cannot be read: {error}"))),
        };
        let name = entry.file_name().to_string_lossy().into_owned();
        let file = if folder.is_empty() {
            name
        } else {
            format!("{folder}/{name}")
        };
        match entry.metadata() {
            Ok(metadata) if metadata.is_file() && file != PROVEN => drop(sizes.insert(file, metadata.len())),
            Ok(metadata) if metadata.is_file() => {}
            Ok(metadata) if metadata.is_dir() && (file == SCHEMA_DIR || file == DATA_DIR) => {}
            Ok(_) => damages.push(damage(&file, "it is not a file of the backup".into())),
            Err(error) => damages.push(damage(&file, format!("it cannot be read: {error}"))),
        }
    }
}
