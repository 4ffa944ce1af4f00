//! Runs the window on a fake service, kills it, goes on, and says whether the end is right.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use engine::journal::{self, Event, Hook, Journal, JournalError, Killed, Mode};
use engine::plan::{Plan, Undo};
use engine::runner::{self, Clock, Opening, RunError, Silent};
use engine::state::{Ending, RunState, Status};
use engine::{Changed, Outcome};

use super::fake::Shared;
use super::plan::window;
use super::world::{Act, Fault, How, Service, World};

/// Ticks by itself: no test waits for time.
pub(super) struct Ticking(AtomicU64);

impl Clock for Ticking {
    fn now(&self) -> jiff::Timestamp {
        let ms = i64::try_from(self.monotonic_ms()).unwrap();
        jiff::Timestamp::from_millisecond(1_762_470_000_000 + ms).unwrap()
    }

    fn monotonic_ms(&self) -> u64 {
        self.0.fetch_add(10, Ordering::SeqCst)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Go {
    Begin,
    Resume,
    Rollback,
}

/// Where the process is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kill {
    pub(super) seq: u64,
    pub(super) after: bool,
}

struct Killer {
    world: Shared,
    kill: Option<Kill>,
    interrupt_at: Option<u64>,
    interrupt: Arc<AtomicBool>,
}

impl Killer {
    fn die_if(&self, now: bool) -> Result<(), Killed> {
        let mut world = self.world.lock();
        if world.dead || now {
            world.dead = true;
            return Err(Killed);
        }
        world.tick();
        Ok(())
    }
}

impl Hook for Killer {
    fn before(&mut self, seq: u64, _event: &Event) -> Result<(), Killed> {
        self.die_if(self.kill == Some(Kill { seq, after: false }))
    }

    fn after(&mut self, seq: u64, _event: &Event) -> Result<(), Killed> {
        if self.interrupt_at == Some(seq) {
            self.interrupt.store(true, Ordering::SeqCst);
        }
        self.die_if(self.kill == Some(Kill { seq, after: true }))
    }
}

pub(super) struct Bench {
    pub(super) plan: Plan,
    pub(super) world: Shared,
    pub(super) clock: Ticking,
    pub(super) interrupt_at: Option<u64>,
    folder: tempfile::TempDir,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self::with(Vec::new())
    }

    pub(super) fn with(faults: Vec<Fault>) -> Self {
        let world = World {
            faults,
            ..World::new()
        };
        // Memory, where there is such a folder: thousands of runs, and fsync itself is not what is tried here.
        let memory = std::path::Path::new("/dev/shm");
        let folder = if memory.is_dir() {
            tempfile::tempdir_in(memory)
        } else {
            tempfile::tempdir()
        };
        Self {
            plan: window(),
            world: Shared(Arc::new(Mutex::new(world))),
            clock: Ticking(AtomicU64::new(0)),
            interrupt_at: None,
            folder: folder.unwrap(),
        }
    }

    pub(super) fn journal(&self) -> PathBuf {
        self.folder.path().join("journal.jsonl")
    }

    pub(super) fn service(&self) -> Service {
        self.world.lock().service.clone()
    }

    /// A new process: everything in memory is fresh, the world is as the last one left it.
    pub(super) fn go(&self, go: Go, kill: Option<Kill>) -> Result<RunState, RunError> {
        self.world.lock().dead = false;
        let interrupt = Arc::new(AtomicBool::new(false));
        let killer = Killer {
            world: self.world.clone(),
            kill,
            interrupt_at: self.interrupt_at,
            interrupt: interrupt.clone(),
        };
        let opening = Opening {
            mode: Mode::Run,
            tool: "test 1".into(),
            unapproved: true,
            by: "Ana".into(),
        };
        let mut journal = match go {
            Go::Begin => Journal::create(&self.journal(), "run-1").map_err(RunError::from)?,
            _ => match Journal::open_for_append(&self.journal()) {
                // Died before its first record: nothing ever happened, and the run begins anew.
                Err(JournalError::Empty { .. }) => {
                    std::fs::remove_file(self.journal()).unwrap();
                    return self.go(Go::Begin, kill);
                }
                opened => opened?,
            },
        };
        journal.set_hook(Box::new(killer));
        match go {
            Go::Begin => runner::begin(&mut journal, &self.plan, &self.clock, opening)?,
            Go::Resume => match runner::resume(&mut journal, &self.clock, "Ana") {
                // Died after its last record: there is nothing to resume.
                Err(RunError::Closed { .. }) => {}
                other => other?,
            },
            Go::Rollback => runner::request_rollback(&mut journal, &self.clock, "Ana", "test")?,
        }
        runner::run(
            &self.plan,
            &mut journal,
            &self.world,
            &self.clock,
            &Silent,
            &interrupt,
        )
    }

    /// Runs without any kill.
    pub(super) fn ends(&self, go: Go) -> RunState {
        self.go(go, None)
            .unwrap_or_else(|error| panic!("{go:?}: {error}"))
    }

    /// Whether the end is one of the right ones; panics with the whole story if not.
    pub(super) fn assert_right(&self, state: &RunState, story: &str) -> Ending {
        let world = self.world.lock();
        let ending = state
            .ending()
            .unwrap_or_else(|| panic!("{story}: no ending: {state:#?}"));
        let now = &world.service;
        let say = || {
            format!(
                "{story}: {ending:?}\n{now:#?}\n{:#?}\n{}",
                world.calls,
                std::fs::read_to_string(self.journal()).unwrap()
            )
        };
        assert!(world.violations.is_empty(), "{:?}\n{}", world.violations, say());
        let lost = world.acknowledged.iter().any(|row| !world.rows.contains(row));
        assert!(!lost, "lost writes: {}", say());
        let lift_done = state.status("lift") == Status::Done;
        let right = match ending.outcome {
            Outcome::Done => *now == new() && ending.exit_code == 0,
            Outcome::Failed => *now == before() && [1, 12].contains(&ending.exit_code),
            Outcome::RolledBack => *now == before() && ending.exit_code == 3,
            Outcome::Held if lift_done => *now == new() && ending.exit_code == 4,
            Outcome::Held => {
                let diverged = state.steps.get("lift").and_then(|step| step.error.as_ref());
                let diverged = diverged.is_some_and(|error| error.code == "diverged") && *now == new();
                let waits = state.held.as_ref().is_some_and(|hold| hold.step.is_some());
                let fence_due = !matches!(state.status("fence"), Status::Pending);
                ending.exit_code == 4 && (diverged || (waits && (now.fenced() || !fence_due)))
            }
            // The fence stays as it was: on, unless it never was on or the very undo of fence or lift is what failed.
            Outcome::RollbackFailed => {
                let at_the_gate = ["fence", "lift"]
                    .iter()
                    .any(|id| state.status(id) == Status::UndoFailed);
                let never = !state.steps.contains_key("fence");
                let lifted = lift_done; // an undo before the lift's own
                ending.exit_code == 5 && (now.fenced() || at_the_gate || never || lifted)
            }
            Outcome::Interrupted => ending.exit_code == 130,
        };
        assert!(right, "{}", say());
        if ending.outcome == Outcome::RollbackFailed {
            let undone_later = world.calls.last().map(|call| call.0);
            assert_eq!(undone_later, Some(Act::Undo), "{}", say());
        }
        ending
    }

    /// As [`Bench::assert_right`], then what a person does who put right what was wrong: from every end that is not
    /// final, `rollback` leads to exactly as before.
    pub(super) fn assert_right_and_a_way_out(&self, state: &RunState, story: &str) -> Ending {
        let ending = self.assert_right(state, story);
        if matches!(
            ending.outcome,
            Outcome::Held | Outcome::RollbackFailed | Outcome::Interrupted
        ) {
            self.world.lock().faults.clear();
            let out = self.ends(Go::Rollback);
            let story = format!("{story}, then rollback by a person");
            assert_eq!(
                self.assert_right(&out, &story).outcome,
                Outcome::RolledBack,
                "{story}"
            );
        }
        ending
    }

    /// Records on disk.
    pub(super) fn records(&self) -> Vec<journal::Record> {
        journal::read(&self.journal()).unwrap().records
    }
}

pub(super) fn before() -> Service {
    World::new().service
}

pub(super) fn new() -> Service {
    let mut service = before();
    for step in ["expand.0", "expand.1", "sync.0", "contract.0", "contract.1"] {
        service.applied.insert(step.to_owned());
    }
    service.filled = super::world::BATCHES;
    service.current = "r2".into();
    service.running = "r2".into();
    service
}

pub(super) fn fails(step: &str, point: usize, changed: Changed) -> Fault {
    let how = How::Fail {
        code: "broken",
        changed,
    };
    Fault {
        step: step.into(),
        act: Act::Run,
        point,
        how,
        times: u32::MAX,
    }
}

pub(super) fn undo_fails(step: &str, point: usize) -> Fault {
    let how = How::Fail {
        code: "broken",
        changed: Changed::Maybe,
    };
    Fault {
        step: step.into(),
        act: Act::Undo,
        point,
        how,
        times: u32::MAX,
    }
}

pub(super) fn dies(step: &str, act: Act, point: usize, late: bool) -> Fault {
    Fault {
        step: step.into(),
        act,
        point,
        how: How::Die { late },
        times: 1,
    }
}

/// Ids of the steps of the window, and of those with an undo.
pub(super) fn step_ids() -> Vec<String> {
    window().steps.into_iter().map(|step| step.id).collect()
}

pub(super) fn undo_ids() -> Vec<String> {
    window()
        .steps
        .into_iter()
        .filter(|step| step.undo != Undo::None)
        .map(|step| step.id)
        .collect()
}

/// Which steps had been undone, in order.
pub(super) fn undos(bench: &Bench) -> Vec<String> {
    let world = bench.world.lock();
    world
        .calls
        .iter()
        .filter(|call| call.0 == Act::Undo)
        .map(|call| call.1.clone())
        .collect()
}

#[test]
fn the_window_ends_on_the_new_release() {
    let bench = Bench::new();
    let state = bench.ends(Go::Begin);
    assert_eq!(bench.assert_right(&state, "green").outcome, Outcome::Done);
    assert_eq!(bench.service(), new());
    assert!(undos(&bench).is_empty());
}
