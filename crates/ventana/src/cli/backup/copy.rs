//! `ventana backup copy`: to the replicas, or back from one.

use crate::cli::{Context, Done};
use crate::error::Failure;
use crate::host::lease::Lease;
use crate::replicas::{self, Act, Ledger, Named};
use crate::ui::format;
use backup::{Copied, Error, Folder};
use serde_json::{Value, json};

/// Options of `backup copy`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Name, path, or `latest`
    #[arg(default_value = "latest")]
    which: String,
    /// A configured replica, or a folder; all configured replicas when left out
    #[arg(long, value_name = "REPLICA")]
    to: Option<String>,
    /// Fetch it from this replica into the backup folder instead
    #[arg(long, value_name = "REPLICA", conflicts_with = "to")]
    from: Option<String>,
}

pub(super) fn run(cx: &Context, args: &Args) -> Done {
    let _lease = Lease::of_backups_shared(&cx.config.state_dir(), "backup copy")?;
    if let Some(replica) = &args.from {
        return fetch(cx, args, replica);
    }
    let backup = super::find(cx, &args.which)?;
    let targets = targets(cx, args)?;
    let (mut documents, mut lines) = (Vec::new(), Vec::new());
    let mut failed: Vec<(String, Failure)> = Vec::new();
    for named in &targets {
        let out = cx.out;
        let copied = named.copy(&cx.config, &backup, &mut |done, total| {
            out.progress("copy", done, total, "bytes", &named.name);
        });
        out.progress_end();
        match copied {
            Ok(copied) => {
                documents.push(document(&named.name, &copied));
                lines.push(line(cx, &copied));
            }
            // The others are copied all the same; the gravest failure decides.
            Err(failure) if targets.len() > 1 => {
                documents.push(json!({ "replica": named.name, "error": failure.document() }));
                lines.push(format!("✗ {}: {}", named.name, failure.message));
                failed.push((named.name.clone(), failure));
            }
            Err(failure) => return Err(failure),
        }
    }
    let mut whole = match documents.as_slice() {
        [one] => one.clone(),
        _ => json!({}),
    };
    whole["copies"] = Value::Array(documents);
    let failed = super::joined(failed);
    if let Some(failure) = &failed {
        whole["error"] = failure.document();
    }
    cx.out.result(&whole, || lines.join("\n"));
    Ok(failed.map_or(0, |failure| failure.exit))
}

fn targets(cx: &Context, args: &Args) -> Result<Vec<Named>, Failure> {
    let Some(to) = &args.to else {
        let all = replicas::all(&cx.config);
        return if all.is_empty() {
            Err(Failure::usage("no place to copy to")
                .hint("name a folder with --to, or [backup] off_site or [replica.NAME] in ventana.toml"))
        } else {
            Ok(all)
        };
    };
    Ok(vec![replicas::find(&cx.config, to)?])
}

fn document(replica: &str, copied: &Copied) -> Value {
    json!({ "replica": replica, "path": copied.place, "id": copied.id, "bytes": copied.copied_bytes, "already": copied.already,
        "verified": true })
}

fn line(cx: &Context, copied: &Copied) -> String {
    let read = cx.out.language.pick("releídos allí", "re-read there");
    let size = format::bytes(copied.copied_bytes);
    format!("{} ({size}, {read})", copied.place.display())
}

fn fetch(cx: &Context, args: &Args, replica: &str) -> Done {
    let named = replicas::find(&cx.config, replica)?;
    if args.which == "latest" {
        return Err(Failure::usage("which backup is to be fetched?").hint(format!(
            "name it: `ventana backup verify --all --replica {replica}` shows what is there"
        )));
    }
    let root = cx.config.backup_dir();
    let mut here = Folder::at(&root).map_err(|source| Error::Root { path: root, source })?;
    let mut there = named.open(&cx.config)?;
    let out = cx.out;
    // What was copied there comes back, or nothing does.
    let ledger = Ledger::of(&cx.config);
    let known = ledger.read()?;
    let known = known
        .iter()
        .find(|known| known.replica == replica && known.name == args.which);
    let id = known.map(|known| known.id.as_str());
    let copied = backup::copy_known(&mut *there, &args.which, id, &mut here, &mut |done, total| {
        out.progress("fetch", done, total, "bytes", replica);
    });
    out.progress_end();
    let place = there.place(&args.which);
    if let (Err(Error::Damaged { path, .. }), Some(id)) = (&copied, id)
        && *path == place
    {
        let place = place.display().to_string();
        ledger.record(replica, &args.which, id, &place, Act::Damaged)?;
    }
    let copied = copied?;
    cx.out.result(&document(replica, &copied), || line(cx, &copied));
    Ok(0)
}
