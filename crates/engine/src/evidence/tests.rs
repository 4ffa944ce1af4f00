use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::journal::GENESIS;
use crate::plan::tests::small;

/// Records one second apart, from 12:00:00.
fn told(events: Vec<Event>) -> Vec<Record> {
    let (plan_digest, tool, by) = (small().digest(), "t".into(), "Ana".into());
    let opened = Event::Opened {
        plan_digest,
        mode: Mode::Run,
        tool,
        unapproved: true,
        by,
    };
    let start: Timestamp = "2025-11-06T12:00:00Z".parse().unwrap();
    std::iter::once(opened)
        .chain(events)
        .enumerate()
        .map(|(i, event)| {
            let at = Timestamp::from_second(start.as_second() + i as i64).unwrap();
            Record {
                seq: i as u64 + 1,
                at,
                prev: GENESIS.into(),
                run: "r".into(),
                event,
            }
        })
        .collect()
}

fn ran(step: &str, facts: Value) -> [Event; 2] {
    [
        Event::Started {
            step: step.into(),
            attempt: 1,
        },
        Event::Finished {
            step: step.into(),
            attempt: 1,
            ms: 1000,
            facts,
        },
    ]
}

fn fact(step: &str, name: &str, value: &str) -> Event {
    Event::Fact {
        step: step.into(),
        name: name.into(),
        value: json!(value),
    }
}

fn green() -> Vec<Event> {
    let mut events = Vec::new();
    events.extend(ran("backup_a", json!({"bytes": 10}))); // 1, 2
    events.extend(ran("prove_a", json!(null))); // 3, 4
    let [started, finished] = ran("fence", json!(null));
    events.extend([
        started,
        fact("fence", "refused_at", "2025-11-06T12:00:05.250Z"),
        finished,
    ]); // 5, 6, 7
    events.extend(ran("migrate", json!(null))); // 8, 9
    let [started, finished] = ran("lift", json!({"digest": "after"}));
    events.extend([
        started,
        fact("lift", "accepted_at", "2025-11-06T12:00:10.500Z"),
        finished,
    ]); // 10, 11, 12
    events.extend(ran("watch", json!(null))); // 13, 14
    events.push(Event::Note {
        by: "Ana".into(),
        text: "all well".into(),
        attachment: None,
    });
    events.push(Event::Closed {
        outcome: Outcome::Done,
        exit_code: 0,
    });
    events
}

#[test]
fn the_blocked_time_is_split_by_step() {
    let account = evidence(&small(), &told(green()), "h").unwrap();
    let by_step = [
        ("fence".to_owned(), 1750),
        ("lift".to_owned(), 500),
        ("migrate".to_owned(), 1000),
    ];
    assert_eq!(
        account.blocked_ms,
        Blocked {
            total: 5250,
            by_step: by_step.into(),
            between_steps: 2000,
            open: false
        }
    );
    assert_eq!(
        (account.digest_before, account.digest_after.as_deref()),
        (None, Some("after"))
    );
    assert_eq!(
        (account.outcome, account.exit_code),
        (Some(Outcome::Done), Some(0))
    );
    assert_eq!(account.ended_at.unwrap().to_string(), "2025-11-06T12:00:16Z");
    assert_eq!(account.notes.len(), 1);
    assert_eq!(
        account.journal,
        JournalEvidence {
            records: 17,
            head: "h".into()
        }
    );
    let backup = &account.steps[0];
    assert_eq!(
        (backup.attempts, backup.ms, backup.kind.as_str()),
        (1, 1000, "backup")
    );
    assert_eq!(backup.facts, json!({"bytes": 10}));
}

#[test]
fn a_rollback_after_the_lift_blocks_again_until_the_fence_is_undone() {
    let mut events = green();
    events.push(Event::RollbackRequested {
        by: "Ana".into(),
        reason: String::new(),
    }); // 17
    for step in ["lift", "migrate", "fence"] {
        events.push(Event::UndoStarted { step: step.into() }); // 18, 20, 22
        events.push(Event::UndoFinished {
            step: step.into(),
            ms: 1000,
            facts: json!({"digest": step}),
        });
    }
    let open = evidence(&small(), &told(events[..21].to_vec()), "h").unwrap();
    assert!(open.blocked_ms.open && open.outcome.is_none());
    assert_eq!(open.blocked_ms.total, 5250 + 2000);
    let account = evidence(&small(), &told(events), "h").unwrap();
    assert_eq!(
        account.blocked_ms.total,
        5250 + 4000,
        "from the end of the lift's undo to the end of the fence's"
    );
    assert_eq!(account.blocked_ms.by_step["fence"], 1750 + 1000);
    assert_eq!(account.digest_after.as_deref(), Some("fence"));
    assert_eq!(account.steps[3].undo_ms, Some(1000));
    assert_eq!(account.steps[3].facts["undo"], json!({"digest": "migrate"}));
}

#[test]
fn waiting_for_a_person_is_between_the_steps() {
    let mut events = green()[..7].to_vec();
    events.push(Event::Interrupted {}); // 8
    events.push(Event::Resumed { by: "Ana".into() }); // 9
    events.extend(ran("migrate", json!(null))); // 10, 11
    let blocked = evidence(&small(), &told(events), "h").unwrap().blocked_ms;
    assert_eq!(
        (blocked.total, blocked.between_steps, blocked.open),
        (5750, 3000, true)
    );
}

#[test]
fn no_record_is_no_account() {
    assert!(evidence(&small(), &[], GENESIS).is_err());
}
