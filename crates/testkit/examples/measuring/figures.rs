//! Numbers out of the probe's samples.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::probe::{Log, Sample};

/// A latency above this is a stall that somebody notices.
const STALL_US: i64 = 100_000;

/// Something that took from one moment to another, in microseconds since 1970.
pub(crate) struct Span {
    pub(crate) name: String,
    pub(crate) from_us: i64,
    pub(crate) to_us: i64,
}

impl Span {
    /// From now on, for as long as this thread sleeps.
    pub(crate) fn quiet(time: Duration) -> Span {
        let from_us = now_us();
        std::thread::sleep(time);
        Span {
            name: "(quiet)".to_owned(),
            from_us,
            to_us: now_us(),
        }
    }

    /// Whether the statement was under way at some moment of this.
    pub(crate) fn touches(&self, sample: &Sample) -> bool {
        sample.from_us <= self.to_us && sample.to_us() >= self.from_us
    }

    pub(crate) fn ms(&self) -> i64 {
        (self.to_us - self.from_us) / 1000
    }
}

/// How the statements that `chosen` picks fared.
pub(crate) fn figures(samples: &[Sample], chosen: impl Fn(&Sample) -> bool) -> Value {
    let samples: Vec<&Sample> = samples.iter().filter(|sample| chosen(sample)).collect();
    let mut took: Vec<i64> = samples.iter().map(|sample| sample.took_us).collect();
    took.sort_unstable();
    // The value that a share of all does not exceed.
    let share = |share: f64| {
        let at = (took.len() as f64 * share).ceil() as usize;
        took.get(at.saturating_sub(1)).copied().map(ms)
    };
    let stalls: Vec<i64> = took.iter().copied().filter(|us| *us > STALL_US).collect();
    let mut errors: BTreeMap<&str, u64> = BTreeMap::new();
    for error in samples.iter().filter_map(|sample| sample.error.as_deref()) {
        *errors.entry(error).or_default() += 1;
    }
    json!({
        "statements": samples.len(),
        "errors": samples.iter().filter(|sample| sample.error.is_some()).count(),
        "errors_by_kind": errors,
        "reconnects": samples.iter().map(|sample| sample.reconnects).sum::<u32>(),
        "p50_ms": share(0.5),
        "p99_ms": share(0.99),
        "p999_ms": share(0.999),
        "longest_ms": took.last().copied().map(ms),
        "stalls_over_100_ms": stalls.len(),
        "total_stall_ms": ms(stalls.iter().sum()),
    })
}

/// Each span with its length and the longest statement and fsync that were under way in it.
pub(crate) fn by_span(spans: &[Span], log: &Log) -> Value {
    let longest = |samples: &[Sample], span: &Span| longest_in(samples, span.from_us, span.to_us).map(ms);
    let rows = spans.iter().map(|span| {
        json!({
            "step": span.name,
            "ms": span.ms(),
            "writer_longest_ms": longest(&log.writer, span),
            "reader_longest_ms": longest(&log.reader, span),
            "control_longest_ms": longest(&log.control, span),
        })
    });
    rows.collect()
}

/// The longest writes of the chosen: when (in seconds from `zero_us`), how long, during which span, and the longest bare
/// fsync that was under way meanwhile.
pub(crate) fn worst(log: &Log, spans: &[Span], zero_us: i64, chosen: impl Fn(&Sample) -> bool) -> Value {
    let mut sorted: Vec<&Sample> = log.writer.iter().filter(|sample| chosen(sample)).collect();
    sorted.sort_by_key(|sample| -sample.took_us);
    let rows = sorted.into_iter().take(15).map(|sample| {
        let during = spans
            .iter()
            .find(|span| span.touches(sample))
            .map(|span| &span.name);
        json!({
            "at_s": (sample.from_us - zero_us) as f64 / 1e6,
            "ms": ms(sample.took_us),
            "during": during,
            "longest_bare_fsync_ms": longest_in(&log.control, sample.from_us, sample.to_us()).map(ms),
            "error": sample.error,
        })
    });
    rows.collect()
}

/// The most by which a chosen write outlasted the longest bare fsync under way meanwhile, in milliseconds: what is left
/// of a stall when the disk's share is taken off.
pub(crate) fn beyond_the_disk(log: &Log, chosen: impl Fn(&Sample) -> bool) -> Option<f64> {
    let beyond = |sample: &Sample| {
        let fsync = longest_in(&log.control, sample.from_us, sample.to_us());
        sample.took_us - fsync.unwrap_or(0)
    };
    let chosen = log.writer.iter().filter(|sample| chosen(sample));
    chosen.map(beyond).max().map(ms)
}

/// The longest of those under way at some moment between the two. Samples of one thread follow each other.
fn longest_in(samples: &[Sample], from_us: i64, to_us: i64) -> Option<i64> {
    let first = samples.partition_point(|sample| sample.to_us() < from_us);
    let under_way = samples[first..]
        .iter()
        .take_while(|sample| sample.from_us <= to_us);
    under_way.map(|sample| sample.took_us).max()
}

/// Microseconds since 1970.
pub(crate) fn now_us() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_micros()).unwrap_or(i64::MAX)
}

/// Microseconds as milliseconds with three digits.
fn ms(us: i64) -> f64 {
    us as f64 / 1000.0
}
