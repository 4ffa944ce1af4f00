//! Which release this is, and how a release folder is made.

use std::io;
use std::path::{Path, PathBuf};

/// The migrations that a release carries, by path inside its folder.
pub const MIGRATIONS: [(&str, &str); 1] = [(
    "migrations/0002_especificaciones_json/migration.toml",
    include_str!("../migrations/0002_especificaciones_json/migration.toml"),
)];

/// The name of the running release: the file `RELEASE` beside the executable, else this crate's version.
pub fn name(executable: Option<&Path>) -> String {
    let beside = executable.and_then(|path| path.canonicalize().ok());
    let file = beside
        .as_deref()
        .and_then(Path::parent)
        .map(|folder| folder.join("RELEASE"));
    let name = file
        .and_then(|file| std::fs::read_to_string(file).ok())
        .map(|name| name.trim().to_owned());
    name.filter(|name| !name.is_empty())
        .unwrap_or_else(|| env!("CARGO_PKG_VERSION").to_owned())
}

/// Writes a release folder: a copy of `executable`, the file `RELEASE`, the migrations. The folder appears under its
/// name only when all of it is on the disk.
///
/// # Errors
/// The folder exists, or cannot be written.
pub fn write(folder: &Path, name: &str, executable: &Path) -> io::Result<()> {
    if folder.exists() {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "the folder exists already",
        ));
    }
    let mut part = folder.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    if part.exists() {
        std::fs::remove_dir_all(&part)?;
    }
    std::fs::create_dir_all(&part)?;
    let binary = part.join("inventario");
    std::fs::copy(executable, &binary)?;
    std::fs::File::open(&binary)?.sync_all()?;
    put(&part.join("RELEASE"), &format!("{name}\n"))?;
    for (path, text) in MIGRATIONS {
        let file = part.join(path);
        std::fs::create_dir_all(file.parent().unwrap_or(&part))?;
        put(&file, text)?;
    }
    std::fs::rename(&part, folder)?;
    let parent = folder
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    std::fs::File::open(parent)?.sync_all()
}

fn put(path: &Path, text: &str) -> io::Result<()> {
    use io::Write as _;
    let mut file = std::fs::File::create(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_folder_names_itself() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("built");
        put(&source, "binary").unwrap();
        assert_eq!(name(Some(&source)), env!("CARGO_PKG_VERSION"));
        let release = folder.path().join("releases/r2");
        write(&release, "r2", &source).unwrap();
        std::os::unix::fs::symlink("releases/r2", folder.path().join("current")).unwrap();
        assert_eq!(name(Some(&folder.path().join("current/inventario"))), "r2");
        assert_eq!(std::fs::read_to_string(release.join("RELEASE")).unwrap(), "r2\n");
        assert!(release.join(MIGRATIONS[0].0).is_file());
        assert_eq!(
            write(&release, "r2", &source).unwrap_err().kind(),
            io::ErrorKind::AlreadyExists
        );
        assert_eq!(
            std::fs::read_dir(folder.path().join("releases")).unwrap().count(),
            1
        );
    }
}
