//! Folders of a release, the `current` link, digests of files, the fence's flag file.

use crate::error::{Failure, io};
use sha2::{Digest, Sha256};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

/// SHA-256 as hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// SHA-256 of a file's bytes.
pub fn sha256_of(path: &Path) -> Result<String, Failure> {
    let mut file = fs::File::open(path).map_err(io(format!("cannot read {}", path.display())))?;
    let mut hasher = Sha256::new();
    let mut block = vec![0; 1 << 16];
    loop {
        let read = file
            .read(&mut block)
            .map_err(io(format!("cannot read {}", path.display())))?;
        if read == 0 {
            return Ok(hex(&hasher.finalize()));
        }
        hasher.update(&block[..read]);
    }
}

/// All files below a folder, relative, sorted.
pub fn files_below(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(relative) = folders.pop() {
        let here = folder.join(&relative);
        for entry in fs::read_dir(&here).map_err(io(format!("cannot read folder {}", here.display())))? {
            let entry = entry.map_err(io(format!("cannot read folder {}", here.display())))?;
            let path = relative.join(entry.file_name());
            let kind = entry
                .file_type()
                .map_err(io(format!("cannot read {}", path.display())))?;
            if kind.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// One digest of a folder: every file's path and content.
pub fn folder_digest(folder: &Path) -> Result<String, Failure> {
    let mut hasher = Sha256::new();
    for file in files_below(folder)? {
        hasher.update(format!(
            "{}\0{}\n",
            file.display(),
            sha256_of(&folder.join(&file))?
        ));
    }
    Ok(hex(&hasher.finalize()))
}

/// Copies a folder so that it appears whole or not at all: beside its place first, made durable, then renamed.
pub fn copy_folder(from: &Path, to: &Path) -> Result<(), Failure> {
    let parent = to.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(io(format!("cannot make folder {}", parent.display())))?;
    let partial = partial_of(to);
    remove_partial(to)?;
    for file in files_below(from)? {
        let target = partial.join(&file);
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder).map_err(io(format!("cannot make folder {}", folder.display())))?;
        }
        fs::copy(from.join(&file), &target).map_err(io(format!(
            "cannot copy {} to {}",
            file.display(),
            target.display()
        )))?;
        sync(&target)?;
    }
    fs::rename(&partial, to).map_err(io(format!("cannot give {} its name", to.display())))?;
    sync(parent)
}

/// Where [`copy_folder`] works until `to` is whole.
fn partial_of(to: &Path) -> PathBuf {
    let name = to.file_name().unwrap_or_default().to_string_lossy();
    to.with_file_name(format!(".{name}.partial"))
}

/// Removes what a [`copy_folder`] that died has left; nothing there is fine.
pub fn remove_partial(to: &Path) -> Result<(), Failure> {
    let partial = partial_of(to);
    match fs::remove_dir_all(&partial) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(io(format!(
            "cannot remove the remains in {}",
            partial.display()
        ))(e)),
        _ => Ok(()),
    }
}

fn sync(path: &Path) -> Result<(), Failure> {
    fs::File::open(path)
        .and_then(|f| f.sync_all())
        .map_err(io(format!("cannot make {} durable", path.display())))
}

/// Whether `folder` is there, or can be made: its nearest ancestor that is there is a folder that may be written to.
pub fn can_hold(folder: &Path) -> Result<(), Failure> {
    let there = folder.ancestors().find(|p| p.exists()).unwrap_or(Path::new("/"));
    let what = format!("cannot write below {}", folder.display());
    if !there.is_dir() {
        return Err(Failure::failed(
            "folder",
            format!("{what}: {} is not a folder", there.display()),
        ));
    }
    rustix::fs::access(there, rustix::fs::Access::WRITE_OK).map_err(|e| io(what)(e.into()))
}

/// Refuses what surely does not fit below `folder`: `needed` bytes at least, for `what`.
pub fn must_fit(folder: &Path, needed: u64, what: &str) -> Result<(), Failure> {
    // A file system that has no size, such as some mounts, tells nothing.
    let free = free_bytes(folder)?;
    if free >= needed || size_is_unknown(folder) {
        return Ok(());
    }
    let message = format!(
        "{} has {free} bytes free, and {what} takes at least {needed}: nothing was written",
        folder.display()
    );
    Err(Failure::failed("no_space", message).hint("free some space there, or name another folder"))
}

fn size_is_unknown(folder: &Path) -> bool {
    let there = folder.ancestors().find(|p| p.exists()).unwrap_or(Path::new("/"));
    rustix::fs::statvfs(there).is_ok_and(|stat| stat.f_blocks == 0)
}

/// Bytes that the file system of `folder` (or of its nearest ancestor that is there) has free for this user.
pub fn free_bytes(folder: &Path) -> Result<u64, Failure> {
    let there = folder.ancestors().find(|p| p.exists()).unwrap_or(Path::new("/"));
    let stat = rustix::fs::statvfs(there)
        .map_err(|e| io(format!("cannot look at the disk of {}", there.display()))(e.into()))?;
    Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
}

/// Points `link` at `target` (relative), in one step: no moment without a link.
pub fn point_link(link: &Path, target: &Path) -> Result<(), Failure> {
    let parent = link.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(io(format!("cannot make folder {}", parent.display())))?;
    let fresh = parent.join(format!(
        ".{}.new",
        link.file_name().unwrap_or_default().to_string_lossy()
    ));
    let _ = fs::remove_file(&fresh);
    std::os::unix::fs::symlink(target, &fresh)
        .map_err(io(format!("cannot make link {}", fresh.display())))?;
    fs::rename(&fresh, link).map_err(io(format!(
        "cannot point {} at {}",
        link.display(),
        target.display()
    )))?;
    sync(parent)
}

/// What `link` points at, when it is there.
pub fn read_link(link: &Path) -> Option<PathBuf> {
    fs::read_link(link).ok()
}

/// Writes the flag file at which the service refuses writes.
pub fn raise_flag(path: &Path, run: &str, since: &str, retry_after: u32) -> Result<(), Failure> {
    let text = serde_json::json!({"run": run, "since": since, "retry_after": retry_after}).to_string();
    engine::durable::write(path, text.as_bytes())
        .map_err(io(format!("cannot write the fence file {}", path.display())))
}

/// Removes the flag file; one that is not there is fine.
pub fn lower_flag(path: &Path) -> Result<(), Failure> {
    match fs::remove_file(path) {
        Ok(()) => sync(path.parent().unwrap_or(Path::new("."))),
        Err(e)
            if matches!(
                e.kind(),
                std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(())
        }
        Err(e) => Err(io(format!("cannot remove the fence file {}", path.display()))(e)),
    }
}
