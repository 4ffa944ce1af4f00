//! Creating the tables: the legacy schema (1) for demonstrations and tests, the newest for an empty database.

use sqlx::AssertSqlSafe;

use super::Store;
use super::db::Db;
use super::error::StoreError;
use super::schema::{NEWEST, Schema};
use crate::domain::change::Cell;

const SQLITE: &str = include_str!("../../migrations/0001_legacy/sqlite.sql");
const MARIADB: &str = include_str!("../../migrations/0001_legacy/mariadb.sql");
const MARIADB_OBJECTS: &str = include_str!("../../migrations/0001_legacy/mariadb_objects.sql");

/// Where the type of `especificaciones` goes.
const PLACE: &str = "{ESPECIFICACIONES}";

const CATEGORIAS: [&str; 10] = [
    "Laptop",
    "PC de Escritorio",
    "Servidor",
    "Switch",
    "YubiKey",
    "Monitor",
    "Router",
    "Teléfono",
    "Impresora",
    "Tarjeta PCI",
];

/// Creates the tables of schema `version` (1 or 2) in an empty database, without any row.
///
/// # Errors
/// The database's.
pub async fn create(db: &Db, version: u32) -> Result<(), StoreError> {
    match db {
        Db::Sqlite(_) => {
            let kind = if version == 1 {
                "TEXT"
            } else {
                "JSON CHECK (json_valid(especificaciones))"
            };
            let mut tx = db.begin().await?;
            tx.script(SQLITE.replace(PLACE, kind)).await?;
            tx.commit().await
        }
        Db::MySql(pool) => {
            let kind = if version == 1 {
                "text DEFAULT NULL"
            } else {
                "json DEFAULT NULL"
            };
            sqlx::raw_sql(AssertSqlSafe(MARIADB.replace(PLACE, kind)))
                .execute(pool)
                .await?;
            for statement in MARIADB_OBJECTS.split("\n--\n") {
                sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
                    .execute(pool)
                    .await?;
            }
            Ok(())
        }
    }
}

impl Store {
    /// Creates the newest schema with its roles and categories, and reads it.
    ///
    /// # Errors
    /// The database is not empty, the fence, the database's.
    pub async fn create_newest(&self) -> Result<(), StoreError> {
        let schema = self.reload_schema().await?;
        if schema.version != 0 {
            return Err(StoreError::NotOurs(
                "the database is not empty; nothing was created".into(),
            ));
        }
        if let Some(flag) = self.fence.flag() {
            return Err(StoreError::Fenced {
                retry_after: flag.retry_after,
            });
        }
        create(&self.db, NEWEST).await?;
        let mut tx = self.begin().await?;
        for (table, names) in [
            ("roles", &["administrador", "usuario"][..]),
            ("categorias", &CATEGORIAS[..]),
        ] {
            for name in names {
                tx.execute(
                    format!("INSERT INTO {table} (nombre) VALUES (?)"),
                    &[Cell::from(*name)],
                )
                .await?;
            }
        }
        tx.commit().await?;
        self.reload_schema().await.map(|_: std::sync::Arc<Schema>| ())
    }
}
