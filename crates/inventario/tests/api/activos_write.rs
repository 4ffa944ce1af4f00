//! Creating and changing activos.

use serde_json::{Value, json};

use super::world::on_both;

on_both!(a_new_activo, world, {
    let body = json!({
        "nombre": "Portátil «ñ» 🙂", "numero_serie": "  SN-NUEVO-1 ", "categoria_id": 1, "precio_usd": "1234.5",
        "fecha_compra": "", "notas": "a\\b'c\"d\te", "bitlocker": "enabled",
        "especificaciones": { "cpu": "i7", "n": 1 },
    });
    let answer = world.post("/api/activos", &body.to_string()).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let id = answer.json()["id"].as_i64().unwrap();
    assert_eq!(answer.header("location"), format!("/api/activos/{id}"));
    assert_eq!(answer.json()["warnings"], json!([]));
    let row = world.get(&format!("/api/activos/{id}")).await.ok().json();
    for (field, value) in [
        ("nombre", json!("Portátil «ñ» 🙂")),
        ("numero_serie", json!("SN-NUEVO-1")),
        ("precio_usd", json!("1234.50")),
        ("fecha_compra", Value::Null),
        ("notas", json!("a\\b'c\"d\te")),
        ("estado", json!("Activo")),
        ("bitlocker", json!("enabled")),
        ("especificaciones", json!({ "cpu": "i7", "n": 1 })),
        ("categoria_nombre", json!("Laptop")),
    ] {
        assert_eq!(row[field], value, "{field}");
    }
});

on_both!(bad_input_is_never_our_fault, world, {
    let cases = [
        ("{}", 422, "invalid", "nombre"),
        (
            r#"{"nombre":"a","numero_serie":"SN-X","categoria_id":777}"#,
            422,
            "invalid",
            "categoria_id",
        ),
        (
            r#"{"nombre":"a","numero_serie":"SN-X","categoria_id":"x"}"#,
            422,
            "invalid",
            "categoria_id",
        ),
        (
            r#"{"nombre":"a","numero_serie":"SN-X","precio_usd":-1}"#,
            422,
            "invalid",
            "precio_usd",
        ),
        (
            r#"{"nombre":"a","numero_serie":"SN-X","precio_usd":"1.005"}"#,
            422,
            "invalid",
            "precio_usd",
        ),
        (
            r#"{"nombre":"a","numero_serie":"SN-X","precio_usd":1e3}"#,
            422,
            "invalid",
            "precio_usd",
        ),
        (
            r#"{"nombre":"a","numero_serie":"SN-X","fecha_compra":"2025-02-30"}"#,
            422,
            "invalid",
            "fecha_compra",
        ),
        (
            r#"{"nombre":"a","numero_serie":"SN-X","estado":"roto"}"#,
            422,
            "invalid",
            "estado",
        ),
        (
            r#"{"nombre":"a","numero_serie":"SN-X","bitlocker":"si"}"#,
            422,
            "invalid",
            "bitlocker",
        ),
        (
            r#"{"nombre":["a"],"numero_serie":"SN-X"}"#,
            422,
            "invalid",
            "nombre",
        ),
        (
            r#"{"nombre":"a","numero_serie":"SN-X","especificaciones":"no es json"}"#,
            422,
            "invalid",
            "especificaciones",
        ),
        (
            r#"{"nombre":"a","numero_serie":"SN-X","especificaciones":[1]}"#,
            422,
            "invalid",
            "especificaciones",
        ),
    ];
    for (body, status, code, field) in cases {
        let problem = world.post("/api/activos", body).await.problem(status, code);
        assert_eq!(problem["errors"][0]["path"], field, "{problem}");
        assert!(problem["errors"][0]["msg"].is_string() && problem["errors"][0]["pointer"].is_string());
    }
    for body in ["", "[]", "{\"nombre\":", "null", "{\"a\":1}x"] {
        world
            .with(
                "POST",
                "/api/activos",
                &[("content-type", "application/json")],
                body,
            )
            .await
            .problem(400, "not_json");
    }
    world
        .post("/api/activos", r#"{"nombre":"a","nombre":"b"}"#)
        .await
        .problem(400, "repeated_field");
    world
        .with("POST", "/api/activos", &[("content-type", "text/plain")], "{}")
        .await
        .problem(415, "not_json");
    let big = format!("{{\"notas\":\"{}\"}}", "x".repeat(110_000));
    world.put("/api/activos/1", &big).await.problem(413, "too_large");
    assert_eq!(
        world
            .stored("SELECT CAST(COUNT(*) AS CHAR(9)) FROM activos")
            .await
            .as_deref(),
        Some("60")
    );
});

on_both!(a_serial_number_is_taken_once, world, {
    let serial = world.get("/api/activos/5").await.json()["numero_serie"]
        .as_str()
        .unwrap()
        .to_owned();
    let body = json!({ "nombre": "a", "numero_serie": serial }).to_string();
    let problem = world.post("/api/activos", &body).await.problem(409, "duplicate");
    assert_eq!(problem["errors"][0]["path"], "numero_serie");
    world
        .put("/api/activos/6", &json!({ "numero_serie": serial }).to_string())
        .await
        .problem(409, "duplicate");
    assert!(!problem.to_string().contains(&serial));
    // Its own number is no conflict.
    world
        .put("/api/activos/5", &json!({ "numero_serie": serial }).to_string())
        .await
        .ok();
});

on_both!(a_put_changes_what_it_names, world, {
    let before = world.get("/api/activos/7").await.ok().json();
    let answer = world
        .put("/api/activos/7", r#"{"ubicacion":"Almacén 2","precio_usd":null}"#)
        .await
        .ok();
    assert_eq!(answer.json()["changed"], true);
    let mut after = world.get("/api/activos/7").await.ok().json();
    assert_eq!(
        (after["ubicacion"].as_str(), &after["precio_usd"]),
        (Some("Almacén 2"), &Value::Null)
    );
    for field in ["ubicacion", "precio_usd", "actualizado_en"] {
        after[field] = before[field].clone();
    }
    assert_eq!(after, before);
    // Nothing, or what is there already, is not a change.
    for body in [
        "{}",
        r#"{"bitlocker":null}"#,
        r#"{"bitlocker":null}"#,
        r#"{"especificaciones":null}"#,
    ] {
        world.put("/api/activos/7", body).await.ok();
    }
    assert_eq!(
        world.put("/api/activos/7", "{}").await.json()["message"],
        "Sin cambios"
    );
});

on_both!(a_row_can_be_sent_back_as_it_was_read, world, {
    for id in 1..=60 {
        let sql = format!("SELECT especificaciones FROM activos WHERE id = {id}");
        let (row, stored) = (
            world.get(&format!("/api/activos/{id}")).await.ok(),
            world.stored(&sql).await,
        );
        let answer = world.put(&format!("/api/activos/{id}"), &row.text).await.ok();
        assert_eq!(answer.json()["changed"], false, "{}", row.text);
        assert_eq!(answer.header("etag"), row.header("etag"));
        assert_eq!(world.stored(&sql).await, stored);
    }
});

on_both!(hidden_values_are_kept_and_new_ones_refused, world, {
    let stored = r#"{"cpu":"i5","bitlocker_recovery_key":"695914-383797","n":12345678901234567}"#;
    world.store_specs(8, Some(stored)).await;
    let body =
        r#"{"especificaciones":{"cpu":"i7","bitlocker_recovery_key":"[oculto]","n":12345678901234567}}"#;
    let answer = world.put("/api/activos/8", body).await.ok();
    assert_eq!(answer.json()["warnings"][0]["code"], "big_numbers");
    let sql = "SELECT especificaciones FROM activos WHERE id = 8";
    assert_eq!(world.stored(sql).await.unwrap(), stored.replace("i5", "i7"));
    for body in [
        r#"{"especificaciones":{"bitlocker_recovery_key":"111111-222222-333333"}}"#,
        r#"{"especificaciones":{"a":{"Recovery Key":"s3cr3to"}}}"#,
        r#"{"especificaciones":{"a":[{"contraseña":"s3cr3to"}]}}"#,
        r#"{"especificaciones":"{\"api_token\":\"s3cr3to\"}"}"#,
        r#"{"especificaciones":{"PIN":"[oculto]"}}"#,
        r#"{"notas":"llave 111111-222222-333333-444444-555555-666666-777777-888888"}"#,
    ] {
        let answer = world.put("/api/activos/8", body).await;
        answer.problem(422, "invalid");
        assert!(
            !answer.text.contains("s3cr3to") && !answer.text.contains("222222"),
            "{}",
            answer.text
        );
    }
    assert_eq!(world.stored(sql).await.unwrap(), stored.replace("i5", "i7"));
    world
        .put("/api/activos/8", r#"{"especificaciones":{"cpu":"i7"}}"#)
        .await
        .ok();
    assert_eq!(world.stored(sql).await.unwrap(), r#"{"cpu":"i7"}"#);
});

on_both!(odd_states_in_use_are_taken, world, {
    world
        .sql("UPDATE activos SET estado = 'Dado de Baja' WHERE id = 1")
        .await;
    world
        .put("/api/activos/2", r#"{"estado":"Dado de Baja"}"#)
        .await
        .ok();
    world
        .put("/api/activos/2", r#"{"estado":"dado de baja"}"#)
        .await
        .problem(422, "invalid");
    world.put("/api/activos/2", r#"{"estado":"De baja"}"#).await.ok();
});

on_both!(of_two_writers_with_one_version_one_wins, world, {
    let etag = world.get("/api/activos/11").await.ok().header("etag").to_owned();
    let headers = [("if-match", etag.as_str())];
    let put = async |body: &str| world.with("PUT", "/api/activos/11", &headers, body).await;
    let (a, b) = tokio::join!(put(r#"{"marca":"UNO"}"#), put(r#"{"marca":"DOS"}"#));
    let mut codes = [a.status.as_u16(), b.status.as_u16()];
    codes.sort_unstable();
    assert_eq!(codes, [200, 412], "{} {}", a.text, b.text);
    let (winner, loser, name) = if a.status == 200 {
        (a, b, "UNO")
    } else {
        (b, a, "DOS")
    };
    loser.problem(412, "version_differs");
    let now = world.get("/api/activos/11").await.ok();
    assert_eq!(now.json()["marca"], name);
    assert_eq!(now.header("etag"), winner.header("etag"));
    world
        .with("PUT", "/api/activos/11", &[("if-match", "W/x")], "{}")
        .await
        .problem(400, "bad_if_match");
});

on_both!(writers_of_different_fields_lose_nothing, world, {
    let fields = [
        "marca",
        "modelo",
        "ubicacion",
        "responsable",
        "proveedor",
        "notas",
    ];
    let put = async |field: &str| {
        for n in 0..5 {
            let body = json!({ field: format!("{field} {n}") }).to_string();
            world.put("/api/activos/12", &body).await.ok();
        }
    };
    tokio::join!(
        put(fields[0]),
        put(fields[1]),
        put(fields[2]),
        put(fields[3]),
        put(fields[4]),
        put(fields[5])
    );
    let row = world.get("/api/activos/12").await.ok().json();
    for field in fields {
        assert_eq!(row[field], format!("{field} 4"));
    }
});
