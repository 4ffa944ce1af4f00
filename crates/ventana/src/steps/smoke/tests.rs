use super::*;

fn check(text: &str) -> Check {
    toml::from_str(&format!("name = \"one\"\npath = \"/\"\n{text}")).unwrap()
}

fn answer(status: u16, body: &str) -> http::Answer {
    http::Answer {
        status,
        body: body.into(),
    }
}

/// What is wrong with the answer, or what was saved.
fn judged(
    text: &str,
    status: u16,
    body: &str,
    release: Option<&str>,
) -> Result<BTreeMap<String, String>, String> {
    let mut saved = BTreeMap::new();
    match judge(&check(text), &answer(status, body), release, &mut saved) {
        Ok(()) => Ok(saved),
        Err(failure) => {
            assert_eq!((failure.code.as_str(), failure.exit), ("smoke", 1));
            Err(failure.message)
        }
    }
}

fn wrong(text: &str, status: u16, body: &str) -> String {
    judged(text, status, body, Some("r2")).expect_err("a wrong answer")
}

#[test]
fn the_status_counts_first() {
    assert!(judged("", 200, "no JSON, and none is asked for", None).is_ok());
    assert!(judged("status = 409", 409, "", None).is_ok());
    insta::assert_snapshot!(wrong("", 503, "down"), @r#"check "one" failed: status 503 instead of 200: down"#);
    insta::assert_snapshot!(wrong("status = 409", 200, "{}"), @r#"check "one" failed: status 200 instead of 409: {}"#);
    let long = wrong("", 500, &"ñ".repeat(5000));
    assert!(
        long.chars().count() < 300,
        "an error page is not quoted whole: {long}"
    );
}

#[test]
fn expected_values_are_compared_as_json() {
    let expect = r#"expect = { "/state" = "ok", "/deep/0/n" = 1 }"#;
    assert!(
        judged(
            expect,
            200,
            r#"{"state":"ok","deep":[{"n":1}],"more":true}"#,
            None
        )
        .is_ok()
    );
    insta::assert_snapshot!(wrong(expect, 200, r#"{"state":"ok","deep":[{"n":"1"}]}"#), @r#"check "one" failed: /deep/0/n is "1", 1 expected"#);
    insta::assert_snapshot!(wrong(expect, 200, r#"{"state":null,"deep":[{"n":1}]}"#), @r#"check "one" failed: /state is null, "ok" expected"#);
    insta::assert_snapshot!(wrong(expect, 200, "[]"), @r#"check "one" failed: /deep/0/n is nothing, 1 expected"#);
    insta::assert_snapshot!(wrong(expect, 200, "<html>"), @r#"check "one" failed: the answer is not JSON"#);
}

#[test]
fn the_release_is_the_one_just_deployed() {
    let expect = r#"expect = { "/release" = "{release}" }"#;
    assert!(judged(expect, 200, r#"{"release":"r2"}"#, Some("r2")).is_ok());
    insta::assert_snapshot!(wrong(expect, 200, r#"{"release":"r1"}"#), @r#"check "one" failed: /release is "r1", "r2" expected"#);
    // By hand nobody knows which release it should be.
    assert!(judged(expect, 200, r#"{"release":"r1"}"#, None).is_ok());
}

#[test]
fn what_must_not_be_empty() {
    for (pointer, good, bad) in [
        (
            "",
            vec!["[1]", r#"{"a":1}"#],
            vec!["[]", "{}", "null", "1", r#""text""#],
        ),
        (
            "/list",
            vec![r#"{"list":[null]}"#],
            vec![r#"{"list":[]}"#, "{}", r#"{"list":"x"}"#],
        ),
    ] {
        let text = format!("not_empty = \"{pointer}\"");
        for body in good {
            assert!(judged(&text, 200, body, None).is_ok(), "{pointer}: {body}");
        }
        for body in bad {
            assert!(
                wrong(&text, 200, body).ends_with(&format!("{pointer:?} is empty")),
                "{pointer}: {body}"
            );
        }
    }
}

#[test]
fn values_are_saved_for_later_checks() {
    let save = r#"save = { serial = "/0/serie", id = "/0/id", all = "" }"#;
    let saved = judged(save, 200, r#"[{"serie":"Ñ-1","id":9007199254740993}]"#, None).unwrap();
    assert_eq!(
        (saved["serial"].as_str(), saved["id"].as_str()),
        ("Ñ-1", "9007199254740993")
    );
    assert_eq!(saved["all"], r#"[{"id":9007199254740993,"serie":"Ñ-1"}]"#);
    insta::assert_snapshot!(wrong(save, 200, r#"[{"serie":"x"}]"#), @r#"check "one" failed: /0/id is not in the answer"#);
}

#[test]
fn saved_values_fill_paths_and_bodies() {
    let saved = BTreeMap::from([
        ("id".to_string(), "7".to_string()),
        ("name".to_string(), "a {b}".to_string()),
    ]);
    assert_eq!(
        fill("/x/{id}?n={name}&u={unknown}&{id}", &saved),
        "/x/7?n=a {b}&u={unknown}&7"
    );
    let body = json!({ "{id}": "{id}", "list": ["{name}", 1, null, { "deep": "<{id}>" }], "number": 5 });
    assert_eq!(
        fill_value(&body, &saved),
        json!({ "{id}": "7", "list": ["a {b}", 1, null, { "deep": "<7>" }], "number": 5 }),
        "texts are filled, keys and numbers stay"
    );
}
