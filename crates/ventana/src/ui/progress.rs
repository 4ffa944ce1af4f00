//! Progress of a command that is not a run: one moving line on a terminal, events for machines, silence in a pipe.

use super::format::{bytes, count, duration_ms, plain};
use super::{Output, pace};
use crate::host::death;
use crate::host::interrupt::Asking;
use serde_json::json;
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// At most this often.
const EVERY: Duration = Duration::from_millis(125);

/// There is one terminal; `None` when no line is on it.
static LINE: Mutex<Option<Line>> = Mutex::new(None);

/// The line of one piece of work.
struct Line {
    what: String,
    begun: Instant,
    drawn: Instant,
}

/// How far a piece of work is.
struct Shown<'a> {
    what: &'a str,
    done: u64,
    /// 0: nobody knows.
    total: u64,
    unit: &'a str,
    /// Bytes so far, where they are not the unit; 0: not known.
    bytes: u64,
    note: &'a str,
    remaining_ms: Option<u64>,
}

impl Output {
    /// Says how far `what` (`backup`, `verify`) is. `total` 0 means that nobody knows; `note` may be empty.
    pub fn progress(&self, what: &str, done: u64, total: u64, unit: &str, note: &str) {
        self.show(Shown {
            what,
            done,
            total,
            unit,
            bytes: 0,
            note,
            remaining_ms: None,
        });
    }

    /// Hears work on rows and says how far `what` is, or what it waits for; a signal stops it.
    pub fn rows(&self, what: &str) -> impl FnMut(db::progress::Progress<'_>) -> ControlFlow<()> {
        let asking = Asking::begin();
        move |progress| {
            self.show(Shown {
                what,
                done: progress.rows,
                total: progress.rows_total,
                unit: "rows",
                bytes: progress.bytes,
                note: if progress.waiting.is_empty() {
                    progress.table
                } else {
                    progress.waiting
                },
                remaining_ms: None,
            });
            match asking.stop() {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        }
    }

    fn show(&self, mut shown: Shown<'_>) {
        death::point();
        if !self.json && !self.terminal {
            return;
        }
        let mut line = LINE.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        match &mut *line {
            Some(line) if line.what == shown.what => {
                if now - line.drawn < EVERY {
                    return;
                }
                line.drawn = now;
                let elapsed = u64::try_from((now - line.begun).as_millis()).unwrap_or(u64::MAX);
                shown.remaining_ms = pace::remaining_ms(elapsed, shown.done, shown.total);
            }
            other => {
                *other = Some(Line {
                    what: shown.what.into(),
                    begun: now,
                    drawn: now,
                });
            }
        }
        if self.json {
            super::stderr(&shown.event().to_string());
        } else {
            let left = self.language.pick("faltan", "left");
            super::write_stderr(&format!("\r{}\u{1b}[K", shown.line(left)));
        }
    }

    /// Ends the moving line.
    pub fn progress_end(&self) {
        let mut line = LINE.lock().unwrap_or_else(PoisonError::into_inner);
        if line.take().is_some() && !self.json {
            super::write_stderr("\r\u{1b}[K");
        }
    }
}

impl Shown<'_> {
    fn event(&self) -> serde_json::Value {
        let mut event = json!({"event": "progress", "what": self.what, "done": self.done, "total": self.total,
            "unit": self.unit, "note": self.note});
        if self.bytes > 0 {
            event["bytes"] = json!(self.bytes);
        }
        if let Some(left) = self.remaining_ms {
            event["remaining_ms"] = json!(left);
        }
        event
    }

    /// `left` is the word for what remains.
    fn line(&self, left: &str) -> String {
        let amount = |n: u64| if self.unit == "bytes" { bytes(n) } else { count(n) };
        let mut text = format!("… {}  {}", plain(self.what), amount(self.done));
        if self.total > 0 {
            let percent = u128::from(self.done) * 100 / u128::from(self.total);
            text.push_str(&format!("/{}  {percent} %", amount(self.total)));
        }
        if self.bytes > 0 {
            text.push_str(&format!("  {}", bytes(self.bytes)));
        }
        // Less is over before it is read.
        if let Some(ms) = self.remaining_ms.filter(|ms| *ms >= 1000) {
            text.push_str(&format!("  {left} ~{}", duration_ms(ms)));
        }
        if !self.note.is_empty() {
            text.push_str(&format!("  {}", plain(self.note)));
        }
        // Longer lines would wrap, and a wrapped line cannot be redrawn in place.
        super::format::cut(&text, 79)
    }
}

#[cfg(test)]
mod tests {
    use super::Shown;

    #[test]
    fn lines() {
        let mut shown = Shown {
            what: "backup",
            done: 5000,
            total: 20_000,
            unit: "rows",
            bytes: 1_234_567,
            note: "equipos",
            remaining_ms: Some(90_000),
        };
        assert_eq!(
            shown.line("left"),
            "… backup  5,000/20,000  25 %  1.2 MB  left ~1 min 30 s  equipos"
        );
        assert_eq!(
            shown.event().to_string(),
            r#"{"bytes":1234567,"done":5000,"event":"progress","note":"equipos","remaining_ms":90000,"total":20000,"unit":"rows","what":"backup"}"#
        );
        shown = Shown {
            what: "verify",
            done: 12_345_678,
            total: 0,
            unit: "bytes",
            bytes: 0,
            note: "",
            remaining_ms: None,
        };
        assert_eq!(shown.line("left"), "… verify  12.3 MB");
    }
}
