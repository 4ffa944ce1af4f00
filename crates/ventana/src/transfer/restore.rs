//! A backup on its way into an empty database, and the proof that it arrived.

use super::Contents;
use crate::error::{Failure, exit};
use crate::host::death;
use backup::Backup;
use db::marks::Marks;
use db::progress::Listener;
use db::{Database, Digest};

/// What a restore proved.
pub struct Restored {
    pub digest: Digest,
    pub rows: u64,
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
    let marks = terms.resumable.then(|| Marks::of(backup.id()));
    if let Some(marks) = &marks {
        marks.begin(db)?;
    }
    death::point();
    let rows = db::load::load(db, &contents, terms.events_disabled, marks.as_ref(), listen)?;
    death::point();
    let digest = db::digest::compute(db, None, listen)?;
    let other = contents.differences(&digest);
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
    Ok(Restored { digest, rows })
}
