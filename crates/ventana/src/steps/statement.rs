//! `statement`: one DDL statement, one journaled unit. Whether it happened is told by the catalog itself: the schema's
//! structure before it is journaled, and the server's DDL is atomic.

use crate::window::sessions;
use crate::world::{Live, World};
use db::Database;
use engine::StepError;
use engine::runner::{Context, Probe, Step};
use serde_json::{Value, json};

/// Tries of a statement whose lock is taken: each waits at most a second.
const TRIES: u32 = 20;

pub(super) struct Statement<'a> {
    pub(super) world: &'a World,
    pub(super) sql: &'a str,
    pub(super) undo_sql: Option<&'a str>,
}

impl Statement<'_> {
    fn structure(&self) -> Result<String, StepError> {
        let mut live = self.world.live().map_err(super::nothing)?;
        Ok(live.db().inspect().map_err(super::nothing)?.structure())
    }

    fn execute(&self, sql: &str) -> db::Result<()> {
        let mut live = self
            .world
            .live()
            .map_err(|f| db::Error::refused(f.message, f.hint.unwrap_or_default()))?;
        match &mut *live {
            Live::Server(db) => db::mariadb::ddl(&mut **db, sql, TRIES).map(|_| ()),
            Live::Sqlite(db) => db.execute(sql).map(|_| ()),
        }
    }
}

impl Step for Statement<'_> {
    fn preflight(&mut self, _cx: &mut Context<'_>) -> Result<(), StepError> {
        Ok(())
    }

    fn run(&mut self, cx: &mut Context<'_>) -> Result<Value, StepError> {
        let before = self.structure()?;
        cx.record("structure_before", before.clone().into())?;
        sessions::record(self.world, cx)?;
        if let Err(error) = self.execute(self.sql) {
            // The statement is atomic: the catalog says whether it happened all the same, once a session that was cut
            // off in its middle is gone.
            sessions::end_dead(self.world, cx)?;
            return match self.structure() {
                Ok(now) if now == before => Err(super::nothing(error)),
                _ => Err(super::maybe(error)),
            };
        }
        Ok(json!({ "structure_after": self.structure()? }))
    }

    fn probe(&mut self, cx: &mut Context<'_>) -> Result<Probe, StepError> {
        sessions::end_dead(self.world, cx)?;
        let now = self.structure()?;
        match cx.own_fact("structure_before").and_then(Value::as_str) {
            None => Ok(Probe::not_started("the statement was never sent")),
            Some(before) if before == now => {
                Ok(Probe::not_started("the schema is as it was before the statement"))
            }
            Some(_) => Ok(Probe::done(
                "the schema changed: the statement happened",
                json!({ "structure_after": now }),
            )),
        }
    }

    fn undo(&mut self, cx: &mut Context<'_>) -> Result<Value, StepError> {
        sessions::end_dead(self.world, cx)?;
        let Some(before) = cx
            .own_fact("structure_before")
            .and_then(Value::as_str)
            .map(str::to_string)
        else {
            return Ok(json!({ "undo": "the statement was never sent" }));
        };
        if self.structure()? == before {
            return Ok(json!({ "undo": "nothing to take back" }));
        }
        let Some(undo) = self.undo_sql else {
            return Ok(Value::Null);
        };
        sessions::record(self.world, cx)?;
        self.execute(undo).map_err(super::maybe)?;
        // Where somebody else changed the schema meanwhile this differs; what counts is the whole, proven at the end.
        Ok(json!({ "undo": "taken back", "as_before": self.structure()? == before }))
    }
}
