//! How long work will still take, from how long it took so far.

/// What is left, in milliseconds, at the pace so far: `done` of `total` in `elapsed` milliseconds. `None` while that says
/// nothing: under a twentieth, or in the first half second, a pace is noise; past its end an estimate was wrong.
pub(super) fn remaining_ms(elapsed: u64, done: u64, total: u64) -> Option<u64> {
    let (done, total) = (u128::from(done), u128::from(total));
    let known = done > 0 && done <= total && done * 20 >= total && elapsed >= 500;
    known.then(|| u64::try_from(u128::from(elapsed) * (total - done) / done).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::remaining_ms;

    #[test]
    fn the_pace_tells_once_there_is_one() {
        assert_eq!(remaining_ms(1000, 25, 100), Some(3000));
        assert_eq!(remaining_ms(1000, 100, 100), Some(0));
        for (elapsed, done, total) in [
            (1000, 4, 100),
            (499, 50, 100),
            (1000, 101, 100),
            (1000, 0, 0),
            (1000, 1, 0),
        ] {
            assert_eq!(
                remaining_ms(elapsed, done, total),
                None,
                "{elapsed} {done}/{total}"
            );
        }
        assert_eq!(remaining_ms(u64::MAX, 1, 20), Some(u64::MAX));
    }
}
