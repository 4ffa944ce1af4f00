//! Fake steps over the world, and a bench to run them on.

use std::sync::{Arc, Mutex, MutexGuard};

use engine::fault::{DIVERGED, VERIFICATION_FAILED};
use engine::plan::{Plan, StepKind, StepSpec};
use engine::runner::{Context, Probe, Step, Steps};
use engine::{Changed, StepError};
use serde_json::{Value, json};

use super::world::{Act, BATCHES, How, World};

#[derive(Clone)]
pub(super) struct Shared(pub(super) Arc<Mutex<World>>);

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }
}

impl Steps for Shared {
    fn build<'a>(&'a self, _plan: &'a Plan, spec: &'a StepSpec) -> Box<dyn Step + 'a> {
        Box::new(Fake { world: self, spec })
    }
}

struct Fake<'a> {
    world: &'a Shared,
    spec: &'a StepSpec,
}

/// The operations of a step's work.
pub(super) fn work_of(spec: &StepSpec) -> Vec<String> {
    let one = |op: &str| vec![op.to_owned()];
    match &spec.kind {
        StepKind::Statement { .. } => vec![format!("add {}", spec.id)],
        StepKind::Backfill { .. } => (1..=BATCHES).map(|batch| format!("fill {batch}")).collect(),
        StepKind::Fence => vec!["flag on".into(), "grants ".into()],
        StepKind::Switch { release } => vec![format!("current {release}")],
        StepKind::Restart => one("running"),
        StepKind::Lift => vec!["grants GIVEN".into(), "flag off".into()],
        _ => one("look"),
    }
}

/// The operations of a step's undo.
pub(super) fn undo_of(spec: &StepSpec) -> Vec<String> {
    match &spec.kind {
        StepKind::Statement { .. } => vec![format!("drop {}", spec.id)],
        StepKind::Fence => vec!["grants GIVEN".into(), "flag off".into()],
        StepKind::Switch { .. } => vec!["current r1".into(), "running".into()],
        StepKind::Lift => vec!["flag on".into(), "grants ".into()],
        _ => vec!["look".into()],
    }
}

impl Fake<'_> {
    fn id(&self) -> &str {
        &self.spec.id
    }

    /// Ends what a dead attempt of this step is still doing: it gets done first.
    fn end_dead_sessions(&self) {
        let mut world = self.world.lock();
        while let Some(op) = world.late.pop_front() {
            world.apply(&op);
        }
    }

    fn operations(&self, act: Act, ops: &[String], cx: &Context<'_>) -> Result<(), StepError> {
        for point in 0..=ops.len() {
            let mut world = self.world.lock();
            world.tick();
            let op = ops.get(point).cloned();
            match world.fault(self.id(), act, point) {
                Some(How::Fail { code, changed }) => {
                    let error = if changed == Changed::Nothing {
                        StepError::nothing
                    } else {
                        StepError::maybe
                    };
                    return Err(error(code, "as the test wants it"));
                }
                Some(How::Die { late }) => {
                    world.dead = true;
                    world.late.extend(op.filter(|_| late));
                    return Err(StepError::maybe("dead", "this must never be journaled"));
                }
                Some(How::Interrupt) => return Err(StepError::interrupted()),
                Some(How::SayPartial) | None => {}
            }
            // The grants that are given back are the ones that were journaled before they were revoked.
            match (op.as_deref(), cx.fact("fence", "grants").and_then(Value::as_str)) {
                (Some("grants GIVEN"), Some(given)) => world.apply(&format!("grants {given}")),
                (Some("grants GIVEN"), None) if world.service.grants.is_empty() => {
                    world.violation("grants were revoked before they were journaled");
                }
                (Some("grants GIVEN"), None) | (None, _) => {}
                (Some(op), _) => world.apply(op),
            }
        }
        Ok(())
    }

    fn call(&self, act: Act) {
        let mut world = self.world.lock();
        world.calls.push((act, self.id().to_owned()));
        if world.dead {
            world.violation(format!("{act:?} of {} by a dead process", self.spec.id));
        }
        if act == Act::Run && !world.late.is_empty() {
            let why = format!("{} ran while a dead session was still at work", self.spec.id);
            world.violation(why);
        }
    }
}

impl Step for Fake<'_> {
    fn preflight(&mut self, _cx: &mut Context<'_>) -> Result<(), StepError> {
        self.operations_free()
    }

    fn run(&mut self, cx: &mut Context<'_>) -> Result<Value, StepError> {
        self.call(Act::Run);
        match &self.spec.kind {
            StepKind::Fence if cx.own_fact("grants").is_none() => {
                let grants = self.world.lock().service.grants.clone();
                cx.record("grants", json!(grants))?;
            }
            StepKind::Lift => {
                let digest = self.world.lock().digest();
                cx.record("digest", json!(digest))?;
            }
            StepKind::SameDigest { as_at, .. } => {
                let recorded = cx.fact(as_at, "digest").cloned();
                if recorded != Some(json!(self.world.lock().start_digest())) {
                    return Err(StepError::maybe(VERIFICATION_FAILED, "written during the fence"));
                }
            }
            StepKind::Smoke { .. } => {
                let mut world = self.world.lock();
                if world.service.running != "r2" {
                    world.violation("smoke on the old release");
                }
            }
            _ => {}
        }
        self.operations(Act::Run, &work_of(self.spec), cx)?;
        let world = self.world.lock();
        Ok(match &self.spec.kind {
            StepKind::Digest { .. } => json!({ "digest": world.start_digest() }),
            _ => json!({ "attempt": cx.attempt() }),
        })
    }

    fn probe(&mut self, cx: &mut Context<'_>) -> Result<Probe, StepError> {
        self.call(Act::Probe);
        self.end_dead_sessions();
        let mut world = self.world.lock();
        match world.fault(self.id(), Act::Probe, 0) {
            Some(How::SayPartial) => return Ok(Probe::partial("as the test wants it")),
            Some(How::Fail { code, .. }) => return Err(StepError::maybe(code, "as the test wants it")),
            Some(How::Die { .. }) => {
                world.dead = true;
                return Err(StepError::maybe("dead", "this must never be journaled"));
            }
            Some(How::Interrupt) => return Err(StepError::interrupted()),
            None => {}
        }
        let service = &world.service;
        let of = |whole: bool, some: bool, facts: Value| match (whole, some) {
            (true, _) => Probe::done("all of it", facts),
            (false, true) => Probe::partial("some of it"),
            (false, false) => Probe::not_started("nothing of it"),
        };
        Ok(match &self.spec.kind {
            StepKind::Statement { .. } => of(service.applied.contains(&self.spec.id), false, Value::Null),
            StepKind::Backfill { .. } => of(service.filled == BATCHES, service.filled > 0, Value::Null),
            StepKind::Fence => of(
                service.flag && service.grants.is_empty(),
                service.fenced(),
                Value::Null,
            ),
            StepKind::Lift => of(
                !service.fenced(),
                !(service.flag && service.grants.is_empty()),
                Value::Null,
            ),
            StepKind::Switch { release } => of(service.current == *release, false, Value::Null),
            _ => Probe::not_started(format!("leaves no trace (attempt {})", cx.attempt())),
        })
    }

    fn undo(&mut self, cx: &mut Context<'_>) -> Result<Value, StepError> {
        self.call(Act::Undo);
        self.end_dead_sessions();
        if let StepKind::Digest { .. } = &self.spec.kind {
            self.prove_as_before(cx)?;
        }
        self.operations(Act::Undo, &undo_of(self.spec), cx)?;
        let digest = self.world.lock().digest();
        if matches!(self.spec.kind, StepKind::Lift)
            && cx.own_fact("digest").is_some_and(|d| *d != json!(digest))
        {
            // Compared under the fence, so nobody writes in between; then the users get their service back.
            self.operations(Act::Undo, &work_of(self.spec), cx)?;
            return Err(StepError::nothing(DIVERGED, "users have written since the lift"));
        }
        Ok(json!({ "digest": digest }))
    }
}

impl Fake<'_> {
    fn prove_as_before(&self, cx: &Context<'_>) -> Result<(), StepError> {
        let mut world = self.world.lock();
        let digest = world.digest();
        // A digest that failed or died has recorded nothing, and nothing was contracted on its strength.
        if cx
            .own_fact("digest")
            .is_some_and(|before| *before != json!(digest))
        {
            world.violation(format!(
                "rolled back to {digest}, not {:?}",
                cx.own_fact("digest")
            ));
            return Err(StepError::maybe(VERIFICATION_FAILED, "not as before"));
        }
        if !world.service.fenced() {
            world.violation("the fence was lifted before the data were proven");
        }
        Ok(())
    }

    fn operations_free(&self) -> Result<(), StepError> {
        match self.world.lock().fault(self.id(), Act::Probe, 99) {
            Some(How::Fail { code, .. }) => Err(StepError::nothing(code, "as the test wants it")),
            _ => Ok(()),
        }
    }
}
