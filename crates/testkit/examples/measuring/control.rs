//! The control: what the disk does by itself. A commit waits for the server's fsync of its log, so a slow write may be
//! the disk's doing and no window's; the same small write and fsync, without a database, at the same moments, tells.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use anyhow::{Context, Result};

/// Bytes of one write: a sector, as of a short redo record.
const SECTOR: u64 = 512;
/// Bytes of the file. It is filled beforehand, so that a sync writes data and no metadata.
const SIZE: u64 = 4 << 20;

pub(crate) struct Control {
    file: File,
    at: u64,
}

impl Control {
    /// A file without a name in `folder`, hence on its file system.
    pub(crate) fn open(folder: &Path) -> Result<Control> {
        let open = || {
            let file = tempfile::tempfile_in(folder)?;
            file.write_all_at(&vec![0; SIZE as usize], 0)?;
            file.sync_all()?;
            std::io::Result::Ok(file)
        };
        let file = open().with_context(|| format!("creating the control's file in {}", folder.display()))?;
        Ok(Control { file, at: 0 })
    }

    /// Writes one sector, the next one each time, and waits until the disk has it.
    pub(crate) fn sync(&mut self) -> std::io::Result<()> {
        self.at = (self.at + SECTOR) % SIZE;
        self.file.write_all_at(&[1; SECTOR as usize], self.at)?;
        self.file.sync_data()
    }
}
