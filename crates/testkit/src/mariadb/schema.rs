use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use super::MariaDb;
use super::client::{Rows, quote};

/// A schema of one test, dropped with it.
#[derive(Debug)]
pub struct Schema<'a> {
    server: &'a MariaDb,
    name: String,
}

impl MariaDb {
    /// Creates a schema with a unique name that starts with `prefix` (letters, digits, `_`), dropped on drop. Schemas
    /// whose names start with its name (scratch and staging ones) go with it.
    #[track_caller]
    pub fn schema(&self, prefix: &str) -> Schema<'_> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let moment = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .subsec_nanos();
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{prefix}_{:x}_{next:x}_{moment:x}", std::process::id());
        self.query(&format!("CREATE DATABASE {}", quote(&name)));
        Schema { server: self, name }
    }
}

impl Schema<'_> {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its server.
    pub fn server(&self) -> &MariaDb {
        self.server
    }

    /// URL of this schema for `root`.
    pub fn url(&self) -> String {
        self.server.url("root", "", &self.name)
    }

    /// Runs `sql` in this schema; see [`MariaDb::query`].
    #[track_caller]
    pub fn query(&self, sql: &str) -> Rows {
        self.server.query_in(&self.name, sql)
    }
}

impl Drop for Schema<'_> {
    fn drop(&mut self) {
        // The server may be dead, which is what a test was about.
        let Ok(names) = self.server.try_query(None, "SHOW DATABASES") else {
            return;
        };
        let ours = names
            .into_iter()
            .flatten()
            .flatten()
            .filter(|name| name.starts_with(&self.name));
        let drops = ours
            .map(|name| format!("DROP DATABASE IF EXISTS {};", quote(&name)))
            .collect::<String>();
        let _ = self.server.try_query(None, &drops);
    }
}
