//! Where each value came from, for `ventana check`.

use super::Config;
use crate::ui::Language;
use serde::Serialize;

/// Where a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    Flag,
    Variable(&'static str),
    File,
    Default,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Origin::Flag => f.write_str("flag"),
            Origin::Variable(name) => write!(f, "environment {name}"),
            Origin::File => f.write_str("file"),
            Origin::Default => f.write_str("default"),
        }
    }
}

/// A value as `check` shows it. Never a secret.
#[derive(Clone, Debug, Serialize)]
pub struct Shown {
    pub key: String,
    pub value: String,
    #[serde(serialize_with = "in_english")]
    pub origin: Origin,
}

fn in_english<S: serde::Serializer>(origin: &Origin, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(origin)
}

impl Shown {
    /// Where it came from, for people.
    pub fn from(&self, language: Language) -> String {
        match (self.origin, language) {
            (origin, Language::En) => origin.to_string(),
            (Origin::Flag, Language::Es) => "opción".into(),
            (Origin::Variable(name), Language::Es) => format!("entorno {name}"),
            (Origin::File, Language::Es) => "archivo".into(),
            (Origin::Default, Language::Es) => "por omisión".into(),
        }
    }

    pub fn new(key: impl Into<String>, value: String, origin: Origin) -> Shown {
        Shown {
            key: key.into(),
            value,
            origin,
        }
    }
}

/// The values that decide what a window does.
pub fn origins(config: &Config) -> Vec<Shown> {
    let from_file = |set: bool| if set { Origin::File } else { Origin::Default };
    let file = &config.file;
    let path = |p: Option<&std::path::PathBuf>| p.map_or("-".to_string(), |p| p.display().to_string());
    let backup_origin = match config.vars.get("BACKUP_DIR") {
        Some(_) => Origin::Variable("BACKUP_DIR"),
        None => from_file(file.backup.dir.is_some()),
    };
    let state_origin = match (&file.state.dir, config.vars.get("VENTANA_STATE_DIR")) {
        (None, Some(_)) => Origin::Variable("VENTANA_STATE_DIR"),
        (dir, _) => from_file(dir.is_some()),
    };
    let rows: Vec<(&str, String, Origin)> = vec![
        ("service", config.service(), from_file(!file.service.is_empty())),
        (
            "environment",
            config.environment.clone(),
            if config.environment == super::PRODUCTION {
                Origin::Default
            } else {
                Origin::Flag
            },
        ),
        (
            "database.url",
            config.database.as_ref().map_or("-".into(), ToString::to_string),
            config.database_origin,
        ),
        (
            "state.dir",
            config.state_dir().display().to_string(),
            state_origin,
        ),
        (
            "backup.dir",
            config.backup_dir().display().to_string(),
            backup_origin,
        ),
        (
            "backup.off_site",
            path(file.backup.off_site.as_ref()),
            from_file(file.backup.off_site.is_some()),
        ),
        (
            "fence.file",
            path(config.fence_file().as_ref()),
            from_file(file.fence.file.is_some()),
        ),
        (
            "fence.accounts",
            Some(file.fence.accounts.join(", "))
                .filter(|accounts| !accounts.is_empty())
                .unwrap_or("-".into()),
            from_file(!file.fence.accounts.is_empty()),
        ),
        (
            "release.root",
            path(file.release.as_ref().map(|r| &r.root)),
            from_file(file.release.is_some()),
        ),
        (
            "release.source",
            path(file.release.as_ref().map(|r| &r.source)),
            from_file(file.release.is_some()),
        ),
        (
            "migration.id",
            file.migration.as_ref().map_or("-".into(), |m| m.id.clone()),
            from_file(file.migration.is_some()),
        ),
        (
            "smoke.url",
            file.smoke.as_ref().map_or("-".into(), |s| s.url.clone()),
            from_file(file.smoke.is_some()),
        ),
    ];
    let keep = file.backup.keep.map(|keep| {
        let (last, daily) = (keep.last, keep.daily);
        let (weekly, monthly) = (keep.weekly, keep.monthly);
        format!("last {last}, daily {daily}, weekly {weekly}, monthly {monthly}")
    });
    let replicas: Vec<(String, String)> = file
        .replica
        .iter()
        .map(|(name, replica)| (format!("replica.{name}"), replica.shown()))
        .collect();
    let after = rows
        .iter()
        .position(|(key, ..)| *key == "fence.file")
        .unwrap_or(rows.len());
    let mut shown: Vec<Shown> = rows
        .into_iter()
        .map(|(key, value, origin)| Shown::new(key, value, origin))
        .collect();
    let keep = keep.map(|keep| ("backup.keep".to_string(), keep));
    let of_file = keep.into_iter().chain(replicas);
    let (recipients, from) = config.encrypt_to();
    let recipients =
        (!recipients.is_empty()).then(|| Shown::new("backup.encrypt_to", recipients.join(", "), from));
    let identity = config.identity_file();
    let identity =
        identity.map(|(path, from)| Shown::new("backup.identity_file", path.display().to_string(), from));
    let more = recipients
        .into_iter()
        .chain(identity)
        .chain(of_file.map(|(key, value)| Shown::new(key, value, Origin::File)));
    shown.splice(after..after, more);
    let after = shown
        .iter()
        .position(|s| s.key == "database.url")
        .map_or(0, |at| at + 1);
    shown.splice(after..after, config.database_parts.iter().cloned());
    shown
}

impl Config {
    /// The file whose presence makes the service refuse writes.
    pub fn fence_file(&self) -> Option<std::path::PathBuf> {
        if let Some(file) = &self.file.fence.file {
            return Some(file.clone());
        }
        match &self.database {
            Some(db::Address::Sqlite { path }) => {
                let mut name = path.clone().into_os_string();
                name.push(".fence");
                Some(name.into())
            }
            _ => None,
        }
    }
}
