//! `kill -9` of `ventana` at every journal record on SQLite, in the window and on the way back. Whoever comes next goes on
//! with `resume` or turns back with `rollback`, and ends in one of exactly two states, known from runs that nobody killed:
//! the new one or the original.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::world::data::{self, assert_same};
use crate::world::pairs::in_pairs;
use crate::world::{Fixture, Scene};

/// What is under way when the process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Story {
    /// A window that nothing disturbs.
    Window,
    /// A finished window that is being taken back.
    Back,
    /// A window whose smoke fails, so that it turns back by itself.
    Failing,
}

/// What the person types who finds the dead run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Resume,
    Rollback,
    /// `resume` is killed too, around the record that it writes as its nth; then `resume` again.
    ResumeTwice(u64),
}

#[derive(Debug, Clone)]
struct Case {
    story: Story,
    kill: String,
    then: Then,
}

/// The two right ends, and the journals of the three stories when nobody is killed.
struct Known {
    fixture: Arc<Fixture>,
    original: String,
    new: String,
    window: Vec<Value>,
    back: Vec<Value>,
    failing: Vec<Value>,
}

impl Known {
    fn new() -> Known {
        let fixture = Fixture::new();
        let original = data::dump(&fixture.database());
        let scene = Scene::new(&fixture);
        scene.run(["run"]).ok();
        data::assert_migrated(&fixture.database(), &scene.database(), 0);
        let (new, window) = (data::dump(&scene.database()), scene.journal());
        scene.run(["rollback"]).ok();
        assert_same(
            &data::dump(&scene.database()),
            &original,
            "after an undisturbed rollback",
        );
        let back = scene.journal();
        let scene = begin(&fixture, Story::Failing);
        scene.run(["run"]).expect(3);
        assert_same(
            &data::dump(&scene.database()),
            &original,
            "after an undisturbed failure",
        );
        let failing = scene.journal();
        assert_ne!(new, original);
        Known {
            fixture,
            original,
            new,
            window,
            back,
            failing,
        }
    }
}

/// The scene of a story, right before its window.
fn begin(fixture: &Arc<Fixture>, story: Story) -> Scene {
    let scene = Scene::new(fixture);
    if story == Story::Failing {
        scene.add_to_configuration(
            "[[smoke.check]]\nname = \"never true\"\npath = \"/healthz\"\nstatus = 418\n",
        );
    }
    scene
}

#[test]
fn a_window_that_is_killed_at_any_record_goes_on() {
    let known = Known::new();
    let last = known.window.len();
    let mut cases = cases(Story::Window, 1..=last, Then::Resume);
    // The second process dies as well: at the record that says that it goes on, and at the one after it.
    for seq in (2..last).step_by(5) {
        cases.push(case(Story::Window, "after", seq, Then::ResumeTwice(1)));
        cases.push(case(Story::Window, "before", seq, Then::ResumeTwice(2)));
    }
    in_pairs(&cases, |case| play(&known, case));
}

#[test]
fn a_window_that_is_killed_can_be_taken_back() {
    let known = Known::new();
    let mut cases = Vec::new();
    for seq in 2..=known.window.len() {
        // What was done and not journaled yet is the hard half; what was journaled and not done is one of a kind.
        cases.push(case(Story::Window, "before", seq, Then::Rollback));
        if seq % 5 == 0 || seq == known.window.len() {
            cases.push(case(Story::Window, "after", seq, Then::Rollback));
        }
    }
    in_pairs(&cases, |case| play(&known, case));
}

#[test]
fn a_way_back_that_is_killed_at_any_record_goes_on() {
    let known = Known::new();
    let first = known.window.len() + 1;
    let mut cases = cases(Story::Back, first..=known.back.len(), Then::Resume);
    let failed = 1 + known
        .failing
        .iter()
        .position(|record| record["event"] == "failed")
        .unwrap();
    for seq in failed..=known.failing.len() {
        let (one, other) = if seq % 2 == 0 {
            ("after", "before")
        } else {
            ("before", "after")
        };
        cases.push(case(Story::Failing, one, seq, Then::Resume));
        cases.push(case(Story::Failing, other, seq, Then::Rollback));
    }
    in_pairs(&cases, |case| play(&known, case));
}

fn case(story: Story, when: &str, seq: usize, then: Then) -> Case {
    Case {
        story,
        kill: format!("{when}:{seq}"),
        then,
    }
}

/// Before and after every record.
fn cases(story: Story, records: impl Iterator<Item = usize>, then: Then) -> Vec<Case> {
    records
        .flat_map(|seq| ["before", "after"].map(|when| case(story, when, seq, then)))
        .collect()
}

fn play(known: &Known, case: &Case) {
    let scene = begin(&known.fixture, case.story);
    let verb = match case.story {
        Story::Window | Story::Failing => "run",
        Story::Back => {
            scene.run(["run"]).ok();
            "rollback"
        }
    };
    killed(&scene, verb, &case.kill);
    in_between(&scene, case.story);
    if let Then::ResumeTwice(nth) = case.then {
        let written = scene.journal().len() as u64;
        killed(&scene, "resume", &format!("after:{}", written + nth));
        in_between(&scene, case.story);
    }
    let records = scene.journal();
    let closed = |outcome: &str| records.last().is_some_and(|last| last["outcome"] == outcome);
    let (verb, back) = match case.then {
        Then::Rollback => ("rollback", true),
        // Whoever was killed before the request was journaled has asked for nothing.
        _ => ("resume", case.story != Story::Window && !closed("done")),
    };
    let over = records
        .last()
        .is_none_or(|last| last["event"] == "closed" && verb == "resume");
    if over {
        // Nothing was begun, or nothing is left to do: said so, and nothing done.
        let refused = scene.run([verb]);
        assert!(matches!(refused.code, Some(1 | 2)), "{refused}");
        if records.is_empty() {
            scene.run(["run"]).ok();
        }
    } else {
        let output = scene.run([verb]);
        let document = output.json();
        let expected = match (verb, back) {
            (_, false) => (0, vec!["done"]),
            ("rollback", _) => (0, vec!["rolled_back", "failed"]),
            _ => (3, vec!["rolled_back"]),
        };
        assert_eq!(output.code, Some(expected.0), "{output}");
        assert!(
            expected.1.iter().any(|word| document["outcome"] == *word),
            "{output}"
        );
        assert_eq!(document["exit_code"], expected.0, "{output}");
    }
    let (wanted, release) = if back {
        (&known.original, "r1")
    } else {
        (&known.new, "r2")
    };
    assert_same(&data::dump(&scene.database()), wanted, "the data at the end");
    scene.assert_stands_at(release);
    data::assert_chained(&scene.run_dir().join("journal.jsonl"));
    let written = scene.put(&scene.token(), 9, &json!({ "notas": "work goes on" }));
    assert_eq!(written.status, 200, "{}", written.text());
}

/// Runs `verb` until the process dies by SIGKILL at the given place.
fn killed(scene: &Scene, verb: &str, at: &str) {
    let output = scene.ventana([verb]).env("VENTANA_TEST_KILL", at).run();
    assert_eq!(
        output.signal,
        Some(9),
        "`ventana {verb}` should have died {at}: {output}"
    );
}

/// Nobody has come yet: the fence is as the journal says, `status` knows it and names the command that goes on.
fn in_between(scene: &Scene, story: Story) {
    let records = scene.journal();
    let up = scene.flag().exists();
    if let Some(fence) = fence_by_journal(&records) {
        assert_eq!(up, fence, "the flag file after {:?}", records.last());
    }
    if records.is_empty() {
        return;
    }
    let status = scene.run(["status"]).ok().json();
    assert_eq!(status["fence"]["flag_present"], up, "{status}");
    assert_eq!(status["alive"], false, "{status}");
    if records.last().is_some_and(|last| last["event"] != "closed") {
        let next = status["next"].as_str().unwrap_or_default();
        assert!(
            next.starts_with("ventana resume")
                || story != Story::Window && next.starts_with("ventana rollback"),
            "{status}"
        );
    }
    if up {
        let answer = scene.put(&scene.token(), 5, &json!({ "notas": "past the fence" }));
        assert_eq!(
            (answer.status, answer.header("Retry-After")),
            (503, Some("7")),
            "{}",
            answer.text()
        );
    }
}

/// Whether the fence is on, where the journal leaves no doubt.
pub(crate) fn fence_by_journal(records: &[Value]) -> Option<bool> {
    let last = |events: &[&str], step: &str| {
        records.iter().rposition(|record| {
            record["step"] == step && events.iter().any(|event| record["event"] == *event)
        })
    };
    let doing = ["started", "undo_started"];
    let done = ["finished", "undo_finished"];
    let (begun, ended) = (
        last(&doing, "fence").max(last(&doing, "lift")),
        last(&done, "fence").max(last(&done, "lift")),
    );
    match (begun, ended) {
        (None, _) => Some(false),
        (Some(begun), Some(ended)) if ended > begun => {
            let record = &records[ended];
            let raised = (record["step"] == "fence") == (record["event"] == "finished");
            Some(raised)
        }
        _ => None,
    }
}
