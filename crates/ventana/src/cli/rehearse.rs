//! `ventana rehearse`

use super::{Context, Done};
use crate::error::exit;
use crate::ui::{Live, format};
use crate::window::rehearsal::{self, Rehearsed};
use crate::window::{planner, runs};
use engine::plan::PlanFile;
use engine::runner::Watcher;
use serde_json::{Value, json};

/// Options of `rehearse`.
#[derive(clap::Args)]
pub struct Args {}

pub fn run(cx: &Context, _args: Args) -> Done {
    runs::none_open(&cx.config)?;
    let plan = planner::make(&cx.config)?;
    let rehearsed = rehearse(cx, &plan)?;
    cx.out.result(&document(&rehearsed), || text(cx, &rehearsed));
    Ok(if rehearsed.passed() { 0 } else { exit::VERIFICATION })
}

/// Rehearses with a live view.
pub fn rehearse(cx: &Context, plan: &PlanFile) -> Result<Rehearsed, crate::error::Failure> {
    let out = cx.out;
    rehearsal::rehearse(&cx.config, plan, out, &|plan: &PlanFile, what: &str| {
        let title = match what {
            "rehearsal" => out.language.pick(
                "ensayo sobre una copia restaurada",
                "rehearsal on a restored copy",
            ),
            _ => out
                .language
                .pick("ensayo de la vuelta atrás", "rehearsal of the rollback"),
        };
        Box::new(Live::new(out, &plan.plan, &plan.expected_ms, title.to_string())) as Box<dyn Watcher>
    })
}

fn document(rehearsed: &Rehearsed) -> Value {
    json!({
        "passed": rehearsed.passed(),
        "run": rehearsed.forward.run,
        "forward": rehearsed.forward.evidence.outcome,
        "back": rehearsed.back.evidence.outcome,
        "digest_before": rehearsed.digest,
        "digest_after": rehearsed.back.evidence.digest_after,
        "blocked_ms": rehearsed.forward.evidence.blocked_ms.total,
        "steps": rehearsed.forward.evidence.steps.iter().map(|s| json!({"id": s.id, "ms": s.ms, "error": s.error})).collect::<Vec<_>>(),
        "journal": rehearsed.forward.dir.join(crate::window::JOURNAL),
    })
}

fn text(cx: &Context, rehearsed: &Rehearsed) -> String {
    let pick = |es, en| cx.out.language.pick(es, en);
    let verdict = if rehearsed.passed() {
        pick(
            "ensayo superado: adelante y atrás, con el mismo digest",
            "rehearsal passed: forward and back, same digest",
        )
    } else {
        pick("el ensayo NO se superó", "the rehearsal did NOT pass")
    };
    format!(
        "{verdict}\n{}: {}\n{}: {}",
        pick("escrituras detenidas, previsto", "writes blocked, expected"),
        format::duration_ms(rehearsed.forward.evidence.blocked_ms.total),
        pick("diario", "journal"),
        rehearsed.forward.dir.join(crate::window::JOURNAL).display()
    )
}
