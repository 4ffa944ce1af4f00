//! What a statement does, by its verb. What is not understood is [`Verb::Unknown`].

mod alter;
mod read;
mod set;

use std::fmt;

use super::block;
use super::code::Code;
use super::reading::readings;
use super::syntax::Syntax;
pub use alter::Change;
pub(crate) use set::{Assignment, Scope, Target, assignments, variable};

/// What is created, altered, dropped or renamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Object {
    /// A table.
    Table,
    /// A temporary table.
    TemporaryTable,
    /// A virtual table (SQLite).
    VirtualTable,
    /// A view.
    View,
    /// An index.
    Index,
    /// A trigger.
    Trigger,
    /// A procedure.
    Procedure,
    /// A stored function, or a loadable one.
    Function,
    /// A package or its body (MariaDB).
    Package,
    /// An event.
    Event,
    /// A sequence (MariaDB).
    Sequence,
    /// A database.
    Database,
    /// An account.
    User,
    /// A role.
    Role,
    /// A thing of the whole server: `SERVER`, `TABLESPACE`, `LOGFILE GROUP`, `INSTANCE`, resource groups.
    Server,
}

/// What a statement does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Nothing: blanks and comments.
    Empty,
    /// `SELECT`, `VALUES`, `TABLE`.
    Select,
    /// `SELECT … INTO OUTFILE` or `DUMPFILE`: writes a file on the server.
    SelectIntoFile,
    /// `INSERT`
    Insert {
        /// `IGNORE`, `OR IGNORE`: rows that do not fit are dropped or bent.
        ignore: bool,
        /// `ON DUPLICATE KEY UPDATE`, `OR REPLACE`, `ON CONFLICT … DO UPDATE`: rows may be overwritten.
        overwrites: bool,
    },
    /// `REPLACE`
    Replace,
    /// `UPDATE`
    Update {
        /// There is a condition with a name in it.
        filtered: bool,
        /// `IGNORE`, `OR IGNORE`
        ignore: bool,
    },
    /// `DELETE`
    Delete {
        /// There is a condition with a name in it.
        filtered: bool,
    },
    /// `TRUNCATE`
    Truncate,
    /// `LOAD DATA`, `LOAD XML`, `LOAD INDEX`
    Load,
    /// `CREATE`
    Create {
        /// What.
        object: Object,
        /// `OR REPLACE`: one of that name is dropped first.
        replace: bool,
    },
    /// `ALTER TABLE` with its changes in order.
    AlterTable(Vec<Change>),
    /// `ALTER` of anything else.
    Alter(Object),
    /// `DROP`
    Drop(Object),
    /// `RENAME TABLE`, `RENAME USER`
    Rename(Object),
    /// `USE`
    Use,
    /// `SET` of user variables, session variables, names, or the next transaction's properties.
    SetSession,
    /// `SET` with at least one global or persisted variable.
    SetGlobal,
    /// `SET PASSWORD`
    SetPassword,
    /// `SET ROLE`, `SET DEFAULT ROLE`
    SetRole,
    /// `GRANT`
    Grant,
    /// `REVOKE`
    Revoke,
    /// `LOCK TABLES`
    LockTables,
    /// `UNLOCK TABLES`
    UnlockTables,
    /// `BEGIN`, `START TRANSACTION`
    Begin,
    /// `COMMIT`, `END` in SQLite
    Commit,
    /// `ROLLBACK`, also to a savepoint
    Rollback,
    /// `SAVEPOINT`, `RELEASE`
    Savepoint,
    /// `XA …`
    Xa,
    /// `CALL`
    Call,
    /// `DO SETVAL(…)`: the state of a sequence.
    SetSequence,
    /// `DO` of anything else.
    Do,
    /// `PREPARE`
    Prepare,
    /// `EXECUTE`, `EXECUTE IMMEDIATE`
    Execute,
    /// `DEALLOCATE PREPARE`
    Deallocate,
    /// `HANDLER …`
    Handler,
    /// `SHOW`, `DESCRIBE`, `HELP`
    Show,
    /// `EXPLAIN`: nothing is executed.
    Explain,
    /// `ANALYZE TABLE`, `CHECK TABLE`, `CHECKSUM TABLE`, `OPTIMIZE TABLE`, `REPAIR TABLE`; `REINDEX`, `ANALYZE` in SQLite.
    Maintain,
    /// What concerns the whole server: `FLUSH`, `RESET`, `KILL`, `SHUTDOWN`, `INSTALL`, `CHANGE MASTER`, …
    Server,
    /// SQLite's `PRAGMA`.
    Pragma {
        /// It may change something.
        writes: bool,
    },
    /// SQLite's `ATTACH` and `DETACH`.
    Attach,
    /// SQLite's `VACUUM`.
    Vacuum {
        /// `VACUUM INTO`: writes a file.
        into: bool,
    },
    /// More than one statement in one text.
    Several,
    /// Not understood, or understood differently by different servers.
    Unknown,
}

/// What `text` does. Where servers would read it differently, [`Verb::Unknown`]; where some of them would do
/// nothing, what the others do.
pub fn classify(text: &[u8], syntax: Syntax) -> Verb {
    let Ok(codes) = readings(text, syntax) else {
        return Verb::Unknown;
    };
    let mut known = Verb::Empty;
    for code in &codes {
        match classify_code(code) {
            Verb::Empty => {}
            verb if known == Verb::Empty || verb == known => known = verb,
            _ => return Verb::Unknown,
        }
    }
    known
}

/// What the code of one reading does.
pub(crate) fn classify_code(code: &Code<'_>) -> Verb {
    if read::is_broken(code) {
        return Verb::Unknown;
    }
    match block::statements(code).as_deref() {
        Err(block::Unbalanced) => Verb::Unknown,
        Ok([]) => Verb::Empty,
        Ok([(from, to)]) => read::verb(&code.slice(*from, *to)),
        Ok(_) => Verb::Several,
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Object::Table => "TABLE",
            Object::TemporaryTable => "TEMPORARY TABLE",
            Object::VirtualTable => "VIRTUAL TABLE",
            Object::View => "VIEW",
            Object::Index => "INDEX",
            Object::Trigger => "TRIGGER",
            Object::Procedure => "PROCEDURE",
            Object::Function => "FUNCTION",
            Object::Package => "PACKAGE",
            Object::Event => "EVENT",
            Object::Sequence => "SEQUENCE",
            Object::Database => "DATABASE",
            Object::User => "USER",
            Object::Role => "ROLE",
            Object::Server => "SERVER",
        })
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self {
            Verb::Create {
                object,
                replace: false,
            } => return write!(f, "CREATE {object}"),
            Verb::Create {
                object,
                replace: true,
            } => return write!(f, "CREATE OR REPLACE {object}"),
            Verb::Alter(object) => return write!(f, "ALTER {object}"),
            Verb::Drop(object) => return write!(f, "DROP {object}"),
            Verb::Rename(object) => return write!(f, "RENAME {object}"),
            Verb::Empty => "nothing",
            Verb::Select => "SELECT",
            Verb::SelectIntoFile => "SELECT INTO OUTFILE",
            Verb::Insert { .. } => "INSERT",
            Verb::Replace => "REPLACE",
            Verb::Update { .. } => "UPDATE",
            Verb::Delete { .. } => "DELETE",
            Verb::Truncate => "TRUNCATE",
            Verb::Load => "LOAD",
            Verb::AlterTable(_) => "ALTER TABLE",
            Verb::Use => "USE",
            Verb::SetSession => "SET",
            Verb::SetGlobal => "SET GLOBAL",
            Verb::SetPassword => "SET PASSWORD",
            Verb::SetRole => "SET ROLE",
            Verb::Grant => "GRANT",
            Verb::Revoke => "REVOKE",
            Verb::LockTables => "LOCK TABLES",
            Verb::UnlockTables => "UNLOCK TABLES",
            Verb::Begin => "START TRANSACTION",
            Verb::Commit => "COMMIT",
            Verb::Rollback => "ROLLBACK",
            Verb::Savepoint => "SAVEPOINT",
            Verb::Xa => "XA",
            Verb::Call => "CALL",
            Verb::SetSequence => "DO SETVAL",
            Verb::Do => "DO",
            Verb::Prepare => "PREPARE",
            Verb::Execute => "EXECUTE",
            Verb::Deallocate => "DEALLOCATE PREPARE",
            Verb::Handler => "HANDLER",
            Verb::Show => "SHOW",
            Verb::Explain => "EXPLAIN",
            Verb::Maintain => "table maintenance",
            Verb::Server => "a command to the server",
            Verb::Pragma { .. } => "PRAGMA",
            Verb::Attach => "ATTACH",
            Verb::Vacuum { .. } => "VACUUM",
            Verb::Several => "several statements in one",
            Verb::Unknown => "a statement that is not understood",
        };
        f.write_str(word)
    }
}
