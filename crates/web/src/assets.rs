//! Files embedded in the binary, served under a name that holds their content's hash: a browser keeps them for ever,
//! and a new release has new names.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;
use axum::routing::get;
use sha2::{Digest, Sha256};

/// Where the files live.
pub const PREFIX: &str = "/assets/";

/// One embedded file.
#[derive(Debug, Clone, Copy)]
pub struct Asset {
    /// The name that templates use: `look.css`.
    pub name: &'static str,
    /// The value of its Content-Type header.
    pub content_type: &'static str,
    pub bytes: &'static [u8],
}

/// The files of one binary.
#[derive(Debug)]
pub struct Assets {
    urls: BTreeMap<&'static str, String>,
    files: BTreeMap<String, Asset>,
}

impl Assets {
    /// Hashes the files; do it once, in a `LazyLock`.
    pub fn new(assets: &[Asset]) -> Self {
        let mut all = Self {
            urls: BTreeMap::new(),
            files: BTreeMap::new(),
        };
        for asset in assets {
            let file = hashed_name(asset);
            all.urls.insert(asset.name, format!("{PREFIX}{file}"));
            all.files.insert(file, *asset);
        }
        all
    }

    /// The address of an asset. A name that is not there gives an address that answers 404; a test of the binary that
    /// renders every page and follows the links finds it.
    pub fn url(&self, name: &str) -> &str {
        self.urls.get(name).map_or("/assets/missing", String::as_str)
    }

    /// Routes for all files.
    pub fn router<S: Clone + Send + Sync + 'static>(&'static self) -> Router<S> {
        Router::new().route(
            "/assets/{file}",
            get(move |Path(file): Path<String>| async move { self.serve(&file) }),
        )
    }

    /// The answer for a file name below [`PREFIX`].
    pub fn serve(&self, file: &str) -> Response<Body> {
        let Some(asset) = self.files.get(file) else {
            return (StatusCode::NOT_FOUND, "not found\n").into_response();
        };
        let mut response = Body::from(asset.bytes).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
        headers.insert(
            CACHE_CONTROL,
            HeaderValue::from_static("public, max-age=31536000, immutable"),
        );
        response
    }
}

/// `look.css` → `look.1f2e3d4c5b6a7988.css`.
fn hashed_name(asset: &Asset) -> String {
    let hash: String = Sha256::digest(asset.bytes)
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    match asset.name.rsplit_once('.') {
        Some((stem, extension)) => format!("{stem}.{hash}.{extension}"),
        None => format!("{}.{hash}", asset.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_changes_with_the_content() {
        let css = |bytes| Asset {
            name: "a.css",
            content_type: "text/css",
            bytes,
        };
        let (one, two) = (Assets::new(&[css(b"a{}")]), Assets::new(&[css(b"b{}")]));
        assert_ne!(one.url("a.css"), two.url("a.css"));
        let file = one.url("a.css").strip_prefix(PREFIX).unwrap();
        let response = one.serve(file);
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[CONTENT_TYPE], "text/css");
        assert!(
            response.headers()[CACHE_CONTROL]
                .to_str()
                .unwrap()
                .contains("immutable")
        );
        assert_eq!(two.serve(file).status(), StatusCode::NOT_FOUND);
    }
}
