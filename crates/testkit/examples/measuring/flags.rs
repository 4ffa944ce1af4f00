//! The arguments of a measuring program: every one is a flag with a value. `xtask` gives them all.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

pub(crate) struct Flags(BTreeMap<String, String>);

impl Flags {
    /// The flags that this program was started with.
    pub(crate) fn given() -> Result<Flags> {
        let mut args = std::env::args().skip(1);
        let mut given = BTreeMap::new();
        while let Some(flag) = args.next() {
            let value = args.next().with_context(|| format!("{flag} needs a value"))?;
            given.insert(flag, value);
        }
        Ok(Flags(given))
    }

    pub(crate) fn optional(&mut self, flag: &str) -> Option<String> {
        self.0.remove(flag)
    }

    pub(crate) fn text(&mut self, flag: &str) -> Result<String> {
        self.optional(flag).with_context(|| format!("{flag} is missing"))
    }

    pub(crate) fn number(&mut self, flag: &str) -> Result<u32> {
        number(flag, &self.text(flag)?)
    }

    pub(crate) fn seconds(&mut self, flag: &str) -> Result<Duration> {
        Ok(Duration::from_secs(self.number(flag)?.into()))
    }

    /// `--data`: where the servers' data and the backups lie; the machine's folder for temporary files, if not given.
    pub(crate) fn data(&mut self) -> PathBuf {
        self.optional("--data")
            .map_or_else(std::env::temp_dir, PathBuf::from)
    }

    /// Refuses what nobody took.
    pub(crate) fn end(self) -> Result<()> {
        match self.0.keys().next() {
            Some(flag) => bail!("unknown argument `{flag}`"),
            None => Ok(()),
        }
    }
}

pub(crate) fn number(flag: &str, text: &str) -> Result<u32> {
    text.parse()
        .with_context(|| format!("{flag} {text}: not a number"))
}

/// A new folder in `data`, removed at the end.
pub(crate) fn folder(data: &Path, prefix: &str) -> Result<TempDir> {
    let made = tempfile::Builder::new().prefix(prefix).tempdir_in(data);
    made.with_context(|| format!("creating a folder in {}", data.display()))
}
