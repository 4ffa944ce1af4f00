//! `inventario demo-data`

use serde_json::json;

use super::{Answer, Failure, Session};
use crate::demo_data::{LOGINS, Size, fill};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(long, default_value_t = 10_000)]
    pub activos: u32,
    #[arg(long, default_value_t = 30_000)]
    pub mantenimientos: u32,
    /// The same seed gives the same rows
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// Creates the legacy schema in an empty database and fills it.
///
/// # Errors
/// The database is not empty, or cannot be written.
pub async fn run(session: &Session, args: &Args) -> Result<Answer, Failure> {
    if args.activos == 0 && args.mantenimientos > 0 {
        let hint = "Ask for at least one activo, or for no mantenimientos.";
        return Err(Failure::usage("size", "mantenimientos need activos", hint));
    }
    if let crate::store::Address::Sqlite { path } = &session.config.database
        && path.starts_with(&session.config.data_dir)
    {
        // The default database: its folder is ours to make.
        let _ = std::fs::create_dir_all(&session.config.data_dir);
    }
    let store = session.store().await?;
    if store.schema().version != 0 {
        let message = format!(
            "{}: the database is not empty; nothing was written",
            session.config.database
        );
        return Err(Failure::new(
            "not_empty",
            message,
            "Name an empty one with --database-url.",
        ));
    }
    if session.fence.flag().is_some() {
        return Err(session.store_failure(crate::store::StoreError::Fenced { retry_after: 30 }));
    }
    let size = Size {
        activos: args.activos,
        mantenimientos: args.mantenimientos,
        seed: args.seed,
    };
    let counts = fill(store.db(), size)
        .await
        .map_err(|error| session.store_failure(error))?;
    store.close().await;
    let mut text = format!(
        "{}: {} activos, {} mantenimientos",
        session.config.database, counts.activos, counts.mantenimientos
    );
    for (email, password) in LOGINS {
        text.push_str(&format!("\n  {email} / {password}"));
    }
    let logins: Vec<_> = LOGINS
        .iter()
        .map(|(email, password)| json!({ "email": email, "password": password }))
        .collect();
    let mut json = json!(counts);
    json["logins"] = logins.into();
    Ok(Answer { text, json })
}
