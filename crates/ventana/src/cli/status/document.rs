//! What `status` says of a run: a function of its journal, the flag file and the lease.

use crate::error::Failure;
use crate::ui::format::{duration_ms, plain};
use crate::ui::{Language, Output};
use crate::window::runs::Loaded;
use engine::Outcome;
use engine::journal::{Event, Mode};
use engine::plan::{Phase, Plan};
use engine::state::{Direction, RunState, Status};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Where a run stands.
#[derive(Debug, Serialize)]
pub(super) struct Standing {
    run: String,
    mode: Mode,
    /// `null` while it runs, or if its process died: see `alive`.
    outcome: Option<Outcome>,
    exit_code: Option<u8>,
    /// Another ventana holds the lease of the state folder.
    alive: bool,
    holder: Option<String>,
    direction: Direction,
    phase: Option<Phase>,
    /// The step that it stands at.
    step: Option<String>,
    step_status: Option<Status>,
    steps_done: usize,
    steps: usize,
    unapproved: bool,
    started_at: Timestamp,
    last_at: Timestamp,
    blocked_ms: u64,
    fence: FenceState,
    /// Why it waits, or what failed.
    reason: Option<String>,
    hint: Option<String>,
    /// The command that goes on; `null` while the run is at work.
    next: Option<&'static str>,
    /// The other way.
    or: Option<&'static str>,
    /// A record that was being written when the process died; it counts for nothing.
    torn: bool,
    journal: PathBuf,
    report: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct FenceState {
    /// As the journal tells it: `on`, `off`, or `unknown` when a process died in the middle of it.
    journal: &'static str,
    flag_file: Option<PathBuf>,
    flag_present: bool,
    /// The run that the flag file names.
    flag_run: Option<String>,
    since: Option<String>,
}

impl Standing {
    pub(super) fn of(
        loaded: &Loaded,
        flag: Option<&Path>,
        holder: Option<String>,
    ) -> Result<Standing, Failure> {
        let state = loaded.state()?;
        let evidence = loaded.evidence()?;
        let plan = &loaded.plan.plan;
        let step = stands_at(plan, &state);
        let spec = step.and_then(|id| plan.step(id));
        // What keeps the run where it stands comes before what once turned it.
        let here = evidence
            .steps
            .iter()
            .filter(|evidence| Some(evidence.id.as_str()) == step);
        let failed = here
            .chain(evidence.steps.iter().rev())
            .find_map(|step| step.error.as_ref().map(|error| (step, error)));
        let held = state.held.as_ref();
        let (next, or) = next(evidence.mode, evidence.outcome, holder.is_some());
        let report = loaded.dir.join("report.html");
        Ok(Standing {
            run: loaded.id.clone(),
            mode: evidence.mode,
            outcome: evidence.outcome,
            exit_code: evidence.exit_code,
            alive: holder.is_some(),
            holder,
            direction: state.direction,
            phase: spec.map(|spec| spec.phase),
            step: step.map(str::to_owned),
            step_status: step.map(|id| state.status(id)),
            steps_done: plan
                .steps
                .iter()
                .filter(|spec| state.status(&spec.id) == Status::Done)
                .count(),
            steps: plan.steps.len(),
            unapproved: evidence.unapproved,
            started_at: evidence.started_at,
            last_at: loaded
                .reading
                .records
                .last()
                .map_or(evidence.started_at, |record| record.at),
            blocked_ms: evidence.blocked_ms.total,
            fence: FenceState::of(
                plan,
                &state,
                evidence.blocked_ms.open,
                loaded,
                flag.filter(|_| evidence.mode == Mode::Run),
            ),
            reason: held
                .map(|held| held.reason.clone())
                .or_else(|| failed.map(|(step, error)| format!("step {}: {}", step.id, error.message))),
            hint: held
                .and_then(|held| held.hint.clone())
                .or_else(|| failed.and_then(|(_, error)| error.hint.clone())),
            next,
            or,
            torn: loaded.reading.torn.is_some(),
            journal: loaded.dir.join("journal.jsonl"),
            report: report.is_file().then_some(report),
        })
    }

    pub(super) fn text(&self, out: Output) -> String {
        let l = out.language;
        let pick = |es, en| l.pick(es, en);
        let mut lines = vec![format!("{} {}: {}", self.what(l), self.run, self.outcome_text(l))];
        if self.unapproved && self.mode == Mode::Run {
            let mark = pick("SIN APROBAR", "NOT APPROVED");
            lines[0].push_str(&if out.color {
                format!("  \u{1b}[1;31m{mark}\u{1b}[0m")
            } else {
                format!("  {mark}")
            });
        }
        let mut line = |label: &str, value: String| lines.push(format!("  {label:<10} {value}"));
        let way = match self.direction {
            Direction::Forward => "",
            Direction::RollingBack => pick(", de vuelta atrás", ", rolling back"),
        };
        let at = self
            .step
            .as_deref()
            .map(|step| format!("{step} ({}{way})", self.step_text(l)))
            .unwrap_or_default();
        let done = format!("{}/{} {}", self.steps_done, self.steps, pick("hechos", "done"));
        match (at.is_empty(), self.outcome) {
            (false, _) => line(pick("paso", "step"), format!("{at}, {done}")),
            (true, Some(Outcome::RolledBack)) => {}
            (true, _) => line(pick("pasos", "steps"), done),
        }
        line(pick("valla", "fence"), self.fence.text(l));
        if self.blocked_ms > 0 {
            line(pick("detenidas", "blocked"), duration_ms(self.blocked_ms));
        }
        line(
            pick("último", "last"),
            self.last_at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        );
        if let Some(reason) = &self.reason {
            line(pick("motivo", "reason"), plain(reason));
        }
        if let Some(hint) = &self.hint {
            line("", plain(hint));
        }
        if let Some(holder) = &self.holder {
            line(pick("trabaja", "at work"), plain(holder));
        }
        if let Some(report) = &self.report {
            line(pick("informe", "report"), report.display().to_string());
        }
        if let Some(next) = self.next {
            let or = self
                .or
                .map(|or| format!(" {} `{or}`", pick("o", "or")))
                .unwrap_or_default();
            line(pick("siguiente", "next"), format!("`{next}`{or}"));
        }
        lines.join("\n")
    }

    fn what(&self, l: Language) -> &'static str {
        match self.mode {
            Mode::Run => l.pick("ejecución", "run"),
            Mode::Rehearsal => l.pick("ensayo", "rehearsal"),
        }
    }

    fn outcome_text(&self, l: Language) -> &'static str {
        match (self.alive, self.outcome) {
            (true, None) => l.pick("en marcha", "running"),
            (_, None) => l.pick("su proceso murió a medias", "its process died in the middle"),
            (_, Some(Outcome::Done)) => l.pick("hecha", "done"),
            (_, Some(Outcome::Failed)) => l.pick(
                "falló antes de cambiar nada",
                "failed before anything was changed",
            ),
            (_, Some(Outcome::RolledBack)) => l.pick("vuelta atrás verificada", "rolled back and verified"),
            (_, Some(Outcome::Held)) => l.pick("en espera de una persona", "held, a person is needed"),
            (_, Some(Outcome::RollbackFailed)) => l.pick(
                "LA VUELTA ATRÁS FALLÓ: el servicio NO está restaurado",
                "ROLLBACK FAILED: the service is NOT restored",
            ),
            (_, Some(Outcome::Interrupted)) => l.pick("interrumpida", "interrupted"),
        }
    }

    fn step_text(&self, l: Language) -> &'static str {
        match self.step_status.unwrap_or_default() {
            Status::Pending => l.pick("no empezado", "not begun"),
            Status::Started => l.pick("empezado", "begun"),
            Status::Done => l.pick("hecho", "done"),
            Status::Failed => l.pick("falló", "failed"),
            Status::UndoStarted => l.pick("deshaciéndose", "being taken back"),
            Status::Undone => l.pick("deshecho", "taken back"),
            Status::UndoFailed => l.pick("no se pudo deshacer", "could not be taken back"),
        }
    }
}

impl FenceState {
    fn of(plan: &Plan, state: &RunState, open: bool, loaded: &Loaded, flag: Option<&Path>) -> FenceState {
        let status = |id: Option<&str>| id.map_or(Status::Pending, |id| state.status(id));
        let fence = status(plan.fence().map(|spec| spec.id.as_str()));
        let lift = status(plan.lift().map(|spec| spec.id.as_str()));
        let between = |status: Status| {
            matches!(
                status,
                Status::Started | Status::Failed | Status::UndoStarted | Status::UndoFailed
            )
        };
        // A rollback that the lift refused has put everything back.
        let refused = plan.lift().is_some_and(|spec| {
            let error = state.steps.get(&spec.id).and_then(|step| step.error.as_ref());
            lift == Status::UndoFailed && error.is_some_and(|error| error.code == engine::fault::DIVERGED)
        });
        let journal = match (between(fence) || (between(lift) && !refused), open) {
            (true, _) => "unknown",
            (false, true) => "on",
            (false, false) => "off",
        };
        let said: Option<Value> = flag
            .and_then(|flag| std::fs::read(flag).ok())
            .and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let text = |name: &str| {
            said.as_ref()
                .and_then(|said| said.get(name))
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        FenceState {
            journal,
            flag_file: flag.map(Path::to_path_buf),
            flag_present: flag.is_some_and(Path::exists),
            flag_run: text("run"),
            since: text("since").or_else(|| since(plan, loaded).filter(|_| open)),
        }
    }

    fn text(&self, l: Language) -> String {
        let mut text = match self.journal {
            "on" => l.pick(
                "PUESTA: no se acepta ninguna escritura",
                "ON: no write is accepted",
            ),
            "off" => l.pick("quitada", "off"),
            _ => l.pick(
                "no se sabe: la ejecución se detuvo mientras la ponía o la quitaba",
                "unknown: the run stopped while it put it on or lifted it",
            ),
        }
        .to_owned();
        if let Some(since) = &self.since {
            text.push_str(&format!(" ({} {})", l.pick("desde", "since"), plain(since)));
        }
        if let Some(file) = &self.flag_file {
            let there = match (self.flag_present, self.journal) {
                (true, "off") => l.pick("PERO el archivo está", "BUT the flag file is there"),
                (true, _) => l.pick("archivo", "flag file"),
                (false, "on") => l.pick("PERO falta el archivo", "BUT the flag file is missing"),
                (false, "unknown") => l.pick("no está el archivo", "the flag file is not there"),
                (false, _) => return text,
            };
            text.push_str(&format!("; {there}: {}", file.display()));
        }
        text
    }
}

/// When the fence went on, as the journal tells it.
fn since(plan: &Plan, loaded: &Loaded) -> Option<String> {
    let fence = &plan.fence()?.id;
    let finished = |event: &Event| matches!(event, Event::Finished { step, .. } if step == fence);
    loaded
        .reading
        .records
        .iter()
        .rfind(|record| finished(&record.event))
        .map(|record| record.at.to_string())
}

/// The step that a person looks at first: in the middle, failed, held at; otherwise the next one. None of a run that is over.
fn stands_at<'a>(plan: &'a Plan, state: &'a RunState) -> Option<&'a str> {
    let with = |wanted: &[Status]| {
        plan.steps
            .iter()
            .find(|spec| wanted.contains(&state.status(&spec.id)))
    };
    let held = state.held.as_ref().and_then(|held| held.step.as_deref());
    let middle = [Status::Started, Status::UndoStarted];
    let failed = [Status::UndoFailed, Status::Failed];
    held.or_else(|| {
        with(&middle)
            .or_else(|| with(&failed))
            .map(|spec| spec.id.as_str())
    })
    .or_else(|| {
        let done = |spec: &&engine::plan::StepSpec| state.status(&spec.id) == Status::Done;
        let pending = |spec: &&engine::plan::StepSpec| state.status(&spec.id) == Status::Pending;
        match (state.closed, state.direction) {
            (None, Direction::Forward) => plan.steps.iter().find(pending),
            // Going back: the next to be undone is the last that is still done.
            (None, Direction::RollingBack) => plan.steps.iter().rfind(done),
            (Some(_), _) => None,
        }
        .map(|spec| spec.id.as_str())
    })
}

/// The command that goes on, and the other way.
fn next(mode: Mode, outcome: Option<Outcome>, alive: bool) -> (Option<&'static str>, Option<&'static str>) {
    if mode == Mode::Rehearsal {
        return (Some("ventana rehearse"), None);
    }
    match outcome {
        _ if alive => (None, None),
        None | Some(Outcome::Held | Outcome::Interrupted) => {
            (Some("ventana resume"), Some("ventana rollback"))
        }
        Some(Outcome::RollbackFailed) => (Some("ventana resume"), None),
        Some(Outcome::Failed | Outcome::RolledBack) => (Some("ventana run"), None),
        Some(Outcome::Done) => (Some("ventana report verify"), Some("ventana rollback")),
    }
}

#[cfg(test)]
mod tests;
