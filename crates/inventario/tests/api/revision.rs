//! The review list.

use serde_json::{Value, json};

use super::world::on_both;

fn ids(list: &Value) -> Vec<i64> {
    list["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["id"].as_i64().unwrap())
        .collect()
}

on_both!(rows_that_need_a_look_are_named_with_their_reason, world, {
    world
        .sql("UPDATE activos SET especificaciones = '{\"cpu\": 1}'")
        .await;
    assert_eq!(
        world.get("/api/revision").await.ok().json(),
        json!({ "rows": [], "next": null })
    );
    let cases = [
        (3, Some(r#"{"_texto_original": "N/D"}"#), "text", true, json!([])),
        (
            4,
            Some(r#"{"_texto_original": "{\"a\": "}"#),
            "truncated",
            true,
            json!([]),
        ),
        (5, Some("[]"), "valid_other", false, json!([])),
        (6, Some("N/D"), "text", false, json!([])),
        (7, Some(""), "empty", false, json!([])),
        (
            8,
            Some(r#"{"a":1,"a":2}"#),
            "valid_object",
            false,
            json!(["duplicate_keys"]),
        ),
        (
            9,
            Some(r#"{"especificaciones":{}}"#),
            "valid_object",
            false,
            json!(["nested"]),
        ),
        (
            10,
            Some(r#"{"n":62731935932741728}"#),
            "valid_object",
            false,
            json!(["big_numbers"]),
        ),
        (
            11,
            Some(r#"{"a":[{"recoveryKey":"s3cr3to"}]}"#),
            "valid_object",
            false,
            json!(["sensitive_key"]),
        ),
        (12, Some(" {}"), "valid_object", false, json!(["leading_blanks"])),
        (13, None, "null", false, json!([])),
    ];
    for (id, text, ..) in &cases {
        world.store_specs(*id, *text).await;
    }
    let answer = world.get("/api/revision").await.ok();
    assert!(
        !answer.text.contains("s3cr3to") && !answer.text.contains("especificaciones\":"),
        "{}",
        answer.text
    );
    let list = answer.json();
    assert_eq!(ids(&list), [3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    for (row, (id, _, class, wrapped, findings)) in list["rows"].as_array().unwrap().iter().zip(&cases) {
        assert_eq!(
            (&row["id"], &row["class"], &row["wrapped"], &row["findings"]),
            (&json!(id), &json!(class), &json!(wrapped), findings)
        );
    }
    assert_eq!(list["rows"][8]["sensitive_paths"], json!(["a/0/recoveryKey"]));
    for (only, expected) in [
        ("wrapped", vec![3, 4]),
        ("text", vec![3, 6]),
        ("null", vec![13]),
        ("nested", vec![9]),
    ] {
        assert_eq!(
            ids(&world.get(&format!("/api/revision?only={only}")).await.ok().json()),
            expected,
            "{only}"
        );
    }
    let counts = world.get("/api/revision/resumen").await.ok().json();
    assert_eq!(
        (&counts["rows"], &counts["due"], &counts["wrapped"]),
        (&json!(60), &json!(10), &json!(2))
    );
    assert_eq!(
        counts["classes"],
        json!({ "valid_object": 54, "valid_other": 1, "text": 2, "truncated": 1, "empty": 1, "null": 1 })
    );
});

on_both!(the_list_comes_in_parts, world, {
    let all = ids(&world.get("/api/revision").await.ok().json());
    assert!(all.len() > 14);
    let mut parts = Vec::new();
    let mut after = json!(0);
    while !after.is_null() {
        let part = world
            .get(&format!("/api/revision?limit=4&after={after}"))
            .await
            .ok()
            .json();
        parts.extend(ids(&part));
        after = part["next"].clone();
    }
    assert_eq!(parts, all);
    for query in ["limit=0", "only=password", "after=x", "x=1"] {
        world
            .get(&format!("/api/revision?{query}"))
            .await
            .problem(400, "bad_query");
    }
});
