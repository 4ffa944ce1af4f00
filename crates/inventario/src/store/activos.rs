//! Activos: one, a page, all of them as a stream, create, update.

use tokio::sync::mpsc;

use super::Store;
use super::db::{Dialect, Row};
use super::error::StoreError;
use super::schema::{ACTIVO_COLUMNS, Schema};
use crate::domain::activo::{Activo, Categoria, Stored};
use crate::domain::change::{self, Cell, Context, Fields, Warning};
use crate::domain::query::{Cursor, Filter, From, MAX_LIMIT, PageRequest, Sort, SortKey};

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
    async fn context(&self, tx: &mut super::Tx, sent: &Fields<'_>) -> Result<Context, StoreError> {
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

/// Spellings that differ in case are different words here, whatever the collation says.
fn estados_query(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => {
            "SELECT CAST(estado AS TEXT) FROM activos WHERE estado IS NOT NULL GROUP BY estado ORDER BY 1"
        }
        Dialect::MySql => {
            "SELECT CAST(MIN(estado) AS CHAR) FROM activos WHERE estado IS NOT NULL GROUP BY BINARY estado ORDER BY 1"
        }
    }
}

/// The columns of [`Stored`] in order, then the category's name: the head of every query.
pub(super) fn select(schema: &Schema, dialect: Dialect) -> String {
    let columns: Vec<String> = ACTIVO_COLUMNS
        .iter()
        .map(|name| match *name {
            name if !schema.has(name) => "NULL".to_owned(),
            // SQLite keeps a DECIMAL as a number: 3854.00 as 3854.
            "precio_usd" if dialect == Dialect::Sqlite => {
                "CASE WHEN typeof(a.precio_usd) IN ('integer', 'real') THEN printf('%.2f', a.precio_usd) \
                 ELSE CAST(a.precio_usd AS TEXT) END"
                    .to_owned()
            }
            name => dialect.text(&format!("a.{name}")),
        })
        .collect();
    let categoria = dialect.text("c.nombre");
    format!(
        "SELECT {}, {categoria} FROM activos a LEFT JOIN categorias c ON c.id = a.categoria_id",
        columns.join(", ")
    )
}

/// Columns of one row of [`select`].
const WIDTH: usize = ACTIVO_COLUMNS.len() + 1;

pub(super) fn stored(mut row: Row) -> Result<Stored, StoreError> {
    let missing = || StoreError::NotOurs("a row of activos has no whole number as its id".into());
    let mut at = 2;
    let mut next = || {
        at += 1;
        row.take(at - 1)
    };
    let (nombre, marca, modelo, numero_serie) = (next(), next(), next(), next());
    let (estado, ubicacion, responsable, proveedor) = (next(), next(), next(), next());
    let (fecha_compra, precio_usd, notas, bitlocker) = (next(), next(), next(), next());
    let (especificaciones, creado_en, actualizado_en, categoria_nombre) = (next(), next(), next(), next());
    Ok(Stored {
        id: row.int(0).ok_or_else(missing)?,
        categoria_id: row.int(1),
        nombre: nombre.unwrap_or_default(),
        marca,
        modelo,
        numero_serie: numero_serie.unwrap_or_default(),
        estado,
        ubicacion,
        responsable,
        proveedor,
        fecha_compra,
        precio_usd,
        notas,
        bitlocker,
        especificaciones,
        creado_en,
        actualizado_en,
        categoria_nombre,
    })
}

fn versioned(row: Stored) -> Versioned {
    Versioned {
        version: row.version(),
        activo: row.shown(),
    }
}

/// A row and its value of the sort column, which stands behind the others.
fn with_key(mut row: Row) -> Result<(Stored, Option<String>), StoreError> {
    let key = row.take(WIDTH);
    Ok((stored(row)?, key))
}

fn where_clause(conditions: &[String]) -> String {
    if conditions.is_empty() {
        String::new()
    } else {
        format!(" WHERE {}", conditions.join(" AND "))
    }
}

fn conditions(schema: &Schema, filter: &Filter) -> (Vec<String>, Vec<Cell>) {
    const SEARCHED: [&str; 7] = [
        "nombre",
        "marca",
        "modelo",
        "numero_serie",
        "ubicacion",
        "responsable",
        "proveedor",
    ];
    let (mut conditions, mut cells) = (Vec::new(), Vec::new());
    // A bound on the words bounds the work of one request.
    for word in filter.q.as_deref().unwrap_or("").split_whitespace().take(8) {
        let pattern = format!(
            "%{}%",
            word.replace('!', "!!").replace('%', "!%").replace('_', "!_")
        );
        let columns: Vec<String> = SEARCHED
            .iter()
            .filter(|name| schema.has(name))
            .map(|name| format!("a.{name} LIKE ? ESCAPE '!'"))
            .collect();
        cells.extend(columns.iter().map(|_| Cell::Text(pattern.clone())));
        conditions.push(format!("({})", columns.join(" OR ")));
    }
    if let Some(estado) = &filter.estado {
        conditions.push("a.estado = ?".into());
        cells.push(estado.as_str().into());
    }
    if let Some(id) = filter.categoria_id {
        conditions.push("a.categoria_id = ?".into());
        cells.push(Cell::Int(id));
    }
    (conditions, cells)
}

/// The expression that a sort key stands for; `a.id` where the table lacks the column.
fn sort_column(schema: &Schema, key: SortKey) -> &'static str {
    let (column, expression) = match key {
        SortKey::Id => return "a.id",
        SortKey::Categoria => return "c.nombre",
        SortKey::Nombre => ("nombre", "a.nombre"),
        SortKey::NumeroSerie => ("numero_serie", "a.numero_serie"),
        SortKey::Estado => ("estado", "a.estado"),
        SortKey::Ubicacion => ("ubicacion", "a.ubicacion"),
        SortKey::Responsable => ("responsable", "a.responsable"),
        SortKey::FechaCompra => ("fecha_compra", "a.fecha_compra"),
        SortKey::PrecioUsd => ("precio_usd", "a.precio_usd"),
        SortKey::ActualizadoEn => ("actualizado_en", "a.actualizado_en"),
    };
    if schema.has(column) { expression } else { "a.id" }
}

/// Values first, then rows without one; ties by id. `backwards` turns all of it round.
fn order(schema: &Schema, sort: Sort, backwards: bool) -> String {
    let column = sort_column(schema, sort.key);
    let direction = |descending: bool| if descending != backwards { "DESC" } else { "ASC" };
    if column == "a.id" {
        return format!("a.id {}", direction(sort.descending));
    }
    format!(
        "({column} IS NULL) {}, {column} {}, a.id {}",
        direction(false),
        direction(sort.descending),
        direction(false)
    )
}

fn page_query(
    schema: &Schema,
    dialect: Dialect,
    request: &PageRequest,
    limit: usize,
    backwards: bool,
) -> (String, Vec<Cell>) {
    let (mut conditions, mut cells) = conditions(schema, &request.filter);
    let sort = request.sort;
    let column = sort_column(schema, sort.key);
    if let From::After(cursor) | From::Before(cursor) = &request.from {
        let beyond = if sort.descending != backwards { "<" } else { ">" };
        let tie = if backwards { "<" } else { ">" };
        let id = Cell::Int(cursor.id);
        // A price is compared as a number: SQLite would put every number before every text.
        let mark = if sort.key == SortKey::PrecioUsd && dialect == Dialect::Sqlite {
            "CAST(? AS NUMERIC)"
        } else {
            "?"
        };
        match &cursor.value {
            _ if column == "a.id" => {
                conditions.push(format!("a.id {beyond} ?"));
                cells.push(id);
            }
            Some(value) => {
                // Rows without a value stand behind all that have one.
                let behind = if backwards {
                    ""
                } else {
                    &format!(" OR {column} IS NULL")
                };
                conditions.push(format!(
                    "({column} {beyond} {mark}{behind} OR ({column} = {mark} AND a.id {tie} ?))"
                ));
                cells.extend([value.as_str().into(), value.as_str().into(), id]);
            }
            None => {
                let before = if backwards {
                    &format!(" OR {column} IS NOT NULL")
                } else {
                    ""
                };
                conditions.push(format!("(({column} IS NULL AND a.id {tie} ?){before})"));
                cells.push(id);
            }
        }
    }
    let key = dialect.text(column);
    let head = select(schema, dialect).replacen(" FROM activos a", &format!(", {key} FROM activos a"), 1);
    let order = order(schema, sort, backwards);
    (
        format!(
            "{head}{} ORDER BY {order} LIMIT {limit}",
            where_clause(&conditions)
        ),
        cells,
    )
}
