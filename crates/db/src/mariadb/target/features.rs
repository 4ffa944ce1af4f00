//! What a schema's definitions ask of a server: collations, character sets, storage engines, types and parsers.

use super::Lack;
use crate::mariadb::MariaDb;
use crate::schema::Schema;
use crate::script::{Code, Syntax};
use crate::{Cell, Database, Error, Result};
use std::collections::BTreeSet;

/// Types that are plugins, or that only newer servers have.
const TYPES: &[&str] = &["uuid", "inet4", "inet6"];

/// Words of the definitions, each kind by itself, in small letters.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wanted {
    collations: BTreeSet<String>,
    charsets: BTreeSet<String>,
    engines: BTreeSet<String>,
    parsers: BTreeSet<String>,
    types: BTreeSet<String>,
}

impl Wanted {
    fn of(schema: &Schema) -> Wanted {
        let mut wanted = Wanted::default();
        for table in &schema.tables {
            wanted.read(&table.create);
            for column in &table.columns {
                let kind = column.declared.split(['(', ' ']).next().unwrap_or_default();
                if TYPES.contains(&kind) {
                    wanted.types.insert(kind.into());
                }
            }
        }
        for object in &schema.objects {
            // A program's own text may have columns of these names.
            let statements = object.create.iter();
            let settings = statements
                .filter(|s| !object.kind.is_program() || s.starts_with("SET SESSION character_set"));
            settings.for_each(|statement| wanted.read(statement));
        }
        wanted
    }

    /// Reads the tokens of a definition, in which the server quotes every name of the user's.
    fn read(&mut self, sql: &str) {
        let code = Code::new(sql.as_bytes(), Syntax::with_sql_mode(""));
        for at in 0..code.len() {
            let list = if code.word(at, "COLLATE") || code.word(at, "COLLATION_CONNECTION") {
                &mut self.collations
            } else if code.word(at, "CHARSET")
                || code.word(at, "CHARACTER_SET_CLIENT")
                || (at > 0 && code.words(at - 1, &["CHARACTER", "SET"]))
            {
                &mut self.charsets
            } else if code.word(at, "ENGINE") {
                &mut self.engines
            } else if at > 0 && code.words(at - 1, &["WITH", "PARSER"]) {
                &mut self.parsers
            } else {
                continue;
            };
            let value = if code.bytes(at + 1) == b"=" {
                at + 2
            } else {
                at + 1
            };
            let name = code.name(value).trim_matches('\'').to_lowercase();
            // What is no plain name is no name of these; it goes into a query.
            if !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
                list.insert(name);
            }
        }
    }
}

/// What of it the server lacks: a restore would fail at the first table or object that needs it.
pub(super) fn missing(db: &mut MariaDb, schema: &Schema, found: &mut Vec<Lack>) -> Result<()> {
    let wanted = Wanted::of(schema);
    let mut lack = |what: String, mend: String| {
        found.push(Lack {
            what,
            mend,
            stops: true,
        });
    };
    let newer = "restore to a server of at least the version that the backup was made from";
    for name in &wanted.charsets {
        // 1115: unknown.
        if fails(db, &format!("SELECT CONVERT('' USING {name})"), &[1115])? {
            lack(format!("the server has no character set {name}"), newer.into());
        }
    }
    for name in &wanted.collations {
        // 1273: unknown. That one is not of the session's character set is another error, and none here.
        if fails(db, &format!("SELECT '' COLLATE {name}"), &[1273])? {
            lack(format!("the server has no collation {name}"), newer.into());
        }
    }
    for name in &wanted.types {
        // 4161: unknown.
        if fails(db, &format!("SELECT CAST(NULL AS {name})"), &[4161])? {
            lack(format!("the server has no type {name}"), newer.into());
        }
    }
    let words = |rows: Vec<Vec<Cell>>| -> BTreeSet<String> {
        rows.iter()
            .filter_map(|r| Some(r.first()?.to_text()?.to_lowercase()))
            .collect()
    };
    if !wanted.engines.is_empty() {
        let there = words(
            db.query("SELECT ENGINE FROM information_schema.ENGINES WHERE SUPPORT IN ('YES', 'DEFAULT')")?,
        );
        for name in wanted.engines.difference(&there) {
            lack(
                format!("the server has no storage engine {name}"),
                format!("INSTALL SONAME 'ha_{name}'"),
            );
        }
    }
    if !wanted.parsers.is_empty() {
        let there = words(db.query(
            "SELECT PLUGIN_NAME FROM information_schema.PLUGINS WHERE PLUGIN_TYPE='FTPARSER' AND PLUGIN_STATUS='ACTIVE'",
        )?);
        for name in wanted.parsers.difference(&there) {
            lack(
                format!("the server has no full-text parser {name}"),
                format!("INSTALL PLUGIN {name} SONAME '…', with the library that has it"),
            );
        }
    }
    Ok(())
}

/// Whether the query ends with one of these errors of the server; others are no answer to what was asked.
fn fails(db: &mut MariaDb, sql: &str, numbers: &[u32]) -> Result<bool> {
    match db.query(sql) {
        Err(Error::Server { number, .. }) => Ok(numbers.contains(&number)),
        other => other.map(|_| false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_from_definitions_and_not_from_texts() {
        let mut wanted = Wanted::default();
        wanted.read(
            "CREATE TABLE `engine` (\n `a` varchar(9) CHARACTER SET latin1 COLLATE latin1_spanish_ci DEFAULT 'COLLATE x',\n \
             FULLTEXT KEY `k` (`a`) WITH PARSER `ngram`\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=uca1400_ai_ci COMMENT='ENGINE=Q'",
        );
        wanted.read("SET SESSION character_set_client='cp850', collation_connection='cp850_bin'");
        let list = |names: &[&str]| names.iter().map(|n| n.to_string()).collect();
        assert_eq!(
            wanted,
            Wanted {
                collations: list(&["latin1_spanish_ci", "uca1400_ai_ci", "cp850_bin"]),
                charsets: list(&["latin1", "utf8mb4", "cp850"]),
                engines: list(&["innodb"]),
                parsers: list(&["ngram"]),
                types: BTreeSet::new(),
            }
        );
    }
}
