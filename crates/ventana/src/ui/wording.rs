//! What a step does and how it is taken back, in the reader's language. A plan holds the English words, whoever made it,
//! so that its digest depends on no language; the Spanish ones are made of what kind of step it is.

use super::Language;
use engine::plan::{Checks, Phase, Plan, StepKind, StepSpec, VerifyMode};

/// What the step does, in one sentence.
pub fn effect(spec: &StepSpec, language: Language) -> String {
    let spanish = (language == Language::Es).then(|| efecto(spec)).flatten();
    spanish.unwrap_or_else(|| spec.effect.clone())
}

/// As [`effect`], of the plan's step `id`; `words` are its own, as the evidence has them.
pub fn effect_of(plan: &Plan, id: &str, words: &str, language: Language) -> String {
    plan.step(id)
        .map_or_else(|| words.to_owned(), |spec| effect(spec, language))
}

/// How the step is taken back, in one sentence; `None` where nothing is.
pub fn undo(spec: &StepSpec, language: Language) -> Option<String> {
    let how = spec.undo.how()?;
    let spanish = (language == Language::Es).then(|| vuelta(&spec.kind)).flatten();
    Some(spanish.unwrap_or(how).to_owned())
}

/// `None` where the step's own words are nobody's language (a statement) or a person's (a question).
fn efecto(spec: &StepSpec) -> Option<String> {
    let copy = |step: &str| step.rsplit('_').next().unwrap_or(step).to_uppercase();
    let text = match &spec.kind {
        StepKind::Statement { .. } | StepKind::Confirm { .. } => return None,
        StepKind::Preflight => "comprueba todo lo que los pasos siguientes necesitan; no cambia nada".into(),
        StepKind::Backup { label } => {
            let base = match spec.phase {
                Phase::Prepare => "de la base viva",
                Phase::Window | Phase::After => "de la base tras la valla",
            };
            format!("hace la copia {} {base}", label.to_uppercase())
        }
        StepKind::Prove { backup } => format!(
            "restaura la copia {} en una base de prueba y compara el digest",
            copy(backup)
        ),
        StepKind::VerifyBackup { backup, mode } => match mode {
            VerifyMode::Restore => format!(
                "vuelve a leer la copia {}, la restaura en una base de prueba y compara el digest",
                copy(backup)
            ),
            VerifyMode::Files => format!(
                "vuelve a leer la copia {} y compara su digest con el de la base viva",
                copy(backup)
            ),
        },
        StepKind::OffSite { backup, .. } => {
            format!(
                "lleva la copia {} fuera del sitio y la vuelve a leer allí",
                copy(backup)
            )
        }
        StepKind::Stage { release, .. } => format!("deja la versión {release} junto a la desplegada"),
        StepKind::Backfill { table, .. } => {
            format!("llena la columna nueva de {table} por tandas cortas; se sigue escribiendo")
        }
        StepKind::Proof { .. } => "prueba cada fila de la columna nueva contra la antigua".into(),
        StepKind::Migrate { migration } => {
            format!("ejecuta la migración {migration} en una sola transacción")
        }
        StepKind::Fence => "ninguna escritura llega a los datos; se sigue leyendo".into(),
        StepKind::Digest { label } if label == "start" => "toma el digest del contenido de la copia".into(),
        StepKind::Digest { .. } => "toma el digest del contenido con la valla puesta".into(),
        StepKind::SameDigest { .. } if spec.phase == Phase::Prepare => {
            "prueba que la expansión y el llenado no cambiaron ningún valor que ya estaba".into()
        }
        StepKind::SameDigest { .. } => "prueba que nada se escribió desde la valla".into(),
        StepKind::Switch { release } => format!("`current` pasa a la versión {release}"),
        StepKind::Restart => "reinicia el servicio en la versión que `current` nombra".into(),
        StepKind::Smoke { checks } => match checks {
            Checks::Read => "pregunta al servicio en marcha; solo lee".into(),
            Checks::Write => "pide al servicio que escriba".into(),
        },
        StepKind::Invariants { .. } => "cada clase, hallazgo e invariante es lo que era".into(),
        StepKind::Lift => "toma el digest de después y quita la valla".into(),
        StepKind::Watch { .. } => "vigila la salud del servicio".into(),
    };
    Some(text)
}

/// `None` where the words are the plan's own (a statement), or the kind has no undo.
fn vuelta(kind: &StepKind) -> Option<&'static str> {
    match kind {
        StepKind::Preflight => Some("el esquema es el mismo del que partió el plan"),
        StepKind::Fence => Some("quitar la valla"),
        StepKind::Digest { .. } => Some(
            "el digest completo de la base viva es igual a este; si no, se restaura la copia B sobre la base viva",
        ),
        StepKind::Migrate { .. } => Some("revertir la transacción; una vez confirmada, la migración inversa"),
        StepKind::Switch { .. } => Some("`current` vuelve a la versión anterior"),
        StepKind::Restart => Some("reiniciar el servicio en la versión que `current` nombra"),
        StepKind::Lift => Some("poner la valla otra vez; se niega si algo se escribió desde entonces"),
        StepKind::Backup { .. }
        | StepKind::Prove { .. }
        | StepKind::VerifyBackup { .. }
        | StepKind::OffSite { .. }
        | StepKind::Stage { .. }
        | StepKind::Statement { .. }
        | StepKind::Backfill { .. }
        | StepKind::Proof { .. }
        | StepKind::SameDigest { .. }
        | StepKind::Smoke { .. }
        | StepKind::Invariants { .. }
        | StepKind::Watch { .. }
        | StepKind::Confirm { .. } => None,
    }
}
