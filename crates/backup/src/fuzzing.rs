//! What has to hold for any bytes whatever: the bodies of the fuzz targets in `fuzz/`, which the tests replay over the
//! corpus kept there. Not part of the crate's face.

use std::io::{self, Cursor, Read};
use std::path::Path;

use crate::chunk_reader::{ChunkReader, Unopened};
use crate::encryption::Identities;
use crate::hashed::{Shared, sha256_hex};
use crate::instructions;
use crate::manifest::{Chunk, Manifest};
use crate::name::is_set_path;
use crate::sums;

/// A manifest is refused, or is one that says the same when it is written again, and that leads nowhere else.
pub fn manifest(json: &[u8]) {
    let Ok(manifest) = Manifest::parse(json, Path::new("x")) else {
        return;
    };
    let again = manifest.to_json().ok();
    let again = again.and_then(|json| Manifest::parse(&json, Path::new("x")).ok());
    assert_eq!(again.as_ref(), Some(&manifest));
    for (file, ..) in manifest.listed() {
        assert!(is_set_path(file), "{file:?} leads out of the folder");
    }
    let mut unsealed = manifest.clone();
    let sealed = unsealed.seal();
    assert_eq!(unsealed.unseal(sealed), Ok(()));
    assert_eq!(unsealed, manifest);
    assert!(!instructions::readme(&manifest).is_empty() && !instructions::restore_sh(&manifest).is_empty());
}

/// A list of sums is complained about, or is exactly what would be written, with paths inside the folder.
pub fn sums(text: &[u8]) {
    let (sums, wrong) = sums::parse(text);
    assert!(sums.keys().all(|path| is_set_path(path)));
    if wrong.is_empty() {
        assert_eq!(sums::render(&sums).as_bytes(), text);
    }
}

/// A chunk's file gives its content or an error, never more than the manifest says, and the same each time. The first
/// byte says whether it is encrypted, and where a bit is changed that must not pass.
pub fn chunk(data: &[u8], keys: &Identities) {
    const LONGEST: u64 = 1 << 20;
    let Some((&choice, stored)) = data.split_first() else {
        return;
    };
    let mut chunk = Chunk {
        file: "data/0001-x.0001.tsv.zst".into(),
        rows: 0,
        bytes: LONGEST,
        content_sha256: String::new(),
        stored_bytes: stored.len() as u64,
        sha256: sha256_hex(stored),
        digest: None,
        first_key: None,
        last_key: None,
    };
    let encrypted = choice & 1 == 1;
    let (content, read) = read(stored, &chunk, encrypted, keys);
    assert!(read.is_err(), "content without a sum was accepted");
    assert!(content.len() as u64 <= LONGEST);
    chunk.bytes = content.len() as u64;
    chunk.content_sha256 = sha256_hex(&content);
    let (again, whole) = self::read(stored, &chunk, encrypted, keys);
    assert_eq!(again, content);
    if whole.is_ok() && !stored.is_empty() {
        let mut changed = stored.to_vec();
        let at = usize::from(choice) * 7919 % changed.len();
        changed[at] ^= 1 << (choice % 8);
        let (_, read) = self::read(&changed, &chunk, encrypted, keys);
        assert!(read.is_err(), "a changed bit passed");
    }
}

fn read(stored: &[u8], chunk: &Chunk, encrypted: bool, keys: &Identities) -> (Vec<u8>, io::Result<usize>) {
    let mut content = Vec::new();
    let shared = Shared::new(Cursor::new(stored.to_vec()));
    let mut reader = match ChunkReader::over(shared, chunk, encrypted, Some(keys)) {
        Ok(reader) => reader,
        Err(Unopened::Io(error)) => return (content, Err(error)),
        Err(Unopened::Locked) => return (content, Err(io::Error::other("locked"))),
    };
    let read = reader.read_to_end(&mut content);
    if read.is_err() {
        assert!(reader.read(&mut [0]).is_err(), "an error was forgotten");
    }
    (content, read)
}
