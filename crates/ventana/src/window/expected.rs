//! How long steps took the last time, so that a plan can say what to expect. Beside the plan, never in its digest.

use crate::config::Config;
use engine::evidence::Evidence;
use engine::plan::Plan;
use std::collections::BTreeMap;
use std::path::PathBuf;

fn path(config: &Config) -> PathBuf {
    config.state_dir().join("timings.json")
}

/// What is known for the steps of this plan.
pub fn read(config: &Config, plan: &Plan) -> BTreeMap<String, u64> {
    let known: BTreeMap<String, u64> = std::fs::read(path(config))
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default();
    known
        .into_iter()
        .filter(|(id, _)| plan.step(id).is_some())
        .collect()
}

/// Keeps the times of steps that were done. Lossy: a failure to write them is nobody's problem.
pub fn keep(config: &Config, evidence: &Evidence) {
    let mut known: BTreeMap<String, u64> = std::fs::read(path(config))
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default();
    known.extend(
        evidence
            .steps
            .iter()
            .filter(|s| s.attempts == 1 && s.ms > 0)
            .map(|s| (s.id.clone(), s.ms)),
    );
    if let Ok(text) = serde_json::to_vec_pretty(&known) {
        let _ = engine::durable::write(&path(config), &text);
    }
}
