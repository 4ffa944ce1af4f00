//! A whole window on SQLite while people are at work; and the way back, with and without writes after the lift.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::world::data::{self, assert_same};
use crate::world::writer::{Seen, Worker};
use crate::world::{Fixture, Releases, Scene};

/// Activos that the writer changes; all others must come through untouched.
const WRITTEN: u32 = 40;

#[test]
fn people_write_and_read_through_a_whole_window() {
    let fixture = Fixture::new();
    let scene = Scene::prepare(&fixture, Releases::Whole);
    scene.start();
    let original = fixture.database();

    nothing_changes(&scene, "plan --dry", &["run", "--dry-run"]);
    let plan = scene.run(["plan"]).ok().json();
    let steps: Vec<&str> = plan["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["id"].as_str().unwrap())
        .collect();
    assert_eq!(
        steps,
        [
            "preflight",
            "backup_a",
            "prove_a",
            "off_site_a",
            "stage",
            "fence",
            "digest_before",
            "backup_b",
            "verify_b",
            "proof_fenced",
            "migrate",
            "switch",
            "restart",
            "smoke",
            "invariants",
            "lift",
            "smoke_write",
            "off_site_b"
        ]
    );
    let dry = nothing_changes(&scene, "run --dry-run", &["run", "--dry-run"]);
    assert_eq!(
        (&dry["plan_digest"], &dry["dry_run"]["ok"]),
        (&plan["plan_digest"], &json!(true))
    );

    let rehearsed = scene.run(["rehearse"]).ok().json();
    assert_eq!(rehearsed["passed"], true, "{rehearsed}");
    assert_same(
        &data::dump(&scene.database()),
        &data::dump(&original),
        "a rehearsal works on a copy",
    );
    scene.assert_stands_at("r1");

    let token = scene.token();
    let writer = Worker::writing(scene.url(""), token.clone(), WRITTEN, Duration::from_millis(20));
    let reader = Worker::reading(scene.url(""), token, Duration::from_millis(5));
    writer.turns(10);
    let run = scene.run(["run"]).ok().json();
    writer.turns(u64::from(WRITTEN) + 5);
    let (wrote, read) = (writer.stop(), reader.stop());

    assert_eq!(
        (&run["outcome"], &run["exit_code"], &run["plan_digest"]),
        (&json!("done"), &json!(0), &plan["plan_digest"])
    );
    scene.assert_stands_at("r2");
    assert_nothing_lost(&scene, &wrote);
    let kinds = data::assert_migrated(&original, &scene.database(), WRITTEN + 1);
    assert!(kinds["valid"] > 200 && kinds["wrapped"] > 5, "{kinds:?}");

    let records = scene.journal();
    assert_never_failed(&read, &records);
    assert_blocked_as_said(&wrote, &records, run["blocked_ms"].as_u64().unwrap());
    assert_evidence(&scene);
}

/// Runs a verb of which it must be true that it changes nothing; what it says.
fn nothing_changes(scene: &Scene, what: &str, verb: &[&'static str]) -> Value {
    let before = (data::dump(&scene.database()), listing(scene.folder()));
    let said = scene.run(verb.iter().copied()).ok().json();
    assert_same(&data::dump(&scene.database()), &before.0, what);
    assert_eq!(
        listing(scene.folder()),
        before.1,
        "{what}: files were made, removed or written"
    );
    assert_eq!(
        data::files_below(scene.sandbox().temp()),
        Vec::<PathBuf>::new(),
        "{what}: left in TMPDIR"
    );
    said
}

/// Every file with its length and time of change. The two files beside a database come and go with whoever reads it.
fn listing(folder: &Path) -> BTreeMap<PathBuf, (u64, SystemTime)> {
    data::files_below(folder)
        .into_iter()
        .filter(|path| !path.to_string_lossy().ends_with("-shm") && !path.to_string_lossy().ends_with("-wal"))
        .map(|path| {
            let meta = std::fs::symlink_metadata(&path).unwrap();
            (path, (meta.len(), meta.modified().unwrap()))
        })
        .collect()
}

/// Every acknowledged write is in the database; every refusal said when to come back.
fn assert_nothing_lost(scene: &Scene, wrote: &Seen) {
    assert!(
        wrote.acknowledged.len() == WRITTEN as usize,
        "every activo of the writer was written"
    );
    assert!(
        wrote.unknown.is_empty(),
        "a write broke off: {:?}",
        wrote.unanswered().collect::<Vec<_>>()
    );
    let sql = format!(
        "SELECT id, notas, json_extract(especificaciones, '$.write') AS number FROM activos WHERE id <= {WRITTEN}"
    );
    for row in data::rows(&scene.database(), &sql) {
        let id = u32::try_from(row["id"].as_u64().unwrap()).unwrap();
        let Some(wanted) = wrote.acknowledged.get(&id) else {
            continue;
        };
        assert_eq!(
            (&row["notas"], &row["number"]),
            (&wanted["notas"], &wanted["especificaciones"]["write"]),
            "the last acknowledged write of activo {id}"
        );
    }
    let refused: Vec<_> = wrote.with_status(503).collect();
    assert!(!refused.is_empty(), "the fence refused writes");
    // One write may have been under way when the fence came: it found the database locked and was told so.
    let by_the_fence = refused
        .iter()
        .filter(|asked| asked.retry_after.as_deref() == Some("7"));
    assert!(by_the_fence.count() + 1 >= refused.len(), "{refused:?}");
    assert!(
        refused.iter().all(|asked| asked.retry_after.is_some()),
        "{refused:?}"
    );
    let other: Vec<_> = wrote
        .asked
        .iter()
        .filter(|asked| matches!(asked.status, Ok(status) if status != 200 && status != 503))
        .collect();
    assert!(other.is_empty(), "{other:?}");
}

/// Readers were answered, always: no error, and no silence but while the one process was exchanged.
fn assert_never_failed(read: &Seen, records: &[Value]) {
    assert!(
        read.asked.len() > 50,
        "the reader was at work: {}",
        read.asked.len()
    );
    let failed: Vec<_> = read
        .asked
        .iter()
        .filter(|asked| matches!(asked.status, Ok(status) if status != 200))
        .collect();
    assert!(failed.is_empty(), "{failed:?}");
    let restart = (
        moment(records, "started", "restart"),
        moment(records, "finished", "restart"),
    );
    for asked in read.unanswered() {
        let inside = millis(asked.answered) >= restart.0 && millis(asked.sent) <= restart.1;
        assert!(inside, "unanswered outside of the restart {restart:?}: {asked:?}");
    }
}

/// What the report calls blocked is what the writer saw: not less than from the first refusal to the last, not more
/// than from the last write before to the first after it.
fn assert_blocked_as_said(wrote: &Seen, records: &[Value], said: u64) {
    let (first, last) = (
        wrote.with_status(503).next().expect("a refusal"),
        wrote.with_status(503).last().expect("a refusal"),
    );
    let mut accepted = wrote.with_status(200);
    let before = accepted
        .clone()
        .take_while(|asked| asked.answered <= first.sent)
        .last()
        .expect("a write before");
    let after = accepted
        .find(|asked| asked.sent >= last.answered)
        .expect("a write after");
    // When the first was answered the fence was on already, when the last was sent it still was.
    let least = millis(last.sent).saturating_sub(millis(first.answered));
    assert!(least <= said + 1, "{said} ms blocked, refused for {least} ms");
    // A write may slip through while the flag file is being made durable, on a busy disk for some time.
    let most = millis(after.answered) - millis(before.sent) + 300;
    assert!(
        said <= most,
        "{said} ms blocked, the writer was kept waiting for {most} ms"
    );
    let fenced = moment(records, "finished", "lift") - moment(records, "started", "fence");
    assert!(
        said <= fenced + 1,
        "{said} ms blocked, {fenced} ms from fence to lift"
    );
}

/// The report is there, agrees with the journal, and the journal's chain holds.
fn assert_evidence(scene: &Scene) {
    let run = scene.run_dir();
    for name in ["report.html", "report.md", "evidence.json", "plan.json"] {
        let bytes = std::fs::read(run.join(name)).unwrap_or_default();
        assert!(bytes.len() > 500, "{name} has {} bytes", bytes.len());
    }
    data::assert_chained(&run.join("journal.jsonl"));
    let verified = scene.run(["report", "verify"]).ok().json();
    assert_eq!(verified["verified"], true, "{verified}");
    // A changed report is found out.
    let report = run.join("report.md");
    let text = std::fs::read_to_string(&report).unwrap();
    std::fs::write(&report, text.replacen("r2", "r3", 1)).unwrap();
    let found = scene.run(["report", "verify"]).expect(12).json();
    assert_eq!(found["verified"], false, "{found}");
}

/// When an event of a step was journaled, in milliseconds.
fn moment(records: &[Value], event: &str, step: &str) -> u64 {
    let record = records
        .iter()
        .find(|record| record["event"] == event && record["step"] == step);
    let at = record.unwrap_or_else(|| panic!("no {event} of {step}"))["at"]
        .as_str()
        .unwrap();
    let days = format!("SELECT CAST(round((julianday('{at}') - 2440587.5) * 86400000) AS INTEGER)");
    data::value(Path::new(":memory:"), &days).parse().unwrap()
}

fn millis(moment: SystemTime) -> u64 {
    u64::try_from(moment.duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}
