//! On which terms the database is gone to.

use super::{Config, Rate};
use db::{Session, Throttle};
use std::num::NonZeroUsize;
use std::time::Duration;

/// Connections of one piece of work, unless configured: enough to keep a reader and the server's threads busy while another
/// one waits for its disk, few enough that the service does not notice.
const CONNECTIONS: usize = 2;

impl Config {
    /// The terms on which sessions are opened for `run`, or for the verb of that name.
    pub fn session(&self, run: &str) -> Session {
        let settings = &self.file.database;
        Session {
            run: run.into(),
            accept_untested: settings.accept_untested,
            connections: settings.connections.map_or(CONNECTIONS, NonZeroUsize::get),
            chunk_bytes: 0,
            silence: settings.silence.map(|seconds| Duration::from_secs(seconds.get())),
            restoring: false,
        }
    }

    /// How fast the live database is read while it serves: `asked`, or as configured.
    pub fn throttle(&self, asked: Option<Rate>) -> Throttle {
        let rate = asked.or(self.file.database.throttle);
        Throttle::new(rate.map(Rate::bytes_per_second))
    }
}
