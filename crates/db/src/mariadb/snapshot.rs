//! One view over several connections to a server, with the shortest lock that it offers.
//!
//! In this order: the catalog is read and refused where it must be; the readers connect; the caller's connection takes
//! every table's metadata lock, so that no definition moves from here on; commits are held back by a control connection
//! for as long as the readers need to open their view, which no number of tables makes longer; the readers take the
//! metadata locks themselves, and the caller's connection lets go of them.

mod control;
mod obstacle;
mod proof;

use super::MariaDb;
use crate::schema::Schema;
use crate::snapshot::{Method, Several, Tell, Terms, Together, keeps_changing};
use crate::{Database, Dialect, Error, Identity, Result};
use control::{Control, Held};
use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

pub use control::ENDS_UNATTENDED;
pub use proof::{Position, position};

/// How often the readers may look for a common position without a lock before one of them reads alone.
const GUESSES: u32 = 200;

/// Between two tries.
const BREATH: Duration = Duration::from_millis(50);

/// What came of one try.
enum Try {
    Done(BTreeMap<String, String>),
    /// Definitions or another session were in the way; nothing is held any more.
    Again(Error),
    /// This method is not to be had here; why.
    Cannot(String),
}

pub(super) fn open(db: &mut MariaDb, terms: &Terms, tell: &mut Tell<'_>) -> Result<Several> {
    if db.in_snapshot {
        return Err(Error::refused(
            "a snapshot is open on this connection already",
            "",
        ));
    }
    // Before anything is locked.
    let mut schema = db.inspect()?;
    schema.supported()?;
    let identity = db.identity()?;
    let mut readers = connect(db, &identity, terms.readers)?;
    let methods = match terms.method {
        Some(method) => vec![method],
        None => vec![kindest_lock(&identity), Method::Positions],
    };
    let mut why = String::new();
    for method in methods {
        let started = Instant::now();
        let mut tries = 0u32;
        loop {
            tries += 1;
            let outcome = attempt(db, &schema, &mut readers, method, terms, tries);
            let error = match outcome {
                Ok(Try::Done(mut proof)) => {
                    let again = look_again(db)?;
                    if again.defines_the_same(&schema) {
                        proof.insert("method".into(), method.name().into());
                        proof.insert("readers".into(), readers.len().to_string());
                        proof.insert("attempts".into(), tries.to_string());
                        if !why.is_empty() {
                            proof.insert("why".into(), why);
                        }
                        return Ok(Several::Open(together(again, readers)?.with(proof)));
                    }
                    schema = again;
                    keeps_changing(&schema)
                }
                Ok(Try::Cannot(reason)) => {
                    close_views(&mut readers)?;
                    why = join(&why, &reason);
                    break;
                }
                Ok(Try::Again(error)) => error,
                Err(error) => return Err(error),
            };
            close_views(&mut readers)?;
            if started.elapsed() >= terms.patience {
                return Err(obstacle::named(db, terms.patience, error));
            }
            // Each time: whoever hears it may want to wait no longer.
            tell(&format!("waiting to take a snapshot: {error}"))?;
            thread::sleep(BREATH);
            schema = db.inspect()?;
            schema.supported()?;
        }
    }
    Ok(Several::Cannot(why))
}

/// The backup lock came with MariaDB 10.4; it waits for no reading statement.
fn kindest_lock(identity: &Identity) -> Method {
    let mut numbers = identity.version.split('.').map_while(|n| n.parse::<u32>().ok());
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if identity.dialect == Dialect::MariaDb && version >= (10, 4) {
        Method::BackupStage
    } else {
        Method::FlushTables
    }
}

fn join(reasons: &str, reason: &str) -> String {
    if reasons.is_empty() || reasons == reason {
        reason.to_string()
    } else {
        format!("{reasons}; {reason}")
    }
}

impl Together {
    fn with(mut self, proof: BTreeMap<String, String>) -> Together {
        self.proof = proof;
        self
    }
}

/// The readers as the caller gets them: with the patience of any session again where they hold every lock that they need. Else
/// a wait would be for a definition that is being changed, whose change waits for us: after a second it is given up, for others wait behind it.
fn together(schema: Schema, mut readers: Vec<MariaDb>) -> Result<Together> {
    if are_few(&schema) {
        for reader in &mut readers {
            reader.execute("SET SESSION lock_wait_timeout=60")?;
        }
    }
    Ok(Together {
        schema,
        readers: readers
            .into_iter()
            .map(|r| Box::new(r) as Box<dyn Database>)
            .collect(),
        proof: BTreeMap::new(),
    })
}

/// Whether each reader locks all tables.
fn are_few(schema: &Schema) -> bool {
    schema.tables.len() < super::FEW
}

/// Opens connections to the very server that `db` is connected to, all at once.
fn connect(db: &MariaDb, identity: &Identity, count: usize) -> Result<Vec<MariaDb>> {
    let opened: Vec<Result<MariaDb>> = thread::scope(|scope| {
        let origin = &db.origin;
        let threads: Vec<_> = (0..count)
            .map(|_| scope.spawn(|| MariaDb::open(&origin.0, &origin.1)))
            .collect();
        threads.into_iter().map(join_thread).collect()
    });
    let mut readers = Vec::with_capacity(count);
    for (n, reader) in opened.into_iter().enumerate() {
        let mut reader = reader.map_err(|error| match error {
            // No answer at all: that is the way or the server, not how many we are.
            Error::Lost { .. } => error,
            Error::Connect { ref source_text, .. } if !source_text.contains("server error") => error,
            error => Error::refused(
                format!("reader {} of {count} could not connect: {error}", n + 1),
                "ask for fewer readers, or raise max_connections or the account's MAX_USER_CONNECTIONS",
            ),
        })?;
        same_server(identity, &reader.identity()?)?;
        // Who changes a definition is to go first, not to wait for us while everybody else waits for them.
        reader.execute("SET SESSION lock_wait_timeout=1")?;
        reader.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")?;
        readers.push(reader);
    }
    Ok(readers)
}

/// Behind one address there may be several servers.
fn same_server(ours: &Identity, other: &Identity) -> Result<()> {
    if ours == other {
        return Ok(());
    }
    let differing: Vec<String> = ours
        .fields
        .iter()
        .filter(|(name, value)| other.fields.get(*name) != Some(*value))
        .map(|(name, value)| {
            format!(
                "{name} {value} and {}",
                other.fields.get(name).map_or("none", String::as_str)
            )
        })
        .collect();
    Err(Error::refused(
        format!(
            "connections to one address reached different servers: {}",
            differing.join(", ")
        ),
        "name the server itself, not a proxy or a name with several addresses",
    ))
}

/// Runs `work` on every reader at once.
fn each<T: Send>(readers: &mut [MariaDb], work: impl Fn(&mut MariaDb) -> Result<T> + Sync) -> Result<Vec<T>> {
    thread::scope(|scope| {
        let threads: Vec<_> = readers
            .iter_mut()
            .map(|reader| scope.spawn(|| work(reader)))
            .collect();
        // All are waited for before the first error is told.
        let done: Vec<Result<T>> = threads.into_iter().map(join_thread).collect();
        done.into_iter().collect()
    })
}

fn join_thread<T>(thread: thread::ScopedJoinHandle<'_, T>) -> T {
    match thread.join() {
        Ok(value) => value,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

fn open_views(readers: &mut [MariaDb]) -> Result<()> {
    each(readers, |reader| {
        reader.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")?;
        reader.in_snapshot = true;
        Ok(())
    })
    .map(drop)
}

fn close_views(readers: &mut [MariaDb]) -> Result<()> {
    each(readers, |reader| {
        reader.in_snapshot = false;
        reader.execute("ROLLBACK")
    })
    .map(drop)
}

fn attempt(
    db: &mut MariaDb,
    schema: &Schema,
    readers: &mut [MariaDb],
    method: Method,
    terms: &Terms,
    tries: u32,
) -> Result<Try> {
    let tried = guarded(db, schema, |db| {
        let tried = match method {
            Method::OneConnection => Try::Cannot("one connection was asked for".into()),
            Method::Positions => without_lock(db, readers)?,
            _ => with_lock(db, readers, method, terms, tries)?,
        };
        if matches!(tried, Try::Done(_)) {
            share_locks(readers, schema)?;
        }
        Ok(tried)
    });
    match tried {
        Err(error) if passes(&error) => Ok(Try::Again(error)),
        other => other,
    }
}

/// Takes every table's metadata lock: a definition moves only when all locks on it are gone, and a reader that is lost before the
/// snapshot ends fails whatever was read. Each reader holds all of them: one that opened a table anew behind a waiting ALTER, which
/// waits for another reader, would wait for ever. A server looks through all that a session has locked whenever it opens a
/// table, so that of many tables each reader locks a part, and [`together`] bounds that wait.
fn share_locks(readers: &mut [MariaDb], schema: &Schema) -> Result<()> {
    let count = if are_few(schema) { 1 } else { readers.len() };
    thread::scope(|scope| {
        let threads: Vec<_> = readers
            .iter_mut()
            .enumerate()
            .map(|(n, reader)| {
                let tables = schema.tables.iter().skip(n % count).step_by(count);
                scope.spawn(move || reader.touch(tables, 0))
            })
            .collect();
        // All are waited for before the first error is told.
        let done: Vec<Result<()>> = threads.into_iter().map(join_thread).collect();
        done.into_iter().collect()
    })
}

/// The catalog while the readers hold every table's lock. Another connection reads it much faster than theirs: see
/// [`share_locks`]. It does not wait for whom others wait for because of us, and takes no value of a sequence.
fn look_again(db: &mut MariaDb) -> Result<Schema> {
    impatient(db, MariaDb::inspect)
}

/// Whether an error tells of something that will be over soon: a lock, a deadlock, a definition being changed.
fn passes(error: &Error) -> bool {
    // 1146, 1412: gone or rebuilt; 1205, 1213: lock; 1969, 3024: the statement's time was up.
    matches!(
        error,
        Error::Server {
            number: 1146 | 1205 | 1213 | 1412 | 1969 | 3024,
            ..
        }
    )
}

/// Does `work` while this connection holds every table's metadata lock, so that no definition moves meanwhile.
fn guarded(db: &mut MariaDb, schema: &Schema, work: impl FnOnce(&mut MariaDb) -> Result<Try>) -> Result<Try> {
    impatient(db, |db| {
        db.touch(schema.tables.iter(), 0)?;
        work(db)
    })
}

/// Does `work` in a transaction that writes nothing and hardly waits for a lock.
fn impatient<T>(db: &mut MariaDb, work: impl FnOnce(&mut MariaDb) -> Result<T>) -> Result<T> {
    db.execute("SET SESSION lock_wait_timeout=1")?;
    db.execute("START TRANSACTION READ ONLY")?;
    let done = work(db);
    let ended = db.execute("ROLLBACK");
    let restored = db.execute("SET SESSION lock_wait_timeout=60");
    // The first error is the one to tell.
    let done = done?;
    ended?;
    restored?;
    Ok(done)
}

/// The readers open their views while a control connection holds commits back.
fn with_lock(
    db: &mut MariaDb,
    readers: &mut [MariaDb],
    method: Method,
    terms: &Terms,
    tries: u32,
) -> Result<Try> {
    if method == Method::FlushTables {
        obstacle::none_runs_longer(db, terms.longest_running)?;
    }
    let mut control = Control::open(db, method)?;
    let held = match control.hold(tries)? {
        Held::Since(held) => held,
        Held::Never(why) => return Ok(Try::Cannot(why)),
    };
    let opened = open_views(readers);
    let stands = control.logged();
    let released = control.release();
    let blocked = held.elapsed();
    opened?;
    if let Err(error) = released {
        // It was not there until the end: somebody may have committed between two views.
        return Ok(Try::Again(error));
    }
    let mut proof = stands?;
    proof.insert(
        "commits_blocked_ms".to_string(),
        format!("{:.1}", blocked.as_secs_f64() * 1000.0),
    );
    if !proof::shared(db, readers, &mut proof)? {
        // Commits were held back, so it was no commit that moved the log: a rotation, perhaps.
        return Ok(Try::Again(moved()));
    }
    Ok(Try::Done(proof))
}

/// The readers open their views and look whether a commit came between them, until none did.
fn without_lock(db: &mut MariaDb, readers: &mut [MariaDb]) -> Result<Try> {
    if let Some(why) = proof::log_says_nothing(db)? {
        return Ok(Try::Cannot(why));
    }
    for guess in 1..=GUESSES {
        open_views(readers)?;
        let mut proof = BTreeMap::from([("guesses".to_string(), guess.to_string())]);
        if proof::shared(db, readers, &mut proof)? {
            return Ok(Try::Done(proof));
        }
        close_views(readers)?;
    }
    Ok(Try::Cannot(format!(
        "a commit lay between the readers' views {GUESSES} times"
    )))
}

fn moved() -> Error {
    Error::refused(
        "the binary log moved between the readers' views",
        "try again when no session flushes or rotates it",
    )
}
