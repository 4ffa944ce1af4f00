//! `ventana check`: configuration with origins, the database, what could write, the service. Changes nothing.

mod database;

use super::{Context, Done};
use crate::config::{Shown, origins};
use crate::error::{Failure, exit};
use crate::host::files::can_hold;
use crate::ui::{Language, table};
use serde_json::{Value, json};

/// Options of `check`.
#[derive(clap::Args)]
pub struct Args {}

/// One thing that was looked at.
struct Check {
    /// For machines, and for people in English.
    name: &'static str,
    verdict: Verdict,
}

/// What was found.
enum Verdict {
    Good(String),
    /// It stops nothing that is configured.
    Note(String),
    Bad {
        message: String,
        hint: Option<String>,
    },
}

impl Verdict {
    /// As a failure has it.
    fn of(result: Result<String, Failure>) -> Verdict {
        match result {
            Ok(text) => Verdict::Good(text),
            Err(failure) => Verdict::Bad {
                message: failure.message,
                hint: failure.hint,
            },
        }
    }
}

pub fn run(cx: &Context, _args: Args) -> Done {
    let values = origins(&cx.config);
    let mut checks = Vec::new();
    database::look(cx, &mut checks);
    checks.push(Check {
        name: "backup folder",
        verdict: Verdict::of(backup_folder(cx)),
    });
    checks.extend(encryption(cx));
    if cx.config.file.smoke.is_some() {
        let health = crate::steps::health(&cx.config);
        checks.push(Check {
            name: "service",
            verdict: Verdict::of(health.map(|h| h.to_string())),
        });
    }
    let ok = !checks.iter().any(|c| matches!(c.verdict, Verdict::Bad { .. }));
    let listed: Vec<Value> = checks.iter().map(Check::document).collect();
    cx.out.result(
        &json!({ "ok": ok, "configuration": values, "checks": listed }),
        || text(cx, &values, &checks),
    );
    Ok(if ok { 0 } else { exit::FAILED })
}

fn backup_folder(cx: &Context) -> Result<String, Failure> {
    let folder = cx.config.backup_dir();
    let hint =
        "name another one in [backup] dir or BACKUP_DIR, or give this account the right to write there";
    can_hold(&folder).map_err(|failure| failure.hint(hint))?;
    Ok(match folder.is_dir() {
        true => folder.display().to_string(),
        false => format!(
            "{} {}",
            folder.display(),
            cx.out.language.pick("se creará", "will be made")
        ),
    })
}

fn encryption(cx: &Context) -> Option<Check> {
    let pick = |es, en| cx.out.language.pick(es, en);
    let verdict = match cx.config.can_restore() {
        Ok(None) => return None,
        Ok(Some(readable)) => match cx.config.exposed_identity(cx.out.language) {
            Some(message) => Verdict::Bad { message, hint: None },
            None => Verdict::Good(format!(
                "{}; {} {}",
                crate::ui::format::counted(
                    readable.recipients as u64,
                    pick("destinatario", "recipient"),
                    pick("destinatarios", "recipients")
                ),
                readable.identity.display(),
                pick(
                    "abre lo que se cifra para ellos",
                    "opens what is encrypted to them"
                ),
            )),
        },
        Err(failure) => Verdict::of(Err(failure)),
    };
    Some(Check {
        name: "encryption",
        verdict,
    })
}

impl Check {
    fn document(&self) -> Value {
        match &self.verdict {
            Verdict::Good(text) => json!({ "check": self.name, "ok": true, "text": text }),
            Verdict::Note(text) => json!({ "check": self.name, "ok": true, "note": true, "text": text }),
            Verdict::Bad { message, hint } => {
                json!({ "check": self.name, "ok": false, "message": message, "hint": hint })
            }
        }
    }

    fn shown(&self, language: Language) -> &'static str {
        let spanish = match self.name {
            "database" => "base",
            "schema" => "esquema",
            "privileges" => "permisos",
            "proof" => "prueba",
            "writers" => "quién puede escribir",
            "backup folder" => "carpeta de copias",
            "encryption" => "cifrado",
            "service" => "servicio",
            other => other,
        };
        language.pick(spanish, self.name)
    }
}

fn text(cx: &Context, values: &[Shown], checks: &[Check]) -> String {
    let language = cx.out.language;
    let pick = |es, en| language.pick(es, en);
    let head = [
        pick("clave", "key"),
        pick("valor", "value"),
        pick("de dónde", "from"),
    ];
    let mut rows = vec![head.map(str::to_string).to_vec()];
    rows.extend(
        values
            .iter()
            .map(|v| vec![v.key.clone(), v.value.clone(), v.from(language)]),
    );
    let mut text = format!("{}\n", table::render(&rows, cx.out.columns));
    for check in checks {
        let name = check.shown(language);
        match &check.verdict {
            Verdict::Good(said) => text.push_str(&format!("✓ {name}: {said}\n")),
            Verdict::Note(said) => text.push_str(&format!("· {name}: {said}\n")),
            Verdict::Bad { message, hint } => {
                text.push_str(&format!("✗ {name}: {message}\n"));
                if let Some(hint) = hint {
                    text.push_str(&format!("  {} {hint}\n", pick("siguiente:", "next:")));
                }
            }
        }
    }
    text
}
