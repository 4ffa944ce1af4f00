//! JSON in front of a person who edits it: laid out a member a line, and where and why it is broken.
//!
//! Both work on the text itself, so order, repeated keys and the digits of numbers stay. Reading the document is
//! [`super::raw_json`]'s work.

use std::borrow::Cow;

use serde_json::value::RawValue;

/// Levels that are indented.
const MAX_INDENT: usize = 64;

/// Why a text is not JSON, and where; both counted from 1, the column in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not JSON: {reason} at line {line}, column {column}")]
pub struct JsonError {
    pub line: usize,
    pub column: usize,
    pub reason: Reason,
}

/// What the parser met, as a closed list that a page can say in its own language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    #[error("nothing was written")]
    Empty,
    #[error("it ends too early (truncated, or a bracket or quote is not closed)")]
    EndsTooEarly,
    #[error("a value was expected")]
    ExpectedValue,
    #[error("a colon was expected after the key")]
    ExpectedColon,
    #[error("a comma or a closing bracket was expected")]
    ExpectedComma,
    #[error("a key must be a string in double quotes")]
    KeyNotQuoted,
    #[error("a comma stands before the closing bracket")]
    TrailingComma,
    #[error("something follows the end of the document")]
    TrailingText,
    #[error("a line break or control character stands inside a string")]
    ControlCharacter,
    #[error("a backslash is followed by something that is no escape")]
    BadEscape,
    #[error("a number is malformed")]
    BadNumber,
    #[error("it is malformed")]
    Malformed,
}

/// Whether `text` is a whole JSON document.
///
/// # Errors
/// The first place at which it stops being one.
pub fn check(text: &str) -> Result<(), JsonError> {
    serde_json::from_str::<&RawValue>(text)
        .map(|_| ())
        .map_err(|error| located(text, &error))
}

/// The same document with a member a line and two blanks a level; every token keeps its text. What is not JSON comes
/// back as it is.
pub fn pretty(text: &str) -> Cow<'_, str> {
    match check(text) {
        Ok(()) => Cow::Owned(laid_out(text)),
        Err(_) => Cow::Borrowed(text),
    }
}

/// Valid JSON with the blanks between its tokens replaced by line breaks and indents; strings are copied verbatim.
fn laid_out(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut level = 0usize;
    let line = |out: &mut String, level: usize| {
        out.push('\n');
        // Deep documents would otherwise grow with the square of their depth.
        out.extend(std::iter::repeat_n("  ", level.min(MAX_INDENT)));
    };
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\n' | '\r' => {}
            '"' => {
                out.push(c);
                let mut escaped = false;
                for c in chars.by_ref() {
                    out.push(c);
                    match c {
                        _ if escaped => escaped = false,
                        '\\' => escaped = true,
                        '"' => break,
                        _ => {}
                    }
                }
            }
            '{' | '[' => {
                out.push(c);
                while chars.next_if(|c| matches!(c, ' ' | '\t' | '\n' | '\r')).is_some() {}
                if let Some(end) = chars.next_if(|c| matches!(c, '}' | ']')) {
                    out.push(end);
                } else {
                    level += 1;
                    line(&mut out, level);
                }
            }
            '}' | ']' => {
                level = level.saturating_sub(1);
                line(&mut out, level);
                out.push(c);
            }
            ',' => {
                out.push(c);
                line(&mut out, level);
            }
            ':' => out.push_str(": "),
            c => out.push(c),
        }
    }
    out
}

fn located(text: &str, error: &serde_json::Error) -> JsonError {
    let message = error.to_string();
    let reason = match () {
        () if text.trim().is_empty() => Reason::Empty,
        () if error.is_eof() => Reason::EndsTooEarly,
        () if message.starts_with("trailing comma") => Reason::TrailingComma,
        () if message.starts_with("trailing characters") => Reason::TrailingText,
        () if message.starts_with("expected value") || message.starts_with("expected ident") => {
            Reason::ExpectedValue
        }
        () if message.starts_with("expected `:`") => Reason::ExpectedColon,
        () if message.starts_with("expected `,`") => Reason::ExpectedComma,
        () if message.starts_with("key must be a string") => Reason::KeyNotQuoted,
        () if message.starts_with("control character") => Reason::ControlCharacter,
        () if message.starts_with("invalid escape") || message.contains("hex escape") => Reason::BadEscape,
        () if message.starts_with("invalid number") || message.starts_with("number out") => Reason::BadNumber,
        () => Reason::Malformed,
    };
    let (line, column) = (error.line().max(1), error.column());
    let start: usize = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    // serde_json counts the column in bytes, up to and with the one it stopped at.
    let end = (start..=(start + column).min(text.len()))
        .rev()
        .find(|at| text.is_char_boundary(*at));
    let read = &text[..end.unwrap_or(start)];
    let reason = if ends_with_trailing_comma(read) {
        Reason::TrailingComma
    } else {
        reason
    };
    JsonError {
        line,
        column: read[start..].chars().count().max(1),
        reason,
    }
}

/// Whether what was read ends with a comma and a closing bracket; the parser calls that a missing key or value.
fn ends_with_trailing_comma(read: &str) -> bool {
    read.strip_suffix(['}', ']'])
        .is_some_and(|inside| inside.trim_end().ends_with(','))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_where_and_why() {
        let case = |text: &str| check(text).unwrap_err();
        let at = |line, column, reason| JsonError { line, column, reason };
        assert_eq!(
            case("{\n  \"año\": 1,\n  \"ñ\" 2\n}"),
            at(3, 7, Reason::ExpectedColon)
        );
        assert_eq!(case(r#"{"cpu": "i5", "ram": "8"#).reason, Reason::EndsTooEarly);
        assert_eq!(case(r#"{"a":1,}"#), at(1, 8, Reason::TrailingComma));
        assert_eq!(case("[1, \n ]"), at(2, 2, Reason::TrailingComma));
        assert_eq!(case(r#"{"a":1} x"#), at(1, 9, Reason::TrailingText));
        assert_eq!(case("Laptop del jefe").reason, Reason::ExpectedValue);
        assert_eq!(case("{cpu: 1}").reason, Reason::KeyNotQuoted);
        assert_eq!(case("{\"a\":1 \"b\":2}").reason, Reason::ExpectedComma);
        assert_eq!(case("\"a\nb\"").reason, Reason::ControlCharacter);
        assert_eq!(case(r#""\x""#).reason, Reason::BadEscape);
        assert_eq!(case("01").reason, Reason::BadNumber);
        assert_eq!(case("  \n "), at(2, 1, Reason::Empty));
        assert_eq!(
            case("").to_string(),
            "not JSON: nothing was written at line 1, column 1"
        );
    }

    #[test]
    fn pretty_changes_only_blanks() {
        let text = r#"{"a":[1.10,{}],"b":{"c":"x, {y}: \"z\""},"d":[ ]}"#;
        let shown = pretty(text);
        assert_eq!(
            shown,
            "{\n  \"a\": [\n    1.10,\n    {}\n  ],\n  \"b\": {\n    \"c\": \"x, {y}: \\\"z\\\"\"\n  },\n  \"d\": []\n}"
        );
        assert!(crate::domain::especificaciones::same_but_blanks(text, &shown));
        assert_eq!(pretty("no es JSON"), "no es JSON");
        let deep = format!("{}1{}", "[".repeat(5_000), "]".repeat(5_000));
        assert!(pretty(&deep).len() < 2 * 5_000 * (2 * MAX_INDENT + 2) + 200);
    }
}
