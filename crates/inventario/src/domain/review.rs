//! The review list: which class the text of a row is in and what a person should look at. Classes and findings carry the
//! same names as in the migration and its report.

use std::collections::HashSet;

use serde::Serialize;

use super::especificaciones::{ORIGINAL_TEXT, sensitive_paths};
use super::raw_json::{self, Kind, Value};
use super::sensitive;

/// Digits from which a number no longer fits a double.
const BIG_DIGITS: usize = 16;

/// What the stored text is; every row is in exactly one class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// A JSON object.
    ValidObject,
    /// Any other JSON: a string, `null`, `[]`.
    ValidOther,
    /// Not JSON.
    Text,
    /// Not JSON, but it begins like an object or an array.
    Truncated,
    Empty,
    Null,
}

impl Class {
    /// The name in JSON, in reports and in the page's filter.
    pub fn name(self) -> &'static str {
        match self {
            Self::ValidObject => "valid_object",
            Self::ValidOther => "valid_other",
            Self::Text => "text",
            Self::Truncated => "truncated",
            Self::Empty => "empty",
            Self::Null => "null",
        }
    }
}

/// What to look at; a row may have several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// A key stands twice in one object: readers of JSON keep only one of them.
    DuplicateKeys,
    /// `especificaciones` inside `especificaciones`.
    Nested,
    /// A number of more digits than most readers keep.
    BigNumbers,
    /// A secret is stored.
    SensitiveKey,
    /// Blanks before the document.
    LeadingBlanks,
}

impl Finding {
    pub const ALL: [Self; 5] = [
        Self::DuplicateKeys,
        Self::Nested,
        Self::BigNumbers,
        Self::SensitiveKey,
        Self::LeadingBlanks,
    ];

    /// The name in JSON, in reports and in the page's filter.
    pub fn name(self) -> &'static str {
        match self {
            Self::DuplicateKeys => "duplicate_keys",
            Self::Nested => "nested",
            Self::BigNumbers => "big_numbers",
            Self::SensitiveKey => "sensitive_key",
            Self::LeadingBlanks => "leading_blanks",
        }
    }
}

/// What is to be said about one stored text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Review {
    /// The class of the text; of a wrapped one, the class of what it was.
    pub class: Class,
    /// The window kept a text that was not JSON under `_texto_original`.
    pub wrapped: bool,
    pub findings: Vec<Finding>,
    /// Where secrets lie, never what they are.
    pub sensitive_paths: Vec<String>,
}

impl Review {
    /// Whether a person should look at the row.
    pub fn is_due(&self) -> bool {
        self.wrapped || !self.findings.is_empty() || !matches!(self.class, Class::ValidObject | Class::Null)
    }

    /// Whether `name` (of a class, of a finding, or `wrapped`) applies.
    pub fn has(&self, name: &str) -> bool {
        (name == "wrapped" && self.wrapped)
            || self.class.name() == name
            || self.findings.iter().any(|finding| finding.name() == name)
    }
}

/// Looks at a stored text.
pub fn review(stored: Option<&str>) -> Review {
    let mut review = Review {
        class: class_of(stored),
        wrapped: false,
        findings: Vec::new(),
        sensitive_paths: Vec::new(),
    };
    let Some(text) = stored else { return review };
    if text.starts_with([' ', '\t', '\n', '\r']) {
        review.findings.push(Finding::LeadingBlanks);
    }
    match raw_json::parse(text) {
        Some(tree) => {
            if let Some(original) = original_text(&tree) {
                review.wrapped = true;
                review.class = class_of(Some(&original));
            }
            let mut seen = Seen::default();
            seen.look(&tree);
            let nested = matches!(&tree.kind, Kind::Object(members) if members.iter().any(|m| m.key == "especificaciones"));
            for (is, finding) in [
                (seen.duplicates, Finding::DuplicateKeys),
                (nested, Finding::Nested),
                (seen.big_numbers, Finding::BigNumbers),
            ] {
                if is {
                    review.findings.push(finding);
                }
            }
            review.sensitive_paths = sensitive_paths(&tree);
        }
        None if sensitive::mask_text(text).is_some() => review.sensitive_paths.push(String::new()),
        None => {}
    }
    if !review.sensitive_paths.is_empty() {
        review.findings.push(Finding::SensitiveKey);
    }
    review.findings.sort_unstable();
    review
}

fn class_of(stored: Option<&str>) -> Class {
    let Some(text) = stored else { return Class::Null };
    match raw_json::parse(text) {
        Some(Value {
            kind: Kind::Object(_),
            ..
        }) => Class::ValidObject,
        Some(_) => Class::ValidOther,
        None if text.is_empty() => Class::Empty,
        None if text
            .trim_start_matches([' ', '\t', '\n', '\r'])
            .starts_with(['{', '[']) =>
        {
            Class::Truncated
        }
        None => Class::Text,
    }
}

/// The text that the window wrapped, if `tree` is such a wrapping.
fn original_text(tree: &Value<'_>) -> Option<String> {
    match &tree.kind {
        Kind::Object(members) => match members.as_slice() {
            [only] if only.key == ORIGINAL_TEXT => only.value.text().map(std::borrow::Cow::into_owned),
            _ => None,
        },
        _ => None,
    }
}

#[derive(Default)]
struct Seen {
    duplicates: bool,
    big_numbers: bool,
}

impl Seen {
    fn look(&mut self, value: &Value<'_>) {
        match &value.kind {
            Kind::Object(members) => {
                let mut keys = HashSet::with_capacity(members.len());
                for member in members {
                    self.duplicates |= !keys.insert(&*member.key);
                    self.look(&member.value);
                }
            }
            Kind::Array(items) => items.iter().for_each(|item| self.look(item)),
            Kind::Number => self.big_numbers |= significant_digits(value.raw) >= BIG_DIGITS,
            _ => {}
        }
    }
}

/// Digits of a JSON number without the zeros that only hold a place.
fn significant_digits(number: &str) -> usize {
    let mantissa = number.split(['e', 'E']).next().unwrap_or(number);
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.trim_start_matches('0');
    if mantissa.contains('.') {
        digits.len()
    } else {
        digits.trim_end_matches('0').len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_in_one_class() {
        let cases = [
            (None, Class::Null),
            (Some(""), Class::Empty),
            (Some("N/D"), Class::Text),
            (Some("  "), Class::Text),
            (Some("\"solo texto\"x"), Class::Text),
            (Some(" {\"cpu\": \"Xe"), Class::Truncated),
            (Some("[1,"), Class::Truncated),
            (Some("null"), Class::ValidOther),
            (Some("[]"), Class::ValidOther),
            (Some("\"{}\""), Class::ValidOther),
            (Some(" {}\n"), Class::ValidObject),
        ];
        for (stored, class) in cases {
            assert_eq!(review(stored).class, class, "{stored:?}");
        }
    }

    #[test]
    fn findings_overlap_and_name_places_not_values() {
        let review = review(Some(
            " {\"cpu\":1,\"cpu\":2,\"especificaciones\":{\"id\":62731935932741728},\"x\":[{\"pin\":\"4711\"}]}",
        ));
        assert_eq!(review.findings, Finding::ALL);
        assert_eq!(review.sensitive_paths, ["x/0/pin"]);
        assert!(review.is_due() && review.has("nested") && review.has("valid_object") && !review.has("text"));
        let json = serde_json::to_string(&review).unwrap();
        assert!(
            json.contains("\"big_numbers\"") && !json.contains("4711"),
            "{json}"
        );
    }

    #[test]
    fn a_wrapped_text_keeps_the_class_it_had() {
        let wrapped = review(Some(r#"{"_texto_original": "{\"cpu\": "}"#));
        assert_eq!((wrapped.class, wrapped.wrapped), (Class::Truncated, true));
        assert!(wrapped.has("wrapped"));
        assert!(!review(Some(r#"{"_texto_original": "a", "cpu": 1}"#)).wrapped);
        assert!(!review(Some(r#"{"cpu": 1}"#)).is_due());
        assert!(!review(None).is_due());
    }

    #[test]
    fn big_is_what_a_double_may_not_keep() {
        for (number, digits) in [
            ("12345678901234567", 17),
            ("1.640614250081198", 16),
            ("1000000000000000000", 1),
            ("0.25", 2),
        ] {
            assert_eq!(significant_digits(number), digits, "{number}");
        }
    }
}
