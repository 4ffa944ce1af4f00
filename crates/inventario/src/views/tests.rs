//! Every page in both languages, hostile values in every field, and the basics of accessibility.

mod accessible;
mod sample;
mod served;

use askama::Template;
use axum::http::StatusCode;
use web::page::NoticeKind;
use web::{FieldError, Language, Problem};

use super::detail::DetailPage;
use super::especificaciones::judged;
use super::failure::FailurePage;
use super::form::{Filled, FormPage};
use super::frame::{FenceSign, Place, notice};
use super::list::{ListPage, Listing, stored};
use super::login::LoginPage;
use super::review::{Due, DueRow, ReviewPage, reasons};
use super::texts;
use crate::domain::query::{Filter, Sort};
use crate::domain::review::review;
use sample::{HOSTILE, activo, categorias, frame, hostile, mantenimientos};

/// Every page, by name.
fn pages(language: Language, fenced: bool) -> Vec<(&'static str, String)> {
    let t = texts::of(language);
    let mut frame = frame(language);
    frame.fence = fenced.then(|| FenceSign {
        since: Some("2026-03-01T02:00:00Z".into()),
        run: Some("r-7".into()),
    });
    let show =
        |title: &str, place, content: &dyn Fn(&web::Page) -> String| content(&frame.page(title, place));
    fn whole<T: Template>(content: &T) -> impl Fn(&web::Page) -> String + '_ {
        move |page| page.render(content).unwrap()
    }
    let rows: Vec<_> = (1..=4).map(activo).collect();
    let filter = Filter {
        q: Some("i5 \"x\"".into()),
        estado: Some("Activo".into()),
        categoria_id: Some(1),
    };
    let estados = ["Activo".to_owned(), "activo".to_owned(), "De baja".to_owned()];
    let categorias = categorias();
    let listing = Listing {
        filter: &filter,
        sort: Sort::parse("-nombre").unwrap(),
        rows: &rows,
        categorias: &categorias,
        estados: &estados,
        before: 50,
        total: 1204,
        all: 10_000,
        previous: Some("v9.41".into()),
        next: Some("v4.41".into()),
    };
    let list = ListPage::new(t, fenced, &listing);
    let judged = judged(stored(&rows[0]), Some(2));
    let detail = DetailPage::new(t, fenced, &rows[0], &judged, &mantenimientos());
    let original = DetailPage::new(
        t,
        fenced,
        &rows[1],
        &super::especificaciones::judged(stored(&rows[1]), Some(2)),
        &[],
    );
    let values = sample::values(&rows[0], "{\n  \"cpu\": \"i5\",\n  \"ñ\" 2\n}");
    let errors = [
        FieldError::new("numero_serie", "duplicate", "x"),
        FieldError::new("precio_usd", "negative", "x"),
        FieldError::new("especificaciones", "not_json", "x"),
    ];
    let filled = |errors| Filled {
        id: Some(1),
        version: Some("abc".into()),
        values: &values,
        categorias: &categorias,
        errors,
        message: None,
        hides: true,
        hint: Some(t.form.especificaciones_review),
    };
    let (form, wrong) = (
        FormPage::new(t, fenced, &filled(&[])),
        FormPage::new(t, fenced, &filled(&errors)),
    );
    let due: Vec<_> = rows.iter().map(|row| sample::due(row, Some(1))).collect();
    let counts: Vec<_> = reasons().into_iter().zip(1..).collect();
    let reviews = ReviewPage::new(
        t,
        fenced,
        &Due {
            reason: Some("text"),
            counts: &counts,
            all: 65,
            rows: &due,
            before: 50,
            total: 54,
            next: None,
            before_window: true,
        },
    );
    let problem = Problem::new(StatusCode::NOT_FOUND, "not_found", "No such activo");
    let failure = FailurePage::new(t, &problem, Some("a1-7"));
    let login = LoginPage::new(t, Some(t.login.wrong), "ana@empresa.example", Some("/activos/4"));
    let mut visitor = frame.clone();
    visitor.user = None;
    let mut narrow = visitor.page(t.login.title, Place::Elsewhere);
    narrow.narrow = true;
    let mut saved = frame.page("x", Place::Activos);
    saved.notice = notice(NoticeKind::Done, t.detail.saved);
    vec![
        ("list", show(t.list.title, Place::Activos, &whole(&list))),
        ("detail", saved.render(&detail).unwrap()),
        ("original", show("x", Place::Activos, &whole(&original))),
        ("form", show(form.title(), Place::Activos, &whole(&form))),
        ("form_wrong", show(wrong.title(), Place::Activos, &whole(&wrong))),
        ("review", show(t.review.title, Place::Revision, &whole(&reviews))),
        ("failure", show(failure.name, Place::Elsewhere, &whole(&failure))),
        ("login", narrow.render(&login).unwrap()),
    ]
}

#[test]
fn every_page_in_both_languages() {
    for language in Language::ALL {
        for (name, html) in pages(language, false) {
            // Addresses of assets change with their content, which is not what is looked at here.
            let html = accessible::without_hashes(&html);
            insta::assert_snapshot!(format!("{name}_{}", language.code()), html);
        }
    }
}

#[test]
fn every_page_is_accessible() {
    for language in Language::ALL {
        for fenced in [false, true] {
            for (name, html) in pages(language, fenced) {
                accessible::check(&html).unwrap_or_else(|what| panic!("{name} {language:?}: {what}\n{html}"));
                assert!(html.contains(&format!("<html lang=\"{}\">", language.code())));
            }
        }
    }
}

#[test]
fn no_page_has_code_or_styles_in_it() {
    for (name, html) in pages(Language::Es, true) {
        for forbidden in [
            "<style",
            " style=\"",
            "<script>",
            " onclick",
            " onchange",
            "javascript:",
            "http://",
            "https://",
        ] {
            assert!(!html.contains(forbidden), "{name}: {forbidden}");
        }
    }
}

#[test]
fn during_the_fence_nothing_can_be_written() {
    for language in Language::ALL {
        let t = texts::of(language);
        for (name, html) in pages(language, true) {
            assert!(
                html.contains(t.frame.fence_title) && html.contains("r-7"),
                "{name}"
            );
            assert!(
                !html.contains("href=\"/activos/nuevo\"") && !html.contains("/editar\" aria"),
                "{name}\n{html}"
            );
            assert!(!html.contains("/editar\">"), "{name}\n{html}");
            if name.starts_with("form") {
                assert!(
                    html.contains("method=\"post\" action=\"/activos/1/editar\" novalidate"),
                    "{html}"
                );
                assert!(html.contains("<button type=\"submit\" disabled"), "{html}");
                // The fields and the button.
                assert_eq!(
                    html.matches(" disabled").count(),
                    super::form::FIELDS.len() + 2,
                    "{html}"
                );
            }
        }
        assert!(
            pages(language, false)
                .iter()
                .all(|(_, html)| !html.contains(t.frame.fence_title))
        );
    }
}

/// Hostile text in every field that a person or a database can fill.
#[test]
fn hostile_values_are_text() {
    let t = texts::of(Language::En);
    let mut frame = frame(Language::En);
    frame.uri = "/activos?q=%22%3E%3Cscript%3E&x='\"".parse().unwrap_or_default();
    frame.release = HOSTILE.into();
    frame.fence = Some(FenceSign {
        since: Some(HOSTILE.into()),
        run: Some(HOSTILE.into()),
    });
    if let Some(user) = &mut frame.user {
        user.nombre = HOSTILE.into();
    }
    let (row, text) = (hostile(), HOSTILE.to_owned());
    let filter = Filter {
        q: Some(text.clone()),
        estado: Some(text.clone()),
        categoria_id: None,
    };
    let categorias = [crate::domain::activo::Categoria {
        id: 1,
        nombre: text.clone(),
    }];
    let estados = [text.clone()];
    let rows = [row.clone()];
    let listing = Listing {
        filter: &filter,
        sort: Sort::default(),
        rows: &rows,
        categorias: &categorias,
        estados: &estados,
        before: 0,
        total: 1,
        all: 1,
        previous: Some(text.clone()),
        next: Some(text.clone()),
    };
    let errors = [
        FieldError::new(text.clone(), "other", text.clone()),
        FieldError::new(format!("especificaciones/{text}"), "sensitive", text.clone()),
    ];
    let values: Vec<_> = sample::values(&row, HOSTILE)
        .into_iter()
        .map(|(name, _)| (name, text.clone()))
        .collect();
    let filled = Filled {
        id: None,
        version: Some(text.clone()),
        values: &values,
        categorias: &categorias,
        errors: &errors,
        message: None,
        hides: false,
        hint: None,
    };
    let due = [DueRow {
        id: 1,
        nombre: text.clone(),
        numero_serie: text.clone(),
        shown: text.clone(),
        review: review(Some(&format!(
            "{{{}:1}}",
            serde_json::to_string(&format!("clave {text}")).unwrap()
        ))),
    }];
    let problem = Problem::new(StatusCode::BAD_REQUEST, "invalid", text.clone())
        .detail(text.clone())
        .hint(text.clone())
        .errors(vec![FieldError::new(text.clone(), "x", text.clone())]);
    let judged = judged(stored(&row), Some(2));
    let page = frame.page(HOSTILE, Place::Activos);
    let all = [
        page.render(&ListPage::new(t, false, &listing)),
        page.render(&DetailPage::new(
            t,
            false,
            &row,
            &judged,
            &sample::hostile_mantenimientos(),
        )),
        page.render(&FormPage::new(t, false, &filled)),
        page.render(&ReviewPage::new(
            t,
            false,
            &Due {
                reason: Some("text"),
                counts: &[("text", 1)],
                all: 1,
                rows: &due,
                before: 0,
                total: 1,
                next: None,
                before_window: false,
            },
        )),
        page.render(&FailurePage::new(t, &problem, Some(HOSTILE))),
        page.render(&LoginPage::new(t, None, HOSTILE, Some(HOSTILE))),
    ];
    for (at, html) in all.into_iter().enumerate() {
        let html = html.unwrap();
        assert!(html.contains("&#60;script&#62;"), "page {at} shows nothing of it");
        for broken_out in ["<script>alert", "<img", "\"'>"] {
            assert!(!html.contains(broken_out), "page {at}: {broken_out}\n{html}");
        }
        accessible::check(&html).unwrap_or_else(|what| panic!("page {at}: {what}\n{html}"));
    }
}

#[test]
fn a_broken_json_text_is_explained_beside_its_field() {
    for (language, line) in [
        (Language::Es, "Línea 3, columna 7: Faltan los dos puntos"),
        (Language::En, "Line 3, column 7: The colon"),
    ] {
        let html = &pages(language, false)[4].1;
        assert_eq!(html.matches(line).count(), 2, "{html}");
        assert!(html.contains("3 |   &#34;ñ&#34; 2\n          ^</pre>"), "{html}");
        assert!(
            html.contains("aria-describedby=\"especificaciones-help especificaciones-wrong\""),
            "{html}"
        );
        // What was typed is still there.
        assert!(html.contains("&#34;cpu&#34;: &#34;i5&#34;,\n"), "{html}");
    }
}

#[test]
fn pages_link_to_assets_that_exist() {
    for (name, html) in pages(Language::Es, false) {
        let files: Vec<&str> = html
            .split("\"/assets/")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .collect();
        assert_eq!(files.len(), 4, "{name}");
        for file in files {
            assert_eq!(
                super::frame::ASSETS.serve(file).status(),
                StatusCode::OK,
                "{file}"
            );
        }
    }
}
