//! One consistent view on all tables, seen by several connections.

use crate::reading::Range;
use crate::schema::Schema;
use crate::{Database, Error, Result};
use std::collections::BTreeMap;

/// On which terms a snapshot is taken.
#[derive(Clone, Debug, Default)]
pub struct Terms {}

/// Connections that all see the same moment.
pub struct Snapshot<'a> {
    /// The catalog, true in this view.
    pub schema: Schema,
    /// How it is known that all readers see the same moment: for the manifest.
    pub proof: BTreeMap<String, String>,
    own: &'a mut dyn Database,
}

impl<'a> Snapshot<'a> {
    /// The view of one connection.
    pub(crate) fn of_one(own: &'a mut dyn Database) -> Result<Snapshot<'a>> {
        let schema = snapshot(own)?;
        Ok(Snapshot {
            schema,
            proof: BTreeMap::new(),
            own,
        })
    }

    pub fn readers(&mut self) -> Vec<&mut dyn Database> {
        vec![&mut *self.own]
    }

    /// How each table is best divided among the readers.
    pub fn parts(&mut self) -> Result<Vec<Vec<Range>>> {
        self.own.parts(&self.schema)
    }

    /// Ends the view.
    pub fn close(self) -> Result<()> {
        self.own.end_snapshot()
    }
}

/// Opens a snapshot together with the catalog that is true in it: a definition that changed between reading the catalog
/// and opening the view would be hashed with rows that it does not describe.
pub(crate) fn snapshot(db: &mut dyn Database) -> Result<Schema> {
    let mut schema = db.inspect()?;
    for _ in 0..5 {
        schema.supported()?;
        match db.begin_snapshot(&schema) {
            // A table was changed, dropped or renamed between the catalog and the view.
            Err(Error::Server {
                number: 1412 | 1146, ..
            }) => {
                schema = db.inspect()?;
                continue;
            }
            other => other?,
        }
        let again = match db.inspect() {
            Ok(again) => again,
            Err(error) => {
                // The first error is the one to tell.
                let _ = db.end_snapshot();
                return Err(error);
            }
        };
        if again.defines_the_same(&schema) {
            return Ok(again);
        }
        db.end_snapshot()?;
        schema = again;
    }
    Err(Error::refused(
        format!(
            "definitions in {} keep changing while they are read",
            schema.database
        ),
        "wait until the other migration is done",
    ))
}
