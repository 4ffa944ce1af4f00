//! The words and colours of the live view. Pure: what is shown depends on nothing but what is passed in.

use super::status::Active;
use crate::ui::format::{bytes, count, cut, duration_ms, plain, short, width};
use crate::ui::{Language, wording};
use engine::fault::StepError;
use engine::journal::Found;
use engine::outcome::Outcome;
use engine::plan::{Phase, Plan, StepKind, StepSpec};
use engine::runner::Progress;
use serde_json::Value;

const TURNING: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

const BOLD: &str = "1";
const DIM: &str = "2";
const GREEN: &str = "32";
const RED: &str = "1;31";
const YELLOW: &str = "33";
const CYAN: &str = "36";
/// Black on yellow, black on green: seen from across the room.
const ON: &str = "1;30;43";
const OFF: &str = "1;30;42";

pub(super) struct Lines {
    color: bool,
    language: Language,
    /// Step ids are padded to this.
    id_width: usize,
    ids: Vec<String>,
}

impl Lines {
    pub(super) fn new(color: bool, language: Language, plan: &Plan) -> Lines {
        let ids: Vec<String> = plan.steps.iter().map(|step| step.id.clone()).collect();
        let id_width = ids.iter().map(|id| width(id)).max().unwrap_or(0).clamp(8, 28);
        Lines {
            color,
            language,
            id_width,
            ids,
        }
    }

    pub(super) fn title(&self, title: &str) -> String {
        self.paint(BOLD, &plain(title))
    }

    pub(super) fn phase(&self, phase: Phase) -> String {
        let text = match phase {
            Phase::Prepare => self.pick("preparación: el servicio atiende", "prepare: the service is live"),
            Phase::Window => self.pick(
                "ventana: la valla detiene las escrituras",
                "window: the fence holds writes back",
            ),
            Phase::After => self.pick("después: se quita la valla", "after: the fence is lifted"),
        };
        self.paint(DIM, &format!("── {text}"))
    }

    pub(super) fn turned(&self) -> String {
        self.paint(
            DIM,
            &format!(
                "── {}",
                self.pick("vuelta atrás, en orden inverso", "rolling back, in reverse order")
            ),
        )
    }

    /// What a step, or its undo, does.
    pub(super) fn effect(&self, spec: &StepSpec, undo: bool) -> String {
        if undo {
            wording::undo(spec, self.language).unwrap_or_default()
        } else {
            wording::effect(spec, self.language)
        }
    }

    /// The line of a step at work, cut to `columns`.
    pub(super) fn running(&self, active: &Active, columns: usize) -> String {
        let mut parts = Vec::new();
        if active.undo {
            parts.push(self.pick("se deshace", "taking back").to_owned());
        } else if active.attempt > 1 {
            parts.push(format!("{} {}", self.pick("intento", "attempt"), active.attempt));
        }
        if let Some(progress) = &active.progress {
            parts.extend(self.progress(progress));
        }
        parts.push(duration_ms(active.elapsed_ms()));
        if let Some(left) = active.remaining_ms() {
            parts.push(format!("{} ~{}", self.pick("faltan", "left"), duration_ms(left)));
        }
        let sign = if self.color {
            TURNING[active.frame % TURNING.len()]
        } else {
            "…"
        };
        let place = self
            .ids
            .iter()
            .position(|id| *id == active.id)
            .map_or(0, |at| at + 1);
        let left = format!("{} {:>2}/{}", self.id(&active.id), place, self.ids.len());
        let right = parts.join(" · ");
        let room = columns.saturating_sub(4 + width(&left) + width(&right));
        let effect = if room > 10 {
            cut(&plain(&active.effect), room)
        } else {
            String::new()
        };
        let gap = if effect.is_empty() { "" } else { "  " };
        let text = cut(&format!("{left}  {right}"), columns.saturating_sub(2));
        format!(
            "{} {text}{gap}{}",
            self.paint(CYAN, sign),
            self.paint(DIM, &effect)
        )
    }

    fn progress(&self, progress: &Progress) -> Vec<String> {
        let amount = |n: u64| match progress.unit {
            "bytes" => bytes(n),
            _ => count(n),
        };
        let mut parts = Vec::new();
        let note = plain(&progress.note);
        if !note.is_empty() {
            parts.push(cut(&note, 30));
        }
        let unit = match progress.unit {
            "bytes" => String::new(),
            unit => format!(" {}", self.unit(unit)),
        };
        match progress.total.filter(|total| *total > 0) {
            Some(total) => {
                parts.push(format!("{}/{}{unit}", amount(progress.done), amount(total)));
                let percent = u128::from(progress.done) * 100 / u128::from(total);
                parts.push(format!("{percent} %"));
            }
            None => parts.push(format!("{}{unit}", amount(progress.done))),
        }
        parts
    }

    pub(super) fn finished(&self, spec: &StepSpec, ms: u64, facts: &Value, adopted: bool) -> String {
        let mut parts = self.facts(spec, facts);
        if adopted {
            parts.push(self.pick("ya estaba hecho", "found done").to_owned());
        } else {
            parts.push(duration_ms(ms));
        }
        self.step(GREEN, "✓", &spec.id, &parts.join(" · "))
    }

    pub(super) fn undone(&self, spec: &StepSpec, ms: u64, facts: &Value) -> String {
        let mut parts = vec![self.pick("deshecho", "taken back").to_owned()];
        parts.extend(self.facts(spec, facts));
        parts.push(duration_ms(ms));
        self.step(YELLOW, "↺", &spec.id, &parts.join(" · "))
    }

    pub(super) fn failed(&self, spec: &StepSpec, ms: u64, error: &StepError, undo: bool) -> Vec<String> {
        let what = match undo {
            true => self.pick("no se pudo deshacer: ", "could not be taken back: "),
            false => "",
        };
        let mut said = error.message.lines();
        let first = said.next().map(plain).unwrap_or_default();
        let text = format!("{what}{first} ({}, {})", plain(&error.code), duration_ms(ms));
        let mut lines = vec![self.step(RED, "✗", &spec.id, &text)];
        lines.extend(said.map(|line| self.log(line)));
        lines.extend(error.hint.as_deref().map(|hint| self.hint(hint)));
        lines
    }

    pub(super) fn probed(&self, spec: &StepSpec, found: Found, detail: &str) -> String {
        let found = match found {
            Found::Done => self.pick("estaba hecho", "was done"),
            Found::NotStarted => self.pick("no había empezado", "had not begun"),
            Found::Partial => self.pick("quedó a medias", "was left half done"),
        };
        let detail = plain(detail);
        let gap = if detail.is_empty() { "" } else { ": " };
        self.step(CYAN, "?", &spec.id, &format!("{found}{gap}{detail}"))
    }

    pub(super) fn log(&self, line: &str) -> String {
        self.paint(DIM, &format!("  │ {}", plain(line)))
    }

    pub(super) fn fence(&self, on: bool, blocked_ms: Option<u64>) -> String {
        if on {
            let mark = self.paint(ON, self.pick(" VALLA PUESTA ", " FENCE ON "));
            return format!(
                "{mark} {}",
                self.pick("ninguna escritura llega a los datos", "no write reaches the data")
            );
        }
        let mark = self.paint(OFF, self.pick(" VALLA QUITADA ", " FENCE LIFTED "));
        match blocked_ms {
            Some(ms) => {
                let text = self.pick("escrituras detenidas durante", "writes were blocked for");
                format!("{mark} {text} {}", duration_ms(ms))
            }
            None => format!(
                "{mark} {}",
                self.pick("se escribe de nuevo", "writes are accepted again")
            ),
        }
    }

    pub(super) fn held(&self, step: Option<&str>, reason: &str, hint: Option<&str>) -> Vec<String> {
        let text = self.pick("en espera de una persona", "held, a person is needed");
        let at = step.map(|step| format!(" ({step})")).unwrap_or_default();
        let mut lines = vec![format!(
            "{} {text}{at}: {}",
            self.paint(YELLOW, "‖"),
            plain(reason)
        )];
        lines.extend(hint.map(|hint| self.hint(hint)));
        lines
    }

    pub(super) fn interrupted(&self) -> String {
        let text = self.pick(
            "interrumpido; `ventana resume` sigue",
            "interrupted; `ventana resume` goes on",
        );
        format!("{} {text}", self.paint(YELLOW, "‖"))
    }

    pub(super) fn closed(&self, outcome: Outcome) -> String {
        let (color, sign, text) = match outcome {
            Outcome::Done => (GREEN, "●", self.pick("hecho", "done")),
            Outcome::Failed => (
                RED,
                "●",
                self.pick("falló; no se cambió nada", "failed; nothing was changed"),
            ),
            Outcome::RolledBack => (
                YELLOW,
                "●",
                self.pick(
                    "vuelta atrás verificada: el servicio está donde estaba",
                    "rolled back and verified: the service is where it was",
                ),
            ),
            Outcome::Held => (
                YELLOW,
                "‖",
                self.pick("en espera de una persona", "held, a person is needed"),
            ),
            Outcome::RollbackFailed => (
                RED,
                "●",
                self.pick(
                    "LA VUELTA ATRÁS FALLÓ: el servicio NO está restaurado",
                    "ROLLBACK FAILED: the service is NOT restored",
                ),
            ),
            Outcome::Interrupted => (YELLOW, "‖", self.pick("interrumpido", "interrupted")),
        };
        format!("{} {text}", self.paint(color, sign))
    }

    /// The facts that tell a person most, in few words.
    fn facts(&self, spec: &StepSpec, facts: &Value) -> Vec<String> {
        let number = |name: &str| facts.get(name).and_then(Value::as_u64);
        let text = |name: &str| {
            facts
                .get(name)
                .and_then(Value::as_str)
                .map(plain)
                .filter(|text| !text.is_empty())
        };
        let mut parts = Vec::new();
        parts.extend(number("rows").map(|n| format!("{} {}", count(n), self.unit("rows"))));
        parts.extend(number("bytes").map(bytes));
        parts.extend(text("digest").map(|digest| format!("{} {}", "digest", short(&digest))));
        // Only where something new lies: other steps name the backup that they work on.
        if matches!(
            spec.kind,
            StepKind::Backup { .. } | StepKind::OffSite { .. } | StepKind::Stage { .. }
        ) {
            parts.extend(text("path"));
        }
        parts
    }

    /// A unit of [`Progress`] in this language; one that is not known stays as it is.
    fn unit<'a>(&self, unit: &'a str) -> &'a str {
        match unit {
            "rows" => self.pick("filas", "rows"),
            "keys" => self.pick("claves", "keys"),
            "checks" => self.pick("comprobaciones", "checks"),
            "files" => self.pick("archivos", "files"),
            "tables" => self.pick("tablas", "tables"),
            _ => unit,
        }
    }

    fn step(&self, color: &str, sign: &str, id: &str, text: &str) -> String {
        format!("{} {}  {text}", self.paint(color, sign), self.id(id))
            .trim_end()
            .to_owned()
    }

    fn hint(&self, hint: &str) -> String {
        format!(
            "  {} {}",
            self.paint(BOLD, self.pick("siguiente:", "next:")),
            plain(hint)
        )
    }

    fn id(&self, id: &str) -> String {
        format!("{id}{}", " ".repeat(self.id_width.saturating_sub(width(id))))
    }

    fn paint(&self, color: &str, text: &str) -> String {
        if self.color && !text.is_empty() {
            format!("\u{1b}[{color}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    fn pick<'a>(&self, es: &'a str, en: &'a str) -> &'a str {
        self.language.pick(es, en)
    }
}
