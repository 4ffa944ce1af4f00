//! Numbers out of the probe's samples.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::probe::Sample;

/// A latency above this is a stall that somebody notices.
const STALL_US: i64 = 100_000;

/// Something that took from one moment to another, in microseconds since 1970.
pub(crate) struct Span {
    pub(crate) name: String,
    pub(crate) from_us: i64,
    pub(crate) to_us: i64,
}

impl Span {
    /// The time of a probe alone before the first of `spans`.
    pub(crate) fn quiet_before(spans: &[Span], samples: &[Sample]) -> Option<Span> {
        Some(Span {
            name: "(quiet)".to_owned(),
            from_us: samples.first()?.from_us,
            to_us: spans.first()?.from_us - 1,
        })
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

/// Each span with its length and the longest statement that was under way in it.
pub(crate) fn by_span(spans: &[Span], writer: &[Sample], reader: &[Sample]) -> Value {
    let longest = |samples: &[Sample], span: &Span| {
        let under_way = samples.iter().filter(|sample| span.touches(sample));
        under_way.map(|sample| sample.took_us).max().map(ms)
    };
    let rows = spans.iter().map(|span| {
        json!({ "step": span.name, "ms": span.ms(), "writer_longest_ms": longest(writer, span), "reader_longest_ms": longest(reader, span) })
    });
    rows.collect()
}

/// The longest statements: when (in seconds from `zero_us`), how long, during which span.
pub(crate) fn worst(samples: &[Sample], spans: &[Span], zero_us: i64) -> Value {
    let mut sorted: Vec<&Sample> = samples.iter().collect();
    sorted.sort_by_key(|sample| -sample.took_us);
    let rows = sorted.into_iter().take(15).map(|sample| {
        let during = spans.iter().find(|span| span.touches(sample)).map(|span| &span.name);
        json!({ "at_s": (sample.from_us - zero_us) as f64 / 1e6, "ms": ms(sample.took_us), "during": during, "error": sample.error })
    });
    rows.collect()
}

/// Microseconds as milliseconds with three digits.
fn ms(us: i64) -> f64 {
    us as f64 / 1000.0
}
