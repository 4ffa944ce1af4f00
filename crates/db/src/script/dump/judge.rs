//! What becomes of each statement of a dump.

mod allow;
mod reach;

use std::collections::BTreeSet;
use std::ops::Range;

use super::error::Refusal;
use super::options::{CheckOptions, Events, Policy};
use super::part::{Part, Reason};
use super::plain;
use super::rewrite::{self, Edit};
use super::session::Session;
use super::utf8;
use crate::script::code::Code;
use crate::script::names::references;
use crate::script::reading::readings;
use crate::script::requalify::{self, Unsafe, quoted};
use crate::script::split::Statement;
use crate::script::syntax::Syntax;
use crate::script::verb::{Object, Verb, classify_code};
use allow::Allowed;

/// Statements longer than this that are no plain `INSERT` are not read word by word.
const READABLE: usize = 64 << 20;

const INTO_A_VIEW: &str =
    "it writes rows after a view was made, through which they may reach another database";

/// What becomes of a statement.
pub(super) enum Decision {
    Send { text: Vec<u8>, part: Part },
    Skip(Reason),
}

/// A database's default character set and collation.
pub(super) type Defaults = (Option<String>, Option<String>);

/// What a statement holds, beside what becomes of it.
#[derive(Default)]
pub(super) struct Notes {
    pub(super) definer: Option<String>,
    /// Other schemas whose tables are read.
    pub(super) reads: Vec<String>,
    pub(super) object: Option<(Object, bool)>,
    pub(super) prepares: bool,
    /// A database that is used, or created with this character set and collation.
    pub(super) database: Option<(String, Option<Defaults>)>,
    pub(super) dropped: Option<String>,
}

/// Judges the statements of a dump in order.
pub(super) struct Judge {
    options: CheckOptions,
    policy: Policy,
    /// The database that the header names.
    header: Option<String>,
    /// The database that the last `USE` named.
    current: Option<String>,
    session: Session,
    /// Views that the dump has made: rows written to one may land in another database.
    views: BTreeSet<String>,
}

impl Judge {
    pub(super) fn new(options: CheckOptions, policy: Policy) -> Judge {
        let session = Session::new(options.syntax);
        Judge {
            options,
            policy,
            header: None,
            current: None,
            session,
            views: BTreeSet::new(),
        }
    }

    pub(super) fn syntax(&self) -> Syntax {
        self.session.syntax()
    }

    /// The header is read only with the first statement.
    pub(super) fn set_header(&mut self, header: Option<String>) {
        self.header = header;
    }

    /// The database that the statements now belong to.
    pub(super) fn database(&self) -> Option<&str> {
        self.current
            .as_deref()
            .or(self.options.source.as_deref())
            .or(self.header.as_deref())
    }

    fn belongs(&self) -> bool {
        self.options
            .only
            .as_deref()
            .is_none_or(|only| self.database() == Some(only))
    }

    /// Decides about one statement, which is handed back in the decision.
    pub(super) fn decide(&mut self, statement: Statement) -> Result<(Decision, Notes), Refusal> {
        let (line, mut notes) = (statement.line, Notes::default());
        // How the statement is read; one that sets these changes them for those after it.
        let (syntax, charset) = (self.syntax(), self.session.charset().to_owned());
        let refusal = |text: &[u8], why| Refusal {
            line,
            statement: beginning(text),
            why,
        };
        if let Some(plain) = plain::read(&statement.text, self.syntax()) {
            let rows = plain.exact.then_some(plain.rows);
            if !self.belongs() {
                return Ok((Decision::Skip(self.other()), notes));
            }
            if self.views.contains(&plain.table.to_lowercase()) {
                return Err(refusal(&statement.text, INTO_A_VIEW.to_owned()));
            }
            let begins = statement.text[..statement.text.len().min(400)].to_vec();
            let text = utf8::ensure(statement.text, syntax, &charset).map_err(|why| refusal(&begins, why))?;
            return Ok((
                Decision::Send {
                    text,
                    part: Part::Rows {
                        table: plain.table,
                        rows,
                    },
                },
                notes,
            ));
        }
        match self.read(&statement.text, &mut notes) {
            Ok(Outcome::Send { part, edits }) => {
                let begins = statement.text[..statement.text.len().min(400)].to_vec();
                let text = rewrite::apply(statement.text, edits);
                let text = utf8::ensure(text, syntax, &charset).map_err(|why| refusal(&begins, why))?;
                Ok((Decision::Send { text, part }, notes))
            }
            Ok(Outcome::Skip(reason)) => Ok((Decision::Skip(reason), notes)),
            Err(why) => Err(refusal(&statement.text, why)),
        }
    }

    fn other(&self) -> Reason {
        Reason::OtherDatabase(self.database().unwrap_or_default().to_owned())
    }

    fn read(&mut self, text: &[u8], notes: &mut Notes) -> Result<Outcome, String> {
        if text.len() > READABLE {
            return Err(format!(
                "{} MB that are no plain INSERT are too long to be judged",
                text.len() >> 20
            ));
        }
        let codes = readings(text, self.syntax())
            .map_err(|_| "where its conditional comments end depends on the server".to_owned())?;
        let mut verb = Verb::Empty;
        for code in &codes {
            match classify_code(code) {
                Verb::Empty => {}
                found if verb == Verb::Empty || found == verb => verb = found,
                found => return Err(format!("some servers read {found} where others read {verb}")),
            }
        }
        // The longest reading comes first and holds all others.
        let code = &codes[0];
        match verb {
            Verb::Empty => return Ok(Outcome::Skip(Reason::Nothing)),
            Verb::Use => return Ok(self.enter(code, notes)),
            Verb::Create {
                object: Object::Database,
                ..
            }
            | Verb::Drop(Object::Database) => {
                return allow::database(code, self.options.only.as_deref(), notes);
            }
            Verb::SetSession => self.session.follow(code, codes.len() == 1)?,
            _ if !self.belongs() => return Ok(Outcome::Skip(self.other())),
            _ => {}
        }
        let allowed = allow::verb(&verb)?;
        if allowed == Allowed::Rows && self.reaches_view(code, &verb) {
            return Err(INTO_A_VIEW.to_owned());
        }
        let judged = allowed == Allowed::Object && !self.options.accept_literals;
        let mut places: Vec<Range<usize>> = Vec::new();
        for code in &codes {
            let references = references(code);
            reach::check(code, &references, &verb, self.database(), &self.options, notes)?;
            allow::table_options(code, &verb)?;
            if let Some(source) = self.database() {
                if judged {
                    requalify::judge(code, source).map_err(|error| refused(error, source))?;
                }
                requalify::places(code, &references, source, &mut places)
                    .map_err(|error| refused(error, source))?;
            }
        }
        let mut edits: Vec<Edit> = places
            .into_iter()
            .map(|place| Edit {
                place,
                with: quoted(&self.policy.into),
            })
            .collect();
        self.views(code, &verb);
        self.details(code, &verb, notes, &mut edits);
        Ok(Outcome::Send {
            part: allowed.part(code),
            edits,
        })
    }

    /// `USE`: the statements that follow belong to that database.
    fn enter(&mut self, code: &Code<'_>, notes: &mut Notes) -> Outcome {
        let name = code.name(1);
        notes.database = Some((name.clone(), None));
        self.current = Some(name.clone());
        Outcome::Skip(if self.belongs() {
            Reason::Redirected(format!("USE {name}"))
        } else {
            self.other()
        })
    }

    /// Whether rows may be written through a view. An `UPDATE` or `DELETE` can name any number of tables.
    fn reaches_view(&self, code: &Code<'_>, verb: &Verb) -> bool {
        match (verb, Allowed::Rows.part(code)) {
            (Verb::Insert { .. } | Verb::Replace, Part::Rows { table, .. }) if !table.is_empty() => {
                self.views.contains(&table.to_lowercase())
            }
            _ => !self.views.is_empty(),
        }
    }

    /// Keeps the names of the views in the database, but for those that only hold a view's place.
    fn views(&mut self, code: &Code<'_>, verb: &Verb) {
        let word = match verb {
            Verb::Create {
                object: Object::View, ..
            } => "VIEW",
            Verb::Create {
                object: Object::Table,
                ..
            } => "TABLE",
            _ => return,
        };
        let Some(mut at) = (1..code.len()).find(|at| code.word(*at, word)) else {
            return;
        };
        at += if code.words(at + 1, &["IF", "NOT", "EXISTS"]) {
            4
        } else {
            1
        };
        let Some(name) = code
            .chain(at)
            .and_then(|chain| chain.parts.last().map(|part| code.name(*part)))
        else {
            return;
        };
        if word == "VIEW" && !is_placeholder(code) {
            self.views.insert(name.to_lowercase());
        } else {
            self.views.remove(&name.to_lowercase());
        }
    }

    fn details(&self, code: &Code<'_>, verb: &Verb, notes: &mut Notes, edits: &mut Vec<Edit>) {
        if let Some((place, account)) = rewrite::definer(code) {
            if let Some(with) = rewrite::account(&self.policy.definer) {
                edits.push(Edit { place, with });
            }
            notes.definer = Some(account);
        }
        if let Verb::Create { object, .. } = verb {
            notes.object = Some((*object, *object == Object::View && is_placeholder(code)));
            notes.prepares = code.contains(&["PREPARE", "EXECUTE"]);
            if *object == Object::Event && self.policy.events == Events::Disable {
                edits.extend(rewrite::disable_event(code));
            }
        }
        if *verb == Verb::Alter(Object::Database)
            && let Some(place) = allow::altered_database(code)
        {
            edits.push(Edit {
                place,
                with: quoted(&self.policy.into),
            });
        }
    }
}

fn refused(error: Unsafe, source: &str) -> String {
    match error {
        Unsafe::Literal { literal, line, .. } => {
            format!(
                "the string {literal} on its line {line} names the database {source}, where a copy must not reach"
            )
        }
        other => other.to_string(),
    }
}

/// What [`Judge::read`] found.
pub(super) enum Outcome {
    Send { part: Part, edits: Vec<Edit> },
    Skip(Reason),
}

/// A view that a dump creates only to hold the place of the real one: it selects constants.
fn is_placeholder(code: &Code<'_>) -> bool {
    !code.contains(&["FROM"])
}

/// How a statement begins, on one line.
pub(super) fn beginning(text: &[u8]) -> String {
    let head = String::from_utf8_lossy(&text[..text.len().min(400)]);
    let words = head.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &words[..end]),
        None => words,
    }
}
