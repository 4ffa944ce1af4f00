//! `switch`: points `current` at the new release, in one rename.

use crate::host::files;
use crate::world::World;
use engine::StepError;
use engine::runner::{Context, Probe, Step};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

pub(super) struct Switch<'a> {
    pub(super) world: &'a World,
    pub(super) release: &'a str,
}

impl Switch<'_> {
    fn link(&self) -> PathBuf {
        self.world
            .config
            .file
            .release
            .as_ref()
            .map(|r| r.root.join("current"))
            .unwrap_or_default()
    }

    fn target(&self) -> PathBuf {
        Path::new("releases").join(self.release)
    }
}

impl Step for Switch<'_> {
    fn preflight(&mut self, _cx: &mut Context<'_>) -> Result<(), StepError> {
        let link = self.link();
        if link.exists() && files::read_link(&link).is_none() {
            return Err(
                StepError::nothing("current", format!("{} is not a link", link.display()))
                    .hint("move what is there aside: `current` must be a link to releases/<name>"),
            );
        }
        Ok(())
    }

    fn run(&mut self, cx: &mut Context<'_>) -> Result<Value, StepError> {
        let link = self.link();
        if cx.own_fact("from").is_none() {
            cx.record("from", json!(files::read_link(&link)))?;
        }
        files::point_link(&link, &self.target()).map_err(super::maybe)?;
        Ok(json!({ "to": self.target() }))
    }

    fn probe(&mut self, _cx: &mut Context<'_>) -> Result<Probe, StepError> {
        Ok(super::half_done())
    }

    fn undo(&mut self, cx: &mut Context<'_>) -> Result<Value, StepError> {
        let link = self.link();
        match cx.own_fact("from").and_then(Value::as_str) {
            // A link that points there already is left alone: the rename may never have happened.
            Some(from) if files::read_link(&link).as_deref() == Some(Path::new(from)) => {}
            Some(from) => files::point_link(&link, Path::new(from)).map_err(super::maybe)?,
            None => {
                if files::read_link(&link).as_deref() == Some(self.target().as_path()) {
                    std::fs::remove_file(&link)
                        .map_err(crate::error::io("cannot remove the link"))
                        .map_err(super::maybe)?;
                }
            }
        }
        Ok(json!({ "undo": files::read_link(&link) }))
    }
}
