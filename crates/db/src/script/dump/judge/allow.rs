//! Which verbs a dump may hold. All others are refused.

use std::ops::Range;

use super::{Notes, Outcome};
use crate::script::code::Code;
use crate::script::dump::part::{Part, Reason};
use crate::script::lexer::Kind;
use crate::script::verb::{Object, Verb};

/// What an allowed statement is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Allowed {
    Session,
    Table,
    Rows,
    /// A view, routine, trigger, event or package: its text is code that runs later.
    Object,
}

impl Allowed {
    pub(super) fn part(self, code: &Code<'_>) -> Part {
        match self {
            Allowed::Session => Part::Session,
            Allowed::Table => Part::Table,
            Allowed::Object => Part::Object,
            Allowed::Rows => {
                let into = (0..code.len().min(8))
                    .find(|at| code.word(*at, "INTO"))
                    .unwrap_or(0);
                let table = code
                    .chain(into + 1)
                    .and_then(|chain| chain.parts.last().map(|part| code.name(*part)));
                Part::Rows {
                    table: table.unwrap_or_default(),
                    rows: None,
                }
            }
        }
    }
}

/// What the verb is about, or why a dump may not hold it.
pub(super) fn verb(verb: &Verb) -> Result<Allowed, String> {
    Ok(match verb {
        Verb::SetSession
        | Verb::Begin
        | Verb::Commit
        | Verb::LockTables
        | Verb::UnlockTables
        | Verb::Select => Allowed::Session,
        Verb::Insert { .. } | Verb::Replace | Verb::Update { .. } | Verb::Delete { .. } => Allowed::Rows,
        Verb::Create { object, .. } | Verb::Drop(object) => match object {
            Object::Table | Object::TemporaryTable | Object::Index | Object::Sequence => Allowed::Table,
            Object::View
            | Object::Trigger
            | Object::Procedure
            | Object::Function
            | Object::Package
            | Object::Event => Allowed::Object,
            other => return Err(format!("{other} concerns the whole server")),
        },
        Verb::AlterTable(_)
        | Verb::Truncate
        | Verb::Rename(Object::Table)
        | Verb::Maintain
        | Verb::SetSequence => Allowed::Table,
        Verb::Alter(Object::Database | Object::Sequence) => Allowed::Table,
        Verb::SetGlobal => return Err("it changes a variable of the whole server".to_owned()),
        Verb::Grant | Verb::Revoke | Verb::SetPassword | Verb::SetRole | Verb::Rename(_) => {
            return Err("it changes accounts and their rights".to_owned());
        }
        Verb::Alter(Object::User | Object::Role) => {
            return Err("it changes accounts and their rights".to_owned());
        }
        Verb::Load | Verb::SelectIntoFile => return Err("it reads or writes a file".to_owned()),
        Verb::Call | Verb::Do | Verb::Prepare | Verb::Execute | Verb::Deallocate | Verb::Handler => {
            return Err("what it does cannot be read from the dump".to_owned());
        }
        Verb::Server | Verb::Xa => return Err("it is a command to the whole server".to_owned()),
        other => return Err(format!("{other} has no place in a dump")),
    })
}

/// `CREATE DATABASE` and `DROP DATABASE` are left out: the schema to restore into is made beforehand.
pub(super) fn database(code: &Code<'_>, only: Option<&str>, notes: &mut Notes) -> Result<Outcome, String> {
    let mut at = 1;
    while at < code.len() && !code.any_word(at, &["DATABASE", "SCHEMA"]) {
        at += 1;
    }
    at += 1;
    if code.words(at, &["IF", "NOT", "EXISTS"]) {
        at += 3;
    } else if code.words(at, &["IF", "EXISTS"]) {
        at += 2;
    }
    if !matches!(code.kind(at), Some(Kind::Word | Kind::Quoted)) {
        return Err("it names no database".to_owned());
    }
    let name = code.name(at);
    let reason = |what: &str| match only {
        Some(only) if only != name => Reason::OtherDatabase(name.clone()),
        _ => Reason::Redirected(format!("{what} {name}")),
    };
    if code.word(0, "DROP") {
        notes.dropped = Some(name.clone());
        return Ok(Outcome::Skip(reason("DROP DATABASE")));
    }
    let value = |word: &[&str]| {
        let found = (at + 1..code.len()).find(|at| code.words(*at, word))? + word.len();
        let value = if code.sign(found, "=") { found + 1 } else { found };
        let name = code.name(value).trim_matches('\'').to_owned();
        (!name.is_empty()).then_some(name)
    };
    let character_set = value(&["CHARACTER", "SET"]).or_else(|| value(&["CHARSET"]));
    notes.database = Some((name.clone(), Some((character_set, value(&["COLLATE"])))));
    Ok(Outcome::Skip(reason("CREATE DATABASE")))
}

/// Place of the name in `ALTER DATABASE name …`, which may lack it.
pub(super) fn altered_database(code: &Code<'_>) -> Option<Range<usize>> {
    const OPTIONS: &[&str] = &[
        "CHARACTER",
        "CHARSET",
        "COLLATE",
        "DEFAULT",
        "ENCRYPTION",
        "READ",
        "COMMENT",
        "UPGRADE",
    ];
    let named = matches!(code.kind(2), Some(Kind::Word | Kind::Quoted)) && !code.any_word(2, OPTIONS);
    if named {
        code.token(2).map(|token| token.range())
    } else {
        None
    }
}

/// Tables whose rows lie elsewhere than in the schema.
pub(super) fn table_options(code: &Code<'_>, verb: &Verb) -> Result<(), String> {
    const AWAY: &[&str] = &["CONNECT", "FEDERATED", "FEDERATEDX", "S3", "SPIDER"];
    let table = matches!(
        verb,
        Verb::Create {
            object: Object::Table | Object::TemporaryTable,
            ..
        } | Verb::AlterTable(_)
    );
    if !table {
        return Ok(());
    }
    for at in 0..code.len() {
        if code.any_word(at, &["DATA", "INDEX"]) && code.word(at + 1, "DIRECTORY") {
            return Err("its files would lie outside the server's data folder".to_owned());
        }
        if code.word(at, "CONNECTION") && (code.sign(at + 1, "=") || code.is(at + 1, Kind::Text)) {
            return Err("its rows would lie on another server".to_owned());
        }
        if code.word(at, "UNION") && code.sign(at + 1, "=") {
            let mut tables = (at + 2..code.len()).take_while(|at| !code.is(*at, Kind::Close));
            if tables.any(|at| code.is(at, Kind::Dot)) {
                return Err("its rows would lie in tables of another database".to_owned());
            }
        }
        if code.any_word(at, &["ENGINE", "TYPE"]) {
            let name = code.name(if code.sign(at + 1, "=") { at + 2 } else { at + 1 });
            if AWAY.iter().any(|engine| name.eq_ignore_ascii_case(engine)) {
                return Err(format!("the rows of engine {name} lie elsewhere"));
            }
        }
    }
    Ok(())
}
