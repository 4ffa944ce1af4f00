//! The heart of a maintenance window: what is going to happen ([`plan`]), what happened ([`journal`]), where that
//! leaves us ([`state`]), what comes next ([`mod@decide`]), the one loop that acts ([`runner`]) and the account that is
//! given afterwards ([`evidence`]).
//!
//! A leaf: no SQL, HTTP, terminal, environment, wall clock or process start. Time comes through [`runner::Clock`],
//! identity as strings, and the only files touched are the plan and the journal. `state` and `decide` are pure, so
//! every crash can be replayed in a test without a crash.

pub mod decide;
pub mod durable;
pub mod evidence;
pub mod fault;
pub mod journal;
pub mod outcome;
pub mod plan;
pub mod runner;
pub mod sha256;
pub mod state;

pub use decide::{Decision, decide};
pub use fault::{Changed, StepError};
pub use outcome::Outcome;
