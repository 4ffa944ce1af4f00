//! `verify_backup`: the files are re-read, and they hold exactly what the fence saw.

use crate::host::clock;
use crate::world::World;
use engine::StepError;
use engine::fault::VERIFICATION_FAILED;
use engine::plan::VerifyMode;
use engine::runner::{Context, Probe, Progress, Step};
use serde_json::{Value, json};

pub(super) struct VerifyBackup<'a> {
    pub(super) world: &'a World,
    pub(super) backup: &'a str,
    pub(super) mode: VerifyMode,
}

impl Step for VerifyBackup<'_> {
    fn preflight(&mut self, _cx: &mut Context<'_>) -> Result<(), StepError> {
        Ok(())
    }

    fn run(&mut self, cx: &mut Context<'_>) -> Result<Value, StepError> {
        let backup = super::readable_backup(self.world, cx, self.backup)?;
        let reporter = cx.reporter();
        let verified = backup
            .verify(&mut |done, total| {
                reporter.progress(Progress {
                    done,
                    total: Some(total),
                    unit: "bytes",
                    note: String::new(),
                });
            })
            .map_err(super::nothing)?;
        let through = cx.fact(self.backup, "through").and_then(Value::as_str);
        let fenced = cx.fact("digest_before", "digest").and_then(Value::as_str);
        if let (Some(through), Some(fenced)) = (through, fenced)
            && through != fenced
        {
            return Err(StepError::nothing(
                VERIFICATION_FAILED,
                format!("the backup holds other content ({through}) than the fence saw ({fenced}): something wrote past the fence"),
            )
            .hint("find the writer: `ventana fence status` lists who may still write"));
        }
        backup
            .record_proof(
                &clock::now().to_string(),
                ::backup::Proven::Files,
                backup.digest(),
            )
            .map_err(super::nothing)?;
        let mut facts = json!({ "files": verified.files, "bytes": verified.bytes, "path": backup.path() });
        if self.mode == VerifyMode::Restore {
            facts["restored"] = super::prove::prove(self.world, self.backup, cx)?;
        }
        Ok(facts)
    }

    fn probe(&mut self, _cx: &mut Context<'_>) -> Result<Probe, StepError> {
        self.world
            .scratch("prove")
            .and_then(|s| s.drop())
            .map_err(super::nothing)?;
        Ok(super::run_again())
    }

    fn undo(&mut self, _cx: &mut Context<'_>) -> Result<Value, StepError> {
        Ok(Value::Null)
    }
}
