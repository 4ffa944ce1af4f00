//! The pass over a whole dump before anything is sent.

use std::collections::BTreeMap;

use super::DumpFile;
use super::error::{DumpError, NAMELESS, Refusal};
use super::judge::{Decision, Judge, Notes};
use super::options::{CheckOptions, Definer, Events, Policy};
use super::part::{Part, Reason};
use super::source::Source;
use crate::script::split::Splitter;
use crate::script::verb::Object;

/// Refusals that are listed; the rest is counted.
const LISTED: usize = 50;
/// Bytes of text between two reports of progress.
const REPORT: u64 = 8 << 20;

/// How far a pass has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the file read.
    pub read: u64,
    /// Bytes of the file.
    pub size: u64,
    /// Bytes of text seen.
    pub bytes: u64,
    /// Statements seen.
    pub statements: u64,
}

/// A database that a dump names with `CREATE DATABASE` or `USE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    /// Its name.
    pub name: String,
    /// The first line that names it.
    pub line: u64,
    /// Its default character set, where the dump creates it.
    pub character_set: Option<String>,
    /// Its default collation, where the dump creates it.
    pub collation: Option<String>,
}

/// Rows that a dump inserts into a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// Rows counted.
    pub rows: u64,
    /// Every statement for the table showed its number of rows, and the table is to have just these.
    pub exact: bool,
}

/// A name that occurs in a dump.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The name.
    pub name: String,
    /// The first line with it.
    pub line: u64,
    /// In how many statements.
    pub statements: u64,
}

/// What a dump holds. Tables, rows and objects are those of the database to restore.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Bytes of text.
    pub bytes: u64,
    /// Statements of all databases.
    pub statements: u64,
    /// Bytes of the longest statement to send: the server's `max_allowed_packet` must be larger.
    pub longest: u64,
    /// The program that made it, from its first lines.
    pub made_by: Option<String>,
    /// The server it was made from, from its first lines.
    pub server: Option<String>,
    /// The last line of a complete dump.
    pub trailer: Option<String>,
    /// It begins with the line that switches the client's sandbox on. That line is not sent.
    pub sandbox: bool,
    /// The databases that it names.
    pub databases: Vec<Database>,
    /// The database to restore, where the dump tells.
    pub source: Option<String>,
    /// Tables created.
    pub tables: u64,
    /// Rows by table.
    pub rows: BTreeMap<String, Rows>,
    /// Views, without those that only hold a view's place.
    pub views: u64,
    /// Triggers.
    pub triggers: u64,
    /// Procedures, functions and packages.
    pub routines: u64,
    /// Events.
    pub events: u64,
    /// Routines and events that run SQL that they make themselves, which nobody can judge.
    pub prepares: u64,
    /// Accounts in `DEFINER` clauses, as they are written.
    pub definers: Vec<Seen>,
    /// Other databases that views, routines, triggers and events read.
    pub reads: Vec<Seen>,
    /// What is left out because the database to restore into takes its place.
    pub redirected: Vec<Seen>,
    /// Statements of other databases, which are left out.
    pub others: u64,
}

pub(super) fn check(
    file: &DumpFile,
    options: &CheckOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<Facts, DumpError> {
    // No name in the rewritten statements matters here, only whether they can be rewritten.
    let policy = Policy {
        into: "into".to_owned(),
        definer: Definer::Keep,
        events: Events::Disable,
    };
    let mut pass = Pass {
        file,
        options,
        judge: Judge::new(options.clone(), policy),
        facts: Facts::default(),
        refusals: Vec::new(),
        more: 0,
        dropped: Vec::new(),
        before: None,
    };
    let mut splitter = Splitter::with_limit(Source::open(file)?, options.syntax, options.longest);
    let mut reported = 0;
    let mut end = 0;
    loop {
        let next = splitter.next_statement();
        let Some(statement) = next.map_err(|error| DumpError::from_split(file.path.clone(), error))? else {
            break;
        };
        if pass.facts.statements == 0 {
            pass.begin(splitter.reader().head());
        }
        if !statement.terminated {
            let inside = if statement.open {
                "inside a string or comment of"
            } else {
                "in the middle of"
            };
            let how = format!(
                "it ends {inside} the statement that begins on line {}",
                statement.line
            );
            return Err(DumpError::CutOff {
                path: file.path.clone(),
                how,
            });
        }
        end = statement.offset + statement.text.len() as u64;
        pass.facts.statements += 1;
        let line = statement.line;
        match pass.judge.decide(statement) {
            Ok((decision, notes)) => pass.note(line, decision, notes),
            Err(refusal) if pass.refusals.len() < LISTED => pass.refusals.push(refusal),
            Err(_) => pass.more += 1,
        }
        splitter.set_syntax(pass.judge.syntax());
        let source = splitter.reader();
        if source.bytes() - reported >= REPORT {
            reported = source.bytes();
            progress(Progress {
                read: source.taken(),
                size: file.size,
                bytes: end,
                statements: pass.facts.statements,
            });
        }
    }
    let source = splitter.reader();
    pass.facts.bytes = source.bytes();
    progress(Progress {
        read: source.taken(),
        size: file.size,
        bytes: source.bytes(),
        statements: pass.facts.statements,
    });
    pass.facts.trailer = trailer(source.tail(), source.bytes(), end);
    pass.finish(splitter.line())
}

struct Pass<'f> {
    file: &'f DumpFile,
    options: &'f CheckOptions,
    judge: Judge,
    facts: Facts,
    refusals: Vec<Refusal>,
    more: u64,
    /// `DROP DATABASE`: the name must be one of the dump's own.
    dropped: Vec<(u64, String)>,
    /// The database of what comes before the first one that is named.
    before: Option<String>,
}

impl Pass<'_> {
    fn begin(&mut self, head: &[u8]) {
        let text = String::from_utf8_lossy(head);
        self.facts.sandbox = text
            .lines()
            .take(3)
            .any(|line| line.contains("enable the sandbox mode"));
        let comment = |words: &[&str]| {
            text.lines()
                .filter_map(|line| line.strip_prefix("-- "))
                .find(|line| words.iter().any(|word| line.starts_with(word)))
                .map(|line| line.trim().to_owned())
        };
        self.facts.made_by = comment(&[
            "MariaDB dump",
            "MySQL dump",
            "mysqldump",
            "mydumper",
            "phpMyAdmin SQL Dump",
        ]);
        self.facts.server = comment(&["Server version"]).map(|line| {
            line.trim_start_matches("Server version")
                .trim_matches([' ', '\t', ':'])
                .to_owned()
        });
        self.judge.set_header(header(head));
    }

    fn note(&mut self, line: u64, decision: Decision, notes: Notes) {
        let content = match &decision {
            Decision::Send { part, .. } => *part != Part::Session,
            Decision::Skip(reason) => matches!(reason, Reason::OtherDatabase(_)),
        };
        // What names a database is no content of the one before.
        let first = self.facts.databases.is_empty() && notes.database.is_none();
        if content && first && self.before.is_none() {
            self.before = Some(self.judge.database().unwrap_or(NAMELESS).to_owned());
        }
        if let Some((name, options)) = notes.database {
            let facts = &mut self.facts.databases;
            let at = facts
                .iter()
                .position(|known| known.name == name)
                .unwrap_or_else(|| {
                    facts.push(Database {
                        name,
                        line,
                        character_set: None,
                        collation: None,
                    });
                    facts.len() - 1
                });
            if let Some((character_set, collation)) = options {
                facts[at].character_set = character_set;
                facts[at].collation = collation;
            }
        }
        if let Some(name) = notes.dropped {
            self.dropped.push((line, name));
        }
        match decision {
            Decision::Skip(Reason::OtherDatabase(_)) => self.facts.others += 1,
            Decision::Skip(Reason::Redirected(what)) => seen(&mut self.facts.redirected, what, line),
            Decision::Skip(Reason::Nothing) => {}
            Decision::Send { part, text } => {
                self.facts.longest = self.facts.longest.max(text.len() as u64);
                if let Part::Rows { table, rows } = part {
                    let entry = self
                        .facts
                        .rows
                        .entry(table)
                        .or_insert(Rows { rows: 0, exact: true });
                    entry.rows += rows.unwrap_or(0);
                    entry.exact &= rows.is_some();
                }
                if let Some(account) = notes.definer {
                    seen(&mut self.facts.definers, account, line);
                }
                for schema in notes.reads {
                    seen(&mut self.facts.reads, schema, line);
                }
                self.facts.prepares += u64::from(notes.prepares);
                match notes.object {
                    Some((Object::Table, _)) => self.facts.tables += 1,
                    Some((Object::View, false)) => self.facts.views += 1,
                    Some((Object::Trigger, _)) => self.facts.triggers += 1,
                    Some((Object::Procedure | Object::Function | Object::Package, _)) => {
                        self.facts.routines += 1
                    }
                    Some((Object::Event, _)) => self.facts.events += 1,
                    _ => {}
                }
            }
        }
    }

    fn finish(mut self, line: u64) -> Result<Facts, DumpError> {
        let path = self.file.path.clone();
        if self.facts.trailer.is_none() && !self.options.allow_missing_trailer {
            return Err(DumpError::NoTrailer { path, line });
        }
        let mut databases: Vec<String> = self
            .facts
            .databases
            .iter()
            .map(|known| known.name.clone())
            .collect();
        match self.before {
            _ if databases.is_empty() => databases.extend(self.judge.database().map(str::to_owned)),
            // Behind its content the dump enters another one: the two must not land in the same place.
            Some(first) if !databases.contains(&first) => databases.insert(0, first),
            _ => {}
        }
        match &self.options.only {
            Some(only) if !databases.contains(only) => {
                return Err(DumpError::NotInDump {
                    path,
                    only: only.clone(),
                    databases,
                });
            }
            None if databases.len() > 1 => return Err(DumpError::Several { path, databases }),
            _ => {}
        }
        self.facts.source = self.options.only.clone().or_else(|| databases.first().cloned());
        for (line, name) in self.dropped {
            if !databases.contains(&name) {
                let why = "the dump does not hold that database".to_owned();
                self.refusals.push(Refusal {
                    line,
                    statement: format!("DROP DATABASE {name}"),
                    why,
                });
            }
        }
        if self.refusals.is_empty() {
            return Ok(self.facts);
        }
        self.refusals.sort_by_key(|refusal| refusal.line);
        Err(DumpError::Refused {
            path,
            refusals: self.refusals,
            more: self.more,
        })
    }
}

fn seen(list: &mut Vec<Seen>, name: String, line: u64) {
    match list.iter_mut().find(|known| known.name == name) {
        Some(known) => known.statements += 1,
        None => list.push(Seen {
            name,
            line,
            statements: 1,
        }),
    }
}

/// The database that the header of a dump of one database names.
pub(super) fn header(head: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(head);
    let line = text.lines().find(|line| line.starts_with("-- Host: "))?;
    let (_, name) = line.split_once("Database: ")?;
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

/// The line `-- Dump completed` after the last statement, which ends at byte `end`.
fn trailer(tail: &[u8], bytes: u64, end: u64) -> Option<String> {
    const LINE: &[u8] = b"\n-- Dump completed";
    let after = usize::try_from(bytes.saturating_sub(end))
        .unwrap_or(usize::MAX)
        .min(tail.len());
    let rest = &tail[tail.len() - after..];
    let found = memchr::memmem::rfind(rest, LINE)?;
    let line = &rest[found + 1..];
    let line = &line[..memchr::memchr(b'\n', line).unwrap_or(line.len())];
    Some(String::from_utf8_lossy(line).trim().to_owned())
}
