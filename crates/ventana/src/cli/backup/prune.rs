//! `ventana backup prune`: deletes what no rule keeps. Plan first, then act: `--dry-run` prints the very decisions.

use super::needed::needed;
use crate::cli::{Context, Done};
use crate::error::Failure;
use crate::host::clock;
use crate::host::lease::Lease;
use crate::replicas::{self, Act, HERE, Known, Ledger, Named};
use crate::ui::{Language, format, table};
use backup::{
    Decision, Entry, Error, Folder, Policy, Proven, Reason, Seen, SeenState, State, Store, partial_of,
};
use serde_json::json;
use std::collections::BTreeMap;

/// Options of `backup prune`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Print what would be kept and deleted, and why; delete nothing
    #[arg(long)]
    dry_run: bool,
    /// In this replica: its name, or the path of a folder
    #[arg(long, value_name = "NAME")]
    replica: Option<String>,
    /// Forget the backups that were copied to the replica and are gone from there; delete nothing
    #[arg(long, requires = "replica")]
    forget: bool,
}

pub(super) fn run(cx: &Context, args: &Args) -> Done {
    let state = cx.config.state_dir();
    let _lease = match args.dry_run {
        true => Lease::of_backups_shared(&state, "backup prune --dry-run")?,
        false => Lease::of_backups(&state, "backup prune")?,
    };
    let named = args
        .replica
        .as_ref()
        .map(|name| replicas::find(&cx.config, name))
        .transpose()?;
    if let (Some(named), true) = (&named, args.forget) {
        return forget(cx, args, named);
    }
    let policy = policy(cx, named.as_ref())?;
    let needed = needed(&cx.config)?;
    let mut store: Box<dyn Store> = match &named {
        Some(named) => named.open(&cx.config)?,
        None => {
            let root = cx.config.backup_dir();
            Box::new(Folder::at(&root).map_err(|source| Error::Root { path: root, source })?)
        }
    };
    let entries = match &named {
        Some(named) => named.list(&cx.config, &mut *store)?,
        None => backup::list_in(&mut *store, &cx.config.series())?,
    };
    let seen = seen(cx, named.as_ref(), &mut *store, &entries)?;
    let decisions = backup::decide(&seen, policy, &clock::stamp(), &needed);
    let going: Vec<&Decision> = decisions.iter().filter(|decision| !decision.keep).collect();
    let mut freed = 0;
    for decision in &going {
        if let Some(folder) = folder(&mut *store, decision, &entries)? {
            freed += bytes(&mut *store, &folder)?;
        }
    }
    if !args.dry_run && !going.is_empty() && !cx.yes {
        let hint = "--yes deletes them; --dry-run only shows them, and why";
        return Err(Failure::usage(format!(
            "{} would be deleted",
            format::counted(going.len() as u64, "backup", "backups")
        ))
        .hint(hint));
    }
    let here = named.as_ref().map_or(HERE, |named| named.name.as_str());
    let (mut deleted, mut failed) = (Vec::new(), Vec::new());
    if !args.dry_run {
        for decision in &going {
            let name = decision.name.to_string();
            // One that cannot be deleted keeps no other on the disk.
            match discard(cx, here, &mut *store, decision, &entries) {
                Ok(true) => deleted.push(name),
                Ok(false) => {}
                Err(failure) => failed.push((name, failure)),
            }
        }
    }
    let mut document = json!({
        "place": store.place(""), "dry_run": args.dry_run, "deleted": deleted, "freed_bytes": freed,
        "decisions": decisions.iter().map(|decision| json!({ "name": decision.name.to_string(), "keep": decision.keep,
            "incomplete": decision.incomplete, "reasons": decision.reasons })).collect::<Vec<_>>(),
    });
    let names: Vec<String> = failed.iter().map(|(name, _)| name.clone()).collect();
    let failed = super::joined(failed);
    if let Some(failure) = &failed {
        document["failed"] = json!(names);
        document["error"] = failure.document();
    }
    cx.out.result(&document, || {
        let mut text = text(cx, args, &*store, &decisions, &names, freed);
        if let Some(failure) = &failed {
            text.push_str(&format!("\n✗ {}", format::safe(&failure.message)));
        }
        text
    });
    Ok(failed.map_or(0, |failure| failure.exit))
}

/// Deletes one; false: it is not what it was any more, and was left alone.
fn discard(
    cx: &Context,
    here: &str,
    store: &mut dyn Store,
    decision: &Decision,
    entries: &[Entry],
) -> Result<bool, Failure> {
    let Some(folder) = folder(store, decision, entries)? else {
        return Ok(false);
    };
    let ledger = Ledger::of(&cx.config);
    let name = decision.name.to_string();
    let removed = || match here != HERE || ledger.read()?.iter().any(|k| k.replica == here && k.name == name)
    {
        true => ledger.record(here, &name, "", "", Act::Removed),
        false => Ok(()),
    };
    // Where the name does not tell what a deletion that died has left, it must not pass for a backup that lost its sums.
    if store.working(&name) == name {
        removed()?;
        store.discard(&folder)?;
    } else {
        store.discard(&folder)?;
        removed()?;
    }
    Ok(true)
}

/// Forgets what is gone from a replica: who deleted it there on purpose says so.
fn forget(cx: &Context, args: &Args, named: &Named) -> Done {
    let mut store = named.open(&cx.config)?;
    let entries = named.list(&cx.config, &mut *store)?;
    let lost = named.lost(&cx.config, &entries)?;
    if !args.dry_run {
        for known in &lost {
            Ledger::of(&cx.config).record(&named.name, &known.name, "", "", Act::Removed)?;
        }
    }
    let names: Vec<&str> = lost.iter().map(|known| known.name.as_str()).collect();
    let document = json!({ "place": store.place(""), "dry_run": args.dry_run, "forgotten": names });
    let pick = |es, en| cx.out.language.pick(es, en);
    cx.out.result(&document, || {
        let what = match args.dry_run {
            true => pick("se olvidaría", "would be forgotten"),
            false => pick("olvidada", "forgotten"),
        };
        match names.as_slice() {
            [] => format!(
                "{} {}",
                pick("no falta ninguna en", "none is missing in"),
                store.place("").display()
            ),
            names => names
                .iter()
                .map(|name| format!("{name}: {what}"))
                .collect::<Vec<_>>()
                .join("\n"),
        }
    });
    Ok(0)
}

fn policy(cx: &Context, named: Option<&Named>) -> Result<Policy, Failure> {
    let keep = match named {
        Some(named) => named.keep(&cx.config),
        None => cx.config.file.backup.keep,
    };
    let policy = keep.map(|keep| keep.policy()).filter(|policy| !policy.is_empty());
    policy.ok_or_else(|| {
        Failure::usage("nothing says which backups to keep, so none is deleted")
            .hint("write [backup] keep = { last = 3, daily = 7, weekly = 5, monthly = 12 } in ventana.toml")
    })
}

/// What the decision needs to know of each folder.
fn seen(
    cx: &Context,
    named: Option<&Named>,
    store: &mut dyn Store,
    entries: &[Entry],
) -> Result<Vec<Seen>, Failure> {
    let known = Ledger::of(&cx.config).read()?;
    let here = named.map_or(HERE, |named| named.name.as_str());
    let last = |name: &str, id: &str| {
        known
            .iter()
            .find(|k| k.replica == here && k.name == name && k.id == id)
    };
    let mut all = Vec::new();
    for entry in entries {
        let name = entry.name.to_string();
        let state = match &entry.state {
            State::Complete(summary) => match last(&name, &summary.id) {
                // Damage was found there: a person has to look before it goes.
                Some(known) if known.act == Act::Damaged => SeenState::Unreadable,
                known => SeenState::Complete {
                    proven: strongest(entry, known),
                },
            },
            State::Incomplete { .. } => {
                let folder = entry
                    .path
                    .file_name()
                    .map(|folder| folder.to_string_lossy().into_owned());
                SeenState::Incomplete {
                    held: folder.is_none_or(|folder| store.held(&folder)),
                }
            }
            State::Unreadable { .. } => SeenState::Unreadable,
        };
        let database = match &entry.state {
            State::Complete(summary) => summary.database.clone(),
            _ => String::new(),
        };
        all.push(Seen {
            name: entry.name.clone(),
            database,
            state,
        });
    }
    Ok(all)
}

/// The strongest proof, beside a backup of this machine or as this machine remembers it: one by restore outlives a later
/// re-reading.
fn strongest(entry: &Entry, known: Option<&Known>) -> Option<Proven> {
    let beside = backup::Backup::open(&entry.path).and_then(|backup| backup.proofs());
    let proofs = beside.unwrap_or_default();
    if known.is_some_and(|known| known.restored) || proofs.iter().any(|proof| proof.how == Proven::Restore) {
        return Some(Proven::Restore);
    }
    (known.is_some() || !proofs.is_empty()).then_some(Proven::Files)
}

/// Of all its files.
fn bytes(store: &mut dyn Store, folder: &str) -> Result<u64, Failure> {
    Ok(files(store, folder)?.unwrap_or_default().values().sum())
}

fn files(store: &mut dyn Store, folder: &str) -> Result<Option<BTreeMap<String, u64>>, Failure> {
    let what = format!("cannot look into {}", store.place(folder).display());
    store.files(folder).map_err(crate::error::io(what))
}

/// The very folder that was seen, if it is still what it was: an incomplete one may be gone with the complete one of its
/// name, or have become complete since.
fn folder(store: &mut dyn Store, decision: &Decision, entries: &[Entry]) -> Result<Option<String>, Failure> {
    let entry = entries.iter().find(|entry| {
        entry.name == decision.name && matches!(entry.state, State::Incomplete { .. }) == decision.incomplete
    });
    let folder = entry.and_then(|entry| entry.path.file_name()?.to_str().map(str::to_owned));
    let Some(folder) = folder else { return Ok(None) };
    if !decision.incomplete {
        return Ok(Some(folder));
    }
    let files = files(store, &folder)?;
    let partial = folder == partial_of(&decision.name.to_string());
    Ok(files
        .is_some_and(|files| partial || !files.contains_key("SHA256SUMS"))
        .then_some(folder))
}

fn text(
    cx: &Context,
    args: &Args,
    store: &dyn Store,
    decisions: &[Decision],
    failed: &[String],
    freed: u64,
) -> String {
    let language = cx.out.language;
    let pick = |es, en| language.pick(es, en);
    if decisions.is_empty() {
        return format!(
            "{} {}",
            pick("no hay copias en", "no backups in"),
            store.place("").display()
        );
    }
    let head = [pick("nombre", "name"), "", pick("por qué", "why")];
    let mut rows = vec![head.map(str::to_string).to_vec()];
    for decision in decisions {
        let what = match (decision.keep, args.dry_run) {
            (true, _) => pick("queda", "stays"),
            (false, true) => pick("se borraría", "would go"),
            (false, false) if failed.contains(&decision.name.to_string()) => pick("NO SE PUDO", "FAILED"),
            (false, false) => pick("borrada", "deleted"),
        };
        let reasons: Vec<&str> = decision
            .reasons
            .iter()
            .map(|reason| word(*reason, language))
            .collect();
        rows.push(vec![decision.name.to_string(), what.into(), reasons.join(", ")]);
    }
    let going = decisions.iter().filter(|decision| !decision.keep).count() - failed.len();
    let what = match args.dry_run {
        true => pick("se borrarían", "would go"),
        false => pick("borradas", "deleted"),
    };
    format!(
        "{}\n{going} {what}, {}",
        // A line for each, however wide: lists are searched by the line.
        table::render(&rows, usize::MAX),
        format::bytes(freed)
    )
}

fn word(reason: Reason, language: Language) -> &'static str {
    let (es, en) = match reason {
        Reason::Last => ("de las últimas", "among the last"),
        Reason::Daily => ("la de su día", "its day's"),
        Reason::Weekly => ("la de su semana", "its week's"),
        Reason::Monthly => ("la de su mes", "its month's"),
        Reason::Needed => ("una ejecución la necesita", "a run needs it"),
        Reason::Newest => ("la más nueva", "the newest"),
        Reason::NewestProven => ("la más nueva probada", "the newest proven"),
        Reason::Future => (
            "con fecha futura: revise el reloj",
            "dated in the future: check the clock",
        ),
        Reason::BeingWritten => ("se está escribiendo", "being written"),
        Reason::YoungRemains => ("incompleta, de hoy", "incomplete, less than a day old"),
        Reason::Unreadable => ("dañada: mírela alguien", "damaged: somebody must look"),
        Reason::NoRule => ("ninguna regla la guarda", "no rule keeps it"),
        Reason::Remains => ("restos de una interrumpida", "remains of an interrupted one"),
    };
    match language {
        Language::Es => es,
        Language::En => en,
    }
}
