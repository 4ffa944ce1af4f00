//! A backup on its way into an empty database, and the proof that it arrived.

use super::Contents;
use crate::error::{Failure, exit};
use crate::host::{death, files};
use backup::Backup;
use db::load::Source;
use db::mariadb::MariaDb;
use db::mariadb::target::{self, Lack};
use db::marks::Marks;
use db::progress::Listener;
use db::schema::Schema;
use db::{Database, Digest};

/// What a restore proved.
pub struct Restored {
    pub digest: Digest,
    pub rows: u64,
    /// Events that were switched on when the backup was made, and are created switched off.
    pub events_off: Vec<String>,
}

/// What of a backup is restored, and how.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// Events are created switched off: a copy must not act.
    pub events_disabled: bool,
    /// The load keeps marks in the database, and goes on from those of an earlier one.
    pub resumable: bool,
    /// These tables alone; their rows, keys and checks, and nothing that hangs on them.
    pub only: Vec<String>,
}

impl Terms {
    /// A copy that is made, compared and thrown away.
    pub fn scratch() -> Terms {
        Terms {
            events_disabled: true,
            ..Terms::default()
        }
    }

    /// The marks of a restore on these terms: a part of a backup is not the whole of it.
    pub fn marks(&self, backup: &Backup) -> Marks {
        if self.only.is_empty() {
            return Marks::of(backup.id());
        }
        let mut only = self.only.clone();
        only.sort();
        only.dedup();
        Marks::of(&files::sha256(
            format!("{}\0{}", backup.id(), only.join("\0")).as_bytes(),
        ))
    }
}

/// What a server lacks for a restore into its schema `into`, which need not be there yet, beside what would stop it: that is
/// an error. Changes nothing.
pub fn preflight(
    backup: &Backup,
    terms: &Terms,
    server: &mut MariaDb,
    into: &str,
) -> Result<Vec<Lack>, Failure> {
    let mut contents = Contents::of(backup)?;
    contents.keep(&terms.only)?;
    let found = target::lacks(server, into, contents.schema())?;
    refuse(&found)?;
    Ok(found)
}

/// Refuses what would fail in the middle.
pub fn refuse(found: &[Lack]) -> Result<(), Failure> {
    let stops: Vec<&Lack> = found.iter().filter(|l| l.stops).collect();
    if stops.is_empty() {
        return Ok(());
    }
    let joined = |part: fn(&Lack) -> &str| stops.iter().map(|l| part(l)).collect::<Vec<_>>().join("; ");
    Err(Failure::failed("preflight", joined(|l| &l.what)).hint(joined(|l| &l.mend)))
}

/// Loads a backup into the empty database `db` and proves it: the digest there is the one that the backup promises.
pub fn restore(
    backup: &Backup,
    db: &mut dyn Database,
    terms: &Terms,
    listen: &mut Listener<'_>,
) -> Result<Restored, Failure> {
    let mut contents = Contents::of(backup)?;
    contents.keep(&terms.only)?;
    refuse(&db.lacks(contents.schema())?)?;
    let marks = terms.resumable.then(|| terms.marks(backup));
    if let Some(marks) = &marks {
        marks.begin(db)?;
    }
    death::point();
    let rows = db::load::load(db, &contents, terms.events_disabled, marks.as_ref(), listen)?;
    death::point();
    let digest = db::digest::compute(db, None, listen)?;
    let other = contents.differences(db, &digest, terms.events_disabled)?;
    if !other.is_empty() {
        return Err(Failure::new(
            "verification_failed",
            format!(
                "the restored copy of {} differs from what was backed up: {}",
                backup.path().display(),
                other.join(", ")
            ),
            exit::VERIFICATION,
        ));
    }
    death::point();
    // Last: until here the database says of itself that it is not whole.
    if let Some(marks) = &marks {
        marks.end(db)?;
    }
    death::point();
    let events_off = match terms.events_disabled {
        true => enabled_events(contents.schema()),
        false => Vec::new(),
    };
    Ok(Restored {
        digest,
        rows,
        events_off,
    })
}

/// An event's state stands among the counters.
fn enabled_events(schema: &Schema) -> Vec<String> {
    let on = schema.counters.iter().filter(|(_, on)| **on == 1);
    on.filter_map(|(name, _)| name.strip_prefix("event ")?.strip_suffix(" enabled"))
        .map(str::to_owned)
        .collect()
}
