//! Folders for private copies: gone with their value, or, where their process was killed, at the next use.

use crate::{Error, Result};
use std::fs::File;
use std::path::Path;
use tempfile::TempDir;

/// What the names of our folders begin with; nothing else in a scratch folder is touched.
const PREFIXES: [&str; 2] = ["online-", "files-"];

/// A folder of its own in a scratch folder.
pub(crate) struct Folder {
    // Dropped first: the folder goes while it is still ours.
    folder: TempDir,
    /// The folder itself, locked as long as its process lives.
    _lock: Option<File>,
}

impl Folder {
    /// A new folder in `scratch`, which is made where it is not there. Those of dead processes are removed.
    pub(crate) fn new(scratch: &Path, prefix: &str) -> Result<Folder> {
        let failed = |e| Error::io(format!("making a folder in {}", scratch.display()), e);
        std::fs::create_dir_all(scratch).map_err(failed)?;
        // Between the making of a folder and its locking nobody else looks at it.
        let all = locked(scratch);
        if all.is_some() {
            remove_dead(scratch);
        }
        let folder = tempfile::Builder::new()
            .prefix(prefix)
            .tempdir_in(scratch)
            .map_err(failed)?;
        let lock = locked(folder.path());
        Ok(Folder { folder, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// The folder, locked; `None` on a file system that locks no folders, where the dead cannot be told from the living.
fn locked(folder: &Path) -> Option<File> {
    let file = File::open(folder).ok()?;
    file.lock().ok()?;
    Some(file)
}

/// Removes the folders that nobody holds. One that cannot be removed is in nobody's way.
fn remove_dead(scratch: &Path) {
    for entry in std::fs::read_dir(scratch).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let ours = PREFIXES
            .iter()
            .any(|prefix| name.to_string_lossy().starts_with(prefix));
        if ours && File::open(entry.path()).is_ok_and(|folder| folder.try_lock().is_ok()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_dead_left_goes_and_what_the_living_have_stays() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("state/scratch");
        let living = Folder::new(&path, "online-").unwrap();
        for name in ["online-dead", "files-dead", "verify_1", "server_1"] {
            std::fs::create_dir_all(path.join(name).join("below")).unwrap();
        }
        let next = Folder::new(&path, "files-").unwrap();
        let mut left: Vec<String> = path
            .read_dir()
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        let name = |folder: &Folder| folder.path().file_name().unwrap().to_str().unwrap().to_owned();
        let mut wanted = vec![name(&living), name(&next), "server_1".into(), "verify_1".into()];
        wanted.sort();
        assert_eq!(left, wanted);
        drop((living, next));
        assert_eq!(path.read_dir().unwrap().count(), 2);
    }
}
