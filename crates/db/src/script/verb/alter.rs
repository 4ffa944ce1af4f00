//! The changes of an `ALTER TABLE`.

use crate::script::code::Code;
use crate::script::lexer::Kind;

/// One change of an `ALTER TABLE`. Names are without quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A column, index, key, constraint, partition or versioning is added.
    Add,
    /// A column is dropped.
    DropColumn(String),
    /// An index is dropped.
    DropIndex(String),
    /// The primary key is dropped.
    DropPrimaryKey,
    /// A foreign key, check or other constraint is dropped.
    DropConstraint(String),
    /// Partitions are dropped with their rows.
    DropPartition,
    /// The history of a system-versioned table is dropped.
    DropHistory,
    /// A column gets a new definition, and a new name when the two differ.
    ChangeColumn {
        /// Its name before.
        from: String,
        /// Its name after.
        to: String,
    },
    /// A column gets a new definition.
    ModifyColumn(String),
    /// A column gets a new name.
    RenameColumn {
        /// Its name before.
        from: String,
        /// Its name after.
        to: String,
    },
    /// An index gets a new name, or a column's default, an index or a constraint is altered in place.
    Definition,
    /// The table gets a new name.
    Rename(String),
    /// All text is converted to another character set.
    Convert,
    /// Another storage engine.
    Engine(String),
    /// Options that touch no value: comment, row format, defaults, locking, index use.
    Option,
    /// Partitions are emptied, exchanged, discarded, imported or turned into tables.
    MovePartition(String),
    /// Partitions are made, merged, rebuilt or removed; rows stay.
    Partition,
    /// The tablespace is discarded or imported.
    Tablespace,
    /// Not understood.
    Unknown(String),
}

/// The changes of `ALTER TABLE`, whose `TABLE` is token `table`. `None` when there is no name.
pub(super) fn changes(code: &Code<'_>, table: usize) -> Option<Vec<Change>> {
    let mut at = table + 1;
    if code.words(at, &["IF", "EXISTS"]) {
        at += 2;
    }
    at = code.chain(at)?.next;
    if code.word(at, "NOWAIT") {
        at += 1;
    } else if code.word(at, "WAIT") {
        at += 2;
    }
    let mut found = Vec::new();
    while at < code.len() {
        let end = clause_end(code, at);
        found.push(change(&code.slice(at, end)));
        at = end + 1;
    }
    Some(found)
}

fn clause_end(code: &Code<'_>, from: usize) -> usize {
    let mut depth = 0usize;
    for at in from..code.len() {
        match code.kind(at) {
            Some(Kind::Open) => depth += 1,
            Some(Kind::Close) => depth = depth.saturating_sub(1),
            Some(Kind::Comma) if depth == 0 => return at,
            _ => {}
        }
    }
    code.len()
}

const OPTIONS: &[&str] = &[
    "ALGORITHM",
    "LOCK",
    "FORCE",
    "WITH",
    "WITHOUT",
    "AUTO_INCREMENT",
    "AUTOEXTEND_SIZE",
    "AVG_ROW_LENGTH",
    "CHARACTER",
    "CHARSET",
    "DEFAULT",
    "CHECKSUM",
    "COLLATE",
    "COMMENT",
    "COMPRESSION",
    "DELAY_KEY_WRITE",
    "INSERT_METHOD",
    "KEY_BLOCK_SIZE",
    "MAX_ROWS",
    "MIN_ROWS",
    "PACK_KEYS",
    "PAGE_CHECKSUM",
    "PAGE_COMPRESSED",
    "ROW_FORMAT",
    "SECONDARY_ENGINE",
    "STATS_AUTO_RECALC",
    "STATS_PERSISTENT",
    "STATS_SAMPLE_PAGES",
    "TRANSACTIONAL",
    "ORDER",
];

fn change(code: &Code<'_>) -> Change {
    let unknown = || Change::Unknown(head(code));
    // A destructive word that is no column's name and stands where the clause cannot hold one.
    let hidden = (1..code.len()).any(|at| code.any_word(at, &["DROP", "TRUNCATE", "DISCARD", "EXCHANGE"]));
    let first = code.bytes(0).to_ascii_uppercase();
    if !code.is(0, Kind::Word) {
        return unknown();
    }
    match first.as_slice() {
        b"DROP" => drop(code),
        b"ALTER" if code.len() > 2 => Change::Definition,
        _ if hidden => unknown(),
        b"ADD" => Change::Add,
        b"CHANGE" => match definition(code, 1) {
            Some(at) if code.is_name(at + 1) => Change::ChangeColumn {
                from: code.name(at),
                to: code.name(at + 1),
            },
            _ => unknown(),
        },
        b"MODIFY" => definition(code, 1).map_or_else(unknown, |at| Change::ModifyColumn(code.name(at))),
        b"RENAME" => rename(code),
        b"CONVERT" if code.word(1, "TO") => Change::Convert,
        b"CONVERT" => Change::MovePartition(head(code)),
        b"DISABLE" | b"ENABLE" if code.word(1, "KEYS") => Change::Option,
        b"DISCARD" | b"IMPORT" if code.word(1, "TABLESPACE") => Change::Tablespace,
        b"TRUNCATE" | b"EXCHANGE" | b"DISCARD" | b"IMPORT" if code.word(1, "PARTITION") => {
            Change::MovePartition(head(code))
        }
        b"COALESCE" | b"REORGANIZE" | b"REBUILD" | b"ANALYZE" | b"CHECK" | b"OPTIMIZE" | b"REPAIR"
            if code.word(1, "PARTITION") =>
        {
            Change::Partition
        }
        b"REMOVE" if code.word(1, "PARTITIONING") => Change::Partition,
        b"PARTITION" if code.word(1, "BY") => Change::Partition,
        b"ENGINE" => {
            let at = if code.sign(1, "=") { 2 } else { 1 };
            Change::Engine(code.name(at))
        }
        _ if code.any_word(0, OPTIONS) => match (0..code.len()).find(|at| code.word(*at, "ENGINE")) {
            Some(at) => Change::Engine(code.name(if code.sign(at + 1, "=") { at + 2 } else { at + 1 })),
            None => Change::Option,
        },
        _ => unknown(),
    }
}

fn head(code: &Code<'_>) -> String {
    (0..code.len().min(3))
        .map(|at| String::from_utf8_lossy(code.bytes(at)))
        .collect::<Vec<_>>()
        .join(" ")
}

/// Index of the column's name after `[COLUMN] [IF EXISTS]`.
fn definition(code: &Code<'_>, from: usize) -> Option<usize> {
    let mut at = from;
    if code.word(at, "COLUMN") {
        at += 1;
    }
    if code.words(at, &["IF", "EXISTS"]) {
        at += 2;
    }
    matches!(code.kind(at), Some(Kind::Word | Kind::Quoted)).then_some(at)
}

fn drop(code: &Code<'_>) -> Change {
    let named = |from: usize| definition(code, from).map(|at| code.name(at)).unwrap_or_default();
    if code.words(1, &["PRIMARY", "KEY"]) {
        Change::DropPrimaryKey
    } else if code.any_word(1, &["INDEX", "KEY"]) {
        Change::DropIndex(named(2))
    } else if code.words(1, &["FOREIGN", "KEY"]) {
        Change::DropConstraint(named(3))
    } else if code.any_word(1, &["CONSTRAINT", "CHECK"]) {
        Change::DropConstraint(named(2))
    } else if code.words(1, &["PERIOD", "FOR"]) {
        Change::DropConstraint("PERIOD".to_owned())
    } else if code.word(1, "PARTITION") {
        Change::DropPartition
    } else if code.words(1, &["SYSTEM", "VERSIONING"]) {
        Change::DropHistory
    } else {
        match definition(code, 1) {
            Some(at) => Change::DropColumn(code.name(at)),
            None => Change::Unknown(head(code)),
        }
    }
}

fn rename(code: &Code<'_>) -> Change {
    if code.any_word(1, &["INDEX", "KEY"]) {
        return Change::Definition;
    }
    // RENAME COLUMN a TO b; SQLite allows RENAME a TO b.
    let column = definition(code, 1);
    if let Some(at) = column
        && code.word(at + 1, "TO")
        && code.len() == at + 3
        && !code.any_word(1, &["TO", "AS"])
    {
        return Change::RenameColumn {
            from: code.name(at),
            to: code.name(at + 2),
        };
    }
    let at = if code.any_word(1, &["TO", "AS"]) || code.sign(1, "=") {
        2
    } else {
        1
    };
    match code.chain(at) {
        Some(chain) if chain.next == code.len() => {
            let name: Vec<String> = chain.parts.iter().map(|part| code.name(*part)).collect();
            Change::Rename(name.join("."))
        }
        _ => Change::Unknown(head(code)),
    }
}
