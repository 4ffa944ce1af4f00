//! Progress of a command that is not a run: one moving line on a terminal, events for machines, silence in a pipe.

use super::Output;
use super::format::{bytes, count, plain};
use crate::host::death;
use serde_json::json;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// At most this often.
const EVERY: Duration = Duration::from_millis(125);

/// When the line was last drawn; `None` when there is none to end. There is one terminal.
static DRAWN: Mutex<Option<Instant>> = Mutex::new(None);

impl Output {
    /// Says how far `what` (`backup`, `verify`) is. `total` 0 means that nobody knows; `note` may be empty.
    pub fn progress(&self, what: &str, done: u64, total: u64, unit: &str, note: &str) {
        death::point();
        if !self.json && !self.terminal {
            return;
        }
        let mut drawn = DRAWN.lock().unwrap_or_else(PoisonError::into_inner);
        if drawn.is_some_and(|at| at.elapsed() < EVERY) {
            return;
        }
        *drawn = Some(Instant::now());
        if self.json {
            let event = json!({"event": "progress", "what": what, "done": done, "total": total, "unit": unit, "note": note});
            super::stderr(&event.to_string());
        } else {
            super::write_stderr(&format!("\r{}\u{1b}[K", line(what, done, total, unit, note)));
        }
    }

    /// Ends the moving line.
    pub fn progress_end(&self) {
        let mut drawn = DRAWN.lock().unwrap_or_else(PoisonError::into_inner);
        if drawn.take().is_some() && !self.json {
            super::write_stderr("\r\u{1b}[K");
        }
    }
}

fn line(what: &str, done: u64, total: u64, unit: &str, note: &str) -> String {
    let amount = |n: u64| if unit == "bytes" { bytes(n) } else { count(n) };
    let mut text = format!("… {}  {}", plain(what), amount(done));
    if total > 0 {
        let percent = u128::from(done) * 100 / u128::from(total);
        text.push_str(&format!("/{}  {percent} %", amount(total)));
    }
    if !note.is_empty() {
        text.push_str(&format!("  {}", plain(note)));
    }
    // Longer lines would wrap, and a wrapped line cannot be redrawn in place.
    super::format::cut(&text, 79)
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn lines() {
        assert_eq!(
            line("backup", 5000, 20_000, "rows", "equipos"),
            "… backup  5,000/20,000  25 %  equipos"
        );
        assert_eq!(line("verify", 12_345_678, 0, "bytes", ""), "… verify  12.3 MB");
    }
}
