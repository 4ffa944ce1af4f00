//! What a run wrote down.

use jiff::Timestamp;
use serde_json::Value;

/// A run's journal as it stands in the file.
pub(crate) struct Journal {
    pub(crate) records: Vec<Value>,
}

impl Journal {
    fn find(&self, event: &str, step: &str) -> Option<&Value> {
        self.records
            .iter()
            .rfind(|record| record["event"] == event && record["step"] == step)
    }

    /// Number of the last record of this event and step.
    #[track_caller]
    pub(crate) fn seq(&self, event: &str, step: &str) -> u64 {
        let found = self
            .find(event, step)
            .unwrap_or_else(|| panic!("no record {event} {step}"));
        found["seq"].as_u64().expect("a number")
    }

    /// When the last record of this event and step was written.
    #[track_caller]
    pub(crate) fn at(&self, event: &str, step: &str) -> Timestamp {
        let found = self
            .find(event, step)
            .unwrap_or_else(|| panic!("no record {event} {step}"));
        found["at"]
            .as_str()
            .and_then(|at| at.parse().ok())
            .expect("a time")
    }

    /// What a finished step found out.
    #[track_caller]
    pub(crate) fn facts(&self, step: &str) -> &Value {
        &self
            .find("finished", step)
            .unwrap_or_else(|| panic!("{step} has not finished"))["facts"]
    }
}
