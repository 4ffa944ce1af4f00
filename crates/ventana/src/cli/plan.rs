//! `ventana plan`

use super::{Context, Done};
use crate::error::Failure;
use crate::ui::{Output, table, wording};
use crate::window::{PLAN, planner, runs};
use engine::plan::PlanFile;
use serde_json::{Value, json};

/// Options of `plan`.
#[derive(clap::Args)]
pub struct Args {}

pub fn run(cx: &Context, _args: Args) -> Done {
    runs::none_open(&cx.config)?;
    let plan = planner::make(&cx.config)?;
    let dir = cx.config.state_dir();
    std::fs::create_dir_all(&dir).map_err(crate::error::io(format!(
        "cannot make the state folder {}",
        dir.display()
    )))?;
    plan.save(&dir.join(PLAN))?;
    cx.out.result(&document(&plan), || text(&plan, cx.out));
    Ok(0)
}

/// The plan as JSON.
pub fn document(plan: &PlanFile) -> Value {
    let steps: Vec<Value> = plan
        .plan
        .steps
        .iter()
        .map(|s| {
            json!({ "id": s.id, "kind": s.kind.name(), "phase": s.phase, "effect": s.effect, "undo": s.undo.how(),
                "expected_ms": plan.expected_ms.get(&s.id) })
        })
        .collect();
    json!({ "plan_digest": plan.plan_digest, "service": plan.plan.service, "environment": plan.plan.environment,
        "database": plan.plan.database, "release": plan.plan.release, "migration": migration(plan), "inputs": plan.plan.inputs, "steps": steps })
}

/// The migration's start state, and what else uses the columns that change; or that there is nothing to do.
fn migration(plan: &PlanFile) -> Value {
    let Ok(start) = planner::start_of(&plan.plan) else {
        return Value::Null;
    };
    match (start.migration, start.already) {
        (Some(m), _) => json!({ "id": m.id, "state": m.state, "uses": m.uses }),
        (None, Some(a)) => json!({ "id": a.id, "state": a.state, "note": "nothing to do" }),
        (None, None) => Value::Null,
    }
}

/// The plan for people.
pub fn text(plan: &PlanFile, out: Output) -> String {
    let pick = |es, en| out.language.pick(es, en);
    let head = [
        pick("paso", "step"),
        pick("efecto", "effect"),
        pick("cómo se deshace", "undo"),
        pick("previsto", "expected"),
    ];
    let mut rows = vec![head.map(str::to_string).to_vec()];
    for step in &plan.plan.steps {
        let expected = plan
            .expected_ms
            .get(&step.id)
            .map(|ms| crate::ui::format::duration_ms(*ms))
            .unwrap_or_default();
        rows.push(vec![
            step.id.clone(),
            wording::effect(step, out.language),
            wording::undo(step, out.language).unwrap_or_else(|| "—".into()),
            expected,
        ]);
    }
    let release = plan.plan.release.as_ref().map_or_else(String::new, |r| {
        format!(
            "{}: {} → {}\n",
            pick("versión", "release"),
            r.from.as_deref().unwrap_or("—"),
            r.to
        )
    });
    let migration = migration(plan);
    let said = |name: &str| {
        migration
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_string()
    };
    let migration = match &migration {
        Value::Null => String::new(),
        m if m.get("note").is_some() => {
            let nothing = pick("nada que hacer", "nothing to do");
            format!(
                "{}: {} ({}: {nothing})\n",
                pick("migración", "migration"),
                said("id"),
                said("state")
            )
        }
        m => {
            let uses: Vec<&str> = m["uses"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            let uses = if uses.is_empty() {
                "—".to_string()
            } else {
                uses.join(", ")
            };
            let also = pick("también usan la columna", "also using the column");
            format!(
                "{}: {} ({}; {also}: {uses})\n",
                pick("migración", "migration"),
                said("id"),
                said("state")
            )
        }
    };
    format!(
        "{}\n{}: {} ({})\n{release}{migration}{}: {}\n",
        table::render(&rows, out.columns),
        pick("base de datos", "database"),
        plan.plan.database.database,
        plan.plan.database.dialect,
        pick("digest del plan", "plan digest"),
        plan.plan_digest
    )
}

/// The plan that `ventana plan` made last, if it is still the plan that would be made now.
pub fn current(cx: &Context) -> Result<PlanFile, Failure> {
    let fresh = planner::make(&cx.config)?;
    let path = cx.config.state_dir().join(PLAN);
    if path.exists() {
        let kept = PlanFile::load(&path)?;
        if kept.plan_digest != fresh.plan_digest {
            return Err(Failure::usage(format!(
                "the plan in {} ({}) is not the plan that would be made now ({}): something that it pins has changed",
                path.display(),
                crate::ui::format::short(&kept.plan_digest),
                crate::ui::format::short(&fresh.plan_digest)
            ))
            .hint("read the new plan with `ventana plan`, then run again"));
        }
    }
    Ok(fresh)
}
