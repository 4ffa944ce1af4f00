//! `lift`: the digest after, then the fence comes down. From here on users write, so its undo refuses when they did.

use super::fence::Raised;
use crate::world::World;
use engine::StepError;
use engine::fault::DIVERGED;
use engine::runner::{Context, Probe, Step};
use serde_json::{Value, json};

pub(super) struct Lift<'a> {
    pub(super) world: &'a World,
}

impl Lift<'_> {
    fn digest(&self, cx: &Context<'_>) -> Result<db::Digest, StepError> {
        let mut live = self.world.live().map_err(super::maybe)?;
        db::digest::compute(live.db(), None, &mut super::listen(cx.reporter())).map_err(super::maybe)
    }
}

impl Step for Lift<'_> {
    fn preflight(&mut self, _cx: &mut Context<'_>) -> Result<(), StepError> {
        Ok(())
    }

    fn run(&mut self, cx: &mut Context<'_>) -> Result<Value, StepError> {
        let raised = Raised { world: self.world };
        if !self.world.rehearsal {
            let open = raised.unaccepted().map_err(super::maybe)?;
            if !open.is_empty() {
                return Err(StepError::maybe(
                    "writers",
                    format!(
                        "accounts that could write appeared under the fence: {}",
                        open.join(", ")
                    ),
                ));
            }
        }
        let digest = self.digest(cx)?;
        // Journaled before the first write can happen: a rollback after the lift compares with it.
        cx.record("digest", digest.digest.clone().into())?;
        let before = cx.fact("fence", "before").cloned();
        let mut facts = raised.lower(before.as_ref())?;
        facts["rows"] = digest.rows().into();
        facts["counters"] = json!(digest.counters);
        Ok(facts)
    }

    fn probe(&mut self, _cx: &mut Context<'_>) -> Result<Probe, StepError> {
        Ok(super::half_done())
    }

    fn undo(&mut self, cx: &mut Context<'_>) -> Result<Value, StepError> {
        let raised = Raised { world: self.world };
        // What must be given back is what the fence found; what is there now is what it was given back.
        let known = cx.fact("fence", "before").cloned();
        raised.raise(known.as_ref(), &mut |name, value| cx.record(name, value))?;
        let Some(then) = cx.own_fact("digest").and_then(Value::as_str).map(str::to_string) else {
            return Ok(json!({ "undo": "the fence was never lifted" }));
        };
        let now = self.digest(cx)?;
        if now.digest == then {
            return Ok(json!({ "digest": now.digest }));
        }
        let before = cx.fact("fence", "before").cloned();
        let lifted = raised.lower(before.as_ref())?;
        // Nothing was taken back after all: writes are accepted again from here on.
        cx.record("accepted_at", lifted["accepted_at"].clone())?;
        Err(StepError::maybe(DIVERGED, "data was written since the fence was lifted; a rollback would lose it").hint(
            "the service stays on the new release; mend forward, or restore backup B under another name and merge by hand",
        ))
    }
}
