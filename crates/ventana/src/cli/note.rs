//! `ventana note`: a person's remark in a run's journal, with a file if there is one.

use super::{Context, Done};
use crate::error::{Failure, io};
use crate::host::clock::SystemClock;
use crate::host::files::sha256;
use crate::report;
use crate::window::{drive, runs};
use engine::journal::{Attachment, Journal, JournalError};
use engine::runner;
use serde_json::json;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Larger files belong elsewhere: an attachment lies beside the journal for as long as it does.
const LARGEST: u64 = 64 << 20;

/// Options of `note`.
#[derive(clap::Args)]
pub struct Args {
    /// What is to be remembered
    text: String,
    /// A file that belongs to it; it is copied into the run's folder
    #[arg(long, value_name = "FILE")]
    attach: Option<PathBuf>,
    /// The run; the latest one when left out
    #[arg(long, value_name = "RUN")]
    run: Option<String>,
}

pub fn run(cx: &Context, args: Args) -> Done {
    let text = args.text.trim();
    if text.is_empty() {
        return Err(
            Failure::usage("the note is empty").hint("write it in quotes: ventana note \"what was seen\"")
        );
    }
    let id = runs::find(&cx.config, args.run.as_deref())?;
    let dir = runs::dir(&cx.config, &id);
    // The journal first: a run that is at work keeps it, and then nothing is copied either.
    let mut journal = Journal::open_for_append(&runs::journal_of(&dir)).map_err(|error| match error {
        JournalError::Busy { .. } => Failure::new(
            "lease_held",
            format!("run {id} is at work and keeps its journal"),
            crate::error::exit::LEASE,
        )
        .hint("write the note when it has ended or waits for you; `ventana status` says so"),
        error => error.into(),
    })?;
    let attachment = args
        .attach
        .as_deref()
        .map(|file| attach(&dir, file))
        .transpose()?;
    let by = drive::by(&cx.config);
    runner::note(&mut journal, &SystemClock::start(), &by, text, attachment.clone())?;
    drop(journal);
    let report = refresh(cx, &dir);
    let document = json!({ "run": id, "by": by, "text": text, "attachment": attachment, "report": report });
    cx.out.result(&document, || {
        let noted = format!("{} {id}", cx.out.language.pick("anotado en", "noted in"));
        attachment.as_ref().map_or_else(
            || noted.clone(),
            |file| {
                format!(
                    "{noted}\n  {}\n  SHA-256 {}",
                    dir.join(&file.name).display(),
                    file.sha256
                )
            },
        )
    });
    Ok(0)
}

/// Copies a file into the run's folder under a name that its content gives.
fn attach(dir: &Path, file: &Path) -> Result<Attachment, Failure> {
    let what = || format!("cannot read the attachment {}", file.display());
    let mut bytes = Vec::new();
    File::open(file)
        .and_then(|source| source.take(LARGEST + 1).read_to_end(&mut bytes))
        .map_err(io(what()))
        .map_err(|failure| failure.hint("--attach takes the path of a file that this account may read"))?;
    if bytes.len() as u64 > LARGEST {
        return Err(Failure::usage(format!(
            "the attachment {} is larger than {}",
            file.display(),
            crate::ui::format::bytes(LARGEST)
        ))
        .hint("attach a text that says where it is, and its SHA-256"));
    }
    let sum = sha256(&bytes);
    let name = format!("attachments/{}-{}", &sum[..12], safe_name(file));
    let path = dir.join(&name);
    let made = |error| io(format!("cannot write {}", path.display()))(error);
    std::fs::create_dir_all(dir.join("attachments")).map_err(made)?;
    engine::durable::write(&path, &bytes).map_err(made)?;
    engine::durable::sync_folder(dir).map_err(made)?;
    Ok(Attachment { name, sha256: sum })
}

/// The file's own name without what a folder, a terminal or a shell would take amiss.
fn safe_name(file: &Path) -> String {
    let name = file
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let keep = |c: char| {
        if c.is_alphanumeric() || matches!(c, '.' | '-' | '_') {
            c
        } else {
            '_'
        }
    };
    let clean: String = name.chars().map(keep).take(60).collect();
    if clean.is_empty() {
        "file".to_owned()
    } else {
        clean
    }
}

/// A report that was written already is written again with the note. One that cannot be does not undo the note.
fn refresh(cx: &Context, dir: &Path) -> Option<PathBuf> {
    if !dir.join("evidence.json").exists() {
        return None;
    }
    let written = runs::read_dir(dir)
        .and_then(|loaded| report::write(dir, &loaded.evidence()?, &loaded.plan.plan, cx.out.language))
        .map(|written| written.html);
    match written {
        Ok(path) => Some(path),
        Err(failure) => {
            cx.out.say(
                "warning",
                &format!("{}; write it again with `ventana report`", failure.message),
            );
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attachment_is_named_by_its_content() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("captura de\u{1b} pantalla.png");
        engine::durable::write(&file, b"abc").unwrap();
        let attachment = attach(dir.path(), &file).unwrap();
        assert_eq!(
            attachment.name,
            "attachments/ba7816bf8f01-captura_de__pantalla.png"
        );
        assert_eq!(std::fs::read(dir.path().join(&attachment.name)).unwrap(), b"abc");
        assert_eq!(
            attach(dir.path(), &file).unwrap(),
            attachment,
            "the same file again is the same attachment"
        );
        assert!(attach(dir.path(), Path::new("/nowhere/x")).is_err());
    }

    #[test]
    fn names_lead_nowhere() {
        assert_eq!(safe_name(Path::new("/etc/..")), "file");
        assert_eq!(safe_name(Path::new("a/b;rm -rf ~")), "b_rm_-rf__");
        assert_eq!(safe_name(Path::new("ñandú.txt")), "ñandú.txt");
    }
}
