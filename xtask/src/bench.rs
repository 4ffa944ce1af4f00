//! `cargo xtask bench`: measures what the documents claim. Numbers belong into documents, never into tests.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::{release, workspace};

const KNOWN: &str = "demo";

pub(crate) fn run(args: &[String]) -> Result<()> {
    match args.split_first() {
        Some((name, rest)) if name == "demo" => demo(rest),
        Some((name, _)) => bail!("unknown bench `{name}`; known: {KNOWN}"),
        None => bail!("which bench? known: {KNOWN}"),
    }
}

/// Wall time of `ventana demo --once`, build excluded.
fn demo(args: &[String]) -> Result<()> {
    let (runs, extra) = options(args)?;
    let ventana = release::build()?;
    let mut seconds = Vec::new();
    for run in 1..=runs {
        let mut command = Command::new(&ventana);
        command
            .args(["demo", "--once"])
            .args(extra)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let started = Instant::now();
        workspace::succeed(&mut command)?;
        let wall = started.elapsed().as_secs_f64();
        println!("bench demo: run {run} of {runs}: {wall:.2} s");
        seconds.push(wall);
    }
    let (min, median, max) = spread(&seconds);
    println!("bench demo: min {min:.2} s, median {median:.2} s, max {max:.2} s ({runs} runs)");
    let command = format!("ventana demo --once {}", extra.join(" "));
    let results = json!({
        "bench": "demo",
        "command": command.trim(),
        "wall_s": seconds,
        "min_s": min,
        "median_s": median,
        "max_s": max,
    });
    record("demo", results).map(|path| println!("bench demo: raw results in {}", workspace::relative(&path)))
}

/// `[--runs N] [-- ARGS…]`
fn options(args: &[String]) -> Result<(u32, &[String])> {
    let mut runs = 5;
    let mut rest = args;
    while let Some((flag, after)) = rest.split_first() {
        match flag.as_str() {
            "--runs" => {
                let (count, after) = after.split_first().context("--runs needs a number")?;
                runs = count
                    .parse()
                    .ok()
                    .filter(|runs| *runs > 0)
                    .with_context(|| format!("--runs {count}: not a number"))?;
                rest = after;
            }
            "--" => return Ok((runs, after)),
            other => bail!("unknown argument `{other}`; arguments of the demo stand behind `--`"),
        }
    }
    Ok((runs, &[]))
}

/// Least, middle and largest; the middle of an even number is the mean of the two in the middle.
fn spread(values: &[f64]) -> (f64, f64, f64) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
    let last = sorted.len().saturating_sub(1);
    (at(0), f64::midpoint(at(last / 2), at(last.div_ceil(2))), at(last))
}

/// Writes `bench/<name>-<UTC date and time>.json`, the machine added.
fn record(name: &str, mut results: Value) -> Result<PathBuf> {
    let date = said("date", &["-u", "+%Y%m%d_%H%M%S"])?;
    results["date"] = json!(date);
    results["commit"] = json!(said("git", &["rev-parse", "--short", "HEAD"]).ok());
    results["machine"] = json!({
        "cpu": cpu(),
        "cores": std::thread::available_parallelism().map(usize::from).ok(),
        "kernel": said("uname", &["-sr"]).ok(),
        "rustc": said("rustc", &["--version"]).ok(),
    });
    let path = workspace::root()
        .join("bench")
        .join(format!("{name}-{date}.json"));
    std::fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).context("creating bench/")?;
    std::fs::write(&path, format!("{results:#}\n")).with_context(|| format!("writing {}", path.display()))?;
    Ok(path)
}

fn cpu() -> Option<String> {
    let info = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
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
    fn arguments_of_the_demo_stand_behind_two_dashes() {
        let args = ["--runs", "3", "--", "--database", "mariadb"].map(str::to_owned);
        let (runs, extra) = options(&args).unwrap();
        assert_eq!((runs, extra), (3, &args[3..]));
        assert!(options(&["--database".to_owned()]).is_err());
        assert!(
            run(&["nothing".to_owned()])
                .unwrap_err()
                .to_string()
                .contains("known: demo")
        );
    }
}
