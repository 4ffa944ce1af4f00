//! `inventario check`

use serde_json::json;

use super::{Answer, Failure, Session};
use crate::store::Address;
use crate::store::schema::NEWEST;

#[derive(Debug, clap::Args)]
pub struct Args {}

/// Looks at configuration, database and fence; changes nothing and creates nothing.
///
/// # Errors
/// Something that keeps the service from starting.
pub async fn run(session: &Session, _: &Args) -> Result<Answer, Failure> {
    let config = &session.config;
    if let Address::Sqlite { path } = &config.database
        && !path.exists()
    {
        let text = format!(
            "database:  {} (not there yet; `inventario serve` creates it)",
            config.database
        );
        return Ok(Answer {
            text,
            json: json!({ "database": config.database.to_string(), "schema": 0 }),
        });
    }
    let store = session.store().await?;
    let schema = store.schema();
    let activos = match schema.version {
        0 => 0,
        _ => store
            .count_activos(&Default::default())
            .await
            .map_err(|error| session.store_failure(error))?,
    };
    let admins = match schema.version {
        0 => 0,
        _ => {
            let usuarios = store
                .usuarios()
                .await
                .map_err(|error| session.store_failure(error))?;
            usuarios
                .iter()
                .filter(|usuario| usuario.is_admin() && !usuario.disabled)
                .count()
        }
    };
    store.close().await;
    let fence = session.fence.flag();
    let secret = if config.jwt_secret.is_some() {
        "JWT_SECRET"
    } else {
        "kept in the data folder"
    };
    let mut text = format!(
        "database:  {}\nschema:    {} (newest {NEWEST})\nactivos:   {activos}\nadmins:    {admins}\nlisten:    {}\n\
         secret:    {secret}\nfence:     {} ({})",
        config.database,
        schema.version,
        config.listen,
        if fence.is_some() { "ON" } else { "off" },
        config.fence_file.display(),
    );
    if schema.version > 0 && admins == 0 {
        text.push_str(
            "\nwarning:   nobody can administrate; inventario user add --email you@example.org --admin",
        );
    }
    let json = json!({
        "database": config.database.to_string(), "schema": schema.version, "newest": NEWEST, "activos": activos,
        "admins": admins, "listen": config.listen.to_string(), "fence": fence.is_some(),
        "fence_file": config.fence_file.display().to_string(),
    });
    Ok(Answer { text, json })
}
