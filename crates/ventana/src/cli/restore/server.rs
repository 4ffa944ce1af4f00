//! A restore into a schema of a server: what is lacking is said first, one that was cut off goes on.

use super::{Args, not_live};
use crate::cli::Context;
use crate::error::{Failure, exit, io};
use crate::host::{death, files};
use crate::transfer::{self, Restored, Terms};
use backup::Backup;
use db::mariadb::MariaDb;
use db::mariadb::fence::end_sessions_of;
use db::mariadb::target::Lack;
use db::marks::Marks;
use db::progress::Listener;
use db::{Address, Database, Dialect, Session};
use std::os::unix::fs::MetadataExt;

pub(super) fn restore(
    cx: &Context,
    target: &Address,
    backup: &Backup,
    terms: &Terms,
    args: &Args,
    listen: &mut Listener<'_>,
) -> Result<Restored, Failure> {
    not_live(cx, target)?;
    let mut hold = Hold::of(cx, target)?;
    let lacking = transfer::preflight(backup, terms, &mut hold.server, &target.database())?;
    accepted(cx, &lacking)?;
    let mut db = match hold.unfinished(backup, terms)? {
        Some(db) if !args.replace => {
            cx.out.say(
                "resumed",
                cx.out.language.pick(
                    "una restauración anterior de esta copia quedó a medias: se continúa",
                    "an earlier restore of this backup was cut off: going on with it",
                ),
            );
            db
        }
        _ => hold.empty(cx, args.replace, &["CHARACTER SET utf8mb4".into()])?,
    };
    transfer::restore(backup, &mut db, terms, listen)
}

/// What does not stop a restore, but leaves something that will not run, is meant or not done.
pub(super) fn accepted(cx: &Context, lacking: &[Lack]) -> Result<(), Failure> {
    let joined = |part: fn(&Lack) -> &str| lacking.iter().map(part).collect::<Vec<_>>().join("; ");
    if lacking.is_empty() {
        return Ok(());
    }
    let what = joined(|l| &l.what);
    if cx.yes {
        cx.out.say("lacking", &what);
        return Ok(());
    }
    Err(Failure::failed("preflight", what).hint(format!(
        "{}; or add --yes to restore all the same",
        joined(|l| &l.mend)
    )))
}

/// A schema that is restored into, held against every other restore into it as long as this lives.
pub(super) struct Hold {
    /// Connected to no schema.
    pub(super) server: MariaDb,
    target: Address,
    session: Session,
}

impl Hold {
    /// Ends what a restore of ours that died may still be doing there, and takes the target.
    pub(super) fn of(cx: &Context, target: &Address) -> Result<Hold, Failure> {
        let run = run(cx, target)?;
        let session = Session {
            // It may see a schema that is not whole yet.
            restoring: true,
            ..cx.config.session(&run)
        };
        let mut server = MariaDb::open(&target.with_database(""), &session)?;
        // It holds the target for as long as the load takes, and says nothing meanwhile.
        server.execute("SET SESSION wait_timeout=31536000")?;
        // A server goes on with a statement whose client was killed, and holds its tables as long.
        end_sessions_of(&mut server, &run)?;
        let name = format!(
            "ventana:into:{}",
            &files::sha256(target.database().to_lowercase().as_bytes())[..32]
        );
        if server.count(&format!("SELECT COALESCE(GET_LOCK('{name}', 0), 0)"))? == 1 {
            return Ok(Hold {
                server,
                target: target.clone(),
                session,
            });
        }
        let holder = server.text(&format!("SELECT IS_USED_LOCK('{name}')"))?;
        Err(at_work(target, &holder.unwrap_or_else(|| "?".into())))
    }

    /// Another connection to the target, which sees it although it is not whole.
    pub(super) fn open(&self) -> Result<MariaDb, Failure> {
        let mut db = MariaDb::open(&self.target, &self.session)?;
        // What is restored here is to stay: the server's replicas must follow.
        db.log_loads(true);
        Ok(db)
    }

    fn literal(&self) -> String {
        let name = self.target.database();
        name.replace('\\', "\\\\").replace('\'', "''")
    }

    fn there(&mut self) -> Result<bool, Failure> {
        let found = self.server.count(&format!(
            "SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME='{}'",
            self.literal()
        ))?;
        Ok(found > 0)
    }

    /// The target, where an earlier restore of the same backup into it was cut off.
    fn unfinished(&mut self, backup: &Backup, terms: &Terms) -> Result<Option<MariaDb>, Failure> {
        if !self.there()? {
            return Ok(None);
        }
        let mut db = self.open()?;
        if terms.marks(backup).found(&mut db)? != Some(true) {
            return Ok(None);
        }
        // Not ours, or it would have been ended: of a restore from another place, whose other sessions may be gone.
        let busy = db.text(
            "SELECT ID FROM information_schema.PROCESSLIST WHERE DB=DATABASE() AND ID<>CONNECTION_ID() AND COMMAND<>'Sleep' \
             ORDER BY ID LIMIT 1",
        )?;
        match busy {
            Some(id) => Err(at_work(&self.target, &id)),
            None => Ok(Some(db)),
        }
    }

    /// Makes the target, empty, with the first of these defaults that the server knows. One that holds something is refused, unless
    /// it may be replaced.
    pub(super) fn empty(
        &mut self,
        cx: &Context,
        replace: bool,
        defaults: &[String],
    ) -> Result<MariaDb, Failure> {
        let database = self.target.database();
        let name = Dialect::MariaDb.quote(&database);
        if self.there()? {
            self.replaceable(cx, &database, replace)?;
            self.server.execute(&format!("DROP DATABASE {name}"))?;
        }
        let mut tries = defaults.iter();
        loop {
            let defaults = tries.next().map_or("", String::as_str);
            match self.server.execute(&format!("CREATE DATABASE {name} {defaults}")) {
                // A character set or a collation of another kind of server.
                Err(db::Error::Server {
                    number: 1115 | 1253 | 1273,
                    ..
                }) if !defaults.is_empty() => {}
                other => break other.map(|_| ())?,
            };
        }
        death::point();
        self.open()
    }

    /// The defaults of the target as it is, for `CREATE DATABASE`.
    pub(super) fn defaults(&mut self) -> Result<Option<String>, Failure> {
        let of = format!(
            "SELECT CONCAT('CHARACTER SET ', DEFAULT_CHARACTER_SET_NAME, ' COLLATE ', DEFAULT_COLLATION_NAME) \
             FROM information_schema.SCHEMATA WHERE SCHEMA_NAME='{}'",
            self.literal()
        );
        Ok(self.server.text(&of)?)
    }

    fn replaceable(&mut self, cx: &Context, database: &str, replace: bool) -> Result<(), Failure> {
        let mut held = 0;
        for (view, column) in [
            ("TABLES", "TABLE_SCHEMA"),
            ("ROUTINES", "ROUTINE_SCHEMA"),
            ("EVENTS", "EVENT_SCHEMA"),
        ] {
            held += self.server.count(&format!(
                "SELECT COUNT(*) FROM information_schema.{view} WHERE {column}='{}'",
                self.literal()
            ))?;
        }
        if held == 0 || (replace && cx.yes) {
            return Ok(());
        }
        if replace {
            return Err(
                Failure::usage(format!("--replace drops schema {database} with everything in it"))
                    .hint("add --yes if that is meant"),
            );
        }
        let mut db = self.open()?;
        let half = Marks::of("").found(&mut db)?.is_some();
        let told = Marks::told(&mut db)?.unwrap_or_default();
        if let Some(dump) = told.strip_prefix("dump ") {
            return Err(Failure::usage(format!(
                "schema {database} holds a part of the SQL dump {dump}, whose restore was not finished"
            ))
            .hint("no dump goes on where it was cut off: add --replace --yes to begin anew"));
        }
        Err(if half {
            Failure::usage(format!(
                "schema {database} holds a part of another restore that was not finished"
            ))
            .hint("run that one again, or add --replace --yes to begin anew with this one")
        } else {
            Failure::usage(format!("schema {database} is not empty"))
                .hint("name another schema, or add --replace")
        })
    }
}

/// Somebody else is filling the target.
fn at_work(target: &Address, connection: &str) -> Failure {
    let what = format!(
        "another restore into {} is at work on this server (connection {connection})",
        target.database()
    );
    Failure::new("lease_held", what, exit::LEASE).hint(format!(
        "wait for it, or end it if its ventana is dead: KILL {connection}"
    ))
}

/// What the sessions of a restore into `target` are called. Only this state folder's processes use the name, and its lease
/// of restores is ours: a session of that name belongs to one that has died.
fn run(cx: &Context, target: &Address) -> Result<String, Failure> {
    let folder = cx.config.state_dir();
    let what = format!("cannot look at the state folder {}", folder.display());
    let about = std::fs::metadata(&folder).map_err(io(what))?;
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let of = format!(
        "{}\0{}\0{}\0{}",
        host.trim(),
        about.dev(),
        about.ino(),
        target.database()
    );
    Ok(format!("restore-{}", &files::sha256(of.as_bytes())[..16]))
}
