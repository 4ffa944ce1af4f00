//! Questions to the running service.

use crate::config::Token;
use crate::error::Failure;
use db::Secret;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use std::time::Duration;

/// An answer: its status and its body.
pub struct Answer {
    pub status: u16,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Option<Value> {
        serde_json::from_str(&self.body).ok()
    }
}

/// Asks `url`; an answer of any status is an answer.
pub fn ask(method: &str, url: &str, token: Option<&Secret>, body: Option<&Value>) -> Result<Answer, Failure> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(Duration::from_secs(20)))
        .http_status_as_error(false)
        .build()
        .into();
    let unanswered = |e: ureq::Error| Failure::failed("no_answer", format!("{method} {url}: {e}"));
    let mut request = ureq::http::Request::builder().method(method).uri(url);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {}", token.open()));
    }
    let bad = |e: ureq::http::Error| Failure::usage(format!("{method} {url}: {e}"));
    let mut response = match body {
        Some(body) => {
            let request = request
                .header("content-type", "application/json")
                .body(body.to_string())
                .map_err(bad)?;
            agent.run(request).map_err(unanswered)?
        }
        None => agent.run(request.body(()).map_err(bad)?).map_err(unanswered)?,
    };
    let status = response.status().as_u16();
    let body = response
        .body_mut()
        .with_config()
        .limit(256 << 20)
        .read_to_string()
        .map_err(unanswered)?;
    Ok(Answer { status, body })
}

/// A short-lived HS256 token with the configured claims; `now` in seconds since 1970.
pub fn mint(token: &Token, secret: &Secret, now: i64) -> Secret {
    let mut claims = token.claims.clone();
    if let Value::Object(map) = &mut claims {
        map.insert("iat".into(), now.into());
        map.insert("exp".into(), (now + 3600).into());
    }
    let head = base64(br#"{"alg":"HS256","typ":"JWT"}"#);
    let signed = format!("{head}.{}", base64(claims.to_string().as_bytes()));
    // HMAC takes keys of any length.
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.open().as_bytes()).expect("any key length");
    mac.update(signed.as_bytes());
    Secret::new(format!("{signed}.{}", base64(&mac.finalize().into_bytes())))
}

/// base64url without padding (RFC 4648 §5).
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0u32, |w, b| w << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for i in 0..=chunk.len() {
            out.push(DIGITS[(word >> (18 - 6 * i) & 63) as usize] as char);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64url_and_the_token_of_rfc_7515() {
        assert_eq!(base64(b""), "");
        assert_eq!(base64(b"f"), "Zg");
        assert_eq!(base64(b"fo"), "Zm8");
        assert_eq!(base64(b"foobar"), "Zm9vYmFy");
        assert_eq!(base64(&[0xfb, 0xff]), "-_8");
        let token = Token {
            secret_env: "S".into(),
            claims: serde_json::json!({"u": 1}),
        };
        let minted = mint(&token, &Secret::new("k"), 10);
        assert_eq!(minted.open().split('.').count(), 3);
        assert!(!format!("{minted:?}").contains('.'));
    }
}
