use super::*;

use proptest::collection::vec;
use proptest::prelude::*;

fn name(stamp: &str, number: u32) -> BackupName {
    BackupName::new("demo", stamp, number).unwrap()
}

fn whole(stamp: &str) -> Seen {
    Seen {
        name: name(stamp, 1),
        database: "shop".into(),
        state: SeenState::Complete { proven: None },
    }
}

fn kept(decisions: &[Decision]) -> Vec<String> {
    let kept = decisions.iter().filter(|decision| decision.keep);
    kept.map(|decision| decision.name.stamp().to_owned()).collect()
}

#[test]
fn days_are_those_of_the_calendar() {
    for (stamp, day) in [
        ("19700101_000000", 0),
        ("20000229_000000", 11_016),
        ("20000301_000000", 11_017),
        ("20251106_230000", 20_398),
        ("21000228_000000", 47_540),
        ("21000301_000000", 47_541),
    ] {
        assert_eq!(days(stamp), day, "{stamp}");
    }
    assert_eq!(seconds("19700102_010203"), 86_400 + 3723);
}

#[test]
fn last_days_weeks_and_months() {
    // Two a day on some days; 2025-11-02 was a Sunday, 2025-11-03 a Monday.
    let backups = [
        "20250915_020000",
        "20251001_020000",
        "20251026_020000",
        "20251102_020000",
        "20251103_020000",
        "20251104_020000",
        "20251105_020000",
        "20251105_140000",
        "20251106_020000",
    ]
    .map(whole);
    let decide = |policy| decide(&backups, policy, "20251106_030000", &BTreeSet::new());
    let policy = |last, daily, weekly, monthly| Policy {
        last,
        daily,
        weekly,
        monthly,
    };
    assert_eq!(
        kept(&decide(policy(2, 0, 0, 0))),
        ["20251106_020000", "20251105_140000"]
    );
    assert_eq!(
        kept(&decide(policy(0, 3, 0, 0))),
        ["20251106_020000", "20251105_140000", "20251104_020000"]
    );
    assert_eq!(
        kept(&decide(policy(0, 0, 3, 0))),
        ["20251106_020000", "20251102_020000", "20251026_020000"]
    );
    assert_eq!(
        kept(&decide(policy(0, 0, 0, 9))),
        ["20251106_020000", "20251026_020000", "20250915_020000"]
    );
    let both = decide(policy(1, 2, 0, 0));
    assert_eq!(
        both[0].reasons,
        [Reason::Last, Reason::Daily, Reason::Newest].into()
    );
    assert_eq!(both[2].reasons, [Reason::NoRule].into());
}

#[test]
fn what_never_goes() {
    let seen = |stamp: &str, state| Seen {
        name: name(stamp, 1),
        database: "shop".into(),
        state,
    };
    let complete = |proven| SeenState::Complete { proven };
    let backups = [
        seen("20251201_000000", complete(None)),
        seen("20251105_000000", complete(None)),
        seen("20251104_000000", complete(Some(Proven::Files))),
        seen("20251103_000000", complete(Some(Proven::Files))),
        seen("20251102_000000", complete(Some(Proven::Restore))),
        seen("20251101_000000", complete(Some(Proven::Restore))),
        seen("20251031_000000", complete(None)),
        seen("20251030_000000", SeenState::Unreadable),
        seen("20251106_000000", SeenState::Incomplete { held: false }),
        seen("20251029_000000", SeenState::Incomplete { held: true }),
        seen("20251028_000000", SeenState::Incomplete { held: false }),
    ];
    let needed = BTreeSet::from(["demo_20251031_000000".to_owned()]);
    let decisions = decide(&backups, Policy::default(), "20251106_120000", &needed);
    let reasons: Vec<(&str, bool, Vec<Reason>)> = decisions
        .iter()
        .map(|d| (&d.name.stamp()[4..8], d.keep, d.reasons.iter().copied().collect()))
        .collect();
    assert_eq!(
        reasons,
        [
            ("1201", true, vec![Reason::Future]),
            ("1106", true, vec![Reason::YoungRemains]),
            ("1105", true, vec![Reason::Newest]),
            ("1104", true, vec![Reason::NewestProven]),
            ("1103", false, vec![Reason::NoRule]),
            ("1102", true, vec![Reason::NewestProven]),
            ("1101", false, vec![Reason::NoRule]),
            ("1031", true, vec![Reason::Needed]),
            ("1030", true, vec![Reason::Unreadable]),
            ("1029", true, vec![Reason::BeingWritten]),
            ("1028", false, vec![Reason::Remains]),
        ]
    );
}

const NOW: &str = "20260301_120000";

fn state() -> impl Strategy<Value = SeenState> {
    prop_oneof![
        4 => Just(SeenState::Complete { proven: None }),
        2 => Just(SeenState::Complete { proven: Some(Proven::Files) }),
        2 => Just(SeenState::Complete { proven: Some(Proven::Restore) }),
        1 => any::<bool>().prop_map(|held| SeenState::Incomplete { held }),
        1 => Just(SeenState::Unreadable),
    ]
}

/// Around the turn of a year and a month, close enough together to share days, a few of them later than now.
fn seen() -> impl Strategy<Value = Seen> {
    let month = prop_oneof![
        Just((2025, 12)),
        Just((2026, 1)),
        Just((2026, 2)),
        Just((2026, 3))
    ];
    (month, 1..29_u32, 0..24_u32, 1..3_u32, state()).prop_map(|((year, month), day, hour, number, state)| {
        Seen {
            name: name(&format!("{year}{month:02}{day:02}_{hour:02}0000"), number),
            database: "shop".into(),
            state,
        }
    })
}

/// Of one name there is at most one folder of each kind.
fn backups() -> impl Strategy<Value = Vec<Seen>> {
    vec(seen(), 0..60).prop_map(|mut all| {
        let mut known = BTreeSet::new();
        all.retain(|seen| known.insert(seen.name.to_string()));
        all
    })
}

fn policy() -> impl Strategy<Value = Policy> {
    (0..6_usize, 0..10_usize, 0..6_usize, 0..4_usize).prop_map(|(last, daily, weekly, monthly)| Policy {
        last,
        daily,
        weekly,
        monthly,
    })
}

fn names(backups: &[Seen], one_in: usize) -> BTreeSet<String> {
    let some = backups.iter().step_by(one_in);
    some.map(|seen| seen.name.to_string()).collect()
}

fn kept_names(decisions: &[Decision]) -> BTreeSet<String> {
    let kept = decisions.iter().filter(|decision| decision.keep);
    kept.map(|decision| decision.name.to_string()).collect()
}

proptest! {
    #[test]
    fn raising_a_number_lets_nothing_more_go(backups in backups(), policy in policy(), more in policy()) {
        let raised = Policy {
            last: policy.last + more.last,
            daily: policy.daily + more.daily,
            weekly: policy.weekly + more.weekly,
            monthly: policy.monthly + more.monthly,
        };
        let needed = names(&backups, 9);
        let before = kept_names(&decide(&backups, policy, NOW, &needed));
        let after = kept_names(&decide(&backups, raised, NOW, &needed));
        prop_assert!(before.is_subset(&after), "{before:?} {after:?}");
    }

    /// Beside another database's backups the same is decided as without them.
    #[test]
    fn a_backup_never_goes_because_of_one_of_another_database(
        backups in backups(), others in prop::collection::vec(any::<bool>(), 40), policy in policy(),
    ) {
        let mut all = backups.clone();
        for (seen, other) in all.iter_mut().zip(&others) {
            if *other {
                seen.database = "staging".into();
            }
        }
        let together = decide(&all, policy, NOW, &BTreeSet::new());
        for database in ["shop", "staging"] {
            let alone: Vec<Seen> = all.iter().filter(|seen| seen.database == database).cloned().collect();
            for decision in decide(&alone, policy, NOW, &BTreeSet::new()) {
                prop_assert!(together.contains(&decision), "{decision:?}");
            }
        }
    }

    #[test]
    fn as_many_stay_as_the_rules_say(backups in backups(), policy in policy()) {
        let decisions = decide(&backups, policy, NOW, &BTreeSet::new());
        let complete: Vec<&Seen> = backups
            .iter()
            .filter(|seen| matches!(seen.state, SeenState::Complete { .. }) && seen.name.stamp() <= NOW)
            .collect();
        let periods = |of: fn(&str) -> String| -> usize {
            complete.iter().map(|seen| of(seen.name.stamp())).collect::<BTreeSet<_>>().len()
        };
        let with = |reason| decisions.iter().filter(|decision| decision.reasons.contains(&reason)).count();
        prop_assert_eq!(with(Reason::Last), policy.last.min(complete.len()));
        prop_assert_eq!(with(Reason::Daily), policy.daily.min(periods(|stamp| stamp[..8].to_owned())));
        prop_assert_eq!(with(Reason::Monthly), policy.monthly.min(periods(|stamp| stamp[..6].to_owned())));
        prop_assert_eq!(with(Reason::Newest), usize::from(!complete.is_empty()));
    }

    #[test]
    fn what_is_left_is_left_again(backups in backups(), policy in policy()) {
        let needed = names(&backups, 7);
        let first = decide(&backups, policy, NOW, &needed);
        let stayed = kept_names(&first);
        let left: Vec<Seen> = backups.iter().filter(|seen| stayed.contains(&seen.name.to_string())).cloned().collect();
        let second = decide(&left, policy, NOW, &needed);
        prop_assert!(second.iter().all(|decision| decision.keep));
        let first: Vec<Decision> = first.into_iter().filter(|decision| decision.keep).collect();
        prop_assert_eq!(first, second);
    }

    #[test]
    fn order_decides_nothing(backups in backups(), policy in policy(), turn in 0..60_usize) {
        let needed = names(&backups, 5);
        let mut turned = backups.clone();
        let length = turned.len().max(1);
        turned.rotate_left(turn % length);
        turned.reverse();
        prop_assert_eq!(decide(&backups, policy, NOW, &needed), decide(&turned, policy, NOW, &needed));
    }

    #[test]
    fn nothing_that_is_needed_proven_alone_or_at_work_goes(backups in backups(), policy in policy()) {
        let needed = names(&backups, 3);
        let decisions = decide(&backups, policy, NOW, &needed);
        prop_assert_eq!(decisions.len(), backups.len());
        let kept = kept_names(&decisions);
        prop_assert!(needed.is_subset(&kept));
        for seen in &backups {
            if matches!(seen.state, SeenState::Unreadable | SeenState::Incomplete { held: true }) {
                prop_assert!(kept.contains(&seen.name.to_string()));
            }
        }
        for how in [Proven::Files, Proven::Restore] {
            let proven = |seen: &&Seen| seen.state == SeenState::Complete { proven: Some(how) };
            if how == Proven::Restore && backups.iter().any(|seen| proven(&seen)) {
                prop_assert!(backups.iter().filter(proven).any(|seen| kept.contains(&seen.name.to_string())));
            }
        }
        let any_proven = |seen: &&Seen| matches!(seen.state, SeenState::Complete { proven: Some(_) });
        if backups.iter().any(|seen| any_proven(&seen)) {
            prop_assert!(backups.iter().filter(any_proven).any(|seen| kept.contains(&seen.name.to_string())));
        }
    }
}
