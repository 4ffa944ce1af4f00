//! `especificaciones` between the stored text, what a client may see of it, and what a client sends back.
//!
//! Shown is the stored text itself, with the values of sensitive keys replaced and nothing else touched: numbers keep
//! their digits, duplicate keys stay. A text that is not JSON is shown as a JSON string.

use serde_json::value::RawValue;

use super::raw_json::{self, Kind, Member, Value};
use super::sensitive::{self, HIDDEN};

/// The key under which the window keeps a text that was not JSON.
pub const ORIGINAL_TEXT: &str = "_texto_original";

/// Nesting that both servers take in a JSON column (MariaDB stops at 31).
pub const MAX_WRITE_DEPTH: usize = 30;

/// What a client sees of the stored text.
pub fn shown(stored: Option<&str>) -> Option<Box<RawValue>> {
    let text = shown_text(stored?);
    // `shown_text` is JSON: either text that `raw_json` accepted or a quoted string.
    RawValue::from_string(text).ok()
}

/// [`shown`] as text, without blanks around it.
pub fn shown_text(stored: &str) -> String {
    match raw_json::parse(stored) {
        Some(value) => hidden(&value).unwrap_or_else(|| value.raw.to_owned()),
        None => {
            let masked = sensitive::mask_text(stored);
            raw_json::quote(masked.as_deref().unwrap_or(stored))
        }
    }
}

/// Key paths whose values are hidden, as `a/b/0/c`.
pub fn sensitive_paths(value: &Value<'_>) -> Vec<String> {
    let mut paths = Vec::new();
    collect_paths(value, &mut String::new(), &mut paths);
    paths
}

fn collect_paths(value: &Value<'_>, path: &mut String, paths: &mut Vec<String>) {
    let length = path.len();
    let mut descend = |name: &str, value: &Value<'_>, here: bool| {
        if !path.is_empty() {
            path.push('/');
        }
        path.push_str(name);
        if here {
            paths.push(path.clone());
        } else {
            collect_paths(value, path, paths);
        }
        path.truncate(length);
    };
    match &value.kind {
        Kind::Object(members) => {
            for member in members {
                descend(
                    &member.key,
                    &member.value,
                    sensitive::is_sensitive_key(&member.key),
                );
            }
        }
        Kind::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                descend(&at.to_string(), item, false);
            }
        }
        Kind::String => {
            let text = value.text().unwrap_or_default();
            match raw_json::parse(&text).filter(Value::is_nested) {
                Some(inner) => collect_paths(&inner, path, paths),
                None if masked_string(&text, path.ends_with(ORIGINAL_TEXT)).is_some() => {
                    paths.push(path.clone())
                }
                None => {}
            }
        }
        _ => {}
    }
}

/// `value` with its secrets replaced; `None` when it has none.
fn hidden(value: &Value<'_>) -> Option<String> {
    hidden_under(value, false)
}

/// `free` says that a string is free text kept by the window, in which names of secrets count too.
fn hidden_under(value: &Value<'_>, free: bool) -> Option<String> {
    match &value.kind {
        Kind::Object(members) => splice(value, members.iter().map(|m| (&m.value, hidden_member(m)))),
        Kind::Array(items) => splice(value, items.iter().map(|item| (item, hidden_under(item, free)))),
        Kind::String => {
            let text = value.text()?;
            match raw_json::parse(&text).filter(Value::is_nested) {
                Some(inner) => hidden(&inner).map(|inner| raw_json::quote(&inner)),
                None => masked_string(&text, free).map(|masked| raw_json::quote(&masked)),
            }
        }
        _ => None,
    }
}

fn masked_string(text: &str, free: bool) -> Option<String> {
    if free {
        sensitive::mask_text(text)
    } else {
        sensitive::mask_values(text)
    }
}

fn hidden_member(member: &Member<'_>) -> Option<String> {
    if sensitive::is_sensitive_key(&member.key) {
        return Some(raw_json::quote(HIDDEN));
    }
    hidden_under(&member.value, member.key == ORIGINAL_TEXT)
}

/// The text of `whole` with some of its parts replaced; `None` when none is.
fn splice<'v, 'a: 'v>(
    whole: &Value<'a>,
    parts: impl Iterator<Item = (&'v Value<'a>, Option<String>)>,
) -> Option<String> {
    let mut out = String::new();
    let mut copied = 0;
    for (part, replaced) in parts {
        if let Some(text) = replaced {
            out.push_str(&whole.raw[copied..part.start - whole.start]);
            out.push_str(&text);
            copied = part.end() - whole.start;
        }
    }
    (copied > 0).then(|| out + &whole.raw[copied..])
}

/// Why what a client sent cannot be stored. Paths only, never values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unstorable {
    /// Values under these keys are secrets.
    Sensitive(Vec<String>),
    /// A hidden value came back where nothing is stored.
    HiddenUnknown(String),
}

/// The text to store for `sent`: hidden values that came back unchanged are what is stored now, every other byte is as
/// sent.
///
/// # Errors
/// A secret in what was sent, or a hidden value without a stored one.
pub fn to_store(sent: &Value<'_>, stored: Option<&str>) -> Result<String, Unstorable> {
    let tree = stored.and_then(raw_json::parse);
    let mut refused = Vec::new();
    let text = merge(sent, tree.as_ref(), &mut String::new(), &mut refused)?;
    if refused.is_empty() {
        Ok(text.unwrap_or_else(|| sent.raw.to_owned()))
    } else {
        Err(Unstorable::Sensitive(refused))
    }
}

/// `None` = the sent text stands as it is.
fn merge(
    sent: &Value<'_>,
    stored: Option<&Value<'_>>,
    path: &mut String,
    refused: &mut Vec<String>,
) -> Result<Option<String>, Unstorable> {
    // The very thing that was shown: keep what is stored, secrets and all.
    if let Some(stored) = stored
        && let Some(shown) = hidden_under(stored, path.ends_with(ORIGINAL_TEXT))
        && same_but_blanks(&shown, sent.raw)
    {
        return Ok(Some(stored.raw.to_owned()));
    }
    let length = path.len();
    let mut step = |name: &str, sent: &Value<'_>, stored: Option<&Value<'_>>, sensitive: bool| {
        if !path.is_empty() {
            path.push('/');
        }
        path.push_str(name);
        let merged = match (sensitive, stored) {
            (false, stored) => merge(sent, stored, path, refused),
            (true, Some(stored)) if is_hidden(sent) => Ok(Some(stored.raw.to_owned())),
            (true, None) if is_hidden(sent) => Err(Unstorable::HiddenUnknown(path.clone())),
            (true, _) => {
                refused.push(path.clone());
                Ok(None)
            }
        };
        path.truncate(length);
        merged
    };
    match &sent.kind {
        Kind::Object(members) => {
            let mut parts = Vec::with_capacity(members.len());
            for (at, member) in members.iter().enumerate() {
                let nth = members[..at].iter().filter(|m| m.key == member.key).count();
                let stored = stored.and_then(|stored| member_of(stored, &member.key, nth));
                let sensitive = sensitive::is_sensitive_key(&member.key);
                parts.push((
                    &member.value,
                    step(&member.key, &member.value, stored, sensitive)?,
                ));
            }
            Ok(splice(sent, parts.into_iter()))
        }
        Kind::Array(items) => {
            let mut parts = Vec::with_capacity(items.len());
            for (at, item) in items.iter().enumerate() {
                let stored = stored.and_then(|stored| counterpart(stored, items.len(), at, item));
                parts.push((item, step(&at.to_string(), item, stored, false)?));
            }
            Ok(splice(sent, parts.into_iter()))
        }
        Kind::String => {
            let text = sent.text().unwrap_or_default();
            let free = path.ends_with(ORIGINAL_TEXT);
            let inner = raw_json::parse(&text)
                .filter(Value::is_nested)
                .map(|inner| sensitive_paths(&inner));
            match inner {
                Some(paths) if paths.is_empty() => {}
                None if masked_string(&text, free).is_none() => {}
                _ => refused.push(path.clone()),
            }
            Ok(None)
        }
        _ => Ok(None),
    }
}

fn is_hidden(value: &Value<'_>) -> bool {
    value.text().is_some_and(|text| text == HIDDEN)
}

fn member_of<'v, 'a>(object: &'v Value<'a>, key: &str, nth: usize) -> Option<&'v Value<'a>> {
    match &object.kind {
        Kind::Object(members) => members.iter().filter(|m| m.key == key).nth(nth).map(|m| &m.value),
        _ => None,
    }
}

/// The stored item that belongs to `item`: the one at its place while the array keeps its length, else the only one that
/// is shown as it. A wrong guess would give one item the secret of another.
fn counterpart<'v, 'a>(
    array: &'v Value<'a>,
    length: usize,
    at: usize,
    item: &Value<'_>,
) -> Option<&'v Value<'a>> {
    let Kind::Array(stored) = &array.kind else {
        return None;
    };
    let shown_as =
        |stored: &&Value<'_>| hidden(stored).is_some_and(|shown| same_but_blanks(&shown, item.raw));
    let alike: Vec<_> = stored.iter().filter(shown_as).collect();
    match alike.as_slice() {
        [one] => Some(one),
        _ if stored.len() == length => stored.get(at),
        _ => None,
    }
}

/// Whether two JSON texts differ in nothing but blanks between tokens.
pub fn same_but_blanks(a: &str, b: &str) -> bool {
    let mut ours = Tokens(a.chars(), false, false);
    let mut theirs = Tokens(b.chars(), false, false);
    loop {
        match (ours.next(), theirs.next()) {
            (None, None) => return true,
            (x, y) if x != y => return false,
            _ => {}
        }
    }
}

/// Characters of a JSON text without the blanks outside strings: text, inside a string, behind a backslash.
struct Tokens<'a>(std::str::Chars<'a>, bool, bool);

impl Iterator for Tokens<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        loop {
            let c = self.0.next()?;
            if self.1 {
                (self.1, self.2) = match c {
                    _ if self.2 => (true, false),
                    '\\' => (true, true),
                    '"' => (false, false),
                    _ => (true, false),
                };
                return Some(c);
            }
            if !matches!(c, ' ' | '\t' | '\n' | '\r') {
                self.1 = c == '"';
                return Some(c);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(sent: &str, stored: &str) -> Result<String, Unstorable> {
        to_store(&raw_json::parse(sent).unwrap(), Some(stored))
    }

    #[test]
    fn every_digit_and_every_duplicate_survives() {
        let text = "  {\"id\": 12345678901234567, \"peso\": 1.6406142500811980, \"a\": 1, \"a\": 2}\n";
        assert_eq!(shown(Some(text)).unwrap().get(), text.trim());
        assert!(shown(None).is_none());
        assert_eq!(shown_text("null"), "null");
        assert_eq!(shown_text(""), "\"\"");
        assert_eq!(shown_text("N/D\t\"x\""), "\"N/D\\t\\\"x\\\"\"");
    }

    #[test]
    fn secrets_are_replaced_and_nothing_else() {
        let key = "695914-383797-261567-987977-139938-468619-462631-883588";
        let cases = [
            (
                format!("{{\"cpu\":\"x\", \"bitlocker_recovery_key\" : \"{key}\"}}"),
                r#"{"cpu":"x", "bitlocker_recovery_key" : "[oculto]"}"#,
            ),
            (
                r#"{"a":[{"Recovery Key":{"x":1}},2.50]}"#.into(),
                r#"{"a":[{"Recovery Key":"[oculto]"},2.50]}"#,
            ),
            (
                format!("{{\"notas\":\"clave {key}\"}}"),
                r#"{"notas":"clave [oculto]"}"#,
            ),
            (
                format!("\"{{\\\"pin\\\": \\\"{key}\\\", \\\"a\\\":1}}\""),
                r#""{\"pin\": \"[oculto]\", \"a\":1}""#,
            ),
            (
                "{\"cpu\": 1, \"password\": \"abc".into(),
                r#""{\"cpu\": 1, \"password\": \"[oculto]\"""#,
            ),
            (
                r#"{"_texto_original":"clave: abc"}"#.into(),
                r#"{"_texto_original":"clave: [oculto]"}"#,
            ),
        ];
        for (stored, expected) in &cases {
            let text = shown_text(stored);
            assert_eq!(&text, expected);
            assert!(!text.contains("6959") && !text.contains("abc"));
        }
        let tree = raw_json::parse(r#"{"a":[{"Recovery Key":1}],"pin":2}"#).unwrap();
        assert_eq!(sensitive_paths(&tree), ["a/0/Recovery Key", "pin"]);
    }

    #[test]
    fn what_comes_back_hidden_keeps_what_is_stored() {
        let stored = r#"{"cpu":"i5","pin":"1234","d":[{"clave":"a"},{"clave":"b"}],"n":10.50}"#;
        let sent =
            r#"{"cpu":"i7", "pin":"[oculto]", "d":[{"clave":"[oculto]"},{"clave":"[oculto]"}], "n":10.50}"#;
        assert_eq!(
            store(sent, stored).unwrap(),
            r#"{"cpu":"i7", "pin":"1234", "d":[{"clave":"a"},{"clave":"b"}], "n":10.50}"#
        );
        assert_eq!(store(r#"{"cpu":"i7"}"#, stored).unwrap(), r#"{"cpu":"i7"}"#);
        assert_eq!(store(&shown_text(stored), stored).unwrap(), stored);
    }

    #[test]
    fn an_item_never_gets_the_secret_of_another() {
        let stored = r#"{"d":[{"n":1,"clave":"a"},{"n":2,"clave":"b"},{"clave":"x"},{"clave":"y"}]}"#;
        assert_eq!(
            store(r#"{"d":[{"n":2,"clave":"[oculto]"}]}"#, stored).unwrap(),
            r#"{"d":[{"n":2,"clave":"b"}]}"#
        );
        assert_eq!(
            store(r#"{"d":[{"clave":"[oculto]"}]}"#, stored),
            Err(Unstorable::HiddenUnknown("d/0/clave".into()))
        );
    }

    #[test]
    fn new_secrets_are_refused_by_path() {
        let stored = r#"{"pin":"1234"}"#;
        assert_eq!(
            store(r#"{"pin":"9"}"#, stored),
            Err(Unstorable::Sensitive(vec!["pin".into()]))
        );
        assert_eq!(
            store(r#"{"a":{"Recovery Key":null}}"#, "{}"),
            Err(Unstorable::Sensitive(vec!["a/Recovery Key".into()]))
        );
        assert_eq!(
            store(r#"{"a":"{\"pin\":1}"}"#, "{}"),
            Err(Unstorable::Sensitive(vec!["a".into()]))
        );
        assert_eq!(
            store(
                r#"{"x":"695914-383797-261567-987977-139938-468619-462631-883588"}"#,
                "{}"
            ),
            Err(Unstorable::Sensitive(vec!["x".into()]))
        );
        assert_eq!(
            store(r#"{"pin":"[oculto]"}"#, "N/D"),
            Err(Unstorable::HiddenUnknown("pin".into()))
        );
    }

    #[test]
    fn blanks_do_not_count_and_strings_do() {
        assert!(same_but_blanks(r#"{"a" : [1, "x y"]}"#, "{\n\"a\":[1,\"x y\"]}"));
        assert!(!same_but_blanks(r#"{"a":"x y"}"#, r#"{"a":"xy"}"#));
        assert!(!same_but_blanks("[1.0]", "[1.00]"));
    }
}
