//! From the first words of a statement to its verb.

use super::alter;
use super::set;
use super::{Object, Verb};
use crate::script::code::Code;
use crate::script::lexer::Kind;

/// Whether the text holds bytes that no statement holds, or leaves something open.
pub(super) fn is_broken(code: &Code<'_>) -> bool {
    (0..code.len()).any(|at| matches!(code.kind(at), Some(Kind::Stray | Kind::Unclosed)))
}

/// Statements within statements (`SET STATEMENT … FOR ANALYZE …`) deeper than this are not understood.
const DEEPEST: usize = 4;

/// The verb of `code`, one statement without its semicolon.
pub(super) fn verb(code: &Code<'_>) -> Verb {
    verb_at(code, 0)
}

/// The verb of a statement that begins at `from` in another one.
pub(super) fn inner(code: &Code<'_>, from: usize, depth: usize) -> Verb {
    if depth >= DEEPEST || from >= code.len() {
        return Verb::Unknown;
    }
    verb_at(&code.slice(from, code.len()), depth + 1)
}

fn verb_at(code: &Code<'_>, depth: usize) -> Verb {
    if code.is(0, Kind::Open) {
        let from = (0..code.len())
            .find(|at| !code.is(*at, Kind::Open))
            .unwrap_or(code.len());
        return match inner(code, from, depth) {
            verb @ (Verb::Select | Verb::SelectIntoFile) => verb,
            _ => Verb::Unknown,
        };
    }
    let sqlite = code.syntax().is_sqlite();
    let first = String::from_utf8_lossy(code.bytes(0)).to_ascii_uppercase();
    if !code.is(0, Kind::Word) {
        return Verb::Unknown;
    }
    match first.as_str() {
        "SELECT" | "VALUES" => select(code),
        "WITH" => with(code, depth),
        "INSERT" => insert(code),
        "REPLACE" => Verb::Replace,
        "UPDATE" => Verb::Update {
            filtered: filtered(code),
            ignore: modifier(code, "IGNORE"),
        },
        "DELETE" => Verb::Delete {
            filtered: filtered(code),
        },
        "CREATE" => create(code),
        "ALTER" => alter(code),
        "DROP" => drop(code),
        "EXPLAIN" if sqlite => Verb::Explain,
        "EXPLAIN" | "DESCRIBE" | "DESC" => explain(code),
        "ANALYZE" => analyze(code, depth),
        "BEGIN" => begin(code),
        "COMMIT" => Verb::Commit,
        "END" if sqlite => Verb::Commit,
        "ROLLBACK" => Verb::Rollback,
        "SAVEPOINT" | "RELEASE" => Verb::Savepoint,
        "PRAGMA" if sqlite => pragma(code),
        "ATTACH" | "DETACH" if sqlite => Verb::Attach,
        "VACUUM" if sqlite => Verb::Vacuum {
            into: code.contains(&["INTO"]),
        },
        "REINDEX" if sqlite => Verb::Maintain,
        _ if sqlite => Verb::Unknown,
        "TABLE" => select(code),
        "TRUNCATE" => Verb::Truncate,
        "LOAD" => Verb::Load,
        "RENAME" if code.any_word(1, &["TABLE", "TABLES"]) => Verb::Rename(Object::Table),
        "RENAME" if code.word(1, "USER") => Verb::Rename(Object::User),
        "USE" if code.len() == 2 && code.is_name(1) => Verb::Use,
        "SET" => set::verb(code, depth),
        "GRANT" => Verb::Grant,
        "REVOKE" => Verb::Revoke,
        "LOCK" if code.any_word(1, &["TABLE", "TABLES"]) => Verb::LockTables,
        "UNLOCK" if code.any_word(1, &["TABLE", "TABLES"]) => Verb::UnlockTables,
        "LOCK" | "UNLOCK" => Verb::Server,
        "START" if code.word(1, "TRANSACTION") => Verb::Begin,
        "XA" => Verb::Xa,
        "CALL" => Verb::Call,
        "DO" if code.word(1, "SETVAL") && code.is(2, Kind::Open) => Verb::SetSequence,
        "DO" => Verb::Do,
        "PREPARE" => Verb::Prepare,
        "EXECUTE" => Verb::Execute,
        "DEALLOCATE" => Verb::Deallocate,
        "HANDLER" => Verb::Handler,
        "SHOW" | "HELP" => Verb::Show,
        "CHECK" | "CHECKSUM" | "OPTIMIZE" | "REPAIR" => maintain(code),
        "FLUSH" | "RESET" | "KILL" | "SHUTDOWN" | "RESTART" | "PURGE" | "CHANGE" | "START" | "STOP"
        | "INSTALL" | "UNINSTALL" | "BINLOG" | "CACHE" | "BACKUP" | "CLONE" | "IMPORT" | "SIGNAL" => {
            Verb::Server
        }
        _ => Verb::Unknown,
    }
}

fn select(code: &Code<'_>) -> Verb {
    let file =
        (0..code.len()).any(|at| code.word(at, "INTO") && code.any_word(at + 1, &["OUTFILE", "DUMPFILE"]));
    // Functions of SQLite that reach outside the database.
    let reaches = code.syntax().is_sqlite()
        && (0..code.len()).any(|at| {
            code.any_word(at, &["load_extension", "writefile", "edit", "fts3_tokenizer"])
                && code.is(at + 1, Kind::Open)
        });
    match (file, reaches) {
        (true, _) => Verb::SelectIntoFile,
        (_, true) => Verb::Unknown,
        _ => Verb::Select,
    }
}

/// `WITH x AS (…), … SELECT|INSERT|UPDATE|DELETE …`
fn with(code: &Code<'_>, depth: usize) -> Verb {
    match code.find(1, &["SELECT", "INSERT", "UPDATE", "DELETE", "REPLACE", "VALUES"]) {
        Some(at) => inner(code, at, depth),
        None => Verb::Unknown,
    }
}

/// Whether the word stands between the verb and the first name.
fn modifier(code: &Code<'_>, word: &str) -> bool {
    const MODIFIERS: &[&str] = &[
        "LOW_PRIORITY",
        "DELAYED",
        "HIGH_PRIORITY",
        "IGNORE",
        "QUICK",
        "OR",
        "REPLACE",
    ];
    (1..code.len())
        .take_while(|at| code.any_word(*at, MODIFIERS))
        .any(|at| code.word(at, word))
}

fn insert(code: &Code<'_>) -> Verb {
    let on = |words: &[&str]| (0..code.len()).any(|at| code.words(at, words));
    let overwrites = modifier(code, "REPLACE")
        || on(&["ON", "DUPLICATE", "KEY", "UPDATE"])
        || (on(&["ON", "CONFLICT"]) && on(&["DO", "UPDATE"]));
    Verb::Insert {
        ignore: modifier(code, "IGNORE"),
        overwrites,
    }
}

/// Whether a `WHERE` outside parentheses names at least one thing: `WHERE 1=1` filters nothing.
fn filtered(code: &Code<'_>) -> bool {
    let Some(condition) = code.find(0, &["WHERE"]) else {
        return false;
    };
    let end = code
        .find(condition, &["ORDER", "LIMIT", "RETURNING"])
        .unwrap_or(code.len());
    (condition + 1..end).any(|at| {
        code.is_name(at)
            && !code.is(at + 1, Kind::Open)
            && !code.any_word(at, &["TRUE", "FALSE", "NULL", "NOT"])
    })
}

/// Index after `OR REPLACE`, `DEFINER = account`, `SQL SECURITY …`, `ALGORITHM = …`, `AGGREGATE`, and what stood there.
fn prefix(code: &Code<'_>) -> (usize, bool) {
    let (mut at, mut replace) = (1, false);
    loop {
        if code.words(at, &["OR", "REPLACE"]) {
            replace = true;
            at += 2;
        } else if code.words(at, &["SQL", "SECURITY"]) {
            at += 3;
        } else if code.any_word(at, &["ALGORITHM", "DEFINER"]) && code.sign(at + 1, "=") {
            at += 3;
            if code.is(at, Kind::Variable) {
                at += 1;
            } else if code.is(at, Kind::Open) && code.is(at + 1, Kind::Close) {
                at += 2;
            }
        } else if code.any_word(at, &["AGGREGATE", "ONLINE", "OFFLINE", "IGNORE"]) {
            at += 1;
        } else {
            return (at, replace);
        }
    }
}

fn object(code: &Code<'_>, at: usize) -> Option<Object> {
    let sqlite = code.syntax().is_sqlite();
    if code.any_word(at, &["TEMPORARY", "TEMP"]) {
        return match object(code, at + 1)? {
            Object::Table => Some(Object::TemporaryTable),
            Object::Sequence if !sqlite => Some(Object::Sequence),
            object @ (Object::View | Object::Trigger) if sqlite => Some(object),
            _ => None,
        };
    }
    let word = String::from_utf8_lossy(code.bytes(at)).to_ascii_uppercase();
    if !code.is(at, Kind::Word) {
        return None;
    }
    Some(match word.as_str() {
        "TABLE" => Object::Table,
        "TABLES" if !sqlite => Object::Table,
        "VIEW" => Object::View,
        "INDEX" => Object::Index,
        "UNIQUE" | "FULLTEXT" | "SPATIAL" if code.word(at + 1, "INDEX") => Object::Index,
        "TRIGGER" => Object::Trigger,
        "VIRTUAL" if sqlite && code.word(at + 1, "TABLE") => Object::VirtualTable,
        _ if sqlite => return None,
        "PROCEDURE" => Object::Procedure,
        "FUNCTION" => Object::Function,
        "PACKAGE" => Object::Package,
        "EVENT" => Object::Event,
        "SEQUENCE" => Object::Sequence,
        "DATABASE" | "SCHEMA" => Object::Database,
        "USER" => Object::User,
        "ROLE" => Object::Role,
        "SERVER" | "TABLESPACE" | "LOGFILE" | "INSTANCE" | "UNDO" | "RESOURCE" | "SPATIAL" | "LIBRARY" => {
            Object::Server
        }
        _ => return None,
    })
}

fn create(code: &Code<'_>) -> Verb {
    let (at, replace) = prefix(code);
    object(code, at).map_or(Verb::Unknown, |object| Verb::Create { object, replace })
}

fn alter(code: &Code<'_>) -> Verb {
    let (at, _) = prefix(code);
    match object(code, at) {
        Some(Object::Table) => alter::changes(code, at).map_or(Verb::Unknown, Verb::AlterTable),
        Some(object) => Verb::Alter(object),
        None => Verb::Unknown,
    }
}

fn drop(code: &Code<'_>) -> Verb {
    if code.word(1, "PREPARE") {
        return Verb::Deallocate;
    }
    object(code, 1).map_or(Verb::Unknown, Verb::Drop)
}

/// `EXPLAIN SELECT …` executes nothing; `EXPLAIN ANALYZE` does.
fn explain(code: &Code<'_>) -> Verb {
    if code.contains(&["ANALYZE"]) {
        Verb::Unknown
    } else {
        Verb::Explain
    }
}

/// MariaDB's `ANALYZE [FORMAT=…] statement` executes the statement; `ANALYZE TABLE` reads a table.
fn analyze(code: &Code<'_>, depth: usize) -> Verb {
    if code.syntax().is_sqlite() {
        return Verb::Maintain;
    }
    if code.any_word(1, &["TABLE", "TABLES", "LOCAL", "NO_WRITE_TO_BINLOG"]) {
        return Verb::Maintain;
    }
    let from = if code.word(1, "FORMAT") && code.sign(2, "=") {
        4
    } else {
        1
    };
    inner(code, from, depth)
}

fn maintain(code: &Code<'_>) -> Verb {
    let from = if code.any_word(1, &["LOCAL", "NO_WRITE_TO_BINLOG"]) {
        2
    } else {
        1
    };
    if code.any_word(from, &["TABLE", "TABLES", "VIEW"]) {
        Verb::Maintain
    } else {
        Verb::Unknown
    }
}

fn begin(code: &Code<'_>) -> Verb {
    let words: &[&str] = if code.syntax().is_sqlite() {
        &["DEFERRED", "IMMEDIATE", "EXCLUSIVE", "TRANSACTION"]
    } else {
        &["WORK"]
    };
    if (1..code.len()).all(|at| code.any_word(at, words)) {
        Verb::Begin
    } else {
        Verb::Unknown
    }
}

fn pragma(code: &Code<'_>) -> Verb {
    const READING: &[&str] = &[
        "table_info",
        "table_xinfo",
        "table_list",
        "index_list",
        "index_info",
        "index_xinfo",
        "foreign_key_list",
        "foreign_key_check",
        "integrity_check",
        "quick_check",
        "database_list",
        "collation_list",
        "function_list",
        "compile_options",
        "data_version",
    ];
    let Some(chain) = code.chain(1) else {
        return Verb::Unknown;
    };
    let name = chain.parts.last().copied().unwrap_or(1);
    let reads = READING
        .iter()
        .any(|known| code.name(name).eq_ignore_ascii_case(known));
    Verb::Pragma {
        writes: !reads && chain.next < code.len(),
    }
}
