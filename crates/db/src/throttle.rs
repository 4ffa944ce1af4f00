//! How fast to read from a server that has other work to do.

use std::time::{Duration, Instant};

/// A bound on the bytes that are read per second. It only decides: whoever reads sleeps. Readers that share a bound share
/// one value behind a mutex, which is free again before they sleep.
///
/// Time in which nothing was read is saved up for one second at most, so that a wait is not followed by a flood.
#[derive(Clone, Debug)]
pub struct Throttle {
    /// Bytes per second; `None` is no bound.
    rate: Option<u64>,
    /// When the last byte read so far is paid for.
    paid: Instant,
}

impl Throttle {
    /// At most `rate` bytes per second, from now on; 0 and `None` are no bound.
    pub fn new(rate: Option<u64>) -> Throttle {
        Throttle {
            rate: rate.filter(|r| *r > 0),
            paid: Instant::now(),
        }
    }

    /// Counts `bytes` as read and says how long to pause before the next are.
    pub fn pause(&mut self, bytes: u64) -> Duration {
        self.pause_at(bytes, Instant::now())
    }

    fn pause_at(&mut self, bytes: u64, now: Instant) -> Duration {
        let Some(rate) = self.rate else {
            return Duration::ZERO;
        };
        let floor = now.checked_sub(Duration::from_secs(1)).unwrap_or(now);
        self.paid = self.paid.max(floor);
        // A rate of a byte a second and a row of a terabyte are no reason to overflow.
        let cost =
            Duration::try_from_secs_f64(bytes as f64 / rate as f64).unwrap_or(Duration::from_secs(3600));
        self.paid = self.paid.checked_add(cost).unwrap_or(self.paid);
        self.paid.saturating_duration_since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn no_bound_never_pauses() {
        assert_eq!(Throttle::new(None).pause(u64::MAX), Duration::ZERO);
        assert_eq!(Throttle::new(Some(0)).pause(u64::MAX), Duration::ZERO);
    }

    #[test]
    fn what_is_read_too_fast_is_paid_for() {
        let mut throttle = Throttle::new(Some(1000));
        let start = throttle.paid;
        assert_eq!(throttle.pause_at(100, start), 100 * MS);
        assert_eq!(throttle.pause_at(100, start + 100 * MS), 100 * MS);
        assert_eq!(throttle.pause_at(2000, start + 200 * MS), 2000 * MS);
        // Two readers: the second comes while the first still sleeps.
        assert_eq!(throttle.pause_at(50, start + 700 * MS), 1550 * MS);
        assert_eq!(throttle.pause_at(0, start + 2300 * MS), Duration::ZERO);
    }

    #[test]
    fn over_any_stretch_the_rate_holds_but_for_the_second_that_was_saved() {
        let mut throttle = Throttle::new(Some(10_000));
        let start = throttle.paid;
        let mut now = start + Duration::from_secs(100);
        let (begun, mut bytes) = (now, 0u64);
        while bytes < 100_000 {
            bytes += 700;
            now += throttle.pause_at(700, now);
        }
        assert_eq!(now - begun, Duration::from_millis(bytes / 10 - 1000));
    }
}
