//! `cargo xtask bench`: measures what the documents claim. Numbers belong into documents, never into tests.

mod backup;
mod demo;
mod migrate;

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::workspace;

const KNOWN: &str = "backup, demo, migrate";

pub(crate) fn run(args: &[String]) -> Result<()> {
    match args.split_first() {
        Some((name, rest)) if name == "backup" => backup::run(rest),
        Some((name, rest)) if name == "demo" => demo::run(rest),
        Some((name, rest)) if name == "migrate" => migrate::run(rest),
        Some((name, _)) => bail!("unknown bench `{name}`; known: {KNOWN}"),
        None => bail!("which bench? known: {KNOWN}"),
    }
}

/// A count that must be at least 1.
fn count(flag: &str, text: &str) -> Result<u32> {
    let count = text.parse().ok().filter(|count| *count > 0);
    count.with_context(|| format!("{flag} {text}: not a number above 0"))
}

/// Least, middle and largest; the middle of an even number is the mean of the two in the middle.
fn spread(values: &[f64]) -> (f64, f64, f64) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
    let last = sorted.len().saturating_sub(1);
    (at(0), f64::midpoint(at(last / 2), at(last.div_ceil(2))), at(last))
}

/// The first column to the left, the others to the right.
fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let widths: [usize; N] = std::array::from_fn(|column| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or(0)
    });
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (at, (cell, width)) in row.iter().zip(widths).enumerate() {
            line.push_str(&match at {
                0 => format!("{cell:<width$}"),
                _ => format!("  {cell:>width$}"),
            });
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Writes `bench/<name>-<UTC date>.json`, the machine added; the second one of a day gets `_2`, and so on.
fn record(name: &str, mut results: Value) -> Result<PathBuf> {
    let date = said("date", &["-u", "+%Y%m%d"])?;
    results["at"] = json!(said("date", &["-u", "+%Y-%m-%dT%H:%M:%SZ"])?);
    results["commit"] = json!(said("git", &["rev-parse", "--short", "HEAD"]).ok());
    results["uncommitted"] = json!(
        said("git", &["status", "--porcelain"])
            .ok()
            .map(|text| !text.is_empty())
    );
    results["machine"] = machine();
    let folder = workspace::root().join("bench");
    std::fs::create_dir_all(&folder).context("creating bench/")?;
    let (path, mut file) = untaken(&folder, &format!("{name}-{date}"))?;
    file.write_all(format!("{results:#}\n").as_bytes())
        .with_context(|| format!("writing {}", path.display()))?;
    Ok(path)
}

/// A new file that replaces none: `<stem>.json`, `<stem>_2.json`, …
fn untaken(folder: &Path, stem: &str) -> Result<(PathBuf, File)> {
    let suffixes = std::iter::once(String::new()).chain((2..).map(|number| format!("_{number}")));
    for suffix in suffixes {
        let path = folder.join(format!("{stem}{suffix}.json"));
        match File::create_new(&path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
            created => {
                return Ok((
                    path.clone(),
                    created.with_context(|| format!("creating {}", path.display()))?,
                ));
            }
        }
    }
    bail!("{stem}: every name is taken")
}

fn machine() -> Value {
    let first = |file: &str, name: &str| {
        let text = std::fs::read_to_string(file).ok()?;
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let load = std::fs::read_to_string("/proc/loadavg").ok();
    json!({
        "cpu": first("/proc/cpuinfo", "model name"),
        "cores": std::thread::available_parallelism().map(usize::from).ok(),
        "memory": first("/proc/meminfo", "MemTotal"),
        "kernel": said("uname", &["-sr"]).ok(),
        "rustc": said("rustc", &["--version"]).ok(),
        "load_at_the_end": load.map(|text| text.trim().to_owned()),
    })
}

fn said(program: &str, args: &[&str]) -> Result<String> {
    let output = Command::new(program)
        .args(args)
        .current_dir(workspace::root())
        .output()?;
    ensure!(output.status.success(), "{program} failed");
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_is_the_middle() {
        assert_eq!(spread(&[3.0, 1.0, 2.0]), (1.0, 2.0, 3.0));
        assert_eq!(spread(&[4.0, 1.0]), (1.0, 2.5, 4.0));
    }

    #[test]
    fn results_replace_no_others() {
        let folder = testkit::Sandbox::new();
        let name = || {
            let (path, _) = untaken(&folder.path("."), "migrate-20260101").unwrap();
            path.file_name().unwrap().to_owned()
        };
        let names = [name(), name(), name()];
        assert_eq!(
            names,
            [
                "migrate-20260101.json",
                "migrate-20260101_2.json",
                "migrate-20260101_3.json"
            ]
        );
    }

    #[test]
    fn an_unknown_bench_is_told_the_known_ones() {
        let error = run(&["nothing".to_owned()]).unwrap_err().to_string();
        assert!(error.contains("known: backup, demo, migrate"), "{error}");
    }
}
