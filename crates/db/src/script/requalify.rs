//! Names of one schema rewritten to another, every other byte kept.

use std::borrow::Cow;
use std::ops::Range;

use super::code::Code;
use super::lexer::Kind;
use super::names::{Reference, references};
use super::reading::readings;
use super::syntax::Syntax;

/// Why a text cannot be rewritten safely.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsafe {
    /// A string names the schema: what it becomes is decided when it is run.
    #[error(
        "the string {literal} on line {line} names the schema {schema}, and what becomes of it cannot be read \
         from the text: change the object so that it does not name its own schema"
    )]
    Literal {
        /// The schema.
        schema: String,
        /// The string as it stands, cut when long.
        literal: String,
        /// Line in the text, from 1.
        line: usize,
        /// Byte in the text.
        position: usize,
    },
    /// The schema's name stands where only the whole statement's target could be meant, or in other letters' case.
    #[error("{what} on line {line} cannot be rewritten from schema {schema}")]
    Name {
        /// The schema.
        schema: String,
        /// What stands there.
        what: String,
        /// Line in the text, from 1.
        line: usize,
        /// Byte in the text.
        position: usize,
    },
    /// Servers do not agree on how the text is read.
    #[error("the text of this object is read differently by different servers")]
    Ambiguous,
}

/// Rewrites names qualified by schema `from` to schema `to`.
///
/// Fails when a string could hold the schema's name as code: when it is exactly that name, when it holds it as
/// a qualifier (`from.x`), and, in a text that prepares statements, when it holds it as a word at all. A string after
/// `COMMENT` is only text.
pub fn requalify(text: &str, syntax: Syntax, from: &str, to: &str) -> Result<String, Unsafe> {
    let rewritten = requalify_bytes(text.as_bytes(), syntax, from, to, Literals::Judge)?;
    // Only whole identifiers were replaced, by text: valid UTF-8 stays so.
    Ok(String::from_utf8_lossy(&rewritten).into_owned())
}

/// What to do about strings that name the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Literals {
    /// Refuse those that could be run as code.
    Judge,
    /// They are data.
    Keep,
}

/// [`requalify`] for text of any encoding.
pub fn requalify_bytes<'t>(
    text: &'t [u8],
    syntax: Syntax,
    from: &str,
    to: &str,
    literals: Literals,
) -> Result<Cow<'t, [u8]>, Unsafe> {
    let codes = readings(text, syntax).map_err(|_| Unsafe::Ambiguous)?;
    let mut found: Vec<Range<usize>> = Vec::new();
    for code in &codes {
        if literals == Literals::Judge {
            judge(code, from)?;
        }
        places(code, &references(code), from, &mut found)?;
    }
    found.sort_by_key(|place| place.start);
    // Several readings of one text find the same places.
    found.dedup();
    Ok(replace(text, &found, &quoted(to)))
}

/// Adds the places of the schema's name in `references` to `found`.
pub(crate) fn places(
    code: &Code<'_>,
    references: &[Reference],
    schema: &str,
    found: &mut Vec<Range<usize>>,
) -> Result<(), Unsafe> {
    for reference in references {
        let place = reference.start..reference.end;
        if reference.schema == schema {
            found.push(place);
        } else if reference.schema.eq_ignore_ascii_case(schema) && !reference.guessed {
            return Err(Unsafe::Name {
                schema: schema.to_owned(),
                what: format!("{}.{}", reference.schema, reference.name),
                line: line_at(code.text(), place.start),
                position: place.start,
            });
        }
    }
    Ok(())
}

/// `name` as an identifier in backticks, which every server reads the same under every `sql_mode`; SQLite too.
pub(crate) fn quoted(name: &str) -> Vec<u8> {
    format!("`{}`", name.replace('`', "``")).into_bytes()
}

/// `text` with every one of `places` replaced.
pub(crate) fn replace<'t>(text: &'t [u8], places: &[Range<usize>], with: &[u8]) -> Cow<'t, [u8]> {
    if places.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len() + places.len() * with.len());
    let mut at = 0;
    for place in places {
        out.extend_from_slice(&text[at..place.start]);
        out.extend_from_slice(with);
        at = place.end;
    }
    out.extend_from_slice(&text[at..]);
    Cow::Owned(out)
}

/// Refuses strings that could be code which names the schema.
pub(crate) fn judge(code: &Code<'_>, schema: &str) -> Result<(), Unsafe> {
    let prepares = code.contains(&["PREPARE", "EXECUTE"]);
    for at in 0..code.len() {
        if !code.is(at, Kind::Text) || (at > 0 && code.word(at - 1, "COMMENT")) {
            continue;
        }
        let literal = code.bytes(at);
        if names_schema(literal, schema.as_bytes(), prepares) {
            let position = code.token(at).map_or(0, |token| token.start);
            let mut shown = String::from_utf8_lossy(literal).into_owned();
            if let Some((end, _)) = shown.char_indices().nth(60) {
                shown.truncate(end);
                shown.push('…');
            }
            return Err(Unsafe::Literal {
                schema: schema.to_owned(),
                literal: shown,
                line: line_at(code.text(), position),
                position,
            });
        }
    }
    Ok(())
}

/// Whether a string literal could stand for code that names the schema. `any`: as a word anywhere in it.
fn names_schema(literal: &[u8], schema: &[u8], any: bool) -> bool {
    if schema.is_empty() {
        return false;
    }
    let word = |byte: Option<&u8>| {
        byte.is_some_and(|byte| {
            byte.is_ascii_alphanumeric() || *byte == b'_' || *byte == b'$' || *byte >= 0x80
        })
    };
    let lower = literal.to_ascii_lowercase();
    let finder = schema.to_ascii_lowercase();
    let mut from = 0;
    while let Some(found) = memchr::memmem::find(&lower[from..], &finder) {
        let start = from + found;
        let end = start + finder.len();
        from = start + 1;
        let before = start.checked_sub(1).and_then(|at| literal.get(at));
        let after = literal.get(end);
        if word(before) && !ends_escape(literal, start) || word(after) {
            continue;
        }
        let exact = matches!(before, Some(b'\'' | b'"' | b'`')) && matches!(after, Some(b'\'' | b'"' | b'`'));
        let mut next = end;
        while matches!(literal.get(next), Some(b'`' | b'"' | b' ' | b'\\')) {
            next += 1;
        }
        let qualifies = literal.get(next) == Some(&b'.')
            && literal
                .get(next + 1)
                .is_some_and(|byte| word(Some(byte)) || matches!(byte, b'`' | b'"' | b'\'' | b'*'));
        if any || exact || qualifies {
            return true;
        }
    }
    false
}

/// Whether the byte before `start` is the letter of an escape (`\n`) and so no part of a word.
fn ends_escape(literal: &[u8], start: usize) -> bool {
    let slashes = literal[..start.saturating_sub(1)]
        .iter()
        .rev()
        .take_while(|byte| **byte == b'\\')
        .count();
    slashes % 2 == 1
}

/// Line of byte `position`, from 1.
pub(crate) fn line_at(text: &[u8], position: usize) -> usize {
    1 + memchr::memchr_iter(b'\n', &text[..position.min(text.len())]).count()
}
