//! Which backups stay and which may go: a pure function of what was seen, the policy and the clock.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::name::BackupName;
use crate::proof::Proven;

/// An incomplete folder younger than this may be a copy that somebody goes on with, in seconds.
const YOUNG: i64 = 86_400;

/// How many backups to keep of each kind; of a day, week (from Monday) or month, in UTC, its newest. Only periods that
/// have a backup count: a service that was off for a month loses nothing by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// The newest ones.
    pub last: usize,
    /// Days.
    pub daily: usize,
    /// Weeks.
    pub weekly: usize,
    /// Months.
    pub monthly: usize,
}

impl Policy {
    /// Whether it has no rule at all. [`decide`] then keeps what nothing may delete, and no more.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A folder of the service, as it was seen in the place that is to be pruned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its name: the stamp in it is the moment that counts.
    pub name: BackupName,
    /// Schema or file that it is a backup of: the rules hold for each of them alone. Nothing to what is not complete.
    pub database: String,
    /// What it is.
    pub state: SeenState,
}

/// What a folder that was seen is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeenState {
    /// Complete; the strongest proof of it, if it was ever proven.
    Complete {
        /// How it was proven.
        proven: Option<Proven>,
    },
    /// Left by an interrupted backup or copy.
    Incomplete {
        /// Somebody writes there now, or the place cannot tell.
        held: bool,
    },
    /// Complete, but it cannot be read.
    Unreadable,
}

/// Why a folder stays or goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Among the newest.
    Last,
    /// The newest of its day.
    Daily,
    /// The newest of its week.
    Weekly,
    /// The newest of its month.
    Monthly,
    /// A run that is not over, or the latest one, may need it.
    Needed,
    /// There is always one complete backup: the newest.
    Newest,
    /// The newest that was proven, or proven by a restore.
    NewestProven,
    /// Its stamp is later than now: one of the two clocks is wrong, so it counts for no rule.
    Future,
    /// It is being written, or the place cannot tell.
    BeingWritten,
    /// Incomplete, and younger than a day.
    YoungRemains,
    /// It cannot be read: a person has to look.
    Unreadable,
    /// Goes: no rule keeps it.
    NoRule,
    /// Goes: incomplete, old, and nobody writes it.
    Remains,
}

/// What becomes of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The folder's backup.
    pub name: BackupName,
    /// Whether the folder that was seen is incomplete: of one name there may be both.
    pub incomplete: bool,
    /// Stays.
    pub keep: bool,
    /// Why; never empty.
    pub reasons: BTreeSet<Reason>,
}

/// Decides about every folder, newest first, whatever order they come in. `now` is `YYYYmmdd_HHMMSS` in UTC, `needed` has the
/// names of backups that runs still rely on.
///
/// Never to go: what is needed, the newest complete backup, the newest proven one (and the newest proven by a restore),
/// what is being written, and what cannot be read. Raising a number of the policy never lets more go, and what is left
/// after deleting gives the same decisions again. A backup never goes because of one of another database.
pub fn decide(backups: &[Seen], policy: Policy, now: &str, needed: &BTreeSet<String>) -> Vec<Decision> {
    let mut sorted: Vec<&Seen> = backups.iter().collect();
    sorted.sort_by_key(|seen| std::cmp::Reverse((seen.name.stamp().to_owned(), seen.name.number())));
    let mut rules: BTreeMap<String, Rules> = BTreeMap::new();
    let decide = |seen: &Seen| {
        let name = seen.name.to_string();
        let stamp = seen.name.stamp();
        let mut keep = BTreeSet::new();
        if needed.contains(&name) {
            keep.insert(Reason::Needed);
        }
        let mut go = Reason::NoRule;
        match seen.state {
            SeenState::Unreadable => drop(keep.insert(Reason::Unreadable)),
            SeenState::Incomplete { held: true } => drop(keep.insert(Reason::BeingWritten)),
            SeenState::Incomplete { held: false } if seconds(now) - seconds(stamp) < YOUNG => {
                keep.insert(Reason::YoungRemains);
            }
            SeenState::Incomplete { held: false } => go = Reason::Remains,
            SeenState::Complete { .. } if stamp > now => drop(keep.insert(Reason::Future)),
            SeenState::Complete { proven } => {
                let rules = rules.entry(seen.database.clone()).or_default();
                rules.judge(policy, stamp, proven, &mut keep);
            }
        }
        Decision {
            name: seen.name.clone(),
            incomplete: matches!(seen.state, SeenState::Incomplete { .. }),
            keep: !keep.is_empty(),
            reasons: if keep.is_empty() { [go].into() } else { keep },
        }
    };
    sorted.into_iter().map(decide).collect()
}

/// What the complete backups seen so far, newest first, have used up of the policy.
#[derive(Default)]
struct Rules {
    seen: usize,
    periods: BTreeMap<Reason, (usize, String)>,
    proven: bool,
    restored: bool,
}

impl Rules {
    fn judge(&mut self, policy: Policy, stamp: &str, proven: Option<Proven>, keep: &mut BTreeSet<Reason>) {
        if self.seen == 0 {
            keep.insert(Reason::Newest);
        }
        if self.seen < policy.last {
            keep.insert(Reason::Last);
        }
        self.seen += 1;
        let Policy {
            daily,
            weekly,
            monthly,
            ..
        } = policy;
        let week = (days(stamp) + 3).div_euclid(7).to_string();
        for (reason, wanted, period) in [
            (Reason::Daily, daily, &stamp[..8]),
            (Reason::Weekly, weekly, week.as_str()),
            (Reason::Monthly, monthly, &stamp[..6]),
        ] {
            let (count, latest) = self.periods.entry(reason).or_default();
            if *count < wanted && latest != period {
                *count += 1;
                period.clone_into(latest);
                keep.insert(reason);
            }
        }
        let restored = proven == Some(Proven::Restore);
        if (proven.is_some() && !self.proven) || (restored && !self.restored) {
            keep.insert(Reason::NewestProven);
        }
        self.proven |= proven.is_some();
        self.restored |= restored;
    }
}

/// A number of the stamp; it has digits there, being part of a [`BackupName`].
fn number(stamp: &str, range: std::ops::Range<usize>) -> i64 {
    stamp
        .get(range)
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(0)
}

/// Days since 1970-01-01, a Thursday (Gregorian; months beyond 12 run on into the next year).
fn days(stamp: &str) -> i64 {
    let (year, month, day) = (number(stamp, 0..4), number(stamp, 4..6), number(stamp, 6..8));
    // Years that begin in March put the leap day at their end.
    let months = year * 12 + month - 3;
    let (year, month) = (months.div_euclid(12), months.rem_euclid(12));
    year * 365 + year.div_euclid(4) - year.div_euclid(100)
        + year.div_euclid(400)
        + (153 * month + 2) / 5
        + day
        - 719_469
}

fn seconds(stamp: &str) -> i64 {
    let clock = number(stamp, 9..11) * 3600 + number(stamp, 11..13) * 60 + number(stamp, 13..15);
    days(stamp) * 86_400 + clock
}

#[cfg(test)]
mod tests;
