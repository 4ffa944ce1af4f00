//! The session state that decides how a dump's own text is cut into tokens.
//!
//! Dumps set `sql_mode` to that of each routine and back, through user variables; so those are followed.

use std::collections::BTreeMap;

use crate::script::code::Code;
use crate::script::lexer::Kind;
use crate::script::syntax::Syntax;
use crate::script::verb::{Assignment, Scope, Target, assignments, variable};

/// Character sets in which the byte of a quote or backslash may be half of a character.
const UNSAFE: &[&str] = &[
    "big5", "cp932", "gb18030", "gbk", "sjis", "ucs2", "utf16", "utf16le", "utf32",
];
/// Session variables that make the server write files.
const FILES: &[&str] = &["debug", "debug_dbug"];

/// What a user variable holds.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Held {
    Mode(Syntax),
    Charset(String),
}

/// The session's state after the statements so far.
#[derive(Clone, Debug)]
pub(super) struct Session {
    syntax: Syntax,
    /// The client's character set.
    charset: String,
    held: BTreeMap<String, Held>,
}

impl Session {
    pub(super) fn new(syntax: Syntax) -> Session {
        Session {
            syntax,
            charset: "utf8mb4".to_owned(),
            held: BTreeMap::new(),
        }
    }

    pub(super) fn syntax(&self) -> Syntax {
        self.syntax
    }

    /// The client's character set, lower case.
    pub(super) fn charset(&self) -> &str {
        &self.charset
    }

    /// Follows a `SET`; `certain` when every server reads it the same. Refuses what cannot be followed.
    pub(super) fn follow(&mut self, code: &Code<'_>, certain: bool) -> Result<(), String> {
        for one in assignments(code).ok_or("its assignments are not understood")? {
            self.assign(code, &one, certain)?;
        }
        Ok(())
    }

    fn assign(&mut self, code: &Code<'_>, one: &Assignment, certain: bool) -> Result<(), String> {
        let uncertain =
            || "whether a server runs it depends on its version, and it changes how the rest is read";
        match &one.target {
            Target::System(name) if name.contains('.') => Err(format!(
                "{name} belongs to no session: it changes a structure of the server"
            )),
            Target::System(name) if FILES.contains(&name.as_str()) => {
                Err(format!("{name} makes the server write files"))
            }
            Target::System(name) if name == "sql_mode" && one.scope == Scope::Session => {
                if !certain {
                    return Err(uncertain().to_owned());
                }
                match self.value(code, one) {
                    Some(Held::Mode(syntax)) => {
                        self.syntax = syntax;
                        Ok(())
                    }
                    _ => Err("it sets sql_mode to a value that cannot be known from the dump".to_owned()),
                }
            }
            Target::System(name) if name == "character_set_client" => self.set_charset(code, one, certain),
            Target::Names => self.set_charset(code, one, certain),
            Target::User(name) => {
                match self.value(code, one) {
                    Some(held) => self.held.insert(name.clone(), held),
                    None => self.held.remove(name),
                };
                Ok(())
            }
            Target::System(_) | Target::Transaction => Ok(()),
        }
    }

    fn set_charset(&mut self, code: &Code<'_>, one: &Assignment, certain: bool) -> Result<(), String> {
        if let Some(Held::Charset(name)) = self.value(code, one) {
            self.charset = name;
            return Ok(());
        }
        let known = matches!(code.kind(one.from), Some(Kind::Word | Kind::Text | Kind::Quoted))
            && (one.to == one.from + 1 || code.word(one.from + 1, "COLLATE"));
        let name = plain(code, one.from);
        if !known || name == "default" {
            return Err(
                "it sets the client's character set to a value that cannot be known from the dump".to_owned(),
            );
        }
        if UNSAFE.contains(&name.as_str()) {
            return Err(format!(
                "its text is in {name}, where a quote may be half of a character"
            ));
        }
        if !certain && name != self.charset {
            return Err(
                "whether a server runs it depends on its version, and it changes how the rest is read"
                    .to_owned(),
            );
        }
        self.charset = name;
        Ok(())
    }

    /// The value of an assignment, when it is one that matters and can be known.
    fn value(&self, code: &Code<'_>, one: &Assignment) -> Option<Held> {
        match code.kind(one.from)? {
            Kind::Text | Kind::Number | Kind::Word | Kind::Quoted if one.to == one.from + 1 => {
                if code.word(one.from, "DEFAULT") {
                    return None;
                }
                Some(Held::Mode(Syntax::with_sql_mode(&plain(code, one.from))))
            }
            Kind::Variable => match variable(code, one.from)? {
                (_, next) if next != one.to => None,
                (Target::User(name), _) => self.held.get(&name).cloned(),
                (Target::System(name), _) => match name.strip_prefix("session.").unwrap_or(&name) {
                    "sql_mode" => Some(Held::Mode(self.syntax)),
                    "character_set_client" => Some(Held::Charset(self.charset.clone())),
                    _ => None,
                },
                _ => None,
            },
            _ => None,
        }
    }
}

/// A word or string without quotes, lower case.
fn plain(code: &Code<'_>, at: usize) -> String {
    let text = code.bytes(at);
    let inside = match text {
        [b'\'', inside @ .., b'\''] | [b'"', inside @ .., b'"'] | [b'`', inside @ .., b'`'] => inside,
        other => other,
    };
    String::from_utf8_lossy(inside).to_ascii_lowercase()
}
