//! Reading what surrounds an activo.

use serde_json::json;

use super::world::on_both;

on_both!(categories_come_by_name, world, {
    let categorias = world.get("/api/categorias").await.ok().json();
    let categorias = categorias.as_array().unwrap();
    assert_eq!(categorias.len(), 10);
    assert_eq!(categorias[0], json!({ "id": 9, "nombre": "Impresora" }));
});

on_both!(maintenance_records_outlive_their_technician, world, {
    let id = world
        .stored("SELECT CAST(MIN(activo_id) AS CHAR(9)) FROM mantenimientos")
        .await
        .unwrap();
    let records = world
        .get(&format!("/api/mantenimientos/activo/{id}"))
        .await
        .ok()
        .json();
    let record = &records.as_array().unwrap()[0];
    assert_eq!(record["activo_id"].to_string(), id);
    assert!(
        record["nombre_tecnico"].is_string() && record["tipo"].is_string(),
        "{record}"
    );
    let dates: Vec<_> = records
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["fecha_programada"].as_str())
        .collect();
    let mut sorted = dates.clone();
    sorted.sort_by_key(|date| std::cmp::Reverse(*date));
    assert_eq!(dates, sorted);
    assert_eq!(
        world.get("/api/mantenimientos/activo/999999").await.ok().json(),
        json!([])
    );
    world
        .get(&format!("/api/mantenimientos/activo/{id}abc"))
        .await
        .problem(404, "not_found");
    // A legacy database without the foreign key: the account is gone, the record stays.
    let sql = match world.other.dialect() {
        inventario::store::Dialect::Sqlite => {
            "UPDATE mantenimientos SET usuario_id = 1; PRAGMA defer_foreign_keys = ON"
        }
        inventario::store::Dialect::MySql => {
            "SET foreign_key_checks = 0; UPDATE mantenimientos SET usuario_id = 77"
        }
    };
    world.sql(sql).await;
    let after = world
        .get(&format!("/api/mantenimientos/activo/{id}"))
        .await
        .ok()
        .json();
    assert_eq!(after.as_array().unwrap().len(), records.as_array().unwrap().len());
});

on_both!(a_float_keeps_its_digits, world, {
    world.sql("UPDATE mantenimientos SET costo = 728.736, fecha_programada = '2025-07-07 09:30:00' WHERE id = 1").await;
    let id = world
        .stored("SELECT CAST(activo_id AS CHAR(9)) FROM mantenimientos WHERE id = 1")
        .await
        .unwrap();
    let answer = world.get(&format!("/api/mantenimientos/activo/{id}")).await.ok();
    assert!(answer.text.contains("\"costo\":728.736,"), "{}", answer.text);
    let records = answer.json();
    let record = records
        .as_array()
        .unwrap()
        .iter()
        .find(|record| record["id"] == 1)
        .unwrap();
    assert_eq!(record["fecha_programada"], "2025-07-07T09:30:00");
});

on_both!(statistics_count_every_row_once, world, {
    let stats = world.get("/api/reportes/estadisticas").await.ok().json();
    let sum = |list: &str| {
        stats[list]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["count"].as_i64().unwrap())
            .sum::<i64>()
    };
    assert_eq!(stats["totalActivos"], 60);
    assert_eq!((sum("activosPorEstado"), sum("activosPorCategoria")), (60, 60));
});
