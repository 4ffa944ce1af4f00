//! The backups that runs still rely on.

use crate::config::Config;
use crate::error::Failure;
use crate::window::runs;
use engine::plan::StepKind;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// Names of the backups of every run that is not over, and of the latest run, which may still be rolled back. A journal that
/// cannot be read is an error: nobody knows then what it needs.
pub(super) fn needed(config: &Config) -> Result<BTreeSet<String>, Failure> {
    let latest = runs::latest(config)?;
    let mut needed = BTreeSet::new();
    for id in runs::list(config)? {
        let loaded = runs::read(config, &id)
            .map_err(|failure| failure.hint("nothing is deleted while a run cannot be read"))?;
        let state = loaded.state()?;
        if !state.resumable() && latest.as_ref() != Some(&id) {
            continue;
        }
        let steps = loaded.plan.plan.steps.iter();
        let backups = steps.filter(|step| matches!(step.kind, StepKind::Backup { .. }));
        let paths = backups.filter_map(|step| state.fact(&step.id, "path").and_then(Value::as_str));
        needed.extend(paths.filter_map(|path| Path::new(path).file_name()?.to_str().map(str::to_owned)));
    }
    Ok(needed)
}
