//! The configuration: read once from flags and environment, checked, and from there on only passed along.
#![allow(
    clippy::disallowed_methods,
    reason = "the one place that reads the environment"
)]

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use crate::secret::Secret;
use crate::store::Address;

/// Everything that the service needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    pub listen: SocketAddr,
    pub database: Address,
    /// Where the default database and the secret of its own lie.
    pub data_dir: PathBuf,
    /// `None`: the one kept in the data folder.
    pub jwt_secret: Option<Secret>,
    /// Life of a token in seconds.
    pub jwt_seconds: u64,
    pub fence_file: PathBuf,
    /// The word for this installation in `/healthz`.
    pub environment: String,
    /// Origins that may call the API from a browser.
    pub cors_allowed: Vec<String>,
}

/// What is wrong with the configuration, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct ConfigError {
    pub problem: String,
    pub hint: String,
}

fn error(problem: impl Into<String>, hint: impl Into<String>) -> ConfigError {
    ConfigError {
        problem: problem.into(),
        hint: hint.into(),
    }
}

/// Reads a variable of the process's environment; empty means not set.
pub fn process_environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

impl Config {
    /// Reads the configuration. `database_url` is the flag, which wins over the environment.
    ///
    /// # Errors
    /// A value that cannot be read, or two that contradict each other.
    pub fn read(
        database_url: Option<&str>,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let data_dir = PathBuf::from(env("DATA_DIR").unwrap_or_else(|| "data".into()));
        let database = database(database_url, env, &data_dir)?;
        let port: u16 = match env("PORT") {
            None => 3001,
            Some(text) => text.parse().map_err(|_| {
                error(
                    "PORT is not a port number",
                    "Set PORT to a number between 1 and 65535.",
                )
            })?,
        };
        let bind: IpAddr = match env("BIND") {
            None => IpAddr::from([127, 0, 0, 1]),
            Some(text) => {
                let hint = "Set BIND to an address of this machine, such as 127.0.0.1 or 0.0.0.0.";
                text.parse()
                    .map_err(|_| error("BIND is not an IP address", hint))?
            }
        };
        for name in ["TLS_CERT", "TLS_KEY"] {
            if env(name).is_some() {
                let hint = "Unset it and put a proxy that speaks TLS (nginx, caddy) in front.";
                return Err(error(
                    format!("{name} is set, but this release serves plain HTTP only"),
                    hint,
                ));
            }
        }
        let jwt_secret = env("JWT_SECRET").map(Secret::new);
        let jwt_seconds = match env("JWT_EXPIRES_IN") {
            None => 8 * 3600,
            Some(text) => seconds(&text).ok_or_else(|| {
                error(
                    "JWT_EXPIRES_IN is not a duration",
                    "Set it to a number and a unit, such as 30m, 8h or 7d.",
                )
            })?,
        };
        let fence_file = env("FENCE_FILE").map_or_else(|| default_fence(&database, &data_dir), PathBuf::from);
        let cors = env("CORS_ALLOWED").unwrap_or_default();
        Ok(Self {
            listen: SocketAddr::new(bind, port),
            database,
            data_dir,
            jwt_secret,
            jwt_seconds,
            fence_file,
            environment: env("INVENTARIO_ENV")
                .or_else(|| env("NODE_ENV"))
                .unwrap_or_else(|| "production".into()),
            cors_allowed: cors
                .split([',', ' '])
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
                .collect(),
        })
    }
}

/// The fence beside a SQLite file, else in the data folder.
fn default_fence(database: &Address, data_dir: &Path) -> PathBuf {
    match database {
        Address::Sqlite { path } => {
            let mut name = path.as_os_str().to_owned();
            name.push(".fence");
            name.into()
        }
        Address::MySql { .. } => data_dir.join("fence"),
    }
}

fn database(
    flag: Option<&str>,
    env: &dyn Fn(&str) -> Option<String>,
    data_dir: &Path,
) -> Result<Address, ConfigError> {
    let either = |one: &str, other: &str| match (env(one), env(other)) {
        (Some(a), Some(b)) if a != b => Err(error(
            format!("{one} and {other} are both set and differ"),
            format!("Unset one of {one} and {other}."),
        )),
        (a, b) => Ok(a.or(b)),
    };
    let password = either("DB_PASS", "DB_PASSWORD")?;
    let name = either("DB_NAME", "DB_DATABASE")?;
    let (host, port, user) = (env("DB_HOST"), env("DB_PORT"), env("DB_USER"));
    let parts = [&host, &port, &user, &name, &password];
    let parse = |url: &str, origin: &str| {
        Address::parse(url)
            .map_err(|e| error(format!("{origin} cannot be read: {e}"), "Correct the address."))
    };
    if let Some(url) = flag {
        return parse(url, "--database-url");
    }
    if let Some(url) = env("DATABASE_URL") {
        if parts.iter().any(|part| part.is_some()) {
            let hint = "Keep one of the two: unset DATABASE_URL, or unset every DB_* variable.";
            return Err(error("DATABASE_URL and DB_* are both set", hint));
        }
        return parse(&url, "DATABASE_URL");
    }
    if parts.iter().all(|part| part.is_none()) {
        return Ok(Address::Sqlite {
            path: data_dir.join("inventario.db"),
        });
    }
    let hint = "Set DB_HOST, DB_USER, DB_NAME and DB_PASS, or DATABASE_URL alone.";
    let missing = |name: &str| error(format!("{name} is not set, but other DB_* variables are"), hint);
    Ok(Address::MySql {
        host: host.unwrap_or_else(|| "127.0.0.1".into()),
        port: match port {
            None => 3306,
            Some(port) => port
                .parse()
                .map_err(|_| error("DB_PORT is not a port number", "Set DB_PORT to a number."))?,
        },
        user: user.ok_or_else(|| missing("DB_USER"))?,
        password: Secret::new(password.unwrap_or_default()),
        database: name.ok_or_else(|| missing("DB_NAME"))?,
    })
}

/// `90` (seconds), `30s`, `15m`, `8h`, `7d`.
pub fn seconds(text: &str) -> Option<u64> {
    let text = text.trim();
    let (number, unit) = match text.char_indices().find(|(_, c)| !c.is_ascii_digit()) {
        Some((at, _)) => text.split_at(at),
        None => (text, "s"),
    };
    let unit = match unit.trim() {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    number
        .parse::<u64>()
        .ok()?
        .checked_mul(unit)
        .filter(|seconds| *seconds > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(vars: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let env = |name: &str| {
            vars.iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        };
        Config::read(None, &env)
    }

    #[test]
    fn nothing_set_is_enough() {
        let config = read(&[]).unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:3001");
        assert_eq!(config.database.to_string(), "sqlite://data/inventario.db");
        assert_eq!(config.fence_file, Path::new("data/inventario.db.fence"));
        assert_eq!(
            (config.jwt_seconds, config.environment.as_str()),
            (28_800, "production")
        );
    }

    #[test]
    fn the_names_of_the_legacy_application() {
        let config = read(&[
            ("DB_USER", "u"),
            ("DB_DATABASE", "inv"),
            ("DB_PASSWORD", "p"),
            ("DB_PORT", "3307"),
        ])
        .unwrap();
        assert_eq!(config.database.to_string(), "mysql://u@127.0.0.1:3307/inv");
        assert_eq!(config.fence_file, Path::new("data/fence"));
        assert!(!format!("{config:?}").contains("\"p\""));
    }

    #[test]
    fn contradictions_are_errors_that_say_what_to_do() {
        let problem = |vars: &[(&str, &str)]| {
            let error = read(vars).unwrap_err();
            assert!(!error.hint.is_empty());
            error.problem
        };
        assert_eq!(
            problem(&[("DATABASE_URL", "sqlite:///x"), ("DB_HOST", "h")]),
            "DATABASE_URL and DB_* are both set"
        );
        assert!(problem(&[("DB_PASS", "a"), ("DB_PASSWORD", "b")]).contains("differ"));
        assert!(problem(&[("DB_HOST", "h")]).contains("DB_USER is not set"));
        assert!(problem(&[("DATABASE_URL", "mysql://u:geheim")]).contains("DATABASE_URL cannot be read"));
        assert!(!problem(&[("DATABASE_URL", "mysql://u:geheim")]).contains("geheim"));
        assert!(problem(&[("PORT", "http")]).contains("PORT"));
        assert!(problem(&[("TLS_CERT", "x")]).contains("TLS_CERT"));
    }

    #[test]
    fn durations() {
        assert_eq!(
            ["90", "30s", "15m", "8h", "7d"].map(seconds),
            [90, 30, 900, 28_800, 604_800].map(Some)
        );
        assert_eq!(
            ["", "h", "1w", "-1h", "0", "1.5h", "99999999999999999999d"].map(seconds),
            [None; 7]
        );
    }
}
