//! Creating the tables: the legacy schema (1) for demonstrations and tests, the newest for an empty database.

use sqlx::AssertSqlSafe;

use super::Store;
use super::db::{Db, Tx};
use super::error::StoreError;
use super::schema::NEWEST;
use super::usuarios::ADMINISTRADOR;
use crate::domain::change::Cell;
use crate::secret::Secret;

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

/// The first account of a new database.
#[derive(Debug)]
pub struct FirstAdmin<'a> {
    pub nombre: &'a str,
    pub email: &'a str,
    pub hash: &'a Secret,
}

/// Creates the tables of schema `version` (1 or 2) in an empty database, without any row.
///
/// # Errors
/// The database's.
pub async fn create(db: &Db, version: u32) -> Result<(), StoreError> {
    tables(db, version).await?.commit().await
}

/// Creates the tables; the transaction that SQLite did it in is still open. MariaDB commits at each statement.
async fn tables(db: &Db, version: u32) -> Result<Tx, StoreError> {
    match db {
        Db::Sqlite(_) => {
            let kind = if version == 1 {
                "TEXT"
            } else {
                "JSON CHECK (json_valid(especificaciones))"
            };
            let mut tx = db.begin().await?;
            tx.script(SQLITE.replace(PLACE, kind)).await?;
            Ok(tx)
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
            db.begin().await
        }
    }
}

impl Store {
    /// Creates the newest schema with its roles and categories, and reads it.
    ///
    /// # Errors
    /// The database is not empty, the fence, the database's.
    pub async fn create_newest(&self) -> Result<(), StoreError> {
        self.create_newest_with(None).await
    }

    /// [`Store::create_newest`] with a first account, all or nothing where the database can.
    ///
    /// # Errors
    /// The database is not empty, the fence, the database's.
    pub async fn create_newest_with(&self, admin: Option<FirstAdmin<'_>>) -> Result<(), StoreError> {
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
        let mut tx = tables(&self.db, NEWEST).await?;
        for (table, names) in [
            ("roles", &[ADMINISTRADOR, "usuario"][..]),
            ("categorias", &CATEGORIAS[..]),
        ] {
            for name in names {
                let sql = format!("INSERT INTO {table} (nombre) VALUES (?)");
                tx.execute(sql, &[Cell::from(*name)]).await?;
            }
        }
        if let Some(FirstAdmin { nombre, email, hash }) = admin {
            // The role's id is the first of a new table.
            let sql = "INSERT INTO usuarios (nombre, email, password, rol_id) VALUES (?, ?, ?, 1)";
            tx.execute(sql, &[nombre.into(), email.into(), hash.open().into()])
                .await?;
        }
        tx.commit().await?;
        self.reload_schema().await.map(drop)
    }
}
