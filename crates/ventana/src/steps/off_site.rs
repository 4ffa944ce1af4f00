//! `off_site`: the backup in another place, re-read there.

use crate::error::Failure;
use crate::host::files;
use crate::world::World;
use engine::StepError;
use engine::runner::{Context, Probe, Progress, Step};
use serde_json::{Value, json};
use std::path::PathBuf;

pub(super) struct OffSite<'a> {
    pub(super) world: &'a World,
    pub(super) backup: &'a str,
}

impl OffSite<'_> {
    fn root(&self) -> Result<PathBuf, StepError> {
        self.world.config.file.backup.off_site.clone().ok_or_else(|| {
            super::nothing(
                Failure::usage("[backup] off_site is no longer configured").hint("name the folder again"),
            )
        })
    }
}

impl Step for OffSite<'_> {
    fn preflight(&mut self, _cx: &mut Context<'_>) -> Result<(), StepError> {
        let root = self.root()?;
        files::can_hold(&root)
            .map_err(|failure| super::nothing(failure).hint("mount the off-site folder, or name another one"))
    }

    fn run(&mut self, cx: &mut Context<'_>) -> Result<Value, StepError> {
        let backup = super::made_backup(cx, self.backup)?;
        let reporter = cx.reporter();
        let replica = ::backup::replicate(&backup, &self.root()?, &mut |done, total| {
            reporter.progress(Progress {
                done,
                total: Some(total),
                unit: "bytes",
                note: String::new(),
            });
        })
        .map_err(super::nothing)?;
        Ok(
            json!({ "path": replica.backup.path(), "id": replica.backup.id(), "bytes": replica.copied_bytes, "already": replica.already }),
        )
    }

    fn probe(&mut self, _cx: &mut Context<'_>) -> Result<Probe, StepError> {
        Ok(super::run_again())
    }

    fn undo(&mut self, _cx: &mut Context<'_>) -> Result<Value, StepError> {
        Ok(Value::Null)
    }
}
