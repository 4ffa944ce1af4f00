//! The two dialects behind one small face: bind, fetch as text, execute, transact, stream.
//!
//! Every value is read as text that the server itself made (CAST in the statement), so DECIMAL, DATE, TIMESTAMP and
//! FLOAT arrive with the digits that are stored. Statements built at run time consist of literals of this program and of
//! column names read from the catalog; values are always bound.

use std::time::Duration;

use sqlx::mysql::{MySqlConnectOptions, MySqlPoolOptions, MySqlRow};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteRow};
use sqlx::{AssertSqlSafe, MySql, MySqlPool, Row as _, Sqlite, SqlitePool, Transaction};
use tokio::sync::mpsc;
use tokio_stream::StreamExt;

use super::address::Address;
use super::error::StoreError;
use crate::domain::change::Cell;

/// How long a SQLite connection waits for a lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a request waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
const CONNECTIONS: u32 = 8;
/// Rows that SQLite's thread reads ahead of their reader.
const ROW_BUFFER: usize = 1024;
/// Rows that travel together from a streamed query.
const BATCH: usize = 128;

/// Which SQL is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    Sqlite,
    MySql,
}

impl Dialect {
    /// `expression` as text, digits unchanged.
    pub fn text(self, expression: &str) -> String {
        match self {
            Self::Sqlite => format!("CAST({expression} AS TEXT)"),
            Self::MySql => format!("CAST({expression} AS CHAR)"),
        }
    }
}

/// A pool of connections.
#[derive(Debug, Clone)]
pub enum Db {
    Sqlite(SqlitePool),
    MySql(MySqlPool),
}

/// A running write.
#[derive(Debug)]
pub enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    MySql(Transaction<'static, MySql>),
}

/// One row, every value as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row(Vec<Option<String>>);

impl Row {
    /// Takes the text of column `at` out of the row.
    pub fn take(&mut self, at: usize) -> Option<String> {
        self.0.get_mut(at).and_then(Option::take)
    }

    /// The whole number in column `at`.
    pub fn int(&self, at: usize) -> Option<i64> {
        self.0
            .get(at)
            .and_then(Option::as_deref)
            .and_then(|text| text.parse().ok())
    }
}

/// What a statement did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    /// Rows that matched (MySQL) or changed (SQLite).
    pub rows: u64,
    /// The id of an inserted row.
    pub last_id: i64,
}

macro_rules! bound {
    ($sql:expr, $cells:expr) => {{
        let mut query = sqlx::query(AssertSqlSafe($sql));
        for cell in $cells {
            query = match cell {
                Cell::Null => query.bind(None::<String>),
                Cell::Int(n) => query.bind(*n),
                Cell::Text(text) => query.bind(text.clone()),
            };
        }
        query
    }};
}

impl Db {
    /// Connects; a SQLite file is created when it is missing and its folder exists.
    ///
    /// # Errors
    /// No connection.
    pub async fn connect(address: &Address) -> Result<Self, StoreError> {
        match address {
            Address::Sqlite { path } => {
                let options = SqliteConnectOptions::new()
                    .filename(path)
                    .create_if_missing(true)
                    .foreign_keys(true)
                    // Rows cross a thread: few hand-overs of many rows make a streamed list fast.
                    .row_buffer_size(ROW_BUFFER)
                    .busy_timeout(BUSY_TIMEOUT);
                let pool = SqlitePoolOptions::new()
                    .max_connections(CONNECTIONS)
                    .acquire_timeout(ACQUIRE_TIMEOUT)
                    .connect_with(options)
                    .await
                    .map_err(|error| StoreError::Unreachable(format!("{address}: {error}")))?;
                let db = Self::Sqlite(pool);
                db.prefer_wal().await?;
                Ok(db)
            }
            Address::MySql {
                host,
                port,
                user,
                password,
                database,
            } => {
                let mut options = MySqlConnectOptions::new()
                    .host(host)
                    .port(*port)
                    .username(user)
                    .database(database)
                    .charset("utf8mb4")
                    .timezone(Some("+00:00".into()))
                    .pipes_as_concat(false);
                if host.starts_with('/') {
                    options = options.socket(host);
                }
                // An empty password is not the same as none: the server would refuse it.
                if !password.open().is_empty() {
                    options = options.password(password.open());
                }
                let pool = MySqlPoolOptions::new()
                    .max_connections(CONNECTIONS)
                    .acquire_timeout(ACQUIRE_TIMEOUT)
                    .after_connect(|connection, _| {
                        Box::pin(async move {
                            // A server without strict mode would cut values off and say nothing.
                            let strict = "SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES'), \
                                          innodb_lock_wait_timeout = 5";
                            sqlx::raw_sql(strict).execute(&mut *connection).await.map(|_| ())
                        })
                    })
                    .connect_with(options)
                    .await
                    .map_err(|error| StoreError::Unreachable(format!("{address}: {error}")))?;
                Ok(Self::MySql(pool))
            }
        }
    }

    /// WAL lets readers go on while somebody writes. It is stored in the file: where it is set already nothing is
    /// written, and where it cannot be set now (a locked or read-only file) the service still starts.
    async fn prefer_wal(&self) -> Result<(), StoreError> {
        let Self::Sqlite(pool) = self else { return Ok(()) };
        let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(pool).await?;
        if mode.eq_ignore_ascii_case("wal") {
            return Ok(());
        }
        if let Err(error) = sqlx::query("PRAGMA journal_mode = WAL").execute(pool).await {
            tracing::warn!(%error, "the SQLite file stays in journal mode {mode}: readers wait for writers");
        }
        Ok(())
    }

    pub fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::MySql(_) => Dialect::MySql,
        }
    }

    /// All rows of a query.
    ///
    /// # Errors
    /// The database's.
    pub async fn fetch(&self, sql: impl Into<String>, cells: &[Cell]) -> Result<Vec<Row>, StoreError> {
        let sql = sql.into();
        match self {
            Self::Sqlite(pool) => bound!(sql, cells)
                .fetch_all(pool)
                .await?
                .iter()
                .map(from_sqlite)
                .collect(),
            Self::MySql(pool) => bound!(sql, cells)
                .fetch_all(pool)
                .await?
                .iter()
                .map(from_mysql)
                .collect(),
        }
    }

    /// The rows of a query in batches, as they come. The receiver going away ends the query.
    ///
    /// # Errors
    /// The database's; they are sent, too, where rows were sent before.
    pub async fn stream(
        &self,
        sql: String,
        cells: Vec<Cell>,
        to: mpsc::Sender<Result<Vec<Row>, StoreError>>,
    ) -> Result<(), StoreError> {
        macro_rules! pump {
            ($pool:expr, $read:expr) => {{
                let mut rows = bound!(sql, &cells).fetch($pool);
                let mut batch = Vec::with_capacity(BATCH);
                while let Some(row) = rows.next().await {
                    batch.push($read(&row?)?);
                    if batch.len() == BATCH && to.send(Ok(std::mem::take(&mut batch))).await.is_err() {
                        return Ok(());
                    }
                }
                // An empty last batch tells the receiver that the query ran.
                let _ = to.send(Ok(batch)).await;
                Ok(())
            }};
        }
        match self {
            Self::Sqlite(pool) => pump!(pool, from_sqlite),
            Self::MySql(pool) => pump!(pool, from_mysql),
        }
    }

    /// Begins a transaction; SQLite takes its write lock at once, so that a read before the write sees the last state.
    ///
    /// # Errors
    /// The database's; `Busy` when another process holds the lock.
    pub async fn begin(&self) -> Result<Tx, StoreError> {
        Ok(match self {
            Self::Sqlite(pool) => Tx::Sqlite(pool.begin_with("BEGIN IMMEDIATE").await?),
            Self::MySql(pool) => Tx::MySql(pool.begin().await?),
        })
    }

    pub async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::MySql(pool) => pool.close().await,
        }
    }
}

impl Tx {
    pub fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::MySql(_) => Dialect::MySql,
        }
    }

    /// All rows of a query.
    ///
    /// # Errors
    /// The database's.
    pub async fn fetch(&mut self, sql: impl Into<String>, cells: &[Cell]) -> Result<Vec<Row>, StoreError> {
        let sql = sql.into();
        match self {
            Self::Sqlite(tx) => bound!(sql, cells)
                .fetch_all(&mut **tx)
                .await?
                .iter()
                .map(from_sqlite)
                .collect(),
            Self::MySql(tx) => bound!(sql, cells)
                .fetch_all(&mut **tx)
                .await?
                .iter()
                .map(from_mysql)
                .collect(),
        }
    }

    /// Runs one statement.
    ///
    /// # Errors
    /// The database's.
    pub async fn execute(&mut self, sql: impl Into<String>, cells: &[Cell]) -> Result<Done, StoreError> {
        let sql = sql.into();
        Ok(match self {
            Self::Sqlite(tx) => {
                let done = bound!(sql, cells).execute(&mut **tx).await?;
                Done {
                    rows: done.rows_affected(),
                    last_id: done.last_insert_rowid(),
                }
            }
            Self::MySql(tx) => {
                let done = bound!(sql, cells).execute(&mut **tx).await?;
                Done {
                    rows: done.rows_affected(),
                    last_id: i64::try_from(done.last_insert_id()).unwrap_or(i64::MAX),
                }
            }
        })
    }

    /// Runs a script of this program's own making, without values to bind.
    ///
    /// # Errors
    /// The database's.
    pub async fn script(&mut self, sql: String) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => sqlx::raw_sql(AssertSqlSafe(sql))
                .execute(&mut **tx)
                .await
                .map(|_| ())?,
            Self::MySql(tx) => sqlx::raw_sql(AssertSqlSafe(sql))
                .execute(&mut **tx)
                .await
                .map(|_| ())?,
        }
        Ok(())
    }

    /// # Errors
    /// The database's; nothing is written then.
    pub async fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => tx.commit().await?,
            Self::MySql(tx) => tx.commit().await?,
        }
        Ok(())
    }

    /// # Errors
    /// The database's.
    pub async fn rollback(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(tx) => tx.rollback().await?,
            Self::MySql(tx) => tx.rollback().await?,
        }
        Ok(())
    }
}

fn from_sqlite(row: &SqliteRow) -> Result<Row, StoreError> {
    let cell = |at| Ok(row.try_get_unchecked::<Option<&[u8]>, _>(at)?.map(text));
    (0..row.len())
        .map(cell)
        .collect::<Result<_, sqlx::Error>>()
        .map(Row)
        .map_err(Into::into)
}

fn from_mysql(row: &MySqlRow) -> Result<Row, StoreError> {
    let cell = |at| Ok(row.try_get_unchecked::<Option<&[u8]>, _>(at)?.map(text));
    (0..row.len())
        .map(cell)
        .collect::<Result<_, sqlx::Error>>()
        .map(Row)
        .map_err(Into::into)
}

/// SQLite keeps whatever bytes it was given in a text column; what is not UTF-8 is shown, not refused.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
