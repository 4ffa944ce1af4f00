//! `watch`: the service stays healthy for a while after the lift.

use crate::host::{clock, http};
use crate::world::World;
use engine::StepError;
use engine::runner::{Context, Probe, Progress, Step};
use serde_json::{Value, json};

pub(super) struct Watch<'a> {
    pub(super) world: &'a World,
    pub(super) seconds: u64,
}

impl Step for Watch<'_> {
    fn preflight(&mut self, _cx: &mut Context<'_>) -> Result<(), StepError> {
        Ok(())
    }

    fn run(&mut self, cx: &mut Context<'_>) -> Result<Value, StepError> {
        let Some(smoke) = &self.world.config.file.smoke else {
            return Ok(Value::Null);
        };
        let url = format!("{}/healthz", smoke.url.trim_end_matches('/'));
        let over = clock::deadline(self.seconds);
        let begun = cx.clock().monotonic_ms();
        let mut asked = 0u64;
        while !over() {
            if cx.interrupted() {
                return Err(StepError::interrupted());
            }
            let answer = http::ask("GET", &url, None, None).map_err(super::nothing)?;
            if answer.status != 200 {
                return Err(StepError::nothing(
                    "unhealthy",
                    format!("{url} answers {}", answer.status),
                ));
            }
            asked += 1;
            let done = (cx.clock().monotonic_ms() - begun) / 1000;
            cx.progress(Progress {
                done,
                total: Some(self.seconds),
                unit: "s",
                note: String::new(),
            });
            clock::pause(250);
        }
        Ok(json!({ "asked": asked }))
    }

    fn probe(&mut self, _cx: &mut Context<'_>) -> Result<Probe, StepError> {
        Ok(super::run_again())
    }

    fn undo(&mut self, _cx: &mut Context<'_>) -> Result<Value, StepError> {
        Ok(Value::Null)
    }
}
