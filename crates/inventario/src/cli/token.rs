//! `inventario token`

use serde_json::json;

use super::{Answer, Failure, Session};
use crate::config::seconds;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The account
    #[arg(long)]
    pub email: String,
    /// Its life: 90s, 15m, 1h, 7d
    #[arg(long, default_value = "1h")]
    pub expires: String,
}

/// Makes a token without a password: whoever can read the secret and the database may.
///
/// # Errors
/// No such account.
pub async fn run(session: &Session, args: &Args) -> Result<Answer, Failure> {
    let life = seconds(&args.expires).ok_or_else(|| {
        Failure::usage(
            "expires",
            "--expires is not a duration",
            "Write a number and a unit, such as --expires 1h.",
        )
    })?;
    let store = session.store().await?;
    let auth = session.auth()?;
    let found = store
        .usuario_by_email(&args.email)
        .await
        .map_err(|error| session.store_failure(error))?;
    store.close().await;
    let (usuario, _) = found.ok_or_else(|| {
        let message = format!("{}: there is no account {}", session.config.database, args.email);
        Failure::new("not_found", message, "`inventario user list` shows the accounts.")
    })?;
    if usuario.disabled {
        let hint = format!("Enable it with `inventario user passwd {}`.", args.email);
        return Err(Failure::new(
            "disabled",
            format!("the account {} is disabled", args.email),
            hint,
        ));
    }
    let token = auth.mint(usuario.id, usuario.rol_id, life);
    let json = json!({ "token": token.text.open(), "expires_in": token.seconds, "usuario_id": usuario.id });
    Ok(Answer {
        text: token.text.open().to_owned(),
        json,
    })
}
