//! Which database: `DATABASE_URL`, or the `DB_*` variables, or the file; each `DB_*` variable goes before its part of the
//! file's url.

use super::{Environment, File, Origin, Shown};
use crate::error::Failure;
use db::{Address, Secret};

const ALL: [&str; 7] = [
    "DB_HOST",
    "DB_PORT",
    "DB_USER",
    "DB_NAME",
    "DB_DATABASE",
    "DB_PASS",
    "DB_PASSWORD",
];

/// The database that is meant, and who says so.
#[derive(Clone, Debug)]
pub struct Found {
    pub address: Option<Address>,
    /// Of the address as a whole.
    pub origin: Origin,
    /// Of each of its parts, where the `DB_*` variables have a say. The password is not among the values.
    pub parts: Vec<Shown>,
}

/// Sources that could disagree about the whole are an error, never a choice.
pub fn database(file: &File, vars: &Environment) -> Result<Found, Failure> {
    let set: Vec<&str> = ALL.into_iter().filter(|n| vars.get(n).is_some()).collect();
    if let Some(url) = vars.get("DATABASE_URL") {
        if !set.is_empty() {
            return Err(
                Failure::usage(format!("DATABASE_URL is set together with {}", set.join(", ")))
                    .hint("keep either DATABASE_URL or the DB_* variables"),
            );
        }
        return Ok(whole(parse(url)?, Origin::Variable("DATABASE_URL")));
    }
    let password = older_name(vars, "DB_PASS", "DB_PASSWORD")?;
    let name = older_name(vars, "DB_NAME", "DB_DATABASE")?;
    let base = file.database.url.as_deref().map(parse).transpose()?;
    match base {
        Some(address @ Address::Sqlite { .. }) => {
            let place: Vec<&str> = set.into_iter().filter(|n| !n.starts_with("DB_PASS")).collect();
            if !place.is_empty() {
                return Err(Failure::usage(format!(
                    "{} cannot be laid over [database] url, which is an SQLite file",
                    place.join(", ")
                ))
                .hint("unset them, or set DATABASE_URL to name another database"));
            }
            Ok(whole(address, Origin::File))
        }
        Some(address) if set.is_empty() => Ok(whole(address, Origin::File)),
        Some(Address::MySql {
            host,
            port,
            user,
            password: secret,
            database,
        }) => {
            let below = Parts {
                host,
                port,
                user,
                password: secret,
                database,
            };
            below.under(vars, name, password, Origin::File)
        }
        None if name.is_none() => Ok(Found {
            address: None,
            origin: Origin::Default,
            parts: Vec::new(),
        }),
        None => {
            let below = Parts {
                host: "127.0.0.1".into(),
                port: 3306,
                user: "root".into(),
                password: Secret::new(""),
                database: String::new(),
            };
            below.under(vars, name, password, Origin::Default)
        }
    }
}

fn whole(address: Address, origin: Origin) -> Found {
    Found {
        address: Some(address),
        origin,
        parts: Vec::new(),
    }
}

fn parse(url: &str) -> Result<Address, Failure> {
    Address::parse(url).map_err(|e| {
        Failure::usage(e.to_string())
            .hint("such as sqlite:///path/to/file.db or mysql://user@host:3306/schema")
    })
}

/// A variable's name and its value.
type Variable<'a> = (&'static str, &'a str);

/// A variable of which an older name is known: both may be set if they say the same.
fn older_name<'a>(
    vars: &'a Environment,
    name: &'static str,
    older: &'static str,
) -> Result<Option<Variable<'a>>, Failure> {
    match (vars.get(name), vars.get(older)) {
        (Some(x), Some(y)) if x != y => Err(Failure::usage(format!(
            "{name} and {older} are both set and differ"
        ))
        .hint(format!("unset one of them: {older} is the older name of {name}"))),
        (Some(x), _) => Ok(Some((name, x))),
        (None, y) => Ok(y.map(|y| (older, y))),
    }
}

/// A server's address in its parts.
struct Parts {
    host: String,
    port: u16,
    user: String,
    password: Secret,
    database: String,
}

impl Parts {
    /// What the variables make of it; `below` is where these parts came from.
    fn under(
        self,
        vars: &Environment,
        name: Option<Variable<'_>>,
        password: Option<Variable<'_>>,
        below: Origin,
    ) -> Result<Found, Failure> {
        let variable = |name: &'static str| vars.get(name).map(|value| (name, value));
        let mut parts = Vec::new();
        let mut over = |key: &'static str, variable: Option<Variable<'_>>, base: String| {
            let (value, origin) = match variable {
                Some((name, value)) => (value.to_string(), Origin::Variable(name)),
                None => (base, below),
            };
            parts.push(Shown::new(key, value.clone(), origin));
            value
        };
        let host = over("database.host", variable("DB_HOST"), self.host);
        let port = over("database.port", variable("DB_PORT"), self.port.to_string());
        let user = over("database.user", variable("DB_USER"), self.user);
        let database = over("database.name", name, self.database);
        let port = port.parse().map_err(|_| {
            Failure::usage(format!("DB_PORT is not a port number: {port}"))
                .hint("set it to a number from 1 to 65535, or unset it")
        })?;
        if let Some((name, _)) = password {
            parts.push(Shown::new(
                "database.password",
                "[redacted]".into(),
                Origin::Variable(name),
            ));
        }
        Ok(Found {
            address: Some(Address::MySql {
                host,
                port,
                user,
                password: password.map_or(self.password, |(_, value)| Secret::new(value)),
                database,
            }),
            origin: match below {
                Origin::Default => Origin::Variable(name.map_or("DB_NAME", |(name, _)| name)),
                below => below,
            },
            parts,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(url: Option<&str>, vars: &[(&str, &str)]) -> Result<Found, Failure> {
        let mut file = File::default();
        file.database.url = url.map(str::to_owned);
        let mut environment = Environment::default();
        for (name, value) in vars {
            environment.set(name, value);
        }
        database(&file, &environment)
    }

    const URL: Option<&str> = Some("mysql://ventana:old@db.example:3307/inventario");

    #[test]
    fn each_variable_goes_before_its_part_of_the_files_url() {
        let text = |found: &Found| format!("{:?}", found.address);
        let all = found(
            URL,
            &[
                ("DB_HOST", "other.example"),
                ("DB_PORT", "3308"),
                ("DB_USER", "ops"),
                ("DB_DATABASE", "copy"),
                ("DB_PASS", "new"),
            ],
        )
        .unwrap();
        let same = found(Some("mysql://ops:new@other.example:3308/copy"), &[]).unwrap();
        assert_eq!(all.address, same.address);
        let some = found(URL, &[("DB_HOST", "other.example")]).unwrap();
        let same = found(Some("mysql://ventana:old@other.example:3307/inventario"), &[]).unwrap();
        assert_eq!(some.address, same.address, "{}", text(&some));
        let origins: Vec<(&str, Origin)> = some.parts.iter().map(|p| (p.key.as_str(), p.origin)).collect();
        assert_eq!(
            origins,
            [
                ("database.host", Origin::Variable("DB_HOST")),
                ("database.port", Origin::File),
                ("database.user", Origin::File),
                ("database.name", Origin::File)
            ]
        );
        assert!(same.parts.is_empty());
    }

    #[test]
    fn the_password_is_taken_and_not_shown() {
        let all = found(URL, &[("DB_PASSWORD", "s3cr3t")]).unwrap();
        let same = found(Some("mysql://ventana:s3cr3t@db.example:3307/inventario"), &[]).unwrap();
        assert_eq!(all.address, same.address);
        let shown = format!("{:?}", all.parts);
        assert!(
            shown.contains("DB_PASSWORD") && !shown.contains("s3cr3t"),
            "{shown}"
        );
    }

    #[test]
    fn sources_that_disagree_are_refused() {
        let refused = |url, vars: &[(&str, &str)]| found(url, vars).unwrap_err().message;
        let sqlite = Some("sqlite:///a.db");
        assert!(refused(sqlite, &[("DB_NAME", "x")]).contains("DB_NAME"));
        assert!(refused(URL, &[("DB_PASS", "a"), ("DB_PASSWORD", "b")]).contains("differ"));
        assert!(refused(URL, &[("DATABASE_URL", "sqlite:///b.db"), ("DB_HOST", "h")]).contains("DB_HOST"));
        assert!(refused(URL, &[("DB_PORT", "http")]).contains("DB_PORT"));
        assert!(found(sqlite, &[("DB_PASS", "x")]).is_ok());
        assert!(found(None, &[("DB_HOST", "x")]).unwrap().address.is_none());
    }
}
