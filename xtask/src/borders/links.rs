//! Relative links in the documents lead somewhere.

use anyhow::{Context, Result};

use crate::workspace;

pub(super) fn faults() -> Result<Vec<String>> {
    let mut faults = Vec::new();
    for path in workspace::files("", &[".md"])? {
        let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let folder = path.parent().unwrap_or(workspace::root());
        for (line, target) in targets(&text) {
            // A leading slash means the repository's root, as it does on the usual forges.
            let file = match target.strip_prefix('/') {
                Some(rest) => workspace::root().join(rest),
                None => folder.join(&target),
            };
            if !file.exists() {
                faults.push(format!(
                    "{}:{line} links to `{target}`, which does not exist",
                    workspace::relative(&path)
                ));
            }
        }
    }
    Ok(faults)
}

/// Line and file of every relative link; code, other schemes and mere anchors are left out.
fn targets(markdown: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut fenced = false;
    for (at, line) in markdown.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        // Every other piece between backticks is code; a link's text may hold code, its target may not.
        let plain: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
        for after in plain.split("](").skip(1) {
            let Some(end) = after.find([')', ' ']) else {
                continue;
            };
            let target = after[..end].split('#').next().unwrap_or_default();
            if !target.is_empty() && !target.contains(':') {
                found.push((at + 1, target.to_owned()));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_links_are_found() {
        let text = "[a](docs/A.md#x), ![p](p.png \"t\") [`code`](src/lib.rs)\n[w](https://x.y/z) [h](#top) `[n](no.md)`\n```\n[n](no.md)\n```\n";
        let found: Vec<String> = targets(text)
            .into_iter()
            .map(|(line, target)| format!("{line} {target}"))
            .collect();
        assert_eq!(found, ["1 docs/A.md", "1 p.png", "1 src/lib.rs"]);
    }
}
