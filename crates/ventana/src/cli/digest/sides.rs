//! What `--diff` compares, as it is written on the command line.

use crate::cli::Context;
use crate::error::Failure;
use crate::transfer::Contents;
use backup::Backup;
use db::diff::{Files, Live, Piece, Side};
use db::progress::Listener;
use db::sqlite::online::Frozen;
use db::{Address, Secret};
use std::path::Path;

/// One of the two.
pub(super) enum Named {
    Database(Address),
    Backup(Box<Backup>),
}

impl std::fmt::Display for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Named::Database(address) => address.fmt(f),
            Named::Backup(backup) => backup.path().display().fmt(f),
        }
    }
}

impl Named {
    pub(super) fn parse(cx: &Context, text: &str) -> Result<Named, Failure> {
        if text == "live" {
            return Ok(Named::Database(cx.config.address()?.clone()));
        }
        if let Some(name) = text.strip_prefix("backup:") {
            let backup = backup::find(&cx.config.backup_dir(), &cx.config.series(), name)
                .map_err(|e| Failure::from(e).hint("`ventana backup list` shows what there is"))?;
            return Ok(Named::Backup(Box::new(cx.config.readable(backup)?)));
        }
        if let Some(name) = text.strip_prefix("schema:") {
            return match cx.config.address()? {
                server @ Address::MySql { .. } => Ok(Named::Database(server.with_database(name))),
                Address::Sqlite { .. } => Err(Failure::usage("SQLite has no schemas")
                    .hint("name the other file by its URL: sqlite:///path/to/file.db")),
            };
        }
        if ["sqlite:", "mysql://", "mariadb://"]
            .iter()
            .any(|scheme| text.starts_with(scheme))
        {
            let address = Address::parse(text)?;
            return Ok(Named::Database(with_password(cx, address)));
        }
        let path = Path::new(text);
        if path.is_dir() {
            let backup = cx.config.readable(Backup::open(path)?)?;
            return Ok(Named::Backup(Box::new(backup)));
        }
        Err(
            Failure::usage(format!("{text:?} is no database, and no backup's folder"))
                .hint("write live, backup:NAME, a backup's folder, schema:NAME, or a database URL"),
        )
    }

    /// The backup, where it is one.
    pub(super) fn backup(&self) -> Option<&Backup> {
        match self {
            Named::Database(_) => None,
            Named::Backup(backup) => Some(backup),
        }
    }

    /// The backup's files, where it is one.
    pub(super) fn contents(&self) -> Result<Option<Contents<'_>>, Failure> {
        match self {
            Named::Database(_) => Ok(None),
            Named::Backup(backup) => Contents::of(backup).map(Some),
        }
    }

    /// Opens it for reading, in one state from here on.
    pub(super) fn open<'a>(
        &'a self,
        cx: &Context,
        contents: Option<&'a Contents<'a>>,
        scratch: &Path,
        listen: &mut Listener<'_>,
    ) -> Result<Box<dyn Side + 'a>, Failure> {
        Ok(match (self, contents) {
            (Named::Backup(backup), Some(contents)) => {
                let pieces = backup.manifest().tables.iter().map(|table| {
                    let pieces = table.chunks.iter().map(|chunk| Piece {
                        file: chunk.file.clone(),
                        rows: chunk.rows,
                    });
                    (table.name.clone(), pieces.collect())
                });
                Box::new(Files::new(contents, pieces.collect(), scratch, listen)?)
            }
            (Named::Database(Address::Sqlite { path }), _) => {
                Box::new(Live::frozen(Frozen::open(path, scratch)?)?)
            }
            (Named::Database(address), _) => {
                Box::new(Live::new(db::open(address, &cx.config.session("digest"))?)?)
            }
            (Named::Backup(backup), None) => {
                return Err(Failure::failed(
                    "backup",
                    format!("{} was not opened", backup.path().display()),
                ));
            }
        })
    }
}

/// Whether the text names a backup, and no database.
pub(super) fn is_backup(text: &str) -> bool {
    text.starts_with("backup:") || Path::new(text).is_dir()
}

/// A URL on a command line is seen by all: one without a password takes the configured one, on the configured server and
/// for the configured account.
fn with_password(cx: &Context, address: Address) -> Address {
    let Ok(Address::MySql {
        host: configured_host,
        port: configured_port,
        user: configured_user,
        password: configured,
        ..
    }) = cx.config.address()
    else {
        return address;
    };
    match address {
        Address::MySql {
            host,
            port,
            user,
            password,
            database,
        } if password.is_empty()
            && (&host, &port, &user) == (configured_host, configured_port, configured_user) =>
        {
            Address::MySql {
                host,
                port,
                user,
                password: Secret::new(configured.open().to_string()),
                database,
            }
        }
        other => other,
    }
}
