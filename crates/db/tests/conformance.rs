//! One suite for every dialect: what a database is dumped to, it is loaded from again, exactly; and nothing that differs
//! has the same digest.
#![allow(
    clippy::disallowed_methods,
    reason = "tests run stock clients and write throw-away files"
)]

mod conformance {
    mod place;
    mod store;

    mod beside;
    mod counters;
    mod ddl;
    mod diff;
    mod digest;
    mod exact;
    mod extremes;
    mod fence;
    mod files;
    mod identity;
    mod load;
    mod many;
    mod migration;
    mod mutations;
    mod mysql_server;
    mod online;
    mod parts;
    mod random;
    mod resume;
    mod round_trip;
    mod snapshot;
    mod sqlite;
    mod stock_client;
    mod swap;
    mod target;
    mod unsupported;
    mod wire;
    mod writers;
}
