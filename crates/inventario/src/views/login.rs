//! The login form.

use askama::Template;

use super::link;
use super::texts::Texts;

#[derive(Template)]
#[template(path = "login.html")]
pub(super) struct LoginPage {
    t: &'static Texts,
    wrong: Option<&'static str>,
    email: String,
    /// Where to go on after the login.
    next: Option<String>,
}

impl LoginPage {
    pub(super) fn new(
        t: &'static Texts,
        wrong: Option<&'static str>,
        email: &str,
        next: Option<&str>,
    ) -> Self {
        let next = next.and_then(link::local).map(str::to_owned);
        Self {
            t,
            wrong,
            email: email.to_owned(),
            next,
        }
    }
}
