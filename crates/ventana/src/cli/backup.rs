//! `ventana backup` and its `list`, `verify`, `copy` and `prune`

mod copy;
mod list;
mod needed;
mod prove;
mod prune;
mod verify;

pub(super) use prove::prove;

use super::{Context, Done};
use crate::config::Rate;
use crate::error::{Failure, exit};
use crate::host::lease::Lease;
use crate::transfer;
use crate::ui::format;
use ::backup::Backup;
use serde_json::json;

/// Options of `backup`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: Option<What>,
    /// Do not prove the new backup by restoring it into a scratch copy
    #[arg(long)]
    no_restore: bool,
    /// Read at most so many bytes a second, as in 20MB; goes before the file's own
    #[arg(long, value_name = "RATE")]
    throttle: Option<Rate>,
}

#[derive(clap::Subcommand)]
enum What {
    /// List the service's backups, newest first: what each is, when it was last proven, where its replicas are
    List,
    /// Re-read a backup and compare every checksum; `--restore` restores it into a scratch copy too
    Verify(verify::Args),
    /// Copy a backup to its replicas and re-read it there, or fetch it from one
    Copy(copy::Args),
    /// Delete the backups that no rule of [backup.keep] keeps
    Prune(prune::Args),
}

pub fn run(cx: &Context, args: Args) -> Done {
    match args.what {
        None => make(cx, !args.no_restore, args.throttle),
        Some(What::List) => list::run(cx),
        Some(What::Verify(args)) => verify::run(cx, &args),
        Some(What::Copy(args)) => copy::run(cx, &args),
        Some(What::Prune(args)) => prune::run(cx, &args),
    }
}

fn make(cx: &Context, restored: bool, rate: Option<Rate>) -> Done {
    let out = cx.out;
    let _lease = Lease::of_backups_shared(&cx.config.state_dir(), "backup")?;
    // As large as the data, and of no use to anybody.
    crate::scratch::clear(&cx.config)?;
    for left in ::backup::remove_remains(&cx.config.backup_dir(), &cx.config.series())? {
        out.say(
            "removed",
            &format!(
                "{}: {}",
                out.language.pick(
                    "se borró lo que dejó una copia interrumpida",
                    "removed what an interrupted backup had left"
                ),
                left.display()
            ),
        );
    }
    if restored {
        cx.config.can_restore()?;
    }
    let mut frozen = transfer::frozen(&cx.config)?;
    let notes = frozen.as_ref().map_or(Vec::new(), |f| f.notes().to_vec());
    for note in &notes {
        out.say("note", note);
    }
    let mut live;
    let source: &mut dyn db::Database = match &mut frozen {
        Some(frozen) => frozen.db(),
        None => {
            live = db::open(cx.config.address()?, &cx.config.session("backup"))?;
            &mut *live
        }
    };
    let mut listen = out.rows("backup");
    let made = transfer::make(
        source,
        &notes,
        &cx.config.backup_dir(),
        &cx.config,
        None,
        cx.config.throttle(rate),
        &mut listen,
    )?;
    out.progress_end();
    if made.digest.tables.is_empty() {
        let empty = out.language.pick(
            "no tiene ninguna tabla: ¿es la base de datos correcta?",
            "holds no table: is it the right database?",
        );
        out.say(
            "note",
            &format!("{} {empty}", made.backup.manifest().source.database),
        );
    }
    made.backup
        .verification()
        .just_written()
        .run(&mut |done, total| out.progress("verify", done, total, "bytes", ""))?;
    out.progress_end();
    let how = if restored {
        prove(cx, &made.backup, false).map_err(|failure| unproven(&made.backup, failure))?;
        "restore"
    } else {
        prove::record(cx, &made.backup, ::backup::Proven::Files, made.backup.digest())?;
        "files"
    };
    let totals = &made.backup.manifest().totals;
    let document = json!({ "path": made.backup.path(), "id": made.backup.id(), "digest": made.digest.digest,
        "bytes": totals.stored_bytes, "rows": totals.rows, "verified": how,
        "encrypted": made.backup.encryption().is_some() });
    out.result(&document, || {
        format!(
            "{}\n  {}, {} {}\n  digest {}\n  {}",
            made.backup.path().display(),
            format::counted(
                totals.rows,
                out.language.pick("fila", "row"),
                out.language.pick("filas", "rows")
            ),
            format::bytes(totals.stored_bytes),
            out.language.pick("comprimidos", "compressed"),
            made.digest.digest,
            if restored {
                out.language
                    .pick("probado: restaurado y comparado", "proven: restored and compared")
            } else {
                out.language.pick(
                    "releído; sin restauración de prueba",
                    "re-read; not proven by a restore",
                )
            }
        )
    });
    Ok(0)
}

/// The backup is there all the same, and every file of it as it was written.
fn unproven(backup: &Backup, failure: Failure) -> Failure {
    let name = &backup.manifest().name;
    let again = format!("`ventana backup verify {name} --restore` proves it");
    Failure {
        message: format!(
            "{} was made and re-read, and is not proven by a restore: {}",
            backup.path().display(),
            failure.message
        ),
        hint: Some(match failure.hint {
            Some(hint) => format!("{hint}; then {again}"),
            None => format!("`ventana check` tells what a proof lacks; then {again}"),
        }),
        ..failure
    }
}

fn find(cx: &Context, which: &str) -> Result<Backup, Failure> {
    ::backup::find(&cx.config.backup_dir(), &cx.config.series(), which)
        .map_err(|e| Failure::from(e).hint("`ventana backup list` shows what there is"))
}

/// One failure of all that failed, each with the name of what it is about. Damage is the gravest news.
fn joined(failed: Vec<(String, Failure)>) -> Option<Failure> {
    let words: Vec<String> = failed
        .iter()
        .map(|(name, failure)| match failure.message.contains(name) {
            true => failure.message.clone(),
            false => format!("{name}: {}", failure.message),
        })
        .collect();
    let failures = failed.into_iter().map(|(_, failure)| failure);
    // Of equals the first.
    let gravest = failures.reduce(|one, other| {
        let graver = other.exit == exit::VERIFICATION && one.exit != exit::VERIFICATION;
        if graver { other } else { one }
    })?;
    Some(Failure {
        message: words.join("; "),
        ..gravest
    })
}

/// A moment to the second, as people read it.
fn moment(at: &str) -> String {
    at.parse::<jiff::Timestamp>().map_or_else(
        |_| at.to_owned(),
        |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
    )
}
