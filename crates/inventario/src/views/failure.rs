//! A problem as a page.

use askama::Template;
use axum::http::StatusCode;
use web::Problem;

use super::texts::{Kind, Texts};

#[derive(Template)]
#[template(path = "error.html")]
pub(super) struct FailurePage {
    t: &'static Texts,
    status: u16,
    code: &'static str,
    pub(super) name: &'static str,
    help: &'static str,
    detail: Option<String>,
    errors: Vec<String>,
    request: Option<String>,
}

impl FailurePage {
    pub(super) fn new(t: &'static Texts, problem: &Problem, request: Option<&str>) -> Self {
        let kind = kind(problem, t);
        // Codes that have words of their own need no English detail beside them.
        let explained = !std::ptr::eq(kind, &t.errors.other) && !std::ptr::eq(kind, &t.errors.invalid);
        Self {
            t,
            status: problem.status.as_u16(),
            code: problem.code,
            name: kind.name,
            help: kind.help,
            detail: if explained {
                None
            } else {
                problem.detail.as_deref().map(str::to_owned)
            },
            errors: problem.errors.iter().map(|error| error.message.clone()).collect(),
            request: request.map(str::to_owned),
        }
    }
}

fn kind(problem: &Problem, t: &'static Texts) -> &'static Kind {
    let e = &t.errors;
    match (problem.code, problem.status) {
        ("fenced", _) => &e.fenced,
        ("cross_origin", _) => &e.cross_origin,
        (_, StatusCode::NOT_FOUND | StatusCode::GONE) => &e.not_found,
        (_, StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED) => &e.forbidden,
        (_, StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT) => &e.unavailable,
        (_, StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED) => &e.conflict,
        (_, status) if status.is_client_error() => &e.invalid,
        _ => &e.other,
    }
}
