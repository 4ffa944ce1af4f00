//! Rows, classes, findings and invariants, before and after.

use crate::report::verdict::fact;
use crate::ui::Language;
use crate::ui::format::count;
use engine::evidence::Evidence;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// A table of the database at the fence.
pub(in crate::report) struct TableRows {
    pub(in crate::report) name: String,
    pub(in crate::report) rows: String,
    pub(in crate::report) digest: String,
}

/// One thing that was counted or asked before and after.
pub(in crate::report) struct CountTable {
    pub(in crate::report) name: String,
    pub(in crate::report) rows: Vec<CountRow>,
    /// Whether anything was looked at afterwards: a run that was taken back may not have come that far.
    pub(in crate::report) compared: bool,
}

pub(in crate::report) struct CountRow {
    pub(in crate::report) name: String,
    pub(in crate::report) before: String,
    pub(in crate::report) after: String,
    pub(in crate::report) same: bool,
}

pub(super) fn tables(evidence: &Evidence) -> Vec<TableRows> {
    let digest = evidence.steps.iter().find(|step| step.kind == "digest");
    let tables = digest
        .and_then(|step| step.facts.get("tables"))
        .and_then(Value::as_array);
    let text = |table: &Value, name: &str| {
        table
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    tables
        .into_iter()
        .flatten()
        .map(|table| TableRows {
            name: text(table, "name"),
            rows: table
                .get("rows")
                .and_then(Value::as_u64)
                .map(count)
                .unwrap_or_default(),
            digest: text(table, "digest"),
        })
        .collect()
}

/// `classes` first, then whatever else was counted, then the invariants, then what only informs.
pub(super) fn counts(evidence: &Evidence, l: Language) -> Vec<CountTable> {
    let object = |name: &str| fact(evidence, name).and_then(Value::as_object);
    let mut out = Vec::new();
    let after = object("counts_after");
    if let Some(before) = object("counts_before") {
        let mut names: Vec<&String> = before.keys().collect();
        names.sort_by_key(|name| (*name != "classes", name.as_str()));
        for name in names {
            let part = |all: Option<&Map<String, Value>>| {
                all.and_then(|all| all.get(name))
                    .and_then(Value::as_object)
                    .cloned()
            };
            let after = after.is_some().then(|| part(after).unwrap_or_default());
            out.push(compare(
                title(name, l),
                &part(Some(before)).unwrap_or_default(),
                after.as_ref(),
            ));
        }
    }
    if let Some(before) = object("invariants_before") {
        out.push(compare(
            l.pick("Invariantes", "Invariants").to_owned(),
            before,
            object("invariants_after"),
        ));
    }
    if let Some(report) = object("report") {
        let title = l.pick("Además, antes", "Also, before").to_owned();
        let mut table = compare(title, report, None);
        table.compared = false;
        out.push(table);
    }
    out.retain(|table| !table.rows.is_empty());
    out
}

fn title(name: &str, l: Language) -> String {
    match name {
        "classes" => l
            .pick(
                "Clases: cada fila está en exactamente una",
                "Classes: every row is in exactly one",
            )
            .to_owned(),
        "findings" => l
            .pick(
                "Hallazgos: pueden coincidir en una fila",
                "Findings: a row may have several",
            )
            .to_owned(),
        other => other.to_owned(),
    }
}

fn compare(name: String, before: &Map<String, Value>, after: Option<&Map<String, Value>>) -> CountTable {
    let names: BTreeSet<&String> = before
        .keys()
        .chain(after.into_iter().flat_map(Map::keys))
        .collect();
    let rows = names
        .into_iter()
        .map(|name| {
            let then = before.get(name);
            let now = after.and_then(|after| after.get(name));
            CountRow {
                name: name.clone(),
                before: shown(then),
                after: after.map(|_| shown(now)).unwrap_or_default(),
                // A class without rows is absent: absent and zero are the same.
                same: then.unwrap_or(&Value::from(0)) == now.unwrap_or(&Value::from(0)),
            }
        })
        .collect();
    CountTable {
        name,
        rows,
        compared: after.is_some(),
    }
}

fn shown(value: Option<&Value>) -> String {
    match value {
        None => "0".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.as_u64().map_or_else(|| value.to_string(), count),
    }
}
