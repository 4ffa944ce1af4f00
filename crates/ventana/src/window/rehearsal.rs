//! The plan on a restored copy of production: forward, then back, with its own journal.

use super::drive::{Act, Drive, Ended};
use crate::config::Config;
use crate::error::Failure;
use crate::scratch::Scratch;
use crate::transfer;
use crate::ui::Output;
use crate::world::new_run_id;
use db::Database;
use engine::journal::Mode;
use engine::plan::{OnFailure, Phase, Plan, PlanFile, StepKind, StepSpec, Undo};
use engine::runner::Watcher;

/// What a rehearsal showed.
pub struct Rehearsed {
    pub forward: Ended,
    /// The same run, taken back.
    pub back: Ended,
    /// Content digest of the copy before, and after the rollback: equal, or the rehearsal failed.
    pub digest: String,
}

impl Rehearsed {
    /// Whether the plan went through on the copy and came back to where it was.
    pub fn passed(&self) -> bool {
        self.forward.outcome() == Some(engine::Outcome::Done)
            && self.back.outcome() == Some(engine::Outcome::RolledBack)
            && self.back.evidence.digest_after.as_deref() == Some(self.digest.as_str())
    }
}

/// The part of a plan that can be rehearsed: everything that works on the data. There is no service to switch.
pub fn plan_of(plan: &Plan) -> Plan {
    let mut copy = plan.clone();
    copy.inputs.insert("plan".into(), plan.digest());
    copy.release = None;
    copy.steps.retain(|step| {
        matches!(
            step.kind,
            StepKind::Statement { .. }
                | StepKind::Backfill { .. }
                | StepKind::Proof { .. }
                | StepKind::Migrate { .. }
                | StepKind::Fence
                | StepKind::Digest { .. }
                | StepKind::SameDigest { .. }
                | StepKind::Invariants { .. }
                | StepKind::Lift
        ) || step.id == "backup_b"
            || step.id == "verify_b"
    });
    // On the copy nobody else writes, so a backfill that changes any other value than its own is seen here.
    if let Some(proof) = copy
        .steps
        .iter()
        .position(|s| matches!(s.kind, StepKind::Proof { .. }))
    {
        let spec = |id: &str, kind: StepKind, effect: &str| StepSpec {
            id: id.into(),
            phase: Phase::Prepare,
            kind,
            effect: effect.into(),
            undo: Undo::None,
            on_failure: OnFailure::Rollback,
        };
        let same = StepKind::SameDigest {
            label: "after the backfill".into(),
            as_at: "digest_start".into(),
        };
        copy.steps.insert(
            proof + 1,
            spec(
                "untouched",
                same,
                "proves that expand and backfill changed no value that was there",
            ),
        );
        let first = StepKind::Digest {
            label: "start".into(),
        };
        copy.steps.insert(
            0,
            spec("digest_start", first, "takes the content digest of the copy"),
        );
    }
    copy
}

/// Backs production up, restores it into a scratch copy, and runs the plan there, forward and back.
pub fn rehearse(
    config: &Config,
    plan: &PlanFile,
    out: Output,
    watcher: &dyn Fn(&PlanFile, &str) -> Box<dyn Watcher>,
) -> Result<Rehearsed, Failure> {
    let live = config.address()?;
    config.can_restore()?;
    let id = new_run_id(config, "-rehearsal");
    let dir = super::runs::dir(config, &id);
    let scratch = Scratch::of(config, live, &id, &dir, "rehearsal")?;
    let digest = copy_production(config, &id, &dir, &scratch)?;
    let mut rehearsal = PlanFile::new(plan_of(&plan.plan), plan.created_at)
        .map_err(|e| Failure::failed("plan", e.to_string()))?;
    rehearsal.expected_ms = plan.expected_ms.clone();
    let drive = Drive {
        config,
        address: scratch.address.clone(),
        plan: &rehearsal,
        id,
        mode: Mode::Rehearsal,
        out,
    };
    let result = drive
        .go(Act::Begin, &*watcher(&rehearsal, "rehearsal"))
        .and_then(|forward| {
            super::expected::keep(config, &forward.evidence);
            let reason = "the rehearsal of the rollback".to_string();
            let back = drive.go(Act::Rollback { reason }, &*watcher(&rehearsal, "rollback"))?;
            Ok(Rehearsed {
                forward,
                back,
                digest,
            })
        });
    scratch.drop()?;
    // The copies inside the run's folder are as large as production and of no more use.
    let _ = std::fs::remove_dir_all(dir.join("backups"));
    result
}

/// Backup A of the live database, restored into the scratch copy; returns the copy's digest.
fn copy_production(
    config: &Config,
    id: &str,
    dir: &std::path::Path,
    scratch: &Scratch,
) -> Result<String, Failure> {
    let listen = &mut db::progress::silent();
    let mut frozen = transfer::frozen(config)?;
    let notes = frozen.as_ref().map_or(Vec::new(), |f| f.notes().to_vec());
    let mut live;
    let source: &mut dyn Database = match &mut frozen {
        Some(frozen) => frozen.db(),
        None => {
            live = db::open(config.address()?, &config.session(id))?;
            &mut *live
        }
    };
    let made = transfer::make(
        source,
        &notes,
        &dir.join("backups"),
        config,
        None,
        config.throttle(None),
        listen,
    )?;
    let mut copy = scratch.create()?;
    let backup = config.readable(made.backup)?;
    let restored = transfer::restore(&backup, &mut *copy, &transfer::Terms::scratch(), listen)?;
    Ok(restored.digest.digest)
}
