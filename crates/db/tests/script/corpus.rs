//! The fuzzers' corpus, replayed: what they found once stays found.

#![allow(
    clippy::print_stderr,
    reason = "a body that panics does not know which file it was given"
)]

use std::fs;
use std::path::Path;

use super::bodies;

fn replay(target: &str, body: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target);
    let files: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    for file in &files {
        eprintln!("{}", file.display());
        body(&fs::read(file).unwrap());
    }
    assert!(files.len() >= 5, "{} files in {}", files.len(), folder.display());
}

#[test]
fn splitter() {
    replay("split", bodies::split);
}

#[test]
fn dump_check() {
    replay("dump", bodies::dump);
}

#[test]
fn wire_decoder() {
    replay("wire_decode", db::mariadb::wire::fuzzing::wire_decode);
}
