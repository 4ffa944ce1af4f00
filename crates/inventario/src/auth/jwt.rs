//! JSON Web Tokens as the legacy application makes and takes them: HS256 with one shared secret, claims
//! `{usuario: {id, rol_id}, iat, exp}`. The algorithm is fixed here and never taken from the token.

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::secret::Secret;

/// `{"alg":"HS256","typ":"JWT"}`
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

/// Longer texts are no tokens of ours.
const MAX_LENGTH: usize = 4096;

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    pub usuario: Subject,
    #[serde(default)]
    pub iat: u64,
    /// Seconds since 1970. A token without an end is refused.
    pub exp: u64,
}

/// Whom a token is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    pub id: i64,
    #[serde(default)]
    pub rol_id: i64,
}

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwtError {
    #[error("the token is malformed")]
    Malformed,
    #[error("the token is not signed with HS256")]
    WrongAlgorithm,
    #[error("the signature is wrong")]
    WrongSignature,
    #[error("the token has expired")]
    Expired,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
}

impl Claims {
    pub fn new(usuario_id: i64, rol_id: i64, now: u64, seconds: u64) -> Self {
        Self {
            usuario: Subject {
                id: usuario_id,
                rol_id,
            },
            iat: now,
            exp: now.saturating_add(seconds),
        }
    }
}

/// Makes a token.
pub fn sign(claims: &Claims, secret: &Secret) -> String {
    // Numbers and fixed names: writing them into memory cannot fail.
    let payload = encode(&serde_json::to_vec(claims).unwrap_or_default());
    let signed = format!("{HEADER}.{payload}");
    let signature = encode(&mac(secret.open().as_bytes(), &signed).finalize().into_bytes());
    format!("{signed}.{signature}")
}

/// Reads a token that is signed with `secret` and still lives at `now`.
///
/// # Errors
/// The token is refused.
pub fn verify(token: &str, secret: &Secret, now: u64) -> Result<Claims, JwtError> {
    let payload = verified(token, secret.open().as_bytes())?;
    let claims: Claims = serde_json::from_slice(&payload).map_err(|_| JwtError::Malformed)?;
    if claims.exp <= now {
        Err(JwtError::Expired)
    } else {
        Ok(claims)
    }
}

/// The payload of a token whose signature is right.
fn verified(token: &str, key: &[u8]) -> Result<Vec<u8>, JwtError> {
    if token.len() > MAX_LENGTH {
        return Err(JwtError::Malformed);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(JwtError::Malformed)?;
    let (header, payload) = signed.split_once('.').ok_or(JwtError::Malformed)?;
    let header = decode(header).ok_or(JwtError::Malformed)?;
    let header: Header = serde_json::from_slice(&header).map_err(|_| JwtError::Malformed)?;
    if header.alg != "HS256" {
        return Err(JwtError::WrongAlgorithm);
    }
    let signature = decode(signature).ok_or(JwtError::Malformed)?;
    // Compares in constant time.
    mac(key, signed)
        .verify_slice(&signature)
        .map_err(|_| JwtError::WrongSignature)?;
    decode(payload).ok_or(JwtError::Malformed)
}

fn mac(key: &[u8], signed: &str) -> Hmac<Sha256> {
    // HMAC takes keys of any length: the error type belongs to other constructions.
    #[allow(clippy::expect_used, reason = "HMAC takes keys of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(signed.as_bytes());
    mac
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Base64url without padding.
fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let word = chunk
            .iter()
            .fold(0u32, |word, byte| (word << 8) | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for at in 0..=chunk.len() {
            out.push(char::from(ALPHABET[(word >> (18 - 6 * at)) as usize & 63]));
        }
    }
    out
}

/// Strict: no padding, no other alphabet, no bits left over.
fn decode(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() * 3 / 4);
    for chunk in text.as_bytes().chunks(4) {
        if chunk.len() == 1 {
            return None;
        }
        let mut word = 0u32;
        for byte in chunk {
            let value = ALPHABET.iter().position(|c| c == byte)?;
            word = (word << 6) | u32::try_from(value).ok()?;
        }
        word <<= 6 * (4 - chunk.len());
        let bytes = word.to_be_bytes();
        let (taken, left) = bytes[1..].split_at(chunk.len() - 1);
        if left.iter().any(|byte| *byte != 0) {
            return None;
        }
        out.extend_from_slice(taken);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> Secret {
        Secret::new("clave-de-pruebas")
    }

    #[test]
    fn the_example_of_rfc_7515() {
        // Appendix A.1, with the line breaks that the RFC's header and payload carry.
        let key =
            decode("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
                .unwrap();
        let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt\
                     cGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let payload = verified(token, &key).unwrap();
        assert_eq!(
            payload,
            b"{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}"
        );
        assert_eq!(verified(token, b"another key"), Err(JwtError::WrongSignature));
    }

    #[test]
    fn hmac_sha256_of_rfc_4231() {
        let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        let tag = mac(b"Jefe", "what do ya want for nothing?")
            .finalize()
            .into_bytes();
        assert_eq!(
            hex(&tag),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        let tag = mac(
            &[0xaa; 131],
            "Test Using Larger Than Block-Size Key - Hash Key First",
        )
        .finalize()
        .into_bytes();
        assert_eq!(
            hex(&tag),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }

    #[test]
    fn base64url_of_rfc_4648() {
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg"),
            ("fo", "Zm8"),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encode(plain.as_bytes()), coded);
            assert_eq!(decode(coded).unwrap(), plain.as_bytes());
        }
        for wrong in ["Z", "Zg==", "Zh", "Zm9/", "Zm 9", "ñ"] {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_token_of_the_legacy_library_is_taken() {
        // jsonwebtoken.sign({usuario: {id: 1, rol_id: 1}}, "clave-de-pruebas") at 1762470000 for an hour.
        let token = sign(&Claims::new(1, 1, 1_762_470_000, 3600), &secret());
        assert!(
            token
                .starts_with("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ1c3VhcmlvIjp7ImlkIjoxLCJyb2xfaWQiOjF9")
        );
        let claims = verify(&token, &secret(), 1_762_473_599).unwrap();
        assert_eq!((claims.usuario.id, claims.exp), (1, 1_762_473_600));
        assert_eq!(verify(&token, &secret(), 1_762_473_600), Err(JwtError::Expired));
    }

    #[test]
    fn forged_tokens_are_refused() {
        let token = sign(&Claims::new(2, 2, 0, 100), &secret());
        let [header, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else {
            panic!()
        };
        let admin = encode(br#"{"usuario":{"id":1,"rol_id":1},"exp":9999999999}"#);
        let none = encode(br#"{"alg":"none"}"#);
        let endless = {
            let signed = format!("{HEADER}.{}", encode(br#"{"usuario":{"id":1,"rol_id":1}}"#));
            let tag = encode(&mac(secret().open().as_bytes(), &signed).finalize().into_bytes());
            format!("{signed}.{tag}")
        };
        let cases = [
            (format!("{header}.{admin}.{signature}"), JwtError::WrongSignature),
            (format!("{none}.{payload}."), JwtError::WrongAlgorithm),
            (format!("{none}.{payload}.{signature}"), JwtError::WrongAlgorithm),
            (format!("{header}.{payload}."), JwtError::WrongSignature),
            (format!("{header}.{payload}"), JwtError::Malformed),
            (format!("{token}="), JwtError::Malformed),
            (String::new(), JwtError::Malformed),
            ("undefined".into(), JwtError::Malformed),
            (endless, JwtError::Malformed),
            ("x".repeat(MAX_LENGTH + 1), JwtError::Malformed),
        ];
        for (token, error) in cases {
            assert_eq!(verify(&token, &secret(), 1), Err(error), "{token}");
        }
        assert_eq!(
            verify(&token, &Secret::new("otra"), 1),
            Err(JwtError::WrongSignature)
        );
    }
}
