//! `ventana backup` and its `list`, `verify` and `copy`

use super::{Context, Done};
use crate::error::Failure;
use crate::host::clock;
use crate::transfer;
use crate::ui::{format, table};
use crate::world::{new_run_id, session};
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
}

#[derive(clap::Subcommand)]
enum What {
    /// List the service's backups, newest first, and when each was last proven
    List,
    /// Re-read a backup and compare every checksum; `--restore` restores it into a scratch copy too
    Verify {
        /// Name, path, or `latest`
        #[arg(default_value = "latest")]
        which: String,
        #[arg(long)]
        restore: bool,
    },
    /// Copy a backup off-site and re-read it there
    Copy {
        /// Name, path, or `latest`
        #[arg(default_value = "latest")]
        which: String,
        /// Folder; the configured [backup] off_site when left out
        #[arg(long)]
        to: Option<std::path::PathBuf>,
    },
}

pub fn run(cx: &Context, args: Args) -> Done {
    match args.what {
        None => make(cx, !args.no_restore),
        Some(What::List) => list(cx),
        Some(What::Verify { which, restore }) => verify(cx, &which, restore),
        Some(What::Copy { which, to }) => copy(cx, &which, to),
    }
}

fn make(cx: &Context, restored: bool) -> Done {
    let out = cx.out;
    let mut db = db::open(cx.config.address()?, &session(&cx.config, "backup"))?;
    let mut listen =
        |p: db::progress::Progress<'_>| out.progress("backup", p.rows, p.rows_total, "rows", p.table);
    let made = transfer::make(
        &mut *db,
        &cx.config.backup_dir(),
        &cx.config.service(),
        None,
        &mut listen,
    )?;
    out.progress_end();
    made.backup
        .verify(&mut |done, total| out.progress("verify", done, total, "bytes", ""))?;
    out.progress_end();
    let how = if restored {
        prove(cx, &made.backup)?;
        "restore"
    } else {
        made.backup.record_proof(
            &clock::now().to_string(),
            ::backup::Proven::Files,
            made.backup.digest(),
        )?;
        "files"
    };
    let totals = &made.backup.manifest().totals;
    let document = json!({ "path": made.backup.path(), "id": made.backup.id(), "digest": made.digest.digest,
        "bytes": totals.stored_bytes, "rows": totals.rows, "verified": how });
    out.result(&document, || {
        format!(
            "{}\n  {} {}, {} {}\n  digest {}\n  {}",
            made.backup.path().display(),
            format::count(totals.rows),
            out.language.pick("filas", "rows"),
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

/// Restores a backup into a scratch copy of the configured database's kind, compares, removes the copy.
pub(super) fn prove(cx: &Context, backup: &Backup) -> Result<(), Failure> {
    let id = new_run_id(&cx.config, "");
    // No run's folder keeps two of these apart, should they begin in the same second.
    let purpose = format!("verify_{}", std::process::id());
    let dir = cx.config.state_dir().join("scratch");
    let scratch = crate::scratch::Scratch::of(&cx.config, cx.config.address()?, &id, &dir, &purpose)?;
    let out = cx.out;
    let restored = {
        let mut db = scratch.create()?;
        let mut listen =
            |p: db::progress::Progress<'_>| out.progress("restore", p.rows, p.rows_total, "rows", p.table);
        transfer::restore(backup, &mut *db, &transfer::Terms::scratch(), &mut listen)
    };
    out.progress_end();
    scratch.drop()?;
    let restored = restored?;
    backup.record_proof(
        &clock::now().to_string(),
        ::backup::Proven::Restore,
        &restored.digest.digest,
    )?;
    Ok(())
}

fn find(cx: &Context, which: &str) -> Result<Backup, Failure> {
    ::backup::find(&cx.config.backup_dir(), &cx.config.service(), which)
        .map_err(|e| Failure::from(e).hint("`ventana backup list` shows what there is"))
}

fn list(cx: &Context) -> Done {
    let pick = |es, en| cx.out.language.pick(es, en);
    let entries = ::backup::list(&cx.config.backup_dir(), &cx.config.service())?;
    let mut documents = Vec::new();
    let mut rows = vec![
        [
            pick("nombre", "name"),
            pick("filas", "rows"),
            pick("tamaño", "size"),
            "digest",
            pick("probada", "proven"),
        ]
        .map(str::to_string)
        .to_vec(),
    ];
    for entry in &entries {
        let name = entry.name.to_string();
        match Backup::open(&entry.path) {
            Ok(backup) => {
                let totals = &backup.manifest().totals;
                let proof = backup.last_proof()?;
                rows.push(vec![
                    name.clone(),
                    format::count(totals.rows),
                    format::bytes(totals.stored_bytes),
                    format::short(backup.digest()).into(),
                    proof.as_ref().map_or("-".into(), |p| {
                        let how = match p.how {
                            ::backup::Proven::Files => pick("releída", "re-read"),
                            ::backup::Proven::Restore => pick("restaurada", "restored"),
                        };
                        format!("{} {how}", moment(&p.at))
                    }),
                ]);
                documents.push(json!({ "name": name, "path": entry.path, "complete": true, "rows": totals.rows, "bytes": totals.stored_bytes,
                    "digest": backup.digest(), "proven": proof.map(|p| json!({ "at": p.at, "how": p.how })) }));
            }
            Err(error) => {
                rows.push(vec![
                    name.clone(),
                    "-".into(),
                    "-".into(),
                    "-".into(),
                    error.to_string(),
                ]);
                documents.push(
                    json!({ "name": name, "path": entry.path, "complete": false, "why": error.to_string() }),
                );
            }
        }
    }
    cx.out.result(&json!({ "backups": documents }), || {
        if entries.is_empty() {
            return format!(
                "{} {}",
                cx.out.language.pick("no hay copias en", "no backups in"),
                cx.config.backup_dir().display()
            );
        }
        table::render(&rows, cx.out.columns)
    });
    Ok(0)
}

/// A moment to the second, as people read it.
fn moment(at: &str) -> String {
    at.parse::<jiff::Timestamp>().map_or_else(
        |_| at.to_owned(),
        |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
    )
}

fn verify(cx: &Context, which: &str, restore: bool) -> Done {
    let backup = find(cx, which)?;
    let out = cx.out;
    let verified = backup.verify(&mut |done, total| out.progress("verify", done, total, "bytes", ""))?;
    out.progress_end();
    if restore {
        prove(cx, &backup)?;
    } else {
        backup.record_proof(
            &clock::now().to_string(),
            ::backup::Proven::Files,
            backup.digest(),
        )?;
    }
    let how = if restore { "restore" } else { "files" };
    let pick = |es, en| out.language.pick(es, en);
    let document = json!({ "path": backup.path(), "digest": backup.digest(), "bytes": verified.bytes, "rows": verified.rows, "verified": how });
    out.result(&document, || {
        format!(
            "{}\n  {} {}, {} {}\n  digest {}\n  {}",
            backup.path().display(),
            verified.files,
            pick("archivos", "files"),
            format::bytes(verified.bytes),
            pick("releídos", "re-read"),
            backup.digest(),
            if restore {
                pick("probada: restaurada y comparada", "proven: restored and compared")
            } else {
                pick("cada suma coincide", "every checksum agrees")
            }
        )
    });
    Ok(0)
}

fn copy(cx: &Context, which: &str, to: Option<std::path::PathBuf>) -> Done {
    let backup = find(cx, which)?;
    let root = to
        .or_else(|| cx.config.file.backup.off_site.clone())
        .ok_or_else(|| {
            Failure::usage("no place to copy to")
                .hint("name a folder with --to, or [backup] off_site in ventana.toml")
        })?;
    let out = cx.out;
    let replica = ::backup::replicate(&backup, &root, &mut |done, total| {
        out.progress("copy", done, total, "bytes", "")
    })?;
    out.progress_end();
    let document = json!({ "path": replica.backup.path(), "id": replica.backup.id(), "bytes": replica.copied_bytes, "already": replica.already, "verified": true });
    out.result(&document, || {
        format!(
            "{} ({}, {})",
            replica.backup.path().display(),
            format::bytes(replica.copied_bytes),
            out.language.pick("releídos allí", "re-read there")
        )
    });
    Ok(0)
}
