//! What a dead attempt may still be doing: the server goes on with a statement whose client was killed.

use crate::error::Failure;
use crate::world::{Live, World};
use engine::StepError;
use engine::runner::Context;

/// Journals which server session does the step's work, so that a later process can end it.
pub fn record(world: &World, cx: &mut Context<'_>) -> Result<(), StepError> {
    let id = world.live().map_err(StepError::from)?.db().connection_id();
    match id {
        Some(id) => cx.record("connection", id.into()),
        None => Ok(()),
    }
}

/// Ends the session of an earlier attempt and waits until the server has let go of it.
pub fn end_dead(world: &World, cx: &Context<'_>) -> Result<(), StepError> {
    let Some(dead) = cx.own_fact("connection").and_then(serde_json::Value::as_u64) else {
        return Ok(());
    };
    let mut live = world.live().map_err(StepError::from)?;
    if let Live::Server(db) = &mut *live
        && db::Database::connection_id(&**db) != Some(dead)
    {
        db::mariadb::fence::end_session(db, &world.run, dead)
            .map_err(|e| StepError::from(Failure::from(e)))?;
    }
    Ok(())
}
