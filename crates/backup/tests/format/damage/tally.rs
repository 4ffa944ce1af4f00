//! Tries damages, and counts.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use backup::{Backup, Damage, Identities, Verification, VerifyError};

use crate::sample;

/// How many damages of each kind were tried, and found under the right name.
pub(super) struct Tally {
    counts: BTreeMap<&'static str, (u32, u32)>,
    /// Chunk files of the whole backup, each with its table and number.
    chunks: BTreeMap<String, (String, usize)>,
    /// With which keys each damage has to be found: an encrypted backup's with and without.
    keys: Vec<Option<Identities>>,
}

impl Tally {
    pub(super) fn of(backup: &Backup) -> Self {
        let mut chunks = BTreeMap::new();
        for table in &backup.manifest().tables {
            for (index, chunk) in table.chunks.iter().enumerate() {
                chunks.insert(chunk.file.clone(), (table.name.clone(), index + 1));
            }
        }
        let mut keys = vec![None];
        keys.extend(backup.encryption().map(|_| Some(sample::keys())));
        Self {
            counts: BTreeMap::new(),
            chunks,
            keys,
        }
    }

    /// Only damage to what is inside needs the keys to be found.
    pub(super) fn with_keys_alone(mut self) -> Self {
        self.keys.retain(Option::is_some);
        self
    }

    /// `named`: one of these files has to be among those that verification names.
    pub(super) fn tried(&mut self, kind: &'static str, what: &str, folder: &Path, named: &[&str]) {
        let (tried, found) = self.counts.entry(kind).or_default();
        for keys in &self.keys {
            *tried += 1;
            // Threads take longer to start than a small sample to read; now and then the usual number all the same.
            let verification = Verification::of(folder);
            let verification = if *tried % 16 == 0 {
                verification
            } else {
                verification.threads(1)
            };
            let verification = match keys {
                Some(keys) => verification.identities(keys),
                None => verification,
            };
            let (seen, said) = match verification.run(&mut |_, _| ()) {
                Err(VerifyError::Damaged(damages)) => {
                    (names(&damages, &self.chunks, named), format!("{damages:?}"))
                }
                Err(VerifyError::Open(error)) => {
                    let said = error.to_string();
                    (named.iter().any(|file| said.contains(file)), said)
                }
                Ok(verified) => (false, format!("{verified:?}")),
            };
            if seen {
                *found += 1;
            } else {
                println!("not found: {kind}: {what}: expected {named:?}, got {said}");
            }
        }
    }

    pub(super) fn all_found(&self) {
        for (kind, (tried, found)) in &self.counts {
            println!("{kind}: {tried} damages tried, {found} found");
        }
        let sum = |pick: fn(&(u32, u32)) -> u32| self.counts.values().map(pick).sum::<u32>();
        let (tried, found) = (sum(|t| t.0), sum(|t| t.1));
        println!("in all: {tried} damages tried, {found} found, each with the file named");
        assert!(tried > 0 && tried == found, "{tried} tried, {found} found");
    }
}

/// Whether one of the files is named, a chunk with its table and number unless the manifest is in doubt as well.
fn names(damages: &[Damage], chunks: &BTreeMap<String, (String, usize)>, named: &[&str]) -> bool {
    let doubt = damages.iter().any(|damage| damage.file == "manifest.json");
    damages.iter().any(|damage| {
        let place = damage
            .chunk
            .as_ref()
            .map(|place| (place.table.clone(), place.number));
        named.contains(&damage.file.as_str()) && (doubt || place.as_ref() == chunks.get(&damage.file))
    })
}

/// Puts a file back as it was, whatever the test did to it.
pub(super) fn damaged(path: &Path, damage: impl FnOnce(&mut Vec<u8>), test: impl FnOnce()) {
    let whole = fs::read(path).unwrap();
    let mut bytes = whole.clone();
    damage(&mut bytes);
    assert_ne!(bytes, whole);
    fs::write(path, bytes).unwrap();
    test();
    fs::write(path, whole).unwrap();
}

/// Which files may be named for damage in this one. A sum of the manifest that changed in `SHA256SUMS` cannot be told
/// from a manifest that changed: it is only written there.
pub(super) fn names_for(file: &str) -> Vec<&str> {
    if file == "SHA256SUMS" {
        vec!["SHA256SUMS", "manifest.json"]
    } else {
        vec![file]
    }
}
