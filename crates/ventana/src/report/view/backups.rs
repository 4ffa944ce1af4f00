//! The backups of a run, where they lie, and what to type to restore them.

use crate::ui::Language;
use crate::ui::format::{bytes, count};
use engine::evidence::{Evidence, StepEvidence};
use engine::plan::{Plan, StepKind};
use engine::state::Status;
use serde_json::Value;

pub(in crate::report) struct BackupView {
    pub(in crate::report) step: String,
    pub(in crate::report) path: String,
    pub(in crate::report) id: String,
    pub(in crate::report) digest: String,
    pub(in crate::report) size: String,
    pub(in crate::report) proven: String,
    pub(in crate::report) replicas: Vec<String>,
    /// Commands.
    pub(in crate::report) restore: Vec<String>,
    /// Commands that need no `ventana`.
    pub(in crate::report) by_hand: Vec<String>,
}

pub(super) fn backups(evidence: &Evidence, plan: &Plan, l: Language) -> Vec<BackupView> {
    evidence
        .steps
        .iter()
        .filter(|step| step.kind == "backup")
        .filter_map(|step| backup(step, evidence, plan, l))
        .collect()
}

fn backup(step: &StepEvidence, evidence: &Evidence, plan: &Plan, l: Language) -> Option<BackupView> {
    let text = |name: &str| {
        step.facts
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let number = |name: &str| step.facts.get(name).and_then(Value::as_u64);
    let path = text("path");
    if path.is_empty() {
        return None;
    }
    let stored = number("stored_bytes")
        .map(|n| format!(" ({} {})", bytes(n), l.pick("comprimidos", "compressed")))
        .unwrap_or_default();
    let rows = number("rows")
        .map(|n| format!("{} {} · ", count(n), l.pick("filas", "rows")))
        .unwrap_or_default();
    let size = format!("{rows}{}{stored}", number("bytes").map(bytes).unwrap_or_default());
    let replicas = users(
        step,
        evidence,
        plan,
        |kind, of| matches!(kind, StepKind::OffSite { backup, .. } if backup == of),
    )
    .flat_map(places)
    .collect();
    Some(BackupView {
        proven: proven(step, evidence, plan, l),
        replicas,
        restore: vec![format!(
            "ventana restore {} --into {}",
            shell(&path),
            target(plan)
        )],
        by_hand: vec![format!(
            "sh {} {}",
            shell(&format!("{path}/restore.sh")),
            target(plan)
        )],
        step: step.id.clone(),
        id: text("id"),
        digest: text("digest"),
        size,
        path,
    })
}

/// Where a step has copied to. Journals written when there was one replica have its path alone.
fn places(step: &StepEvidence) -> Vec<String> {
    let path = |fact: &Value| fact.get("path").and_then(Value::as_str).map(str::to_owned);
    match step.facts.get("replicas").and_then(Value::as_array) {
        Some(replicas) => replicas.iter().filter_map(path).collect(),
        None => step
            .facts
            .get("path")
            .and_then(Value::as_str)
            .map(str::to_owned)
            .into_iter()
            .collect(),
    }
}

/// The steps that are done and work on this backup in this way.
fn users<'a>(
    backup: &'a StepEvidence,
    evidence: &'a Evidence,
    plan: &'a Plan,
    wanted: fn(&StepKind, &str) -> bool,
) -> impl Iterator<Item = &'a StepEvidence> {
    evidence
        .steps
        .iter()
        .filter(|step| step.status == Status::Done)
        .filter(move |step| {
            plan.step(&step.id)
                .is_some_and(|spec| wanted(&spec.kind, &backup.id))
        })
}

fn proven(step: &StepEvidence, evidence: &Evidence, plan: &Plan, l: Language) -> String {
    let restored = |step: &StepEvidence| {
        step.kind == "prove" || step.facts.get("restored").is_some_and(|f| !f.is_null())
    };
    let mut by = users(step, evidence, plan, |kind, of| {
        matches!(kind, StepKind::Prove { backup } | StepKind::VerifyBackup { backup, .. } if backup == of)
    })
    .peekable();
    if by.peek().is_none() {
        return l.pick("NO se comprobó", "NOT proven").to_owned();
    }
    if by.any(restored) {
        l.pick(
            "restaurada, y la copia dio su digest",
            "restored, and the copy gave its digest",
        )
        .to_owned()
    } else {
        l.pick("sus archivos se releyeron", "its files were re-read")
            .to_owned()
    }
}

/// Never the live name: a restore goes beside it first.
fn target(plan: &Plan) -> String {
    match plan.database.dialect.as_str() {
        "sqlite" => "restored.db".to_owned(),
        _ => shell(&format!("{}_restored", plan.database.database)),
    }
}

/// A word for a POSIX shell.
pub(super) fn shell(word: &str) -> String {
    let plain = |c: char| {
        c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+' | ':' | '@' | '%' | ',')
    };
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::shell;

    #[test]
    fn words_for_the_shell() {
        assert_eq!(
            shell("/var/backups/inv/inv_20251106_230000"),
            "/var/backups/inv/inv_20251106_230000"
        );
        assert_eq!(
            shell("/tmp/it's here; rm -rf ~"),
            r"'/tmp/it'\''s here; rm -rf ~'"
        );
        assert_eq!(shell(""), "''");
    }
}
