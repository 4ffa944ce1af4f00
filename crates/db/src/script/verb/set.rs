//! `SET`: what is assigned, and whose it is.

use super::Verb;
use super::read;
use crate::script::code::Code;
use crate::script::lexer::Kind;

/// Whose value an assignment changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Session,
    /// `GLOBAL`, `PERSIST`, `PERSIST_ONLY`
    Global,
}

/// What is assigned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// A system variable, lower case.
    System(String),
    /// A user variable, lower case, without its `@`.
    User(String),
    /// `NAMES x`, `CHARACTER SET x`: the value is the character set.
    Names,
    /// `TRANSACTION …`
    Transaction,
}

/// One assignment; the value is tokens `from` up to `to`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Assignment {
    pub(crate) scope: Scope,
    pub(crate) target: Target,
    pub(crate) from: usize,
    pub(crate) to: usize,
}

pub(super) fn verb(code: &Code<'_>, depth: usize) -> Verb {
    if code.word(1, "PASSWORD") && !code.sign(2, ":=") {
        return Verb::SetPassword;
    }
    if code.word(1, "ROLE") || code.words(1, &["DEFAULT", "ROLE"]) {
        return Verb::SetRole;
    }
    if code.words(1, &["RESOURCE", "GROUP"]) {
        return Verb::Server;
    }
    if code.word(1, "STATEMENT") {
        // SET STATEMENT a = b, … FOR statement: what the statement is.
        return match code.find(2, &["FOR"]) {
            Some(at) => read::inner(code, at + 1, depth),
            None => Verb::Unknown,
        };
    }
    match assignments(code) {
        None => Verb::Unknown,
        Some(all) if all.iter().any(|one| one.scope == Scope::Global) => Verb::SetGlobal,
        Some(_) => Verb::SetSession,
    }
}

/// The assignments of `SET …`. `None` when they are not understood.
pub(crate) fn assignments(code: &Code<'_>) -> Option<Vec<Assignment>> {
    let mut found = Vec::new();
    let mut from = 1;
    while from < code.len() {
        let to = comma(code, from);
        found.push(assignment(code, from, to)?);
        from = to + 1;
    }
    if found.is_empty() { None } else { Some(found) }
}

fn comma(code: &Code<'_>, from: usize) -> usize {
    let mut depth = 0usize;
    for at in from..code.len() {
        match code.kind(at) {
            Some(Kind::Open) => depth += 1,
            Some(Kind::Close) => depth = depth.saturating_sub(1),
            Some(Kind::Comma) if depth == 0 => return at,
            _ => {}
        }
    }
    code.len()
}

fn assignment(code: &Code<'_>, from: usize, to: usize) -> Option<Assignment> {
    let (scope, at) = scope(code, from);
    let made = |target, from| {
        Some(Assignment {
            scope: scope.unwrap_or(Scope::Session),
            target,
            from,
            to,
        })
    };
    if code.word(at, "NAMES") && !is_equals(code, at + 1) {
        return made(Target::Names, at + 1);
    }
    if code.any_word(at, &["CHARSET"]) && !is_equals(code, at + 1) {
        return made(Target::Names, at + 1);
    }
    if code.any_word(at, &["CHARACTER", "CHAR"]) && code.word(at + 1, "SET") {
        return made(Target::Names, at + 2);
    }
    if code.word(at, "TRANSACTION") {
        return made(Target::Transaction, at + 1);
    }
    let (target, equals) = match code.kind(at)? {
        Kind::Variable => variable(code, at)?,
        Kind::Word | Kind::Quoted => {
            let chain = code.chain(at)?;
            let name = chain
                .parts
                .iter()
                .map(|part| code.name(*part).to_ascii_lowercase())
                .collect::<Vec<_>>();
            (Target::System(name.join(".")), chain.next)
        }
        _ => return None,
    };
    let (target, scope) = match target {
        Target::System(name) => match scoped(&name) {
            Some((found, rest)) if scope.is_none() => (Target::System(rest.to_owned()), Some(found)),
            _ => (Target::System(name), scope),
        },
        other => (other, scope),
    };
    if !is_equals(code, equals) || equals + 1 >= to {
        return None;
    }
    let scope = scope.unwrap_or(Scope::Session);
    Some(Assignment {
        scope,
        target,
        from: equals + 1,
        to,
    })
}

fn is_equals(code: &Code<'_>, at: usize) -> bool {
    code.sign(at, "=") || code.sign(at, ":=")
}

/// `GLOBAL`, `SESSION`, `LOCAL`, `PERSIST`, `PERSIST_ONLY` before a name, and where the name is.
fn scope(code: &Code<'_>, at: usize) -> (Option<Scope>, usize) {
    if is_equals(code, at + 1) {
        return (None, at);
    }
    if code.any_word(at, &["GLOBAL", "PERSIST", "PERSIST_ONLY"]) {
        (Some(Scope::Global), at + 1)
    } else if code.any_word(at, &["SESSION", "LOCAL"]) {
        (Some(Scope::Session), at + 1)
    } else {
        (None, at)
    }
}

/// Splits `session.sql_mode`.
fn scoped(name: &str) -> Option<(Scope, &str)> {
    let (scope, rest) = name.split_once('.')?;
    match scope {
        "global" | "persist" | "persist_only" => Some((Scope::Global, rest)),
        "session" | "local" => Some((Scope::Session, rest)),
        _ => None,
    }
}

/// `@name`, `@@name`, `@@scope.name` and the token after it.
pub(crate) fn variable(code: &Code<'_>, at: usize) -> Option<(Target, usize)> {
    let text = code.bytes(at);
    if !text.starts_with(b"@@") {
        return Some((Target::User(plain(text.get(1..)?)), at + 1));
    }
    let mut name = plain(&text[2..]);
    let mut next = at + 1;
    while code.is(next, Kind::Dot) {
        name.push('.');
        name.push_str(&code.name(next + 1).to_ascii_lowercase());
        next += 2;
    }
    Some((Target::System(name), next))
}

fn plain(name: &[u8]) -> String {
    let inside = match name {
        [b'\'', inside @ .., b'\''] => inside,
        other => other,
    };
    String::from_utf8_lossy(&crate::script::code::unquoted(inside)).to_ascii_lowercase()
}
