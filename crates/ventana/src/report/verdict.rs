//! What is now true, in one sentence that the evidence carries.

use crate::ui::Language;
use crate::ui::format::count;
use engine::Outcome;
use engine::evidence::Evidence;
use engine::journal::Mode;
use engine::outcome::EXIT_VERIFICATION_FAILED;
use engine::plan::Plan;
use serde_json::Value;

/// How the banner looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Good,
    Back,
    Warn,
    Bad,
}

impl Tone {
    /// The class in the style sheet.
    pub fn class(self) -> &'static str {
        match self {
            Tone::Good => "good",
            Tone::Back => "back",
            Tone::Warn => "warn",
            Tone::Bad => "bad",
        }
    }
}

/// The banner: tone, a word or two, and the sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub tone: Tone,
    pub head: String,
    pub sentence: String,
}

/// The verdict of a run. It claims no more than the evidence holds.
pub fn verdict(evidence: &Evidence, plan: &Plan, l: Language) -> Verdict {
    let (tone, head, mut sentence) = match evidence.outcome {
        Some(Outcome::Done) => done(evidence, plan, l),
        Some(Outcome::RolledBack) => rolled_back(evidence, l),
        Some(Outcome::Failed) => {
            let why = if evidence.exit_code == Some(EXIT_VERIFICATION_FAILED) {
                l.pick(
                    "Una verificación falló antes de cambiar nada",
                    "A verification failed before anything was changed",
                )
            } else {
                l.pick(
                    "Un paso falló antes de cambiar nada",
                    "A step failed before anything was changed",
                )
            };
            let text = l.pick("el servicio sigue como estaba.", "the service is as it was.");
            (
                Tone::Warn,
                l.pick("Falló, sin efecto", "Failed, nothing changed").to_owned(),
                format!("{why}: {text}"),
            )
        }
        Some(Outcome::Held) => {
            let text = l.pick(
                "Hace falta una persona: `ventana status` dice dónde está y cómo seguir.",
                "A person is needed: `ventana status` says where it stands and how to go on.",
            );
            (
                Tone::Warn,
                l.pick("En espera", "Held").to_owned(),
                text.to_owned(),
            )
        }
        Some(Outcome::RollbackFailed) => {
            let text = l.pick(
                "Un paso no se pudo deshacer: el servicio NO está restaurado. `ventana resume` lo intenta de nuevo.",
                "A step could not be taken back: the service is NOT restored. `ventana resume` tries again.",
            );
            (
                Tone::Bad,
                l.pick("La vuelta atrás falló", "Rollback failed").to_owned(),
                text.to_owned(),
            )
        }
        Some(Outcome::Interrupted) => {
            let text = l.pick(
                "Se detuvo a petición: `ventana resume` sigue, `ventana rollback` vuelve atrás.",
                "Stopped on request: `ventana resume` goes on, `ventana rollback` takes it back.",
            );
            (
                Tone::Warn,
                l.pick("Interrumpido", "Interrupted").to_owned(),
                text.to_owned(),
            )
        }
        None => {
            let text = l.pick(
                "Sigue en marcha, o su proceso murió: `ventana status` lo dice.",
                "It is still running, or its process died: `ventana status` says which.",
            );
            (
                Tone::Warn,
                l.pick("Sin terminar", "Not over").to_owned(),
                text.to_owned(),
            )
        }
    };
    if evidence.blocked_ms.open {
        sentence.push_str(l.pick(
            " La valla está PUESTA: no se acepta ninguna escritura.",
            " The fence is ON: no write is accepted.",
        ));
    }
    let head = match evidence.mode {
        Mode::Run => head,
        Mode::Rehearsal => format!("{}: {head}", l.pick("Ensayo", "Rehearsal")),
    };
    Verdict { tone, head, sentence }
}

fn done(evidence: &Evidence, plan: &Plan, l: Language) -> (Tone, String, String) {
    let head = l.pick("Hecho", "Done").to_owned();
    if evidence.mode == Mode::Rehearsal {
        let text = l.pick(
            "Los pasos del plan se completaron sobre una copia restaurada; el servicio no se tocó.",
            "The plan's steps went through on a restored copy; the service was not touched.",
        );
        return (Tone::Good, head, text.to_owned());
    }
    let now = match &plan.release {
        Some(release) => format!(
            "{} {} {} {}",
            l.pick("El servicio", "The service"),
            plan.service,
            l.pick("está en la versión", "is on release"),
            release.to
        ),
        None => format!(
            "{} {}",
            l.pick(
                "Todos los pasos del plan están hechos en",
                "Every step of the plan is done on"
            ),
            plan.service
        ),
    };
    match accounted(evidence) {
        Some(Ok(migrated)) => {
            let text = l.pick("y cada fila está justificada", "and every row is accounted for");
            let class = l.pick(
                "migradas, cada una en la clase que tenía",
                "migrated, each in the class it had before",
            );
            let all = rows(evidence).map_or_else(String::new, |(before, after)| {
                let (before, after) = (count(before), count(after));
                format!(
                    "{before} {}, {after} {}; ",
                    l.pick("filas antes", "rows before"),
                    l.pick("después", "after")
                )
            });
            (
                Tone::Good,
                head,
                format!("{now}, {text}: {all}{} {class}.", count(migrated)),
            )
        }
        Some(Err(())) => {
            let text = l.pick(
                "pero los recuentos de antes y después NO coinciden: vea abajo.",
                "but the counts before and after do NOT agree: see below.",
            );
            (Tone::Bad, head, format!("{now}, {text}"))
        }
        None => (Tone::Good, head, format!("{now}.")),
    }
}

fn rolled_back(evidence: &Evidence, l: Language) -> (Tone, String, String) {
    let head = l.pick("Vuelta atrás", "Rolled back").to_owned();
    let (tone, text) = match (&evidence.digest_before, &evidence.digest_after) {
        (Some(before), Some(after)) if before == after => (
            Tone::Back,
            l.pick(
                "Todo se deshizo y se verificó: los datos están exactamente como estaban, con el mismo digest que en la valla.",
                "Everything was taken back and verified: the data are exactly as they were, with the digest taken at the fence.",
            ),
        ),
        (Some(_), Some(_)) => (
            Tone::Bad,
            l.pick(
                "Los pasos se deshicieron, pero el digest NO es el de la valla: no dé el servicio por restaurado.",
                "The steps were taken back, but the digest is NOT the one at the fence: do not take the service for restored.",
            ),
        ),
        (Some(_), None) => (
            Tone::Warn,
            l.pick(
                "Los pasos se deshicieron; después no se tomó ningún digest que lo demuestre.",
                "The steps were taken back; no digest was taken afterwards to prove it.",
            ),
        ),
        (None, _) => (
            Tone::Back,
            l.pick(
                "Todo se deshizo antes de tomar el digest en la valla: los datos no llegaron a cambiar dentro de la ventana.",
                "Everything was taken back before the digest at the fence was taken: nothing was changed under the fence.",
            ),
        ),
    };
    (tone, head, text.to_owned())
}

/// Rows of the whole database at the fence and at the lift, if both were counted.
pub fn rows(evidence: &Evidence) -> Option<(u64, u64)> {
    let of = |kind: &str| {
        evidence
            .steps
            .iter()
            .find(|step| step.kind == kind)?
            .facts
            .get("rows")?
            .as_u64()
    };
    Some((of("digest")?, of("lift")?))
}

/// Whether the counts after equal the counts before; the number of rows that were put into classes, if they do.
/// `None` where a run has not counted.
pub fn accounted(evidence: &Evidence) -> Option<Result<u64, ()>> {
    let before = fact(evidence, "counts_before")?;
    let after = fact(evidence, "counts_after")?;
    if before != after {
        return Some(Err(()));
    }
    // Findings overlap; classes do not.
    let classes = before.get("classes").and_then(Value::as_object)?;
    Some(Ok(classes.values().filter_map(Value::as_u64).sum()))
}

/// The first step that has this fact says it.
pub fn fact<'a>(evidence: &'a Evidence, name: &str) -> Option<&'a Value> {
    evidence
        .steps
        .iter()
        .find_map(|step| step.facts.get(name))
        .filter(|value| !value.is_null())
}
