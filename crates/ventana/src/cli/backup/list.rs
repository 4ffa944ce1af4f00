//! `ventana backup list`

use super::moment;
use crate::cli::{Context, Done};
use crate::replicas::{Act, HERE, Known, Ledger};
use crate::ui::{format, table};
use backup::{Entry, Proven, State, Summary};
use serde_json::{Value, json};
use std::path::Path;

pub(super) fn run(cx: &Context) -> Done {
    let pick = |es, en| cx.out.language.pick(es, en);
    let entries = backup::list(&cx.config.backup_dir(), &cx.config.series())?;
    let known = Ledger::of(&cx.config).read()?;
    let documents: Vec<Value> = entries.iter().map(|entry| document(entry, &known)).collect();
    cx.out.result(&json!({ "backups": documents }), || {
        if entries.is_empty() {
            return format!(
                "{} {}",
                pick("no hay copias en", "no backups in"),
                cx.config.backup_dir().display()
            );
        }
        let head = [
            pick("nombre", "name"),
            pick("hecha", "made"),
            pick("filas", "rows"),
            pick("tamaño", "size"),
            pick("base", "database"),
            "digest",
            pick("estado", "state"),
            pick("probada", "proven"),
            pick("réplicas", "replicas"),
        ];
        let mut rows = vec![head.map(str::to_string).to_vec()];
        rows.extend(entries.iter().map(|entry| row(cx, entry, &known)));
        // A line for each, however wide: lists are searched by the line.
        let mut text = table::render(&rows, usize::MAX);
        // Why one is no backup stands below: in the table there is no room for it.
        for entry in &entries {
            if let Some(damaged) = damaged(entry, &known) {
                let what = pick(
                    "`backup verify` encontró daños el",
                    "`backup verify` found damage at",
                );
                text.push_str(&format!("\n{}: {what} {}", entry.name, moment(&damaged.at)));
            }
            if let State::Incomplete { why } | State::Unreadable { why } = &entry.state {
                text.push_str(&format!("\n{}: {}", entry.name, format::plain(why)));
            }
        }
        text
    });
    Ok(0)
}

/// What is known of this very backup, here and in its replicas.
fn known_of<'a>(entry: &Entry, known: &'a [Known]) -> impl Iterator<Item = &'a Known> {
    let id = match &entry.state {
        State::Complete(summary) => summary.id.clone(),
        _ => String::new(),
    };
    let name = entry.name.to_string();
    known
        .iter()
        .filter(move |known| known.name == name && known.id == id)
}

fn copies<'a>(entry: &Entry, known: &'a [Known]) -> Vec<&'a Known> {
    known_of(entry, known)
        .filter(|known| known.replica != HERE)
        .collect()
}

/// The damage that `backup verify` found in it.
fn damaged<'a>(entry: &Entry, known: &'a [Known]) -> Option<&'a Known> {
    known_of(entry, known).find(|known| known.replica == HERE && known.act == Act::Damaged)
}

fn document(entry: &Entry, known: &[Known]) -> Value {
    let mut document =
        json!({ "name": entry.name.to_string(), "path": entry.path, "complete": entry.is_complete() });
    match &entry.state {
        State::Complete(summary) => {
            let copies: Vec<Value> = copies(entry, known)
                .into_iter()
                .map(|known| json!({ "replica": known.replica, "path": known.path, "at": known.at, "how": known.act }))
                .collect();
            let more = json!({
                "state": "complete", "id": summary.id, "created_at": summary.created_at, "rows": summary.totals.rows,
                "bytes": summary.totals.stored_bytes, "database": summary.database, "digest": summary.digest,
                "encrypted": encrypted(summary),
                "proven": summary.last_proof.as_ref().map(|p| json!({ "at": p.at, "how": p.how })),
                "restored_at": summary.last_restore.as_ref().map(|p| &p.at),
                "replicas": copies,
            });
            merge(&mut document, more);
            if let Some(damaged) = damaged(entry, known) {
                let more = json!({ "state": "damaged", "why": "`backup verify` found damage", "damaged_at": damaged.at });
                merge(&mut document, more);
            }
        }
        State::Incomplete { why } => merge(&mut document, json!({ "state": "incomplete", "why": why })),
        State::Unreadable { why } => merge(&mut document, json!({ "state": "damaged", "why": why })),
    }
    document
}

fn merge(document: &mut Value, more: Value) {
    if let (Value::Object(document), Value::Object(more)) = (document, more) {
        document.extend(more);
    }
}

fn encrypted(summary: &Summary) -> bool {
    summary.features.iter().any(|feature| feature == "age")
}

fn row(cx: &Context, entry: &Entry, known: &[Known]) -> Vec<String> {
    let pick = |es, en| cx.out.language.pick(es, en);
    let name = entry.name.to_string();
    let summary = match &entry.state {
        State::Complete(summary) => summary,
        other => {
            let state = match other {
                State::Incomplete { .. } => pick("incompleta", "incomplete"),
                _ => pick("DAÑADA", "DAMAGED"),
            };
            let none = "-".to_owned();
            let mut row = vec![name];
            row.extend(std::iter::repeat_n(none.clone(), 5));
            row.extend([state.to_owned(), none.clone(), none]);
            return row;
        }
    };
    // A re-reading says nothing against an older restore, which proves more.
    let reread = summary
        .last_proof
        .iter()
        .filter(|proof| proof.how == Proven::Files);
    let proofs: Vec<String> = summary
        .last_restore
        .iter()
        .chain(reread)
        .map(|proof| {
            let how = match proof.how {
                Proven::Files => pick("releída", "re-read"),
                Proven::Restore => pick("restaurada", "restored"),
            };
            format!("{} {how}", moment(&proof.at))
        })
        .collect();
    let copies: Vec<String> = copies(entry, known)
        .into_iter()
        .map(|known| match known.act {
            Act::Damaged => format!("{} ({})", known.replica, pick("DAÑADA", "DAMAGED")),
            _ => known.replica.clone(),
        })
        .collect();
    let file = Path::new(&summary.database).file_name();
    vec![
        name,
        moment(&summary.created_at),
        format::count(summary.totals.rows),
        format::bytes(summary.totals.stored_bytes),
        file.map_or(summary.database.clone(), |file| {
            file.to_string_lossy().into_owned()
        }),
        format::short(&summary.digest).into(),
        match encrypted(summary) {
            _ if damaged(entry, known).is_some() => pick("DAÑADA", "DAMAGED").to_owned(),
            true => pick("cifrada", "encrypted").to_owned(),
            false => pick("completa", "complete").to_owned(),
        },
        if proofs.is_empty() {
            "-".into()
        } else {
            proofs.join(", ")
        },
        if copies.is_empty() {
            "-".into()
        } else {
            copies.join(", ")
        },
    ]
}
