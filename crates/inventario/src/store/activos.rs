//! Activos: one, a page, all of them as a stream; create and update in `writing`.

mod query;
mod row;
mod writing;

use tokio::sync::mpsc;

use super::Store;
use super::db::Row;
use super::error::StoreError;
use super::schema::Schema;
use crate::domain::activo::{Activo, Categoria, Stored};
use crate::domain::change::{Cell, Warning};
use crate::domain::query::{Cursor, Filter, From, MAX_LIMIT, PageRequest, Sort};
pub(super) use query::select;
use query::{conditions, estados_query, order, page_query, where_clause};
pub(super) use row::stored;
use row::{versioned, with_key};

/// A page of the list.
#[derive(Debug, Clone)]
pub struct Page {
    pub rows: Vec<Activo>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
    /// Where the page before ends, if there is one.
    pub previous: Option<Cursor>,
}

/// An activo and the entity tag of the row it was made from.
#[derive(Debug, Clone)]
pub struct Versioned {
    pub activo: Activo,
    pub version: String,
}

/// What an update did.
#[derive(Debug, Clone)]
pub struct Updated {
    pub row: Versioned,
    pub warnings: Vec<Warning>,
    /// False when everything was sent as it is stored.
    pub changed: bool,
}

impl Store {
    /// One activo.
    ///
    /// # Errors
    /// The database's.
    pub async fn activo(&self, id: i64) -> Result<Option<Versioned>, StoreError> {
        let dialect = self.db().dialect();
        let query = |schema: &Schema| {
            (
                format!("{} WHERE a.id = ?", select(schema, dialect)),
                vec![Cell::Int(id)],
            )
        };
        let row = self.rows(query).await?.into_iter().next();
        row.map(|row| stored(row).map(versioned)).transpose()
    }

    /// A page of activos.
    ///
    /// # Errors
    /// The database's.
    pub async fn activos(&self, request: &PageRequest) -> Result<Page, StoreError> {
        let limit = request.limit.clamp(1, MAX_LIMIT) as usize;
        let backwards = matches!(request.from, From::Before(_));
        let dialect = self.db().dialect();
        let rows = self
            .rows(|schema| page_query(schema, dialect, request, limit + 1, backwards))
            .await?;
        let mut rows: Vec<(Stored, Option<String>)> =
            rows.into_iter().map(with_key).collect::<Result<_, _>>()?;
        // One row more than asked for tells that there is more.
        let more = rows.len() > limit;
        rows.truncate(limit);
        if backwards {
            rows.reverse();
        }
        let cursor = |row: Option<&(Stored, Option<String>)>| {
            row.map(|(row, key)| Cursor {
                value: key.clone(),
                id: row.id,
            })
        };
        let (behind, before) = match request.from {
            From::Start => (more, false),
            From::After(_) => (more, true),
            From::Before(_) => (true, more),
        };
        Ok(Page {
            next: cursor(rows.last().filter(|_| behind)),
            previous: cursor(rows.first().filter(|_| before)),
            rows: rows.into_iter().map(|(row, _)| row.shown()).collect(),
        })
    }

    /// How many activos a filter leaves.
    ///
    /// # Errors
    /// The database's.
    pub async fn count_activos(&self, filter: &Filter) -> Result<i64, StoreError> {
        let count = self.db().dialect().text("COUNT(*)");
        let query = |schema: &Schema| {
            let (conditions, cells) = conditions(schema, filter);
            (
                format!("SELECT {count} FROM activos a{}", where_clause(&conditions)),
                cells,
            )
        };
        Ok(self
            .rows(query)
            .await?
            .first()
            .and_then(|row| row.int(0))
            .unwrap_or(0))
    }

    /// Every activo that `filter` leaves, in batches, ordered by `sort`. The first batch is read before this
    /// returns, so that a failure is still a failure and not half an answer.
    ///
    /// # Errors
    /// The database's, before the first batch.
    pub async fn stream_activos(&self, filter: &Filter, sort: Sort) -> Result<ActivoStream, StoreError> {
        match self.start_stream(filter, sort).await {
            Err(StoreError::SchemaChanged(_)) => {
                self.reload_schema().await?;
                self.start_stream(filter, sort).await
            }
            Err(StoreError::ConnectionLost(_)) => self.start_stream(filter, sort).await,
            result => result,
        }
    }

    async fn start_stream(&self, filter: &Filter, sort: Sort) -> Result<ActivoStream, StoreError> {
        let schema = self.schema();
        let (conditions, cells) = conditions(&schema, filter);
        let order = order(&schema, sort, false);
        let select = select(&schema, self.db().dialect());
        let sql = format!("{select}{} ORDER BY {order}", where_clause(&conditions));
        let (to, mut from) = mpsc::channel(4);
        let db = self.db().clone();
        tokio::spawn(async move {
            if let Err(error) = db.stream(sql, cells, to.clone()).await {
                // A receiver that went away wants no error either.
                let _ = to.send(Err(error)).await;
            }
        });
        let first = from.recv().await.unwrap_or_else(|| Ok(Vec::new()))?;
        Ok(ActivoStream {
            first: Some(first),
            rest: from,
        })
    }

    /// Categories by name.
    ///
    /// # Errors
    /// The database's.
    pub async fn categorias(&self) -> Result<Vec<Categoria>, StoreError> {
        let sql = format!(
            "SELECT {}, nombre FROM categorias ORDER BY nombre",
            self.db().dialect().text("id")
        );
        let rows = self.rows(|_| (sql.clone(), Vec::new())).await?;
        let categoria = |mut row: Row| {
            Some(Categoria {
                id: row.int(0)?,
                nombre: row.take(1).unwrap_or_default(),
            })
        };
        Ok(rows.into_iter().filter_map(categoria).collect())
    }

    /// Values of `estado` that rows have, the most frequent spelling of each state not merged with the others.
    ///
    /// # Errors
    /// The database's.
    pub async fn estados(&self) -> Result<Vec<String>, StoreError> {
        let sql = estados_query(self.db().dialect());
        let rows = self.rows(|_| (sql.to_owned(), Vec::new())).await?;
        Ok(rows.into_iter().filter_map(|mut row| row.take(0)).collect())
    }
}

/// All activos of a filter, a batch at a time.
#[derive(Debug)]
pub struct ActivoStream {
    first: Option<Vec<Row>>,
    rest: mpsc::Receiver<Result<Vec<Row>, StoreError>>,
}

impl ActivoStream {
    /// The next batch; `None` at the end.
    pub async fn next(&mut self) -> Option<Result<Vec<Activo>, StoreError>> {
        let rows = match self.first.take() {
            Some(rows) => Ok(rows),
            None => self.rest.recv().await?,
        };
        Some(rows.and_then(|rows| {
            rows.into_iter()
                .map(|row| stored(row).map(Stored::shown))
                .collect()
        }))
    }
}
