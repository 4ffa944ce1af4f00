//! `ventana digest`: of the live database, of a backup's files, and where two of them differ

mod differences;
mod sides;

use super::{Context, Done};
use crate::config::Rate;
use crate::error::Failure;
use crate::host::lease::Lease;
use crate::scratch::temporary;
use crate::transfer::Contents;
use crate::ui::{format, table};
use ::backup::Backup;
use db::progress::Listener;
use db::sqlite::online::Frozen;
use db::{Address, Digest, Throttle};
use std::path::Path;

/// Options of `digest`.
#[derive(clap::Args)]
pub struct Args {
    /// Of a backup (name, folder, or `latest`), from its files alone
    #[arg(long, value_name = "NAME", conflicts_with = "diff")]
    backup: Option<String>,
    /// Say where two differ, down to rows; each is `live`, `backup:NAME`, a backup's folder, `schema:NAME` or a database URL
    #[arg(long, num_args = 2, value_names = ["LEFT", "RIGHT"])]
    diff: Option<Vec<String>>,
    /// With --diff: show the values that differ, not only the keys of their rows
    #[arg(long, requires = "diff")]
    show_values: bool,
    /// Read the live database at most so fast, in bytes a second, as in 20MB; goes before the file's own
    #[arg(long, value_name = "RATE", conflicts_with_all = ["backup", "diff"])]
    throttle: Option<Rate>,
}

pub fn run(cx: &Context, args: Args) -> Done {
    // Read to its end before it may be deleted.
    let reads = args.backup.is_some() || args.diff.iter().flatten().any(|text| sides::is_backup(text));
    let _lease = match reads {
        true => Some(Lease::of_backups_shared(&cx.config.state_dir(), "digest")?),
        false => None,
    };
    if let Some(pair) = &args.diff {
        return differences::run(cx, pair, args.show_values);
    }
    if let Some(which) = &args.backup {
        let backup = ::backup::find(&cx.config.backup_dir(), &cx.config.series(), which)
            .map_err(|e| Failure::from(e).hint("`ventana backup list` shows what there is"))?;
        return of_backup(cx, &cx.config.readable(backup)?);
    }
    let address = cx.config.address()?;
    let out = cx.out;
    let throttle = cx.config.throttle(args.throttle);
    let listen = &mut out.rows("digest");
    let digest = match address {
        Address::Sqlite { path } => of_file(cx, path, throttle, listen)?,
        address => {
            let mut db = db::open(address, &cx.config.session("digest"))?;
            db::digest::compute_at(&mut *db, None, throttle, listen)?
        }
    };
    out.progress_end();
    show(cx, &digest, &address.to_string());
    Ok(0)
}

/// Nobody who writes is kept waiting, however long it takes.
fn of_file(
    cx: &Context,
    path: &Path,
    throttle: Throttle,
    listen: &mut Listener<'_>,
) -> Result<Digest, Failure> {
    let state = cx.config.state_dir();
    let scratch = state.join("scratch");
    // A digest leaves nothing behind.
    let made: Vec<&Path> = [scratch.as_path(), &state]
        .into_iter()
        .filter(|folder| !folder.exists())
        .collect();
    let frozen = Frozen::open(path, &scratch);
    let digest = frozen.and_then(|mut frozen| db::digest::compute_at(frozen.db(), None, throttle, listen));
    for folder in made {
        // Not there, or somebody's by now.
        let _ = std::fs::remove_dir(folder);
    }
    Ok(digest?)
}

fn of_backup(cx: &Context, backup: &Backup) -> Done {
    let contents = Contents::of(backup)?;
    let out = cx.out;
    let scratch = temporary(&cx.config, "digest")?;
    let digest = db::digest::of_files(&contents, scratch.path(), &mut out.rows("digest"));
    out.progress_end();
    let digest = digest.map_err(|error| damage_or(cx, backup, error.into()))?;
    if digest.digest != backup.digest() {
        return Err(Failure::verification(format!(
            "the files of {} have the digest {}, and its manifest promises {}",
            backup.path().display(),
            digest.digest,
            backup.digest()
        ))
        .hint("do not restore from it; `ventana backup list` shows the others"));
    }
    show(cx, &digest, &backup.path().display().to_string());
    Ok(0)
}

/// The damage that kept the backup's rows from being read; the failure itself where every file is as it was written.
fn damage_or(cx: &Context, backup: &Backup, failure: Failure) -> Failure {
    if failure.code == "interrupted" {
        return failure;
    }
    let out = cx.out;
    let verified = backup.verify(&mut |done, total| out.progress("verify", done, total, "bytes", ""));
    out.progress_end();
    verified.map_or_else(Failure::from, |_| failure)
}

fn show(cx: &Context, digest: &Digest, of: &str) {
    let out = cx.out;
    out.result(digest, || {
        let mut rows = vec![
            [
                out.language.pick("tabla", "table"),
                out.language.pick("filas", "rows"),
                "digest",
            ]
            .map(str::to_string)
            .to_vec(),
        ];
        for t in &digest.tables {
            rows.push(vec![t.name.clone(), format::count(t.rows), t.digest.clone()]);
        }
        format!("{}\n{}  {of}", table::render(&rows, out.columns), digest.digest)
    });
}
