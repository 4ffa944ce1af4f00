//! Create and update.

use super::Updated;
use super::query::{estados_query, select};
use super::row::{stored, versioned};
use crate::domain::change::{self, Cell, Context, Fields, Warning};
use crate::store::db::Dialect;
use crate::store::error::StoreError;
use crate::store::{Store, Tx};

impl Store {
    /// Creates an activo; answers its id.
    ///
    /// # Errors
    /// What the domain or the database refuses; the fence.
    pub async fn create_activo(&self, sent: &Fields<'_>) -> Result<(i64, Vec<Warning>), StoreError> {
        match self.try_create(sent).await {
            Err(StoreError::SchemaChanged(_)) => {
                self.reload_schema().await?;
                self.try_create(sent).await
            }
            result => result,
        }
    }

    async fn try_create(&self, sent: &Fields<'_>) -> Result<(i64, Vec<Warning>), StoreError> {
        let mut tx = self.begin().await?;
        let context = self.context(&mut tx, sent).await?;
        let write = change::create(sent, &context).map_err(|refused| StoreError::Refused(refused.0))?;
        let names: Vec<&str> = write.columns.iter().map(|(name, _)| *name).collect();
        let cells: Vec<Cell> = write.columns.into_iter().map(|(_, cell)| cell).collect();
        let marks = vec!["?"; names.len()].join(", ");
        let sql = format!("INSERT INTO activos ({}) VALUES ({marks})", names.join(", "));
        let done = tx.execute(sql, &cells).await.map_err(StoreError::in_write)?;
        tx.commit().await.map_err(StoreError::in_write)?;
        Ok((done.last_id, write.warnings))
    }

    /// Changes what was sent and leaves the rest. With `expected`, only if the row is still of that version.
    ///
    /// # Errors
    /// No such row, another version, what the domain or the database refuses, the fence.
    pub async fn update_activo(
        &self,
        id: i64,
        expected: Option<&str>,
        sent: &Fields<'_>,
    ) -> Result<Updated, StoreError> {
        match self.try_update(id, expected, sent).await {
            Err(StoreError::SchemaChanged(_)) => {
                self.reload_schema().await?;
                self.try_update(id, expected, sent).await
            }
            result => result,
        }
    }

    async fn try_update(
        &self,
        id: i64,
        expected: Option<&str>,
        sent: &Fields<'_>,
    ) -> Result<Updated, StoreError> {
        let schema = self.schema();
        let mut tx = self.begin().await?;
        let dialect = tx.dialect();
        let (select, cells) = (select(&schema, dialect), [Cell::Int(id)]);
        // The row stays as read until the commit: SQLite has its write lock, MariaDB locks the row.
        let lock = if dialect == Dialect::MySql {
            " FOR UPDATE"
        } else {
            ""
        };
        let locked = match dialect {
            Dialect::MySql => {
                tx.fetch(
                    format!("SELECT CAST(id AS CHAR) FROM activos WHERE id = ?{lock}"),
                    &cells,
                )
                .await
            }
            Dialect::Sqlite => Ok(Vec::new()),
        };
        locked.map_err(StoreError::in_write)?;
        let rows = tx
            .fetch(format!("{select} WHERE a.id = ?"), &cells)
            .await
            .map_err(StoreError::in_write)?;
        let row = stored(rows.into_iter().next().ok_or(StoreError::NotFound)?)?;
        if expected.is_some_and(|expected| expected != row.version()) {
            return Err(StoreError::VersionDiffers);
        }
        let context = self.context(&mut tx, sent).await?;
        let write = change::update(sent, &row, &context).map_err(|refused| StoreError::Refused(refused.0))?;
        if write.columns.is_empty() {
            return Ok(Updated {
                row: versioned(row),
                warnings: write.warnings,
                changed: false,
            });
        }
        let mut sets: Vec<String> = write
            .columns
            .iter()
            .map(|(name, _)| format!("{name} = ?"))
            .collect();
        // MariaDB keeps the column itself (ON UPDATE); SQLite has no such thing.
        if dialect == Dialect::Sqlite && schema.has("actualizado_en") {
            sets.push("actualizado_en = CURRENT_TIMESTAMP".into());
        }
        let mut cells: Vec<Cell> = write.columns.into_iter().map(|(_, cell)| cell).collect();
        cells.push(Cell::Int(id));
        let sql = format!("UPDATE activos SET {} WHERE id = ?", sets.join(", "));
        tx.execute(sql, &cells).await.map_err(StoreError::in_write)?;
        let rows = tx
            .fetch(format!("{select} WHERE a.id = ?"), &[Cell::Int(id)])
            .await?;
        let row = stored(rows.into_iter().next().ok_or(StoreError::NotFound)?)?;
        tx.commit().await.map_err(StoreError::in_write)?;
        Ok(Updated {
            row: versioned(row),
            warnings: write.warnings,
            changed: true,
        })
    }

    /// What decisions need to know; the states in use only when one is sent that is not on the list.
    async fn context(&self, tx: &mut Tx, sent: &Fields<'_>) -> Result<Context, StoreError> {
        let mut context = Context {
            estados: Vec::new(),
            columns: self.schema().columns.clone(),
        };
        let asked = sent.iter().filter(|(name, _)| *name == "estado");
        let mut words = asked.filter_map(|(_, input)| input.scalar("estado").ok().flatten());
        if words.any(|word| !change::ESTADOS.contains(&word.as_str())) {
            let rows = tx.fetch(estados_query(tx.dialect()), &[]).await?;
            context.estados = rows.into_iter().filter_map(|mut row| row.take(0)).collect();
        }
        Ok(context)
    }
}
