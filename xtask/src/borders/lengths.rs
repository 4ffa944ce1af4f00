//! Long files: a warning, because a file is split for a reason and never by its length alone.

use anyhow::{Context, Result};

use crate::workspace;

const LIMIT: usize = 500;

pub(super) fn warnings() -> Result<Vec<String>> {
    let mut warnings = Vec::new();
    for folder in ["crates", "xtask"] {
        for path in workspace::files(folder, &[".rs"])? {
            let text =
                std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
            let lines = text.lines().count();
            if lines > LIMIT {
                warnings.push(format!(
                    "{} has {lines} lines: does it do more than one thing?",
                    workspace::relative(&path)
                ));
            }
        }
    }
    Ok(warnings)
}
