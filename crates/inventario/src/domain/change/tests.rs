use serde_json::value::RawValue;

use super::*;

fn context() -> Context {
    let columns = [
        "nombre",
        "numero_serie",
        "estado",
        "precio_usd",
        "categoria_id",
        "notas",
        "especificaciones",
        "marca",
    ];
    Context {
        estados: vec!["Dado de Baja".into()],
        columns: columns.map(str::to_owned).to_vec(),
    }
}

fn stored(specs: Option<&str>) -> Stored {
    Stored {
        id: 1,
        categoria_id: Some(2),
        nombre: "Laptop 1".into(),
        marca: Some("Dell".into()),
        modelo: None,
        numero_serie: "SN-1".into(),
        estado: Some("activo".into()),
        ubicacion: None,
        responsable: None,
        proveedor: None,
        fecha_compra: None,
        precio_usd: Some("5.00".into()),
        notas: Some("695914-383797-261567\nx".into()),
        bitlocker: None,
        especificaciones: specs.map(str::to_owned),
        creado_en: None,
        actualizado_en: None,
        categoria_nombre: None,
    }
}

fn raw(text: &str) -> Box<RawValue> {
    serde_json::from_str(text).unwrap()
}

fn put(stored: &Stored, field: &str, json: &str) -> Result<Write, Refused> {
    update(&vec![(field, Input::Json(&raw(json)))], stored, &context())
}

fn code(result: Result<Write, Refused>) -> (String, &'static str) {
    let Refused(mut errors) = result.unwrap_err();
    assert_eq!(errors.len(), 1);
    let error = errors.remove(0);
    (error.field, error.code)
}

#[test]
fn a_new_activo_needs_a_name_and_a_serial_number() {
    let Refused(errors) = create(&vec![("nombre", Input::Form(" "))], &context()).unwrap_err();
    assert_eq!(
        errors
            .iter()
            .map(|e| (e.field.as_str(), e.code))
            .collect::<Vec<_>>(),
        [("nombre", "required"), ("numero_serie", "required")]
    );
    let sent = vec![
        ("nombre", Input::Form("a")),
        ("numero_serie", Input::Form("b")),
        ("precio_usd", Input::Form("")),
        ("otro", Input::Form("x")),
        ("modelo", Input::Form("m")),
    ];
    let write = create(&sent, &context()).unwrap();
    let columns = [
        ("nombre", "a".into()),
        ("numero_serie", "b".into()),
        ("precio_usd", Cell::Null),
        ("estado", "Activo".into()),
    ];
    assert_eq!(write.columns, columns);
    assert_eq!(
        write.warnings.iter().map(|w| w.code).collect::<Vec<_>>(),
        ["unknown_field", "no_such_column"]
    );
}

#[test]
fn only_what_differs_is_written() {
    let sent = vec![
        ("id", Input::Form("9")),
        ("nombre", Input::Form("Laptop 1")),
        ("precio_usd", Input::Form("5")),
        ("marca", Input::Form("HP")),
    ];
    let write = update(&sent, &stored(None), &context()).unwrap();
    assert_eq!(write.columns, [("marca", "HP".into())]);
    assert_eq!(
        update(&vec![], &stored(None), &context()).unwrap(),
        Write::default()
    );
}

#[test]
fn states_in_use_are_taken_and_others_refused() {
    let row = stored(None);
    assert_eq!(put(&row, "estado", "\"Dado de Baja\"").unwrap().columns.len(), 1);
    assert_eq!(put(&row, "estado", "\"De baja\"").unwrap().columns.len(), 1);
    assert_eq!(
        put(&row, "estado", "null").unwrap().columns,
        [("estado", Cell::Null)]
    );
    assert_eq!(
        code(put(&row, "estado", "\"roto\"")),
        ("estado".into(), "not_allowed")
    );
}

#[test]
fn what_is_sent_back_as_shown_changes_nothing() {
    for text in [
        "N/D",
        "",
        "{\"cpu\": \"Xe",
        "[]",
        "null ",
        " {\"a\" :1.10}\n",
        "\"{\\\"a\\\":1}\"",
        "{\"pin\":\"1\"}",
        "{\"pin\": \"1",
    ] {
        let row = stored(Some(text));
        let shown = especificaciones::shown_text(text);
        assert_eq!(
            put(&row, "especificaciones", &shown).unwrap().columns,
            [],
            "{text}"
        );
        let form = vec![("especificaciones", Input::Form(&shown))];
        assert_eq!(update(&form, &row, &context()).unwrap().columns, [], "{text}");
    }
    let masked = "\"[oculto]\\r\\nx\"";
    assert_eq!(put(&stored(None), "notas", masked).unwrap().columns, []);
}

#[test]
fn specs_are_an_object_or_nothing() {
    let row = stored(Some("{\"cpu\":1}"));
    let text = |json| match &put(&row, "especificaciones", json).unwrap().columns[..] {
        [("especificaciones", Cell::Text(text))] => text.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        text("{\"id\":12345678901234567, \"x\":1.640614250081198}"),
        "{\"id\":12345678901234567, \"x\":1.640614250081198}"
    );
    assert_eq!(text("\"{\\\"cpu\\\": 2}\""), "{\"cpu\": 2}");
    assert_eq!(
        put(&row, "especificaciones", "null").unwrap().columns,
        [("especificaciones", Cell::Null)]
    );
    for (json, expected) in [
        ("[1]", "not_an_object"),
        ("7", "not_an_object"),
        ("\"N/D\"", "not_json"),
        ("true", "not_an_object"),
    ] {
        assert_eq!(code(put(&row, "especificaciones", json)).1, expected, "{json}");
    }
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(30), "]".repeat(30));
    assert_eq!(code(put(&row, "especificaciones", &deep)).1, "too_deep");
    let warnings = put(
        &row,
        "especificaciones",
        "{\"a\":1,\"a\":2,\"n\":12345678901234567}",
    )
    .unwrap()
    .warnings;
    assert_eq!(
        warnings.iter().map(|w| w.code).collect::<Vec<_>>(),
        ["duplicate_keys", "big_numbers"]
    );
}

#[test]
fn secrets_are_refused_without_an_echo() {
    let row = stored(Some("{}"));
    let refused = put(&row, "especificaciones", "{\"a\":{\"Recovery Key\":\"s3cr3t\"}}").unwrap_err();
    assert_eq!(
        (refused.0[0].field.as_str(), refused.0[0].code),
        ("especificaciones/a/Recovery Key", "sensitive")
    );
    assert!(!format!("{refused:?}").contains("s3cr3t"));
    let key = "\"695914-383797-261567-987977-139938-468619-462631-883588\"";
    assert_eq!(code(put(&row, "notas", key)), ("notas".into(), "sensitive"));
}
