//! Which database: `DATABASE_URL`, the `DB_*` variables, or the file.

use super::{Environment, File, Origin};
use crate::error::Failure;
use db::{Address, Secret};

/// The address and where it came from. Two sources that could disagree are an error, never a choice.
pub fn database_url(file: &File, vars: &Environment) -> Result<(Option<Address>, Origin), Failure> {
    let usage = |e: db::Error| {
        Failure::usage(e.to_string())
            .hint("such as sqlite:///path/to/file.db or mysql://user@host:3306/schema")
    };
    let single = [
        "DB_HOST",
        "DB_PORT",
        "DB_USER",
        "DB_NAME",
        "DB_DATABASE",
        "DB_PASS",
        "DB_PASSWORD",
    ];
    let set: Vec<&str> = single.into_iter().filter(|n| vars.get(n).is_some()).collect();
    let same = |a: &str, b: &str| -> Result<Option<String>, Failure> {
        match (vars.get(a), vars.get(b)) {
            (Some(x), Some(y)) if x != y => {
                Err(Failure::usage(format!("{a} and {b} are both set and differ"))
                    .hint(format!("unset one of them: {b} is the older name of {a}")))
            }
            (x, y) => Ok(x.or(y).map(str::to_string)),
        }
    };
    if let Some(url) = vars.get("DATABASE_URL") {
        if !set.is_empty() {
            return Err(
                Failure::usage(format!("DATABASE_URL is set together with {}", set.join(", ")))
                    .hint("keep either DATABASE_URL or the DB_* variables"),
            );
        }
        return Ok((
            Some(Address::parse(url).map_err(usage)?),
            Origin::Variable("DATABASE_URL"),
        ));
    }
    let password = same("DB_PASS", "DB_PASSWORD")?;
    let name = same("DB_NAME", "DB_DATABASE")?;
    if let Some(url) = &file.database.url {
        let address = Address::parse(url).map_err(usage)?;
        // The file names the place, the environment the password.
        let address = match (address, password) {
            (
                Address::MySql {
                    host,
                    port,
                    user,
                    database,
                    ..
                },
                Some(password),
            ) => Address::MySql {
                host,
                port,
                user,
                password: Secret::new(password),
                database,
            },
            (address, _) => address,
        };
        return Ok((Some(address), Origin::File));
    }
    let Some(name) = name else {
        return Ok((None, Origin::Default));
    };
    let port = match vars.get("DB_PORT") {
        None => 3306,
        Some(text) => text.parse().map_err(|_| {
            Failure::usage(format!("DB_PORT is not a port number: {text}"))
                .hint("set it to a number from 1 to 65535, or unset it for 3306")
        })?,
    };
    let address = Address::MySql {
        host: vars.get("DB_HOST").unwrap_or("127.0.0.1").into(),
        port,
        user: vars.get("DB_USER").unwrap_or("root").into(),
        password: Secret::new(password.unwrap_or_default()),
        database: name,
    };
    Ok((Some(address), Origin::Variable("DB_NAME")))
}
