//! Whether a manifest is coherent in itself: names formed as the format says, sums right.

use std::collections::BTreeSet;

use super::{FEATURE_AGE, Manifest, Phase, Table, Totals};
use crate::encryption::Recipient;
use crate::hashed::is_sha256;
use crate::name::{
    BackupName, MANIFEST, PROVEN, README, RESTORE, SEALED, SUMS, chunk_file, is_plain, schema_file,
    stored_name,
};

impl Manifest {
    /// What does not add up; empty in a manifest as the format has it.
    pub(crate) fn incoherences(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        // Replicas take their folder's name from here, so it must not lead anywhere else.
        if BackupName::parse(&self.service, &self.name).is_none() {
            wrong.push(format!(
                "{:?} is not a name of a backup of {:?}",
                self.name, self.service
            ));
        }
        let encrypted = self.encryption.is_some();
        self.encryption_incoherences(&mut wrong);
        for (index, schema) in self.schema.iter().enumerate() {
            let stem = schema
                .file
                .split_once('-')
                .and_then(|(_, rest)| rest.strip_suffix(&stored_name(".sql".into(), encrypted)));
            let named = |stem: &str| schema.file == stored_name(schema_file(index, stem), encrypted);
            if !stem.is_some_and(|stem| is_plain(stem) && named(stem)) {
                wrong.push(format!(
                    "{:?} is not the name of schema file {}",
                    schema.file,
                    index + 1
                ));
            }
            if index > 0
                && schema.phase == Phase::BeforeData
                && self.schema[index - 1].phase == Phase::AfterData
            {
                wrong.push(format!(
                    "{} is to be loaded before the rows but comes after files that are not",
                    schema.file
                ));
            }
        }
        let schema_files: BTreeSet<&str> = self.schema.iter().map(|schema| schema.file.as_str()).collect();
        for object in self
            .objects
            .iter()
            .filter(|object| !schema_files.contains(object.file.as_str()))
        {
            wrong.push(format!(
                "{} {:?} is in {:?}, which is not listed",
                object.kind, object.name, object.file
            ));
        }
        let mut names = BTreeSet::new();
        for (index, table) in self.tables.iter().enumerate() {
            if !names.insert(&table.name) {
                wrong.push(format!("table {:?} is listed twice", table.name));
            }
            table.incoherences(index, encrypted, &mut wrong);
        }
        if Totals::of(&self.tables) != Some(self.totals) {
            wrong.push("the totals are not the sums over the chunks".into());
        }
        let mut others: Vec<&str> = self.other_files.iter().map(|other| other.file.as_str()).collect();
        others.sort_unstable();
        let twice = others.windows(2).any(|pair| pair[0] == pair[1]);
        let plain = others
            .iter()
            .all(|name| name.split('.').all(is_plain) && ![MANIFEST, SUMS, PROVEN].contains(name));
        if twice || !plain || !others.contains(&README) || !others.contains(&RESTORE) {
            wrong.push(format!(
                "other_files lacks {README} or {RESTORE}, or names a file twice or badly"
            ));
        }
        let open = |file: &&str| ![README, RESTORE].contains(file) && !file.ends_with(".age");
        if encrypted && (!others.contains(&SEALED) || others.iter().any(open)) {
            wrong.push(format!(
                "it is encrypted, but other_files lacks {SEALED} or names a file that is not encrypted"
            ));
        }
        for (file, _, sha256) in self.listed().filter(|(_, _, sha256)| !is_sha256(sha256)) {
            wrong.push(format!("{sha256:?} of {file} is not a SHA-256"));
        }
        wrong
    }

    fn encryption_incoherences(&self, wrong: &mut Vec<String>) {
        let features = match &self.encryption {
            Some(_) => &[FEATURE_AGE][..],
            None => &[],
        };
        if self.features != features {
            wrong.push(format!("features has to be {features:?} to go with encryption"));
        }
        let Some(encryption) = &self.encryption else {
            return;
        };
        let mut recipients = encryption.recipients.iter();
        if encryption.recipients.is_empty() || recipients.any(|text| text.parse::<Recipient>().is_err()) {
            wrong.push("its encryption names no recipients, or one that is no public key".into());
        }
    }
}

impl Table {
    fn incoherences(&self, index: usize, encrypted: bool, wrong: &mut Vec<String>) {
        let ending = stored_name(".zst".into(), encrypted);
        if encrypted && !self.digest.is_empty() {
            wrong.push(format!("the digest of table {:?} is not sealed", self.name));
        }
        for (number, chunk) in self.chunks.iter().enumerate() {
            let extension = chunk
                .file
                .strip_suffix(&ending)
                .and_then(|file| file.rsplit_once('.'))
                .map(|(_, e)| e);
            let named =
                |e: &str| chunk.file == stored_name(chunk_file(index, &self.name, number, e), encrypted);
            if !extension.is_some_and(|e| is_plain(e) && named(e)) {
                let n = number + 1;
                wrong.push(format!(
                    "{:?} is not the name of chunk {n} of table {:?}",
                    chunk.file, self.name
                ));
            }
            if encrypted {
                let sealed = chunk.content_sha256.is_empty()
                    && [&chunk.digest, &chunk.first_key, &chunk.last_key]
                        .iter()
                        .all(|value| value.is_none());
                if !sealed {
                    wrong.push(format!(
                        "what tells about the content of {} is not sealed",
                        chunk.file
                    ));
                }
            } else if !is_sha256(&chunk.content_sha256) {
                wrong.push(format!(
                    "{:?} of {} is not a SHA-256",
                    chunk.content_sha256, chunk.file
                ));
            }
        }
        let rows = self
            .chunks
            .iter()
            .try_fold(0u64, |sum, chunk| sum.checked_add(chunk.rows));
        if rows != Some(self.rows) {
            wrong.push(format!(
                "table {:?} has {} rows, which is not the sum over its chunks",
                self.name, self.rows
            ));
        }
    }
}
