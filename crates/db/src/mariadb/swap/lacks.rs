//! What the server lacks for a restore over a live schema: refused before the first statement that changes anything.

use super::Swap;
use crate::mariadb::MariaDb;
use crate::mariadb::target::{self, Lack};
use crate::schema::Schema;
use crate::{Error, Result};

/// The exchange moves tables into this schema: it creates none there, but a RENAME asks for the same privileges.
const KEPT: [(&str, &str); 3] = [
    ("CREATE", "the live tables that are kept"),
    ("INSERT", "the live tables that are kept"),
    ("SELECT", "the live tables that are kept"),
];

impl Swap<'_> {
    /// Everything that is lacking in the three schemas, of which only the live one need be there. Changes nothing.
    pub fn lacks(&self, db: &mut MariaDb) -> Result<Vec<Lack>> {
        let mut through = self.source.schema().clone();
        through.objects = self.known_objects();
        // The copy is loaded with everything that hangs on tables, and without the programs.
        let mut tables: Schema = self.source.schema().clone();
        tables.objects.retain(|o| !o.kind.is_program());
        let mut found = target::lacks(db, &self.live.database(), &through)?;
        found.extend(target::lacks(db, self.copy, &tables)?);
        found.extend(target::lacks_for(db, self.failed, &KEPT, &[])?);
        // What is the whole server's is found for each schema.
        let mut once: Vec<Lack> = Vec::new();
        for lack in found {
            if !once.contains(&lack) {
                once.push(lack);
            }
        }
        Ok(once)
    }

    /// Refuses what would stop the restore in the middle; the rest is for the caller to tell.
    pub(super) fn preflight(&self, db: &mut MariaDb) -> Result<Vec<Lack>> {
        let found = self.lacks(db)?;
        let stops = |part: fn(&Lack) -> &str| {
            let parts: Vec<&str> = found.iter().filter(|l| l.stops).map(part).collect();
            parts.join("; ")
        };
        if found.iter().any(|l| l.stops) {
            return Err(Error::refused(
                format!(
                    "the backup cannot be put back over {} yet, and nothing of it has begun: {}",
                    self.live.database(),
                    stops(|l| &l.what)
                ),
                format!("{}; then give the same command again", stops(|l| &l.mend)),
            ));
        }
        Ok(found)
    }
}
