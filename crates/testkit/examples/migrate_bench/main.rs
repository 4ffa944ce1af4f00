//! `cargo xtask bench migrate`: one writer and one reader on a private MariaDB while its table is migrated, by
//! `ventana run` and by hand as the legacy procedure says. Prints what it is doing on stderr and writes one JSON
//! document; `xtask` makes the table of it.
#![allow(
    clippy::disallowed_methods,
    reason = "a measuring program starts processes and reads clocks"
)]
#![allow(clippy::print_stderr, reason = "says on stderr what it is doing")]

mod control;
mod figures;
mod ledger;
mod legacy;
mod pressure;
mod probe;
mod scene;
mod window;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::json;
use tempfile::TempDir;

/// What is measured, and with which binaries.
pub(crate) struct Job {
    pub(crate) ventana: PathBuf,
    pub(crate) inventario: PathBuf,
    pub(crate) rows: u32,
    pub(crate) mantenimientos: u32,
    /// How long the writer and the control work alone before the window.
    pub(crate) quiet: Duration,
    /// Where the server's data and the backups lie.
    pub(crate) data: PathBuf,
    runs: u32,
    results: PathBuf,
}

impl Job {
    /// A new folder beside the server's.
    pub(crate) fn folder(&self) -> Result<TempDir> {
        let mut folder = tempfile::Builder::new();
        folder.prefix("migrate-bench-");
        let made = folder.tempdir_in(&self.data);
        made.with_context(|| format!("creating a folder in {}", self.data.display()))
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("migrate_bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let job = job(std::env::args().skip(1))?;
    let scene = scene::Scene::fill(&job)?;
    let mut runs = Vec::new();
    for run in 1..=job.runs {
        let began = Instant::now();
        say(&format!("run {run} of {}: the window", job.runs));
        scene.fresh()?;
        let window = window::measure(&job, &scene)?;
        say(&format!("run {run} of {}: the legacy procedure", job.runs));
        scene.fresh()?;
        let legacy = legacy::measure(&scene)?;
        say(&format!(
            "run {run} of {} took {:.0} s",
            job.runs,
            began.elapsed().as_secs_f64()
        ));
        runs.push(json!({ "window": window, "legacy": legacy }));
    }
    let document = json!({
        "rows": job.rows,
        "mantenimientos": job.mantenimientos,
        "quiet_s": job.quiet.as_secs(),
        "data_folder": scene.place(&job)?,
        "server": scene.settings()?,
        "fill_s": scene.fill_s,
        "data": scene.data,
        "runs": runs,
    });
    std::fs::write(&job.results, format!("{document:#}\n"))
        .with_context(|| format!("writing {}", job.results.display()))
}

/// Every argument is a flag with a value, and all but `--data` must be there.
fn job(args: impl Iterator<Item = String>) -> Result<Job> {
    let mut args = args;
    let mut given = std::collections::BTreeMap::new();
    while let Some(flag) = args.next() {
        let value = args.next().with_context(|| format!("{flag} needs a value"))?;
        given.insert(flag, value);
    }
    let data = given
        .remove("--data")
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let mut take = |flag: &str| given.remove(flag).with_context(|| format!("{flag} is missing"));
    let number = |flag: &str, text: String| {
        let number = text.parse::<u32>();
        number.with_context(|| format!("{flag} {text}: not a number"))
    };
    let job = Job {
        ventana: take("--ventana")?.into(),
        inventario: take("--inventario")?.into(),
        rows: number("--rows", take("--rows")?)?,
        mantenimientos: number("--mantenimientos", take("--mantenimientos")?)?,
        quiet: Duration::from_secs(number("--quiet-seconds", take("--quiet-seconds")?)?.into()),
        data,
        runs: number("--runs", take("--runs")?)?,
        results: take("--results")?.into(),
    };
    if let Some(flag) = given.keys().next() {
        bail!("unknown argument `{flag}`");
    }
    Ok(job)
}

pub(crate) fn say(what: &str) {
    eprintln!("bench migrate: {what}");
}
