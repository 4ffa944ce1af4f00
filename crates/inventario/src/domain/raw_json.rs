//! JSON as spans of its own text, for questions whose answer must not cost a byte: is it JSON, which keys repeat, where
//! does the value of a key lie. Nothing is rebuilt from the tree; what is kept is copied from the source.

use std::borrow::Cow;

/// Deeper documents are not read; they are handled as text. Both servers refuse far less.
pub const MAX_DEPTH: usize = 128;

/// A value and the text it was written as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value<'a> {
    /// The value's own text, without blanks around it.
    pub raw: &'a str,
    /// Byte offset of `raw` in the document.
    pub start: usize,
    pub kind: Kind<'a>,
}

/// The shape of a [`Value`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind<'a> {
    Null,
    Bool,
    Number,
    String,
    Array(Vec<Value<'a>>),
    Object(Vec<Member<'a>>),
}

/// One member of an object; a repeated key is a member each time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member<'a> {
    /// The key with its escapes resolved.
    pub key: Cow<'a, str>,
    pub value: Value<'a>,
}

impl Value<'_> {
    /// Byte offset of the first byte behind the value.
    pub fn end(&self) -> usize {
        self.start + self.raw.len()
    }

    /// The text of a string value.
    pub fn text(&self) -> Option<Cow<'_, str>> {
        matches!(self.kind, Kind::String).then(|| unquote(self.raw))
    }

    /// Whether the value is an object or an array.
    pub fn is_nested(&self) -> bool {
        matches!(self.kind, Kind::Object(_) | Kind::Array(_))
    }
}

/// Reads a whole document (RFC 8259); `None` when it is not JSON or nested deeper than [`MAX_DEPTH`].
pub fn parse(text: &str) -> Option<Value<'_>> {
    let mut scanner = Scanner { text, at: 0 };
    scanner.blanks();
    let value = scanner.value(0)?;
    scanner.blanks();
    (scanner.at == text.len()).then_some(value)
}

/// How deep `value` is nested: 1 for a flat object.
pub fn depth(value: &Value<'_>) -> usize {
    match &value.kind {
        Kind::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Kind::Object(members) => 1 + members.iter().map(|m| depth(&m.value)).max().unwrap_or(0),
        _ => 0,
    }
}

/// A JSON string literal for `text`.
pub fn quote(text: &str) -> String {
    // Writing a string into memory cannot fail.
    serde_json::to_string(text).unwrap_or_default()
}

/// The text of a JSON string literal; a lone surrogate becomes U+FFFD.
fn unquote(raw: &str) -> Cow<'_, str> {
    let inner = raw.get(1..raw.len().saturating_sub(1)).unwrap_or("");
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    let mut units: Vec<u16> = Vec::new();
    let mut out = String::with_capacity(inner.len());
    let flush = |units: &mut Vec<u16>, out: &mut String| {
        out.extend(char::decode_utf16(units.drain(..)).map(|unit| unit.unwrap_or('\u{fffd}')));
    };
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            flush(&mut units, &mut out);
            out.push(c);
            continue;
        }
        let escape = chars.next().unwrap_or('\\');
        if escape == 'u' {
            let hex: String = chars.by_ref().take(4).collect();
            units.push(u16::from_str_radix(&hex, 16).unwrap_or(0xfffd));
            continue;
        }
        flush(&mut units, &mut out);
        out.push(match escape {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            other => other,
        });
    }
    flush(&mut units, &mut out);
    Cow::Owned(out)
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn word(&mut self, word: &str) -> Option<()> {
        self.text[self.at..]
            .starts_with(word)
            .then(|| self.at += word.len())
    }

    fn value(&mut self, depth: usize) -> Option<Value<'a>> {
        if depth > MAX_DEPTH {
            return None;
        }
        let start = self.at;
        let kind = match self.peek()? {
            b'{' => self.object(depth)?,
            b'[' => self.array(depth)?,
            b'"' => self.string().map(|()| Kind::String)?,
            b't' => self.word("true").map(|()| Kind::Bool)?,
            b'f' => self.word("false").map(|()| Kind::Bool)?,
            b'n' => self.word("null").map(|()| Kind::Null)?,
            _ => self.number().map(|()| Kind::Number)?,
        };
        Some(Value {
            raw: &self.text[start..self.at],
            start,
            kind,
        })
    }

    fn object(&mut self, depth: usize) -> Option<Kind<'a>> {
        self.eat(b'{')?;
        let mut members = Vec::new();
        self.blanks();
        if self.eat(b'}').is_some() {
            return Some(Kind::Object(members));
        }
        loop {
            self.blanks();
            let start = self.at;
            self.string()?;
            let key = unquote(&self.text[start..self.at]);
            self.blanks();
            self.eat(b':')?;
            self.blanks();
            let value = self.value(depth + 1)?;
            members.push(Member { key, value });
            self.blanks();
            if self.eat(b',').is_none() {
                return self.eat(b'}').map(|()| Kind::Object(members));
            }
        }
    }

    fn array(&mut self, depth: usize) -> Option<Kind<'a>> {
        self.eat(b'[')?;
        let mut items = Vec::new();
        self.blanks();
        if self.eat(b']').is_some() {
            return Some(Kind::Array(items));
        }
        loop {
            self.blanks();
            items.push(self.value(depth + 1)?);
            self.blanks();
            if self.eat(b',').is_none() {
                return self.eat(b']').map(|()| Kind::Array(items));
            }
        }
    }

    fn string(&mut self) -> Option<()> {
        self.eat(b'"')?;
        loop {
            let byte = self.peek()?;
            self.at += 1;
            match byte {
                b'"' => return Some(()),
                b'\\' => {
                    let escape = self.peek()?;
                    self.at += 1;
                    match escape {
                        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
                        b'u' => {
                            let hex = self.text.as_bytes().get(self.at..self.at + 4)?;
                            if !hex.iter().all(u8::is_ascii_hexdigit) {
                                return None;
                            }
                            self.at += 4;
                        }
                        _ => return None,
                    }
                }
                0..=0x1f => return None,
                _ => {}
            }
        }
    }

    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    fn number(&mut self) -> Option<()> {
        let _ = self.eat(b'-');
        if self.eat(b'0').is_none() {
            self.digits()?;
        }
        if self.eat(b'.').is_some() {
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_the_source() {
        let text = " {\"a\" : [1.10, -2E+3, \"x\\u00f1\"], \"a\":{} }\n";
        let value = parse(text).unwrap();
        assert_eq!(value.raw, text.trim());
        assert_eq!(&text[value.start..value.end()], value.raw);
        let Kind::Object(members) = &value.kind else {
            panic!("no object")
        };
        assert_eq!(members.len(), 2);
        let Kind::Array(items) = &members[0].value.kind else {
            panic!("no array")
        };
        assert_eq!(
            items.iter().map(|i| i.raw).collect::<Vec<_>>(),
            ["1.10", "-2E+3", "\"x\\u00f1\""]
        );
        assert_eq!(items[2].text().unwrap(), "xñ");
        assert_eq!(depth(&value), 2);
    }

    #[test]
    fn it_agrees_with_serde_json_on_what_is_json() {
        let cases = [
            "",
            " ",
            "{",
            "[]",
            "null",
            "nul",
            "01",
            "-",
            "-0",
            "1.",
            ".5",
            "1e5",
            "1e",
            "\"a",
            "\"a\\x\"",
            "\"a\nb\"",
            "{\"a\":1,}",
            "{\"a\" 1}",
            "{a:1}",
            "[1,]",
            "[1 2]",
            "\"solo texto\"x",
            "{\"a\":{\"b\":[null,true,false]}}",
            "\"\\u00e9\\n\"",
            "{}{}",
            "\u{feff}{}",
            "N/D",
            "\"\\ud800\"",
            "{\"a\":1}\0",
        ];
        for case in cases {
            let theirs = serde_json::from_str::<&serde_json::value::RawValue>(case).is_ok();
            assert_eq!(parse(case).is_some(), theirs, "{case:?}");
        }
    }

    #[test]
    fn nesting_is_bounded_and_surrogates_are_read() {
        let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(parse(&nested(MAX_DEPTH)).is_some());
        assert!(parse(&nested(100_000)).is_none());
        assert_eq!(unquote("\"\\ud83d\\ude42 \\ud800 \\\"\""), "🙂 \u{fffd} \"");
    }
}
