//! The queries: what is asked of the table as it is, by whom it may be compared and in which order.

use crate::domain::change::Cell;
use crate::domain::query::{Filter, From, PageRequest, Sort, SortKey};
use crate::store::db::Dialect;
use crate::store::schema::{ACTIVO_COLUMNS, Schema};

/// Spellings that differ in case are different words here, whatever the collation says.
pub(super) fn estados_query(dialect: Dialect) -> &'static str {
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
pub(in crate::store) fn select(schema: &Schema, dialect: Dialect) -> String {
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

pub(super) fn where_clause(conditions: &[String]) -> String {
    if conditions.is_empty() {
        String::new()
    } else {
        format!(" WHERE {}", conditions.join(" AND "))
    }
}

pub(super) fn conditions(schema: &Schema, filter: &Filter) -> (Vec<String>, Vec<Cell>) {
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
pub(super) fn sort_column(schema: &Schema, key: SortKey) -> &'static str {
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
pub(super) fn order(schema: &Schema, sort: Sort, backwards: bool) -> String {
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

pub(super) fn page_query(
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
