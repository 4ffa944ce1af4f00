//! `inventario user`

use std::io::{BufRead, IsTerminal};

use clap::Subcommand;
use serde_json::json;

use super::{Answer, Failure, Session};
use crate::auth::Auth;
use crate::cli::serve::secret;
use crate::routes::usuarios::{checked_email, checked_password};
use crate::secret::Secret;
use crate::store::usuarios::ADMINISTRADOR;
use crate::store::{Store, StoreError};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    pub action: Action,
}

#[derive(Debug, Subcommand)]
pub enum Action {
    /// Create an account; the password is read from standard input, or made and printed once
    Add {
        #[arg(long)]
        email: String,
        /// The person's name; the address when left out
        #[arg(long)]
        nombre: Option<String>,
        /// Give it the administrator role
        #[arg(long)]
        admin: bool,
        /// Read the password from standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// Set a password, which also enables a disabled account
    Passwd {
        email: String,
        /// Read the password from standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// List accounts
    List,
    /// Disable an account; its tokens end at once
    Disable { email: String },
}

/// Accounts from the command line.
///
/// # Errors
/// The store's, or a password that is not taken.
pub async fn run(session: &Session, args: Args) -> Result<Answer, Failure> {
    let store = session.store().await?;
    if store.schema().version == 0 {
        let message = format!("{}: the database is empty", session.config.database);
        return Err(Failure::new(
            "empty",
            message,
            "Create the tables first: inventario migrate",
        ));
    }
    let answer = act(session, &store, args.action).await;
    store.close().await;
    answer
}

async fn act(session: &Session, store: &Store, action: Action) -> Result<Answer, Failure> {
    let failed = |error: StoreError| session.store_failure(error);
    match action {
        Action::Add {
            email,
            nombre,
            admin,
            password_stdin,
        } => {
            let email = checked_email(email)
                .map_err(|error| Failure::usage("email", error.message, "Correct --email."))?;
            let wanted = if admin { ADMINISTRADOR } else { "usuario" };
            let roles = store.roles().await.map_err(failed)?;
            let rol = roles.iter().find(|rol| rol.nombre == wanted).ok_or_else(|| {
                let message = format!(
                    "{}: the table roles has no role {wanted}",
                    session.config.database
                );
                Failure::new("no_role", message, "Insert it, or choose the other role.")
            })?;
            let (password, made) = password(password_stdin)?;
            let hash = hash(session, password.clone()).await?;
            let id = store
                .create_usuario(nombre.as_deref().unwrap_or(&email), &email, &hash, rol.id)
                .await
                .map_err(failed)?;
            Ok(told(
                format!("{email}: account {id} created as {wanted}"),
                json!({ "id": id, "email": email, "rol": wanted }),
                password,
                made,
            ))
        }
        Action::Passwd {
            email,
            password_stdin,
        } => {
            if store.usuario_by_email(&email).await.map_err(failed)?.is_none() {
                return Err(failed(StoreError::NotFound));
            }
            let (password, made) = password(password_stdin)?;
            let hash = hash(session, password.clone()).await?;
            store.set_password(&email, &hash).await.map_err(failed)?;
            Ok(told(
                format!("{email}: password set"),
                json!({ "email": email }),
                password,
                made,
            ))
        }
        Action::List => {
            let usuarios = store.usuarios().await.map_err(failed)?;
            let line = |usuario: &crate::store::Usuario| {
                let state = if usuario.disabled { "disabled" } else { "active" };
                let rol = usuario.rol.as_deref().unwrap_or("-");
                format!(
                    "{:>5}  {:<14} {state:<9} {}  {}",
                    usuario.id, rol, usuario.email, usuario.nombre
                )
            };
            let text: Vec<String> = usuarios.iter().map(line).collect();
            Ok(Answer {
                text: text.join("\n"),
                json: json!({ "usuarios": usuarios }),
            })
        }
        Action::Disable { email } => {
            store.disable_usuario(&email).await.map_err(failed)?;
            Ok(Answer {
                text: format!("{email}: disabled"),
                json: json!({ "email": email, "disabled": true }),
            })
        }
    }
}

/// A made password is printed, one that was given is not repeated.
fn told(text: String, mut json: serde_json::Value, password: Secret, made: bool) -> Answer {
    if !made {
        return Answer { text, json };
    }
    json["password"] = password.open().into();
    Answer {
        text: format!("{text}\npassword (shown only now): {}", password.open()),
        json,
    }
}

/// The password and whether it was made here. Never from the arguments: those are visible to every process.
fn password(from_stdin: bool) -> Result<(Secret, bool), Failure> {
    if !from_stdin && std::io::stdin().is_terminal() {
        return made();
    }
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    read.map_err(|error| {
        Failure::new(
            "stdin",
            format!("standard input: {error}"),
            "Give the password on one line.",
        )
    })?;
    let line = line.trim_end_matches(['\n', '\r']);
    if line.is_empty() && !from_stdin {
        return made();
    }
    let checked = checked_password(line.to_owned());
    checked
        .map(|password| (password, false))
        .map_err(|error| Failure::usage("password", error.message, "Give another one."))
}

fn made() -> Result<(Secret, bool), Failure> {
    let password = secret::password();
    let hint = "Check /dev/urandom, or give a password with --password-stdin.";
    password
        .map(|password| (password, true))
        .map_err(|error| Failure::new("random", error.to_string(), hint))
}

async fn hash(session: &Session, password: Secret) -> Result<Secret, Failure> {
    // Hashing needs no token key.
    let auth = Auth::new(Secret::new(""), session.config.jwt_seconds, session.clock.clone());
    auth.hash(password)
        .await
        .map_err(|error| Failure::new("hash", error.to_string(), "Free some memory and try again."))
}
