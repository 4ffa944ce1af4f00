//! Drives a run: lease, journal, world, the engine's loop, the report. Used by run, resume, rollback, rehearse and demo.

use super::planner::start_of;
use super::runs;
use crate::config::Config;
use crate::error::{Failure, io};
use crate::host::clock::SystemClock;
use crate::host::lease::Lease;
use crate::host::{death, files};
use crate::replicas;
use crate::report;
use crate::ui::Output;
use crate::world::{Live, World};
use db::Address;
use engine::Outcome;
use engine::evidence::{Evidence, evidence};
use engine::journal::{Event, Hook, Journal, Killed, Mode};
use engine::plan::{Plan, PlanFile, StepKind};
use engine::runner::{self, Opening, Watcher};
use engine::state::{RunState, Status};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What is being done to a run.
pub enum Act {
    Begin,
    Resume,
    Rollback { reason: String },
}

/// A run's end, as commands report it.
pub struct Ended {
    pub run: String,
    pub dir: PathBuf,
    pub evidence: Evidence,
    pub report: Option<PathBuf>,
}

impl Ended {
    pub fn outcome(&self) -> Option<Outcome> {
        self.evidence.outcome
    }

    pub fn exit_code(&self) -> u8 {
        self.evidence.exit_code.unwrap_or(crate::error::exit::FAILED)
    }

    /// The document that `run`, `resume` and `rollback` print.
    pub fn document(&self) -> Value {
        let error = self
            .evidence
            .steps
            .iter()
            .find_map(|s| s.error.as_ref().map(|e| (s, e)))
            .map(
                |(step, e)| json!({ "step": step.id, "code": e.code, "message": e.message, "hint": e.hint }),
            );
        let mut document = json!({
            "run": self.run,
            "outcome": self.evidence.outcome,
            "exit_code": self.exit_code(),
            "plan_digest": self.evidence.plan_digest,
            "unapproved": self.evidence.unapproved,
            "digest_before": self.evidence.digest_before,
            "digest_after": self.evidence.digest_after,
            "blocked_ms": self.evidence.blocked_ms.total,
            "journal": self.dir.join(super::JOURNAL),
            "report": self.report,
        });
        if let Some(error) = error {
            document["error"] = error;
        }
        document
    }
}

/// A run that is ready to be driven.
pub struct Drive<'a> {
    pub config: &'a Config,
    pub address: Address,
    pub plan: &'a PlanFile,
    pub id: String,
    pub mode: Mode,
    pub out: Output,
}

impl Drive<'_> {
    pub fn dir(&self) -> PathBuf {
        runs::dir(self.config, &self.id)
    }

    /// Does what there is to do until the run is closed, held or interrupted, and writes its report.
    pub fn go(&self, act: Act, watcher: &dyn Watcher) -> Result<Ended, Failure> {
        let by = by(self.config);
        let rehearsal = self.mode == Mode::Rehearsal;
        let _lease = Lease::take(&self.config.state_dir(), &format!("run {} by {by}", self.id))?;
        let dir = self.dir();
        let path = dir.join(super::JOURNAL);
        let clock = SystemClock::start();
        let world = World::new(
            self.config.clone(),
            self.address.clone(),
            start_of(&self.plan.plan)?,
            &self.id,
            dir.clone(),
            rehearsal,
        );
        // Before a run exists: one that is refused leaves nothing that would have to be gone on with.
        if matches!(act, Act::Begin) {
            take_up(&world, &self.plan.plan, &RunState::default())?;
        }
        let mut journal = match act {
            Act::Begin => {
                std::fs::create_dir_all(&dir)
                    .map_err(io(format!("cannot make the run's folder {}", dir.display())))?;
                self.plan.save(&dir.join(super::PLAN))?;
                Journal::create(&path, self.id.clone())?
            }
            Act::Resume | Act::Rollback { .. } => {
                let journal = Journal::open_for_append(&path)?;
                let state = engine::state::fold(journal.records())
                    .map_err(|e| Failure::failed("journal", e.to_string()))?;
                take_up(&world, &self.plan.plan, &state)?;
                remove_remains(&world, &self.plan.plan)?;
                journal
            }
        };
        if let Some(hook) = KillAt::of(self.config) {
            journal.set_hook(Box::new(hook));
        }
        match act {
            Act::Begin => {
                let tool = format!("ventana {}", env!("CARGO_PKG_VERSION"));
                let opening = Opening {
                    mode: self.mode,
                    tool,
                    unapproved: true,
                    by,
                };
                runner::begin(&mut journal, &self.plan.plan, &clock, opening)?;
            }
            Act::Resume => runner::resume(&mut journal, &clock, &by)?,
            Act::Rollback { reason } => runner::request_rollback(&mut journal, &clock, &by, &reason)?,
        }
        let interrupt = interrupts()?;
        runner::run(&self.plan.plan, &mut journal, &world, &clock, watcher, &interrupt)?;
        world.disconnect();
        self.remove_half_copies(&mut journal);
        let evidence = evidence(&self.plan.plan, journal.records(), journal.head())
            .map_err(|e| Failure::failed("journal", e.to_string()))?;
        // A report that cannot be written does not fail a run that is done: `ventana report` writes it again.
        let written = report::write(&dir, &evidence, &self.plan.plan, self.out.language);
        let report = match written {
            Ok(written) => Some(written.html),
            Err(failure) => {
                self.out.say(
                    "warning",
                    &format!("{}; write it again with `ventana report`", failure.message),
                );
                None
            }
        };
        Ok(Ended {
            run: self.id.clone(),
            dir,
            evidence,
            report,
        })
    }

    /// Of a run that was taken back nobody goes on with a copy that was cut off. What cannot be removed, or may be somebody's
    /// work at this moment, is said and stays: it is plainly incomplete, and `backup prune` removes it.
    fn remove_half_copies(&self, journal: &mut Journal) {
        let Ok(state) = engine::state::fold(journal.records()) else {
            return;
        };
        if state.closed.as_ref().map(|closed| closed.outcome) != Some(Outcome::RolledBack) {
            return;
        }
        let copying = |step: &&engine::plan::StepSpec| {
            matches!(step.kind, StepKind::OffSite { .. })
                && state.steps.get(&step.id).is_some_and(|s| s.attempt > 0)
        };
        let copying: Vec<_> = self.plan.plan.steps.iter().filter(copying).collect();
        if copying.is_empty() {
            return;
        }
        // Whoever copies by hand shares it.
        let holder = format!("run {}, half copies", self.id);
        let _backups = match Lease::of_backups(&self.config.state_dir(), &holder) {
            Ok(lease) => lease,
            Err(failure) => {
                let left =
                    "what this run had begun to copy off site stays, incomplete, for `ventana backup prune`";
                return self.out.say("warning", &format!("{}: {left}", failure.message));
            }
        };
        for step in copying {
            let StepKind::OffSite { backup, .. } = &step.kind else {
                continue;
            };
            let path = state.fact(backup, "path").and_then(Value::as_str).map(Path::new);
            let Some(name) = path.and_then(Path::file_name).and_then(|name| name.to_str()) else {
                continue;
            };
            for replica in replicas::all(self.config) {
                if let Err(failure) = replica.remove_half(self.config, name) {
                    self.out.say("warning", &failure.message);
                }
            }
        }
    }
}

/// Takes up what a dead process held: on SQLite the write lock, before anything else is looked at. On a server the
/// lease on the schema.
fn take_up(world: &World, plan: &Plan, state: &RunState) -> Result<(), Failure> {
    let status =
        |step: Option<&engine::plan::StepSpec>| step.and_then(|s| state.steps.get(&s.id)).map(|s| s.status);
    let fenced = status(plan.fence()) == Some(Status::Done) && status(plan.lift()) != Some(Status::Done);
    let mut live = match world.live() {
        Ok(live) => live,
        // The steps themselves say what cannot be reached, in their own words and with their own policy.
        Err(failure) if matches!(world.address, Address::MySql { .. }) && failure.code == "unreachable" => {
            return Err(failure);
        }
        Err(_) => return Ok(()),
    };
    match &mut *live {
        Live::Sqlite(db) if fenced => db.lock_writes().map_err(Failure::from),
        Live::Sqlite(_) => Ok(()),
        Live::Server(db) => {
            end_dead_sessions(db, &world.run, state)?;
            server_lease(db)
        }
    }
}

/// Removes what a dead process left half made and what no later step goes on with: scratch copies, a release that was
/// being laid down.
fn remove_remains(world: &World, plan: &Plan) -> Result<(), Failure> {
    for purpose in ["preflight", "prove", "rollback"] {
        world.scratch(purpose)?.drop()?;
    }
    let root = world
        .config
        .file
        .release
        .as_ref()
        .map(|r| r.root.join("releases"));
    if let (Some(releases), Some(release), false) = (root, &plan.release, world.rehearsal) {
        files::remove_partial(&releases.join(&release.to))?;
    }
    Ok(())
}

/// Ends the sessions that dead processes of this run have left: they may hold the lease, or go on with a statement. The
/// file lease is ours, so none of them can belong to a living ventana.
fn end_dead_sessions(db: &mut db::mariadb::MariaDb, run: &str, state: &RunState) -> Result<(), Failure> {
    let ours = db::Database::connection_id(db);
    let dead = state
        .steps
        .keys()
        .filter_map(|step| state.fact(step, "connection").and_then(Value::as_u64));
    for session in dead.collect::<std::collections::BTreeSet<_>>() {
        if Some(session) != ours {
            db::mariadb::fence::end_session(db, run, session)?;
        }
    }
    Ok(())
}

/// The second half of the lease: one run at a time on a schema, whatever machine it runs on.
fn server_lease(db: &mut db::mariadb::MariaDb) -> Result<(), Failure> {
    use db::Database;
    let name = format!("ventana:{}", db.identity()?.database).replace('\'', "''");
    let name: String = name.chars().take(60).collect();
    for _ in 0..2 {
        if db.count(&format!("SELECT COALESCE(GET_LOCK('{name}', 2), 0)"))? == 1 {
            return Ok(());
        }
        // The session of a dead ventana may outlive it for a while: the journal's own probes end it. Ours is told by
        // its program name, never guessed: without a live client it is asleep.
        let holder = db.count(&format!("SELECT COALESCE(IS_USED_LOCK('{name}'), 0)"))?;
        let idle = db.count(&format!(
            "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE ID={holder} AND COMMAND<>'Sleep'"
        ))?;
        if holder == 0 || idle > 0 {
            break;
        }
    }
    Err(Failure::new(
        "lease_held",
        "another ventana is at work on this schema, on this or another machine",
        crate::error::exit::LEASE,
    )
    .hint("wait for it; a session that a dead one left ends by itself, or KILL it on the server"))
}

/// Who types this: for the journal, not for authorization.
pub fn by(config: &Config) -> String {
    let user = config
        .vars
        .get("SUDO_USER")
        .or_else(|| config.vars.get("USER"))
        .unwrap_or("unknown");
    let host = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    format!("{user}@{}", host.trim())
}

/// SIGINT and SIGTERM ask the run to stop between two steps; a second one ends the process at once.
pub fn interrupts() -> Result<Arc<AtomicBool>, Failure> {
    static FLAG: std::sync::OnceLock<Arc<AtomicBool>> = std::sync::OnceLock::new();
    if let Some(flag) = FLAG.get() {
        return Ok(Arc::clone(flag));
    }
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&flag))
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&flag)))
            .map_err(io("cannot listen to signals"))?;
    }
    Ok(Arc::clone(FLAG.get_or_init(|| flag)))
}

/// Dies by SIGKILL before or after a given journal record: how the drills kill a run at every record.
struct KillAt {
    seq: u64,
    after: bool,
}

impl KillAt {
    /// `VENTANA_TEST_KILL=before:12` or `after:12`.
    fn of(config: &Config) -> Option<KillAt> {
        let (when, seq) = config.vars.get("VENTANA_TEST_KILL")?.split_once(':')?;
        Some(KillAt {
            seq: seq.parse().ok()?,
            after: when == "after",
        })
    }

    fn die(&self, seq: u64, after: bool) -> Result<(), Killed> {
        if self.seq == seq && self.after == after {
            death::now();
        }
        Ok(())
    }
}

impl Hook for KillAt {
    fn before(&mut self, seq: u64, _event: &Event) -> Result<(), Killed> {
        self.die(seq, false)
    }

    fn after(&mut self, seq: u64, _event: &Event) -> Result<(), Killed> {
        self.die(seq, true)
    }
}

/// The plan that a run was begun with, from its folder.
pub fn plan_of(dir: &Path) -> Result<PlanFile, Failure> {
    Ok(PlanFile::load(&dir.join(super::PLAN))?)
}
