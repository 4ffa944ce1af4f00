//! The report of a run, beside its journal: `report.html` and `report.md` for people, `evidence.json` for anybody who
//! wants to check. All three are pure functions of plan and journal, so they can be written again at any time, and
//! [`verify()`] can tell whether they were changed.

pub mod markdown;
mod verdict;
mod verify;
mod view;

pub use verdict::verdict;
pub use verify::{Verified, verify};

use crate::error::{Failure, io};
use crate::ui::Language;
use askama::Template;
use engine::evidence::Evidence;
use engine::plan::Plan;
use std::path::{Path, PathBuf};
use view::View;

const HTML: &str = "report.html";
const MARKDOWN: &str = "report.md";
const EVIDENCE: &str = "evidence.json";

/// The files that were written.
#[derive(Clone, Debug)]
pub struct Written {
    pub html: PathBuf,
    pub markdown: PathBuf,
    pub evidence: PathBuf,
}

#[derive(Template)]
#[template(path = "report.html")]
struct Html<'a> {
    v: &'a View,
    l: Language,
}

#[derive(Template)]
#[template(path = "report.md")]
struct Markdown<'a> {
    v: &'a View,
    l: Language,
}

/// What the files say: nothing in them depends on where or when they are written.
struct Rendered {
    html: String,
    markdown: String,
    evidence: String,
}

/// Writes the report of a run into its folder, durably; earlier files are replaced.
pub fn write(
    run_dir: &Path,
    evidence: &Evidence,
    plan: &Plan,
    language: Language,
) -> Result<Written, Failure> {
    let rendered = render(evidence, plan, language)?;
    let put = |name: &str, text: &str| {
        let path = run_dir.join(name);
        engine::durable::write(&path, text.as_bytes())
            .map_err(io(format!("cannot write {}", path.display())))?;
        Ok::<PathBuf, Failure>(path)
    };
    // The evidence first: without the others it is still whole.
    let evidence = put(EVIDENCE, &rendered.evidence)?;
    Ok(Written {
        evidence,
        html: put(HTML, &rendered.html)?,
        markdown: put(MARKDOWN, &rendered.markdown)?,
    })
}

fn render(evidence: &Evidence, plan: &Plan, l: Language) -> Result<Rendered, Failure> {
    let failed = |what: &str, error: &dyn std::fmt::Display| {
        Failure::failed("report", format!("cannot write {what}: {error}"))
    };
    let v = &View::of(evidence, plan, l);
    let mut json = serde_json::to_string_pretty(evidence).map_err(|e| failed(EVIDENCE, &e))?;
    json.push('\n');
    Ok(Rendered {
        html: Html { v, l }.render().map_err(|e| failed(HTML, &e))?,
        markdown: Markdown { v, l }.render().map_err(|e| failed(MARKDOWN, &e))?,
        evidence: json,
    })
}

#[cfg(test)]
mod tests;
