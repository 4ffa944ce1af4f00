//! The fuzzers' corpus, replayed.

use testkit::corpus::replay;

use super::bodies;

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
