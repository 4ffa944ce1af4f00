//! Where the database is.

use std::fmt;
use std::path::PathBuf;

use crate::percent::decoded;
use crate::secret::Secret;

/// The address of a database. Its `Display` carries no password.
#[derive(Clone, PartialEq, Eq, Debug)]
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

/// Why an address cannot be read; the address itself is not repeated, for it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}; write sqlite:///path/to/file.db or mysql://user:password@host:3306/database")]
pub struct BadAddress(&'static str);

impl Address {
    /// Reads `sqlite:///abs/path.db`, `sqlite:rel.db`, `mysql://user:pass@host:port/db` (also `mariadb://`), with
    /// `?socket=/path` behind it where the server is reached by its Unix socket.
    ///
    /// # Errors
    /// The text is no such address.
    pub fn parse(text: &str) -> Result<Self, BadAddress> {
        let (scheme, rest) = text
            .split_once(':')
            .ok_or(BadAddress("the database address has no scheme"))?;
        match scheme {
            "sqlite" => {
                let path = rest.strip_prefix("//").unwrap_or(rest);
                let path = path.split('?').next().unwrap_or(path);
                if path.is_empty() || path == ":memory:" {
                    return Err(BadAddress("the SQLite address names no file"));
                }
                Ok(Self::Sqlite {
                    path: decode(path)
                        .ok_or(BadAddress("the path is not valid UTF-8"))?
                        .into(),
                })
            }
            "mysql" | "mariadb" => Self::parse_mysql(rest.strip_prefix("//").unwrap_or(rest)),
            _ => Err(BadAddress("the database is neither sqlite nor mysql")),
        }
    }

    fn parse_mysql(rest: &str) -> Result<Self, BadAddress> {
        let (rest, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        let socket = parameters.split('&').find_map(|p| p.strip_prefix("socket="));
        let (authority, database) = rest
            .rsplit_once('/')
            .ok_or(BadAddress("the address names no database"))?;
        let (account, server) = authority
            .rsplit_once('@')
            .ok_or(BadAddress("the address names no user"))?;
        let (user, password) = account.split_once(':').unwrap_or((account, ""));
        let (host, port) = match server.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (
                host,
                port.parse().map_err(|_| BadAddress("the port is not a number"))?,
            ),
            _ => (server, 3306),
        };
        let part = |text: &str| decode(text).ok_or(BadAddress("a part of the address is not valid UTF-8"));
        if host.is_empty() || database.is_empty() || user.is_empty() {
            return Err(BadAddress("the address lacks user, host or database"));
        }
        Ok(Self::MySql {
            host: match socket {
                Some(path) => part(path)?,
                None => host.trim_matches(['[', ']']).to_owned(),
            },
            port,
            user: part(user)?,
            password: Secret::new(part(password)?),
            database: part(database)?,
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite { path } => write!(f, "sqlite://{}", path.display()),
            Self::MySql {
                host, user, database, ..
            } if host.starts_with('/') => write!(f, "mysql://{user}@localhost/{database}?socket={host}"),
            Self::MySql {
                host,
                port,
                user,
                database,
                ..
            } => write!(f, "mysql://{user}@{host}:{port}/{database}"),
        }
    }
}

/// Escapes resolved; `None` when the result is not UTF-8.
fn decode(text: &str) -> Option<String> {
    String::from_utf8(decoded(text)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let text = |text: &str| Address::parse(text).map(|a| a.to_string());
        assert_eq!(
            text("sqlite:///var/lib/a%20b.db").unwrap(),
            "sqlite:///var/lib/a b.db"
        );
        assert_eq!(text("sqlite:data/x.db?mode=rwc").unwrap(), "sqlite://data/x.db");
        assert_eq!(
            text("mysql://ana:s%40c:ret@db.example:3307/inv").unwrap(),
            "mysql://ana@db.example:3307/inv"
        );
        assert_eq!(
            text("mariadb://root@127.0.0.1/inv").unwrap(),
            "mysql://root@127.0.0.1:3306/inv"
        );
        assert_eq!(
            text("mysql://root@localhost/inv?socket=/run/d.sock").unwrap(),
            "mysql://root@localhost/inv?socket=/run/d.sock"
        );
        let Address::MySql { password, .. } = Address::parse("mysql://a:s%40c:r/et@h/d").unwrap() else {
            panic!()
        };
        assert_eq!(password.open(), "s@c:r/et");
        for wrong in [
            "postgres://x",
            "mysql://h/d",
            "mysql://a@h:x/d",
            "mysql://a@h",
            "sqlite:",
            "x",
            "mysql://a@h/",
        ] {
            let error = Address::parse(wrong).unwrap_err().to_string();
            assert!(error.contains("sqlite:///path"), "{error}");
        }
        assert!(!format!("{:?}", Address::parse("mysql://a:secreto@h/d")).contains("secreto"));
    }
}
