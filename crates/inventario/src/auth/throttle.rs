//! Failed logins per account and address, counted in memory.

use std::collections::HashMap;
use std::sync::Mutex;

/// Failures that are let through.
const FAILURES: u32 = 10;
/// Seconds in which they are counted, and which a blocked client waits at most.
const WINDOW: u64 = 300;
/// Keys kept; beyond them the expired ones go, then all: memory is bounded, and an attacker with so many addresses is not
/// stopped by this anyway.
const KEYS: usize = 10_000;

/// Counts failures.
#[derive(Debug, Default)]
pub struct Throttle(Mutex<HashMap<String, Failures>>);

#[derive(Debug, Clone, Copy)]
struct Failures {
    since: u64,
    count: u32,
}

impl Throttle {
    /// Seconds that `key` must wait, if it must.
    pub fn blocked(&self, key: &str, now: u64) -> Option<u32> {
        let failures = *self.lock().get(key)?;
        let over = failures.since + WINDOW;
        if failures.count < FAILURES || over <= now {
            return None;
        }
        u32::try_from(over - now).ok()
    }

    /// Counts a failure.
    pub fn failed(&self, key: &str, now: u64) {
        let mut all = self.lock();
        if all.len() >= KEYS && !all.contains_key(key) {
            all.retain(|_, failures| failures.since + WINDOW > now);
            if all.len() >= KEYS {
                all.clear();
            }
        }
        let failures = all
            .entry(key.to_owned())
            .or_insert(Failures { since: now, count: 0 });
        if failures.since + WINDOW <= now {
            *failures = Failures { since: now, count: 0 };
        }
        failures.count += 1;
    }

    /// Forgets the failures of `key`.
    pub fn succeeded(&self, key: &str) {
        self.lock().remove(key);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Failures>> {
        // Counters are whole at every moment; a panic elsewhere does not spoil them.
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_failures_in_five_minutes_block_one_key() {
        let throttle = Throttle::default();
        for second in 0..u64::from(FAILURES) {
            assert_eq!(throttle.blocked("a", second), None);
            throttle.failed("a", second);
        }
        assert_eq!(throttle.blocked("a", 10), Some(290));
        assert_eq!(throttle.blocked("b", 10), None);
        assert_eq!(throttle.blocked("a", WINDOW), None);
        throttle.failed("a", WINDOW);
        assert_eq!(throttle.blocked("a", WINDOW), None);
        throttle.succeeded("a");
        assert!(throttle.lock().is_empty());
    }

    #[test]
    fn memory_is_bounded() {
        let throttle = Throttle::default();
        for n in 0..KEYS + 5 {
            throttle.failed(&n.to_string(), 0);
        }
        assert!(throttle.lock().len() <= KEYS);
    }
}
