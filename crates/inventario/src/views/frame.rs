//! What stands around every page of the inventory: navigation, session, the fence's banner, release and schema.

use std::sync::LazyLock;

use axum::http::Uri;
use web::assets::{Asset, Assets};
use web::page::{Banner, NavItem, Notice, NoticeKind, SignedIn};
use web::{Language, Page, look};

use super::format;
use super::texts::{self, Texts};

/// The files that pages refer to.
pub(crate) static ASSETS: LazyLock<Assets> = LazyLock::new(|| Assets::new(&FILES));

const FILES: [Asset; 4] = [
    look::LOOK,
    look::ICON,
    Asset {
        name: "inventario.css",
        content_type: "text/css; charset=utf-8",
        bytes: include_bytes!("../../assets/inventario.css"),
    },
    Asset {
        name: "page.js",
        content_type: "text/javascript; charset=utf-8",
        bytes: include_bytes!("../../assets/page.js"),
    },
];

/// What a page needs to know besides its content.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub(super) language: Language,
    pub(super) uri: Uri,
    pub(super) user: Option<Person>,
    pub(super) fence: Option<FenceSign>,
    pub(super) release: String,
    /// `None` when the database does not say.
    pub(super) schema: Option<u32>,
}

/// Who is logged in.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub(super) nombre: String,
    pub(super) administrador: bool,
}

/// The fence, as far as people need to know.
#[derive(Debug, Clone, Default)]
pub(super) struct FenceSign {
    pub(super) since: Option<String>,
    pub(super) run: Option<String>,
}

/// The entries of the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Activos,
    Revision,
    Elsewhere,
}

impl Frame {
    pub(super) fn texts(&self) -> &'static Texts {
        texts::of(self.language)
    }

    pub(super) fn fenced(&self) -> bool {
        self.fence.is_some()
    }

    /// The page around a content.
    pub(super) fn page(&self, title: impl Into<String>, place: Place) -> Page {
        let t = self.texts();
        let item = |label: &str, href: &str, at| NavItem {
            label: label.to_owned(),
            href: href.to_owned(),
            current: place == at,
            count: None,
        };
        let nav = match &self.user {
            Some(_) => vec![
                item(t.frame.activos, "/activos", Place::Activos),
                item(t.frame.revision, "/revision", Place::Revision),
            ],
            None => Vec::new(),
        };
        Page {
            language: self.language,
            title: title.into(),
            product: "Inventario",
            home: "/activos",
            styles: vec![
                ASSETS.url("look.css").to_owned(),
                ASSETS.url("inventario.css").to_owned(),
            ],
            scripts: vec![ASSETS.url("page.js").to_owned()],
            icon: ASSETS.url("icon.svg").to_owned(),
            nav,
            user: self.user.as_ref().map(|person| SignedIn {
                name: person.nombre.clone(),
                role: if person.administrador {
                    t.frame.administrador
                } else {
                    t.frame.usuario
                }
                .to_owned(),
                logout: "/logout",
            }),
            banner: self.fence.as_ref().map(|fence| self.banner(fence)),
            notice: None,
            languages: Page::languages(&self.uri, self.language),
            footer: self.footer(),
            narrow: false,
        }
    }

    fn banner(&self, fence: &FenceSign) -> Banner {
        let t = &self.texts().frame;
        let mut text = t.fence_text.to_owned();
        if let Some(since) = &fence.since {
            text.push_str(&format!(" {} {}.", t.fence_since, instant(self.language, since)));
        }
        if let Some(run) = &fence.run {
            text.push_str(&format!(" {}: {run}.", t.fence_run));
        }
        Banner {
            title: t.fence_title.to_owned(),
            text,
        }
    }

    fn footer(&self) -> Vec<(String, String)> {
        let t = &self.texts().frame;
        let schema = self.schema.map(|schema| match schema {
            1 => format!("1 ({})", t.schema_text),
            2 => format!("2 ({})", t.schema_json),
            other => other.to_string(),
        });
        let release = (t.release.to_owned(), self.release.clone());
        std::iter::once(release)
            .chain(schema.map(|schema| (t.schema.to_owned(), schema)))
            .collect()
    }
}

/// An instant in UTC, which is said: the server does not know where its reader is.
pub(super) fn instant(language: Language, stored: &str) -> String {
    let shown = format::date(language, stored);
    if stored.ends_with('Z') && shown != stored {
        format!("{shown} UTC")
    } else {
        shown
    }
}

/// A message on top of the page.
pub(super) fn notice(kind: NoticeKind, text: impl Into<String>) -> Option<Notice> {
    Some(Notice {
        kind,
        text: text.into(),
    })
}
