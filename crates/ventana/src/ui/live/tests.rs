use super::*;
use engine::plan::{OnFailure, Target, Undo};
use serde_json::json;

/// What was printed, shared with the view that prints.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Paper {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

fn plan() -> Plan {
    let step = |id: &str, phase, kind| StepSpec {
        id: id.into(),
        phase,
        kind,
        effect: format!("effect of {id}"),
        undo: Undo::Reverse {
            how: "takes it back".into(),
        },
        on_failure: OnFailure::Rollback,
    };
    Plan {
        format: engine::plan::FORMAT,
        service: "inventario".into(),
        environment: "production".into(),
        database: Target {
            dialect: "sqlite".into(),
            database: "/i.db".into(),
            identity: BTreeMap::new(),
        },
        release: None,
        inputs: BTreeMap::new(),
        start: Value::Null,
        steps: vec![
            step("backup_a", Phase::Prepare, StepKind::Backup { label: "a".into() }),
            step("fence", Phase::Window, StepKind::Fence),
            step(
                "contract.2",
                Phase::Window,
                StepKind::Migrate {
                    migration: "0002".into(),
                },
            ),
            step("lift", Phase::After, StepKind::Lift),
        ],
    }
}

fn view(mode: Mode, language: Language) -> (Live, Paper) {
    let paper = Paper::default();
    let live = Live::on(
        Box::new(paper.clone()),
        mode,
        language,
        &plan(),
        &BTreeMap::new(),
        "window 20251106_230000",
    );
    (live, paper)
}

/// A window that fails at its contract and is taken back.
fn story(live: &Live) {
    let plan = plan();
    let [backup, fence, contract, _] = plan.steps.as_slice() else {
        panic!()
    };
    live.on_step_started(backup, 1);
    let progress = Progress {
        done: 50,
        total: Some(100),
        unit: "rows",
        note: "equipos".into(),
    };
    live.on_progress(backup, &progress);
    live.on_progress(fence, &progress);
    live.on_log(backup, "a line\u{1b}[2J");
    let digest = "0123456789abcdef".repeat(4);
    live.on_step_finished(
        backup,
        800,
        &json!({"rows": 40_000, "bytes": 12_345_678, "digest": digest, "x": 1}),
        false,
    );
    live.on_step_started(fence, 1);
    live.on_step_finished(
        fence,
        12,
        &json!({"refused_at": "2025-11-06T23:00:05.250Z"}),
        false,
    );
    live.on_step_started(contract, 1);
    let error = StepError::maybe("sql", "near \"DROP\":\n syntax error").hint("mend the release");
    live.on_step_failed(contract, 150, &error);
    live.on_undo_started(contract);
    live.on_undo_finished(contract, 100, &Value::Null);
    live.on_undo_started(fence);
    live.on_undo_finished(fence, 5, &json!({"accepted_at": "2025-11-06T23:00:07.750Z"}));
    live.on_closed(Outcome::RolledBack, 3);
}

#[test]
fn plain_lines_one_per_step() {
    let (live, paper) = view(Mode::Plain, Language::En);
    story(&live);
    drop(live);
    let wanted = "\
window 20251106_230000
── prepare: the service is live
  │ a line[2J
✓ backup_a    40,000 rows · 12.3 MB · digest 0123456789ab · 0.8 s
── window: the fence holds writes back
✓ fence       12 ms
 FENCE ON  no write reaches the data
✗ contract.2  near \"DROP\": (sql, 0.1 s)
  │ syntax error
  next: mend the release
── rolling back, in reverse order
↺ contract.2  taken back · 0.1 s
↺ fence       taken back · 5 ms
 FENCE LIFTED  writes were blocked for 2.5 s
● rolled back and verified: the service is where it was
";
    assert_eq!(paper.text(), wanted);
}

#[test]
fn spanish_says_the_same() {
    let (live, paper) = view(Mode::Plain, Language::Es);
    story(&live);
    let plan = plan();
    live.on_probed(&plan.steps[2], Found::Partial, "");
    live.on_held(Some("lift"), "data have changed", Some("decide"));
    live.on_step_finished(&plan.steps[0], 0, &json!({"adopted": true}), true);
    live.on_interrupted();
    let text = paper.text();
    for wanted in [
        "40,000 filas · 12.3 MB · digest 0123456789ab",
        "VALLA PUESTA",
        "VALLA QUITADA  escrituras detenidas durante 2.5 s",
        "vuelta atrás verificada",
        "? contract.2  quedó a medias\n",
        "‖ en espera de una persona (lift): data have changed\n  siguiente: decide\n",
        "✓ backup_a    ya estaba hecho\n",
        "interrumpido",
    ] {
        assert!(text.contains(wanted), "{wanted} in {text}");
    }
}

#[test]
fn a_terminal_is_redrawn_in_place_and_left_clean() {
    let (live, paper) = view(Mode::Terminal, Language::En);
    story(&live);
    drop(live);
    let text = paper.text();
    assert!(text.contains("\r\u{1b}[36m"), "a moving line: {text:?}");
    assert!(text.contains("\u{1b}[1;30;43m FENCE ON \u{1b}[0m"));
    // Whatever moved is gone once its step has ended: no moving line is followed by a line end.
    for line in text.split('\n') {
        let shown = line.rsplit("\u{1b}[K").next().unwrap();
        assert!(!shown.contains("effect of"), "{line:?}");
    }
    assert!(text.ends_with("where it was\n"));
}

#[test]
fn json_lines_are_objects_with_an_event() {
    let (live, paper) = view(Mode::Json, Language::Es);
    story(&live);
    drop(live);
    let events: Vec<Value> = paper
        .text()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let names: Vec<&str> = events
        .iter()
        .map(|event| event["event"].as_str().unwrap())
        .collect();
    let wanted = [
        "opened",
        "step_started",
        "progress",
        "log",
        "step_finished",
        "step_started",
        "step_finished",
        "fence",
        "step_started",
        "step_failed",
        "undo_started",
        "undo_finished",
        "undo_started",
        "undo_finished",
        "fence",
        "closed",
    ];
    assert_eq!(names, wanted);
    assert_eq!(events[2]["done"], 50);
    assert_eq!(
        events[7],
        json!({"event": "fence", "on": true, "blocked_ms": null})
    );
    assert_eq!(events[9]["error"]["hint"], "mend the release");
    assert_eq!(
        events[14],
        json!({"event": "fence", "on": false, "blocked_ms": 2500})
    );
    assert_eq!(
        events[15],
        json!({"event": "closed", "outcome": "rolled_back", "exit_code": 3})
    );
}

#[test]
fn a_moving_line_fits_its_terminal() {
    let lines = Lines::new(false, Language::En, &plan());
    let (plan, expected) = (plan(), Some(60_000));
    let mut active = Active::new(
        &plan.steps[0],
        lines.effect(&plan.steps[0], false),
        2,
        false,
        expected,
    );
    active.progress = Some(Progress {
        done: 3,
        total: Some(9),
        unit: "bytes",
        note: "a long table name".repeat(9),
    });
    for columns in [20, 40, 79, 200] {
        let line = lines.running(&active, columns);
        assert!(crate::ui::format::width(&line) <= columns, "{columns}: {line}");
    }
    let line = lines.running(&active, 200);
    assert!(
        line.starts_with("… backup_a    1/4  attempt 2 · a long table name"),
        "{line}"
    );
    assert!(
        line.contains("3 B/9 B · 33 % · ") && line.ends_with("effect of backup_a"),
        "{line}"
    );
}
