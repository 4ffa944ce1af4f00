//! Proves a backup by restoring it.

use crate::cli::Context;
use crate::error::{Failure, exit, io};
use crate::host::{clock, files, mariadbd};
use crate::scratch::{Scratch, temporary, will_make};
use crate::transfer::{self, Restored};
use crate::world::new_run_id;
use backup::{Backup, Proven};
use db::mariadb::MariaDb;
use db::{Address, Database, Dialect, Secret};
use std::path::Path;

/// Restores a backup into a scratch copy, compares digests, removes the copy, and records the proof beside the backup. The copy
/// lies beside the configured database, or in a private server that is started for it.
pub(in crate::cli) fn prove(cx: &Context, backup: &Backup, private: bool) -> Result<(), Failure> {
    let backup = &cx.config.readable(backup.clone())?;
    let restored = match backup.manifest().source.dialect.as_str() {
        "mysql" if private => return Err(not_of_its_kind(backup)),
        "mariadb" if private => in_private_server(cx, backup)?,
        _ => beside(cx, backup)?,
    };
    record(cx, backup, Proven::Restore, &restored.digest.digest)
}

/// Notes beside the backup what was proven. Where nothing can be written the verdict is no other one, and the note is missed.
pub(in crate::cli) fn record(
    cx: &Context,
    backup: &Backup,
    how: Proven,
    digest: &str,
) -> Result<(), Failure> {
    use std::io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
    match backup.record_proof(&clock::now().to_string(), how, digest) {
        Err(error @ backup::Error::Io { .. }) if matches!(&error, backup::Error::Io { source, .. } if matches!(source.kind(), PermissionDenied | ReadOnlyFilesystem)) =>
        {
            let missed = cx
                .out
                .language
                .pick("la prueba no quedó anotada", "the proof was not noted");
            cx.out.say("note", &format!("{missed}: {error}"));
            Ok(())
        }
        other => other.map(|_| ()).map_err(Into::into),
    }
}

fn not_of_its_kind(backup: &Backup) -> Failure {
    let name = &backup.manifest().name;
    let message = format!(
        "{name} is a backup of MySQL; the private server is a MariaDB, where a copy would be another one"
    );
    Failure::new("unsupported", message, exit::USAGE).hint(format!(
        "`ventana backup verify {name} --restore` proves it in a scratch schema of the configured MySQL server"
    ))
}

fn restore(cx: &Context, backup: &Backup, db: &mut dyn db::Database) -> Result<Restored, Failure> {
    let out = cx.out;
    let mut listen = out.rows("restore");
    let restored = transfer::restore(backup, db, &transfer::Terms::scratch(), &mut listen);
    out.progress_end();
    restored
}

fn beside(cx: &Context, backup: &Backup) -> Result<Restored, Failure> {
    let id = new_run_id(&cx.config, "");
    // No run's folder keeps two of these apart, should they begin in the same second.
    let purpose = format!("verify_{}", std::process::id());
    let folder = temporary(&cx.config, "verify")?;
    let dir = folder.path();
    let anywhere;
    let address = match backup.manifest().source.dialect.as_str() {
        // A file is made wherever there is room: no database need be configured.
        "sqlite" => {
            anywhere = Address::Sqlite { path: dir.join("x") };
            &anywhere
        }
        _ => cx.config.address()?,
    };
    match address {
        Address::Sqlite { .. } => files::must_fit(dir, least(backup), "the scratch copy")?,
        Address::MySql { .. } => {
            let mut server = MariaDb::open(address, &cx.config.session("verify"))?;
            fits_beside(&mut server, least(backup))?;
        }
    }
    let scratch = Scratch::of(&cx.config, address, &id, dir, &purpose)?;
    will_make(&folder, &scratch.address)?;
    let restored = scratch.create().and_then(|mut db| restore(cx, backup, &mut *db));
    let dropped = scratch.drop();
    if dropped.is_err() {
        folder.leave();
    }
    let restored = restored?;
    dropped?;
    Ok(restored)
}

/// Bytes of a private server that holds nothing: its logs alone have 96 MiB.
const EMPTY_SERVER: u64 = 128 << 20;

/// Bytes that a restored copy takes at the very least: rows as text take up to four times what they take in a database, and
/// some tables are compressed.
fn least(backup: &Backup) -> u64 {
    backup.manifest().totals.bytes / 8
}

/// Whether a scratch schema surely does not fit on the server's disk. Only a server on this machine shows its disk.
fn fits_beside(server: &mut MariaDb, needed: u64) -> Result<(), Failure> {
    let told = server.query("SELECT @@hostname, @@datadir")?;
    let text = |at: usize| {
        told.first()
            .and_then(|row| row.get(at))
            .and_then(db::Cell::to_text)
    };
    let (Some(host), Some(folder)) = (text(0), text(1)) else {
        return Ok(());
    };
    let here = rustix::system::uname();
    let folder = Path::new(&folder);
    if here.nodename().to_bytes() != host.as_bytes() || !folder.is_dir() {
        return Ok(());
    }
    files::must_fit(folder, needed, "the scratch schema")
}

/// A server that is stopped when this is gone.
struct Stopped(mariadbd::Server);

impl Drop for Stopped {
    fn drop(&mut self) {
        self.0.stop();
    }
}

fn in_private_server(cx: &Context, backup: &Backup) -> Result<Restored, Failure> {
    // Gone when the server is.
    let folder = temporary(&cx.config, "server")?;
    let folder = folder.path();
    files::must_fit(folder, least(backup) + EMPTY_SERVER, "the private server")?;
    // Nothing of it outlives the proof, so it need not be durable.
    let quick = [
        "--innodb-flush-log-at-trx-commit=0",
        "--skip-innodb-doublewrite",
        "--local-infile=1",
        "--event-scheduler=OFF",
    ];
    let server = Stopped(mariadbd::Server::start(folder, &quick)?);
    let password = password()?;
    let database = &backup.manifest().source.database;
    let user = format!(
        "CREATE USER 'ventana'@'127.0.0.1' IDENTIFIED BY '{}'",
        password.open()
    );
    let create = format!(
        "CREATE DATABASE {} CHARACTER SET utf8mb4",
        Dialect::MariaDb.quote(database)
    );
    server.0.sql(&[
        // Whoever else is on this machine has no business with the copy.
        "DELETE FROM mysql.global_priv WHERE User='root' AND Host<>'localhost'",
        "FLUSH PRIVILEGES",
        "ALTER USER 'root'@'localhost' IDENTIFIED VIA unix_socket",
        &create,
        &user,
        "GRANT ALL PRIVILEGES ON *.* TO 'ventana'@'127.0.0.1' WITH GRANT OPTION",
    ])?;
    let address = Address::MySql {
        host: "127.0.0.1".into(),
        port: server.0.port,
        user: "ventana".into(),
        password,
        database: database.clone(),
    };
    let mut db = MariaDb::open(&address, &cx.config.session("verify"))?;
    restore(cx, backup, &mut db)
}

/// 128 random bits.
fn password() -> Result<Secret, Failure> {
    use std::io::Read;
    let mut bytes = [0; 16];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(io("cannot read /dev/urandom"))?;
    Ok(Secret::new(
        bytes.iter().map(|b| format!("{b:02x}")).collect::<String>(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_of_this_machine_shows_its_disk() {
        let address = Address::MySql {
            host: "127.0.0.1".into(),
            port: testkit::MariaDb::shared().port(),
            user: "root".into(),
            password: Secret::new(""),
            database: String::new(),
        };
        let session = db::Session {
            run: "verify".into(),
            ..db::Session::default()
        };
        let mut server = MariaDb::open(&address, &session).unwrap();
        fits_beside(&mut server, 1).unwrap();
        let refused = fits_beside(&mut server, u64::MAX).unwrap_err();
        assert!(
            refused.code == "no_space" && refused.message.contains("bytes free"),
            "{refused}"
        );
    }
}
