//! Reading activos.

use serde_json::{Value, json};

use super::world::on_both;

fn ids(list: &Value) -> Vec<i64> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|row| row["id"].as_i64().unwrap())
        .collect()
}

/// The address behind `rel` in a Link header.
fn link(header: &str, rel: &str) -> Option<String> {
    let rel = format!("; rel=\"{rel}\"");
    let entry = header.split(", ").find_map(|entry| entry.strip_suffix(&rel))?;
    Some(entry.trim_start_matches('<').trim_end_matches('>').to_owned())
}

on_both!(the_list_has_the_shape_that_legacy_clients_expect, world, {
    let answer = world.get("/api/activos").await.ok();
    assert_eq!(answer.header("content-type"), "application/json");
    let list = answer.json();
    assert_eq!(list.as_array().unwrap().len(), 60);
    let row = list
        .as_array()
        .unwrap()
        .iter()
        .find(|row| row["id"] == 1)
        .unwrap();
    let keys: Vec<&str> = row.as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected = vec![
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
        "categoria_nombre",
    ];
    expected.sort_unstable();
    assert_eq!(keys, expected);
    world.sql("UPDATE activos SET precio_usd = 3854, fecha_compra = '2025-05-19', creado_en = '2025-09-18 08:27:00' WHERE id = 1").await;
    let row = world.get("/api/activos/1").await.ok().json();
    assert_eq!(row["precio_usd"], "3854.00");
    assert_eq!(row["fecha_compra"], "2025-05-19");
    assert_eq!(row["creado_en"], "2025-09-18T08:27:00Z");
    let numbers: Vec<bool> = ["id", "categoria_id"]
        .iter()
        .map(|key| row[key].is_number() || row[key].is_null())
        .collect();
    assert_eq!(numbers, [true, true]);
});

on_both!(one_activo_and_none, world, {
    let answer = world.get("/api/activos/4").await.ok();
    assert_eq!(answer.json()["id"], 4);
    assert!(answer.header("etag").len() > 10);
    assert_eq!(
        world.get("/api/activos/4").await.header("etag"),
        answer.header("etag")
    );
    for id in [
        "4abc",
        "999",
        "-4",
        "4.0",
        "0x4",
        "%204",
        "99999999999999999999",
        "undefined",
    ] {
        world
            .get(&format!("/api/activos/{id}"))
            .await
            .problem(404, "not_found");
        world
            .put(&format!("/api/activos/{id}"), "{}")
            .await
            .problem(404, "not_found");
    }
});

on_both!(every_digit_survives, world, {
    let text = r#"{"id_hardware": 62731935932741728, "peso_kg": 1.6406142500811980, "x": 1e400, "a": 1, "a": 2, "ñ": "🙂\u00e9"}"#;
    world.store_specs(1, Some(text)).await;
    for path in ["/api/activos/1", "/api/activos", "/api/activos?limit=5"] {
        let body = world.get(path).await.ok().text;
        assert!(
            body.contains(&format!("\"especificaciones\":{text}")),
            "{path}: {body}"
        );
    }
});

on_both!(what_is_not_json_comes_as_a_string, world, {
    let cases = [
        (Some("N/D"), json!("N/D")),
        (Some("{\"cpu\": \"Xe"), json!("{\"cpu\": \"Xe")),
        (Some(""), json!("")),
        (Some(" {\"a\":1}\n"), json!({ "a": 1 })),
        (Some("null"), Value::Null),
        (Some("[]"), json!([])),
        (Some("\"{\\\"a\\\":1}\""), json!("{\"a\":1}")),
        (None, Value::Null),
    ];
    for (stored, shown) in cases {
        world.store_specs(2, stored).await;
        assert_eq!(
            world.get("/api/activos/2").await.ok().json()["especificaciones"],
            shown,
            "{stored:?}"
        );
    }
});

on_both!(secrets_are_never_shown, world, {
    let secret = "695914-383797-261567-987977-139938-468619-462631-883588";
    let texts = [
        format!("{{\"cpu\":\"x\",\"bitlocker_recovery_key\":\"{secret}\"}}"),
        format!("{{\"a\":[{{\"Recovery Key\":\"{secret}\"}}],\"notas\":\"{secret}\"}}"),
        format!("{{\"recoveryKey\":\"{secret}\", \"cpu\": \"Xe"),
        format!("\"{{\\\"pin\\\":\\\"{secret}\\\"}}\""),
        format!("{{\"_texto_original\":\"clave: {secret}\"}}"),
    ];
    for (at, text) in texts.iter().enumerate() {
        world.store_specs(at as i64 + 1, Some(text)).await;
    }
    world
        .sql(&format!(
            "UPDATE activos SET notas = 'clave {secret}' WHERE id = 1"
        ))
        .await;
    let paths = [
        "/api/activos",
        "/api/activos?limit=60",
        "/api/activos/1",
        "/api/activos/3",
        "/api/revision",
    ];
    for path in paths {
        let body = world.get(path).await.ok().text;
        assert!(
            !body.contains("695914") && !body.contains("883588"),
            "{path}: {body}"
        );
    }
    let row = world.get("/api/activos/1").await.json();
    assert_eq!(
        row["especificaciones"],
        json!({ "cpu": "x", "bitlocker_recovery_key": "[oculto]" })
    );
    assert_eq!(row["notas"], "clave [oculto]");
});

on_both!(pages_meet_without_gap_or_repeat, world, {
    let mut all: Vec<i64> = ids(&world.get("/api/activos").await.ok().json());
    all.sort_unstable();
    // Columns with values, with NULLs, with many ties, and the category of another table.
    for sort in [
        "id",
        "-id",
        "nombre",
        "-ubicacion",
        "responsable",
        "-precio_usd",
        "precio_usd",
        "fecha_compra",
        "-categoria",
        "estado",
    ] {
        let whole = ids(&world.get(&format!("/api/activos?sort={sort}")).await.ok().json());
        let mut path = Some(format!("/api/activos?sort={sort}&limit=7"));
        let mut forward = Vec::new();
        let mut last = String::new();
        while let Some(next) = path {
            let page = world.get(&next).await.ok();
            forward.extend(ids(&page.json()));
            path = link(page.header("link"), "next");
            last = page.header("link").to_owned();
        }
        assert_eq!(forward, whole, "{sort}");
        let mut back = Vec::new();
        let mut path = link(&last, "prev");
        while let Some(previous) = path {
            let page = world.get(&previous).await.ok();
            back.splice(0..0, ids(&page.json()));
            path = link(page.header("link"), "prev");
        }
        assert_eq!(back, whole[..back.len()], "{sort} backwards");
        assert!(back.len() >= 53, "{sort}: {}", back.len());
        forward.sort_unstable();
        assert_eq!(forward, all, "{sort}");
    }
});

on_both!(a_full_last_page_has_no_next, world, {
    let page = world.get("/api/activos?limit=60&total=1").await.ok();
    assert_eq!((page.header("link"), page.header("x-total-count")), ("", "60"));
    let page = world.get("/api/activos?limit=59").await.ok();
    assert_eq!(
        page.header("link"),
        "</api/activos?limit=59&after=59>; rel=\"next\""
    );
    assert_eq!(
        world.get("/api/activos?limit=5&after=60").await.ok().json(),
        json!([])
    );
});

on_both!(filters_narrow_the_list, world, {
    world.sql("UPDATE activos SET nombre = 'Ñandú 100% _listo_', estado = 'En reparación', categoria_id = 3 WHERE id = 9").await;
    world
        .sql("UPDATE activos SET nombre = 'otro 100 listo', estado = 'En reparación' WHERE id = 10")
        .await;
    let list = async |query: &str| ids(&world.get(&format!("/api/activos?{query}")).await.ok().json());
    assert_eq!(list("q=100%25").await, [9]);
    assert_eq!(list("q=_listo").await, [9]);
    assert_eq!(list("q=listo+100").await, [9, 10]);
    assert_eq!(
        list("q=%C3%91and%C3%BA&estado=En%20reparaci%C3%B3n&categoria_id=3").await,
        [9]
    );
    assert_eq!(list("q=%25%27%22--").await, [] as [i64; 0]);
    assert_eq!(list("q=SN-000012").await, [12]);
    let count = world.get("/api/activos?q=listo&limit=1&total=1").await.ok();
    assert_eq!(count.header("x-total-count"), "2");
    assert!(count.header("link").contains("q=listo"));
    for query in [
        "limit=0",
        "limit=2000",
        "limit=x",
        "sort=password",
        "estdo=x",
        "after=3",
        "limit=3&after=x",
        "limit=2&after=1&before=3",
        "categoria_id=a",
    ] {
        let problem = world
            .get(&format!("/api/activos?{query}"))
            .await
            .problem(400, "bad_query");
        assert!(problem["errors"][0]["code"].is_string(), "{problem}");
    }
});

on_both!(every_route_wants_a_token, world, {
    for (method, path) in inventario::routes::ROUTES {
        let path = path.replace("{id}", "1");
        if !path.starts_with("/api/") || ["/api/usuarios/login", "/api/openapi.json"].contains(&path.as_str())
        {
            continue;
        }
        let method = method.to_uppercase();
        let answer = world.anonymous(&method, &path, "").await;
        answer.problem(401, "no_token");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        for bad in ["Bearer undefined", "Bearer ", "Basic YTpi"] {
            assert_eq!(
                world
                    .with(&method, &path, &[("authorization", bad)], "")
                    .await
                    .status,
                401,
                "{path} {bad}"
            );
        }
    }
    // A token in the address is none.
    let token = world.token(1);
    world
        .anonymous("GET", &format!("/api/activos?token={token}"), "")
        .await
        .problem(401, "no_token");
    world
        .get(&format!("/api/activos?token={token}"))
        .await
        .problem(400, "bad_query");
});
