//! Counts for the dashboard and the report.

use serde::Serialize;

use super::Store;
use super::error::StoreError;

/// As the legacy API answers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    pub total_activos: i64,
    pub activos_por_estado: Vec<EstadoCount>,
    pub activos_por_categoria: Vec<CategoriaCount>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EstadoCount {
    pub estado: Option<String>,
    pub count: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CategoriaCount {
    /// `null` for activos without a category.
    pub nombre: Option<String>,
    pub count: i64,
}

impl Store {
    /// # Errors
    /// The database's.
    pub async fn stats(&self) -> Result<Stats, StoreError> {
        let dialect = self.db().dialect();
        let count = dialect.text("COUNT(*)");
        let by_estado = format!(
            "SELECT {}, {count} FROM activos a GROUP BY a.estado ORDER BY COUNT(*) DESC, 1",
            dialect.text("a.estado")
        );
        let by_categoria = format!(
            "SELECT {}, {count} FROM activos a LEFT JOIN categorias c ON c.id = a.categoria_id \
             GROUP BY c.nombre ORDER BY COUNT(*) DESC, 1",
            dialect.text("c.nombre")
        );
        let estados = self.rows(|_| (by_estado.clone(), Vec::new())).await?;
        let categorias = self.rows(|_| (by_categoria.clone(), Vec::new())).await?;
        let estados: Vec<EstadoCount> = estados
            .into_iter()
            .map(|mut row| EstadoCount {
                count: row.int(1).unwrap_or(0),
                estado: row.take(0),
            })
            .collect();
        let categorias = categorias.into_iter();
        Ok(Stats {
            total_activos: estados.iter().map(|estado| estado.count).sum(),
            activos_por_estado: estados,
            activos_por_categoria: categorias
                .map(|mut row| CategoriaCount {
                    count: row.int(1).unwrap_or(0),
                    nombre: row.take(0),
                })
                .collect(),
        })
    }
}
