//! How busy the machine was, other people's work included: numbers from a crowded machine must say so.

use std::time::Instant;

use serde_json::{Value, json};

const RESOURCES: [&str; 2] = ["cpu", "io"];

/// The kernel's own account (PSI) at one moment.
pub(crate) struct Pressure {
    since: Instant,
    totals: [Option<u64>; 2],
}

impl Pressure {
    pub(crate) fn now() -> Pressure {
        Pressure {
            since: Instant::now(),
            totals: RESOURCES.map(total),
        }
    }

    /// The share of the time since then in which something waited for the resource; null where the kernel does not tell.
    pub(crate) fn since(&self) -> Value {
        let elapsed = self.since.elapsed().as_micros().max(1) as f64;
        let mut shares = json!({});
        for (resource, before) in RESOURCES.iter().zip(self.totals) {
            let waited = total(resource)
                .zip(before)
                .map(|(now, before)| now.saturating_sub(before));
            shares[*resource] = json!(waited.map(|us| (us as f64 / elapsed * 1000.0).round() / 1000.0));
        }
        shares
    }
}

/// Microseconds since the machine started in which something waited.
fn total(resource: &str) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/pressure/{resource}")).ok()?;
    let line = text.lines().find(|line| line.starts_with("some"))?;
    line.rsplit_once("total=")?.1.trim().parse().ok()
}
