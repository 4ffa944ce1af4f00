//! `cargo xtask demo`: the main job, seen.

use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::release;

/// Becomes `ventana demo`: flags, signals, stdout and exit code are the demo's own.
pub(crate) fn run(args: &[String]) -> Result<ExitCode> {
    let ventana = release::build()?;
    // The demo works in the caller's folder: cargo sets none for an alias.
    let error = Command::new(&ventana).arg("demo").args(args).exec();
    Err(error).with_context(|| format!("starting {}", ventana.display()))
}
