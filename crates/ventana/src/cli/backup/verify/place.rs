//! Where backups are verified, and what is found there.

use super::{Args, Whole, here, there};
use crate::cli::Context;
use crate::error::{Failure, exit};
use crate::replicas::{self, Known, Named};
use backup::{Entry, State, Store};

/// What a place has to verify.
pub(super) enum Found {
    /// By its name, or its path.
    Complete(String),
    /// What an interrupted backup or copy has left.
    Remains { name: String, why: String },
    /// It cannot be opened, or it is not there any more.
    Bad { name: String, failure: Failure },
}

impl Found {
    pub(super) fn name(&self) -> &str {
        match self {
            Found::Complete(name) | Found::Remains { name, .. } | Found::Bad { name, .. } => name,
        }
    }
}

/// Where is looked: the backup folder, or a replica.
pub(super) enum Place {
    Here,
    Replica(Box<Named>, Box<dyn Store>),
}

impl Place {
    pub(super) fn of(cx: &Context, args: &Args) -> Result<Place, Failure> {
        let Some(name) = &args.replica else {
            return Ok(Place::Here);
        };
        let named = replicas::find(&cx.config, name)?;
        let store = named.open(&cx.config)?;
        Ok(Place::Replica(Box::new(named), store))
    }

    fn list(&mut self, cx: &Context) -> Result<Vec<Entry>, Failure> {
        Ok(match self {
            Place::Here => backup::list(&cx.config.backup_dir(), &cx.config.series())?,
            Place::Replica(named, store) => named.list(&cx.config, &mut **store)?,
        })
    }

    /// What is there, newest first, and what is known to lie there and does not. A place with nothing to verify is an error: a
    /// cron job that found none has proven none.
    pub(super) fn all(&mut self, cx: &Context) -> Result<Vec<Found>, Failure> {
        let entries = self.list(cx)?;
        let lost = match self {
            Place::Here => Vec::new(),
            Place::Replica(named, _) => named.lost(&cx.config, &entries)?,
        };
        if lost.is_empty() && !entries.iter().any(is_one) {
            return Err(self.none(cx));
        }
        let there = entries.into_iter().map(|entry| {
            let name = match self {
                // Here a backup is found by its path, whatever the folder is called.
                Place::Here => entry.path.display().to_string(),
                Place::Replica(..) => entry.name.to_string(),
            };
            match entry.state {
                State::Complete(_) => Found::Complete(name),
                State::Incomplete { why } => Found::Remains { name, why },
                State::Unreadable { why } => Found::Bad {
                    name,
                    failure: Failure::verification(why),
                },
            }
        });
        Ok(there.chain(lost.into_iter().map(gone)).collect())
    }

    fn none(&self, cx: &Context) -> Failure {
        match self {
            Place::Here => Failure::usage(format!(
                "there is no complete backup of {} in {}",
                cx.config.series(),
                cx.config.backup_dir().display()
            ))
            .hint("`ventana backup` makes one; if there are some, see that their disk is mounted"),
            Place::Replica(named, _) => {
                let replica = &named.name;
                Failure::usage(format!("the replica {replica} has no complete backup yet"))
                    .hint(format!("`ventana backup copy --to {replica}` makes one"))
            }
        }
    }

    /// `latest` as a name; here it is found as it was asked for.
    pub(super) fn named(&mut self, cx: &Context, which: &str) -> Result<String, Failure> {
        if matches!(self, Place::Here) || which != "latest" {
            return Ok(which.to_owned());
        }
        let newest = self.list(cx)?.into_iter().find(is_one);
        newest
            .map(|entry| entry.name.to_string())
            .ok_or_else(|| self.none(cx))
    }

    pub(super) fn verify(&mut self, cx: &Context, args: &Args, which: &str) -> Result<Whole, Failure> {
        match self {
            Place::Here => here::verify(cx, args, which),
            Place::Replica(named, store) => there::verify(cx, args, named, &mut **store, which),
        }
    }
}

/// Whether it is a backup, be it damaged, and not what an interrupted one has left.
fn is_one(entry: &Entry) -> bool {
    !matches!(entry.state, State::Incomplete { .. })
}

/// It was copied there, and nothing is there.
fn gone(known: Known) -> Found {
    let message = format!("{} is gone: it was there at {}", known.path, known.at);
    let failure = Failure::new("lost", message, exit::VERIFICATION).hint(format!(
        "see that its disk is mounted; if it was deleted on purpose, `ventana backup prune --replica {} --forget`",
        known.replica
    ));
    Found::Bad {
        name: known.name,
        failure,
    }
}
