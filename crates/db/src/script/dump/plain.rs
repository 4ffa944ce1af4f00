//! The fast way through the bulk of a dump: an `INSERT` of literals only.
//!
//! Such a statement can do nothing but insert rows into the table that it names, so it needs no further judgement.
//! Anything else than literals (a function, a subquery, a comment, a second statement) takes the slow way.

use crate::script::code::unquoted;
use crate::script::lexer::{Kind, Lexer, Token, end_of_quoted, is_plain};
use crate::script::syntax::Syntax;

/// An `INSERT` or `REPLACE` of literals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plain {
    pub(super) table: String,
    pub(super) rows: u64,
    /// Each row of the statement becomes a row of the table: no `REPLACE`, no `IGNORE`.
    pub(super) exact: bool,
}

/// Reads `text` when it is an `INSERT` of literals into a table without a qualifier.
pub(super) fn read(text: &[u8], syntax: Syntax) -> Option<Plain> {
    let mut lexer = Lexer::new(text, syntax);
    let mut next = || -> Option<Token> { lexer.by_ref().find(|token| token.kind != Kind::Space) };
    let is = |token: Token, word: &str| {
        token.kind == Kind::Word && text[token.range()].eq_ignore_ascii_case(word.as_bytes())
    };
    let verb = next()?;
    let mut exact = is(verb, "INSERT");
    if !exact && !is(verb, "REPLACE") {
        return None;
    }
    let mut token = next()?;
    while ["IGNORE", "LOW_PRIORITY", "HIGH_PRIORITY", "DELAYED"]
        .iter()
        .any(|word| is(token, word))
    {
        exact &= !is(token, "IGNORE");
        token = next()?;
    }
    if is(token, "INTO") {
        token = next()?;
    }
    if !matches!(token.kind, Kind::Quoted | Kind::Word) {
        return None;
    }
    let table = String::from_utf8_lossy(&unquoted(&text[token.range()])).into_owned();
    token = next()?;
    if token.kind == Kind::Open {
        loop {
            token = next()?;
            match token.kind {
                Kind::Quoted | Kind::Word | Kind::Comma => {}
                Kind::Close => break,
                _ => return None,
            }
        }
        token = next()?;
    }
    if !is(token, "VALUES") && !is(token, "VALUE") {
        return None;
    }
    let rows = literals(&text[lexer.position()..], syntax)?;
    Some(Plain { table, rows, exact })
}

/// Counts the rows of `(…),(…)`. `None` when there is anything but literals.
fn literals(text: &[u8], syntax: Syntax) -> Option<u64> {
    let (mut at, mut rows, mut inside) = (0, 0u64, false);
    while let Some(&byte) = text.get(at) {
        match byte {
            b'\'' => at = end_of_quoted(text, at + 1, byte, syntax.escapes(byte))?,
            b'"' if !syntax.ansi_quotes => at = end_of_quoted(text, at + 1, byte, syntax.escapes(byte))?,
            b'(' if !inside => {
                inside = true;
                rows += 1;
                at += 1;
            }
            b')' if inside => {
                inside = false;
                at += 1;
            }
            b',' | b' ' | b'\n' | b'\r' | b'\t' => at += 1,
            b'0'..=b'9' => at = number(text, at)?,
            b'+' => at += 1,
            b'-' | b'.'
                if text
                    .get(at + 1)
                    .is_some_and(|next| next.is_ascii_digit() || *next == b'.') =>
            {
                at += 1
            }
            _ if is_plain(byte) => at = word(text, at)?,
            _ => return None,
        }
    }
    (rows > 0 && !inside).then_some(rows)
}

/// Digits, a fraction, an exponent, or `0x…`.
fn number(text: &[u8], from: usize) -> Option<usize> {
    let run = |at: usize, set: fn(&u8) -> bool| {
        at + text
            .get(at..)
            .unwrap_or_default()
            .iter()
            .take_while(|byte| set(byte))
            .count()
    };
    let mut at = if text[from] == b'0' && text.get(from + 1) == Some(&b'x') {
        run(from + 2, u8::is_ascii_hexdigit)
    } else {
        run(from, u8::is_ascii_digit)
    };
    if text.get(at) == Some(&b'.') {
        at = run(at + 1, u8::is_ascii_digit);
    }
    if let Some(b'e' | b'E') = text.get(at) {
        let sign = usize::from(matches!(text.get(at + 1), Some(b'+' | b'-')));
        at = run(at + 1 + sign, u8::is_ascii_digit);
    }
    // What goes on like a name is one.
    if text.get(at).is_some_and(|byte| is_plain(*byte)) {
        None
    } else {
        Some(at)
    }
}

/// The few words that are literals or stand before one.
fn word(text: &[u8], from: usize) -> Option<usize> {
    let end = from + text[from..].iter().take_while(|byte| is_plain(**byte)).count();
    let word = &text[from..end];
    let alone = [&b"NULL"[..], b"DEFAULT", b"TRUE", b"FALSE"]
        .iter()
        .any(|known| word.eq_ignore_ascii_case(known));
    if alone {
        return Some(end);
    }
    let prefix: &[&[u8]] = &[
        b"_binary",
        b"_utf8mb4",
        b"_utf8mb3",
        b"_utf8",
        b"_latin1",
        b"_ascii",
        b"x",
        b"b",
        b"n",
    ];
    if !prefix.iter().any(|known| word.eq_ignore_ascii_case(known)) {
        return None;
    }
    let blanks = text[end..].iter().take_while(|byte| **byte == b' ').count();
    match text.get(end + blanks) {
        Some(b'\'' | b'0' | b'x' | b'X') => Some(end),
        _ => None,
    }
}
