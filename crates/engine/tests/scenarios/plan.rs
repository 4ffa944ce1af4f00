//! A plan in the order of a MariaDB window.

use std::collections::BTreeMap;

use engine::plan::*;
use serde_json::json;

pub(super) fn window() -> Plan {
    use StepKind::*;
    let m = || "0002_json".to_owned();
    let b = |id: &str| format!("backup_{id}");
    let statement = |part, index| Statement {
        migration: m(),
        part,
        index,
        sql: "ALTER".to_owned(),
        undo_sql: Some("ALTER back".to_owned()),
    };
    let none = Undo::None;
    let reverse = Undo::Reverse {
        how: "taken back".to_owned(),
    };
    let last = Undo::Last {
        how: "taken back last".to_owned(),
    };
    let mut steps = Vec::new();
    let mut add = |id: &str, phase: Phase, kind: StepKind, undo: &Undo| {
        steps.push(StepSpec {
            id: id.to_owned(),
            phase,
            effect: format!("{id} is done"),
            kind,
            undo: undo.clone(),
            on_failure: OnFailure::Rollback,
        });
    };
    use Phase::{After, Prepare, Window};
    add("preflight", Prepare, Preflight, &none);
    add("backup_a", Prepare, Backup { label: "a".into() }, &none);
    add("prove_a", Prepare, Prove { backup: b("a") }, &none);
    add(
        "off_site_a",
        Prepare,
        OffSite {
            backup: b("a"),
            to: "copy".into(),
        },
        &none,
    );
    add(
        "stage",
        Prepare,
        Stage {
            release: "r2".into(),
            source: "build".into(),
        },
        &reverse,
    );
    add("expand.0", Prepare, statement(Part::Expand, 0), &reverse);
    add("expand.1", Prepare, statement(Part::Expand, 1), &reverse);
    add("sync.0", Prepare, statement(Part::Sync, 0), &reverse);
    let backfill = Backfill {
        migration: m(),
        table: "t".into(),
        key: "id".into(),
        column: "c".into(),
        batch: 10,
    };
    add("backfill", Prepare, backfill, &none);
    add("proof", Prepare, Proof { migration: m() }, &none);
    add("fence", Window, Fence, &last);
    add(
        "digest_before",
        Window,
        Digest {
            label: "before".into(),
        },
        &last,
    );
    add("backup_b", Window, Backup { label: "b".into() }, &none);
    add(
        "verify_b",
        Window,
        VerifyBackup {
            backup: b("b"),
            mode: VerifyMode::Restore,
        },
        &none,
    );
    let same = SameDigest {
        label: "still fenced".into(),
        as_at: "digest_before".into(),
    };
    add("proof_fenced", Window, same, &none);
    add("contract.0", Window, statement(Part::Contract, 0), &reverse);
    add("contract.1", Window, statement(Part::Contract, 1), &reverse);
    add("switch", Window, Switch { release: "r2".into() }, &reverse);
    add("restart", Window, Restart, &none);
    add("smoke", Window, Smoke { checks: Checks::Read }, &none);
    add("invariants", Window, Invariants { migration: m() }, &none);
    add("lift", After, Lift, &reverse);
    add(
        "smoke_write",
        After,
        Smoke {
            checks: Checks::Write,
        },
        &none,
    );
    add("watch", After, Watch { seconds: 5 }, &none);
    add(
        "off_site_b",
        After,
        OffSite {
            backup: b("b"),
            to: "copy".into(),
        },
        &none,
    );
    let plan = Plan {
        format: FORMAT,
        service: "inventario".into(),
        environment: "test".into(),
        database: Target {
            dialect: "mariadb".into(),
            database: "inventario".into(),
            identity: BTreeMap::from([("server_uid".to_owned(), "x".to_owned())]),
        },
        release: Some(ReleaseChange {
            from: Some("r1".into()),
            to: "r2".into(),
            digest: "d".into(),
        }),
        inputs: BTreeMap::new(),
        start: json!({"tables": {}}),
        steps,
    };
    plan.validate().unwrap();
    plan
}
