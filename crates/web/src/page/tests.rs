use super::*;

#[derive(Template)]
#[template(source = "<h1>{{ said }}</h1>", ext = "html")]
struct Content {
    said: &'static str,
}

fn page() -> Page {
    Page {
        language: Language::En,
        title: "<t>".into(),
        product: "Inventario",
        home: "/activos",
        styles: vec!["/assets/look.1.css".into()],
        scripts: vec!["/assets/page.1.js".into()],
        icon: "/assets/icon.1.svg".into(),
        nav: vec![NavItem {
            label: "<n>".into(),
            href: "/n?a=1&b=2".into(),
            current: true,
            count: Some("3".into()),
        }],
        user: Some(SignedIn {
            name: "<u>".into(),
            role: "<r>".into(),
            logout: "/logout",
        }),
        banner: Some(Banner {
            title: "<b>".into(),
            text: "<bt>".into(),
        }),
        notice: Some(Notice {
            kind: NoticeKind::Done,
            text: "<d>".into(),
        }),
        languages: Page::languages(&"/n?lang=en".parse().unwrap(), Language::En),
        footer: vec![("<fl>".into(), "<fv>".into())],
        narrow: false,
    }
}

#[test]
fn everything_is_escaped_and_the_content_is_not_escaped_twice() {
    let html = page().render(&Content { said: "a < b" }).unwrap();
    for text in ["<t>", "<n>", "<u>", "<r>", "<b>", "<bt>", "<d>", "<fl>", "<fv>"] {
        let escaped = text.replace('<', "&#60;").replace('>', "&#62;");
        assert!(
            html.contains(&escaped) && !html.contains(&format!(">{text}<")),
            "{text}\n{html}"
        );
    }
    assert!(html.contains("<h1>a &#60; b</h1>"), "{html}");
}

#[test]
fn the_frame_is_accessible_and_has_no_inline_code() {
    let html = page().render(&Content { said: "x" }).unwrap();
    assert!(html.starts_with("<!doctype html>\n<html lang=\"en\">"));
    for part in [
        "<main id=\"content\"",
        "href=\"#content\"",
        "<nav aria-label=\"Main navigation\"",
        "aria-current=\"page\"",
        "name=\"viewport\"",
        "hreflang=\"es\"",
        "method=\"post\" action=\"/logout\"",
        "role=\"alert\"",
        "role=\"status\"",
    ] {
        assert!(html.contains(part), "{part}\n{html}");
    }
    assert!(
        !html.contains("<style")
            && !html.contains(" style=")
            && !html.contains("<script>")
            && !html.contains(" on")
    );
}

#[test]
fn a_visitor_sees_no_session() {
    let html = Page {
        user: None,
        nav: vec![],
        banner: None,
        notice: None,
        ..page()
    }
    .render(&Content { said: "x" });
    let html = html.unwrap();
    assert!(
        !html.contains("<nav aria-label=\"Main")
            && !html.contains("logout")
            && !html.contains("role=\"alert\"")
    );
}
