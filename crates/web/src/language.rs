//! The language of a request: `?lang=`, else the cookie, else Accept-Language, else Spanish.
//!
//! A face keeps its texts as one struct with a field per text and one value per language: a missing translation does
//! not compile.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, Request};
use axum::http::header::{ACCEPT_LANGUAGE, COOKIE, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::middleware::Next;
use axum::response::Response;

/// The name of the query parameter and of the cookie.
pub const PARAMETER: &str = "lang";

/// The languages that the faces speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Language {
    #[default]
    Es,
    En,
}

impl Language {
    pub const ALL: [Self; 2] = [Self::Es, Self::En];

    /// The tag of `<html lang>` and of `?lang=`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Es => "es",
            Self::En => "en",
        }
    }

    /// The language's name in itself.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Es => "Español",
            Self::En => "English",
        }
    }

    /// `es`, `en`, or a regional tag of one of them.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['-', '_']).next().unwrap_or(tag).trim();
        Self::ALL
            .into_iter()
            .find(|language| primary.eq_ignore_ascii_case(language.code()))
    }

    /// The language that a request asks for.
    pub fn of(uri: &Uri, headers: &HeaderMap) -> Self {
        asked(uri)
            .or_else(|| from_cookie(headers))
            .or_else(|| from_accept(headers))
            .unwrap_or_default()
    }
}

impl<S: Sync> FromRequestParts<S> for Language {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::of(&parts.uri, &parts.headers))
    }
}

/// Middleware: a language chosen by `?lang=` is remembered in a cookie for a year.
pub async fn remember(request: Request, next: Next) -> Response {
    let chosen = asked(request.uri());
    let mut response = next.run(request).await;
    if let Some(language) = chosen {
        let cookie = format!(
            "{PARAMETER}={}; Path=/; Max-Age=31536000; SameSite=Lax; HttpOnly",
            language.code()
        );
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
    }
    response
}

/// The same address in another language.
pub fn address_in(uri: &Uri, language: Language) -> String {
    let kept = uri
        .query()
        .unwrap_or("")
        .split('&')
        .filter(|pair| !pair.is_empty() && !is_language(pair));
    let chosen = format!("{PARAMETER}={}", language.code());
    let query: Vec<&str> = kept.chain([chosen.as_str()]).collect();
    format!("{}?{}", uri.path(), query.join("&"))
}

fn is_language(pair: &str) -> bool {
    pair.split('=').next() == Some(PARAMETER)
}

fn asked(uri: &Uri) -> Option<Language> {
    let pair = uri.query()?.split('&').rfind(|pair| is_language(pair))?;
    Language::from_tag(pair.split_once('=')?.1)
}

fn from_cookie(headers: &HeaderMap) -> Option<Language> {
    let cookies = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|line| line.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find(|(name, _)| *name == PARAMETER)
        .and_then(|(_, value)| Language::from_tag(value))
}

/// The known language with the highest weight; the first of equals.
fn from_accept(headers: &HeaderMap) -> Option<Language> {
    let line = headers.get(ACCEPT_LANGUAGE)?.to_str().ok()?;
    let mut best: Option<(f32, Language)> = None;
    for part in line.split(',') {
        let (tag, parameters) = part.split_once(';').unwrap_or((part, ""));
        let weight = parameters
            .trim()
            .strip_prefix("q=")
            .map_or(Some(1.0), |q| q.trim().parse().ok());
        if let (Some(language), Some(weight)) = (Language::from_tag(tag), weight)
            && weight > best.map_or(0.0, |(weight, _)| weight)
        {
            best = Some((weight, language));
        }
    }
    best.map(|(_, language)| language)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(uri: &str, cookie: &str, accept: &str) -> Language {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, HeaderValue::from_str(cookie).unwrap());
        headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_str(accept).unwrap());
        Language::of(&uri.parse().unwrap(), &headers)
    }

    #[test]
    fn address_before_cookie_before_browser() {
        assert_eq!(of("/?q=1&lang=en", "lang=es", "es"), Language::En);
        assert_eq!(of("/?lang=xx", "a=b; lang=en", "es"), Language::En);
        assert_eq!(of("/", "a=b", "fr, en-GB;q=0.8, es;q=0.5"), Language::En);
        assert_eq!(of("/", "", "de;q=0.9, es-MX;q=0.9, en;q=0.2"), Language::Es);
        assert_eq!(of("/", "", "en;q=0"), Language::Es);
        assert_eq!(of("/", "", "fr"), Language::Es);
    }

    #[test]
    fn the_other_language_keeps_the_rest_of_the_address() {
        let other = |uri: &str| address_in(&uri.parse().unwrap(), Language::En);
        assert_eq!(other("/activos"), "/activos?lang=en");
        assert_eq!(
            other("/activos?q=a%26b&lang=es&pagina=2"),
            "/activos?q=a%26b&pagina=2&lang=en"
        );
    }
}
