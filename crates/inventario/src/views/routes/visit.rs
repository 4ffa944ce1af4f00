//! A visit of somebody who is logged in. Anybody else is sent to the login and comes back from there.

use axum::extract::FromRequestParts;
use axum::http::Uri;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use web::Language;

use crate::auth::session::{self, NoSession};
use crate::state::AppState;
use crate::views::frame::{FenceSign, Frame, Person};
use crate::views::link;
use crate::views::texts::Texts;

/// The session of a request, and what its page needs.
#[derive(Debug)]
pub(super) struct Visit {
    pub(super) state: AppState,
    pub(super) frame: Frame,
}

impl Visit {
    pub(super) fn texts(&self) -> &'static Texts {
        self.frame.texts()
    }

    pub(super) fn fenced(&self) -> bool {
        self.frame.fenced()
    }

    /// The schema's version.
    pub(super) fn schema(&self) -> Option<u32> {
        self.frame.schema
    }
}

impl FromRequestParts<AppState> for Visit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        match session::of(&parts.headers, state).await {
            Ok(sesion) => {
                let person = Person {
                    administrador: sesion.usuario.is_admin(),
                    nombre: sesion.usuario.nombre,
                };
                Ok(Self {
                    state: state.clone(),
                    frame: around(state, parts, Some(person)),
                })
            }
            Err(NoSession::Missing | NoSession::Invalid(_)) => Err(to_login(&parts.uri)),
            Err(error) => Err(error.into_response()),
        }
    }
}

/// The frame of a page that is shown with or without a session.
pub(super) async fn frame(state: &AppState, parts: &Parts) -> Frame {
    let sesion = session::of(&parts.headers, state).await.ok();
    let person = sesion.map(|sesion| Person {
        administrador: sesion.usuario.is_admin(),
        nombre: sesion.usuario.nombre,
    });
    around(state, parts, person)
}

fn around(state: &AppState, parts: &Parts, user: Option<Person>) -> Frame {
    let said = |text: String| (!text.is_empty()).then_some(text);
    Frame {
        language: Language::of(&parts.uri, &parts.headers),
        uri: parts.uri.clone(),
        user,
        fence: state.fence.flag().map(|flag| FenceSign {
            since: said(flag.since),
            run: said(flag.run),
        }),
        release: state.about.release.clone(),
        schema: Some(state.store.schema().version),
    }
}

/// To the login, and back here afterwards.
pub(super) fn to_login(uri: &Uri) -> Response {
    let here = uri.path_and_query().map_or("/", |here| here.as_str());
    let next = if here == "/" || here.starts_with("/login") || here.starts_with("/logout") {
        ""
    } else {
        here
    };
    Redirect::to(&link::to("/login", &[("next", next)])).into_response()
}
