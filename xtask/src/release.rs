//! Release binaries, for the demo and for measuring it.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::{programs, workspace};

/// Builds `ventana` and `inventario` in release, cargo's output on stderr, and returns the path of `ventana`.
pub(crate) fn build() -> Result<PathBuf> {
    // SQLite, zstd and the TLS primitives are C.
    programs::provide(&["cc"], programs::Talk::Stderr)?;
    let mut cargo = workspace::cargo(&["build", "--release", "-p", "ventana", "-p", "inventario"]);
    cargo.stdout(std::io::stderr()).stdin(std::process::Stdio::null());
    workspace::succeed(&mut cargo).context("building the release binaries")?;
    Ok(workspace::target()?.join("release").join("ventana"))
}
