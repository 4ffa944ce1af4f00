//! `GET` and `POST /login`, `POST /logout`. The session is the same token that the API gives, in a cookie.

use axum::extract::{ConnectInfo, Form, Query, State, rejection::QueryRejection};
use axum::http::header::SET_COOKIE;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use web::page::NoticeKind;
use web::shutdown::Client;

use super::{show, visit};
use crate::auth::session::{login_cookie, logout_cookie};
use crate::auth::{LoginError, Sesion};
use crate::secret::Secret;
use crate::state::AppState;
use crate::views::frame::{Frame, Place, notice};
use crate::views::link;
use crate::views::login::LoginPage;

/// The query of the page.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    next: String,
    fin: String,
}

/// What the form sends.
#[derive(Deserialize)]
pub(super) struct Credentials {
    #[serde(default)]
    email: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    next: String,
}

pub(super) async fn form(
    State(state): State<AppState>,
    sesion: Option<Sesion>,
    asked: Result<Query<Asked>, QueryRejection>,
    parts: Parts,
) -> Response {
    let Query(asked) = asked.unwrap_or_default();
    if sesion.is_some() {
        return Redirect::to(link::local(&asked.next).unwrap_or("/activos")).into_response();
    }
    let frame = visit::frame(&state, &parts).await;
    let t = frame.texts();
    let ended = if asked.fin.is_empty() {
        None
    } else {
        notice(NoticeKind::Done, t.login.ended)
    };
    page(
        &frame,
        StatusCode::OK,
        &LoginPage::new(t, None, "", Some(&asked.next)),
        ended,
    )
}

pub(super) async fn enter(
    State(state): State<AppState>,
    parts: Parts,
    Form(sent): Form<Credentials>,
) -> Response {
    let from = parts
        .extensions
        .get::<ConnectInfo<Client>>()
        .map(|ConnectInfo(Client(address))| address.ip());
    let email = sent.email.trim().to_owned();
    let refused = match state
        .auth
        .login(&state.store, &email, Secret::new(sent.password), from)
        .await
    {
        Ok((_, token)) => {
            let next = link::local(&sent.next).unwrap_or("/activos");
            return with_cookie(Redirect::to(next).into_response(), &login_cookie(&token));
        }
        Err(LoginError::Store(error)) => return error.problem().into_response(),
        Err(error) => error,
    };
    let frame = visit::frame(&state, &parts).await;
    let t = frame.texts();
    let said = if matches!(refused, LoginError::TooMany(_)) {
        t.login.too_many
    } else {
        t.login.wrong
    };
    // 422, not 401: the browser is to show the form again, not a dialog of its own.
    let status = match refused {
        LoginError::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    page(
        &frame,
        status,
        &LoginPage::new(t, Some(said), &email, Some(&sent.next)),
        None,
    )
}

pub(super) async fn leave() -> Response {
    with_cookie(Redirect::to("/login?fin=1").into_response(), &logout_cookie())
}

fn page(frame: &Frame, status: StatusCode, content: &LoginPage, said: Option<web::page::Notice>) -> Response {
    let mut page = frame.page(frame.texts().login.title, Place::Elsewhere);
    page.narrow = true;
    page.notice = said;
    show(status, &page, content)
}

fn with_cookie(mut response: Response, cookie: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(SET_COOKIE, value);
    }
    response
}
