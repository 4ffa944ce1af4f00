//! The schema as the database has it: which columns `activos` has, and whether `especificaciones` is JSON.

use super::db::{Db, Dialect};
use super::error::StoreError;

/// Columns of `activos` that this program knows; a legacy table may lack some, and may have others.
pub const ACTIVO_COLUMNS: [&str; 17] = [
    "id",
    "categoria_id",
    "nombre",
    "marca",
    "modelo",
    "numero_serie",
    "estado",
    "ubicacion",
    "responsable",
    "proveedor",
    "fecha_compra",
    "precio_usd",
    "notas",
    "bitlocker",
    "especificaciones",
    "creado_en",
    "actualizado_en",
];

/// The newest schema that this release creates.
pub const NEWEST: u32 = 2;

/// What is in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    /// 0: no tables at all. 1: `especificaciones` is text. 2: it is JSON.
    pub version: u32,
    /// Known columns that `activos` has.
    pub columns: Vec<String>,
}

impl Schema {
    /// Reads it. SELECT on the tables is enough, so it works behind the fence too.
    ///
    /// # Errors
    /// The database's, or a database that belongs to something else.
    pub async fn read(db: &Db) -> Result<Self, StoreError> {
        let columns = match db.dialect() {
            Dialect::Sqlite => sqlite_columns(db).await?,
            Dialect::MySql => mysql_columns(db).await?,
        };
        if columns.is_empty() {
            return Self::empty(db).await;
        }
        let json = columns
            .iter()
            .find(|(name, _)| name == "especificaciones")
            .map(|(_, json)| *json);
        let version = match json {
            Some(true) => 2,
            Some(false) => 1,
            None => {
                return Err(StoreError::NotOurs(
                    "the table activos has no column especificaciones; this is no database of inventario"
                        .into(),
                ));
            }
        };
        let columns = columns
            .into_iter()
            .map(|(name, _)| name)
            .filter(|name| ACTIVO_COLUMNS.contains(&&**name))
            .collect();
        Ok(Self { version, columns })
    }

    async fn empty(db: &Db) -> Result<Self, StoreError> {
        let sql = match db.dialect() {
            Dialect::Sqlite => {
                "SELECT CAST(COUNT(*) AS TEXT) FROM sqlite_schema WHERE name NOT LIKE 'sqlite!_%' ESCAPE '!'"
            }
            Dialect::MySql => {
                "SELECT CAST(COUNT(*) AS CHAR) FROM information_schema.tables WHERE table_schema = DATABASE()"
            }
        };
        let tables = db
            .fetch(sql, &[])
            .await?
            .first()
            .and_then(|row| row.int(0))
            .unwrap_or(0);
        if tables > 0 {
            return Err(StoreError::NotOurs(
                "the database has tables but no table activos; name an empty database or one of inventario"
                    .into(),
            ));
        }
        Ok(Self {
            version: 0,
            columns: Vec::new(),
        })
    }

    /// Whether `activos` has the column.
    pub fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|name| name == column)
    }
}

/// Names, and whether the declared type is JSON.
async fn sqlite_columns(db: &Db) -> Result<Vec<(String, bool)>, StoreError> {
    let rows = db
        .fetch("SELECT name, type FROM pragma_table_info('activos')", &[])
        .await?;
    let column = |mut row: super::Row| {
        let kind = row.take(1).unwrap_or_default();
        (
            row.take(0).unwrap_or_default(),
            kind.to_ascii_uppercase().starts_with("JSON"),
        )
    };
    Ok(rows.into_iter().map(column).collect())
}

/// From SHOW CREATE TABLE: the catalog shows CHECK constraints only to accounts that may do more than SELECT, and this
/// has to work behind the fence.
async fn mysql_columns(db: &Db) -> Result<Vec<(String, bool)>, StoreError> {
    let exists = "SELECT CAST(COUNT(*) AS CHAR) FROM information_schema.tables \
                  WHERE table_schema = DATABASE() AND table_name = 'activos'";
    if db.fetch(exists, &[]).await?.first().and_then(|row| row.int(0)) != Some(1) {
        return Ok(Vec::new());
    }
    let mut rows = db.fetch("SHOW CREATE TABLE activos", &[]).await?;
    let statement = rows.first_mut().and_then(|row| row.take(1)).unwrap_or_default();
    Ok(columns_of(&statement))
}

/// The columns in a CREATE TABLE as MariaDB prints it: a line each, the name in backticks.
fn columns_of(statement: &str) -> Vec<(String, bool)> {
    let lower = statement.to_ascii_lowercase();
    let column = |line: &str| {
        let (name, rest) = line.strip_prefix("  `")?.split_once("` ")?;
        let rest = rest.to_ascii_lowercase();
        let check = format!("json_valid(`{}`)", name.to_ascii_lowercase());
        Some((
            name.to_owned(),
            rest.starts_with("json") || lower.contains(&check),
        ))
    };
    statement.lines().filter_map(column).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_a_type_or_a_check() {
        let statement = "CREATE TABLE `activos` (\n  `id` int(11) NOT NULL AUTO_INCREMENT,\n  `especificaciones` longtext \
            CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL CHECK (json_valid(`especificaciones`)),\n  \
            `especificaciones_v1` text DEFAULT NULL,\n  `real` json DEFAULT NULL,\n  PRIMARY KEY (`id`)\n) ENGINE=InnoDB";
        let expected = [
            ("id", false),
            ("especificaciones", true),
            ("especificaciones_v1", false),
            ("real", true),
        ];
        let columns = columns_of(statement);
        assert_eq!(
            columns.iter().map(|(n, j)| (n.as_str(), *j)).collect::<Vec<_>>(),
            expected
        );
        let named = "CREATE TABLE `activos` (\n  `especificaciones` longtext DEFAULT NULL,\n  \
            CONSTRAINT `c` CHECK (json_valid(`especificaciones`))\n)";
        assert!(columns_of(named)[0].1);
    }
}
