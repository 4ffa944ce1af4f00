//! Format version 1 as a whole: what is written is what is read, any damage is found, a crash is seen, a replica is
//! proven, the stock clients restore it, and folders written long ago stay readable.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "the damage suite prints how much it tried; tests damage throw-away files on purpose"
)]

mod catalog;
mod corpus;
mod crash;
mod damage;
mod encrypted;
mod fixtures;
mod replicas;
mod round_trip;
mod sample;
mod stock;
