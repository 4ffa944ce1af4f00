//! A restore into a SQLite file: beside it, compared there, then in its place.

use super::{Args, not_live};
use crate::cli::Context;
use crate::error::Failure;
use crate::transfer::{self, Restored, Terms};
use backup::Backup;
use db::progress::Listener;
use db::sqlite::Beside;
use db::{Address, Database};
use std::path::Path;

pub(super) fn restore(
    cx: &Context,
    path: &Path,
    backup: &Backup,
    terms: &Terms,
    args: &Args,
    listen: &mut Listener<'_>,
) -> Result<Restored, Failure> {
    not_live(
        cx,
        &Address::Sqlite {
            path: path.to_path_buf(),
        },
    )?;
    let there = path.exists();
    if there {
        replaceable(cx, path, args.replace)?;
    }
    let beside = Beside::of(path)?;
    let mut db = beside.open()?;
    let restored = transfer::restore(backup, &mut db, terms, listen)?;
    // That of a file which is replaced stays.
    let journal = backup.manifest().source.snapshot.get("journal_mode");
    if !there && journal.is_some_and(|mode| mode == "wal") {
        db.query("PRAGMA journal_mode=WAL")?;
    }
    for note in beside.publish(db, args.replace)? {
        cx.out.say("note", &note);
    }
    Ok(restored)
}

/// Refuses what is there already, unless it is meant to go.
fn replaceable(cx: &Context, path: &Path, replace: bool) -> Result<(), Failure> {
    if !path.is_file() {
        return Err(Failure::usage(format!("{} is no file", path.display())).hint("name another file"));
    }
    if !replace {
        return Err(Failure::usage(format!("{} exists already", path.display()))
            .hint("name another file, or add --replace"));
    }
    let empty = path.metadata().is_ok_and(|about| about.len() == 0);
    if !empty && !cx.yes {
        return Err(Failure::usage(format!("--replace destroys {}", path.display()))
            .hint("add --yes if that is meant"));
    }
    Ok(())
}
