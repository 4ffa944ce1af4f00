//! The page around every content: header with navigation and language switch, notices, content, footer.
//!
//! The content is another compiled template; no string that did not come out of one is ever written unescaped.

use askama::Template;
use axum::http::{Uri, header};
use axum::response::{IntoResponse, Response};

use crate::language::{self, Language};

/// What a page says around its content.
#[derive(Debug, Clone)]
pub struct Page {
    pub language: Language,
    /// The title of this page, before the product's name.
    pub title: String,
    pub product: &'static str,
    /// Where the product's name leads.
    pub home: &'static str,
    /// Addresses of the style sheets and scripts ([`crate::assets::Assets::url`]).
    pub styles: Vec<String>,
    pub scripts: Vec<String>,
    pub icon: String,
    pub nav: Vec<NavItem>,
    pub user: Option<SignedIn>,
    /// Stands on top of every page, until its cause is gone.
    pub banner: Option<Banner>,
    /// What the last action did.
    pub notice: Option<Notice>,
    pub languages: Vec<LanguageLink>,
    /// Small print: `(label, value)`.
    pub footer: Vec<(String, String)>,
    /// A narrow page for one small form, such as the login.
    pub narrow: bool,
}

/// An entry of the main navigation.
#[derive(Debug, Clone)]
pub struct NavItem {
    pub label: String,
    pub href: String,
    pub current: bool,
    /// A number beside the label (things to look at).
    pub count: Option<String>,
}

/// Who is logged in, and the form that ends the session.
#[derive(Debug, Clone)]
pub struct SignedIn {
    pub name: String,
    pub role: String,
    pub logout: &'static str,
}

/// A lasting condition, said on every page.
#[derive(Debug, Clone)]
pub struct Banner {
    pub title: String,
    pub text: String,
}

/// One message.
#[derive(Debug, Clone)]
pub struct Notice {
    pub kind: NoticeKind,
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeKind {
    Done,
    Warning,
    Failed,
}

impl NoticeKind {
    /// Its class in the style sheet.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}

/// A link of the language switch.
#[derive(Debug, Clone)]
pub struct LanguageLink {
    pub language: Language,
    pub href: String,
    pub current: bool,
}

/// The texts of the frame itself.
#[derive(Debug)]
struct Texts {
    skip: &'static str,
    navigation: &'static str,
    languages: &'static str,
    logout: &'static str,
}

const fn texts(language: Language) -> Texts {
    match language {
        Language::Es => Texts {
            skip: "Ir al contenido",
            navigation: "Navegación principal",
            languages: "Idioma",
            logout: "Cerrar sesión",
        },
        Language::En => Texts {
            skip: "Skip to content",
            navigation: "Main navigation",
            languages: "Language",
            logout: "Log out",
        },
    }
}

#[derive(Template)]
#[template(path = "page.html")]
struct Layout<'a, T: Template> {
    page: &'a Page,
    texts: Texts,
    content: &'a T,
}

impl Page {
    /// The links of the language switch for the page at `uri`.
    pub fn languages(uri: &Uri, current: Language) -> Vec<LanguageLink> {
        let link = |language| LanguageLink {
            language,
            href: language::address_in(uri, language),
            current: language == current,
        };
        Language::ALL.into_iter().map(link).collect()
    }

    /// The whole document.
    ///
    /// # Errors
    /// A value of the content refuses to be displayed.
    pub fn render<T: Template>(&self, content: &T) -> Result<String, askama::Error> {
        Layout {
            page: self,
            texts: texts(self.language),
            content,
        }
        .render()
    }

    /// The whole document as an answer.
    ///
    /// # Errors
    /// As [`Page::render`].
    pub fn respond<T: Template>(&self, content: &T) -> Result<Response, askama::Error> {
        Ok((
            [(header::CONTENT_TYPE, "text/html; charset=utf-8")],
            self.render(content)?,
        )
            .into_response())
    }
}

#[cfg(test)]
mod tests;
