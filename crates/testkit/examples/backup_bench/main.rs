//! `cargo xtask bench backup`: backup, restore and digest of a private MariaDB, turn by turn with what people use
//! instead, and a writer beside a backup. Prints what it is doing on stderr and writes one JSON document; `xtask` makes
//! the table of it.
#![allow(
    clippy::disallowed_methods,
    reason = "a measuring program starts processes and reads clocks"
)]
#![allow(clippy::print_stderr, reason = "says on stderr what it is doing")]

mod compared;
#[path = "../measuring/control.rs"]
mod control;
#[allow(dead_code, reason = "shared with the other measuring program")]
#[path = "../measuring/figures.rs"]
mod figures;
#[path = "../measuring/flags.rs"]
mod flags;
mod measured;
#[path = "../measuring/pressure.rs"]
mod pressure;
#[allow(dead_code, reason = "shared with the other measuring program")]
#[path = "../measuring/probe.rs"]
mod probe;
mod scene;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use compared::{Copies, crc};
use flags::Flags;
use pressure::Pressure;
use scene::{LIVE, SETTINGS, Server, versions};

const PARTS: [&str; 4] = ["backup", "restore", "digest", "stall"];

/// What is measured, and with which binaries.
pub(crate) struct Job {
    pub(crate) ventana: PathBuf,
    pub(crate) inventario: PathBuf,
    /// Where the servers' data and the backups lie.
    pub(crate) data: PathBuf,
    /// How long the writer and the control work alone before the backup.
    pub(crate) quiet: Duration,
    rows: Vec<u32>,
    per_row: u32,
    runs: u32,
    only: Option<String>,
    results: PathBuf,
}

impl Job {
    /// A new folder beside the servers'.
    pub(crate) fn folder(&self) -> Result<TempDir> {
        flags::folder(&self.data, "backup-bench-")
    }

    fn wants(&self, part: &str) -> bool {
        let only = self.only.as_deref();
        only.is_none_or(|only| only.split(',').any(|wanted| wanted == part))
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("backup_bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let job = job()?;
    let pressure = Pressure::now();
    let mut sizes = Vec::new();
    for rows in &job.rows {
        sizes.push(measure(&job, *rows)?);
    }
    let document = json!({
        "mantenimientos_per_row": job.per_row,
        "quiet_s": job.quiet.as_secs(),
        "data_folder": { "folder": job.data, "file_system": file_system(&job)? },
        "server": { "settings": SETTINGS, "binary_log": false },
        "programs": versions()?,
        "restores": "into a fresh private server each",
        "all_connect": "unix socket",
        "machine_waiting": pressure.since(),
        "sizes": sizes,
    });
    std::fs::write(&job.results, format!("{document:#}\n"))
        .with_context(|| format!("writing {}", job.results.display()))
}

/// Everything with `rows` activos.
fn measure(job: &Job, rows: u32) -> Result<Value> {
    let mantenimientos = rows.checked_mul(job.per_row).context("too many mantenimientos")?;
    let (server, fill_s) = Server::filled(job, rows, mantenimientos)?;
    let sums = server.checksums(LIVE)?;
    let mut copies = Copies::none(job)?;
    let mut size = json!({
        "rows": rows,
        "mantenimientos": mantenimientos,
        "fill_s": fill_s,
        "checksums": sums,
    });
    if job.wants("backup") {
        size["backup"] = turns(job, rows, "backup", || {
            Ok(json!({
                "ventana": copies.ours(job, &server)?,
                "mariadb_dump": copies.dumped(&server)?,
                "mydumper": copies.mydumped(&server)?,
            }))
        })?;
    }
    if job.wants("digest") {
        let sql = server.crc_queries()?;
        let mut before = None;
        size["digest"] = turns(job, rows, "digest", || {
            Ok(
                json!({ "ventana": copies.digested(job, &server)?, "crc32": crc(&server, &sql, &mut before)? }),
            )
        })?;
        size["crc32"] = json!({ "sql": sql, "answer": before });
    }
    if job.wants("restore") {
        copies.prepare(job, &server)?;
        size["restore"] = turns(job, rows, "restore", || {
            Ok(
                json!({ "ventana": copies.restored(job, &sums)?, "zstdcat_mariadb": copies.loaded(job, &sums)? }),
            )
        })?;
    }
    // Last, since the writer changes the data.
    if job.wants("stall") {
        size["stall"] = turns(job, rows, "stall", || {
            Ok(json!({ "ventana": copies.stalled(job, &server, rows)? }))
        })?;
    }
    Ok(size)
}

/// Ours and the peers', as often as asked.
fn turns(job: &Job, rows: u32, part: &str, mut turn: impl FnMut() -> Result<Value>) -> Result<Value> {
    let mut turns = Vec::new();
    for run in 1..=job.runs {
        say(&format!("{rows} activos: {part}, run {run} of {}", job.runs));
        let pressure = Pressure::now();
        let mut figures = turn().with_context(|| part.to_owned())?;
        figures["machine_waiting"] = pressure.since();
        turns.push(figures);
    }
    Ok(turns.into())
}

fn file_system(job: &Job) -> Result<Option<String>> {
    let mut df = scene::stock("df")?;
    df.arg("--output=fstype").arg(&job.data);
    let took = measured::run(vec![df], None)?;
    Ok(took.stdout.lines().last().map(|line| line.trim().to_owned()))
}

fn job() -> Result<Job> {
    let mut flags = Flags::given()?;
    let only = flags.optional("--only");
    ensure!(
        only.as_deref()
            .is_none_or(|only| only.split(',').all(|part| PARTS.contains(&part))),
        "--only: some of {PARTS:?}"
    );
    let rows = flags.text("--rows")?;
    let rows = rows.split(',').map(|rows| flags::number("--rows", rows));
    let job = Job {
        ventana: flags.text("--ventana")?.into(),
        inventario: flags.text("--inventario")?.into(),
        data: flags.data(),
        quiet: flags.seconds("--quiet-seconds")?,
        rows: rows.collect::<Result<_>>()?,
        per_row: flags.number("--mantenimientos-per-row")?,
        runs: flags.number("--runs")?,
        only,
        results: flags.text("--results")?.into(),
    };
    flags.end()?;
    Ok(job)
}

pub(crate) fn say(what: &str) {
    eprintln!("bench backup: {what}");
}
