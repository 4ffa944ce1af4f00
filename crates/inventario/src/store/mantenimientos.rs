//! Maintenance records of an activo.

use super::Store;
use super::db::Row;
use super::error::StoreError;
use crate::domain::activo::{instant, local_time};
use crate::domain::change::Cell;
use crate::domain::mantenimiento::Mantenimiento;

const COLUMNS: [&str; 10] = [
    "m.usuario_id",
    "m.tipo",
    "m.titulo",
    "m.descripcion",
    "m.estado",
    "m.fecha_programada",
    "m.fecha_realizada",
    "m.observaciones",
    "m.costo",
    "m.creado_en",
];

impl Store {
    /// Records of an activo, the newest date first; the technician's name where the account still exists.
    ///
    /// # Errors
    /// The database's.
    pub async fn mantenimientos(&self, activo_id: i64) -> Result<Vec<Mantenimiento>, StoreError> {
        let dialect = self.db().dialect();
        let text: Vec<String> = COLUMNS.iter().map(|name| dialect.text(name)).collect();
        let (id, tecnico) = (dialect.text("m.id"), dialect.text("u.nombre"));
        let sql = format!(
            "SELECT {id}, {}, {tecnico} FROM mantenimientos m LEFT JOIN usuarios u ON u.id = m.usuario_id \
             WHERE m.activo_id = ? ORDER BY m.fecha_programada IS NULL, m.fecha_programada DESC, m.id DESC",
            text.join(", ")
        );
        // A legacy table may lack the columns that only a sample request ever named.
        let plain = sql
            .replace(&dialect.text("m.fecha_realizada"), "NULL")
            .replace(&dialect.text("m.observaciones"), "NULL")
            .replace(&dialect.text("m.costo"), "NULL")
            .replace(&dialect.text("m.creado_en"), "NULL");
        let cells = [Cell::Int(activo_id)];
        let rows = match self.db().fetch(sql.clone(), &cells).await {
            Err(StoreError::SchemaChanged(_)) => self.db().fetch(plain, &cells).await?,
            Err(StoreError::ConnectionLost(_)) => self.db().fetch(sql, &cells).await?,
            rows => rows?,
        };
        Ok(rows
            .into_iter()
            .map(|row| mantenimiento(row, activo_id))
            .collect())
    }
}

fn mantenimiento(mut row: Row, activo_id: i64) -> Mantenimiento {
    Mantenimiento {
        id: row.int(0).unwrap_or(0),
        activo_id,
        usuario_id: row.int(1),
        tipo: row.take(2),
        titulo: row.take(3),
        descripcion: row.take(4),
        estado: row.take(5),
        fecha_programada: row.take(6).map(local_time),
        fecha_realizada: row.take(7).map(local_time),
        observaciones: row.take(8),
        costo: row.take(9),
        creado_en: row.take(10).map(instant),
        nombre_tecnico: row.take(11),
    }
}
