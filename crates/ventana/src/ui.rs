//! What people and machines see: the only module that prints.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the one module that prints"
)]

pub mod format;
mod live;
mod pace;
mod progress;
pub mod table;
pub mod wording;

pub use live::Live;

use crate::config::Environment;
use crate::error::Failure;
use serde::Serialize;
use serde_json::json;
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Language of what is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Language {
    Es,
    En,
}

impl Language {
    /// From LC_ALL, LC_MESSAGES or LANG; English when they say nothing.
    pub fn of(vars: &Environment) -> Language {
        let named = ["LC_ALL", "LC_MESSAGES", "LANG"]
            .into_iter()
            .find_map(|n| vars.get(n));
        if named.is_some_and(|n| n.starts_with("es")) {
            Language::Es
        } else {
            Language::En
        }
    }

    /// Picks the text of this language.
    pub fn pick<'a>(self, es: &'a str, en: &'a str) -> &'a str {
        if self == Language::Es { es } else { en }
    }
}

/// Where a command speaks.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    pub json: bool,
    pub language: Language,
    /// stderr is a terminal: progress may overwrite its line.
    pub terminal: bool,
    pub color: bool,
    /// How wide lists may be: as the terminal on stdout, or 100 where there is none.
    pub columns: usize,
}

impl Output {
    pub fn new(json: bool, language: Language) -> Output {
        let terminal = std::io::stderr().is_terminal();
        Output {
            json,
            language,
            terminal,
            color: std::io::stdout().is_terminal() && !json,
            columns: columns(),
        }
    }

    /// The command's result: one JSON document, or the text for people.
    pub fn result(&self, document: &impl Serialize, text: impl FnOnce() -> String) {
        if self.json {
            match serde_json::to_string_pretty(document) {
                Ok(json) => stdout(&json),
                Err(error) => stderr(&format!("cannot write the result as JSON: {error}")),
            }
        } else {
            stdout(text().trim_end());
        }
    }

    /// A failure, as a document or for people.
    pub fn failure(&self, failure: &Failure) {
        if self.json {
            let document =
                json!({"error": {"code": failure.code, "message": failure.message, "hint": failure.hint}});
            stdout(&format!("{document:#}"));
        } else {
            stderr(&format!("ventana: {}", format::safe(&failure.message)));
            if let Some(hint) = &failure.hint {
                let next = self.language.pick("siguiente:", "next:");
                stderr(&format!("  {next} {}", format::safe(hint)));
            }
        }
    }

    /// A line for people while a command works (stderr); an event for machines.
    pub fn say(&self, event: &str, text: &str) {
        if self.json {
            stderr(&json!({"event": event, "text": text}).to_string());
        } else {
            stderr(&format::safe(text));
        }
    }
}

fn columns() -> usize {
    let size = rustix::termios::tcgetwinsize(std::io::stdout());
    let columns = size.ok().map(|size| usize::from(size.ws_col));
    // A terminal that does not know its size says 0.
    columns.filter(|columns| *columns > 0).unwrap_or(100)
}

/// A result could not be written to stdout.
static LOST: AtomicBool = AtomicBool::new(false);

/// Whether some result could not be written to where it was asked for.
pub fn lost() -> bool {
    LOST.load(Ordering::Relaxed)
}

/// `println!` panics when nobody reads any more (`| head`); a command must not end, least of all in the middle of a
/// window, because somebody stopped looking.
fn stdout(line: &str) {
    let mut out = std::io::stdout().lock();
    if let Err(error) = writeln!(out, "{line}").and_then(|()| out.flush())
        && error.kind() != std::io::ErrorKind::BrokenPipe
    {
        LOST.store(true, Ordering::Relaxed);
        stderr(&format!(
            "ventana: cannot write the result to stdout: {error}; the work itself is done"
        ));
    }
}

fn stderr(line: &str) {
    write_stderr(&format!("{line}\n"));
}

/// Without a line end: for lines that move.
fn write_stderr(text: &str) {
    // Where stderr cannot be written there is nowhere left to say so.
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}
