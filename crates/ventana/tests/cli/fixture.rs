//! What every scene begins with: two releases and a legacy database, made once for each build of the service and shared
//! by all processes that test it.

use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use testkit::{Process, bin};

/// Rows of the legacy database.
pub(crate) const ACTIVOS: u64 = 60;
pub(crate) const MANTENIMIENTOS: u64 = 120;

/// What an older build has left is cleared away after this long; until then somebody may be at work with it.
const OLD: Duration = Duration::from_secs(3600);

/// Folder with `r1/`, `r2/` and `legacy.db`.
pub(crate) fn fixture() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli");
        std::fs::create_dir_all(&root).unwrap();
        let build = std::fs::metadata(bin("inventario")).unwrap();
        let folder = root.join(format!(
            "{}-{}-{}",
            build.ino(),
            build.mtime(),
            build.mtime_nsec()
        ));
        // One process makes it, the others wait.
        let lock = File::create(root.join("lock")).unwrap();
        lock.lock().unwrap();
        if !folder.is_dir() {
            clear(&root);
            let half = root.join("half");
            let _ = std::fs::remove_dir_all(&half);
            std::fs::create_dir(&half).unwrap();
            make(&half);
            std::fs::rename(&half, &folder).unwrap();
        }
        folder
    })
}

fn make(folder: &Path) {
    for name in ["r1", "r2"] {
        let to = folder.join(name);
        let release = ["release", to.to_str().unwrap(), "--name", name];
        Process::new(bin("inventario")).args(release).run().ok();
    }
    let (activos, mantenimientos) = (ACTIVOS.to_string(), MANTENIMIENTOS.to_string());
    let counts = [
        "--activos",
        &activos,
        "--mantenimientos",
        &mantenimientos,
        "--seed",
        "7",
    ];
    Process::new(bin("inventario"))
        .arg("demo-data")
        .args(counts)
        .env(
            "DATABASE_URL",
            format!("sqlite://{}", folder.join("legacy.db").display()),
        )
        .run()
        .ok();
    assert!(
        !folder.join("legacy.db-wal").exists(),
        "scenes copy this one file"
    );
}

fn clear(root: &Path) {
    for entry in std::fs::read_dir(root).unwrap().flatten() {
        let old = entry
            .metadata()
            .and_then(|about| about.modified())
            .is_ok_and(|at| at.elapsed().is_ok_and(|age| age > OLD));
        if old && entry.path().is_dir() {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}
