//! What killed processes have left, cleared away by the next one that needs room of its own: folders, private servers,
//! scratch schemas. Only what its dead owner wrote down as its own.

use super::unlogged;
use crate::config::Config;
use crate::error::{Failure, io};
use crate::host::mariadbd;
use crate::host::temporary::{Temporary, dead};
use db::mariadb::MariaDb;
use db::{Address, Database};
use std::path::PathBuf;

/// A folder for what this process keeps while it works, after those of dead ones were cleared away.
pub fn temporary(config: &Config, purpose: &str) -> Result<Temporary, Failure> {
    clear(config)?;
    Temporary::make(&root(config)?, purpose)
}

/// Writes down that this process is about to make a scratch schema, so that it goes even if the process is killed.
pub fn will_make(temporary: &Temporary, schema: &Address) -> Result<(), Failure> {
    match owned(schema) {
        Some(line) => temporary.owns(&line),
        None => Ok(()),
    }
}

/// `schema NAME HOST:PORT`; a file lies in the folder anyway.
fn owned(address: &Address) -> Option<String> {
    match address {
        Address::Sqlite { .. } => None,
        Address::MySql {
            host, port, database, ..
        } => Some(format!("schema {database} {host}:{port}")),
    }
}

/// As the servers in it were started.
fn root(config: &Config) -> Result<PathBuf, Failure> {
    let root = config.state_dir().join("scratch");
    std::path::absolute(&root).map_err(io(format!("cannot find {}", root.display())))
}

/// Removes what dead processes have left. What cannot be removed now, a server that is not there, say, is left for the next time.
pub fn clear(config: &Config) -> Result<(), Failure> {
    for dead in dead(&root(config)?) {
        mariadbd::end_in(&dead.folder);
        if dead.owned.iter().all(|line| drop_schema(config, line).is_some()) {
            dead.remove();
        }
    }
    Ok(())
}

/// `None`: it may still be there. One on another server than the configured one stays, and so does its line.
fn drop_schema(config: &Config, line: &str) -> Option<()> {
    let name = line.strip_prefix("schema ")?.split(' ').next()?;
    let live = config.address().ok()?;
    let scratch = live.with_database(name);
    if owned(&scratch)? != line || !name.contains("__ventana_") || name == live.database() {
        return None;
    }
    let mut server = MariaDb::open(live, &config.session("scratch")).ok()?;
    unlogged(&mut server).ok()?;
    let name = server.dialect().quote(name);
    server.execute("SET SESSION lock_wait_timeout=5").ok()?;
    server
        .execute(&format!("DROP DATABASE IF EXISTS {name}"))
        .ok()
        .map(drop)
}
