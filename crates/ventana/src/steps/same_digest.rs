//! `same_digest`: nothing was written since an earlier digest was taken.

use crate::world::World;
use engine::StepError;
use engine::fault::VERIFICATION_FAILED;
use engine::runner::{Context, Probe, Step};
use serde_json::{Value, json};

pub(super) struct SameDigest<'a> {
    pub(super) world: &'a World,
    pub(super) as_at: &'a str,
}

impl Step for SameDigest<'_> {
    fn preflight(&mut self, _cx: &mut Context<'_>) -> Result<(), StepError> {
        Ok(())
    }

    fn run(&mut self, cx: &mut Context<'_>) -> Result<Value, StepError> {
        let mut live = self.world.live().map_err(super::nothing)?;
        let now = db::digest::compute(
            live.db(),
            Some(&self.world.start.outline),
            &mut super::listen(cx.reporter()),
        )
        .map_err(super::nothing)?;
        let wanted = cx.fact(self.as_at, "digest").and_then(Value::as_str);
        if wanted != Some(now.digest.as_str()) {
            let then: Vec<db::digest::TableDigest> = cx
                .fact(self.as_at, "tables")
                .and_then(|t| serde_json::from_value(t.clone()).ok())
                .unwrap_or_default();
            let other: Vec<String> = now
                .tables
                .iter()
                .filter(|t| !then.contains(t))
                .map(|t| t.name.clone())
                .collect();
            return Err(StepError::nothing(
                VERIFICATION_FAILED,
                format!(
                    "something wrote past the fence: tables {} changed since step {}",
                    other.join(", "),
                    self.as_at
                ),
            )
            .hint("find the writer before the next window: `ventana fence status` lists who may write"));
        }
        Ok(json!({ "digest": now.digest }))
    }

    fn probe(&mut self, _cx: &mut Context<'_>) -> Result<Probe, StepError> {
        Ok(super::run_again())
    }

    fn undo(&mut self, _cx: &mut Context<'_>) -> Result<Value, StepError> {
        Ok(Value::Null)
    }
}
