//! The database: one face on SQLite and MySQL/MariaDB, on schema 1 (the legacy one, to which nothing is added) and 2.
//!
//! A write is one transaction: it looks at the fence once more behind the database's own lock, reads the row, asks the
//! domain, writes. A read that meets an unknown column reads the schema again and is tried once more: `ventana` renames
//! columns under a running service.

pub mod activos;
pub mod address;
pub mod create_schema;
pub mod db;
pub mod error;
pub mod mantenimientos;
pub mod review;
pub mod schema;
pub mod stats;
pub mod usuarios;

use std::sync::{Arc, RwLock};
use std::time::Duration;

pub use activos::{Page, Versioned};
pub use address::Address;
pub use db::{Db, Dialect, Row, Tx};
pub use error::StoreError;
pub use schema::Schema;
pub use usuarios::{Rol, Usuario};

use crate::domain::change::Cell;
use crate::fence::Fence;

/// How long a read may take before `/healthz` calls the database unreachable.
const PROBE_LIMIT: Duration = Duration::from_secs(3);

/// The store; cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    db: Db,
    fence: Fence,
    schema: Arc<RwLock<Arc<Schema>>>,
    counts: review::CountsCache,
}

impl Store {
    /// Connects and reads the schema. Writes nothing.
    ///
    /// # Errors
    /// The database cannot be reached or read.
    pub async fn open(address: &Address, fence: Fence) -> Result<Self, StoreError> {
        let db = Db::connect(address).await?;
        let schema = Schema::read(&db).await?;
        Ok(Self {
            db,
            fence,
            schema: Arc::new(RwLock::new(Arc::new(schema))),
            counts: review::CountsCache::default(),
        })
    }

    /// The connections themselves.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// The schema as last read.
    pub fn schema(&self) -> Arc<Schema> {
        // A poisoned lock still holds a whole value: it is only ever replaced.
        self.schema
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone()
    }

    /// Reads the schema again.
    ///
    /// # Errors
    /// The database does not answer within three seconds.
    pub async fn reload_schema(&self) -> Result<Arc<Schema>, StoreError> {
        let read = tokio::time::timeout(PROBE_LIMIT, Schema::read(&self.db)).await;
        let schema = Arc::new(read.map_err(|_| StoreError::Unreachable("no answer within 3 s".into()))??);
        *self
            .schema
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = schema.clone();
        Ok(schema)
    }

    /// Reads rows; once more when the schema turned out to be another, or a connection was cut. `query` makes the
    /// statement for a schema.
    pub(crate) async fn rows(
        &self,
        query: impl Fn(&Schema) -> (String, Vec<Cell>) + Send + Sync,
    ) -> Result<Vec<Row>, StoreError> {
        let (sql, cells) = query(&self.schema());
        match self.db.fetch(sql, &cells).await {
            Err(StoreError::SchemaChanged(_)) => {
                let schema = self.reload_schema().await?;
                let (sql, cells) = query(&schema);
                self.db.fetch(sql, &cells).await
            }
            Err(StoreError::ConnectionLost(_)) => {
                let (sql, cells) = query(&self.schema());
                self.db.fetch(sql, &cells).await
            }
            result => result,
        }
    }

    /// Begins a write: takes the database's write lock where there is one, then looks at the fence. A writer that came
    /// past the gate just before the fence went on is caught here.
    pub(crate) async fn begin(&self) -> Result<Tx, StoreError> {
        self.counts.forget();
        let tx = self.db.begin().await.map_err(StoreError::in_write)?;
        match self.fence.flag() {
            None => Ok(tx),
            Some(flag) => {
                tx.rollback().await?;
                Err(StoreError::Fenced {
                    retry_after: flag.retry_after,
                })
            }
        }
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.db.close().await;
    }
}
