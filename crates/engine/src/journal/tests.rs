use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::StepError;
use crate::outcome::Outcome;

fn events() -> Vec<Event> {
    let step = || "expand.0".to_owned();
    vec![
        Event::Opened {
            plan_digest: "d".repeat(64),
            mode: Mode::Rehearsal,
            tool: "ventana 0.1.0".into(),
            unapproved: true,
            by: "Ana Núñez".into(),
        },
        Event::Started {
            step: step(),
            attempt: 1,
        },
        Event::Fact {
            step: step(),
            name: "grants".into(),
            value: json!(["GRANT SELECT ON `a`.* TO 'x'@'%'"]),
        },
        Event::Failed {
            step: step(),
            attempt: 1,
            ms: 12,
            error: StepError::nothing("lock_wait", "no lock within 1 s\n(línea)").hint("again"),
        },
        Event::Started {
            step: step(),
            attempt: 2,
        },
        Event::Probed {
            step: step(),
            found: Found::Partial,
            detail: "half".into(),
            facts: json!(null),
        },
        Event::Finished {
            step: step(),
            attempt: 2,
            ms: u64::MAX,
            facts: json!({"rows": 1, "x": 0.1}),
        },
        Event::Held {
            step: None,
            reason: "waits".into(),
            hint: None,
        },
        Event::Resumed { by: "Ana".into() },
        Event::RollbackRequested {
            by: "Ana".into(),
            reason: String::new(),
        },
        Event::UndoStarted { step: step() },
        Event::UndoFinished {
            step: step(),
            ms: 1,
            facts: json!({}),
        },
        Event::UndoFailed {
            step: step(),
            error: StepError::maybe("x", "\u{0}\u{1F600}"),
        },
        Event::Interrupted {},
        Event::Note {
            by: "Ana".into(),
            text: "café".into(),
            attachment: Some(Attachment {
                name: "a.png".into(),
                sha256: "0".repeat(64),
            }),
        },
        Event::Closed {
            outcome: Outcome::RolledBack,
            exit_code: 3,
        },
    ]
}

fn written(folder: &Path, events: Vec<Event>) -> (PathBuf, Vec<u8>) {
    let path = folder.join("journal.jsonl");
    let mut journal = Journal::create(&path, "run-1").unwrap();
    for event in events {
        journal
            .append("2025-11-06T23:00:00.123456789Z".parse().unwrap(), event)
            .unwrap();
    }
    let bytes = std::fs::read(&path).unwrap();
    (path, bytes)
}

fn all() -> Vec<u8> {
    written(tempfile::tempdir().unwrap().path(), events()).1
}

#[test]
fn what_is_written_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let (path, bytes) = written(folder.path(), events());
    let reading = read(&path).unwrap();
    assert_eq!(
        reading
            .records
            .iter()
            .map(|r| r.event.clone())
            .collect::<Vec<_>>(),
        events()
    );
    assert_eq!(reading.records[0].prev, GENESIS);
    assert_eq!(reading.records[0].at.to_string(), "2025-11-06T23:00:00.123Z");
    assert_eq!((reading.torn, reading.complete_bytes), (None, bytes.len() as u64));
    // A reader with standard tools gets the same chain: sha256sum of a line is the next one's prev.
    let lines: Vec<_> = bytes.split(|b| *b == b'\n').collect();
    assert_eq!(reading.records[1].prev, crate::sha256::hex(lines[0]));
    assert_eq!(reading.head, crate::sha256::hex(lines[lines.len() - 2]));
}

/// The example of docs/JOURNAL.md. It is written as it ever was, so a later version reads what this one wrote.
#[test]
fn the_documented_example_is_what_is_written() {
    let fixture = include_str!("../../tests/fixtures/journal.jsonl");
    let events = [
        Event::Opened {
            plan_digest: crate::plan::tests::small().digest(),
            mode: Mode::Run,
            tool: "ventana 0.1.0".into(),
            unapproved: true,
            by: "ana".into(),
        },
        Event::Started {
            step: "fence".into(),
            attempt: 1,
        },
        Event::Fact {
            step: "fence".into(),
            name: "grants".into(),
            value: json!(["GRANT SELECT, INSERT ON `inventario`.* TO `app`@`localhost`"]),
        },
        Event::Failed {
            step: "fence".into(),
            attempt: 1,
            ms: 212,
            error: StepError::maybe("session_alive", "session 41 of app@localhost did not end")
                .hint("KILL 41"),
        },
        Event::UndoStarted { step: "fence".into() },
        Event::UndoFinished {
            step: "fence".into(),
            ms: 8,
            facts: json!({"given_back": 1}),
        },
        Event::Closed {
            outcome: Outcome::RolledBack,
            exit_code: 3,
        },
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.jsonl");
    let mut journal = Journal::create(&path, "20251106T230000Z-7f3a").unwrap();
    for (index, event) in events.into_iter().enumerate() {
        let at = jiff::Timestamp::from_millisecond(1_762_470_000_000 + 137 * index as i64).unwrap();
        journal.append(at, event).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), fixture);
    let document = include_str!("../../../../docs/JOURNAL.md");
    for line in fixture.lines() {
        assert!(document.contains(line), "docs/JOURNAL.md does not show: {line}");
    }
}

#[test]
fn another_process_goes_on_where_the_first_one_died() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = written(folder.path(), events()[..2].to_vec());
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.extend_from_slice(br#"{"seq":3,"at":"20"#);
    crate::durable::write(&path, &bytes).unwrap();
    let mut journal = Journal::open_for_append(&path).unwrap();
    assert_eq!(journal.torn().unwrap().line, 3);
    assert_eq!((journal.run(), journal.records().len()), ("run-1", 2));
    let kept = std::fs::read(folder.path().join("journal.jsonl.torn")).unwrap();
    assert_eq!(kept, b"{\"seq\":3,\"at\":\"20\n");
    journal
        .append(jiff::Timestamp::UNIX_EPOCH, Event::Resumed { by: "Ana".into() })
        .unwrap();
    let head = journal.head().to_owned();
    assert!(matches!(
        Journal::open_for_append(&path),
        Err(JournalError::Busy { .. })
    ));
    drop(journal);
    let reading = read(&path).unwrap();
    assert_eq!(
        (reading.records.len(), reading.head, reading.torn),
        (3, head, None)
    );
    assert!(
        Journal::create(&path, "run-2").is_err(),
        "a journal is never overwritten"
    );
}

#[test]
fn zeros_that_a_power_cut_left_are_a_torn_tail() {
    let (_, mut bytes) = written(tempfile::tempdir().unwrap().path(), events()[..2].to_vec());
    let complete = bytes.len() as u64;
    bytes.extend_from_slice(b"{\"seq\":3\0\0\0\0\"}\n");
    let reading = parse(Path::new("j"), &bytes).unwrap();
    assert_eq!((reading.records.len(), reading.complete_bytes), (2, complete));
    assert_eq!(reading.torn.unwrap().line, 3);
}

#[test]
fn removed_repeated_and_reordered_lines_are_detected() {
    let bytes = all();
    let lines: Vec<&[u8]> = bytes.split_inclusive(|b| *b == b'\n').collect();
    let line_of = |lines: &[&[u8]]| match parse(Path::new("j"), &lines.concat()) {
        Err(JournalError::Corrupt { line, what, .. }) => (line, what),
        other => panic!("{other:?}"),
    };
    for index in 0..lines.len() - 1 {
        let mut removed = lines.clone();
        removed.remove(index);
        assert_eq!(line_of(&removed).0, index as u64 + 1);
        let mut repeated = lines.clone();
        repeated.insert(index, lines[index]);
        assert_eq!(line_of(&repeated).0, index as u64 + 2);
        let mut swapped = lines.clone();
        swapped.swap(index, index + 1);
        assert_eq!(line_of(&swapped).0, index as u64 + 1);
    }
}

#[test]
fn a_line_of_another_run_is_detected_even_with_a_right_sum() {
    let folder = tempfile::tempdir().unwrap();
    let (path, bytes) = written(folder.path(), events()[..1].to_vec());
    let reading = read(&path).unwrap();
    let mut forged = reading.records[0].clone();
    (forged.seq, forged.prev, forged.run) = (2, reading.head, "run-2".into());
    let mut bytes = bytes;
    bytes.extend(super::reader::line_of(&forged));
    bytes.push(b'\n');
    let error = parse(Path::new("j"), &bytes).unwrap_err().to_string();
    assert!(error.contains("line 2") && error.contains("run-2"), "{error}");
}

#[test]
fn the_error_says_where_and_what_to_do() {
    let bytes = String::from_utf8(all())
        .unwrap()
        .replace("lock_wait", "lock_free");
    let error = parse(Path::new("/runs/1/journal.jsonl"), bytes.as_bytes())
        .unwrap_err()
        .to_string();
    for part in [
        "/runs/1/journal.jsonl",
        "line 4",
        "nothing after line 3 can be believed",
        "keep the file",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
}

struct Stops {
    at: u64,
    after: bool,
}

impl Hook for Stops {
    fn before(&mut self, seq: u64, _event: &Event) -> Result<(), Killed> {
        if seq == self.at && !self.after {
            Err(Killed)
        } else {
            Ok(())
        }
    }

    fn after(&mut self, seq: u64, _event: &Event) -> Result<(), Killed> {
        if seq == self.at && self.after {
            Err(Killed)
        } else {
            Ok(())
        }
    }
}

#[test]
fn a_failed_append_poisons_the_journal() {
    for after in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let mut journal = Journal::create(&path, "run-1").unwrap();
        journal.set_hook(Box::new(Stops { at: 2, after }));
        let events = events();
        journal
            .append(jiff::Timestamp::UNIX_EPOCH, events[0].clone())
            .unwrap();
        let died = journal
            .append(jiff::Timestamp::UNIX_EPOCH, events[1].clone())
            .unwrap_err();
        assert!(matches!(died, JournalError::Killed { seq: 2, .. }), "{died}");
        let refused = journal
            .append(jiff::Timestamp::UNIX_EPOCH, events[1].clone())
            .unwrap_err();
        assert!(
            journal.poisoned() && refused.to_string().contains("`resume`"),
            "{refused}"
        );
        assert_eq!(read(&path).unwrap().records.len(), if after { 2 } else { 1 });
    }
}

#[test]
fn an_empty_journal_says_that_the_run_never_began() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = written(folder.path(), Vec::new());
    assert!(matches!(
        Journal::open_for_append(&path),
        Err(JournalError::Empty { .. })
    ));
    assert_eq!(read(&path).unwrap().records, Vec::new());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    /// Whatever a crash leaves of the file is the records that were complete, and the rest is said to be torn.
    #[test]
    fn any_truncation_is_a_valid_prefix_or_a_torn_tail(share in 0.0..=1.0f64) {
        let bytes = all();
        let whole = parse(Path::new("j"), &bytes).unwrap();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        let length = (share * bytes.len() as f64) as usize;
        let reading = parse(Path::new("j"), &bytes[..length]).unwrap();
        let complete = bytes[..length].iter().filter(|b| **b == b'\n').count();
        prop_assert_eq!(&reading.records[..], &whole.records[..complete]);
        let ends_complete = length == 0 || bytes[length - 1] == b'\n';
        prop_assert_eq!(reading.torn.is_none(), ends_complete);
        prop_assert_eq!(reading.complete_bytes + reading.torn.map_or(0, |t| t.bytes.len() as u64), length as u64);
    }

    /// Arbitrary bytes never panic.
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse(Path::new("j"), &bytes);
    }
}

/// Not by chance: every byte of the journal, flipped in each of its bits and to a few hostile values.
#[test]
fn every_flipped_byte_is_detected() {
    let bytes = all();
    let last = bytes.len() - 1;
    let mut line = 1;
    let mut tried = 0;
    for at in 0..bytes.len() {
        let values = (0..8)
            .map(|bit| bytes[at] ^ (1 << bit))
            .chain([0, b'\n', b'"', b' ', 0xff]);
        for value in values.filter(|value| *value != bytes[at]) {
            let mut changed = bytes.clone();
            changed[at] = value;
            match parse(Path::new("j"), &changed) {
                Err(JournalError::Corrupt { line: found, .. }) => {
                    assert_eq!(found, line, "byte {at} to {value}")
                }
                // Only in the last line, when nothing tells it from a record that the power cut left full of zeros.
                Ok(reading) => assert!(
                    reading.torn.is_some_and(|torn| torn.line == 16)
                        && line == 16
                        && value == 0
                        && at != last,
                    "byte {at} to {value} was not detected"
                ),
                Err(other) => panic!("byte {at} to {value}: {other}"),
            }
            tried += 1;
        }
        line += u64::from(bytes[at] == b'\n');
    }
    println!("flipped bytes: {tried} tried");
}
