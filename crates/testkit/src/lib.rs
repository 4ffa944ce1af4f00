//! Private servers, hermetic processes and fault injection for the tests of the workspace.
//!
//! Everything here panics with a message that names the missing program, the command or the file: a test that cannot
//! have its world must fail, never skip. Nothing outlives the test process, not even when it is killed (see
//! [`process`]).
#![allow(
    clippy::disallowed_methods,
    reason = "a test library starts processes, reads the environment and writes throw-away files"
)]

pub mod chromium;
pub mod corpus;
pub mod fault;
pub mod fixtures;
pub mod http;
pub mod mariadb;
pub mod port;
pub mod process;
pub mod program;

pub use mariadb::MariaDb;
pub use process::{Output, Process, Sandbox, Service, bin};

/// Ends the test with the whole chain of causes of `result`'s error.
#[track_caller]
pub(crate) fn must<T>(result: anyhow::Result<T>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("testkit: {error:#}"),
    }
}
