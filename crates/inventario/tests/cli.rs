//! The command line with the built binary: a file per verb.

mod cli {
    mod data;
    mod release;
    mod serve;
    mod user;
}

use testkit::{Process, Sandbox};

/// `inventario` in `sandbox`, with nothing of our own environment.
pub(crate) fn inventario(sandbox: &Sandbox) -> Process {
    Process::within(sandbox, env!("CARGO_BIN_EXE_inventario"))
}
