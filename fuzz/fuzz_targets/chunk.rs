#![no_main]
use std::sync::LazyLock;

static KEYS: LazyLock<backup::Identities> = LazyLock::new(|| {
    let file = include_str!("../../crates/backup/tests/fixtures/v1-age/key.txt");
    file.parse().expect("the fixture's key file")
});

libfuzzer_sys::fuzz_target!(|data: &[u8]| backup::fuzzing::chunk(data, &KEYS));
