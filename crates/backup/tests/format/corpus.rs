//! The fuzzers' corpus, replayed: what they found once stays found.

use std::fs;
use std::path::Path;

use backup::fuzzing;

use crate::sample;

fn replay(target: &str, body: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target);
    let files: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    for file in &files {
        println!("{}", file.display());
        body(&fs::read(file).unwrap());
    }
    assert!(files.len() >= 5, "{} files in {}", files.len(), folder.display());
}

#[test]
fn manifest_reader() {
    replay("manifest", fuzzing::manifest);
}

#[test]
fn sums_reader() {
    replay("sums", fuzzing::sums);
}

#[test]
fn chunk_reader() {
    let keys = sample::keys();
    replay("chunk", |data| fuzzing::chunk(data, &keys));
}
