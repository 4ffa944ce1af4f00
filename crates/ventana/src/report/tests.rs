use super::verdict::Tone;
use super::*;
use engine::journal::{Attachment, Event, Journal, Mode};
use engine::plan::{OnFailure, Phase, PlanFile, ReleaseChange, StepKind, StepSpec, Target, Undo};
use engine::{Outcome, StepError};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const HOSTILE: &str = "</pre><script>alert('x')</script>\n# | `x` [l](javascript:x) \u{1b}[2J ñ 😀";

fn plan() -> Plan {
    let step = |id: &str, phase, kind, undo| StepSpec {
        id: id.into(),
        phase,
        kind,
        effect: format!("effect of {id}"),
        undo,
        on_failure: OnFailure::Rollback,
    };
    let last = || Undo::Last { how: "last".into() };
    let back = || Undo::Reverse { how: "back".into() };
    let backup = |label: &str| StepKind::Backup { label: label.into() };
    Plan {
        format: engine::plan::FORMAT,
        service: "inventario".into(),
        environment: "production".into(),
        database: Target {
            dialect: "sqlite".into(),
            database: "/srv/i.db".into(),
            identity: BTreeMap::new(),
        },
        release: Some(ReleaseChange {
            from: Some("r1".into()),
            to: "r2".into(),
            digest: "d".repeat(64),
        }),
        inputs: BTreeMap::from([("ventana.toml".to_owned(), engine::sha256::hex(b"x"))]),
        start: Value::Null,
        steps: vec![
            step("backup_a", Phase::Prepare, backup("a"), Undo::None),
            step(
                "prove_a",
                Phase::Prepare,
                StepKind::Prove {
                    backup: "backup_a".into(),
                },
                Undo::None,
            ),
            step(
                "off_site_a",
                Phase::Prepare,
                StepKind::OffSite {
                    backup: "backup_a".into(),
                    to: "x".into(),
                },
                Undo::None,
            ),
            step("fence", Phase::Window, StepKind::Fence, last()),
            step(
                "digest_before",
                Phase::Window,
                StepKind::Digest {
                    label: "before".into(),
                },
                last(),
            ),
            step(
                "migrate",
                Phase::Window,
                StepKind::Migrate {
                    migration: "0002".into(),
                },
                back(),
            ),
            step(
                "invariants",
                Phase::Window,
                StepKind::Invariants {
                    migration: "0002".into(),
                },
                Undo::None,
            ),
            step("lift", Phase::After, StepKind::Lift, back()),
        ],
    }
}

/// A run's folder, its journal written record by record, half a second apart.
struct Folder {
    dir: tempfile::TempDir,
    journal: Journal,
    records: i64,
}

impl Folder {
    fn new() -> Folder {
        let dir = tempfile::tempdir().unwrap();
        let start: Timestamp = "2025-11-06T22:00:00Z".parse().unwrap();
        let file = PlanFile::new(plan(), start).unwrap();
        file.save(&dir.path().join("plan.json")).unwrap();
        let journal = Journal::create(&dir.path().join("journal.jsonl"), "20251106_230000").unwrap();
        let mut folder = Folder {
            dir,
            journal,
            records: 0,
        };
        folder.say(Event::Opened {
            plan_digest: file.plan_digest,
            mode: Mode::Run,
            tool: "ventana".into(),
            unapproved: true,
            by: "ana".into(),
        });
        folder
    }

    fn say(&mut self, event: Event) {
        let start: Timestamp = "2025-11-06T23:00:00Z".parse().unwrap();
        let at = Timestamp::from_millisecond(start.as_millisecond() + self.records * 500).unwrap();
        self.journal.append(at, event).unwrap();
        self.records += 1;
    }

    fn ran(&mut self, step: &str, facts: Value) {
        self.say(Event::Started {
            step: step.into(),
            attempt: 1,
        });
        self.say(Event::Finished {
            step: step.into(),
            attempt: 1,
            ms: 500,
            facts,
        });
    }

    fn undone(&mut self, step: &str, facts: Value) {
        self.say(Event::UndoStarted { step: step.into() });
        self.say(Event::UndoFinished {
            step: step.into(),
            ms: 250,
            facts,
        });
    }

    fn up_to_the_migration(&mut self) {
        let path = "/var/backups/inventario/it's <b>";
        self.ran("backup_a", json!({"path": path, "id": "i".repeat(64), "digest": "d0", "rows": 40_000, "bytes": 12_345_678, "stored_bytes": 2_000_000}));
        self.ran("prove_a", json!({"digest": "d0"}));
        self.ran("off_site_a", json!({"path": "/mnt/away/x"}));
        self.ran("fence", Value::Null);
        let counts = json!({"classes": {"text": 300, "valid_object": 9_700}, "findings": {"nested": 7}});
        let tables = json!([{"name": "equipos|x", "rows": 10_000, "digest": "t1"}]);
        self.ran("digest_before", json!({"digest": "before", "rows": 40_900, "counts_before": counts, "tables": tables, "report": {"copy_differs": 3}}));
    }

    fn green(&mut self) {
        self.up_to_the_migration();
        self.ran("migrate", json!({"untouched": "u"}));
        self.ran("invariants", json!({"counts_after": {"classes": {"text": 300, "valid_object": 9_700}, "findings": {"nested": 7}}}));
        self.ran("lift", json!({"digest": "after", "rows": 40_900}));
        self.say(Event::Closed {
            outcome: Outcome::Done,
            exit_code: 0,
        });
    }

    fn evidence(&self) -> Evidence {
        engine::evidence::evidence(&plan(), self.journal.records(), self.journal.head()).unwrap()
    }

    fn write(&self, language: Language) -> Written {
        write(self.dir.path(), &self.evidence(), &plan(), language).unwrap()
    }
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn a_done_run_says_what_is_now_true() {
    let mut folder = Folder::new();
    folder.green();
    let written = folder.write(Language::En);
    let (html, markdown) = (text(&written.html), text(&written.markdown));
    for wanted in [
        "The service inventario is on release r2, and every row is accounted for: 40,900 rows before, 40,900 after; 10,000 migrated, each",
        "NOT APPROVED",
        "valid_object",
        "9,700",
        "restored, and the copy gave its digest",
        "/mnt/away/x",
        "ventana report verify 20251106_230000",
        &folder.evidence().journal.head,
    ] {
        assert!(html.contains(wanted), "{wanted} in {html}");
        assert!(markdown.contains(wanted), "{wanted} in {markdown}");
    }
    assert!(html.contains("class=\"verdict good\""));
    assert!(html.contains("style=\"width:") && !html.contains("<script"));
    // The path is a word for the shell, then text in HTML.
    assert!(html.contains("ventana restore &#39;/var/backups/inventario/it&#39;\\&#39;&#39;s &#60;b&#62;&#39; --into restored.db"), "{html}");
    assert!(
        markdown.contains(r"    ventana restore '/var/backups/inventario/it'\''s <b>' --into restored.db"),
        "{markdown}"
    );
    assert!(markdown.contains(r"| equipos\|x | 10,000 | `t1` |"), "{markdown}");
    let spanish = text(&folder.write(Language::Es).html);
    for wanted in [
        "<html lang=\"es\">",
        "está en la versión r2, y cada fila está justificada",
        "SIN APROBAR",
        "Escrituras detenidas",
    ] {
        assert!(spanish.contains(wanted), "{wanted} in {spanish}");
    }
}

#[test]
fn blocked_time_is_shown_by_step() {
    let mut folder = Folder::new();
    folder.green();
    let view = View::of(&folder.evidence(), &plan(), Language::En);
    let shares: Vec<(&str, &str)> = view
        .blocked
        .shares
        .iter()
        .map(|s| (s.step.as_str(), s.time.as_str()))
        .collect();
    assert_eq!(
        shares,
        [
            ("digest_before", "0.5 s"),
            ("migrate", "0.5 s"),
            ("invariants", "0.5 s"),
            ("lift", "0.5 s"),
            ("between steps", "2.0 s")
        ]
    );
    assert_eq!(view.blocked.total, "4.0 s");
    assert_eq!(view.blocked.shares[4].percent, "50.0");
}

#[test]
fn a_rollback_is_believed_only_when_the_digests_agree() {
    for (after, tone) in [("before", Tone::Back), ("else", Tone::Bad)] {
        let mut folder = Folder::new();
        folder.up_to_the_migration();
        folder.say(Event::Started {
            step: "migrate".into(),
            attempt: 1,
        });
        let error = StepError::maybe("sql", HOSTILE).hint(HOSTILE);
        folder.say(Event::Failed {
            step: "migrate".into(),
            attempt: 1,
            ms: 500,
            error,
        });
        folder.undone("migrate", Value::Null);
        folder.undone("digest_before", json!({"digest": after}));
        folder.undone("fence", Value::Null);
        folder.say(Event::Closed {
            outcome: Outcome::RolledBack,
            exit_code: 3,
        });
        let evidence = folder.evidence();
        let verdict = verdict(&evidence, &plan(), Language::En);
        assert_eq!(verdict.tone, tone, "{verdict:?}");
        let html = text(&folder.write(Language::En).html);
        assert!(
            html.contains("&#60;script&#62;") || html.contains("&lt;script&gt;"),
            "{html}"
        );
    }
}

#[test]
fn no_verdict_claims_more_than_the_evidence() {
    let mut folder = Folder::new();
    folder.up_to_the_migration();
    let running = verdict(&folder.evidence(), &plan(), Language::En);
    assert!(
        running.tone == Tone::Warn
            && running
                .sentence
                .ends_with("The fence is ON: no write is accepted."),
        "{running:?}"
    );
    let mut evidence = folder.evidence();
    for (outcome, tone) in [
        (Outcome::Failed, Tone::Warn),
        (Outcome::Held, Tone::Warn),
        (Outcome::RollbackFailed, Tone::Bad),
        (Outcome::Interrupted, Tone::Warn),
        (Outcome::RolledBack, Tone::Warn),
        (Outcome::Done, Tone::Good),
    ] {
        evidence.outcome = Some(outcome);
        for language in [Language::Es, Language::En] {
            assert_eq!(verdict(&evidence, &plan(), language).tone, tone, "{outcome}");
        }
    }
    // Done, but what was counted afterwards is not what was counted before.
    evidence.steps[6].facts = json!({"counts_after": {"classes": {"text": 299, "valid_object": 9_700}}});
    assert_eq!(verdict(&evidence, &plan(), Language::En).tone, Tone::Bad);
    evidence.mode = Mode::Rehearsal;
    assert!(
        verdict(&evidence, &plan(), Language::En)
            .head
            .starts_with("Rehearsal")
    );
}

#[test]
fn hostile_texts_stay_texts() {
    let mut folder = Folder::new();
    folder.ran(
        "backup_a",
        json!({"path": HOSTILE, "id": HOSTILE, "digest": HOSTILE, "more": HOSTILE}),
    );
    let attachment = Attachment {
        name: format!("attachments/{HOSTILE}"),
        sha256: HOSTILE.into(),
    };
    folder.say(Event::Note {
        by: HOSTILE.into(),
        text: HOSTILE.into(),
        attachment: Some(attachment),
    });
    let mut evidence = folder.evidence();
    let mut plan = plan();
    plan.service = HOSTILE.into();
    plan.database.database = HOSTILE.into();
    plan.inputs.insert(HOSTILE.into(), HOSTILE.into());
    (evidence.service, evidence.run, evidence.environment) = (HOSTILE.into(), HOSTILE.into(), HOSTILE.into());
    for step in &mut evidence.steps {
        (step.id, step.effect) = (format!("{HOSTILE}{}", step.id), HOSTILE.into());
        step.error = Some(StepError::maybe(HOSTILE, HOSTILE).hint(HOSTILE));
    }
    evidence.blocked_ms.total = 1;
    evidence.blocked_ms.by_step.insert(HOSTILE.into(), 1);
    for language in [Language::Es, Language::En] {
        let rendered = render(&evidence, &plan, language).unwrap();
        assert!(!rendered.html.contains("<script"), "{}", rendered.html);
        for line in rendered.markdown.lines() {
            // Outside code, nothing opens a tag, a heading or a link.
            let code = line.starts_with("    ") || line.contains('`');
            assert!(code || !line.contains("<script"), "{line}");
            assert!(!line.starts_with("# |") && !line.contains('\u{1b}'), "{line}");
        }
    }
}

#[test]
fn what_was_written_verifies_and_what_was_changed_does_not() {
    let mut folder = Folder::new();
    folder.green();
    let dir = folder.dir.path().to_path_buf();
    assert!(!verify(&dir).unwrap().verified, "there is no evidence yet");
    let written = folder.write(Language::Es);
    let verified = verify(&dir).unwrap();
    assert!(verified.verified, "{verified:?}");
    assert_eq!(verified.head, folder.journal.head());

    // A report that was made to look better.
    let html = text(&written.html);
    engine::durable::write(&written.html, html.replace("SIN APROBAR", "").as_bytes()).unwrap();
    let bad = verify(&dir).unwrap();
    let wrong: Vec<&str> = bad
        .checks
        .iter()
        .filter(|c| !c.ok)
        .map(|c| c.what.as_str())
        .collect();
    assert_eq!(wrong, ["report.html"]);

    // Evidence that was made to look better.
    folder.write(Language::Es);
    let json = text(&written.evidence);
    engine::durable::write(
        &written.evidence,
        json.replace("\"unapproved\": true", "\"unapproved\": false")
            .as_bytes(),
    )
    .unwrap();
    let bad = verify(&dir).unwrap();
    assert!(
        bad.checks.iter().any(|c| !c.ok
            && c.detail
                .contains("/unapproved says false, the journal gives true")),
        "{bad:?}"
    );
}

#[test]
fn notes_may_follow_a_report_but_nothing_else() {
    let mut folder = Folder::new();
    folder.green();
    folder.write(Language::En);
    let dir = folder.dir.path().to_path_buf();
    std::fs::create_dir(dir.join("attachments")).unwrap();
    engine::durable::write(&dir.join("attachments/a.txt"), b"abc").unwrap();
    let attachment = Attachment {
        name: "attachments/a.txt".into(),
        sha256: engine::sha256::hex(b"abc"),
    };
    folder.say(Event::Note {
        by: "ana".into(),
        text: "odd".into(),
        attachment: Some(attachment),
    });
    let verified = verify(&dir).unwrap();
    assert!(verified.verified, "{verified:?}");
    assert!(verified.checks.iter().any(|c| c.detail.contains("1 later notes")));
    engine::durable::write(&dir.join("attachments/a.txt"), b"abd").unwrap();
    assert!(!verify(&dir).unwrap().verified, "the attachment was changed");
    engine::durable::write(&dir.join("attachments/a.txt"), b"abc").unwrap();
    folder.say(Event::RollbackRequested {
        by: "ana".into(),
        reason: String::new(),
    });
    let stale = verify(&dir).unwrap();
    assert!(
        stale
            .checks
            .iter()
            .any(|c| !c.ok && c.what == "evidence.json" && c.detail.contains("went on")),
        "{stale:?}"
    );
}

#[test]
fn a_damaged_journal_or_another_plan_is_said() {
    let mut folder = Folder::new();
    folder.green();
    folder.write(Language::En);
    let dir = folder.dir.path().to_path_buf();
    let mut other = plan();
    other.environment = "staging".into();
    let start: Timestamp = "2025-11-06T22:00:00Z".parse().unwrap();
    PlanFile::new(other, start)
        .unwrap()
        .save(&dir.join("plan.json"))
        .unwrap();
    let verified = verify(&dir).unwrap();
    assert!(
        verified.checks.iter().any(|c| !c.ok && c.what == "plan"),
        "{verified:?}"
    );
    let path = dir.join("journal.jsonl");
    let journal = text(&path).replace("\"unapproved\":true", "\"unapproved\":false");
    engine::durable::write(&path, journal.as_bytes()).unwrap();
    let failure = verify(&dir).unwrap_err();
    assert_eq!(
        (failure.code.as_str(), failure.exit),
        ("verification_failed", 12),
        "{failure}"
    );
}
