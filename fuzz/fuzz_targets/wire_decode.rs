#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| db::mariadb::wire::fuzzing::wire_decode(data));
