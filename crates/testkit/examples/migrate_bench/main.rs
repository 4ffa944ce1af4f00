//! `cargo xtask bench migrate`: one writer and one reader on a private MariaDB while its table is migrated, by
//! `ventana run` and by hand as the legacy procedure says. Prints what it is doing on stderr and writes one JSON
//! document; `xtask` makes the table of it.
#![allow(
    clippy::disallowed_methods,
    reason = "a measuring program starts processes and reads clocks"
)]
#![allow(clippy::print_stderr, reason = "says on stderr what it is doing")]

#[path = "../measuring/control.rs"]
mod control;
#[path = "../measuring/figures.rs"]
mod figures;
#[path = "../measuring/flags.rs"]
mod flags;
mod ledger;
mod legacy;
#[path = "../measuring/pressure.rs"]
mod pressure;
#[path = "../measuring/probe.rs"]
mod probe;
mod scene;
mod window;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::json;
use tempfile::TempDir;

use flags::Flags;

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
        flags::folder(&self.data, "migrate-bench-")
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
    let job = job()?;
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

fn job() -> Result<Job> {
    let mut flags = Flags::given()?;
    let job = Job {
        ventana: flags.text("--ventana")?.into(),
        inventario: flags.text("--inventario")?.into(),
        rows: flags.number("--rows")?,
        mantenimientos: flags.number("--mantenimientos")?,
        quiet: flags.seconds("--quiet-seconds")?,
        data: flags.data(),
        runs: flags.number("--runs")?,
        results: flags.text("--results")?.into(),
    };
    flags.end()?;
    Ok(job)
}

pub(crate) fn say(what: &str) {
    eprintln!("bench migrate: {what}");
}
