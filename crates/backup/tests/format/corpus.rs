//! The fuzzers' corpus, replayed.

use backup::fuzzing;
use testkit::corpus::replay;

use crate::sample;

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
