//! `ventana run`

use super::{Context, Done};
use crate::error::{Failure, exit};
use crate::host::clock::SystemClock;
use crate::ui::{Live, format};
use crate::window::drive::{Act, Drive, Ended, plan_of};
use crate::window::{expected, planner, runs};
use crate::world::{World, new_run_id};
use engine::journal::Mode;
use engine::plan::PlanFile;
use engine::runner::{self, Silent};
use engine::state::RunState;
use serde_json::{Value, json};
use std::sync::atomic::AtomicBool;

/// Options of `run`.
#[derive(clap::Args)]
pub struct Args {
    /// Print the plan and its checks on the real target; change nothing
    #[arg(long)]
    dry_run: bool,
    /// Run only this step of the plan, and those that it needs; for steps without effect
    #[arg(long, value_name = "STEP")]
    step: Option<String>,
}

pub fn run(cx: &Context, args: Args) -> Done {
    // First: a half migrated schema cannot even be planned for.
    runs::none_open(&cx.config)?;
    if args.dry_run {
        return dry_run(cx);
    }
    let mut plan = super::plan::current(cx)?;
    if let Some(step) = &args.step {
        plan = only(&plan, step)?;
    }
    let ended = begin(cx, &plan)?;
    cx.out.result(&ended.document(), || text(cx, &ended));
    Ok(ended.exit_code())
}

/// Begins a run of `plan` and drives it to its end.
pub fn begin(cx: &Context, plan: &PlanFile) -> Result<Ended, Failure> {
    let title = cx
        .out
        .language
        .pick("ventana de mantenimiento", "maintenance window")
        .to_string();
    let live = Live::new(cx.out, &plan.plan, &plan.expected_ms, title);
    begin_with(cx, plan, &live)
}

/// The same with another view.
pub fn begin_with(cx: &Context, plan: &PlanFile, watcher: &dyn runner::Watcher) -> Result<Ended, Failure> {
    let drive = Drive {
        config: &cx.config,
        address: cx.config.address()?.clone(),
        plan,
        id: new_run_id(&cx.config, ""),
        mode: Mode::Run,
        out: cx.out,
    };
    let ended = drive.go(Act::Begin, watcher)?;
    expected::keep(&cx.config, &ended.evidence);
    Ok(ended)
}

/// Takes up run `id` with its own plan and drives it to its end, forward or back.
pub fn go_on(cx: &Context, id: String, act: Act, title: &str) -> Result<Ended, Failure> {
    let plan = plan_of(&runs::dir(&cx.config, &id))?;
    let drive = Drive {
        config: &cx.config,
        address: cx.config.address()?.clone(),
        plan: &plan,
        id,
        mode: Mode::Run,
        out: cx.out,
    };
    let live = Live::new(cx.out, &plan.plan, &plan.expected_ms, title.to_owned());
    drive.go(act, &live)
}

/// A rehearsal worked on a copy that is gone: there is nothing to go on with, and nothing of the service to take back.
pub fn not_a_rehearsal(id: &str) -> Result<(), Failure> {
    if !runs::is_rehearsal(id) {
        return Ok(());
    }
    Err(Failure::usage(format!("{id} is a rehearsal: its copy is gone"))
        .hint("rehearse again with `ventana rehearse`"))
}

/// The plan with one step (and the backup that it works on): only what changes nothing can be run alone.
fn only(plan: &PlanFile, id: &str) -> Result<PlanFile, Failure> {
    use engine::plan::StepKind as K;
    let known: Vec<&str> = plan.plan.steps.iter().map(|s| s.id.as_str()).collect();
    let step = plan.plan.step(id).ok_or_else(|| {
        Failure::usage(format!("the plan has no step {id}"))
            .hint(format!("its steps are: {}", known.join(", ")))
    })?;
    if step.kind.has_effect() || step.phase != engine::plan::Phase::Prepare {
        return Err(Failure::usage(format!(
            "step {id} changes the service or belongs inside the window: it cannot be run alone"
        ))
        .hint("run the whole plan, or rehearse it with `ventana rehearse`"));
    }
    let needed = match &step.kind {
        K::Prove { backup } | K::VerifyBackup { backup, .. } | K::OffSite { backup, .. } => {
            Some(backup.clone())
        }
        _ => None,
    };
    let mut part = plan.plan.clone();
    part.steps
        .retain(|s| s.id == id || Some(&s.id) == needed.as_ref());
    PlanFile::new(part, plan.created_at).map_err(|e| Failure::failed("plan", e.to_string()))
}

/// Every preflight on the real target, nothing else. It proves that it changed nothing: the schema's structure and the
/// content digest are read before and after.
fn dry_run(cx: &Context) -> Done {
    let plan = planner::make(&cx.config)?;
    let start = planner::start_of(&plan.plan)?;
    let run = new_run_id(&cx.config, "-dry");
    // Named, never made: a dry run leaves nothing behind.
    let dir = cx.config.state_dir().join("runs").join(&run);
    let world = World::new(
        cx.config.clone(),
        cx.config.address()?.clone(),
        start,
        &run,
        dir,
        false,
    );
    let digest = |world: &World| -> Result<String, Failure> {
        let mut live = world.live()?;
        Ok(db::digest::compute(live.db(), None, &mut db::progress::silent())?.digest)
    };
    let before = digest(&world)?;
    let clock = SystemClock::start();
    let mut state = RunState::default();
    let interrupt = AtomicBool::new(false);
    let Some(first) = plan.plan.steps.first() else {
        return Err(Failure::usage("the plan has no steps"));
    };
    let mut context = runner::Context::dry(&plan.plan, first, &mut state, &clock, &Silent, &interrupt);
    let results = runner::preflight_all(&plan.plan, &world, &mut context);
    let after = digest(&world)?;
    let checks: Vec<Value> = results
        .iter()
        .map(|(id, result)| match result {
            Ok(()) => json!({ "step": id, "ok": true }),
            Err(e) => {
                json!({ "step": id, "ok": false, "code": e.code, "message": e.message, "hint": e.hint })
            }
        })
        .collect();
    let ok = results.iter().all(|(_, r)| r.is_ok());
    let mut document = super::plan::document(&plan);
    document["dry_run"] = json!({ "ok": ok, "checks": checks, "digest_before": before, "digest_after": after, "unchanged": before == after });
    cx.out.result(&document, || {
        let mut text = super::plan::text(&plan, cx.out);
        for (id, result) in &results {
            match result {
                Ok(()) => text.push_str(&format!("  ✓ {id}\n")),
                Err(e) => {
                    text.push_str(&format!("  ✗ {id}: {}\n", e.message));
                    if let Some(hint) = &e.hint {
                        text.push_str(&format!(
                            "      {} {hint}\n",
                            cx.out.language.pick("siguiente:", "next:")
                        ));
                    }
                }
            }
        }
        let verdict = if before == after {
            cx.out.language.pick(
                "nada cambió: digest antes y después",
                "nothing changed: digest before and after",
            )
        } else {
            cx.out.language.pick(
                "los datos cambiaron mientras tanto (escrituras del servicio)",
                "the data changed meanwhile (the service's own writes)",
            )
        };
        text.push_str(&format!("\n{verdict} {}\n", format::short(&after)));
        text
    });
    Ok(if ok { 0 } else { exit::FAILED })
}

/// A run's end for people.
pub fn text(cx: &Context, ended: &Ended) -> String {
    let pick = |es, en| cx.out.language.pick(es, en);
    let evidence = &ended.evidence;
    let verdict = match evidence.outcome {
        Some(engine::Outcome::Done) => pick(
            "hecho: el servicio está en la versión nueva",
            "done: the service is on the new release",
        ),
        Some(engine::Outcome::RolledBack) => pick(
            "vuelta atrás verificada: el servicio está exactamente donde estaba",
            "rolled back and verified: the service is exactly where it was",
        ),
        Some(engine::Outcome::Failed) => pick(
            "falló antes de cambiar nada",
            "failed before anything was changed",
        ),
        Some(engine::Outcome::Held) => pick("en espera: hace falta una persona", "held: a person is needed"),
        Some(engine::Outcome::RollbackFailed) => pick(
            "LA VUELTA ATRÁS FALLÓ: el servicio NO está restaurado",
            "ROLLBACK FAILED: the service is NOT restored",
        ),
        Some(engine::Outcome::Interrupted) | None => pick(
            "interrumpido: siga con `ventana resume`",
            "interrupted: go on with `ventana resume`",
        ),
    };
    let mut text = format!("{verdict}\n");
    if evidence.unapproved {
        let mark = pick("SIN APROBAR", "NOT APPROVED");
        text.push_str(&if cx.out.color {
            format!("\x1b[1;31m{mark}\x1b[0m\n")
        } else {
            format!("{mark}\n")
        });
    }
    let mut line = |label: &str, value: String| text.push_str(&format!("  {label:<22} {value}\n"));
    if let Some(digest) = &evidence.digest_before {
        line(pick("digest antes", "digest before"), digest.clone());
    }
    if let Some(digest) = &evidence.digest_after {
        line(pick("digest después", "digest after"), digest.clone());
    }
    line(
        pick("escrituras detenidas", "writes blocked"),
        format::duration_ms(evidence.blocked_ms.total),
    );
    let mut shares: Vec<(&String, &u64)> = evidence.blocked_ms.by_step.iter().collect();
    shares.sort_by(|a, b| b.1.cmp(a.1));
    for (step, ms) in shares.iter().take(4) {
        line("", format!("{step} {}", format::duration_ms(**ms)));
    }
    for step in evidence.steps.iter().filter(|s| s.kind == "backup") {
        if let Some(path) = step.facts.get("path").and_then(Value::as_str) {
            line(&step.id, path.to_string());
        }
    }
    line(
        pick("diario", "journal"),
        ended.dir.join(crate::window::JOURNAL).display().to_string(),
    );
    if let Some(report) = &ended.report {
        line(pick("informe", "report"), report.display().to_string());
    }
    text
}
