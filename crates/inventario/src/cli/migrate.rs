//! `inventario migrate`

use serde_json::json;

use super::{Answer, Failure, Session};
use crate::store::schema::NEWEST;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Say which schema the database has; change nothing
    #[arg(long)]
    pub status: bool,
}

/// Creates the newest tables in an empty database. A database with data is changed by nobody but `ventana`.
///
/// # Errors
/// The database cannot be used.
pub async fn run(session: &Session, args: &Args) -> Result<Answer, Failure> {
    let store = session.store().await?;
    let before = store.schema().version;
    if before == 0 && !args.status {
        store
            .create_newest()
            .await
            .map_err(|error| session.store_failure(error))?;
    }
    let schema = store.schema().version;
    store.close().await;
    let place = &session.config.database;
    let text = match (schema, schema == before) {
        (0, _) => format!("{place}: empty. `inventario migrate` creates schema {NEWEST}."),
        (version, false) => {
            format!(
                "{place}: schema {version} created. Next: inventario user add --email you@example.org --admin"
            )
        }
        (1, true) => format!(
            "{place}: schema 1 (especificaciones is text), served as it is; nothing was added.\n\
             A maintenance window takes it to schema {NEWEST} without losing a byte: ventana plan, ventana rehearse, ventana run"
        ),
        (version, true) => format!("{place}: schema {version}, the newest. Nothing to do."),
    };
    let pending: &[&str] = if schema == 1 {
        &["0002_especificaciones_json"]
    } else {
        &[]
    };
    let json = json!({ "schema": schema, "newest": NEWEST, "created": before != schema, "pending": pending });
    Ok(Answer { text, json })
}
