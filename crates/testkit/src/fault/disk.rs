use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::{must, program};

/// A real small file system (tmpfs) that runs full (ENOSPC). Needs root.
#[derive(Debug)]
pub struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    /// Mounts one of `bytes` bytes (rounded up to whole pages by the kernel).
    #[track_caller]
    pub fn mount(bytes: u64) -> SmallDisk {
        must(SmallDisk::try_mount(bytes))
    }

    /// [`SmallDisk::mount`], with the refusal of a kernel or container as an error.
    pub fn try_mount(bytes: u64) -> Result<SmallDisk> {
        let folder = tempfile::Builder::new()
            .prefix("tk-disk-")
            .tempdir()
            .context("creating the mount point")?;
        let options = format!("size={bytes},mode=0700");
        run(
            "mount",
            &["-t", "tmpfs", "-o", &options, "testkit"],
            folder.path(),
        )?;
        Ok(SmallDisk { folder })
    }

    /// Its root folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Fills what is free and returns the file that does.
    #[track_caller]
    pub fn fill(&self) -> PathBuf {
        let path = self.path().join("filler");
        let fill = || -> std::io::Result<()> {
            let mut file = std::fs::File::create(&path)?;
            match std::io::copy(&mut std::io::repeat(0), &mut file) {
                Err(error) if error.kind() == std::io::ErrorKind::StorageFull => Ok(()),
                other => other.map(drop),
            }
        };
        must(fill().context("filling the small disk"));
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a process that a failed test left behind may still have files open.
        let _ = run("umount", &["--lazy"], self.folder.path());
    }
}

fn run(name: &str, args: &[&str], folder: &Path) -> Result<()> {
    let output = Command::new(program::find(name)?)
        .args(args)
        .arg(folder)
        .output()?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "`{name} {}`: {}",
        args.join(" "),
        error.trim()
    );
    Ok(())
}
