//! The peer: the procedure of the legacy maintenance documents, typed by hand on a live service.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use mysql::prelude::Queryable as _;
use mysql::{Conn, Opts};
use serde_json::{Value, json};

use crate::figures::{Span, beyond_the_disk, by_span, figures, now_us, worst};
use crate::ledger::Ledger;
use crate::pressure::Pressure;
use crate::probe::{AFTER, Probe, Sample};
use crate::scene::Scene;

/// The statements, with the pause that stands for a person who verifies before dropping.
const STEPS: &[(&str, &str)] = &[
    (
        "add column",
        "ALTER TABLE activos ADD COLUMN especificaciones_json JSON DEFAULT NULL AFTER especificaciones",
    ),
    (
        "update",
        "UPDATE activos SET especificaciones_json = CASE WHEN JSON_VALID(especificaciones) THEN especificaciones ELSE NULL END",
    ),
    ("verify (pause)", ""),
    ("drop column", "ALTER TABLE activos DROP COLUMN especificaciones"),
    (
        "change column",
        "ALTER TABLE activos CHANGE COLUMN especificaciones_json especificaciones JSON DEFAULT NULL",
    ),
];
const VERIFY: Duration = Duration::from_secs(5);
/// How long the writer works alone before: enough to see that it does.
const QUIET: Duration = Duration::from_secs(3);

pub(crate) fn measure(scene: &Scene) -> Result<Value> {
    let ledger = Ledger::read(&scene.admin())?;
    let mut conn = Conn::new(Opts::from_url(&scene.admin())?).context("connecting")?;
    let pressure = Pressure::now();
    let mut probe = Probe::start(&scene.service(), scene.rows, scene.folder())?;
    let quiet = Span::quiet(QUIET);
    probe.read()?;
    let (zero, began) = (now_us(), Instant::now());
    let mut spans = vec![quiet];
    for (name, sql) in STEPS {
        let from_us = now_us();
        match *sql {
            "" => thread::sleep(VERIFY),
            sql => conn.query_drop(sql).with_context(|| (*name).to_owned())?,
        }
        spans.push(Span {
            name: (*name).to_owned(),
            from_us,
            to_us: now_us(),
        });
    }
    let wall_s = began.elapsed().as_secs_f64();
    thread::sleep(AFTER);
    let log = probe.finish()?;
    let pressure = pressure.since();
    let mut measured = ledger.settle(&scene.admin(), &log.written)?;
    measured["wall_s"] = json!(wall_s);
    measured["machine_waiting"] = pressure;
    measured["steps"] = by_span(&spans, &log);
    let during = |sample: &Sample| sample.from_us >= zero;
    measured["writer"] = json!({ "outside_fence": figures(&log.writer, during) });
    measured["reader"] = json!({ "outside_fence": figures(&log.reader, during) });
    measured["control"] = json!({ "outside_fence": figures(&log.control, during) });
    measured["beyond_the_disk_ms"] = json!(beyond_the_disk(&log, during));
    measured["worst_writes"] = worst(&log, &spans, zero, during);
    Ok(measured)
}
