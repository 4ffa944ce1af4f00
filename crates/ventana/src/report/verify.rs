//! Whether a run's folder still says what its journal says: the chain, the plan, the evidence, the report, the attachments.

use super::{EVIDENCE, HTML, MARKDOWN, Rendered, render};
use crate::error::Failure;
use crate::host::files::sha256_of;
use crate::ui::Language;
use crate::window::runs::{self, Loaded};
use engine::evidence::{Evidence, evidence};
use engine::journal::{Event, Record};
use serde::Serialize;
use serde_json::Value;
use std::path::Path;

/// What was compared, and what differs.
#[derive(Clone, Debug, Serialize)]
pub struct Verified {
    pub run: String,
    /// Every check holds.
    pub verified: bool,
    /// The journal's head: compare it with a copy kept elsewhere. Whoever can rewrite the whole folder can rewrite this.
    pub head: String,
    pub records: u64,
    pub checks: Vec<Check>,
}

/// One thing that was compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// `journal`, `plan`, `evidence`, `report.html`, `report.md`, `attachment …`.
    pub what: String,
    pub ok: bool,
    /// What holds, or what differs and what to do.
    pub detail: String,
}

/// Reads a run's folder again and compares everything in it with its journal.
///
/// A damaged journal or plan is a failure (exit code 12 or 2) and not a finding: nothing can be compared with it.
pub fn verify(run_dir: &Path) -> Result<Verified, Failure> {
    let loaded = runs::read_dir(run_dir)?;
    let mut checks = vec![journal(&loaded), plan(&loaded)];
    match kept(run_dir)? {
        None => checks.push(check(
            EVIDENCE,
            false,
            "it is not there; write it with `ventana report`",
        )),
        Some(text) => evidence_and_report(&loaded, &text, &mut checks)?,
    }
    checks.extend(attachments(&loaded));
    Ok(Verified {
        run: loaded.id,
        verified: checks.iter().all(|check| check.ok),
        head: loaded.reading.head,
        records: loaded.reading.records.len() as u64,
        checks,
    })
}

fn check(what: &str, ok: bool, detail: impl Into<String>) -> Check {
    Check {
        what: what.to_owned(),
        ok,
        detail: detail.into(),
    }
}

fn journal(loaded: &Loaded) -> Check {
    let records = loaded.reading.records.len();
    match &loaded.reading.torn {
        None => check(
            "journal",
            true,
            format!("{records} records, every sum and link holds"),
        ),
        Some(torn) => check(
            "journal",
            true,
            format!(
                "{records} records hold; line {} was being written when its process died and counts for nothing",
                torn.line
            ),
        ),
    }
}

fn plan(loaded: &Loaded) -> Check {
    let opened = loaded
        .reading
        .records
        .first()
        .and_then(|record| match &record.event {
            Event::Opened { plan_digest, .. } => Some(plan_digest),
            _ => None,
        });
    // That plan.json has the digest that it states was checked when it was read.
    if opened == Some(&loaded.plan.plan_digest) {
        return check(
            "plan",
            true,
            format!("plan.json is the plan that was run, {}", loaded.plan.plan_digest),
        );
    }
    let detail = format!(
        "plan.json has digest {}, the run was begun with {}: it is not the plan that was run",
        loaded.plan.plan_digest,
        opened.map_or("none", String::as_str)
    );
    check("plan", false, detail)
}

fn kept(run_dir: &Path) -> Result<Option<String>, Failure> {
    read(&run_dir.join(EVIDENCE))
}

fn read(path: &Path) -> Result<Option<String>, Failure> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(crate::error::io(format!("cannot read {}", path.display()))(error)),
    }
}

fn evidence_and_report(loaded: &Loaded, text: &str, checks: &mut Vec<Check>) -> Result<(), Failure> {
    let said: Evidence = match serde_json::from_str(text) {
        Ok(said) => said,
        Err(error) => {
            checks.push(check(
                EVIDENCE,
                false,
                format!("it cannot be read: {error}; write it again with `ventana report`"),
            ));
            return Ok(());
        }
    };
    let records = &loaded.reading.records;
    // The report was written at some record; remarks may have been added since.
    let upto = usize::try_from(said.journal.records)
        .unwrap_or(usize::MAX)
        .min(records.len());
    let head = records.get(upto).map_or(&loaded.reading.head, |next| &next.prev);
    let computed = evidence(&loaded.plan.plan, &records[..upto], head)
        .map_err(|e| Failure::verification(e.to_string()))?;
    let differences = differences(&said, &computed)?;
    if !differences.is_empty() {
        let detail = format!(
            "it does not say what the journal says: {}",
            differences.join("; ")
        );
        checks.push(check(EVIDENCE, false, detail));
        return Ok(());
    }
    checks.push(since(&records[upto..]));
    let rendered =
        [Language::Es, Language::En].map(|language| render(&computed, &loaded.plan.plan, language));
    let rendered: Vec<Rendered> = rendered.into_iter().collect::<Result<_, _>>()?;
    let same = rendered.iter().any(|rendered| rendered.evidence == text);
    if !same {
        checks.push(check(
            "evidence.json bytes",
            false,
            "the same facts, written otherwise; write it again with `ventana report`",
        ));
    }
    for (name, of) in [
        (HTML, (|r| &r.html) as fn(&Rendered) -> &String),
        (MARKDOWN, |r| &r.markdown),
    ] {
        let found = read(&loaded.dir.join(name))?;
        let (ok, detail) = match &found {
            None => (false, "it is not there; write it with `ventana report`"),
            Some(found) if rendered.iter().any(|rendered| of(rendered) == found) => {
                (true, "it is what the evidence gives")
            }
            Some(_) => (
                false,
                "it is not what the evidence gives: changed since, or written by another version; write it again with `ventana report`",
            ),
        };
        checks.push(check(name, ok, detail));
    }
    Ok(())
}

/// What was journaled after the evidence was written.
fn since(later: &[Record]) -> Check {
    let remarks = later
        .iter()
        .filter(|record| matches!(record.event, Event::Note { .. }))
        .count();
    match (later.len(), later.len() - remarks) {
        (0, _) => check(EVIDENCE, true, "it is what the journal gives"),
        (_, 0) => {
            let detail = format!(
                "it is what the journal gave before {remarks} later notes; `ventana report` takes them in"
            );
            check(EVIDENCE, true, detail)
        }
        (_, more) => check(
            EVIDENCE,
            false,
            format!(
                "the run went on after it was written ({more} records); write it again with `ventana report`"
            ),
        ),
    }
}

/// Where two accounts differ, by JSON pointer.
fn differences(said: &Evidence, computed: &Evidence) -> Result<Vec<String>, Failure> {
    let value = |e: &Evidence| serde_json::to_value(e).map_err(|e| Failure::failed("report", e.to_string()));
    let mut found = Vec::new();
    compare(&value(said)?, &value(computed)?, "", &mut found);
    let more = found.len().saturating_sub(8);
    found.truncate(8);
    if more > 0 {
        found.push(format!("and {more} more"));
    }
    Ok(found)
}

fn compare(said: &Value, computed: &Value, at: &str, found: &mut Vec<String>) {
    match (said, computed) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let part = |map: &serde_json::Map<String, Value>| map.get(key).cloned().unwrap_or_default();
                compare(&part(a), &part(b), &format!("{at}/{key}"), found);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (i, (a, b)) in a.iter().zip(b).enumerate() {
                compare(a, b, &format!("{at}/{i}"), found);
            }
        }
        (a, b) if a == b => {}
        (a, b) => found.push(format!("{at} says {}, the journal gives {}", brief(a), brief(b))),
    }
}

fn brief(value: &Value) -> String {
    crate::ui::format::cut(&value.to_string(), 60)
}

/// Files that belong to notes, with the sum that the journal has.
fn attachments(loaded: &Loaded) -> Vec<Check> {
    let notes = loaded
        .reading
        .records
        .iter()
        .filter_map(|record| match &record.event {
            Event::Note { attachment, .. } => attachment.as_ref(),
            _ => None,
        });
    notes
        .map(|attachment| {
            let what = format!("attachment {}", attachment.name);
            match sha256_of(&loaded.dir.join(&attachment.name)) {
                Ok(sum) if sum == attachment.sha256 => check(&what, true, "it is the file that was attached"),
                Ok(sum) => check(
                    &what,
                    false,
                    format!(
                        "it was changed: SHA-256 {sum}, {} was attached",
                        attachment.sha256
                    ),
                ),
                Err(failure) => check(&what, false, failure.message),
            }
        })
        .collect()
}
