//! A backup in a replica.

use super::{Args, Whole, proven};
use crate::cli::Context;
use crate::error::{Failure, exit};
use crate::host::files::sha256;
use crate::replicas::{Act, Ledger, Named};
use crate::scratch::temporary;
use crate::ui::format;
use backup::{Backup, Error, Examined, Folder, Store, VerifyError};
use std::io::Read;

pub(super) fn verify(
    cx: &Context,
    args: &Args,
    named: &Named,
    store: &mut dyn Store,
    name: &str,
) -> Result<Whole, Failure> {
    let out = cx.out;
    let place = store.place(name).display().to_string();
    let ledger = Ledger::of(&cx.config);
    let known = ledger.read()?;
    let known = known
        .into_iter()
        .find(|k| k.replica == named.name && k.name == name);
    let keys = match store.local(name).and_then(|path| Backup::open(&path).ok()) {
        Some(backup) => cx.config.keys_of(&backup)?,
        None => None,
    };
    let examined = backup::examine(store, name, keys.as_ref(), &mut |done, total| {
        out.progress("verify", done, total, "bytes", &named.name);
    });
    out.progress_end();
    let examined = examined.map_err(|error| in_replica(error, &place));
    if examined
        .as_ref()
        .is_err_and(|failure| failure.exit == exit::VERIFICATION)
    {
        // One that somebody else copied there is not known yet: it is named as it names itself.
        let id = known
            .as_ref()
            .map_or_else(|| id_in(store, name), |known| known.id.clone());
        ledger.record(&named.name, name, &id, &place, Act::Damaged)?;
    }
    let Examined {
        id,
        manifest,
        verified,
    } = examined?;
    if let Some(known) = known.filter(|known| known.id != id) {
        return Err(Failure::verification(format!(
            "{place} is whole, but another backup ({}) than the one that was copied there ({})",
            format::short(&id),
            format::short(&known.id)
        ))
        .hint("somebody replaced it; compare with the original before relying on either"));
    }
    let proven = if args.restore {
        restore_from(cx, args, store, name)
    } else if let Some(path) = store.local(name) {
        Backup::open(&path)
            .map_err(Failure::from)
            .and_then(|backup| proven(cx, args, &backup))
    } else {
        Ok(())
    };
    if proven
        .as_ref()
        .is_err_and(|failure| failure.exit == exit::VERIFICATION)
    {
        ledger.record(&named.name, name, &id, &place, Act::Damaged)?;
    }
    proven?;
    let act = if args.restore { Act::Restore } else { Act::Files };
    ledger.record(&named.name, name, &id, &place, act)?;
    Ok(Whole {
        name: name.to_owned(),
        path: place,
        encrypted: manifest.encryption.is_some(),
        contents: verified.contents,
        digest: manifest.digest,
        id,
        files: verified.files,
        bytes: verified.bytes,
        rows: verified.rows,
    })
}

/// The id of what lies in a store, as far as it can be read.
fn id_in(store: &mut dyn Store, name: &str) -> String {
    let mut json = Vec::new();
    let read = store
        .read(name, "manifest.json")
        .and_then(|mut reader| reader.read_to_end(&mut json));
    read.map(|_| sha256(&json)).unwrap_or_default()
}

/// Damage says where it is.
fn in_replica(error: VerifyError, place: &str) -> Failure {
    let failure = Failure::from(error);
    Failure {
        message: format!("{place}: {}", failure.message),
        ..failure
    }
}

/// Restores what lies in a store: from there, or from a fetched copy that is gone afterwards.
fn restore_from(cx: &Context, args: &Args, store: &mut dyn Store, name: &str) -> Result<(), Failure> {
    if let Some(path) = store.local(name) {
        return proven(cx, args, &Backup::open(&path)?);
    }
    // What is fetched is large and of no further use, whatever comes of it: it goes with the folder.
    let folder = temporary(&cx.config, "fetched")?;
    let root = folder.path().to_path_buf();
    let out = cx.out;
    let unusable = |source| Error::Root {
        path: root.clone(),
        source,
    };
    let mut here = Folder::at(&root).map_err(unusable)?;
    let copied = backup::copy(store, name, &mut here, &mut |done, total| {
        out.progress("fetch", done, total, "bytes", "");
    });
    out.progress_end();
    proven(cx, args, &Backup::open(&copied?.place)?)
}
