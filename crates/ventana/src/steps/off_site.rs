//! `off_site`: the backup in every configured replica, re-read there.

use crate::error::{Failure, exit};
use crate::host::death;
use crate::replicas::{self, Named};
use crate::world::World;
use backup::Copied;
use engine::StepError;
use engine::runner::{Context, Probe, Progress, Step};
use serde_json::{Value, json};

pub(super) struct OffSite<'a> {
    pub(super) world: &'a World,
    pub(super) backup: &'a str,
}

impl OffSite<'_> {
    fn replicas(&self) -> Result<Vec<Named>, StepError> {
        let replicas = replicas::all(&self.world.config);
        if replicas.is_empty() {
            return Err(super::nothing(
                Failure::usage("neither [backup] off_site nor a [replica.NAME] is configured any more")
                    .hint("name the place again"),
            ));
        }
        Ok(replicas)
    }
}

impl Step for OffSite<'_> {
    fn preflight(&mut self, _cx: &mut Context<'_>) -> Result<(), StepError> {
        for named in self.replicas()? {
            named.preflight(&self.world.config).map_err(|failure| {
                let hint = match (&named.replica.folder, &failure.hint) {
                    (None, Some(hint)) => hint.clone(),
                    _ => "mount the off-site folder, or name another one".into(),
                };
                super::nothing(failure).hint(hint)
            })?;
        }
        Ok(())
    }

    fn run(&mut self, cx: &mut Context<'_>) -> Result<Value, StepError> {
        let backup = super::made_backup(cx, self.backup)?;
        let replicas = self.replicas()?;
        let reporter = cx.reporter();
        let mut copies = Vec::new();
        let mut failed = Vec::new();
        // One that fails keeps no other from its copy.
        for named in &replicas {
            let copied = named.copy(&self.world.config, &backup, &mut |done, total| {
                death::point();
                reporter.progress(Progress {
                    done,
                    total: Some(total),
                    unit: "bytes",
                    note: if replicas.len() > 1 {
                        named.name.clone()
                    } else {
                        String::new()
                    },
                });
            });
            match copied {
                Ok(copied) => copies.push((named, copied)),
                Err(failure) => failed.push((named, failure)),
            }
        }
        if failed.is_empty() {
            return Ok(facts(&copies));
        }
        Err(super::nothing(joined(failed, replicas.len())))
    }

    fn probe(&mut self, _cx: &mut Context<'_>) -> Result<Probe, StepError> {
        Ok(super::run_again())
    }

    fn undo(&mut self, _cx: &mut Context<'_>) -> Result<Value, StepError> {
        Ok(Value::Null)
    }
}

/// The first copy's facts as they always stood, and all of them by replica.
fn facts(copies: &[(&Named, Copied)]) -> Value {
    let one = |copied: &Copied| json!({ "path": copied.place, "id": copied.id, "bytes": copied.copied_bytes, "already": copied.already });
    let mut facts = copies
        .first()
        .map_or_else(|| json!({}), |(_, copied)| one(copied));
    let all = copies.iter().map(|(named, copied)| {
        let mut fact = one(copied);
        fact["replica"] = named.name.clone().into();
        fact
    });
    facts["replicas"] = all.collect();
    facts
}

/// One failure of all; the gravest gives its code.
fn joined(failed: Vec<(&Named, Failure)>, of: usize) -> Failure {
    let several = of > 1;
    let words = failed.iter().map(|(named, failure)| match several {
        true => format!("{}: {}", named.name, failure.message),
        false => failure.message.clone(),
    });
    let message = words.collect::<Vec<_>>().join("; ");
    let hint = failed.iter().find_map(|(_, failure)| failure.hint.clone());
    let gravest = failed
        .into_iter()
        .map(|(_, failure)| failure)
        .max_by_key(|failure| failure.exit == exit::VERIFICATION);
    let mut whole = gravest.unwrap_or_else(|| Failure::failed("replica", ""));
    whole.message = message;
    whole.hint = hint;
    whole
}
