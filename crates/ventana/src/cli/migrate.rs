//! `ventana migrate`: where a migration stands; `--finalize` drops what its contract kept.

use super::{Context, Done};
use crate::error::Failure;
use crate::host::lease::Lease;
use crate::transfer;
use crate::window::planner::read_migration;
use db::migration;
use serde_json::json;

/// Tries of a statement whose lock is taken: each waits at most a second.
const TRIES: u32 = 20;

/// Options of `migrate`.
#[derive(clap::Args)]
pub struct Args {
    /// Drop what the contract kept, after a backup that is proven by a restore
    #[arg(long)]
    finalize: bool,
}

pub fn run(cx: &Context, args: Args) -> Done {
    let wanted = cx.config.file.migration.as_ref().ok_or_else(|| {
        Failure::usage("no migration is configured").hint("write [migration] id = \"…\" in ventana.toml")
    })?;
    let (migration, digest) = read_migration(&cx.config, &wanted.id)?;
    let mut db = db::open(cx.config.address()?, &cx.config.session("migrate"))?;
    let starts = migration.starts(&mut *db)?;
    let state = migration::start_state(&starts, &mut *db)?.clone();
    if !args.finalize {
        let document = json!({ "migration": migration.id, "title": migration.title, "digest": digest, "state": state.name, "done": state.done });
        cx.out.result(&document, || {
            let what = if state.done {
                cx.out
                    .language
                    .pick("hecha; nada que hacer", "done; nothing to do")
            } else {
                cx.out.language.pick(
                    "pendiente: `ventana plan`, luego `ventana run`",
                    "pending: `ventana plan`, then `ventana run`",
                )
            };
            format!(
                "{} — {}\n  {} ({what})",
                migration.id, migration.title, state.name
            )
        });
        return Ok(0);
    }
    if !state.done {
        return Err(Failure::usage(format!(
            "migration {} has not been contracted yet (state {})",
            migration.id, state.name
        ))
        .hint("run the window first"));
    }
    if !cx.yes {
        return Err(Failure::usage("--finalize drops the old columns for good")
            .hint("add --yes; a backup is made and proven first"));
    }
    cx.config.session("migrate").may_change(db.dialect())?;
    let _lease = Lease::take(&cx.config.state_dir(), "migrate --finalize")?;
    crate::window::runs::all_over(&cx.config)?;
    cx.config.can_restore()?;
    let online = starts;
    let made = transfer::make(
        &mut *db,
        &[],
        &cx.config.backup_dir(),
        &cx.config,
        None,
        cx.config.throttle(None),
        &mut db::progress::silent(),
    )?;
    made.backup.verify(&mut |_, _| {})?;
    super::backup::prove(cx, &made.backup, false)?;
    for change in &online.finalize {
        if let Some(when) = &change.when
            && db.count(when)? != 1
        {
            continue;
        }
        db::mariadb::ddl(&mut *db, &change.sql, TRIES)?;
    }
    let document = json!({ "migration": migration.id, "finalized": true, "backup": made.backup.path(), "digest_before": made.digest.digest });
    cx.out.result(&document, || {
        format!(
            "{} {} {}",
            migration.id,
            cx.out.language.pick("finalizada; copia", "finalized; backup"),
            made.backup.path().display()
        )
    });
    Ok(0)
}
