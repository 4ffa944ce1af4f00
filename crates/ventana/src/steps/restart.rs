//! `restart`: the service on the release that `current` names, forward and back alike.

use crate::host::process::Service;
use crate::world::World;
use engine::StepError;
use engine::runner::{Context, Probe, Step};
use serde_json::{Value, json};

pub(super) struct Restart<'a> {
    pub(super) world: &'a World,
}

impl Restart<'_> {
    fn restart(&self, cx: &Context<'_>) -> Result<Value, StepError> {
        let Some(service) = Service::of(&self.world.config) else {
            return Ok(Value::Null);
        };
        service.restart().map_err(super::maybe)?;
        // Another process on the same port could answer: what answers must be what `current` names.
        let current = self.world.current_release();
        if self.world.config.file.smoke.is_some() {
            super::smoke::wait_healthy(&self.world.config, current.as_deref(), &|| cx.interrupted())
                .map_err(super::maybe)?;
        }
        Ok(json!({ "pid": service.pid() }))
    }
}

impl Step for Restart<'_> {
    fn preflight(&mut self, _cx: &mut Context<'_>) -> Result<(), StepError> {
        let config = &self.world.config;
        if let Some(process) = &config.file.process {
            for name in &process.pass_on {
                config.secret(name).map_err(super::nothing)?;
            }
        }
        Ok(())
    }

    fn run(&mut self, cx: &mut Context<'_>) -> Result<Value, StepError> {
        self.restart(cx)
    }

    fn probe(&mut self, _cx: &mut Context<'_>) -> Result<Probe, StepError> {
        Ok(super::half_done())
    }

    fn undo(&mut self, cx: &mut Context<'_>) -> Result<Value, StepError> {
        self.restart(cx)
    }
}
