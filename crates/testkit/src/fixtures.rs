//! Legacy data: dumps made by `mysqldump --single-transaction --routines --triggers --databases inventario`, with that
//! command's faults (a `USE` of the production name inside, no events, FLOATs as six digits).

mod settings;
mod small;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

pub use settings::service;
pub use small::shrink;

use crate::program;

/// 5,000 activos and 6,959 mantenimientos, every class and finding of dirt among them.
pub fn legacy_dump() -> PathBuf {
    folder().join("inventario_20251106_230000.sql.zst")
}

/// About 300 activos taken from [`legacy_dump`], every class and finding of dirt among them; for drills that run often.
/// Made by `cargo xtask fixtures`.
pub fn small_dump() -> PathBuf {
    folder().join("inventario_small.sql.zst")
}

/// How many activos [`small_dump`] is made for; it has somewhat more or less.
pub const SMALL_ROWS: usize = 300;

/// Logins of both dumps: (email, password, role).
pub const LOGINS: [(&str, &str, &str); 3] = [
    ("ana@empresa.example", "Cambiar-2025", "administrador"),
    ("jose@empresa.example", "tecnico-77", "tecnico"),
    ("zoe@empresa.example", "contraseña ñ", "tecnico"),
];

/// The SQL text of a dump.
pub fn read_dump(dump: &Path) -> Result<String> {
    let output = Command::new(program::find("zstd")?)
        .arg("-dcq")
        .arg(dump)
        .output()?;
    ensure!(
        output.status.success(),
        "zstd -dc {}: {}",
        dump.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).with_context(|| format!("{} is not UTF-8", dump.display()))
}

/// Makes [`small_dump`] again from [`legacy_dump`] and returns its path.
pub fn remake_small_dump() -> Result<PathBuf> {
    let sql = shrink(&read_dump(&legacy_dump())?, SMALL_ROWS);
    let plain = tempfile::NamedTempFile::new().context("creating a temporary file")?;
    std::fs::write(plain.path(), sql).context("writing the small dump")?;
    let path = small_dump();
    let mut zstd = Command::new(program::find("zstd")?);
    let status = zstd
        .args(["-19", "--force", "--quiet", "-o"])
        .arg(&path)
        .arg(plain.path())
        .status()?;
    ensure!(status.success(), "zstd could not write {}", path.display());
    // zstd copies the mode of the temporary file, which is private.
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(&path, mode).with_context(|| format!("opening up {}", path.display()))?;
    Ok(path)
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

#[cfg(test)]
mod tests;
