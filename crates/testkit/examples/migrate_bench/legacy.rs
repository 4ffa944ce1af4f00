//! The peer: the procedure of the legacy maintenance documents, typed by hand on a live service.

use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use mysql::prelude::Queryable as _;
use mysql::{Conn, Opts};
use serde_json::{Value, json};

use crate::figures::{Span, by_span, figures, worst};
use crate::ledger::Ledger;
use crate::pressure::Pressure;
use crate::probe::{Probe, QUIET};
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

pub(crate) fn measure(scene: &Scene) -> Result<Value> {
    let ledger = Ledger::read(&scene.admin())?;
    let mut conn = Conn::new(Opts::from_url(&scene.admin())?).context("connecting")?;
    let pressure = Pressure::now();
    let probe = Probe::start(&scene.service(), scene.rows)?;
    thread::sleep(QUIET);
    let (zero, began) = (now_us(), Instant::now());
    let mut spans = Vec::new();
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
    thread::sleep(QUIET);
    let log = probe.finish()?;
    spans.splice(..0, Span::quiet_before(&spans, &log.writer));
    let pressure = pressure.since();
    let mut measured = ledger.settle(&scene.admin(), &log.written)?;
    measured["wall_s"] = json!(wall_s);
    measured["machine_waiting"] = pressure;
    measured["steps"] = by_span(&spans, &log.writer, &log.reader);
    measured["writer"] = json!({ "outside_fence": figures(&log.writer, |_| true) });
    measured["reader"] = json!({ "outside_fence": figures(&log.reader, |_| true) });
    measured["worst_writes"] = worst(&log.writer, &spans, zero);
    Ok(measured)
}

fn now_us() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_micros()).unwrap_or(i64::MAX)
}
