//! `ventana`'s one face on MySQL/MariaDB and SQLite: connect, inspect, digest, dump and load streams, migrations, fence.
//!
//! Everything that both dialects share is written once against [`Database`]; what differs lies in `mariadb/` and
//! `sqlite/`. The crate knows nothing of backups on disk, plans, terminals or the environment.

pub mod address;
pub mod cell;
pub mod counters;
pub mod database;
pub mod diff;
pub mod digest;
pub mod dump;
pub mod error;
pub mod load;
pub mod mariadb;
pub mod marks;
pub mod migration;
pub mod progress;
pub mod reading;
pub mod row;
pub mod schema;
mod scratch;
pub mod script;
pub mod secret;
pub mod snapshot;
pub mod sqlite;
pub mod throttle;

pub use address::{Address, Dialect};
pub use cell::Cell;
pub use database::{Database, Identity, Session};
pub use digest::Digest;
pub use error::{Error, Result};
pub use schema::{Outline, Schema};
pub use secret::Secret;
pub use snapshot::Snapshot;
pub use throttle::Throttle;

/// Opens a connection to `address`.
///
/// `session` names the run in the server's process list and decides whether an untested server is taken.
pub fn open(address: &Address, session: &Session) -> Result<Box<dyn Database>> {
    match address {
        Address::Sqlite { path } => Ok(Box::new(sqlite::Sqlite::open(path)?)),
        Address::MySql { .. } => Ok(Box::new(mariadb::MariaDb::open(address, session)?)),
    }
}
