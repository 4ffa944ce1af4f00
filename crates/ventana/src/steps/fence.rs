//! `fence`: no writes reach the data; reads, health and smoke stay live.
//!
//! The service is told first (its flag file), then the database enforces it: grants and sessions on a server, the write
//! lock on SQLite. What must be given back is journaled before it is taken.

use crate::error::Failure;
use crate::host::{clock, files};
use crate::window::sessions;
use crate::world::{Live, World};
use db::Database;
use db::mariadb::account;
use db::mariadb::fence as server;
use engine::StepError;
use engine::runner::{Context, Probe, Step};
use serde_json::{Value, json};

/// Seconds that a client is told to wait, unless configured.
const RETRY_AFTER: u32 = 30;

pub(super) struct Fence<'a> {
    pub(super) world: &'a World,
}

/// The fence as something that can be raised and lowered: shared by the steps `fence` and `lift` and by the verb.
pub struct Raised<'a> {
    pub world: &'a World,
}

impl Raised<'_> {
    /// Puts the fence on. `record` makes what must be given back durable before it is taken.
    pub fn raise(
        &self,
        known: Option<&Value>,
        record: &mut dyn FnMut(&str, Value) -> Result<(), StepError>,
    ) -> Result<(), StepError> {
        let config = &self.world.config;
        if !self.world.rehearsal
            && let Some(flag) = config.fence_file()
        {
            record("refused_at", clock::now().to_string().into())?;
            let wait = config.file.fence.retry_after.unwrap_or(RETRY_AFTER);
            // The file appears whole or not at all, and it is the first thing done.
            files::raise_flag(&flag, &self.world.run, &clock::now().to_string(), wait).map_err(
                if known.is_none() {
                    super::nothing
                } else {
                    super::maybe
                },
            )?;
        }
        let mut live = self.world.live().map_err(super::maybe)?;
        match &mut *live {
            Live::Sqlite(db) => db.lock_writes().map_err(super::maybe),
            Live::Server(db) if !self.world.rehearsal => {
                let accounts = &config.file.fence.accounts;
                let before = match known {
                    // An earlier attempt has taken some of it already: what counts is what was there before it.
                    Some(value) => serde_json::from_value(value.clone()).map_err(|e| {
                        StepError::maybe("journal", format!("the journaled grants cannot be read: {e}"))
                    })?,
                    None => {
                        let before = server::read(db, accounts).map_err(super::maybe)?;
                        server::prove_lowering(db, &before).map_err(super::maybe)?;
                        record("before", serde_json::to_value(&before).unwrap_or_default())?;
                        before
                    }
                };
                server::raise(db, &before).map_err(super::maybe)
            }
            Live::Server(_) => Ok(()),
        }
    }

    /// Gives back what `before` says, and lets the service write again.
    pub fn lower(&self, before: Option<&Value>) -> Result<Value, StepError> {
        let mut live = self.world.live().map_err(super::maybe)?;
        match &mut *live {
            Live::Sqlite(db) => db.rollback().map_err(super::maybe)?,
            Live::Server(db) if !self.world.rehearsal => {
                if let Some(before) = before {
                    let before: server::Before = serde_json::from_value(before.clone()).map_err(|e| {
                        StepError::maybe("journal", format!("the journaled grants cannot be read: {e}"))
                    })?;
                    server::lower(db, &before).map_err(super::maybe)?;
                    // Sessions opened under the fence carry its privileges until they are opened again.
                    let accounts: Vec<String> = before.grants.iter().map(|g| g.account.clone()).collect();
                    server::end_sessions(db, &accounts).map_err(super::maybe)?;
                }
            }
            Live::Server(_) => {}
        }
        if let Some(flag) = self.world.config.fence_file().filter(|_| !self.world.rehearsal) {
            files::lower_flag(&flag).map_err(super::maybe)?;
        }
        Ok(json!({ "accepted_at": clock::now().to_string() }))
    }

    /// Who could write past the fence and was not accepted by name.
    pub fn unaccepted(&self) -> Result<Vec<String>, Failure> {
        let config = &self.world.config;
        let mut live = self.world.live()?;
        let Live::Server(db) = &mut *live else {
            return Ok(Vec::new());
        };
        let accepted: Vec<String> = config
            .file
            .fence
            .accept_writers
            .iter()
            .map(|a| account::normal(a))
            .collect();
        let writers = server::writers(db, &config.file.fence.accounts)?;
        Ok(writers
            .into_iter()
            .filter(|w| !accepted.contains(&account::normal(w)))
            .collect())
    }
}

impl Step for Fence<'_> {
    fn preflight(&mut self, cx: &mut Context<'_>) -> Result<(), StepError> {
        let config = &self.world.config;
        if self.world.rehearsal {
            return Ok(());
        }
        if let Some(flag) = config.fence_file() {
            let folder = flag.parent().unwrap_or(std::path::Path::new("."));
            if !folder.is_dir() || flag.is_dir() {
                return Err(StepError::nothing(
                    "fence_file",
                    format!("the fence file {} cannot be written", flag.display()),
                )
                .hint("[fence] file must name a file in a folder that is there"));
            }
        }
        let accounts = &config.file.fence.accounts;
        {
            let mut live = self.world.live().map_err(super::nothing)?;
            let Live::Server(db) = &mut *live else {
                return Ok(());
            };
            let ours = account::current(db).map_err(super::nothing)?;
            if accounts.is_empty() {
                return Err(super::nothing(separate(
                    db,
                    &ours,
                    "no service account is named under [fence] accounts",
                )));
            }
            if accounts
                .iter()
                .any(|a| account::normal(a) == account::normal(&ours))
            {
                let why = format!(
                    "ventana's own account {ours} is the service's account: fencing it would fence ventana"
                );
                return Err(super::nothing(separate(db, &ours, &why)));
            }
            let before = server::read(db, accounts).map_err(super::nothing)?;
            // Granting what is there already changes nothing, and shows that it can be given back. A dry run reads only.
            if cx.run() != super::prove::DRY_RUN {
                server::prove_lowering(db, &before).map_err(super::nothing)?;
            }
        }
        let open = Raised { world: self.world }
            .unaccepted()
            .map_err(super::nothing)?;
        if !open.is_empty() {
            return Err(StepError::nothing(
                "writers",
                format!("these accounts could write past the fence: {}", open.join(", ")),
            )
            .hint("take their rights away, or accept each by name under [fence] accept_writers"));
        }
        Ok(())
    }

    fn run(&mut self, cx: &mut Context<'_>) -> Result<Value, StepError> {
        sessions::record(self.world, cx)?;
        let known = cx.own_fact("before").cloned();
        Raised { world: self.world }.raise(known.as_ref(), &mut |name, value| cx.record(name, value))?;
        Ok(json!({ "accounts": self.world.config.file.fence.accounts }))
    }

    fn probe(&mut self, cx: &mut Context<'_>) -> Result<Probe, StepError> {
        sessions::end_dead(self.world, cx)?;
        Ok(super::half_done())
    }

    fn undo(&mut self, cx: &mut Context<'_>) -> Result<Value, StepError> {
        sessions::end_dead(self.world, cx)?;
        let before = cx.own_fact("before").cloned();
        Raised { world: self.world }.lower(before.as_ref())
    }
}

/// The refusal with the statements that mend it.
fn separate(db: &mut db::mariadb::MariaDb, ours: &str, why: &str) -> Failure {
    let schema = db.identity().map(|i| i.database).unwrap_or_default();
    Failure::usage(why).hint(format!(
        "give ventana an account of its own:\n  CREATE USER 'ventana'@'localhost' IDENTIFIED BY '…';\n  GRANT ALL PRIVILEGES ON *.* TO 'ventana'@'localhost' WITH GRANT OPTION;\n\
         and keep the service on its own, named under [fence] accounts:\n  GRANT SELECT, INSERT, UPDATE, DELETE ON `{schema}`.* TO {ours};"
    ))
}
