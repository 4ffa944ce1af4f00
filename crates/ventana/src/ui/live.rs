//! The live view of a run, on stderr: a line per step that is redrawn in place on a terminal, plain lines where there is
//! none, JSON lines with `--json`. Lossy by design: what counts is in the journal.

mod events;
mod lines;
mod status;

use super::{Language, Output};
use engine::fault::StepError;
use engine::journal::Found;
use engine::outcome::Outcome;
use engine::plan::{Phase, Plan, StepKind, StepSpec};
use engine::runner::{Progress, Watcher};
use lines::Lines;
use serde_json::Value;
use status::{Active, Fenced};
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A terminal's line is redrawn this often: fast enough to look alive, slow enough to cost nothing.
const REDRAW: Duration = Duration::from_millis(125);
/// Where lines stay for ever, a step that takes longer than this is worth a line while it runs …
const FIRST_SIGN: Duration = Duration::from_secs(10);
/// … and another one this often.
const NEXT_SIGN: Duration = Duration::from_secs(30);
/// Progress events for machines, per step.
const JSON_PROGRESS: Duration = Duration::from_millis(250);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Terminal,
    Plain,
    Json,
}

/// Watches a run and shows it.
pub struct Live {
    shared: Arc<Shared>,
    /// Redraws while a step has nothing to say; ends with this value.
    ticker: Option<JoinHandle<()>>,
    expected_ms: BTreeMap<String, u64>,
    mode: Mode,
}

struct Shared {
    screen: Mutex<Screen>,
    over: Condvar,
    lines: Lines,
    mode: Mode,
}

struct Screen {
    sink: Box<dyn Write + Send>,
    active: Option<Active>,
    /// When the step began that ended last.
    ended: Option<Instant>,
    /// What the heading that was printed last stands for: whether undos, and which phase.
    heading: Option<(bool, Phase)>,
    fenced: Option<Fenced>,
    /// The terminal's last line is ours to overwrite.
    drawn: bool,
    over: bool,
}

impl Live {
    /// Starts the view with a line that says what is run. `expected_ms` (step id → duration) feeds the remaining time.
    pub fn new(out: Output, plan: &Plan, expected_ms: &BTreeMap<String, u64>, title: String) -> Live {
        let mode = match (out.json, out.terminal) {
            (true, _) => Mode::Json,
            (false, true) => Mode::Terminal,
            (false, false) => Mode::Plain,
        };
        Live::on(
            Box::new(std::io::stderr()),
            mode,
            out.language,
            plan,
            expected_ms,
            &title,
        )
    }

    fn on(
        sink: Box<dyn Write + Send>,
        mode: Mode,
        language: Language,
        plan: &Plan,
        expected_ms: &BTreeMap<String, u64>,
        title: &str,
    ) -> Live {
        let lines = Lines::new(mode == Mode::Terminal, language, plan);
        let screen = Screen {
            sink,
            active: None,
            ended: None,
            heading: None,
            fenced: None,
            drawn: false,
            over: false,
        };
        let shared = Arc::new(Shared {
            screen: Mutex::new(screen),
            over: Condvar::new(),
            lines,
            mode,
        });
        let watched = Arc::clone(&shared);
        // Without a thread (there may be none to have) only the moving line is missing.
        let ticker = (mode != Mode::Json)
            .then(|| {
                std::thread::Builder::new()
                    .name("live".into())
                    .spawn(move || watched.tick())
                    .ok()
            })
            .flatten();
        let live = Live {
            shared,
            ticker,
            expected_ms: expected_ms.clone(),
            mode,
        };
        match mode {
            Mode::Json => live.event(&events::opened(title, plan)),
            _ => live.say(&live.shared.lines.title(title)),
        }
        live
    }

    fn screen(&self) -> MutexGuard<'_, Screen> {
        self.shared.screen()
    }

    fn event(&self, event: &Value) {
        self.screen().line(&event.to_string());
    }

    fn say(&self, line: &str) {
        self.screen().line(line);
    }

    /// Ends the moving line of the active step, if there is one, and says what became of it.
    fn end(&self, lines: &[String]) {
        let mut screen = self.screen();
        screen.ended = screen.active.take().map(|active| active.begun);
        for line in lines {
            screen.line(line);
        }
    }

    fn begin(&self, spec: &StepSpec, attempt: u32, undo: bool) {
        let expected_ms = self.expected_ms.get(&spec.id).copied().filter(|_| !undo);
        let mut screen = self.screen();
        let heading = (undo, spec.phase);
        if screen.heading != Some(heading) && !(undo && screen.heading.is_some_and(|(undo, _)| undo)) {
            screen.heading = Some(heading);
            let heading = if undo {
                self.shared.lines.turned()
            } else {
                self.shared.lines.phase(spec.phase)
            };
            screen.line(&heading);
        }
        let effect = self.shared.lines.effect(spec, undo);
        screen.active = Some(Active::new(spec, effect, attempt, undo, expected_ms));
        if self.mode == Mode::Terminal {
            self.shared.draw(&mut screen);
        }
    }

    /// What fence and lift mean beyond being steps.
    fn fence(&self, spec: &StepSpec, facts: &Value, undone: bool) {
        let on = match (&spec.kind, undone) {
            (StepKind::Fence, false) | (StepKind::Lift, true) => true,
            (StepKind::Fence, true) | (StepKind::Lift, false) => false,
            _ => return,
        };
        let mut screen = self.screen();
        let blocked_ms = if on {
            let begun = screen.ended.unwrap_or_else(Instant::now);
            screen.fenced = Some(Fenced::new(facts, begun));
            None
        } else {
            screen.fenced.take().map(|fenced| fenced.until(facts))
        };
        let line = match self.mode {
            Mode::Json => events::fence(on, blocked_ms).to_string(),
            _ => self.shared.lines.fence(on, blocked_ms),
        };
        screen.line(&line);
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.screen().over = true;
        self.shared.over.notify_all();
        if let Some(ticker) = self.ticker.take() {
            let _ = ticker.join(); // a view that died takes nothing with it
        }
        let mut screen = self.screen();
        screen.clear();
        let _ = screen.sink.flush();
    }
}

impl Shared {
    /// A panic of a step's thread while it held the view must not end the run: the view is only a view.
    fn screen(&self) -> MutexGuard<'_, Screen> {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tick(&self) {
        let mut screen = self.screen();
        while !screen.over {
            screen = self
                .over
                .wait_timeout(screen, REDRAW)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
            match self.mode {
                _ if screen.over => {}
                Mode::Terminal => self.draw(&mut screen),
                Mode::Plain => {
                    let due = screen
                        .active
                        .as_mut()
                        .is_some_and(|active| active.sign_due(FIRST_SIGN, NEXT_SIGN));
                    if let (true, Some(active)) = (due, &screen.active) {
                        let line = self.lines.running(active, usize::MAX);
                        screen.line(&line);
                    }
                }
                Mode::Json => {}
            }
        }
    }

    fn draw(&self, screen: &mut Screen) {
        let Some(active) = screen.active.as_mut() else {
            return;
        };
        active.frame = active.frame.wrapping_add(1);
        let columns =
            rustix::termios::tcgetwinsize(std::io::stderr()).map_or(80, |size| usize::from(size.ws_col));
        // The last column stays free: writing there wraps on some terminals.
        let line = self.lines.running(active, columns.clamp(20, 400) - 1);
        let _ = write!(screen.sink, "\r{line}\u{1b}[K");
        let _ = screen.sink.flush();
        screen.drawn = true;
    }
}

impl Screen {
    /// Prints a line that stays. What cannot be shown (a closed pipe) is not shown.
    fn line(&mut self, line: &str) {
        self.clear();
        let _ = writeln!(self.sink, "{line}");
    }

    fn clear(&mut self) {
        if std::mem::take(&mut self.drawn) {
            let _ = write!(self.sink, "\r\u{1b}[K");
        }
    }
}

impl Watcher for Live {
    fn on_step_started(&self, spec: &StepSpec, attempt: u32) {
        match self.mode {
            Mode::Json => {
                self.screen().active = Some(Active::new(spec, String::new(), attempt, false, None));
                self.event(&events::started(spec, attempt));
            }
            _ => self.begin(spec, attempt, false),
        }
    }

    fn on_step_finished(&self, spec: &StepSpec, ms: u64, facts: &Value, adopted: bool) {
        match self.mode {
            Mode::Json => self.end(&[events::finished(spec, ms, facts, adopted).to_string()]),
            _ => self.end(&[self.shared.lines.finished(spec, ms, facts, adopted)]),
        }
        self.fence(spec, facts, false);
    }

    fn on_step_failed(&self, spec: &StepSpec, ms: u64, error: &StepError) {
        match self.mode {
            Mode::Json => self.end(&[events::failed("step_failed", spec, ms, error).to_string()]),
            _ => self.end(&self.shared.lines.failed(spec, ms, error, false)),
        }
    }

    fn on_probed(&self, spec: &StepSpec, found: Found, detail: &str) {
        match self.mode {
            Mode::Json => self.event(&events::probed(spec, found, detail)),
            _ => self.end(&[self.shared.lines.probed(spec, found, detail)]),
        }
    }

    fn on_undo_started(&self, spec: &StepSpec) {
        match self.mode {
            Mode::Json => {
                self.event(&events::undo_started(spec));
                self.screen().active = Some(Active::new(spec, String::new(), 1, true, None));
            }
            _ => self.begin(spec, 1, true),
        }
    }

    fn on_undo_finished(&self, spec: &StepSpec, ms: u64, facts: &Value) {
        match self.mode {
            Mode::Json => self.end(&[events::undo_finished(spec, ms, facts).to_string()]),
            _ => self.end(&[self.shared.lines.undone(spec, ms, facts)]),
        }
        self.fence(spec, facts, true);
    }

    fn on_undo_failed(&self, spec: &StepSpec, ms: u64, error: &StepError) {
        match self.mode {
            Mode::Json => self.end(&[events::failed("undo_failed", spec, ms, error).to_string()]),
            _ => self.end(&self.shared.lines.failed(spec, ms, error, true)),
        }
    }

    fn on_progress(&self, spec: &StepSpec, progress: &Progress) {
        let mut screen = self.screen();
        // A copy that runs beside later steps has no line of its own.
        let Some(active) = screen.active.as_mut().filter(|active| active.id == spec.id) else {
            return;
        };
        active.progress = Some(progress.clone());
        if self.mode == Mode::Json && active.sign_due(Duration::ZERO, JSON_PROGRESS) {
            screen.line(&events::progress(spec, progress).to_string());
        }
    }

    fn on_log(&self, spec: &StepSpec, line: &str) {
        match self.mode {
            Mode::Json => self.event(&events::log(spec, line)),
            _ => self.say(&self.shared.lines.log(line)),
        }
    }

    fn on_held(&self, step: Option<&str>, reason: &str, hint: Option<&str>) {
        match self.mode {
            Mode::Json => self.event(&events::held(step, reason, hint)),
            _ => self.end(&self.shared.lines.held(step, reason, hint)),
        }
    }

    fn on_interrupted(&self) {
        match self.mode {
            Mode::Json => self.event(&events::interrupted()),
            _ => self.end(&[self.shared.lines.interrupted()]),
        }
    }

    fn on_closed(&self, outcome: Outcome, exit_code: u8) {
        match self.mode {
            Mode::Json => self.event(&events::closed(outcome, exit_code)),
            _ => self.end(&[self.shared.lines.closed(outcome)]),
        }
    }
}

#[cfg(test)]
mod tests;
