#![no_main]
#[allow(dead_code, reason = "the other target's body")]
#[path = "../../crates/db/tests/script/bodies.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bodies::dump(data));
