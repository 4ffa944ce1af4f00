//! `ventana backup verify`: re-reads backups, here or in a replica, and restores them if asked.

mod here;
mod place;
mod there;

use self::place::{Found, Place};
use super::prove;
use crate::cli::{Context, Done};
use crate::error::Failure;
use crate::host::lease::Lease;
use crate::ui::format;
use backup::{Backup, Proven};
use serde_json::{Value, json};

/// Options of `backup verify`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Name, path, or `latest`
    #[arg(default_value = "latest")]
    which: String,
    /// Every complete backup there
    #[arg(long, conflicts_with = "which")]
    all: bool,
    /// Restore it into a scratch copy too, and compare digests
    #[arg(long)]
    restore: bool,
    /// Restore into a private server started for this, not beside the configured database (MariaDB)
    #[arg(long, requires = "restore")]
    scratch_server: bool,
    /// In this replica: its name, or the path of a folder
    #[arg(long, value_name = "NAME")]
    replica: Option<String>,
    /// Say nothing where all is well
    #[arg(long)]
    quiet: bool,
}

/// What was found whole.
struct Whole {
    name: String,
    path: String,
    id: String,
    digest: String,
    files: u64,
    bytes: u64,
    rows: u64,
    encrypted: bool,
    /// Whether what is in the files was read, and not the stored files alone.
    contents: bool,
}

pub(super) fn run(cx: &Context, args: &Args) -> Done {
    let _lease = Lease::of_backups_shared(&cx.config.state_dir(), "backup verify")?;
    let mut place = Place::of(cx, args)?;
    if !args.all {
        let which = place.named(cx, &args.which)?;
        let whole = place.verify(cx, args, &which)?;
        report(cx, args, &whole);
        return Ok(0);
    }
    let (mut documents, mut lines, mut failed) = (Vec::new(), Vec::new(), Vec::new());
    for found in place.all(cx)? {
        let name = found.name().to_owned();
        let outcome = match found {
            Found::Remains { why, .. } => {
                // Remains of an interrupted backup are no damage: they never were one.
                documents.push(json!({ "name": name, "state": "incomplete", "why": why }));
                let what = cx.out.language.pick("incompleta", "incomplete");
                lines.push(format!("- {name}: {what}"));
                continue;
            }
            Found::Bad { failure, .. } => Err(failure),
            Found::Complete(_) => place.verify(cx, args, &name),
        };
        match outcome {
            Ok(whole) => {
                documents.push(whole.document(args));
                let (files, read) = (whole.files, format::bytes(whole.bytes));
                let unread = match whole.unread() && !args.restore {
                    true => cx
                        .out
                        .language
                        .pick("; cifrada, contenido NO leído", "; encrypted, content NOT read"),
                    false => "",
                };
                lines.push(format!(
                    "✓ {name}: {files} {}, {read}{unread}",
                    cx.out.language.pick("archivos", "files")
                ));
            }
            Err(failure) => {
                documents.push(json!({ "name": name, "state": "failed", "error": failure.document() }));
                lines.push(format!("✗ {name}: {}", failure.message));
                failed.push((name, failure));
            }
        }
    }
    let count = failed.len();
    let failed = super::joined(failed);
    if cx.out.json || failed.is_some() || !args.quiet {
        let mut document = json!({ "backups": documents, "failed": count });
        if let Some(failure) = &failed {
            document["error"] = failure.document();
        }
        cx.out.result(&document, || lines.join("\n"));
    }
    Ok(failed.map_or(0, |failure| failure.exit))
}

impl Whole {
    /// Encrypted, and only its stored files were compared.
    fn unread(&self) -> bool {
        self.encrypted && !self.contents
    }

    fn document(&self, args: &Args) -> Value {
        let how = if args.restore { "restore" } else { "files" };
        json!({ "name": self.name, "path": self.path, "id": self.id, "digest": self.digest, "bytes": self.bytes, "rows": self.rows,
            "verified": how, "replica": args.replica, "encrypted": self.encrypted, "contents": self.contents || args.restore })
    }
}

fn report(cx: &Context, args: &Args, whole: &Whole) {
    if args.quiet && !cx.out.json {
        return;
    }
    let pick = |es, en| cx.out.language.pick(es, en);
    cx.out.result(&whole.document(args), || {
        format!(
            "{}\n  {} {}, {} {}\n  digest {}\n  {}",
            whole.path,
            whole.files,
            pick("archivos", "files"),
            format::bytes(whole.bytes),
            pick("releídos", "re-read"),
            whole.digest,
            if args.restore {
                pick("probada: restaurada y comparada", "proven: restored and compared")
            } else if whole.unread() {
                pick(
                    "cada suma coincide; está cifrada y su contenido NO se leyó (falta --identity ARCHIVO)",
                    "every checksum agrees; it is encrypted and its content was NOT read (that takes --identity FILE)",
                )
            } else {
                pick("cada suma coincide", "every checksum agrees")
            }
        )
    });
}

/// Restores it where that is asked for, and records what was proven beside the backup.
fn proven(cx: &Context, args: &Args, backup: &Backup) -> Result<(), Failure> {
    if args.restore {
        return prove(cx, backup, args.scratch_server);
    }
    super::prove::record(cx, backup, Proven::Files, backup.digest())
}
