use std::fmt::Write;

use serde_json::Value;

/// The canonical JSON of a value: object keys sorted by their UTF-8 bytes, no white space, strings and numbers as
/// `serde_json` writes them. Does not depend on whether maps keep insertion order in this build.
#[must_use]
pub fn canonical_json(value: &Value) -> String {
    let mut out = String::new();
    push(&mut out, value);
    out
}

fn push(out: &mut String, value: &Value) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                push(out, item);
            }
            out.push(']');
        }
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by(|a, b| a.0.cmp(b.0));
            out.push('{');
            for (index, (key, item)) in entries.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                push(out, &Value::String(key.clone()));
                out.push(':');
                push(out, item);
            }
            out.push('}');
        }
        // `Display` of a scalar is its compact JSON, and writing into a String cannot fail.
        scalar => {
            let _ = write!(out, "{scalar}");
        }
    }
}
