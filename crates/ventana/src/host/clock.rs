//! The wall clock, for people and names only: nothing is decided by it.
#![allow(clippy::disallowed_methods, reason = "the one place that reads the clock")]

use jiff::Timestamp;
use std::time::Instant;

/// The system's clocks.
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    pub fn start() -> SystemClock {
        SystemClock {
            start: Instant::now(),
        }
    }
}

impl engine::runner::Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn monotonic_ms(&self) -> u64 {
        self.start.elapsed().as_millis() as u64
    }
}

/// Now, in UTC.
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// Now as `YYYYmmdd_HHMMSS` in UTC: in names of backups and runs.
pub fn stamp() -> String {
    Timestamp::now().strftime("%Y%m%d_%H%M%S").to_string()
}

/// A deadline `seconds` from now.
pub fn deadline(seconds: u64) -> impl Fn() -> bool {
    let start = Instant::now();
    move || start.elapsed().as_secs() >= seconds
}

/// Waits a moment between two looks at something that has no notification.
pub fn pause(milliseconds: u64) {
    std::thread::sleep(std::time::Duration::from_millis(milliseconds));
}
