//! What people and machines see: the only module that prints.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the one module that prints"
)]

pub mod format;
mod live;
mod progress;
pub mod table;

pub use live::Live;

use crate::config::Environment;
use crate::error::Failure;
use serde::Serialize;
use serde_json::json;
use std::io::IsTerminal;

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
}

impl Output {
    pub fn new(json: bool, language: Language) -> Output {
        let terminal = std::io::stderr().is_terminal();
        Output {
            json,
            language,
            terminal,
            color: std::io::stdout().is_terminal() && !json,
        }
    }

    /// The command's result: one JSON document, or the text for people.
    pub fn result(&self, document: &impl Serialize, text: impl FnOnce() -> String) {
        if self.json {
            match serde_json::to_string_pretty(document) {
                Ok(json) => println!("{json}"),
                Err(error) => eprintln!("cannot write the result as JSON: {error}"),
            }
        } else {
            let text = text();
            println!("{}", text.trim_end());
        }
    }

    /// A failure, as a document or for people.
    pub fn failure(&self, failure: &Failure) {
        if self.json {
            let document =
                json!({"error": {"code": failure.code, "message": failure.message, "hint": failure.hint}});
            println!("{document:#}");
        } else {
            eprintln!("ventana: {}", failure.message);
            if let Some(hint) = &failure.hint {
                eprintln!("  {} {hint}", self.language.pick("siguiente:", "next:"));
            }
        }
    }

    /// A line for people while a command works (stderr); an event for machines.
    pub fn say(&self, event: &str, text: &str) {
        if self.json {
            eprintln!("{}", json!({"event": event, "text": text}));
        } else {
            eprintln!("{text}");
        }
    }
}
