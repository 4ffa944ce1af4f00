//! A restore into a SQLite file: beside it, compared there, then in its place.

use super::{Args, not_live};
use crate::cli::Context;
use crate::error::{Failure, io};
use crate::transfer::{self, Restored, Terms};
use backup::Backup;
use db::progress::Listener;
use db::sqlite::Beside;
use db::{Address, Database};
use std::fs::File;
use std::io::Read;
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
    if !is_database(path)? {
        return Err(Failure::usage(format!(
            "{} is something else than a SQLite database, and stays",
            path.display()
        ))
        .hint("name another file; or remove this one yourself, if nobody wants it"));
    }
    let empty = path.metadata().is_ok_and(|about| about.len() == 0);
    if !empty && !cx.yes {
        return Err(Failure::usage(format!("--replace destroys {}", path.display()))
            .hint("add --yes if that is meant"));
    }
    Ok(())
}

/// Whether the file begins as databases of SQLite do, or is empty as new ones are.
fn is_database(path: &Path) -> Result<bool, Failure> {
    let mut head = Vec::new();
    File::open(path)
        .and_then(|file| file.take(16).read_to_end(&mut head))
        .map_err(io(format!("cannot read {}", path.display())))?;
    Ok(head.is_empty() || head == b"SQLite format 3\0")
}
