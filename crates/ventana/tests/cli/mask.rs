//! Takes out of an output what differs from one run to the next: places, clocks, ids, measured times and sizes.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// What is replaced, in this order. The third says that its width varies: gaps on such lines are made two blanks wide.
static RULES: LazyLock<Vec<(Regex, &str, bool)>> = LazyLock::new(|| {
    [
        (r"127\.0\.0\.1:\d{4,5}", "127.0.0.1:[port]", true),
        (
            r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| UTC)?",
            "[time]",
            true,
        ),
        (r"\b\d{8}_\d{6}(_\d+)?\b", "[stamp]", true),
        (r"_\d{8}_\d{6}(_\d+)?\b", "_[stamp]", true),
        (r"\b\d+ min \d\d s\b", "[duration]", true),
        (r"\b\d+(\.\d)? m?s\b", "[duration]", true),
        (r"\b\d+(\.\d)? (B|kB|MB|GB)\b", "[size]", true),
        (r"\b\d+ bytes\b", "[size]", true),
        (r"--port \d+", "--port [port]", true),
        (r#""uptime":[\d.]+"#, r#""uptime":[number]"#, true),
        (
            r#"("(?:\w*_)?(?:ms|bytes|uptime|inode|device|pid|connection)": )[\d.]+"#,
            "$1[number]",
            false,
        ),
        (r#""(\w*_)?ms": \{[^}]*\}"#, r#""$1ms": {[numbers]}"#, false),
        (r"\b(inode|device|port)=\d+", "$1=[number]", true),
        (r"\b(sqlite|mariadb) \d+\.\d+\.\d+\S*", "$1 [version]", true),
        (r"unknown@[\w.-]*", "unknown@[host]", true),
    ]
    .into_iter()
    .map(|(pattern, to, varies)| (Regex::new(pattern).unwrap(), to, varies))
    .collect()
});

/// Digests are numbered as they come, so that a snapshot shows which are equal.
static DIGEST: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\b([0-9a-f]{64}|[0-9a-f]{32}|[0-9a-f]{12})\b").unwrap());
static SHARE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^ {20,}[a-z_.\d]+ \[duration\]$").unwrap());
/// Something masked that a further column stands behind.
static COLUMN: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\[(work|tmp|fixture|stamp|time|size)\]\S* {2,}\S").unwrap());
static GAP: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(\S) {2,}").unwrap());

/// Masks `text`; `places` are folders and the names that they get.
pub(crate) fn mask(text: &str, places: &[(&Path, &str)]) -> String {
    let mut known = Known::default();
    let mut out = String::new();
    let mut text = text.to_owned();
    for (place, name) in places {
        text = text.replace(&place.display().to_string(), name);
    }
    let mut lines = Vec::new();
    for line in text.lines() {
        let mut line = DIGEST
            .replace_all(line, |found: &Captures<'_>| known.name(&found[0]))
            .into_owned();
        let mut varies = false;
        for (rule, to, wide) in RULES.iter() {
            let masked = rule.replace_all(&line, *to);
            if masked != line {
                varies |= wide;
                line = masked.into_owned();
            }
        }
        // The steps with the largest shares of a time: which they are is a matter of speed.
        if !SHARE.is_match(&line) {
            lines.push((line, varies));
        }
    }
    // Where a column stands behind one whose width varies, so does its head.
    let table = lines.iter().any(|(line, _)| COLUMN.is_match(line));
    for (line, varies) in lines {
        let line = line.trim_end();
        match table || varies {
            true => out.push_str(&GAP.replace_all(line, "$1  ")),
            false => out.push_str(line),
        }
        out.push('\n');
    }
    out
}

#[derive(Default)]
struct Known(BTreeMap<String, usize>);

impl Known {
    /// A digest and its first 12 characters are the same one.
    fn name(&mut self, digest: &str) -> String {
        let next = self.0.len() + 1;
        let number = *self.0.entry(digest[..12].to_owned()).or_insert(next);
        format!("[digest {number}]")
    }
}

#[test]
fn what_varies_is_masked() {
    let digest = "0123456789ab".repeat(6)[..64].to_owned();
    let text = format!(
        "place     size\n/w/x_20251106_230000_2    12.3 kB  0.8 s\n{digest} {} 5,000 rows\n  \"ms\": 12,",
        &digest[..12]
    );
    assert_eq!(
        mask(&text, &[(Path::new("/w"), "[work]")]),
        "place  size\n[work]/x_[stamp]  [size]  [duration]\n[digest 1] [digest 1] 5,000 rows\n  \"ms\": [number],\n"
    );
}
