//! What the two templates show, ready to be printed: texts, amounts and shares, nothing left to decide.

mod backups;
mod counts;

use super::verdict::{self, Verdict};
use crate::ui::format::{count, duration_ms};
use crate::ui::{Language, wording};
use backups::BackupView;
use counts::{CountTable, TableRows};
use engine::evidence::{Evidence, StepEvidence};
use engine::journal::Mode;
use engine::plan::{Phase, Plan};
use engine::state::Status;
use jiff::Timestamp;
use serde_json::Value;

/// Longer facts of a step are cut: `evidence.json` has them whole.
const FACTS_SHOWN: usize = 4000;

pub(super) struct View {
    pub(super) lang: &'static str,
    pub(super) title: String,
    pub(super) verdict: Verdict,
    pub(super) unapproved: bool,
    pub(super) rehearsal: bool,
    /// Label, value, and whether the value is code.
    pub(super) summary: Vec<(&'static str, String, bool)>,
    pub(super) blocked: BlockedView,
    pub(super) digests: Digests,
    pub(super) tables: Vec<TableRows>,
    pub(super) counts: Vec<CountTable>,
    pub(super) steps: Vec<StepView>,
    pub(super) backups: Vec<BackupView>,
    pub(super) notes: Vec<NoteView>,
    pub(super) inputs: Vec<(String, String)>,
    pub(super) run: String,
    pub(super) records: String,
    pub(super) head: String,
    /// The command that checks this report.
    pub(super) verify: Vec<String>,
    /// The same for the journal's head, without `ventana`, in the run's folder.
    pub(super) by_hand: Vec<String>,
}

pub(super) struct BlockedView {
    pub(super) total: String,
    pub(super) none: bool,
    pub(super) open: bool,
    pub(super) shares: Vec<Share>,
}

/// A step's part of the blocked time.
pub(super) struct Share {
    pub(super) step: String,
    pub(super) time: String,
    /// Of the total, with one decimal: a CSS width.
    pub(super) percent: String,
    /// Which of the eight colours; 0 is for the time between steps.
    pub(super) color: usize,
}

pub(super) struct Digests {
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
    /// Rows of the whole database, before and after.
    pub(super) rows: Option<(String, String)>,
    /// What the pair says.
    pub(super) meaning: &'static str,
}

pub(super) struct StepView {
    pub(super) id: String,
    /// Where a phase begins, its name.
    pub(super) phase: Option<&'static str>,
    pub(super) effect: String,
    pub(super) tone: &'static str,
    pub(super) sign: &'static str,
    pub(super) status: &'static str,
    pub(super) started: String,
    pub(super) time: String,
    pub(super) undo: String,
    pub(super) blocked: String,
    pub(super) attempts: u32,
    pub(super) error: Option<String>,
    pub(super) hint: Option<String>,
    pub(super) facts: Option<String>,
}

pub(super) struct NoteView {
    pub(super) at: String,
    pub(super) by: String,
    pub(super) text: String,
    /// File name in the run's folder, and its SHA-256.
    pub(super) attachment: Option<(String, String)>,
}

impl View {
    pub(super) fn of(evidence: &Evidence, plan: &Plan, l: Language) -> View {
        let what = match evidence.mode {
            Mode::Run => l.pick("Ventana de mantenimiento", "Maintenance window"),
            Mode::Rehearsal => l.pick("Ensayo de la ventana", "Rehearsal of the window"),
        };
        View {
            lang: l.pick("es", "en"),
            title: format!("{what} · {} · {}", evidence.service, evidence.environment),
            verdict: verdict::verdict(evidence, plan, l),
            unapproved: evidence.unapproved,
            rehearsal: evidence.mode == Mode::Rehearsal,
            summary: summary(evidence, plan, l),
            blocked: blocked(evidence, l),
            digests: digests(evidence, plan, l),
            tables: counts::tables(evidence),
            counts: counts::counts(evidence, l),
            steps: steps(evidence, plan, l),
            backups: backups::backups(evidence, plan, l),
            notes: notes(evidence),
            inputs: plan
                .inputs
                .iter()
                .map(|(name, digest)| (name.clone(), digest.clone()))
                .collect(),
            run: evidence.run.clone(),
            records: count(evidence.journal.records),
            head: evidence.journal.head.clone(),
            verify: vec![format!("ventana report verify {}", backups::shell(&evidence.run))],
            by_hand: vec![format!(
                "sed -n {}p journal.jsonl | tr -d '\\n' | sha256sum",
                evidence.journal.records
            )],
        }
    }
}

fn summary(evidence: &Evidence, plan: &Plan, l: Language) -> Vec<(&'static str, String, bool)> {
    let mut rows = vec![
        (
            l.pick("Servicio", "Service"),
            format!("{} ({})", evidence.service, evidence.environment),
            false,
        ),
        (
            l.pick("Base de datos", "Database"),
            format!("{} ({})", plan.database.database, plan.database.dialect),
            false,
        ),
    ];
    if let Some(release) = &plan.release {
        let from = release.from.as_deref().unwrap_or("—");
        rows.push((
            l.pick("Versión", "Release"),
            format!("{from} → {}", release.to),
            false,
        ));
    }
    rows.push((l.pick("Ejecución", "Run"), evidence.run.clone(), true));
    rows.push((l.pick("Inicio", "Started"), moment(evidence.started_at), false));
    if let Some(ended) = evidence.ended_at {
        let took = duration_ms(between(evidence.started_at, ended));
        rows.push((
            l.pick("Fin", "Ended"),
            format!("{} ({took})", moment(ended)),
            false,
        ));
    }
    if let (Some(outcome), Some(code)) = (evidence.outcome, evidence.exit_code) {
        let code = format!("{outcome}, {} {code}", l.pick("código de salida", "exit code"));
        rows.push((l.pick("Resultado", "Outcome"), code, false));
    }
    rows.push((
        l.pick("Digest del plan", "Plan digest"),
        evidence.plan_digest.clone(),
        true,
    ));
    rows
}

fn blocked(evidence: &Evidence, l: Language) -> BlockedView {
    let blocked = &evidence.blocked_ms;
    let mut parts: Vec<(String, u64)> = Vec::new();
    // In the plan's order; a step that the plan does not know comes last.
    for step in &evidence.steps {
        parts.extend(blocked.by_step.get(&step.id).map(|ms| (step.id.clone(), *ms)));
    }
    parts.extend(
        blocked
            .by_step
            .iter()
            .filter(|(id, _)| !evidence.steps.iter().any(|s| s.id == **id))
            .map(|(id, ms)| (id.clone(), *ms)),
    );
    let mut shares: Vec<Share> = parts
        .into_iter()
        .enumerate()
        .map(|(i, (step, ms))| share(step, ms, blocked.total, i % 8 + 1))
        .collect();
    if blocked.between_steps > 0 {
        let name = l.pick("entre pasos", "between steps").to_owned();
        shares.push(share(name, blocked.between_steps, blocked.total, 0));
    }
    BlockedView {
        total: duration_ms(blocked.total),
        none: blocked.total == 0 && !blocked.open,
        open: blocked.open,
        shares,
    }
}

fn share(step: String, ms: u64, total: u64, color: usize) -> Share {
    let percent = if total == 0 {
        0.0
    } else {
        ms as f64 * 100.0 / total as f64
    };
    Share {
        step,
        time: duration_ms(ms),
        percent: format!("{percent:.1}"),
        color,
    }
}

fn digests(evidence: &Evidence, plan: &Plan, l: Language) -> Digests {
    let (before, after) = (evidence.digest_before.clone(), evidence.digest_after.clone());
    let meaning = match (&before, &after) {
        (Some(before), Some(after)) if before == after => l.pick(
            "Iguales: el contenido al final es el que se vio en la valla.",
            "Equal: the content at the end is what was seen at the fence.",
        ),
        (Some(_), Some(_)) if plan.migration() => l.pick(
            "Distintos, como debe ser: la migración cambió el esquema, y el digest lo incluye. Los recuentos de abajo dicen qué fue de cada fila.",
            "Different, as it must be: the migration changed the schema, which is part of the digest. The counts below say what became of each row.",
        ),
        (Some(_), Some(_)) => l.pick("Distintos.", "Different."),
        (Some(_), None) => l.pick("Al final no se tomó ninguno.", "None was taken at the end."),
        (None, _) => l.pick("La valla no llegó a ponerse, o el digest no se tomó.", "The fence was never on, or no digest was taken there."),
    };
    let rows = verdict::rows(evidence).map(|(before, after)| (count(before), count(after)));
    Digests {
        before,
        after,
        rows,
        meaning,
    }
}

/// What the report asks of a plan.
trait Migrates {
    fn migration(&self) -> bool;
}

impl Migrates for Plan {
    fn migration(&self) -> bool {
        use engine::plan::StepKind;
        self.steps
            .iter()
            .any(|step| matches!(step.kind, StepKind::Migrate { .. } | StepKind::Statement { .. }))
    }
}

fn steps(evidence: &Evidence, plan: &Plan, l: Language) -> Vec<StepView> {
    let mut last = None;
    evidence
        .steps
        .iter()
        .map(|step| {
            let phase = (last != Some(step.phase)).then(|| phase_name(step.phase, l));
            last = Some(step.phase);
            let effect = wording::effect_of(plan, &step.id, &step.effect, l);
            step_view(
                step,
                effect,
                phase,
                evidence.blocked_ms.by_step.get(&step.id).copied(),
                l,
            )
        })
        .collect()
}

fn step_view(
    step: &StepEvidence,
    effect: String,
    phase: Option<&'static str>,
    blocked: Option<u64>,
    l: Language,
) -> StepView {
    let (tone, sign, status) = match step.status {
        Status::Pending => ("idle", "·", l.pick("no empezado", "not begun")),
        Status::Started => ("warn", "…", l.pick("a medias", "in the middle")),
        Status::Done => ("good", "✓", l.pick("hecho", "done")),
        Status::Failed => ("bad", "✗", l.pick("falló", "failed")),
        Status::UndoStarted => ("warn", "…", l.pick("deshaciéndose", "being taken back")),
        Status::Undone => ("back", "↺", l.pick("deshecho", "taken back")),
        Status::UndoFailed => (
            "bad",
            "✗",
            l.pick("no se pudo deshacer", "could not be taken back"),
        ),
    };
    let ran = step.attempts > 0;
    StepView {
        id: step.id.clone(),
        phase,
        effect,
        tone,
        sign,
        status,
        started: step
            .started_at
            .map(|at| at.strftime("%H:%M:%S").to_string())
            .unwrap_or_default(),
        time: if ran { duration_ms(step.ms) } else { String::new() },
        undo: step.undo_ms.map(duration_ms).unwrap_or_default(),
        blocked: blocked.map(duration_ms).unwrap_or_default(),
        attempts: step.attempts,
        error: step
            .error
            .as_ref()
            .map(|error| format!("{} ({})", error.message, error.code)),
        hint: step.error.as_ref().and_then(|error| error.hint.clone()),
        facts: facts(&step.facts),
    }
}

fn facts(facts: &Value) -> Option<String> {
    let empty = facts.is_null() || facts.as_object().is_some_and(serde_json::Map::is_empty);
    if empty {
        return None;
    }
    let text = format!("{facts:#}");
    match text.char_indices().nth(FACTS_SHOWN) {
        Some((end, _)) => Some(format!("{} …", &text[..end])),
        None => Some(text),
    }
}

fn notes(evidence: &Evidence) -> Vec<NoteView> {
    evidence
        .notes
        .iter()
        .map(|note| NoteView {
            at: moment(note.at),
            by: note.by.clone(),
            text: note.text.clone(),
            attachment: note
                .attachment
                .as_ref()
                .map(|file| (file.name.clone(), file.sha256.clone())),
        })
        .collect()
}

fn phase_name(phase: Phase, l: Language) -> &'static str {
    match phase {
        Phase::Prepare => l.pick("Preparación: el servicio atiende", "Prepare: the service is live"),
        Phase::Window => l.pick("Ventana: con la valla puesta", "Window: the fence is on"),
        Phase::After => l.pick("Después: se quita la valla", "After: the fence is lifted"),
    }
}

fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

fn between(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.as_millisecond() - from.as_millisecond()).unwrap_or(0)
}
