//! The summary that a person believes: rows, classes and findings before and after, digests, what was blocked by whom.

use super::scene::Scene;
use crate::cli::Context;
use crate::ui::{format, table};
use crate::window::drive::Ended;
use serde_json::{Value, json};

fn fact<'a>(ended: &'a Ended, step: &str, name: &str) -> Option<&'a Value> {
    ended
        .evidence
        .steps
        .iter()
        .find(|s| s.id == step)
        .and_then(|s| s.facts.get(name))
}

/// The run's document with what the demo adds.
pub fn document(scene: &Scene, ended: &Ended) -> Value {
    let mut document = ended.document();
    let before = fact(ended, "digest_before", "counts_before");
    let after = fact(ended, "invariants", "counts_after");
    let count = |name: &str| after.or(before).and_then(|c| c.get(name)).cloned();
    let mut classes =
        json!({ "valid_object": 0, "valid_other": 0, "text": 0, "truncated": 0, "empty": 0, "null": 0 });
    merge(&mut classes, count("classes"));
    let mut findings = json!({ "duplicate_keys": 0, "nested": 0, "big_numbers": 0, "sensitive_key": 0, "leading_blanks": 0 });
    merge(&mut findings, count("findings"));
    document["classes"] = classes;
    document["findings"] = findings;
    document["generated"] = scene.generated.clone();
    document["database_url"] = scene.database_url().into();
    document["backup"] = fact(ended, "backup_b", "path")
        .or_else(|| fact(ended, "backup_a", "path"))
        .cloned()
        .unwrap_or(Value::Null);
    document["url"] = scene.url().into();
    document["folder"] = json!(scene.folder);
    document
}

fn merge(into: &mut Value, from: Option<Value>) {
    if let (Value::Object(into), Some(Value::Object(from))) = (into, from) {
        into.extend(from);
    }
}

pub fn text(cx: &Context, scene: &Scene, ended: &Ended) -> String {
    let pick = |es, en| cx.out.language.pick(es, en);
    let mut text = String::from("\n");
    text.push_str(&crate::cli::run_text(cx, ended));
    let before = fact(ended, "digest_before", "counts_before");
    let after = fact(ended, "invariants", "counts_after");
    if let Some(before) = before {
        let counted = |step: &str| {
            fact(ended, step, "rows")
                .and_then(Value::as_u64)
                .map(format::count)
                .unwrap_or_default()
        };
        text.push_str(&format!(
            "\n{}: {} → {}\n",
            pick("filas", "rows"),
            counted("digest_before"),
            if counted("lift").is_empty() {
                counted("digest_before")
            } else {
                counted("lift")
            }
        ));
        let kept = matches!(
            ended.outcome(),
            Some(engine::Outcome::Done | engine::Outcome::Held)
        );
        let became = |name: &str| match name {
            _ if !kept => pick("como estaba", "as it was"),
            "valid_object" | "valid_other" => pick("JSON, byte por byte", "JSON, byte for byte"),
            "null" => pick("sigue NULL", "still NULL"),
            "text" | "truncated" | "empty" => "{\"_texto_original\": …}",
            _ => pick("para revisar", "for review"),
        };
        let head = [
            "",
            pick("antes", "before"),
            pick("después", "after"),
            pick("qué fue de ellas", "what became of them"),
        ];
        let mut rows = vec![head.map(str::to_string).to_vec()];
        for group in ["classes", "findings"] {
            let Some(Value::Object(counts)) = before.get(group) else {
                continue;
            };
            for (name, count) in counts {
                let now = after
                    .and_then(|a| a.get(group))
                    .and_then(|g| g.get(name))
                    .map_or("—".into(), number);
                rows.push(vec![name.clone(), number(count), now, became(name).to_string()]);
            }
        }
        text.push_str(&table::render(&rows, cx.out.columns));
    }
    text.push_str(&format!(
        "\n  {} {}/login   (ana@empresa.example / Cambiar-2025)\n  {} {}/revision\n  {} {}\n",
        pick("interfaz", "UI"),
        scene.url(),
        pick("por revisar", "for review"),
        scene.url(),
        pick("carpeta", "folder"),
        scene.folder.display()
    ));
    text
}

fn number(value: &Value) -> String {
    value.as_u64().map_or_else(|| value.to_string(), format::count)
}
