//! Counters for `/metrics`, in the text format of Prometheus.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the answer times, in milliseconds.
const BOUNDS: [u64; 7] = [5, 25, 100, 250, 1000, 2500, 10_000];

/// What is counted since the start.
#[derive(Debug, Default)]
pub struct Metrics {
    /// By class of status: 1xx to 5xx.
    answers: [AtomicU64; 5],
    times: [AtomicU64; BOUNDS.len()],
    slower: AtomicU64,
    time_sum_us: AtomicU64,
    fenced: AtomicU64,
    failed_logins: AtomicU64,
    draining: AtomicBool,
}

impl Metrics {
    /// A write was refused by the fence.
    pub fn fenced(&self) {
        self.fenced.fetch_add(1, Ordering::Relaxed);
    }

    /// A login failed.
    pub fn failed_login(&self) {
        self.failed_logins.fetch_add(1, Ordering::Relaxed);
    }

    /// The service is stopping.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    pub fn answered(&self, status: u16, time: Duration) {
        if let Some(class) = self.answers.get(usize::from(status / 100).wrapping_sub(1)) {
            class.fetch_add(1, Ordering::Relaxed);
        }
        let us = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.time_sum_us.fetch_add(us, Ordering::Relaxed);
        let bucket = BOUNDS.iter().position(|bound| us <= bound * 1000);
        bucket
            .map_or(&self.slower, |at| &self.times[at])
            .fetch_add(1, Ordering::Relaxed);
    }

    /// The text that a scraper reads.
    pub fn text(&self, release: &str, uptime: Duration, fence: bool) -> String {
        let mut out = String::new();
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let mut metric = |name: &str, kind: &str, help: &str, lines: &[(String, String)]| {
            // Writing into a string cannot fail.
            let _ = writeln!(
                out,
                "# HELP inventario_{name} {help}\n# TYPE inventario_{name} {kind}"
            );
            for (labels, value) in lines {
                let _ = writeln!(out, "inventario_{name}{labels} {value}");
            }
        };
        let one = |value: String| [(String::new(), value)];
        let answers: Vec<_> = (1..=5)
            .map(|class| {
                (
                    format!("{{class=\"{class}xx\"}}"),
                    get(&self.answers[class - 1]).to_string(),
                )
            })
            .collect();
        metric(
            "http_answers_total",
            "counter",
            "Answers by class of status.",
            &answers,
        );
        let mut times = Vec::new();
        let mut sum = 0;
        for (bound, counter) in BOUNDS.iter().zip(&self.times) {
            sum += get(counter);
            #[allow(clippy::cast_precision_loss, reason = "bounds are small")]
            times.push((
                format!("_bucket{{le=\"{}\"}}", *bound as f64 / 1000.0),
                sum.to_string(),
            ));
        }
        sum += get(&self.slower);
        times.push(("_bucket{le=\"+Inf\"}".into(), sum.to_string()));
        let total = Duration::from_micros(get(&self.time_sum_us));
        times.push(("_sum".into(), format!("{:.6}", total.as_secs_f64())));
        times.push(("_count".into(), sum.to_string()));
        metric(
            "http_answer_seconds",
            "histogram",
            "Time until an answer begins.",
            &times,
        );
        metric(
            "fenced_writes_total",
            "counter",
            "Writes refused by the fence.",
            &one(get(&self.fenced).to_string()),
        );
        metric(
            "failed_logins_total",
            "counter",
            "Failed logins.",
            &one(get(&self.failed_logins).to_string()),
        );
        metric(
            "fence",
            "gauge",
            "1 while the fence is on.",
            &one(u8::from(fence).to_string()),
        );
        metric(
            "uptime_seconds",
            "gauge",
            "Seconds since the start.",
            &one(format!("{:.1}", uptime.as_secs_f64())),
        );
        let release: String = release
            .chars()
            .filter(|c| !matches!(c, '"' | '\\' | '\n'))
            .collect();
        metric(
            "release",
            "gauge",
            "The running release.",
            &[(format!("{{name=\"{release}\"}}"), "1".into())],
        );
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_add_up() {
        let metrics = Metrics::default();
        for (status, ms) in [(200, 1), (200, 30), (404, 3), (503, 20_000)] {
            metrics.answered(status, Duration::from_millis(ms));
        }
        let text = metrics.text("r\"1", Duration::from_secs(2), true);
        for line in [
            "inventario_http_answers_total{class=\"2xx\"} 2",
            "inventario_http_answers_total{class=\"5xx\"} 1",
            "inventario_http_answer_seconds_bucket{le=\"0.005\"} 2",
            "inventario_http_answer_seconds_bucket{le=\"0.1\"} 3",
            "inventario_http_answer_seconds_bucket{le=\"+Inf\"} 4",
            "inventario_http_answer_seconds_count 4",
            "inventario_fence 1",
            "inventario_release{name=\"r1\"} 1",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} in\n{text}");
        }
    }
}
