//! `ventana restore`: a backup of ours, or an SQL dump made by others, into a schema or file of its own.

mod file;
mod server;
mod sql_dump;

use super::{Context, Done};
use crate::error::Failure;
use crate::host::lease::Lease;
use crate::transfer::{self, Restored};
use crate::ui::format;
use db::{Address, Dialect};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Options of `restore`.
#[derive(clap::Args)]
pub struct Args {
    /// A backup (name, folder, or `latest`), or an SQL dump: .sql, .sql.gz, .sql.zst
    what: String,
    /// Schema (MySQL, MariaDB) or file (SQLite) to restore into; it is made
    #[arg(long, value_name = "NAME")]
    into: String,
    /// Replace what is there
    #[arg(long)]
    replace: bool,
    /// The one database of a dump that holds several
    #[arg(long, value_name = "DATABASE")]
    only: Option<String>,
    /// Take a dump without its closing line: nothing then shows that it was not cut off
    #[arg(long)]
    no_trailer: bool,
    /// Take a dump of which the server changed values as it stored them: out of range, cut off, in another character set
    #[arg(long)]
    accept_warnings: bool,
    /// Account that views, routines, triggers and events run as, instead of the one in the dump
    #[arg(long, value_name = "USER@HOST")]
    definer: Option<String>,
    /// These tables alone, with their rows, keys and checks (of a backup of ours)
    #[arg(long, value_name = "TABLE,…", value_delimiter = ',')]
    tables: Vec<String>,
    /// Keep events as they are in the dump; otherwise they are created disabled
    #[arg(long)]
    keep_events: bool,
}

pub fn run(cx: &Context, args: Args) -> Done {
    if args.into.is_empty() {
        return Err(Failure::usage("--into names nothing")
            .hint("--into NAME: a schema on a server, or the path of a SQLite file"));
    }
    let path = Path::new(&args.what);
    if path.is_file() && !args.tables.is_empty() {
        return Err(Failure::usage(
            "--tables takes a part of a backup, not of an SQL dump",
        ));
    }
    let of_dumps = [
        ("--only", args.only.is_some()),
        ("--no-trailer", args.no_trailer),
        ("--accept-warnings", args.accept_warnings),
        ("--definer", args.definer.is_some()),
    ];
    if let Some((option, _)) = of_dumps.iter().find(|(_, given)| *given)
        && !path.is_file()
    {
        return Err(Failure::usage(format!(
            "{option} is for SQL dumps: a backup is restored as it was made"
        )));
    }
    let state = cx.config.state_dir();
    // Two restores must not go on with the same marks.
    let _one = Lease::of_restores(&state, "restore")?;
    if path.is_file() {
        return sql_dump::run(cx, path, &args);
    }
    // Read to its end before it may be deleted.
    let _lease = Lease::of_backups_shared(&state, "restore")?;
    let backup = backup::find(&cx.config.backup_dir(), &cx.config.series(), &args.what).map_err(|e| {
        Failure::from(e).hint("name a backup (`ventana backup list`), its folder, or an SQL dump file")
    })?;
    if args.what == "latest" && !cx.yes {
        return Err(Failure::usage(format!(
            "`latest` is {} of {}",
            backup.path().display(),
            backup.manifest().created_at
        ))
        .hint("if that is the one you want, name it, or add --yes"));
    }
    let backup = cx.config.readable(backup)?;
    let target = target(cx, &args)?;
    let out = cx.out;
    // Before anything is replaced by it.
    backup.verify(&mut |done, total| out.progress("verify", done, total, "bytes", ""))?;
    out.progress_end();
    let terms = transfer::Terms {
        events_disabled: !args.keep_events,
        resumable: matches!(target, Address::MySql { .. }),
        only: args.tables.iter().map(|name| name.trim().to_owned()).collect(),
    };
    let mut listen = out.rows("restore");
    let restored = match &target {
        Address::Sqlite { path } => file::restore(cx, path, &backup, &terms, &args, &mut listen),
        Address::MySql { .. } => server::restore(cx, &target, &backup, &terms, &args, &mut listen),
    };
    out.progress_end();
    let restored = restored?;
    let document = json!({ "database": args.into, "digest": restored.digest.digest, "verified": true, "rows": restored.rows,
        "backup": backup.path(), "events_off": restored.events_off });
    out.result(&document, || text(cx, &args, &target, &restored));
    Ok(0)
}

fn text(cx: &Context, args: &Args, target: &Address, restored: &Restored) -> String {
    let pick = |es, en| cx.out.language.pick(es, en);
    let mut text = format!(
        "{target}: {}\n  digest {}, {}",
        format::counted(restored.rows, pick("fila", "row"), pick("filas", "rows")),
        restored.digest.digest,
        match args.tables.is_empty() {
            true => pick("el de la copia", "the backup's"),
            false => pick(
                "de esta parte; cada tabla tiene el suyo de la copia",
                "of this part; each table has the backup's of it"
            ),
        }
    );
    if !restored.events_off.is_empty() {
        text.push_str(&format!(
            "\n  {}:",
            pick(
                "una copia no actúa, así que estos eventos quedan apagados (--keep-events los deja como estaban)",
                "a copy does not act, so these events are switched off (--keep-events leaves them as they were)"
            )
        ));
    }
    for event in &restored.events_off {
        let quoted = [&target.database(), event].map(|name| Dialect::MariaDb.quote(name));
        text.push_str(&format!("\n    ALTER EVENT {} ENABLE;", quoted.join(".")));
    }
    text
}

/// Schemas that are a server's own.
const SYSTEM: &[&str] = &["mysql", "sys", "information_schema", "performance_schema"];

/// Where `--into` is: beside the configured database.
fn target(cx: &Context, args: &Args) -> Result<Address, Failure> {
    match cx.config.address() {
        Ok(address @ Address::MySql { .. }) => {
            if SYSTEM.contains(&args.into.to_lowercase().as_str()) {
                return Err(Failure::usage(format!(
                    "{} is the server's own schema",
                    args.into
                )));
            }
            if args.into.chars().count() > 64 {
                return Err(Failure::usage(
                    "--into must be a schema name of at most 64 characters",
                ));
            }
            Ok(address.with_database(&args.into))
        }
        Ok(Address::Sqlite { .. }) => Ok(Address::Sqlite {
            path: PathBuf::from(&args.into),
        }),
        Err(failure) => Err(failure),
    }
}

/// A restore over the live database takes a fence, a proof and a way back: that is `rollback`. However the target is
/// spelled, it must be another one.
fn not_live(cx: &Context, target: &Address) -> Result<(), Failure> {
    let live = cx.config.address()?;
    let same = match (live, target) {
        (Address::Sqlite { path: live }, Address::Sqlite { path }) => {
            match (live.canonicalize(), path.canonicalize()) {
                (Ok(live), Ok(path)) => live == path,
                _ => false,
            }
        }
        // Schema names may or may not tell capitals apart.
        (live, target) => live.database().to_lowercase() == target.database().to_lowercase(),
    };
    if !same {
        return Ok(());
    }
    Err(
        Failure::usage(format!("{} is the configured, live database", target.database()))
            .hint("restore into another one, or use `ventana rollback`, which keeps the fence on"),
    )
}
