//! `especificaciones` as people read them: members in their order, repeated keys all shown and marked, numbers exactly
//! as they are stored, strings that hold JSON opened, secrets left out.

use askama::Template;

use super::format;
use super::texts::Texts;
use crate::domain::especificaciones::ORIGINAL_TEXT as ORIGINAL;
use crate::domain::raw_json::{self, Kind, Value};
use crate::domain::review::{self, Class, Review};
use crate::domain::sensitive;

/// Chips shown in a row of the list, and the length of each value.
const CHIPS: usize = 3;
const CHIP_LENGTH: usize = 28;

/// Strings that hold JSON are opened this many times; a fifth level of quoting stays text.
const MAX_OPENED: usize = 4;

/// Keys that tell most about a device: they come first in a digest.
const TELLING: [&str; 12] = [
    "cpu",
    "ram",
    "disco_duro",
    "numero_puertos",
    "resolution",
    "size_inches",
    "imei",
    "gid",
    "firmware",
    "ppm",
    "mac",
    "service_tag",
];

/// What a page shows of the field.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// Nothing was recorded.
    None,
    /// Members of an object.
    Entries(Vec<Entry>),
    /// JSON that is no object.
    Other(Item),
    /// Text that is no JSON; only before the window.
    Text(String),
    /// Text that was no JSON, kept under its key, and what stands beside it.
    Original { text: String, rest: Vec<Entry> },
}

/// One member.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// What people call it.
    pub(super) label: String,
    /// The key as it is stored.
    pub(super) key: String,
    pub(super) item: Item,
    pub(super) repeated: bool,
}

/// One value.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Item {
    Null,
    Blank,
    Empty,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Item>),
    Group(Vec<Entry>),
    /// A string whose text is itself JSON.
    JsonInText(Box<Item>),
    /// A sensitive value.
    Hidden,
}

/// A short word on one specification, in a row of a list.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chip {
    pub(super) label: String,
    pub(super) value: String,
    /// The row needs review.
    pub(super) warn: bool,
}

/// The field of an activo. Text that is no JSON leaves the domain as a JSON string; the review knows which it is.
pub(super) fn of_activo(stored: Option<&str>, review: &Review, t: &Texts) -> Shown {
    let was_text = !review.wrapped && matches!(review.class, Class::Text | Class::Truncated | Class::Empty);
    match stored.and_then(raw_json::parse) {
        Some(value) if was_text => Shown::Text(plain(&value)),
        _ => read(stored, t),
    }
}

/// What the review says of a field as it leaves the domain. On schema 1 a JSON string stands for text that is no JSON:
/// the text is judged.
pub(super) fn judged(stored: Option<&str>, schema: Option<u32>) -> Review {
    let whole = review::review(stored);
    let text = stored.and_then(raw_json::parse).filter(|_| schema == Some(1));
    match text.as_ref().and_then(Value::text) {
        Some(text) if raw_json::parse(&text).is_none() => review::review(Some(&text)),
        _ => whole,
    }
}

/// Reads the field as it leaves the domain, secrets already replaced.
fn read(stored: Option<&str>, t: &Texts) -> Shown {
    let Some(text) = stored else { return Shown::None };
    let Some(value) = raw_json::parse(text) else {
        return Shown::Text(text.to_owned());
    };
    match &value.kind {
        Kind::Object(members) => {
            let mut rest = entries(members, t, 0);
            let original = rest.iter().position(|entry| entry.key == ORIGINAL);
            match original.map(|at| rest.remove(at).item) {
                Some(Item::Text(text)) => Shown::Original { text, rest },
                // Opened strings, blanks and numbers under that key: the text is what counts.
                Some(_) => {
                    let text = members.iter().find(|member| member.key == ORIGINAL);
                    let text = text.map_or_else(String::new, |member| plain(&member.value));
                    Shown::Original { text, rest }
                }
                None => Shown::Entries(rest),
            }
        }
        Kind::Null => Shown::None,
        _ => Shown::Other(item(&value, t, 0)),
    }
}

/// The few specifications that fit into a row.
pub(super) fn chips(stored: Option<&str>, t: &Texts) -> Vec<Chip> {
    let text_chip = |text: &str| {
        let text = if text.trim().is_empty() {
            t.especificaciones.empty
        } else {
            text
        };
        let value = format::excerpt(text, CHIP_LENGTH);
        vec![Chip {
            label: t.especificaciones.original.to_owned(),
            value,
            warn: true,
        }]
    };
    let entry_chips = |mut entries: Vec<Entry>, warn: bool| {
        entries.sort_by_key(|entry| {
            TELLING
                .iter()
                .position(|key| *key == entry.key)
                .unwrap_or(TELLING.len())
        });
        let chip = |entry: &Entry| {
            let value = entry.item.short(t)?;
            Some(Chip {
                label: short_label(entry),
                value,
                warn: warn || entry.repeated,
            })
        };
        entries.iter().filter_map(chip).take(CHIPS).collect()
    };
    match read(stored, t) {
        Shown::None => Vec::new(),
        Shown::Text(text) | Shown::Original { text, .. } => text_chip(&text),
        Shown::Entries(entries) => entry_chips(entries, false),
        Shown::Other(Item::JsonInText(inner)) => match *inner {
            Item::Group(entries) => entry_chips(entries, true),
            other => other.short(t).map_or_else(Vec::new, |value| text_chip(&value)),
        },
        Shown::Other(Item::Text(text)) => text_chip(&text),
        Shown::Other(item) => item
            .short(t)
            .into_iter()
            .map(|value| Chip {
                label: String::new(),
                value,
                warn: true,
            })
            .collect(),
    }
}

/// The text that a person looks at in the review list: what was no JSON as it was, everything else as it is stored.
pub(super) fn plain_text(stored: &str, review: &Review) -> String {
    let Some(value) = raw_json::parse(stored) else {
        return stored.to_owned();
    };
    match &value.kind {
        Kind::Object(members) if review.wrapped => members
            .first()
            .map(|member| plain(&member.value))
            .unwrap_or_default(),
        Kind::String if matches!(review.class, Class::Text | Class::Truncated | Class::Empty) => {
            plain(&value)
        }
        _ => stored.to_owned(),
    }
}

/// Whether a value of the document is hidden.
pub(super) fn hides(stored: Option<&str>) -> bool {
    stored.is_some_and(|text| text.contains(sensitive::HIDDEN))
}

fn entries(members: &[raw_json::Member<'_>], t: &Texts, opened: usize) -> Vec<Entry> {
    let repeated = |key: &str| members.iter().filter(|member| member.key == key).count() > 1;
    let entry = |member: &raw_json::Member<'_>| {
        let hidden = sensitive::is_sensitive_key(&member.key) && !matches!(member.value.kind, Kind::Null);
        Entry {
            label: label(&member.key, t),
            key: member.key.to_string(),
            // The domain has replaced it; should a way around it be found, the page still does not show it.
            item: if hidden {
                Item::Hidden
            } else {
                item(&member.value, t, opened)
            },
            repeated: repeated(&member.key),
        }
    };
    members.iter().map(entry).collect()
}

fn item(value: &Value<'_>, t: &Texts, opened: usize) -> Item {
    match &value.kind {
        Kind::Null => Item::Null,
        Kind::Bool => Item::Bool(value.raw == "true"),
        Kind::Number => Item::Number(value.raw.to_owned()),
        Kind::Array(items) if items.is_empty() => Item::Empty,
        Kind::Array(items) => Item::List(items.iter().map(|value| item(value, t, opened)).collect()),
        Kind::Object(members) if members.is_empty() => Item::Empty,
        Kind::Object(members) => Item::Group(entries(members, t, opened)),
        Kind::String => {
            let text = plain(value);
            if text.trim().is_empty() {
                return Item::Blank;
            }
            if text == sensitive::HIDDEN {
                return Item::Hidden;
            }
            if opened < MAX_OPENED
                && text.trim_start().starts_with(['{', '[', '"'])
                && let Some(inner) = raw_json::parse(&text)
            {
                return Item::JsonInText(Box::new(item(&inner, t, opened + 1)));
            }
            Item::Text(text)
        }
    }
}

/// A string's text; any other value as it is written.
fn plain(value: &Value<'_>) -> String {
    value
        .text()
        .map_or_else(|| value.raw.to_owned(), std::borrow::Cow::into_owned)
}

/// What people call a key. Unknown keys lose their underscores and begin with a capital.
fn label(key: &str, t: &Texts) -> String {
    let folded = key.trim().to_lowercase().replace([' ', '-'], "_");
    if let Some(known) = t.keys.iter().find(|(known, _)| *known == folded) {
        return known.1.to_owned();
    }
    let words: Vec<String> = key
        .trim()
        .split(['_', ' '])
        .filter(|word| !word.is_empty())
        .map(spelled)
        .collect();
    let spaced = words.join(" ");
    let mut chars = spaced.chars();
    match chars.next() {
        Some(first) if first.is_lowercase() => first.to_uppercase().chain(chars).collect(),
        Some(_) => spaced,
        None => t.especificaciones.empty_key.to_owned(),
    }
}

/// What a key is called where there is little room.
fn short_label(entry: &Entry) -> String {
    match entry.key.as_str() {
        key @ ("cpu" | "ram" | "mac" | "ppm") => key.to_uppercase(),
        _ => entry.label.clone(),
    }
}

/// Abbreviations in capitals.
fn spelled(word: &str) -> String {
    const CAPITALS: [&str; 14] = [
        "id", "gpu", "ip", "mac", "usb", "ssd", "hdd", "gb", "tb", "mb", "ghz", "sku", "url", "poe",
    ];
    if CAPITALS.contains(&word) {
        word.to_uppercase()
    } else {
        word.to_owned()
    }
}

impl Item {
    /// A single value in few characters; groups, lists, secrets and blanks have none.
    fn short(&self, t: &Texts) -> Option<String> {
        match self {
            Self::Bool(yes) => Some(
                if *yes {
                    t.especificaciones.yes
                } else {
                    t.especificaciones.no
                }
                .to_owned(),
            ),
            Self::Number(text) | Self::Text(text) => Some(format::excerpt(text, CHIP_LENGTH)),
            Self::JsonInText(inner) => inner.short(t),
            Self::Null | Self::Blank | Self::Empty | Self::List(_) | Self::Group(_) | Self::Hidden => None,
        }
    }
}

/// The members of an object as a definition list.
#[derive(Template)]
#[template(path = "especificaciones/entries.html")]
pub(super) struct EntriesView<'a> {
    pub(super) entries: &'a [Entry],
    pub(super) t: &'static Texts,
}

/// One value.
#[derive(Template)]
#[template(path = "especificaciones/item.html")]
pub(super) struct ItemView<'a> {
    pub(super) item: &'a Item,
    pub(super) t: &'static Texts,
}

impl<'a> EntriesView<'a> {
    fn item(&self, item: &'a Item) -> ItemView<'a> {
        ItemView { item, t: self.t }
    }
}

impl<'a> ItemView<'a> {
    fn item(&self, item: &'a Item) -> ItemView<'a> {
        ItemView { item, t: self.t }
    }

    fn entries(&self, entries: &'a [Entry]) -> EntriesView<'a> {
        EntriesView { entries, t: self.t }
    }
}

#[cfg(test)]
mod tests;
