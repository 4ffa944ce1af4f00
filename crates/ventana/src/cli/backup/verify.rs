//! `ventana backup verify`: re-reads backups, here or in a replica, and restores them if asked.

use super::prove;
use crate::cli::{Context, Done};
use crate::error::{Failure, exit};
use crate::host::clock;
use crate::host::files::sha256;
use crate::host::lease::Lease;
use crate::replicas::{self, Act, HERE, Ledger, Named};
use crate::scratch::temporary;
use crate::ui::format;
use backup::{Backup, Error, Examined, Folder, Proven, State, Store, Verification, VerifyError};
use serde_json::{Value, json};
use std::io::Read;
use std::path::Path;

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
    /// In this replica, as configured
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
    let _lease = Lease::of_backups(&cx.config.state_dir(), "backup verify")?;
    let mut place = Place::of(cx, args)?;
    if !args.all {
        let which = place.named(cx, &args.which)?;
        let whole = place.verify(cx, args, &which)?;
        report(cx, args, &whole);
        return Ok(0);
    }
    let (mut documents, mut lines, mut failed) = (Vec::new(), Vec::new(), Vec::new());
    for (name, state) in place.list(cx)? {
        let outcome = match &state {
            State::Incomplete { why } => {
                // Remains of an interrupted backup are no damage: they never were one.
                documents.push(json!({ "name": name, "state": "incomplete", "why": why }));
                let what = cx.out.language.pick("incompleta", "incomplete");
                lines.push(format!("- {name}: {what}"));
                continue;
            }
            State::Unreadable { why } => Err(Failure::verification(why.clone())),
            State::Complete(_) => place.verify(cx, args, &name),
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

/// Where is looked: the backup folder, or a replica.
enum Place {
    Here,
    Replica(Box<Named>, Box<dyn Store>),
}

impl Place {
    fn of(cx: &Context, args: &Args) -> Result<Place, Failure> {
        let Some(name) = &args.replica else {
            return Ok(Place::Here);
        };
        let named = replicas::find(&cx.config, name)?;
        let store = named.open(&cx.config)?;
        Ok(Place::Replica(Box::new(named), store))
    }

    fn list(&mut self, cx: &Context) -> Result<Vec<(String, State)>, Failure> {
        let service = cx.config.service();
        let entries = match self {
            Place::Here => backup::list(&cx.config.backup_dir(), &service)?,
            Place::Replica(_, store) => backup::list_in(&mut **store, &service)?,
        };
        Ok(entries
            .into_iter()
            .map(|entry| match self {
                // Here a backup is found by its path, whatever the folder is called.
                Place::Here => (entry.path.display().to_string(), entry.state),
                Place::Replica(..) => (entry.name.to_string(), entry.state),
            })
            .collect())
    }

    /// `latest` as a name; here it is found as it was asked for.
    fn named(&mut self, cx: &Context, which: &str) -> Result<String, Failure> {
        let Place::Replica(named, _) = &*self else {
            return Ok(which.to_owned());
        };
        let replica = named.name.clone();
        if which != "latest" {
            return Ok(which.to_owned());
        }
        let newest = self
            .list(cx)?
            .into_iter()
            .find(|(_, state)| !matches!(state, State::Incomplete { .. }));
        newest.map(|(name, _)| name).ok_or_else(|| {
            Failure::usage(format!("the replica {replica} has no complete backup yet"))
                .hint(format!("`ventana backup copy --to {replica}` makes one"))
        })
    }

    fn verify(&mut self, cx: &Context, args: &Args, which: &str) -> Result<Whole, Failure> {
        match self {
            Place::Here => here(cx, args, which),
            Place::Replica(named, store) => there(cx, args, named, &mut **store, which),
        }
    }
}

fn here(cx: &Context, args: &Args, which: &str) -> Result<Whole, Failure> {
    let backup = super::find(cx, which)?;
    let whole = examined(cx, args, &backup);
    remember(cx, &backup, args, whole.as_ref().err())?;
    whole
}

/// Writes down damage, so that neither a list nor `prune` takes the backup for a good one, and its end. Proofs lie beside the
/// backup; another folder than the configured one is nobody's to know.
fn remember(cx: &Context, backup: &Backup, args: &Args, failure: Option<&Failure>) -> Result<(), Failure> {
    let path = backup.path();
    let real = |path: &Path| path.canonicalize().ok();
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        return Ok(());
    };
    if path.parent().and_then(real) != real(&cx.config.backup_dir()) {
        return Ok(());
    }
    let ledger = Ledger::of(&cx.config);
    let known = ledger.read()?;
    let damaged = known
        .iter()
        .any(|k| k.replica == HERE && k.name == name && k.id == backup.id() && k.act == Act::Damaged);
    let act = match failure {
        Some(failure) if failure.exit == exit::VERIFICATION => Act::Damaged,
        None if damaged && args.restore => Act::Restore,
        None if damaged => Act::Files,
        _ => return Ok(()),
    };
    ledger.record(HERE, name, backup.id(), &path.display().to_string(), act)
}

fn examined(cx: &Context, args: &Args, backup: &Backup) -> Result<Whole, Failure> {
    if args.restore {
        // Said before everything is read.
        cx.config.readable(backup.clone())?;
    }
    let out = cx.out;
    let verification = match cx.config.keys_of(backup)? {
        Some(keys) => Verification::of(backup.path()).identities(&keys),
        None => Verification::of(backup.path()),
    };
    let verified = verification.run(&mut |done, total| out.progress("verify", done, total, "bytes", ""));
    out.progress_end();
    let verified = verified?;
    proven(cx, args, backup)?;
    Ok(Whole {
        name: backup.manifest().name.clone(),
        path: backup.path().display().to_string(),
        id: backup.id().into(),
        digest: backup.digest().into(),
        files: verified.files,
        bytes: verified.bytes,
        rows: verified.rows,
        encrypted: backup.encryption().is_some(),
        contents: verified.contents,
    })
}

/// Restores it where that is asked for, and records what was proven beside the backup.
fn proven(cx: &Context, args: &Args, backup: &Backup) -> Result<(), Failure> {
    if args.restore {
        return prove(cx, backup, args.scratch_server);
    }
    backup.record_proof(&clock::now().to_string(), Proven::Files, backup.digest())?;
    Ok(())
}

fn there(
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
