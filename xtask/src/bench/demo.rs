//! Wall time of `ventana demo --once`, build excluded.

use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::json;

use super::{count, record, spread};
use crate::{release, workspace};

pub(super) fn run(args: &[String]) -> Result<()> {
    let (runs, extra) = options(args)?;
    let ventana = release::build()?;
    let mut seconds = Vec::new();
    for run in 1..=runs {
        let folder = testkit::Sandbox::new();
        let mut command = Command::new(&ventana);
        command
            .args(["demo", "--once", "--folder"])
            .arg(folder.path("demo"))
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
    let path = record("demo", results)?;
    println!("bench demo: raw results in {}", workspace::relative(&path));
    Ok(())
}

/// `[--runs N] [-- ARGS…]`
fn options(args: &[String]) -> Result<(u32, &[String])> {
    let mut runs = 5;
    let mut rest = args;
    while let Some((flag, after)) = rest.split_first() {
        match flag.as_str() {
            "--runs" => {
                let (text, after) = after.split_first().context("--runs needs a number")?;
                runs = count("--runs", text)?;
                rest = after;
            }
            "--" => return Ok((runs, after)),
            other => bail!("unknown argument `{other}`; arguments of the demo stand behind `--`"),
        }
    }
    Ok((runs, &[]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_of_the_demo_stand_behind_two_dashes() {
        let args = ["--runs", "3", "--", "--database", "mariadb"].map(str::to_owned);
        let (runs, extra) = options(&args).unwrap();
        assert_eq!((runs, extra), (3, &args[3..]));
        assert!(options(&["--database".to_owned()]).is_err());
        assert!(options(&["--runs".to_owned(), "0".to_owned()]).is_err());
    }
}
