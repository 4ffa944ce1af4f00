//! Crates whose results depend on what they are given alone. `clippy.toml` keeps the wall clock out of every room; here
//! the monotonic one stays out too, because waiting and measuring are the caller's.

use anyhow::{Context, Result};

use crate::workspace;

const TIMELESS: &[&str] = &["crates/engine/src", "crates/backup/src"];

pub(super) fn faults() -> Result<Vec<String>> {
    let mut faults = Vec::new();
    for folder in TIMELESS {
        for path in workspace::files(folder, &[".rs"])? {
            let shown = workspace::relative(&path);
            let text = std::fs::read_to_string(&path).with_context(|| format!("reading {shown}"))?;
            for (at, _) in text
                .lines()
                .enumerate()
                .filter(|(_, line)| line.contains("Instant::now"))
            {
                faults.push(format!("{shown}:{} reads a clock: pass the clock in", at + 1));
            }
        }
    }
    Ok(faults)
}
