//! A window from end to end: making the plan, running it, going on after a crash, taking it back.

pub mod drive;
pub mod expected;
pub mod planner;
pub mod rehearsal;
pub mod runs;
mod sequence;
pub mod sessions;

/// A run's journal, in its folder.
pub const JOURNAL: &str = "journal.jsonl";
/// A run's plan, in its folder; and the latest plan, in the state folder.
pub const PLAN: &str = "plan.json";
