//! `backup`: the whole database into a folder, with its digest taken in the same pass.

use crate::host::files;
use crate::transfer;
use crate::world::{Live, World};
use db::{Database, Throttle};
use engine::StepError;
use engine::runner::{Context, Probe, Step};
use serde_json::{Value, json};

pub(super) struct Backup<'a> {
    pub(super) world: &'a World,
    pub(super) label: &'a str,
}

impl Step for Backup<'_> {
    fn preflight(&mut self, _cx: &mut Context<'_>) -> Result<(), StepError> {
        let dir = self.world.backup_dir();
        files::can_hold(&dir).map_err(|failure| {
            super::nothing(failure).hint("make the folder, or name another one in [backup] dir or BACKUP_DIR")
        })?;
        // Compressed it is a fraction of this; a disk that cannot hold the data as it is, is too full for a window.
        let needed = self.world.data_bytes().map_err(super::nothing)?;
        let free = files::free_bytes(&dir).map_err(super::nothing)?;
        if free < needed {
            let message = format!(
                "{} has {free} bytes free, the data are {needed} bytes",
                dir.display()
            );
            return Err(StepError::nothing("no_space", message)
                .hint("free some space, or name another folder in [backup] dir"));
        }
        Ok(())
    }

    fn run(&mut self, cx: &mut Context<'_>) -> Result<Value, StepError> {
        let world = self.world;
        // Inside the window the same rows are digested through the start schema too: that is what the fence proved.
        let outline = (self.label != "a").then_some(&world.start.outline);
        let mut live = world.live().map_err(super::nothing)?;
        let mut listen = super::listen(cx.reporter());
        // Before the fence the service writes; under it our own connection holds the lock, and sees what it has written.
        let mut frozen = match &*live {
            Live::Sqlite(db) if !db.is_locked() => transfer::frozen(&world.config).map_err(super::nothing)?,
            _ => None,
        };
        let notes = frozen.as_ref().map_or(Vec::new(), |f| f.notes().to_vec());
        let source: &mut dyn Database = match &mut frozen {
            Some(frozen) => frozen.db(),
            None => live.db(),
        };
        // Under the fence nobody is disturbed, and every second counts.
        let throttle = match self.label {
            "a" => world.config.throttle(None),
            _ => Throttle::new(None),
        };
        let made = transfer::make(
            source,
            &notes,
            &world.backup_dir(),
            &world.config,
            outline,
            throttle,
            &mut listen,
        )
        .map_err(super::nothing)?;
        let manifest = made.backup.manifest();
        Ok(json!({
            "path": made.backup.path(),
            "id": made.backup.id(),
            "digest": made.digest.digest,
            "through": made.through.map(|d| d.digest),
            "rows": manifest.totals.rows,
            "bytes": manifest.totals.bytes,
            "stored_bytes": manifest.totals.stored_bytes,
        }))
    }

    fn probe(&mut self, _cx: &mut Context<'_>) -> Result<Probe, StepError> {
        // What the dead process was writing is of no use to anybody, and as large as the data.
        ::backup::remove_remains(&self.world.backup_dir(), &self.world.config.series())
            .map_err(super::nothing)?;
        Ok(super::run_again())
    }

    fn undo(&mut self, _cx: &mut Context<'_>) -> Result<Value, StepError> {
        Ok(Value::Null)
    }
}
