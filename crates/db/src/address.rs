//! Where a database is: parsed from a URL, printed without its password.

use crate::{Error, Result, Secret};
use serde::{Deserialize, Serialize};
use std::{fmt, path::PathBuf};

/// The SQL dialects that `ventana` speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    Sqlite,
    MariaDb,
    MySql,
}

impl Dialect {
    pub fn name(self) -> &'static str {
        match self {
            Dialect::Sqlite => "sqlite",
            Dialect::MariaDb => "mariadb",
            Dialect::MySql => "mysql",
        }
    }

    /// Quotes an identifier.
    pub fn quote(self, identifier: &str) -> String {
        match self {
            Dialect::Sqlite => format!("\"{}\"", identifier.replace('"', "\"\"")),
            _ => format!("`{}`", identifier.replace('`', "``")),
        }
    }
}

/// A database: a SQLite file, or a schema on a MySQL or MariaDB server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    Sqlite {
        path: PathBuf,
    },
    MySql {
        /// A name, an IP address, or the absolute path of the server's Unix socket.
        host: String,
        port: u16,
        user: String,
        password: Secret,
        database: String,
    },
}

impl Address {
    /// Parses `sqlite:///path`, `mysql://user:password@host:port/database` or `mariadb://…`; `?socket=/path` behind it names
    /// a server's Unix socket. Other parameters are for other clients, but for those that ask for what we do not do.
    pub fn parse(url: &str) -> Result<Address> {
        if let Some(path) = url
            .strip_prefix("sqlite://")
            .or_else(|| url.strip_prefix("sqlite:"))
        {
            if path.is_empty() {
                return Err(Error::Address(
                    "sqlite URL without a path; write sqlite:///var/lib/app/app.db".into(),
                ));
            }
            return Ok(Address::Sqlite {
                path: PathBuf::from(decode(path)?),
            });
        }
        let rest = url.strip_prefix("mysql://").or_else(|| url.strip_prefix("mariadb://")).ok_or_else(|| {
            Error::Address(
                "database URL must begin with sqlite:, mysql: or mariadb:, as in mysql://user@host:3306/db".into(),
            )
        })?;
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        let (database, parameters) = database.split_once('?').unwrap_or((database, ""));
        let socket = socket(parameters)?;
        let (login, place) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) => {
                let port = port
                    .parse()
                    .map_err(|_| Error::Address(format!("port {port:?} is not a number")))?;
                (host, port)
            }
            None => (place, 3306),
        };
        Ok(Address::MySql {
            host: match socket {
                Some(path) => path,
                None if host.is_empty() => "127.0.0.1".into(),
                None => host.into(),
            },
            port,
            user: decode(user)?,
            password: Secret::new(decode(password)?),
            database: decode(database)?,
        })
    }

    /// The schema's name, or the file's.
    pub fn database(&self) -> String {
        match self {
            Address::Sqlite { path } => path.display().to_string(),
            Address::MySql { database, .. } => database.clone(),
        }
    }

    /// The same place with another schema (MySQL) or file (SQLite).
    pub fn with_database(&self, name: &str) -> Address {
        match self {
            Address::Sqlite { .. } => Address::Sqlite {
                path: PathBuf::from(name),
            },
            Address::MySql {
                host,
                port,
                user,
                password,
                ..
            } => Address::MySql {
                host: host.clone(),
                port: *port,
                user: user.clone(),
                password: password.clone(),
                database: name.into(),
            },
        }
    }

    /// The URL with the password in it, for handing to the service's own process through its environment.
    pub fn url_with_password(&self) -> Secret {
        match self {
            Address::Sqlite { path } => Secret::new(format!("sqlite://{}", path.display())),
            Address::MySql {
                host,
                port,
                user,
                password,
                database,
            } => {
                let login = if password.is_empty() {
                    encode(user)
                } else {
                    format!("{}:{}", encode(user), encode(password.open()))
                };
                Secret::new(located(&login, host, *port, database))
            }
        }
    }
}

/// The address as a person may see it: never with a password.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Sqlite { path } => write!(f, "sqlite://{}", path.display()),
            Address::MySql {
                host,
                port,
                user,
                database,
                ..
            } => f.write_str(&located(&encode(user), host, *port, database)),
        }
    }
}

/// The URL of a schema. A socket's name goes where other clients look for it too.
fn located(login: &str, host: &str, port: u16, database: &str) -> String {
    let database = encode(database);
    if host.starts_with('/') {
        let path: Vec<String> = host.split('/').map(encode).collect();
        return format!("mysql://{login}@localhost/{database}?socket={}", path.join("/"));
    }
    format!("mysql://{login}@{host}:{port}/{database}")
}

/// The Unix socket that a URL's parameters name.
fn socket(parameters: &str) -> Result<Option<String>> {
    let mut socket = None;
    for parameter in parameters.split('&') {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let wants_tls = ["ssl", "tls"]
            .iter()
            .any(|tls| name.to_ascii_lowercase().starts_with(tls))
            && !["disabled", "false", "0"].contains(&value.to_ascii_lowercase().as_str());
        if wants_tls {
            return Err(Error::Address(format!(
                "database URL asks for TLS ({parameter}), which ventana does not speak; connect over a Unix socket \
                 (?socket=/run/mysqld/mysqld.sock) or a tunnel, and leave {name} out"
            )));
        }
        if name == "socket" {
            let path = decode(value)?;
            if !path.starts_with('/') {
                return Err(Error::Address(format!(
                    "socket {path:?} in the database URL is no absolute path; write ?socket=/run/mysqld/mysqld.sock"
                )));
            }
            socket = Some(path);
        }
    }
    Ok(socket)
}

fn encode(text: &str) -> String {
    text.bytes()
        .map(|b| match b {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => (b as char).to_string(),
            _ => format!("%{b:02X}"),
        })
        .collect()
}

fn decode(text: &str) -> Result<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(b) = bytes.next() {
        if b != b'%' {
            out.push(b);
            continue;
        }
        let hex: Vec<u8> = bytes.by_ref().take(2).collect();
        let value = std::str::from_utf8(&hex)
            .ok()
            .filter(|h| h.len() == 2)
            .and_then(|h| u8::from_str_radix(h, 16).ok());
        out.push(value.ok_or_else(|| {
            Error::Address(
                "database URL has a % that is not followed by two hex digits; write a literal % as %25"
                    .into(),
            )
        })?);
    }
    String::from_utf8(out).map_err(|_| Error::Address("database URL is not UTF-8 once decoded".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_keeps_every_part_and_never_shows_its_password() {
        let address = Address::parse("mysql://app:p%40ss%3Aw@db.example:3307/inventario?x=1").expect("valid");
        let Address::MySql {
            host,
            port,
            user,
            password,
            database,
        } = &address
        else {
            panic!("not mysql")
        };
        assert_eq!(
            (host.as_str(), *port, user.as_str(), database.as_str()),
            ("db.example", 3307, "app", "inventario")
        );
        assert_eq!(password.open(), "p@ss:w");
        assert_eq!(address.to_string(), "mysql://app@db.example:3307/inventario");
        assert!(!format!("{address:?}").contains("p@ss"));
        assert_eq!(
            Address::parse(address.url_with_password().open()).expect("round trip"),
            address
        );
    }

    #[test]
    fn a_url_may_name_a_socket() {
        let address =
            Address::parse("mysql://root@localhost/inv?socket=/run/my%20sql/d.sock&charset=utf8mb4");
        let address = address.expect("valid");
        let Address::MySql { host, .. } = &address else {
            panic!("not mysql")
        };
        assert_eq!(host, "/run/my sql/d.sock");
        assert_eq!(
            address.to_string(),
            "mysql://root@localhost/inv?socket=/run/my%20sql/d.sock"
        );
        assert_eq!(Address::parse(&address.to_string()).expect("round trip"), address);
        for refused in ["socket=d.sock", "ssl-mode=REQUIRED", "tls=true"] {
            assert!(
                Address::parse(&format!("mysql://root@h/inv?{refused}")).is_err(),
                "{refused}"
            );
        }
        Address::parse("mysql://root@h/inv?ssl-mode=DISABLED").expect("asks for what we do");
    }

    #[test]
    fn sqlite_urls_and_bad_urls() {
        assert_eq!(
            Address::parse("sqlite:///a/b.db").expect("valid").database(),
            "/a/b.db"
        );
        assert_eq!(Address::parse("sqlite:b.db").expect("valid").database(), "b.db");
        for bad in ["postgres://x", "sqlite://", "mysql://h:port/x", "mysql://u%4@h/x"] {
            assert!(Address::parse(bad).is_err(), "{bad}");
        }
    }
}
