use web::Language;

use super::super::texts;
use super::*;

fn es() -> &'static Texts {
    texts::of(Language::Es)
}

fn entries(json: &str) -> Vec<Entry> {
    match read(Some(json), es()) {
        Shown::Entries(entries) => entries,
        other => panic!("{other:?}"),
    }
}

fn html(json: &str) -> String {
    EntriesView {
        entries: &entries(json),
        t: es(),
    }
    .render()
    .unwrap()
}

#[test]
fn order_labels_duplicates_and_digits() {
    let read = entries(r#"{"ram":"8 GB","cpu":"i5","ram":12345678901234567,"Número de Serie":1.10,"":true}"#);
    let labels: Vec<_> = read
        .iter()
        .map(|entry| (entry.label.as_str(), entry.repeated))
        .collect();
    let expected = [
        ("Memoria RAM", true),
        ("Procesador", false),
        ("Memoria RAM", true),
        ("Número de Serie", false),
        ("(sin nombre)", false),
    ];
    assert_eq!(labels, expected);
    assert_eq!(read[2].item, Item::Number("12345678901234567".into()));
    assert_eq!(read[3].item, Item::Number("1.10".into()));
    let html = html(r#"{"ram":"8 GB","ram":12345678901234567}"#);
    assert_eq!(html.matches("clave repetida").count(), 2);
    assert!(
        html.contains(">8 GB<") && html.contains(">12345678901234567<"),
        "{html}"
    );
}

#[test]
fn values_of_every_kind() {
    let html = html(
        r#"{"a":null,"b":" ","c":[],"d":false,"e":[1,{"disco_duro":"x"}],"f":"{\"mac\":\"\\u003cb\"}"}"#,
    );
    for part in [
        "sin valor",
        "en blanco",
        "vacío",
        ">No<",
        "<ol><li>",
        "Disco",
        "JSON dentro de un texto",
        "Dirección MAC",
        "&#60;b",
    ] {
        assert!(html.contains(part), "{part}\n{html}");
    }
}

#[test]
fn secrets_are_never_shown() {
    let html = html(
        r#"{"recoveryKey":"111111-222222","pin":1234,"x":"[oculto]","red":{"Contraseña":["a1b2"]},"s":"{\"clave\":\"zz9\"}"}"#,
    );
    for secret in ["111111", "1234", "a1b2", "zz9", "[oculto]"] {
        assert!(!html.contains(secret), "{secret}\n{html}");
    }
    assert_eq!(html.matches(">oculto<").count(), 5);
}

#[test]
fn what_was_no_json() {
    let text = |json| match read(Some(json), es()) {
        Shown::Original { text, rest } => (text, rest.len()),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        text(r#"{"_texto_original":" i5,\n8GB "}"#),
        (" i5,\n8GB ".into(), 0)
    );
    assert_eq!(text(r#"{"_texto_original":"","cpu":"i5"}"#), (String::new(), 1));
    assert_eq!(text(r#"{"_texto_original":"[1]"}"#), ("[1]".into(), 0));
    assert_eq!(read(None, es()), Shown::None);
    assert!(matches!(read(Some("[1]"), es()), Shown::Other(Item::List(_))));
}

#[test]
fn before_the_window_a_string_is_text() {
    let of = |shown: &str, schema| {
        let review = judged(Some(shown), Some(schema));
        (of_activo(Some(shown), &review, es()), review.class)
    };
    assert_eq!(
        of(r#""i5, 8GB""#, 1),
        (Shown::Text("i5, 8GB".into()), Class::Text)
    );
    assert_eq!(of(r#""""#, 1), (Shown::Text(String::new()), Class::Empty));
    assert_eq!(of(r#""{\"cpu\": ""#, 1).1, Class::Truncated);
    // Stored as a JSON string: text that is JSON could not have been stored as text.
    assert!(matches!(
        of(r#""{\"cpu\":1}""#, 1),
        (Shown::Other(Item::JsonInText(_)), Class::ValidOther)
    ));
    assert!(matches!(
        of(r#""i5""#, 2),
        (Shown::Other(Item::Text(_)), Class::ValidOther)
    ));
}

#[test]
fn a_row_shows_what_tells_most() {
    let chips = |json| {
        chips(Some(json), es())
            .into_iter()
            .map(|chip| (chip.label, chip.value, chip.warn))
            .collect::<Vec<_>>()
    };
    let chip = |label: &str, value: &str, warn| (label.to_owned(), value.to_owned(), warn);
    assert_eq!(
        chips(r#"{"service_tag":"T","notas":"n","gpu":{"a":1},"ram":"8 GB","cpu":"i5","clave":"s"}"#),
        [
            chip("CPU", "i5", false),
            chip("RAM", "8 GB", false),
            chip("Service tag", "T", false)
        ]
    );
    assert_eq!(
        chips(r#"{"cpu":"a","cpu":"b"}"#),
        [chip("CPU", "a", true), chip("CPU", "b", true)]
    );
    assert_eq!(
        chips(r#"{"_texto_original":"x"}"#),
        [chip("Texto original", "x", true)]
    );
    assert_eq!(chips(r#""{\"cpu\":\"i5\"}""#), [chip("CPU", "i5", true)]);
    assert_eq!(
        chips(r#"{"_texto_original":""}"#),
        [chip("Texto original", "vacío", true)]
    );
    assert_eq!(chips("[]"), []);
    let long = chips(&format!(r#"{{"cpu":"{}"}}"#, "x".repeat(99)));
    assert_eq!(long[0].1.chars().count(), CHIP_LENGTH + 1);
}

#[test]
fn a_document_as_deep_as_it_may_be_is_rendered() {
    let deep = format!("{{\"a\":{}1{}}}", "{\"a\":".repeat(126), "}".repeat(126));
    assert_eq!(html(&deep).matches("<dl").count(), 127);
    let quoted = (0..6).fold("[1]".to_owned(), |inner, _| {
        serde_json::to_string(&inner).unwrap()
    });
    let opened = ItemView {
        item: &item(&raw_json::parse(&quoted).unwrap(), es(), 0),
        t: es(),
    }
    .render()
    .unwrap();
    assert_eq!(opened.matches("JSON dentro").count(), MAX_OPENED);
}
