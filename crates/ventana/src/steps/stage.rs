//! `stage`: the new release beside the deployed one, exactly as the plan pinned it.

use crate::host::files;
use crate::world::World;
use engine::StepError;
use engine::runner::{Context, Probe, Step};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

pub(super) struct Stage<'a> {
    pub(super) world: &'a World,
    pub(super) release: &'a str,
    pub(super) source: &'a str,
}

impl Stage<'_> {
    fn target(&self) -> Result<PathBuf, StepError> {
        let release = self.world.config.file.release.as_ref();
        let root = release.map(|r| r.root.clone()).ok_or_else(|| {
            StepError::nothing("config", "[release] is no longer configured")
                .hint("put it back as it was when the plan was made")
        })?;
        Ok(root.join("releases").join(self.release))
    }

    fn same(&self, folder: &Path, cx: &Context<'_>) -> Result<bool, StepError> {
        let wanted = cx.plan().release.as_ref().map(|r| r.digest.as_str());
        Ok(wanted == Some(files::folder_digest(folder).map_err(super::nothing)?.as_str()))
    }

    fn changed(folder: &Path) -> StepError {
        StepError::nothing(
            "release_changed",
            format!(
                "{} is not the release that was planned: a file differs",
                folder.display()
            ),
        )
        .hint("put the planned files back, or make the plan again (and have it approved again)")
    }
}

impl Step for Stage<'_> {
    fn preflight(&mut self, cx: &mut Context<'_>) -> Result<(), StepError> {
        let source = Path::new(self.source);
        if self.same(source, cx)? {
            Ok(())
        } else {
            Err(Self::changed(source))
        }
    }

    fn run(&mut self, cx: &mut Context<'_>) -> Result<Value, StepError> {
        let target = self.target()?;
        if !target.exists() {
            files::copy_folder(Path::new(self.source), &target).map_err(super::nothing)?;
        }
        if !self.same(&target, cx)? {
            return Err(Self::changed(&target));
        }
        Ok(json!({ "path": target }))
    }

    fn probe(&mut self, _cx: &mut Context<'_>) -> Result<Probe, StepError> {
        Ok(super::run_again())
    }

    fn undo(&mut self, _cx: &mut Context<'_>) -> Result<Value, StepError> {
        Ok(Value::Null)
    }
}
