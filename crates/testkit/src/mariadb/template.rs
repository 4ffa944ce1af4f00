//! A prepared data folder, made once per machine and server version, copied for each start.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::Brand;
use crate::port;

/// The same when preparing and when running, so that a start does not write the log anew.
pub(super) const LOG_FILE_SIZE: &str = "16M";

/// `mariadbd` refuses to run as root unless told so.
pub(super) fn as_root() -> Option<&'static str> {
    rustix::process::getuid().is_root().then_some("--user=root")
}

/// Makes `data` a fresh data folder.
pub(super) fn copy_to(brand: Brand, data: &Path) -> Result<()> {
    let template = prepare(brand)?;
    copy(&template, data).with_context(|| format!("copying {} to {}", template.display(), data.display()))
}

fn prepare(brand: Brand) -> Result<PathBuf> {
    let version = brand
        .command()?
        .arg("--version")
        .output()
        .context("asking the server for its version")?;
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    // "/usr/sbin/mariadbd  Ver 10.11.19-MariaDB-0+deb12u1 for debian-linux-gnu on x86_64 (Debian 12)"
    let version = version
        .split_whitespace()
        .nth(2)
        .context("the server's --version names no version")?;
    let cache = port::cache_folder()?;
    let template = cache.join(format!("data-{version}-{LOG_FILE_SIZE}"));
    if template.is_dir() {
        return Ok(template);
    }
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(cache.join("data.lock"))?;
    // Released with the file, also when this process dies.
    File::lock(&lock).context("waiting for another process that prepares the data folder")?;
    if !template.is_dir() {
        let scratch = tempfile::tempdir_in(&cache).context("creating a temporary folder")?;
        let fresh = scratch.path().join("data");
        install(brand, &fresh)?;
        std::fs::rename(&fresh, &template).with_context(|| format!("renaming to {}", template.display()))?;
    }
    Ok(template)
}

fn install(brand: Brand, data: &Path) -> Result<()> {
    let output = brand.install(data)?.output().context("making a data folder")?;
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    ensure!(
        output.status.success(),
        "making a data folder failed ({}):\n{said}",
        output.status
    );
    Ok(())
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
