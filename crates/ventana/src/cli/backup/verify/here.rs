//! A backup of the backup folder, or of any folder of this machine.

use super::{Args, Whole, proven};
use crate::cli::Context;
use crate::cli::backup::find;
use crate::error::{Failure, exit};
use crate::replicas::{Act, HERE, Ledger};
use backup::{Backup, Verification};
use std::path::Path;

pub(super) fn verify(cx: &Context, args: &Args, which: &str) -> Result<Whole, Failure> {
    let backup = find(cx, which)?;
    let whole = examined(cx, args, &backup);
    remember(cx, &backup, args, whole.as_ref().err())?;
    whole
}

/// Writes down damage, so that neither a list nor `prune` takes the backup for a good one, and its end. Proofs lie beside the
/// backup; another folder than the configured one is nobody's to know.
fn remember(cx: &Context, backup: &Backup, args: &Args, failure: Option<&Failure>) -> Result<(), Failure> {
    let path = backup.path();
    let real = |path: &Path| path.canonicalize().ok();
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        return Ok(());
    };
    if path.parent().and_then(real) != real(&cx.config.backup_dir()) {
        return Ok(());
    }
    let ledger = Ledger::of(&cx.config);
    let known = ledger.read()?;
    let damaged = known
        .iter()
        .any(|k| k.replica == HERE && k.name == name && k.id == backup.id() && k.act == Act::Damaged);
    let act = match failure {
        Some(failure) if failure.exit == exit::VERIFICATION => Act::Damaged,
        None if damaged && args.restore => Act::Restore,
        None if damaged => Act::Files,
        _ => return Ok(()),
    };
    ledger.record(HERE, name, backup.id(), &path.display().to_string(), act)
}

fn examined(cx: &Context, args: &Args, backup: &Backup) -> Result<Whole, Failure> {
    if args.restore {
        // Said before everything is read.
        cx.config.readable(backup.clone())?;
    }
    let out = cx.out;
    let verification = match cx.config.keys_of(backup)? {
        Some(keys) => Verification::of(backup.path()).identities(&keys),
        None => Verification::of(backup.path()),
    };
    let verified = verification.run(&mut |done, total| out.progress("verify", done, total, "bytes", ""));
    out.progress_end();
    let verified = verified?;
    proven(cx, args, backup)?;
    Ok(Whole {
        name: backup.manifest().name.clone(),
        path: backup.path().display().to_string(),
        id: backup.id().into(),
        digest: backup.digest().into(),
        files: verified.files,
        bytes: verified.bytes,
        rows: verified.rows,
        encrypted: backup.encryption().is_some(),
        contents: verified.contents,
    })
}
