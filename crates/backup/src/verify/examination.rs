//! One verification: compares folder, sums, manifest and every file's bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::content::{examine_chunk, examine_encrypted};
use super::folder::sizes_in;
use super::{ChunkPlace, Damage, STRAY, VerifyError, damage};
use crate::encryption::{Closed, Identities, decrypt};
use crate::error::{Error, Result};
use crate::files::read_small;
use crate::files::{open_regular, seal_of};
use crate::hashed::{Seal, sha256_hex};
use crate::manifest::{Chunk, Manifest, Sealed};
use crate::name::{DATA_DIR, MANIFEST, SCHEMA_DIR, SEALED, SUMS};
use crate::sums::{self, Sums};

/// One verification under way.
pub(super) struct Examination<'a> {
    path: &'a Path,
    sums: Sums,
    manifest: Option<Manifest>,
    chunks: BTreeMap<String, (Chunk, ChunkPlace)>,
    /// Keys that open the backup; `None` where there are none, or it needs none.
    keys: Option<&'a Identities>,
    /// See [`super::Verification::just_written`].
    just_written: bool,
    /// Length and sum that the manifest gives.
    listed: BTreeMap<String, Seal>,
    /// Files that are there and belong to the set.
    pub(super) sizes: BTreeMap<String, u64>,
    pub(super) damages: Vec<Damage>,
}

impl<'a> Examination<'a> {
    /// Reads the tables of contents and compares them with what is in the folder.
    pub(super) fn new(
        path: &'a Path,
        sums_text: &[u8],
        identities: Option<&'a Identities>,
        just_written: bool,
    ) -> Result<Self, VerifyError> {
        let (sums, wrong) = sums::parse(sums_text);
        let mut damages: Vec<Damage> = wrong.into_iter().map(|what| damage(SUMS, what)).collect();
        let mut manifest = match read_small(&path.join(MANIFEST)) {
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
        let mut keys = None;
        if let (Some(manifest), Some(identities)) = (&mut manifest, identities)
            && manifest.encryption.is_some()
            && unseal(path, &sums, manifest, identities, &mut damages)?
        {
            keys = Some(identities);
        }
        let mut listed = BTreeMap::new();
        let mut chunks = BTreeMap::new();
        if let Some(manifest) = &manifest {
            for (file, bytes, sha256) in manifest.listed() {
                let sha256 = sha256.into();
                listed.insert(file.to_owned(), Seal { bytes, sha256 });
            }
            for table in &manifest.tables {
                for (index, chunk) in table.chunks.iter().enumerate() {
                    let place = ChunkPlace {
                        table: table.name.clone(),
                        number: index + 1,
                        of: table.chunks.len(),
                    };
                    chunks.insert(chunk.file.clone(), (chunk.clone(), place));
                }
            }
        }
        let mut sizes = BTreeMap::new();
        for folder in ["", SCHEMA_DIR, DATA_DIR] {
            sizes_in(path, folder, &mut sizes, &mut damages);
        }
        for damage in &mut damages {
            damage.chunk = chunks.get(&damage.file).map(|(_, place)| place.clone());
        }
        let mut examination = Self {
            path,
            sums,
            manifest,
            chunks,
            keys,
            just_written,
            listed,
            sizes,
            damages,
        };
        examination.compare_lists();
        Ok(examination)
    }

    /// As the manifest counts them.
    pub(super) fn rows(&self) -> u64 {
        self.manifest.as_ref().map_or(0, |manifest| manifest.totals.rows)
    }

    /// Whether what is in the files is compared, and not the files alone.
    pub(super) fn reads_contents(&self) -> bool {
        self.keys.is_some() || !self.is_encrypted()
    }

    fn is_encrypted(&self) -> bool {
        self.manifest
            .as_ref()
            .is_some_and(|manifest| manifest.encryption.is_some())
    }

    fn damage(&self, file: &str, what: String) -> Damage {
        Damage {
            chunk: self.chunks.get(file).map(|(_, place)| place.clone()),
            ..damage(file, what)
        }
    }

    /// Files that are missing, that nobody lists, or that only one of the two lists has.
    fn compare_lists(&mut self) {
        let known: BTreeSet<&String> = self.sums.keys().chain(self.listed.keys()).collect();
        for file in &known {
            if !self.sizes.contains_key(*file) && !self.damages.iter().any(|damage| damage.file == **file) {
                let missing = self.damage(file, "the file is missing".into());
                self.damages.push(missing);
            }
        }
        for file in self
            .sizes
            .keys()
            .filter(|file| *file != SUMS && *file != MANIFEST && !known.contains(file))
        {
            self.damages.push(damage(
                file,
                format!("{STRAY}: neither {SUMS} nor {MANIFEST} has it"),
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
    pub(super) fn file(&self, file: &str, read: &mut dyn FnMut(u64)) -> Vec<Damage> {
        let path = self.path.join(file);
        let outcome = match (self.chunks.get(file), self.keys) {
            (Some((chunk, _)), keys) if self.reads_contents() => {
                examine_chunk(&path, chunk, self.is_encrypted(), keys, self.just_written, read)
            }
            (None, Some(keys)) if file.ends_with(".age") => examine_encrypted(&path, keys, read),
            _ => open_regular(&path)
                .and_then(|file| seal_of(file, read))
                .map(|seal| (seal, None)),
        };
        match outcome {
            Err(error) => vec![self.damage(file, format!("it cannot be read: {error}"))],
            Ok((seal, content)) => self.judge(file, &seal, content),
        }
    }

    fn judge(&self, file: &str, actual: &Seal, content: Option<String>) -> Vec<Damage> {
        let sum = self.sums.get(file);
        let listed = self.listed.get(file);
        let sum_right = sum.is_none_or(|sum| *sum == actual.sha256);
        let (mut wrong, mut damages) = (Vec::new(), Vec::new());
        match listed {
            Some(listed) if listed == actual && sum_right => {}
            // The manifest and the file agree, so the sum is what changed.
            Some(listed) if listed == actual => {
                let what = format!("its sum of {file} is wrong: file and {MANIFEST} agree");
                damages.push(damage(SUMS, what));
            }
            Some(listed) if listed.bytes != actual.bytes => {
                wrong.push(format!(
                    "it has {} bytes, {MANIFEST} says {}",
                    actual.bytes, listed.bytes
                ));
            }
            Some(_) if sum_right && sum.is_some() => {
                damages.push(damage(
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
            damages.push(self.damage(file, wrong.join("; ")));
        }
        damages
    }
}

/// Puts what was sealed back into the manifest. False: the sealed file is damaged, so contents cannot be compared; what
/// is wrong with it is known, or its sum will tell.
fn unseal(
    path: &Path,
    sums: &Sums,
    manifest: &mut Manifest,
    identities: &Identities,
    damages: &mut Vec<Damage>,
) -> Result<bool, VerifyError> {
    let Ok(stored) = read_small(&path.join(SEALED)) else {
        return Ok(false);
    };
    if sums.get(SEALED).is_none_or(|sum| *sum != sha256_hex(&stored)) {
        return Ok(false);
    }
    let json = match decrypt(identities, &stored) {
        Ok(json) => json,
        Err(Closed::NoKey) => return Err(manifest.locked(path, SEALED, Some(identities)).into()),
        Err(Closed::Broken(error)) => {
            damages.push(damage(SEALED, format!("it cannot be decrypted: {error}")));
            return Ok(false);
        }
    };
    let unsealed = serde_json::from_slice::<Sealed>(&json)
        .map_err(|error| format!("its content cannot be read: {error}"))
        .and_then(|sealed| manifest.unseal(sealed));
    if let Err(what) = &unsealed {
        damages.push(damage(SEALED, what.clone()));
    }
    Ok(unsealed.is_ok())
}
