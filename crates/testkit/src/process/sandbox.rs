use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::must;

/// Temporary folder world of one or more processes: `home`, `work` (the working folder) and `tmp`. When its last user is
/// gone, what still runs in it is killed and the folders are removed.
#[derive(Debug, Clone)]
pub struct Sandbox {
    folders: Arc<Folders>,
}

#[derive(Debug)]
struct Folders {
    home: PathBuf,
    work: PathBuf,
    temp: PathBuf,
    /// Canonical, as the three are.
    root: PathBuf,
    _removed_last: TempDir,
}

impl Sandbox {
    /// A new empty one.
    #[track_caller]
    #[expect(
        clippy::new_without_default,
        reason = "it creates folders, which nobody expects of a default"
    )]
    pub fn new() -> Sandbox {
        must(Sandbox::create())
    }

    fn create() -> Result<Sandbox> {
        // A short name: unix sockets below must stay under 108 bytes.
        let temporary = tempfile::Builder::new()
            .prefix("tk-")
            .tempdir()
            .context("creating a temporary folder")?;
        // Canonical, so that paths in snapshots and messages are the ones that programs print.
        let root = temporary
            .path()
            .canonicalize()
            .context("resolving the temporary folder")?;
        let folder = |name: &str| -> Result<PathBuf> {
            let folder = root.join(name);
            std::fs::create_dir(&folder).with_context(|| format!("creating {}", folder.display()))?;
            Ok(folder)
        };
        let (home, work, temp) = (folder("home")?, folder("work")?, folder("tmp")?);
        Ok(Sandbox {
            folders: Arc::new(Folders {
                home,
                work,
                temp,
                root,
                _removed_last: temporary,
            }),
        })
    }

    /// HOME of its processes.
    pub fn home(&self) -> &Path {
        &self.folders.home
    }

    /// Working folder of its processes.
    pub fn work(&self) -> &Path {
        &self.folders.work
    }

    /// TMPDIR of its processes.
    pub fn temp(&self) -> &Path {
        &self.folders.temp
    }

    /// The folder that holds the three.
    pub fn root(&self) -> &Path {
        &self.folders.root
    }

    /// What runs in this sandbox now, started by anybody: its environment, arguments or working folder lie in it. So a
    /// service shows up here that the process under test had started before it was killed.
    pub fn processes(&self) -> Vec<Resident> {
        self.folders.residents()
    }

    /// A file or folder below the working folder.
    pub fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.work().join(relative)
    }

    /// Writes a file below the working folder, folders included, and returns its path.
    #[track_caller]
    pub fn file(&self, relative: impl AsRef<Path>, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(relative);
        let write = || {
            path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
            std::fs::write(&path, content)
        };
        must(write().with_context(|| format!("writing {}", path.display())));
        path
    }
}

/// A process that runs in a sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resident {
    /// Process id.
    pub pid: i32,
    /// Program and arguments.
    pub command: String,
}

impl Folders {
    fn residents(&self) -> Vec<Resident> {
        let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        processes
            .filter_map(|entry| self.resident(&entry.path()))
            .collect()
    }

    fn resident(&self, process: &Path) -> Option<Resident> {
        let pid = process.file_name()?.to_str()?.parse().ok()?;
        let root = &self.root;
        let mentions = |bytes: Vec<u8>| {
            bytes
                .windows(root.as_os_str().len())
                .any(|piece| piece == root.as_os_str().as_bytes())
        };
        // Unreadable: ended meanwhile, or another user's.
        let read = |name: &str| std::fs::read(process.join(name)).unwrap_or_default();
        let folder = std::fs::read_link(process.join("cwd")).is_ok_and(|folder| folder.starts_with(root));
        let arguments = read("cmdline");
        // A zombie has neither, so it does not count.
        (folder || mentions(arguments.clone()) || mentions(read("environ"))).then(|| {
            let words = arguments
                .split(|byte| *byte == 0)
                .map(String::from_utf8_lossy)
                .collect::<Vec<_>>();
            Resident {
                pid,
                command: words.join(" ").trim_end().to_owned(),
            }
        })
    }
}

impl Drop for Folders {
    fn drop(&mut self) {
        let end = Instant::now() + Duration::from_secs(10);
        loop {
            let residents = self.residents();
            // A dying one could still write into folders that are being removed.
            if residents.is_empty() || Instant::now() > end {
                return;
            }
            for pid in residents
                .iter()
                .filter_map(|resident| Pid::from_raw(resident.pid))
            {
                let _ = kill_process(pid, Signal::KILL);
            }
            thread::sleep(Duration::from_millis(2));
        }
    }
}
