//! Reads a backup in a store whole, and lists what a store has.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};

use super::Store;
use crate::catalog::{Entry, State, Summary};
use crate::complete::{self, Named};
use crate::encryption::Identities;
use crate::error::{Error, Result};
use crate::hashed::{BLOCK, Hashed, Seal, sha256_hex};
use crate::manifest::Manifest;
use crate::name::{BackupName, MANIFEST, PROVEN, SUMS, without_partial};
use crate::reader::Backup;
use crate::sums;
use crate::verify::{Damage, STRAY, Verification, Verified, VerifyError};

/// No manifest or list of sums is longer.
const LONGEST_TEXT: u64 = 1 << 30;

/// What an undamaged backup in a store is.
#[derive(Clone, Debug)]
pub struct Examined {
    /// SHA-256 of its manifest.
    pub id: String,
    /// Its table of contents.
    pub manifest: Manifest,
    /// What was read.
    pub verified: Verified,
}

/// Reads every byte of every file of `folder` and compares it with `SHA256SUMS` and the manifest. On this machine chunks are
/// decompressed too, and with `keys` decrypted ([`Verification`]); elsewhere the stored sums are what is compared. `progress`
/// is told bytes done and in all.
pub fn examine(
    store: &mut dyn Store,
    folder: &str,
    keys: Option<&Identities>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Examined, VerifyError> {
    if let Some(path) = store.local(folder) {
        let verification = Verification::of(&path);
        let verified = match keys {
            Some(keys) => verification.identities(keys).run(progress)?,
            None => verification.run(progress)?,
        };
        let backup = Backup::open(&path)?;
        return Ok(Examined {
            id: backup.id().into(),
            manifest: backup.manifest().clone(),
            verified,
        });
    }
    let place = store.place(folder);
    let files = store.files(folder).map_err(Error::io("read", &place))?;
    let mut files =
        files.ok_or_else(|| Error::io("open the backup", &place)(io::ErrorKind::NotFound.into()))?;
    files.remove(PROVEN);
    must_be_complete(store, folder, &files)?;
    let text = read_whole(store, folder, SUMS)?;
    let json = read_whole(store, folder, MANIFEST)?;
    let (sums, wrong) = sums::parse(&text);
    let mut damages: Vec<Damage> = wrong.into_iter().map(|what| damage(SUMS, what)).collect();
    let id = sha256_hex(&json);
    let manifest = match Manifest::parse(&json, &place) {
        Ok(manifest) => Some(manifest),
        Err(Error::Damaged { what, .. }) => {
            damages.push(damage(MANIFEST, what));
            None
        }
        // A flipped bit can make the format look newer: only an undamaged manifest is believed.
        Err(_) if sums.get(MANIFEST).is_some_and(|sum| *sum != id) => None,
        Err(newer) => return Err(newer.into()),
    };
    let listed: BTreeMap<&str, (u64, &str)> = manifest
        .iter()
        .flat_map(Manifest::listed)
        .map(|(file, bytes, sha256)| (file, (bytes, sha256)))
        .collect();
    let known: BTreeSet<&str> = sums
        .keys()
        .map(String::as_str)
        .chain(listed.keys().copied())
        .collect();
    let missing = known.iter().filter(|file| !files.contains_key(**file));
    damages.extend(missing.map(|file| damage(file, "the file is missing".into())));
    let total = files.values().sum();
    let mut done = text.len() as u64;
    for (file, bytes) in files.iter().filter(|(file, _)| *file != SUMS) {
        if !known.contains(file.as_str()) {
            let what = format!("{STRAY}: neither {SUMS} nor {MANIFEST} has it");
            damages.push(damage(file, what));
            continue;
        }
        let reader = store.read_back(folder, file);
        let seal = reader.and_then(|reader| {
            sum_of(reader, &mut |read| {
                done += read;
                progress(done, total);
            })
        });
        // A connection that breaks is no verdict on the file.
        let sum = seal.map_err(Error::io("read back", place.join(file)))?.sha256;
        let listed = listed.get(file.as_str());
        if let Some((listed, _)) = listed.filter(|(listed, _)| listed != bytes) {
            damages.push(damage(
                file,
                format!("it has {bytes} bytes, {MANIFEST} says {listed}"),
            ));
        } else if sums.get(file) != Some(&sum) {
            damages.push(damage(file, format!("its SHA-256 is not the one in {SUMS}")));
        } else if listed.is_some_and(|(_, expected)| *expected != sum) {
            damages.push(damage(file, format!("its SHA-256 is not the one in {MANIFEST}")));
        }
    }
    if let (Some(manifest), true) = (&manifest, damages.is_empty()) {
        let verified = Verified {
            files: files.len() as u64,
            bytes: total,
            rows: manifest.totals.rows,
            contents: false,
        };
        return Ok(Examined {
            id,
            manifest: manifest.clone(),
            verified,
        });
    }
    damages.sort();
    damages.dedup();
    Err(VerifyError::Damaged(damages))
}

fn damage(file: &str, what: String) -> Damage {
    Damage {
        file: file.into(),
        what,
        chunk: None,
    }
}

/// Refuses what is no complete backup in this store.
pub(super) fn must_be_complete(store: &dyn Store, folder: &str, files: &BTreeMap<String, u64>) -> Result<()> {
    let named = match store.working(folder) == folder {
        true => Named::FromTheStart,
        false => Named::AtTheEnd,
    };
    complete::must_be(&store.place(folder), named, |file| Ok(files.contains_key(file)))
}

/// Backups of the service in a store, newest first; as [`crate::list`] for a folder of this machine. Proofs lie beside a
/// backup on this machine only.
pub fn list_in(store: &mut dyn Store, service: &str) -> Result<Vec<Entry>> {
    if let Some(root) = store.local("") {
        return crate::list(&root, service);
    }
    let root = store.place("");
    let folders = store.folders().map_err(Error::io("list the backups in", root))?;
    let mut named: Vec<(BackupName, String)> = folders
        .into_iter()
        .filter_map(|folder| {
            let name = BackupName::parse(service, without_partial(&folder).unwrap_or(&folder))?;
            Some((name, folder))
        })
        .collect();
    named.sort_by(|(a, a_folder), (b, b_folder)| {
        (b.stamp(), b.number(), b_folder).cmp(&(a.stamp(), a.number(), a_folder))
    });
    let mut entries = Vec::new();
    for (name, folder) in named {
        let state = match summary(store, &folder) {
            Ok(summary) => State::Complete(summary),
            Err(Error::Incomplete { why, .. }) => State::Incomplete { why },
            // A store that does not answer is no verdict on its backups.
            Err(error @ Error::Io { .. }) => return Err(error),
            Err(error) => State::Unreadable {
                why: error.to_string(),
            },
        };
        entries.push(Entry {
            name,
            path: store.place(&folder),
            state,
        });
    }
    Ok(entries)
}

fn summary(store: &mut dyn Store, folder: &str) -> Result<Summary> {
    let place = store.place(folder);
    let files = store.files(folder).map_err(Error::io("read", &place))?;
    must_be_complete(store, folder, &files.unwrap_or_default())?;
    let json = read_whole(store, folder, MANIFEST)?;
    let id = sha256_hex(&json);
    let (sums, wrong) = sums::parse(&read_whole(store, folder, SUMS)?);
    if !wrong.is_empty() || sums.get(MANIFEST) != Some(&id) {
        return Err(Error::Damaged {
            path: place,
            file: MANIFEST.into(),
            what: format!("its SHA-256 is not the one in {SUMS}"),
        });
    }
    Ok(Summary::of(&Manifest::parse(&json, &place)?, id, &[]))
}

/// A whole file that the format expects to be small.
pub(super) fn read_whole(store: &mut dyn Store, folder: &str, file: &str) -> Result<Vec<u8>> {
    let path = store.place(folder).join(file);
    let read = store.read(folder, file).and_then(|reader| {
        let mut bytes = Vec::new();
        reader.take(LONGEST_TEXT + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > LONGEST_TEXT {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                "it is longer than 1 GiB",
            ));
        }
        Ok(bytes)
    });
    read.map_err(Error::io("read", path))
}

/// Length and SHA-256 of a stream, telling how many bytes each block had.
pub(super) fn sum_of(reader: impl Read, read: &mut dyn FnMut(u64)) -> io::Result<Seal> {
    let mut hashed = Hashed::new(reader);
    let mut block = vec![0; BLOCK];
    loop {
        match hashed.read(&mut block) {
            Ok(0) => return Ok(hashed.seal().1),
            Ok(n) => read(n as u64),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
