use serde_json::json;

use super::*;

fn step(id: &str, phase: Phase, kind: StepKind, undo: Undo) -> StepSpec {
    StepSpec {
        id: id.into(),
        phase,
        kind,
        effect: "does it".into(),
        undo,
        on_failure: OnFailure::Rollback,
    }
}

fn last() -> Undo {
    Undo::Last {
        how: "lifts the fence".into(),
    }
}

fn reverse() -> Undo {
    Undo::Reverse {
        how: "puts the fence on".into(),
    }
}

pub(crate) fn small() -> Plan {
    let backup = StepKind::Backup { label: "a".into() };
    Plan {
        format: FORMAT,
        service: "inventario".into(),
        environment: "production".into(),
        database: Target {
            dialect: "sqlite".into(),
            database: "/srv/i.db".into(),
            identity: BTreeMap::new(),
        },
        release: None,
        inputs: BTreeMap::from([("ventana.toml".to_owned(), crate::sha256::hex(b"x"))]),
        start: json!({"b": [1, 2.5, null], "a": {"z": "é\n", "y": true}}),
        steps: vec![
            step("backup_a", Phase::Prepare, backup, Undo::None),
            step(
                "prove_a",
                Phase::Prepare,
                StepKind::Prove {
                    backup: "backup_a".into(),
                },
                Undo::None,
            ),
            step("fence", Phase::Window, StepKind::Fence, last()),
            step(
                "migrate",
                Phase::Window,
                StepKind::Migrate {
                    migration: "0002".into(),
                },
                reverse(),
            ),
            step("lift", Phase::After, StepKind::Lift, reverse()),
            step("watch", Phase::After, StepKind::Watch { seconds: 1 }, Undo::None),
        ],
    }
}

#[test]
fn canonical_json_is_sorted_and_compact() {
    let value: serde_json::Value =
        serde_json::from_str(r#"{ "b": [1, 2.5, null, "é\n\""], "a\u0001": {"z": {}, "y": true}, "a": -0 }"#)
            .unwrap();
    assert_eq!(
        canonical_json(&value),
        r#"{"a":-0.0,"a\u0001":{"y":true,"z":{}},"b":[1,2.5,null,"é\n\""]}"#
    );
}

#[test]
fn the_digest_covers_every_field_and_nothing_else() {
    let plan = small();
    // Fixed for ever: a plan that was approved must be recognised by later versions.
    assert_eq!(
        plan.digest(),
        "4d207a5023234b703ba9ad14b869c8413ec440827937e0a44e150e64c919c08a"
    );
    let mut seen = std::collections::BTreeSet::from([plan.digest()]);
    let mut changed = |change: fn(&mut Plan)| {
        let mut other = small();
        change(&mut other);
        assert!(seen.insert(other.digest()));
    };
    changed(|plan| plan.service.push('x'));
    changed(|plan| plan.database.database.push('x'));
    changed(|plan| plan.start["a"]["y"] = json!(false));
    changed(|plan| plan.steps[0].effect.push('x'));
    changed(|plan| plan.steps[0].on_failure = OnFailure::Hold);
    changed(|plan| plan.steps.swap(0, 1));
    changed(|plan| plan.inputs.clear());
    changed(|plan| plan.steps[5].kind = StepKind::Watch { seconds: 2 });

    let mut file = PlanFile::new(small(), jiff::Timestamp::UNIX_EPOCH).unwrap();
    file.created_at = jiff::Timestamp::from_second(1_762_470_000).unwrap();
    file.expected_ms.insert("fence".into(), 12);
    assert_eq!(
        file.plan.digest(),
        file.plan_digest,
        "when it was made and how long it takes are not in the plan"
    );
}

#[test]
fn a_plan_file_comes_back_and_a_changed_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plan.json");
    let file = PlanFile::new(small(), jiff::Timestamp::UNIX_EPOCH).unwrap();
    file.save(&path).unwrap();
    assert_eq!(PlanFile::load(&path).unwrap(), file);

    let text = std::fs::read_to_string(&path).unwrap();
    let refused = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        crate::durable::write(&path, text.replace(from, to).as_bytes()).unwrap();
        PlanFile::load(&path).unwrap_err().to_string()
    };
    let message = refused("\"seconds\": 1", "\"seconds\": 9");
    assert!(
        message.contains("changed after it was made") && message.contains(&file.plan_digest),
        "{message}"
    );
    let message = refused(
        "\"kind\": \"migrate\",",
        "\"kind\": \"migrate\", \"force\": true,",
    );
    assert!(message.contains("unknown field `force`"), "{message}");
    let message = refused("\"release\": null,", "\"release\": null, \"hooks\": [],");
    assert!(message.contains("unknown field `hooks`"), "{message}");
    // A variant without fields takes no notice of them; the digest of what the file says does.
    let message = refused("\"kind\": \"fence\"", "\"kind\": \"fence\", \"soft\": 1");
    assert!(message.contains("changed after it was made"), "{message}");
}

#[test]
fn all_problems_are_said_at_once() {
    let problems = |change: fn(&mut Plan)| {
        let mut plan = small();
        change(&mut plan);
        plan.validate()
            .map_err(|error| error.to_string())
            .err()
            .unwrap_or_default()
    };
    assert_eq!(problems(|_| {}), "");
    let many = problems(|plan| {
        plan.format = 2;
        plan.inputs.insert("release".into(), "abc".into());
        plan.steps[1].id = "Prove A".into();
        plan.steps[0].effect.clear();
    });
    for part in [
        "format 2",
        "input release",
        "lower-case letters",
        "the effect is not said",
    ] {
        assert!(many.contains(part), "{part}: {many}");
    }
    assert!(problems(|plan| plan.steps[5].id = "lift".into()).contains("used twice"));
    assert!(
        problems(|plan| plan.steps[1].kind = StepKind::Prove { backup: "b".into() })
            .contains("earlier backup")
    );
    assert!(problems(|plan| plan.steps.swap(2, 4)).contains("phase"));
    assert!(problems(|plan| plan.steps[2].undo = Undo::None).contains("a fence needs an undo"));
    assert!(problems(|plan| plan.steps[4].undo = last()).contains("in its turn"));
    assert!(problems(|plan| drop(plan.steps.remove(4))).contains("never lifts"));
    assert!(problems(|plan| drop(plan.steps.remove(2))).contains("no fence to lift"));
    assert!(problems(|plan| plan.steps.clear()).contains("no steps"));
    let fence_and_lift_swapped = problems(|plan| {
        plan.steps.swap(2, 4);
        plan.steps[2].phase = Phase::Window;
        plan.steps[4].phase = Phase::After;
    });
    assert!(
        fence_and_lift_swapped.contains("the lift comes before the fence"),
        "{fence_and_lift_swapped}"
    );
    assert!(
        problems(|plan| plan.steps[3].phase = Phase::Prepare).contains("prepare steps come before the fence")
    );
}

#[test]
fn fenced_is_derived_from_the_order() {
    let plan = small();
    let fenced: Vec<_> = plan
        .steps
        .iter()
        .filter(|step| plan.fenced(&step.id))
        .map(|step| step.id.as_str())
        .collect();
    assert_eq!(fenced, ["migrate"]);
    assert!(!plan.fenced("nobody"));
}
