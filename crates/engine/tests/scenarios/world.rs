//! The fake service, its database, and the faults that are put into it.

use std::collections::{BTreeSet, VecDeque};

use engine::Changed;

/// What a person sees of the service: two of these are right, a third never.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Service {
    /// Schema changes that are in place.
    pub(super) applied: BTreeSet<String>,
    /// Batches of the new column that are filled.
    pub(super) filled: u32,
    pub(super) current: String,
    pub(super) running: String,
    /// The service refuses writes.
    pub(super) flag: bool,
    /// The grants of the service's account; empty while they are revoked.
    pub(super) grants: String,
}

impl Service {
    pub(super) fn fenced(&self) -> bool {
        self.flag || self.grants.is_empty()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Run,
    Undo,
    Probe,
}

/// What goes wrong when a step gets to `point` of its operations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) step: String,
    pub(super) act: Act,
    pub(super) point: usize,
    pub(super) how: How,
    /// How often; forgotten at 0.
    pub(super) times: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum How {
    Fail {
        code: &'static str,
        changed: Changed,
    },
    /// The process dies. With `late`, the server goes on with the operation for a while.
    Die {
        late: bool,
    },
    /// Ctrl-C reaches the step in its middle.
    Interrupt,
    /// A probe says partial, whatever there is.
    SayPartial,
}

pub(super) struct World {
    pub(super) service: Service,
    /// Rows of users; their writes are acknowledged when they are here.
    pub(super) rows: Vec<u32>,
    /// Users write whenever they can.
    pub(super) writing: bool,
    pub(super) acknowledged: Vec<u32>,
    pub(super) faults: Vec<Fault>,
    /// The process is dead: no record reaches the disk any more.
    pub(super) dead: bool,
    /// Operations that a dead session is still doing on the server.
    pub(super) late: VecDeque<String>,
    /// What should never happen, and did.
    pub(super) violations: Vec<String>,
    /// Each call of a step's method.
    pub(super) calls: Vec<(Act, String)>,
}

pub(super) const BATCHES: u32 = 3;
pub(super) const GRANTS: &str = "GRANT SELECT, INSERT, UPDATE";

impl World {
    pub(super) fn new() -> Self {
        let service = Service {
            applied: BTreeSet::new(),
            filled: 0,
            current: "r1".into(),
            running: "r1".into(),
            flag: false,
            grants: GRANTS.into(),
        };
        Self {
            service,
            rows: vec![1, 2, 3],
            writing: false,
            acknowledged: Vec::new(),
            faults: Vec::new(),
            dead: false,
            late: VecDeque::new(),
            violations: Vec::new(),
            calls: Vec::new(),
        }
    }

    /// Full digest of schema and data.
    pub(super) fn digest(&self) -> String {
        format!(
            "{:?}/{}/{:?}",
            self.service.applied, self.service.filled, self.rows
        )
    }

    /// Digest through the start schema: what was there when the plan was made.
    pub(super) fn start_digest(&self) -> String {
        format!("{:?}/0/{:?}", BTreeSet::<String>::new(), self.rows)
    }

    /// A user's turn.
    pub(super) fn tick(&mut self) {
        if self.writing && !self.service.fenced() {
            let row = 100 + u32::try_from(self.rows.len()).unwrap();
            self.rows.push(row);
            self.acknowledged.push(row);
        }
    }

    pub(super) fn violation(&mut self, what: impl Into<String>) {
        self.violations.push(what.into());
    }

    /// The fault that waits for this step at this point, used up by one.
    pub(super) fn fault(&mut self, step: &str, act: Act, point: usize) -> Option<How> {
        let fault = self
            .faults
            .iter_mut()
            .find(|f| f.times > 0 && f.step == step && f.act == act && f.point == point)?;
        fault.times -= 1;
        Some(fault.how.clone())
    }

    /// One operation of a step's work. Idempotent, atomic.
    pub(super) fn apply(&mut self, op: &str) {
        let s = &mut self.service;
        let (word, rest) = op.split_once(' ').unwrap_or((op, ""));
        let fenced = s.flag && s.grants.is_empty();
        let needs_fence = match (word, rest) {
            ("add" | "drop", what) => what.starts_with("contract"),
            ("current" | "running", _) => true,
            _ => false,
        };
        match word {
            "add" => {
                s.applied.insert(rest.to_owned());
            }
            "drop" => {
                s.applied.remove(rest);
                if rest == "expand.0" {
                    s.filled = 0;
                }
            }
            "fill" => s.filled = s.filled.max(rest.parse().unwrap()),
            "flag" => s.flag = rest == "on",
            "grants" => s.grants = rest.to_owned(),
            "current" => s.current = rest.to_owned(),
            "running" => s.running = s.current.clone(),
            _ => {}
        }
        if needs_fence && !fenced {
            self.violation(format!("{op} without the fence"));
        }
    }
}
