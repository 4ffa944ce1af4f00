//! The JSON lines of `--json`: stable, one object each, `event` first among equals.

use engine::fault::StepError;
use engine::journal::Found;
use engine::outcome::Outcome;
use engine::plan::{Plan, StepSpec};
use engine::runner::Progress;
use serde_json::{Value, json};

pub(super) fn opened(title: &str, plan: &Plan) -> Value {
    json!({"event": "opened", "title": title, "steps": plan.steps.len()})
}

pub(super) fn started(spec: &StepSpec, attempt: u32) -> Value {
    json!({"event": "step_started", "step": spec.id, "kind": spec.kind.name(), "phase": spec.phase, "attempt": attempt})
}

pub(super) fn finished(spec: &StepSpec, ms: u64, facts: &Value, adopted: bool) -> Value {
    json!({"event": "step_finished", "step": spec.id, "ms": ms, "facts": facts, "adopted": adopted})
}

/// `event` is `step_failed` or `undo_failed`.
pub(super) fn failed(event: &str, spec: &StepSpec, ms: u64, error: &StepError) -> Value {
    json!({"event": event, "step": spec.id, "ms": ms, "error": error})
}

pub(super) fn probed(spec: &StepSpec, found: Found, detail: &str) -> Value {
    json!({"event": "probed", "step": spec.id, "found": found, "detail": detail})
}

pub(super) fn undo_started(spec: &StepSpec) -> Value {
    json!({"event": "undo_started", "step": spec.id})
}

pub(super) fn undo_finished(spec: &StepSpec, ms: u64, facts: &Value) -> Value {
    json!({"event": "undo_finished", "step": spec.id, "ms": ms, "facts": facts})
}

pub(super) fn progress(spec: &StepSpec, progress: &Progress) -> Value {
    let Progress {
        done,
        total,
        unit,
        note,
    } = progress;
    json!({"event": "progress", "step": spec.id, "done": done, "total": total, "unit": unit, "note": note})
}

pub(super) fn log(spec: &StepSpec, line: &str) -> Value {
    json!({"event": "log", "step": spec.id, "line": line})
}

/// `blocked_ms` only when the fence is lifted by the process that put it on; the report always has it.
pub(super) fn fence(on: bool, blocked_ms: Option<u64>) -> Value {
    json!({"event": "fence", "on": on, "blocked_ms": blocked_ms})
}

pub(super) fn held(step: Option<&str>, reason: &str, hint: Option<&str>) -> Value {
    json!({"event": "held", "step": step, "reason": reason, "hint": hint})
}

pub(super) fn interrupted() -> Value {
    json!({"event": "interrupted"})
}

pub(super) fn closed(outcome: Outcome, exit_code: u8) -> Value {
    json!({"event": "closed", "outcome": outcome, "exit_code": exit_code})
}
