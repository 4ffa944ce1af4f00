//! Statements as UTF-8, which is all that a driver may send.
//!
//! A dump made without `--hex-blob` holds raw bytes in its strings. A string that is not UTF-8 becomes a hexadecimal
//! literal of the same bytes: binary where the client's text is UTF-8, else in the client's character set.

use crate::script::lexer::{Kind, Lexer};
use crate::script::syntax::Syntax;

/// `text` itself when it is UTF-8, else with its other strings as hexadecimal literals.
pub(super) fn ensure(text: Vec<u8>, syntax: Syntax, charset: &str) -> Result<Vec<u8>, String> {
    if std::str::from_utf8(&text).is_ok() {
        return Ok(text);
    }
    let mut out = Vec::with_capacity(text.len() + text.len() / 2);
    // An introducer before the string says what its bytes are.
    let mut introduced = false;
    for token in Lexer::new(&text, syntax) {
        let bytes = &text[token.range()];
        if std::str::from_utf8(bytes).is_ok() {
            out.extend_from_slice(bytes);
        } else if token.kind == Kind::Text && matches!(bytes[0], b'\'' | b'"') {
            if !introduced && !charset.starts_with("utf8") && charset != "binary" {
                out.extend_from_slice(format!("_{charset} ").as_bytes());
            }
            hex(bytes, syntax, &mut out);
        } else {
            return Err(format!(
                "outside of its strings it is not UTF-8 (the client's character set is {charset}): dump again with \
                 --default-character-set=utf8mb4"
            ));
        }
        match token.kind {
            Kind::Space => {}
            kind => introduced = kind == Kind::Word && bytes.starts_with(b"_"),
        }
    }
    Ok(out)
}

/// The literal, quotes included, as `X'…'`.
fn hex(literal: &[u8], syntax: Syntax, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let quote = literal[0];
    let escapes = syntax.escapes(quote);
    let inside = &literal[1..literal.len() - 1];
    let mut at = 0;
    let mut digits = Vec::new();
    while let Some(&byte) = inside.get(at) {
        at += 1;
        let next = inside.get(at).copied();
        match next {
            Some(next) if byte == b'\\' && escapes => {
                at += 1;
                match next {
                    b'0' => digits.push(0),
                    b'b' => digits.push(8),
                    b'n' => digits.push(b'\n'),
                    b'r' => digits.push(b'\r'),
                    b't' => digits.push(b'\t'),
                    b'Z' => digits.push(0x1a),
                    // The wildcards of LIKE keep their backslash.
                    b'%' | b'_' => digits.extend([b'\\', next]),
                    other => digits.push(other),
                }
            }
            Some(next) if byte == quote && next == quote => {
                at += 1;
                digits.push(quote);
            }
            _ => digits.push(byte),
        }
    }
    out.extend_from_slice(b"X'");
    for byte in digits {
        out.extend([DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
    out.push(b'\'');
}
