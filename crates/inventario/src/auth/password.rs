//! Password hashes: argon2id for new ones, bcrypt as the legacy application wrote it for the old. An old hash is never
//! replaced at login: a login writes nothing.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};

use crate::secret::Secret;

/// Shortest password for a new account.
pub const MIN_LENGTH: usize = 8;
/// Longest, so that nobody makes us hash a megabyte.
pub const MAX_LENGTH: usize = 256;

/// The hash could not be computed (no randomness, or no memory).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the password hash could not be computed")]
pub struct HashError;

/// An argon2id hash with a salt of its own.
///
/// # Errors
/// See [`HashError`].
pub fn hash(password: &Secret) -> Result<Secret, HashError> {
    let hash = Argon2::default()
        .hash_password(password.open().as_bytes())
        .map_err(|_| HashError)?;
    Ok(Secret::new(hash.to_string()))
}

/// Whether `password` belongs to `hash`. Takes long by design: call it where blocking is allowed. Without a hash, or with
/// one of an unknown kind, it works as long and says no, so that nobody learns from the time which accounts exist.
pub fn verify(password: &Secret, hash: Option<&Secret>) -> bool {
    let text = hash.map_or("", Secret::open);
    if password.open().len() > MAX_LENGTH {
        return false;
    }
    if text.starts_with("$2") {
        return bcrypt::verify(password.open(), text).unwrap_or(false);
    }
    match PasswordHash::new(text) {
        Ok(parsed) => Argon2::default()
            .verify_password(password.open().as_bytes(), &parsed)
            .is_ok(),
        Err(_) => {
            let _ = Argon2::default().hash_password(password.open().as_bytes());
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(password: &str, hash: &str) -> bool {
        verify(&Secret::new(password), Some(&Secret::new(hash)))
    }

    #[test]
    fn new_hashes_are_argon2id_and_salted() {
        let (one, two) = (
            hash(&Secret::new("contraseña ñ")).unwrap(),
            hash(&Secret::new("contraseña ñ")).unwrap(),
        );
        assert!(
            one.open().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{}",
            one.open()
        );
        assert_ne!(one.open(), two.open());
        assert!(is("contraseña ñ", one.open()) && !is("contrasena n", one.open()));
    }

    #[test]
    fn hashes_of_the_legacy_application_are_taken() {
        let ana = "$2b$10$c4wFQsGebUB7qfmZ2k48G.UhYPviB9RZnCitbPi.nWJ5CTvIwhYYe";
        let zoe = "$2b$10$fF.n23CaLWCu1jQGQFpfaOpnnam2nnSLOFGlY9PTTv6XOW32nrSPy";
        assert!(is("Cambiar-2025", ana) && !is("cambiar-2025", ana) && !is("", ana));
        assert!(is("contraseña ñ", zoe));
        assert!(
            is("Cambiar-2025", &ana.replace("$2b$", "$2a$"))
                && is("Cambiar-2025", &ana.replace("$2b$", "$2y$"))
        );
    }

    #[test]
    fn what_is_no_hash_lets_nobody_in() {
        for hash in [
            "",
            "!",
            "plain",
            "!$2b$10$c4wFQsGebUB7qfmZ2k48G.UhYPviB9RZnCitbPi.nWJ5CTvIwhYYe",
            "$2b$10$short",
            "$argon2id$",
        ] {
            assert!(!is("Cambiar-2025", hash) && !is(hash, hash), "{hash}");
        }
        assert!(!verify(&Secret::new("x"), None));
    }
}
