//! The whole window: the service on release 1, then `ventana run` to release 2 with the migration in it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use testkit::port::Port;

use crate::Job;
use crate::figures::{Span, beyond_the_disk, by_span, figures, now_us, worst};
use crate::ledger::Ledger;
use crate::pressure::Pressure;
use crate::probe::{AFTER, Probe, Sample};
use crate::scene::{Scene, answer};

pub(crate) fn measure(job: &Job, scene: &Scene) -> Result<Value> {
    let operator = Operator::prepare(job, scene)?;
    let ledger = Ledger::read(&scene.admin())?;
    let pressure = Pressure::now();
    let mut probe = Probe::start(&scene.service(), scene.rows, scene.folder())?;
    let quiet = Span::quiet(job.quiet);
    probe.read()?;
    let (zero, began) = (now_us(), Instant::now());
    let document = operator.ventana(&["--json", "run"]);
    let wall_s = began.elapsed().as_secs_f64();
    thread::sleep(AFTER);
    let log = probe.finish()?;
    let pressure = pressure.since();
    let document: Value = serde_json::from_str(&document?).context("the document of `ventana run`")?;
    let evidence = evidence(&document)?;
    let mut measured = ledger.settle(&scene.admin(), &log.written)?;
    let mut steps = spans(&evidence)?;
    let fence = fence(&evidence)?;
    let outside = |sample: &Sample| sample.from_us >= zero && !fence.touches(sample);
    let phases = |samples: &[Sample]| {
        json!({
            "quiet": figures(samples, |s| quiet.touches(s)),
            "before_fence": figures(samples, |s| s.from_us >= zero && s.to_us() < fence.from_us),
            "fence": figures(samples, |s| fence.touches(s)),
            "after_fence": figures(samples, |s| s.from_us > fence.to_us),
            "outside_fence": figures(samples, outside),
        })
    };
    measured["writer"] = phases(&log.writer);
    measured["reader"] = phases(&log.reader);
    measured["control"] = phases(&log.control);
    measured["beyond_the_disk_ms"] = json!(beyond_the_disk(&log, outside));
    measured["wall_s"] = json!(wall_s);
    measured["machine_waiting"] = pressure;
    measured["outcome"] = document["outcome"].clone();
    measured["blocked_ms"] = evidence["blocked_ms"].clone();
    measured["worst_writes"] = worst(&log, &steps, zero, outside);
    steps.insert(0, quiet);
    measured["steps"] = by_span(&steps, &log);
    measured["batches"] = facts(&evidence, "backfill").clone();
    let before = &facts(&evidence, "digest_before")["counts_before"];
    let after = &facts(&evidence, "invariants")["counts_after"];
    measured["counts"] = json!({ "before": before, "after": after });
    Ok(measured)
}

/// A folder as an operator keeps it: releases, configuration, state, and the service running. Stops the service at the end.
struct Operator {
    ventana: PathBuf,
    folder: tempfile::TempDir,
    port: Port,
}

impl Operator {
    fn prepare(job: &Job, scene: &Scene) -> Result<Operator> {
        let operator = Operator {
            ventana: job.ventana.clone(),
            folder: job.folder()?,
            port: Port::reserve()?,
        };
        let folder = operator.folder.path();
        for release in ["r1", "r2"] {
            let target = folder.join("build").join(release);
            answer(
                Command::new(&job.inventario)
                    .env_clear()
                    .args(["release", "--name", release])
                    .arg(target),
            )?;
        }
        for name in ["fence", "state", "app"] {
            std::fs::create_dir_all(folder.join(name))?;
        }
        operator.configure(scene, "r1", "")?;
        operator.ventana(&["deploy"])?;
        operator.configure(scene, "r2", "[migration]\nid = \"0002_especificaciones_json\"\n")?;
        operator.ventana(&["plan"])?;
        Ok(operator)
    }

    fn configure(&self, scene: &Scene, release: &str, migration: &str) -> Result<()> {
        let folder = self.folder.path().display();
        let settings = format!(
            r#"service = "inventario"
[database]
url = "{admin}"
[state]
dir = "state"
[backup]
dir = "backups"
off_site = "off-site"
[fence]
file = "{folder}/fence/inventario.fence"
accounts = ["'inventario'@'127.0.0.1'"]
accept_writers = ["'root'@'localhost'", "'mariadb.sys'@'localhost'"]
[release]
root = "app"
source = "build/{release}"
{migration}"#,
            admin = scene.admin(),
        );
        let (fence, service) = (format!("{folder}/fence/inventario.fence"), scene.service());
        let environment = [("FENCE_FILE", fence.as_str()), ("DATABASE_URL", &service)];
        let exec = ["{current}/inventario", "serve"];
        let text = settings + &testkit::fixtures::service(&exec, &environment, self.port.number());
        std::fs::write(self.folder.path().join("ventana.toml"), text).context("writing ventana.toml")
    }

    /// Runs a verb and returns what it says on stdout.
    fn ventana(&self, args: &[&str]) -> Result<String> {
        let mut command = Command::new(&self.ventana);
        command
            .args(args)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", testkit::program::PATH)
            .env("HOME", self.folder.path())
            .env("TZ", "UTC")
            .env("JWT_SECRET", "secret-of-a-scratch-folder");
        answer(&mut command)
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        let text = std::fs::read_to_string(self.folder.path().join("state/service.pid")).unwrap_or_default();
        let pid = text.split_whitespace().next().and_then(|pid| pid.parse().ok());
        let Some(pid) = pid.and_then(Pid::from_raw) else {
            return;
        };
        let end = Instant::now() + Duration::from_secs(20);
        let _ = kill_process(pid, Signal::TERM);
        while lives(pid) && Instant::now() < end {
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Not for one that has ended and waits for somebody to ask how: it is no child of ours.
fn lives(pid: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    stat.rsplit_once(") ")
        .is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

/// `evidence.json` lies beside the run's journal.
fn evidence(document: &Value) -> Result<Value> {
    ensure!(
        document["outcome"] == "done",
        "the window did not end as done: {document:#}"
    );
    let journal = document["journal"]
        .as_str()
        .context("the document names no journal")?;
    let path = Path::new(journal).with_file_name("evidence.json");
    let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("reading {}", path.display()))
}

fn steps(evidence: &Value) -> &[Value] {
    evidence["steps"].as_array().map_or(&[], Vec::as_slice)
}

fn facts<'a>(evidence: &'a Value, step: &str) -> &'a Value {
    let step = steps(evidence).iter().find(|s| s["id"] == step);
    step.map_or(&Value::Null, |step| &step["facts"])
}

/// When each step ran.
fn spans(evidence: &Value) -> Result<Vec<Span>> {
    let mut spans = Vec::new();
    for step in steps(evidence) {
        let from_us = moment(&step["started_at"])?;
        spans.push(Span {
            name: step["id"].as_str().unwrap_or_default().to_owned(),
            from_us,
            to_us: from_us + step["ms"].as_i64().unwrap_or(0) * 1000,
        });
    }
    Ok(spans)
}

/// From the first moment at which a write could be refused to the first at which one is accepted.
fn fence(evidence: &Value) -> Result<Span> {
    let span = Span {
        name: "fence".to_owned(),
        from_us: moment(&facts(evidence, "fence")["refused_at"])?,
        to_us: moment(&facts(evidence, "lift")["accepted_at"])?,
    };
    if span.ms() < 0 {
        bail!("the fence was lifted before it was raised");
    }
    Ok(span)
}

fn moment(value: &Value) -> Result<i64> {
    let text = value.as_str().context("the evidence names no time")?;
    let time: jiff::Timestamp = text.parse().with_context(|| format!("time {text}"))?;
    Ok(time.as_microsecond())
}
