//! Joins `db` streams to a `backup` writer and reader: neither knows the other.

mod contents;
mod files;
mod make;
mod restore;

pub use contents::Contents;
pub use make::{frozen, make};
pub use restore::{Restored, Terms, preflight, refuse, restore};

/// The catalog of the source, kept in the backup so that a restore need not guess.
const CATALOG: &str = "catalog.json";
