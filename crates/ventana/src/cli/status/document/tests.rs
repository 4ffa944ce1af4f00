use super::*;
use engine::StepError;
use engine::journal::Journal;
use engine::plan::{OnFailure, PlanFile, StepKind, StepSpec, Target, Undo};
use std::collections::BTreeMap;

fn plan() -> PlanFile {
    let step = |id: &str, phase, kind| StepSpec {
        id: id.into(),
        phase,
        kind,
        effect: "does it".into(),
        undo: Undo::None,
        on_failure: OnFailure::Rollback,
    };
    let mut steps = vec![
        step("preflight", Phase::Prepare, StepKind::Preflight),
        step("fence", Phase::Window, StepKind::Fence),
        step(
            "migrate",
            Phase::Window,
            StepKind::Migrate {
                migration: "0002".into(),
            },
        ),
        step("lift", Phase::After, StepKind::Lift),
    ];
    steps[1].undo = Undo::Last { how: "lift".into() };
    steps[2].undo = Undo::Reverse { how: "back".into() };
    steps[3].undo = Undo::Reverse { how: "fence".into() };
    let plan = Plan {
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
        steps,
    };
    PlanFile::new(plan, Timestamp::UNIX_EPOCH).unwrap()
}

fn standing(events: Vec<Event>, flag: bool, holder: Option<&str>) -> Standing {
    let dir = tempfile::tempdir().unwrap();
    let plan = plan();
    plan.save(&dir.path().join("plan.json")).unwrap();
    let mut journal = Journal::create(&dir.path().join("journal.jsonl"), "r1").unwrap();
    let opened = Event::Opened {
        plan_digest: plan.plan_digest,
        mode: Mode::Run,
        tool: "t".into(),
        unapproved: true,
        by: "ana".into(),
    };
    for event in std::iter::once(opened).chain(events) {
        journal
            .append("2025-11-06T23:00:00Z".parse().unwrap(), event)
            .unwrap();
    }
    let file = dir.path().join("i.db.fence");
    if flag {
        engine::durable::write(
            &file,
            br#"{"run":"r1","since":"2025-11-06T23:00:01Z","retry_after":30}"#,
        )
        .unwrap();
    }
    let loaded = crate::window::runs::read_dir(dir.path()).unwrap();
    Standing::of(&loaded, Some(&file), holder.map(str::to_owned)).unwrap()
}

fn started(step: &str) -> Event {
    Event::Started {
        step: step.into(),
        attempt: 1,
    }
}

fn ran(step: &str) -> [Event; 2] {
    [
        started(step),
        Event::Finished {
            step: step.into(),
            attempt: 1,
            ms: 1,
            facts: Value::Null,
        },
    ]
}

fn text(standing: &Standing) -> String {
    standing.text(Output {
        json: false,
        language: Language::En,
        terminal: false,
        color: false,
        columns: 100,
    })
}

#[test]
fn a_dead_run_leaves_the_fence_on_and_says_which_command_goes_on() {
    let events = [ran("preflight"), ran("fence")]
        .into_iter()
        .flatten()
        .chain([started("migrate")])
        .collect();
    let dead = standing(events, true, None);
    assert_eq!(
        (dead.outcome, dead.step.as_deref(), dead.phase),
        (None, Some("migrate"), Some(Phase::Window))
    );
    assert_eq!(
        (dead.fence.journal, dead.fence.flag_run.as_deref()),
        ("on", Some("r1"))
    );
    assert_eq!(
        (dead.next, dead.or),
        (Some("ventana resume"), Some("ventana rollback"))
    );
    let text = text(&dead);
    for wanted in [
        "run r1: its process died in the middle  NOT APPROVED",
        "migrate (begun), 2/4 done",
        "ON: no write is accepted (since 2025-11-06T23:00:01Z); flag file: ",
        "`ventana resume` or `ventana rollback`",
    ] {
        assert!(text.contains(wanted), "{wanted} in {text}");
    }
}

#[test]
fn a_run_at_work_is_left_alone() {
    let alive = standing(ran("preflight").into(), false, Some("run r1 by ana"));
    assert_eq!(
        (alive.next, alive.step.as_deref(), alive.fence.journal),
        (None, Some("fence"), "off")
    );
    assert!(text(&alive).contains("run r1: running") && text(&alive).contains("run r1 by ana"));
}

#[test]
fn a_fence_that_died_halfway_is_unknown() {
    let events = ran("preflight").into_iter().chain([started("fence")]).collect();
    assert_eq!(standing(events, true, None).fence.journal, "unknown");
}

#[test]
fn a_held_run_says_why_and_a_flag_that_is_missing_is_said() {
    let error = StepError::maybe("sql", "no\u{1b}[2J").hint("mend it");
    let events = [ran("preflight"), ran("fence")].into_iter().flatten().chain([
        started("migrate"),
        Event::Failed {
            step: "migrate".into(),
            attempt: 1,
            ms: 1,
            error,
        },
        Event::Held {
            step: Some("migrate".into()),
            reason: "step migrate failed: no\u{1b}[2J".into(),
            hint: Some("mend it".into()),
        },
    ]);
    let held = standing(events.collect(), false, None);
    assert_eq!(
        (held.outcome, held.exit_code, held.step.as_deref()),
        (Some(Outcome::Held), Some(4), Some("migrate"))
    );
    let text = text(&held);
    assert!(
        text.contains("step migrate failed: no[2J\n             mend it"),
        "{text}"
    );
    assert!(text.contains("BUT the flag file is missing"), "{text}");
}

#[test]
fn what_is_over_says_what_can_follow() {
    let events: Vec<Event> = ["preflight", "fence", "migrate", "lift"]
        .into_iter()
        .flat_map(ran)
        .collect();
    let closed = |outcome: Outcome| Event::Closed {
        outcome,
        exit_code: outcome.exit_code(),
    };
    let done = standing(
        events.iter().cloned().chain([closed(Outcome::Done)]).collect(),
        true,
        None,
    );
    assert_eq!(
        (done.next, done.or, done.step.as_deref()),
        (Some("ventana report verify"), Some("ventana rollback"), None)
    );
    assert!(
        text(&done).contains("off (since 2025-11-06T23:00:01Z); BUT the flag file is there"),
        "{}",
        text(&done)
    );
    let asked = Event::RollbackRequested {
        by: "ana".into(),
        reason: String::new(),
    };
    let back = standing(events.into_iter().chain([asked]).collect(), false, None);
    assert_eq!(
        (back.direction, back.step.as_deref()),
        (Direction::RollingBack, Some("lift"))
    );
}
