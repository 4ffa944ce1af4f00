use super::*;
use db::migration::Online;
use std::fmt::Write as _;

const PRUNED: &str = r#"
table = "equipos"
columns = ["datos"]
contract = [{ sql = "ALTER TABLE equipos CHANGE datos datos_v1 TEXT, CHANGE datos_v2 datos JSON", undo = "ALTER TABLE equipos CHANGE back" }]
start = [{ name = "text", query = "SELECT 1" }]
"#;

/// What stands in the part for servers, too.
const ONLINE: &str = r#"
expand = [
  { sql = "ALTER TABLE equipos ADD COLUMN datos_v2 JSON INVISIBLE", undo = "ALTER TABLE equipos DROP COLUMN datos_v2" },
  { sql = "ALTER TABLE equipos ADD CHECK (json_valid(datos_v2))" },
]
sync = [{ sql = "CREATE TRIGGER t BEFORE UPDATE ON equipos", undo = "DROP TRIGGER t" }]
backfill = { table = "equipos", key = "id", set = "datos_v2 = datos", rows = "datos IS NOT NULL", batch = 500 }
"#;

fn pinned(text: &str) -> Pinned {
    Pinned {
        id: "0007_datos".into(),
        state: "text".into(),
        uses: Vec::new(),
        online: toml::from_str::<Online>(text).unwrap(),
    }
}

const SERVICE: &str = r#"
[process]
restart = ["systemctl", "restart", "equipos"]
[smoke]
url = "http://127.0.0.1:1"
check = [{ name = "one", path = "/" }, { name = "two", path = "/", write = true }]
[watch]
seconds = 30
[backup]
off_site = "/mnt/away"
"#;

fn plan(
    dialect: Dialect,
    configuration: &str,
    release: Option<&str>,
    migration: Option<&Pinned>,
) -> Vec<StepSpec> {
    let file: File = toml::from_str(configuration).unwrap();
    steps(&Inputs {
        dialect,
        file: &file,
        release,
        source: release.map(|release| format!("/incoming/{release}")),
        migration,
    })
}

/// A line for each step: phase, id, how it is undone, what happens when it fails.
fn shown(steps: &[StepSpec]) -> String {
    steps.iter().fold(String::new(), |mut text, step| {
        let undo = match &step.undo {
            Undo::None => "-",
            Undo::Reverse { .. } => "reverse",
            Undo::Last { .. } => "last",
        };
        let failure = match step.on_failure {
            OnFailure::Rollback => "",
            OnFailure::Hold => " hold",
            OnFailure::Retry { .. } => " retry",
        };
        let _ = writeln!(text, "{:?} {} {undo}{failure}", step.phase, step.id);
        text
    })
}

fn ids(steps: &[StepSpec]) -> Vec<&str> {
    steps.iter().map(|step| step.id.as_str()).collect()
}

#[test]
fn sqlite_migrates_in_one_transaction_under_the_fence() {
    let all = plan(Dialect::Sqlite, SERVICE, Some("r2"), Some(&pinned(PRUNED)));
    insta::assert_snapshot!(shown(&all), @"
    Prepare preflight last
    Prepare backup_a -
    Prepare prove_a -
    Prepare off_site_a -
    Prepare stage -
    Window fence last
    Window digest_before last
    Window backup_b -
    Window verify_b -
    Window proof_fenced -
    Window migrate reverse
    Window switch reverse
    Window restart last
    Window smoke -
    Window invariants -
    After lift reverse
    After smoke_write - hold
    After watch - hold
    After off_site_b - hold
    ");
}

#[test]
fn a_server_expands_before_the_fence_and_contracts_under_it() {
    let migration = pinned(&format!("{PRUNED}{ONLINE}"));
    let all = plan(Dialect::MariaDb, SERVICE, Some("r2"), Some(&migration));
    insta::assert_snapshot!(shown(&all), @"
    Prepare preflight last
    Prepare backup_a -
    Prepare prove_a -
    Prepare off_site_a -
    Prepare stage -
    Prepare expand.1 reverse
    Prepare expand.2 -
    Prepare sync.1 reverse
    Prepare backfill -
    Prepare proof -
    Window fence last
    Window digest_before last
    Window backup_b -
    Window verify_b -
    Window proof_fenced -
    Window contract.1 reverse
    Window switch reverse
    Window restart last
    Window smoke -
    Window invariants -
    After lift reverse
    After smoke_write - hold
    After watch - hold
    After off_site_b - hold
    ");
    let mysql = plan(Dialect::MySql, SERVICE, Some("r2"), Some(&migration));
    assert_eq!(mysql, all, "one window for both");
}

#[test]
fn what_is_not_configured_is_no_step() {
    let alone = plan(Dialect::Sqlite, "", None, Some(&pinned(PRUNED)));
    insta::assert_snapshot!(shown(&alone), @"
    Prepare preflight last
    Prepare backup_a -
    Prepare prove_a -
    Window fence last
    Window digest_before last
    Window backup_b -
    Window verify_b -
    Window proof_fenced -
    Window migrate reverse
    Window invariants -
    After lift reverse
    ");
    let release = plan(Dialect::MariaDb, "", Some("r2"), None);
    insta::assert_snapshot!(shown(&release), @"
    Prepare preflight last
    Prepare backup_a -
    Prepare prove_a -
    Prepare stage -
    Window fence last
    Window digest_before last
    Window backup_b -
    Window verify_b -
    Window switch reverse
    After lift reverse
    ");
    // Checks that write are asked after the lift, and only where there are some.
    let reads = SERVICE.replace("write = true", "write = false");
    let reads = plan(Dialect::Sqlite, &reads, Some("r2"), None);
    assert!(!ids(&reads).contains(&"smoke_write"));
    assert!(ids(&reads).contains(&"smoke"));
}

/// Whatever is configured, these hold; `Plan::validate` asks for some of them again.
#[test]
fn what_holds_for_every_plan() {
    let (pruned, whole) = (pinned(PRUNED), pinned(&format!("{PRUNED}{ONLINE}")));
    for dialect in [Dialect::Sqlite, Dialect::MariaDb, Dialect::MySql] {
        for configuration in ["", SERVICE] {
            for release in [None, Some("r2")] {
                for migration in [
                    None,
                    Some(if dialect == Dialect::Sqlite {
                        &pruned
                    } else {
                        &whole
                    }),
                ] {
                    let steps = plan(dialect, configuration, release, migration);
                    let at = |id: &str| ids(&steps).iter().position(|known| *known == id).unwrap();
                    let shown = shown(&steps);
                    assert!(
                        at("prove_a") < at("fence"),
                        "backup A is proven before the fence\n{shown}"
                    );
                    assert_eq!(at("digest_before"), at("fence") + 1, "{shown}");
                    assert!(at("verify_b") < at("lift"), "{shown}");
                    assert!(steps.is_sorted_by_key(|step| step.phase), "{shown}");
                    let changes = |step: &&StepSpec| step.phase == Phase::Window && !step.undo.is_none();
                    for step in steps
                        .iter()
                        .filter(changes)
                        .filter(|step| !["fence", "digest_before"].contains(&&*step.id))
                    {
                        assert!(
                            at(&step.id) > at("verify_b"),
                            "{} before backup B is verified\n{shown}",
                            step.id
                        );
                    }
                    for step in steps
                        .iter()
                        .filter(|step| step.phase == Phase::After && step.id != "lift")
                    {
                        assert_eq!(
                            step.on_failure,
                            OnFailure::Hold,
                            "users have written since the lift\n{shown}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn a_statement_says_what_it_does_in_a_few_words() {
    let migration = pinned(&format!("{PRUNED}{ONLINE}"));
    let all = plan(Dialect::MariaDb, "", None, Some(&migration));
    let first = all.iter().find(|step| step.id == "expand.1").unwrap();
    assert_eq!(first.effect, "ALTER TABLE equipos ADD COLUMN datos_v2 JSON …");
    assert_eq!(
        first.undo.how(),
        Some("ALTER TABLE equipos DROP COLUMN datos_v2 …")
    );
    let StepKind::Backfill { column, batch, .. } =
        &all.iter().find(|step| step.id == "backfill").unwrap().kind
    else {
        panic!("no backfill")
    };
    assert_eq!((column.as_str(), *batch), ("datos_v2", 500));
}

#[test]
fn files_alone_prove_backup_b_where_that_is_wanted() {
    let mode = |configuration: &str| {
        let all = plan(Dialect::Sqlite, configuration, Some("r2"), None);
        all.into_iter().find_map(|step| match step.kind {
            StepKind::VerifyBackup { mode, .. } => Some((mode, step.effect)),
            _ => None,
        })
    };
    let (restored, effect) = mode("").unwrap();
    assert!(
        restored == VerifyMode::Restore && effect.contains("restores it"),
        "{effect}"
    );
    let (files, effect) = mode("[backup]\nverify_final = \"files\"").unwrap();
    assert!(
        files == VerifyMode::Files && !effect.contains("restores"),
        "{effect}"
    );
}

#[test]
fn triggers_are_acknowledged_by_name() {
    let migration = |names: &[&str]| Migration {
        id: "0007_datos".into(),
        accept_triggers: names.iter().map(ToString::to_string).collect(),
    };
    let triggers = ["bitacora".to_string(), "auditoria".to_string()];
    assert_eq!(unacknowledged(&triggers, &migration(&[])), triggers);
    assert_eq!(
        unacknowledged(&triggers, &migration(&["bitacora"])),
        ["auditoria"]
    );
    assert_eq!(
        unacknowledged(&triggers, &migration(&["Bitacora", "auditoria", "other"])),
        ["bitacora"]
    );
}

#[test]
fn every_step_and_undo_is_told_in_spanish_but_for_statements() {
    use crate::ui::{Language, wording};
    let online = pinned(&format!("{PRUNED}{ONLINE}"));
    let files = format!("{SERVICE}verify_final = \"files\"\n");
    let windows = [
        plan(Dialect::Sqlite, SERVICE, Some("r2"), Some(&pinned(PRUNED))),
        plan(Dialect::MariaDb, &files, Some("r2"), Some(&online)),
    ];
    for step in windows.iter().flatten() {
        let statement = matches!(step.kind, StepKind::Statement { .. });
        let differs = |spanish: Option<String>, words: Option<&str>| spanish.as_deref() != words;
        assert_eq!(wording::effect(step, Language::En), step.effect);
        assert_eq!(wording::undo(step, Language::En).as_deref(), step.undo.how());
        assert_eq!(
            differs(Some(wording::effect(step, Language::Es)), Some(&step.effect)),
            !statement,
            "{}",
            step.id
        );
        assert_eq!(
            differs(wording::undo(step, Language::Es), step.undo.how()),
            !statement && !step.undo.is_none(),
            "{}",
            step.id
        );
    }
}
