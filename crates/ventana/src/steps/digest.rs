//! `digest`: the content digest at the fence, through the plan's start schema. Its undo is the proof of a rollback: the
//! *full* live digest equals it. When it does not, backup B is restored over the live database, and then it must.

use crate::transfer;
use crate::window::sessions;
use crate::world::{Live, World};
use engine::StepError;
use engine::fault::VERIFICATION_FAILED;
use engine::plan::{Part, StepKind};
use engine::runner::{Context, Probe, Step};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(super) struct Digest<'a> {
    pub(super) world: &'a World,
}

impl Digest<'_> {
    fn full(&self, cx: &Context<'_>) -> Result<db::Digest, StepError> {
        let mut live = self.world.live().map_err(super::maybe)?;
        db::digest::compute(live.db(), None, &mut super::listen(cx.reporter())).map_err(super::maybe)
    }

    fn restore(&self, cx: &mut Context<'_>) -> Result<(), StepError> {
        let backup = super::readable_backup(self.world, cx, "backup_b")?;
        cx.log(format!(
            "the rollback left a difference: restoring {}",
            backup.path().display()
        ));
        let is_sqlite = matches!(&*self.world.live().map_err(super::maybe)?, Live::Sqlite(_));
        if !is_sqlite {
            return self.restore_on_server(&backup, cx);
        }
        let scratch = self.world.scratch("rollback").map_err(super::maybe)?;
        {
            let mut db = scratch.create().map_err(super::maybe)?;
            transfer::restore(
                &backup,
                &mut *db,
                &transfer::Terms::default(),
                &mut super::listen(cx.reporter()),
            )
            .map_err(super::maybe)?;
        }
        let mut live = self.world.live().map_err(super::maybe)?;
        if let (Live::Sqlite(db), db::Address::Sqlite { path }) = (&mut *live, &scratch.address) {
            db.rollback().map_err(super::maybe)?;
            db::sqlite::restore_over(db, path).map_err(super::maybe)?;
            db.lock_writes().map_err(super::maybe)?;
        }
        drop(live);
        scratch.drop().map_err(super::maybe)
    }
}

impl Digest<'_> {
    /// Counters are no content: one that went back would give a number twice.
    fn assert_counters(&self, cx: &Context<'_>, now: &db::Digest) -> Result<(), StepError> {
        // A run of a release that did not journal them has none.
        let Some(were) = cx.own_fact("counters") else {
            return Ok(());
        };
        let were: BTreeMap<String, i128> = serde_json::from_value(were.clone()).map_err(|e| {
            StepError::maybe("journal", format!("the journaled counters cannot be read: {e}"))
        })?;
        let mut live = self.world.live().map_err(super::maybe)?;
        let behind = db::counters::behind(live.db(), &were, &now.counters).map_err(super::maybe)?;
        if behind.is_empty() {
            return Ok(());
        }
        let what = format!(
            "the rows are what they were at the fence, but {}",
            behind.join(", ")
        );
        Err(StepError::maybe(VERIFICATION_FAILED, what).hint(
            "set each to what it was (ALTER TABLE … AUTO_INCREMENT=n; SELECT SETVAL(sequence, n, 0)), then run `ventana rollback` again",
        ))
    }

    /// The backup's tables take the live ones' place; those are kept in a schema of their own.
    fn restore_on_server(&self, backup: &::backup::Backup, cx: &mut Context<'_>) -> Result<(), StepError> {
        let world = self.world;
        let contents = transfer::Contents::of(backup).map_err(super::maybe)?;
        let expected: Vec<db::digest::TableDigest> = cx
            .own_fact("tables")
            .and_then(|tables| serde_json::from_value(tables.clone()).ok())
            .ok_or_else(|| StepError::maybe("journal", "the journaled table digests cannot be read"))?;
        // What expand and sync added was there when backup B was taken.
        let undo: Vec<String> = cx
            .plan()
            .steps
            .iter()
            .rev()
            .filter_map(|step| match &step.kind {
                StepKind::Statement {
                    part: Part::Expand | Part::Sync,
                    undo_sql,
                    ..
                } => undo_sql.clone(),
                _ => None,
            })
            .collect();
        let name = |purpose: &str| {
            world
                .scratch(purpose)
                .map(|s| s.address.database())
                .map_err(super::maybe)
        };
        let (copy, failed) = (name("new")?, name("failed")?);
        let session = world.session();
        let swap = db::mariadb::swap::Swap {
            live: &world.address,
            session: &session,
            source: &contents,
            outline: &world.start.outline,
            undo: &undo,
            expected: &expected,
            copy: &copy,
            failed: &failed,
        };
        let reporter = cx.reporter();
        let mut connected = |id: u64| {
            cx.record("connection", id.into())
                .map_err(|e| db::Error::refused(e.message, "run `ventana resume`"))
        };
        let lacking = swap
            .run(&mut connected, &mut super::listen(reporter))
            .map_err(super::maybe)?;
        for lack in lacking {
            cx.log(format!("{}; mended by: {}", lack.what, lack.mend));
        }
        cx.log(format!(
            "the tables as they were found are kept in schema {failed}"
        ));
        Ok(())
    }
}

impl Step for Digest<'_> {
    fn preflight(&mut self, _cx: &mut Context<'_>) -> Result<(), StepError> {
        Ok(())
    }

    fn run(&mut self, cx: &mut Context<'_>) -> Result<Value, StepError> {
        let world = self.world;
        let mut live = world.live().map_err(super::nothing)?;
        let digest = db::digest::compute(
            live.db(),
            Some(&world.start.outline),
            &mut super::listen(cx.reporter()),
        )
        .map_err(super::nothing)?;
        let mut facts = json!({ "digest": digest.digest, "rows": digest.rows(), "tables": digest.tables, "counters": digest.counters });
        if let Some(pinned) = &world.start.migration {
            facts["counts_before"] =
                json!(db::migration::counts(&pinned.online, false, live.db()).map_err(super::nothing)?);
            facts["invariants_before"] =
                json!(db::migration::invariants(&pinned.online, false, live.db()).map_err(super::nothing)?);
            facts["listed"] = json!(
                db::migration::listed(&pinned.online, &pinned.state, live.db()).map_err(super::nothing)?
            );
            facts["report"] = json!(
                db::migration::report(&pinned.online, &pinned.state, live.db()).map_err(super::nothing)?
            );
        }
        Ok(facts)
    }

    fn probe(&mut self, _cx: &mut Context<'_>) -> Result<Probe, StepError> {
        Ok(super::run_again())
    }

    fn undo(&mut self, cx: &mut Context<'_>) -> Result<Value, StepError> {
        sessions::end_dead(self.world, cx)?;
        let Some(wanted) = cx.own_fact("digest").and_then(Value::as_str).map(str::to_string) else {
            return Ok(json!({ "undo": "no digest was taken" }));
        };
        let mut now = self.full(cx)?;
        let mut restored = false;
        if now.digest != wanted {
            self.restore(cx)?;
            restored = true;
            now = self.full(cx)?;
        }
        if now.digest != wanted {
            return Err(StepError::maybe(
                VERIFICATION_FAILED,
                format!(
                    "the live digest is {} after the rollback, {wanted} at the fence",
                    now.digest
                ),
            )
            .hint("the fence stays on; see the report for backup B and restore it by hand"));
        }
        self.assert_counters(cx, &now)?;
        Ok(json!({ "digest": now.digest, "rows": now.rows(), "restored": restored }))
    }
}
