//! `ventana check`: configuration with origins, the database, what could write, the service. Changes nothing.

use super::{Context, Done};
use crate::config::origins;
use crate::error::exit;
use crate::steps::Raised;
use crate::ui::table;
use crate::world::{Start, World, session};
use db::Outline;
use db::mariadb::privileges::{Purpose, lacking};
use serde_json::{Value, json};

/// Options of `check`.
#[derive(clap::Args)]
pub struct Args {}

pub fn run(cx: &Context, _args: Args) -> Done {
    let values = origins(&cx.config);
    let mut checks: Vec<Check> = Vec::new();
    database(cx, &mut checks);
    let backups = cx.config.backup_dir();
    let writable = std::fs::metadata(&backups).map(|m| m.is_dir());
    checks.push((
        "backup folder".into(),
        match writable {
            Ok(true) => Ok(backups.display().to_string()),
            Ok(false) => Err((
                format!("{} is not a folder", backups.display()),
                Some("name another one in [backup] dir".into()),
            )),
            Err(_) => Ok(format!("{} will be made", backups.display())),
        },
    ));
    match cx.config.can_restore() {
        Ok(None) => {}
        Ok(Some(said)) => checks.push((
            "encryption".into(),
            match cx.config.exposed_identity(cx.out.language) {
                Some(warning) => Err((warning, None)),
                None => Ok(said),
            },
        )),
        Err(failure) => checks.push(("encryption".into(), Err((failure.message, failure.hint)))),
    }
    if cx.config.file.smoke.is_some() {
        let health = crate::steps::health(&cx.config);
        checks.push((
            "service".into(),
            health.map(|h| h.to_string()).map_err(|f| (f.message, f.hint)),
        ));
    }
    let ok = checks.iter().all(|(_, r)| r.is_ok());
    let listed: Vec<Value> = checks
        .iter()
        .map(|(name, result)| match result {
            Ok(text) => json!({ "check": name, "ok": true, "text": text }),
            Err((message, hint)) => json!({ "check": name, "ok": false, "message": message, "hint": hint }),
        })
        .collect();
    cx.out.result(
        &json!({ "ok": ok, "configuration": values, "checks": listed }),
        || {
            let mut rows = vec![
                [
                    cx.out.language.pick("clave", "key"),
                    cx.out.language.pick("valor", "value"),
                    cx.out.language.pick("de dónde", "from"),
                ]
                .map(str::to_string)
                .to_vec(),
            ];
            for v in &values {
                rows.push(vec![v.key.to_string(), v.value.clone(), v.origin.clone()]);
            }
            let mut text = format!("{}\n", table::render(&rows, cx.out.columns));
            for (name, result) in &checks {
                match result {
                    Ok(said) => text.push_str(&format!("✓ {name}: {said}\n")),
                    Err((message, hint)) => {
                        text.push_str(&format!("✗ {name}: {message}\n"));
                        if let Some(hint) = hint {
                            text.push_str(&format!(
                                "  {} {hint}\n",
                                cx.out.language.pick("siguiente:", "next:")
                            ));
                        }
                    }
                }
            }
            text
        },
    );
    Ok(if ok { 0 } else { exit::FAILED })
}

/// What was looked at, and what was found: a text, or a message with what to do next.
type Check = (String, Result<String, (String, Option<String>)>);

fn database(cx: &Context, checks: &mut Vec<Check>) {
    let split = |f: crate::error::Failure| (f.message, f.hint);
    let opened = cx
        .config
        .address()
        .and_then(|address| Ok(db::open(address, &session(&cx.config, "check"))?))
        .and_then(|mut db| Ok((db.identity()?, db.inspect()?)));
    let (identity, schema) = match opened {
        Ok(found) => found,
        Err(failure) => return checks.push(("database".into(), Err(split(failure)))),
    };
    let fields: Vec<String> = identity.fields.iter().map(|(k, v)| format!("{k}={v}")).collect();
    checks.push((
        "database".into(),
        Ok(format!(
            "{} {} · {}",
            identity.dialect.name(),
            identity.version,
            fields.join(" ")
        )),
    ));
    checks.push((
        "schema".into(),
        schema
            .supported()
            .map(|()| {
                format!(
                    "{} tables, about {} rows, {} objects",
                    schema.tables.len(),
                    schema.rows_estimate(),
                    schema.objects.len()
                )
            })
            .map_err(|e| split(e.into())),
    ));
    if identity.dialect == db::Dialect::Sqlite {
        return;
    }
    let Ok(address) = cx.config.address() else { return };
    let lacking = db::mariadb::MariaDb::open(address, &session(&cx.config, "check"))
        .and_then(|mut db| lacking(&mut db, Purpose::Backup));
    checks.push((
        "privileges".into(),
        match lacking {
            Ok(grants) if grants.is_empty() => Ok("all that a backup over several connections needs".into()),
            Ok(grants) => Err((
                "a backup over several connections needs more".into(),
                Some(grants.join("; ")),
            )),
            Err(error) => Err(split(error.into())),
        },
    ));
    let start = Start {
        outline: Outline::default(),
        structure: String::new(),
        migration: None,
        already: None,
    };
    let world = World::new(
        cx.config.clone(),
        address.clone(),
        start,
        "check",
        cx.config.state_dir(),
        false,
    );
    checks.push((
        "writers".into(),
        match (Raised { world: &world }).unaccepted() {
            Ok(open) if open.is_empty() => {
                Ok("none beside the service's accounts and the accepted ones".into())
            }
            Ok(open) => Err((
                format!("could write past the fence: {}", open.join(", ")),
                Some("take their rights away, or accept each by name under [fence] accept_writers".into()),
            )),
            Err(failure) => Err(split(failure)),
        },
    ));
}
