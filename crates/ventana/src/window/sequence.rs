//! The order of a window's steps (docs/WINDOW.md §1): a pure function of what the plan knows.

use crate::config::{File, Migration};
use crate::world::Pinned;
use db::Dialect;
use engine::plan::{Checks, OnFailure, Part, Phase, StepKind, StepSpec, Undo, VerifyMode};

/// What decides which steps there are.
pub(super) struct Inputs<'a> {
    pub(super) dialect: Dialect,
    pub(super) file: &'a File,
    pub(super) release: Option<&'a str>,
    pub(super) source: Option<String>,
    pub(super) migration: Option<&'a Pinned>,
}

/// Puts the steps in order.
pub(super) fn steps(inputs: &Inputs<'_>) -> Vec<StepSpec> {
    let mut steps = Vec::new();
    prepare(inputs, &mut steps);
    window(inputs, &mut steps);
    after(inputs, &mut steps);
    steps
}

fn step(phase: Phase, id: &str, kind: StepKind, effect: &str) -> StepSpec {
    let on_failure = OnFailure::Rollback;
    StepSpec {
        id: id.into(),
        phase,
        kind,
        effect: effect.into(),
        undo: Undo::None,
        on_failure,
    }
}

fn reverse(mut spec: StepSpec, how: &str) -> StepSpec {
    spec.undo = Undo::Reverse { how: how.into() };
    spec
}

fn last(mut spec: StepSpec, how: &str) -> StepSpec {
    spec.undo = Undo::Last { how: how.into() };
    spec
}

fn prepare(inputs: &Inputs<'_>, steps: &mut Vec<StepSpec>) {
    let p = Phase::Prepare;
    let a = || "backup_a".to_string();
    let preflight = step(
        p,
        "preflight",
        StepKind::Preflight,
        "checks everything that later steps need; changes nothing",
    );
    steps.push(last(
        preflight,
        "the schema is the one that the plan started from",
    ));
    steps.push(step(
        p,
        "backup_a",
        StepKind::Backup { label: "a".into() },
        "backs the live database up",
    ));
    steps.push(step(
        p,
        "prove_a",
        StepKind::Prove { backup: a() },
        "restores backup A into a scratch copy and compares the digest",
    ));
    if let Some(to) = off_site(inputs.file) {
        let kind = StepKind::OffSite { backup: a(), to };
        steps.push(step(
            p,
            "off_site_a",
            kind,
            "copies backup A off-site and re-reads it there",
        ));
    }
    if let (Some(release), Some(source)) = (inputs.release, &inputs.source) {
        let kind = StepKind::Stage {
            release: release.into(),
            source: source.clone(),
        };
        steps.push(step(
            p,
            "stage",
            kind,
            &format!("lays release {release} beside the deployed one"),
        ));
    }
    let Some(pinned) = inputs.migration.filter(|_| inputs.dialect != Dialect::Sqlite) else {
        return;
    };
    statements(steps, p, pinned, Part::Expand);
    statements(steps, p, pinned, Part::Sync);
    if let Some(backfill) = &pinned.online.backfill {
        let kind = StepKind::Backfill {
            migration: pinned.id.clone(),
            table: backfill.table.clone(),
            key: backfill.key.clone(),
            column: backfill.set.split('=').next().unwrap_or("").trim().into(),
            batch: backfill.batch,
        };
        let effect = format!(
            "fills the new column of {} in short batches, writers go on",
            backfill.table
        );
        steps.push(step(p, "backfill", kind, &effect));
    }
    let proof = StepKind::Proof {
        migration: pinned.id.clone(),
    };
    steps.push(step(
        p,
        "proof",
        proof,
        "proves every row of the new column against the old one",
    ));
}

fn window(inputs: &Inputs<'_>, steps: &mut Vec<StepSpec>) {
    let p = Phase::Window;
    let b = || "backup_b".to_string();
    steps.push(last(
        step(
            p,
            "fence",
            StepKind::Fence,
            "no writes reach the data, reads stay live",
        ),
        "lift the fence",
    ));
    steps.push(last(
        step(
            p,
            "digest_before",
            StepKind::Digest {
                label: "before".into(),
            },
            "takes the content digest at the fence",
        ),
        "the full live digest equals this one; else backup B is restored over the live database",
    ));
    steps.push(step(
        p,
        "backup_b",
        StepKind::Backup { label: "b".into() },
        "backs the fenced database up",
    ));
    let mode = match inputs.file.backup.verify_final {
        crate::config::VerifyFinal::Restore => VerifyMode::Restore,
        crate::config::VerifyFinal::Files => VerifyMode::Files,
    };
    let effect = match mode {
        VerifyMode::Restore => "re-reads backup B, restores it into a scratch copy and compares the digest",
        VerifyMode::Files => "re-reads backup B and compares its digest with the live one",
    };
    steps.push(step(
        p,
        "verify_b",
        StepKind::VerifyBackup { backup: b(), mode },
        effect,
    ));
    if let Some(pinned) = inputs.migration {
        let kind = StepKind::SameDigest {
            label: "before the contract".into(),
            as_at: "digest_before".into(),
        };
        steps.push(step(
            p,
            "proof_fenced",
            kind,
            "proves that nothing was written since the fence",
        ));
        if inputs.dialect == Dialect::Sqlite {
            let kind = StepKind::Migrate {
                migration: pinned.id.clone(),
            };
            let effect = format!("runs migration {} in one transaction", pinned.id);
            steps.push(reverse(
                step(p, "migrate", kind, &effect),
                "roll the transaction back; once committed, the reverse migration",
            ));
        } else {
            statements(steps, p, pinned, Part::Contract);
        }
    }
    if let Some(release) = inputs.release {
        let kind = StepKind::Switch {
            release: release.into(),
        };
        let switch = step(
            p,
            "switch",
            kind,
            &format!("points `current` at release {release}"),
        );
        steps.push(reverse(switch, "point `current` at the release before"));
    }
    if inputs.file.process.is_some() {
        let restart = step(
            p,
            "restart",
            StepKind::Restart,
            "restarts the service on the release that `current` names",
        );
        steps.push(last(
            restart,
            "restart the service on the release that `current` names",
        ));
    }
    if inputs.file.smoke.is_some() {
        steps.push(step(
            p,
            "smoke",
            StepKind::Smoke { checks: Checks::Read },
            "asks the running service; reads only",
        ));
    }
    if let Some(pinned) = inputs.migration {
        let kind = StepKind::Invariants {
            migration: pinned.id.clone(),
        };
        steps.push(step(
            p,
            "invariants",
            kind,
            "every class, finding and invariant is what it was",
        ));
    }
}

fn after(inputs: &Inputs<'_>, steps: &mut Vec<StepSpec>) {
    let p = Phase::After;
    let hold = |mut spec: StepSpec| {
        spec.on_failure = OnFailure::Hold;
        spec
    };
    let lift = step(
        p,
        "lift",
        StepKind::Lift,
        "takes the digest after, and lifts the fence",
    );
    steps.push(reverse(
        lift,
        "put the fence on again; refused when anything was written since",
    ));
    if inputs
        .file
        .smoke
        .as_ref()
        .is_some_and(|s| s.check.iter().any(|c| c.write))
    {
        steps.push(hold(step(
            p,
            "smoke_write",
            StepKind::Smoke {
                checks: Checks::Write,
            },
            "asks the service to write",
        )));
    }
    if inputs.file.watch.seconds > 0 {
        let kind = StepKind::Watch {
            seconds: inputs.file.watch.seconds,
        };
        steps.push(hold(step(p, "watch", kind, "watches the service's health")));
    }
    if let Some(to) = off_site(inputs.file) {
        let kind = StepKind::OffSite {
            backup: "backup_b".into(),
            to,
        };
        steps.push(hold(step(
            p,
            "off_site_b",
            kind,
            "copies backup B off-site and re-reads it there",
        )));
    }
}

/// The names of all replicas, where there is one.
fn off_site(file: &File) -> Option<String> {
    let names: Vec<String> = file.replicas().into_iter().map(|(name, _)| name).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// One step for each statement of a part.
fn statements(steps: &mut Vec<StepSpec>, phase: Phase, pinned: &Pinned, part: Part) {
    let (changes, name) = match part {
        Part::Expand => (&pinned.online.expand, "expand"),
        Part::Sync => (&pinned.online.sync, "sync"),
        Part::Contract => (&pinned.online.contract, "contract"),
    };
    for (i, change) in changes.iter().enumerate() {
        let kind = StepKind::Statement {
            migration: pinned.id.clone(),
            part,
            index: i as u32,
            sql: change.sql.clone(),
            undo_sql: change.undo.clone(),
        };
        let short: String = change
            .sql
            .split_whitespace()
            .take(7)
            .collect::<Vec<_>>()
            .join(" ");
        let spec = step(phase, &format!("{name}.{}", i + 1), kind, &format!("{short} …"));
        steps.push(match &change.undo {
            Some(undo) => {
                let short: String = undo.split_whitespace().take(7).collect::<Vec<_>>().join(" ");
                reverse(spec, &format!("{short} …"))
            }
            None => spec,
        });
    }
}

/// Triggers of the service that a backfill would fire, and that nobody acknowledged.
pub(super) fn unacknowledged(triggers: &[String], migration: &Migration) -> Vec<String> {
    triggers
        .iter()
        .filter(|t| !migration.accept_triggers.contains(t))
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests;
