//! Who is asking: passwords, tokens, the session of a request.
//!
//! One token for programs (`Authorization: Bearer`) and browsers (a cookie), so that a legacy database needs no table of
//! sessions. Every request looks at the account again: a disabled one is out at once.

pub mod jwt;
pub mod password;
pub mod session;
pub mod throttle;

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::StatusCode;
use tokio::sync::Semaphore;
use web::Problem;

pub use session::{COOKIE, Sesion};

use crate::clock::Clock;
use crate::secret::Secret;
use crate::store::{Store, StoreError, Usuario};
use throttle::Throttle;

/// Hashes computed at once: each takes a core and 19 MiB.
const HASHES_AT_ONCE: usize = 2;

/// Keys, clock and limits of authentication; cheap to clone.
#[derive(Debug, Clone)]
pub struct Auth(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    secret: Secret,
    seconds: u64,
    clock: Clock,
    throttle: Throttle,
    hashing: Semaphore,
}

/// A token and how long it lives.
#[derive(Debug, Clone)]
pub struct Token {
    pub text: Secret,
    pub seconds: u64,
}

/// Why nobody was logged in.
#[derive(Debug)]
pub enum LoginError {
    /// Unknown address, wrong password or disabled account: which one is not said.
    Wrong,
    /// Too many failures; seconds to wait.
    TooMany(u32),
    Store(StoreError),
}

impl Auth {
    /// `seconds` is the life of a token.
    pub fn new(secret: Secret, seconds: u64, clock: Clock) -> Self {
        let (throttle, hashing) = (Throttle::default(), Semaphore::new(HASHES_AT_ONCE));
        Self(Arc::new(Inner {
            secret,
            seconds,
            clock,
            throttle,
            hashing,
        }))
    }

    /// Checks a password and makes a token. Writes nothing to the database, so it works behind the fence.
    ///
    /// # Errors
    /// See [`LoginError`].
    pub async fn login(
        &self,
        store: &Store,
        email: &str,
        password: Secret,
        from: Option<IpAddr>,
    ) -> Result<(Usuario, Token), LoginError> {
        let key = format!(
            "{}|{}",
            email.to_lowercase(),
            from.map_or_else(String::new, |ip| ip.to_string())
        );
        let now = self.0.clock.now_seconds();
        if let Some(wait) = self.0.throttle.blocked(&key, now) {
            return Err(LoginError::TooMany(wait));
        }
        let found = store.usuario_by_email(email).await.map_err(LoginError::Store)?;
        let (usuario, hash) = found.map_or((None, None), |(usuario, hash)| (Some(usuario), Some(hash)));
        let right = self.verify(password, hash).await;
        match usuario.filter(|usuario| right && !usuario.disabled) {
            Some(usuario) => {
                self.0.throttle.succeeded(&key);
                let token = self.mint(usuario.id, usuario.rol_id, self.0.seconds);
                Ok((usuario, token))
            }
            None => {
                self.0.throttle.failed(&key, now);
                Err(LoginError::Wrong)
            }
        }
    }

    /// A token for an account.
    pub fn mint(&self, usuario_id: i64, rol_id: i64, seconds: u64) -> Token {
        let claims = jwt::Claims::new(usuario_id, rol_id, self.0.clock.now_seconds(), seconds);
        Token {
            text: Secret::new(jwt::sign(&claims, &self.0.secret)),
            seconds,
        }
    }

    /// The claims of a valid token.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn claims(&self, token: &str) -> Result<jwt::Claims, jwt::JwtError> {
        jwt::verify(token, &self.0.secret, self.0.clock.now_seconds())
    }

    /// Hashes a new password.
    ///
    /// # Errors
    /// The hash cannot be computed.
    pub async fn hash(&self, password: Secret) -> Result<Secret, password::HashError> {
        let _permit = self.0.hashing.acquire().await;
        // The closure neither panics nor is cancelled.
        tokio::task::spawn_blocking(move || password::hash(&password))
            .await
            .unwrap_or(Err(password::HashError))
    }

    /// Checks a password; without a hash it takes as long and fails.
    async fn verify(&self, password: Secret, hash: Option<Secret>) -> bool {
        let _permit = self.0.hashing.acquire().await;
        tokio::task::spawn_blocking(move || password::verify(&password, hash.as_ref()))
            .await
            .unwrap_or(false)
    }
}

impl LoginError {
    /// The answer to a program.
    pub fn problem(self) -> Problem {
        match self {
            Self::Wrong => Problem::new(StatusCode::UNAUTHORIZED, "wrong_credentials", "Wrong credentials")
                .detail("The e-mail address or the password is wrong.")
                .hint("Check both; an administrator can set a new password with `inventario user passwd`."),
            Self::TooMany(wait) => Problem::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_logins",
                "Too many attempts",
            )
            .detail("There were too many failed logins for this account from this address.")
            .hint("Wait and try again.")
            .retry_after(wait),
            Self::Store(error) => error.problem(),
        }
    }
}
