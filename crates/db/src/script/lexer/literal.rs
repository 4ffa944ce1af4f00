//! Ends of the pieces that a token is made of.

use super::Kind;

/// Whether `byte` may stand in an unquoted name.
pub(crate) const fn is_name_byte(byte: u8) -> bool {
    NAME[byte as usize]
}

const NAME: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let value = byte as u8;
        table[byte] = value.is_ascii_alphanumeric() || value == b'_' || value == b'$' || value >= 0x80;
        byte += 1;
    }
    table
};

pub(super) fn name_length(text: &[u8]) -> usize {
    text.iter().take_while(|byte| is_name_byte(**byte)).count()
}

pub(super) fn space_length(text: &[u8]) -> usize {
    text.iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c))
        .count()
}

fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// One past the closing quote of a literal whose first byte inside the quotes is at `from`; a doubled quote and,
/// with `escapes`, a backslash and its byte belong to it. `None` when the text ends before.
pub(crate) fn end_of_quoted(text: &[u8], from: usize, quote: u8, escapes: bool) -> Option<usize> {
    let mut at = from;
    loop {
        let rest = text.get(at..)?;
        let found = if escapes {
            memchr::memchr2(quote, b'\\', rest)?
        } else {
            memchr::memchr(quote, rest)?
        };
        at += found;
        if text[at] == quote && text.get(at + 1) != Some(&quote) {
            return Some(at + 1);
        }
        at += 2;
    }
}

/// The number at the beginning of `text`, or the name that only begins like one (`1a`, `0xZ`), as MySQL decides.
pub(super) fn number(text: &[u8], sqlite: bool) -> (Kind, usize) {
    let name = name_length(text);
    let hex = |set: fn(&u8) -> bool| name > 2 && text[2..name].iter().all(set);
    match (text[0], text.get(1)) {
        (b'0', Some(b'x' | b'X')) if hex(u8::is_ascii_hexdigit) => return (Kind::Number, name),
        (b'0', Some(b'b')) if !sqlite && hex(|byte| matches!(byte, b'0' | b'1')) => {
            return (Kind::Number, name);
        }
        _ => {}
    }
    let mut end = digits(text);
    if sqlite {
        // 3.46 and later: digits may be separated by underscores.
        end = text
            .iter()
            .take_while(|byte| byte.is_ascii_digit() || **byte == b'_')
            .count();
    }
    let whole = end;
    if text.get(end) == Some(&b'.') {
        end += 1 + digits(&text[end + 1..]);
    }
    if let Some(b'e' | b'E') = text.get(end) {
        let sign = usize::from(matches!(text.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits(text.get(end + 1 + sign..).unwrap_or_default());
        if exponent > 0 {
            return (Kind::Number, end + 1 + sign + exponent);
        }
    }
    // `1a`: an identifier may begin with digits in MySQL.
    if end == whole && name > whole && !sqlite {
        (Kind::Word, name)
    } else {
        (Kind::Number, end.max(1))
    }
}

pub(super) fn operator_length(text: &[u8]) -> usize {
    const LONG: [&[u8]; 14] = [
        b"<=>", b"->>", b"->", b":=", b"<=", b">=", b"<>", b"!=", b"||", b"&&", b"<<", b">>", b"==", b"..",
    ];
    LONG.iter()
        .find(|sign| text.starts_with(sign))
        .map_or(1, |sign| sign.len())
}
