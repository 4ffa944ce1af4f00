//! A table's definition in two: what its rows need, and the keys that are built faster once the rows are there.

use crate::Dialect;
use crate::schema::Table;
use crate::script::lexer::Kind;
use crate::script::{Code, Syntax};

/// A definition that can be created in steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// The table with what must be there before the rows.
    pub table: String,
    /// Statements that add the secondary keys; each is all or nothing.
    pub keys: Vec<String>,
    /// Statements for a table that has its rows and keys. They may be said again.
    pub settle: Vec<String>,
    /// The statement that adds the foreign keys, once all tables have their keys.
    pub foreign: Option<String>,
}

/// How a table will get its rows, which is what its steps depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filling {
    /// So few that its keys may be there before them.
    Few,
    /// So few, but an earlier load may have created it without its keys.
    FewAgain,
    Many,
}

impl Split {
    /// A definition that is created in one step.
    pub fn whole(create: &str) -> Split {
        Split {
            table: create.to_string(),
            keys: Vec::new(),
            settle: Vec::new(),
            foreign: None,
        }
    }
}

/// Divides a table's definition. One that keeps its history is not altered once it has some.
pub(crate) fn split(table: &Table) -> Split {
    if table.is_versioned() {
        Split::whole(&table.create)
    } else {
        divided(&table.create, false)
    }
}

/// A table's definition of which foreign keys alone wait: each statement that adds keys copies or scans the table and has
/// it flushed, which takes longer than a few rows do.
pub(crate) fn with_keys(table: &Table) -> Split {
    if table.is_versioned() {
        Split::whole(&table.create)
    } else {
        divided(&table.create, true)
    }
}

/// [`split`] of a table of many rows, whose statistics the server is not to collect again and again while it is filled:
/// where two tables grow at once, MariaDB's thread for that goes round them without a pause and takes a quarter of the machine.
/// They are collected when all is there, so that the first queries find them.
pub(crate) fn without_statistics(table: &Table) -> Split {
    let mut split = split(table);
    // Where a definition's options begin: a line feed in one of its texts is written as `\n`.
    const ENGINE: &str = "\n) ENGINE=InnoDB";
    match split.table.rsplit_once(ENGINE) {
        Some((columns, options)) if !table.is_versioned() && !options.contains("STATS_") => {
            split.table = format!("{columns}{ENGINE} STATS_AUTO_RECALC=0{options}");
            let name = Dialect::MariaDb.quote(&table.name);
            split.settle = vec![
                format!("ALTER TABLE {name} STATS_AUTO_RECALC=DEFAULT"),
                format!("ANALYZE LOCAL TABLE {name}"),
            ];
        }
        _ => {}
    }
    split
}

/// Divides the server's own `CREATE TABLE`. Whatever is not plainly a key that can wait stays where it is; all but foreign
/// ones do `with_keys`.
fn divided(create: &str, with_keys: bool) -> Split {
    let whole = || Split::whole(create);
    let code = Code::new(create.as_bytes(), Syntax::with_sql_mode(""));
    let Some((open, items)) = items(&code) else {
        return whole();
    };
    let Some(name) = (0..open).rev().find(|i| code.is(*i, Kind::Quoted)) else {
        return whole();
    };
    let name = String::from_utf8_lossy(code.bytes(name)).into_owned();
    // Up to what follows: MySQL says in a comment of its own, behind the last word, what older servers do not know.
    let text = |(from, to): (usize, usize)| {
        let (first, next) = (code.token(from)?, code.token(to + 1)?);
        Some(create.get(first.start..next.start)?.trim_end())
    };
    // What a hashed key is taken for may change with the next ALTER.
    if items.iter().any(|(from, to)| {
        code.any_word(*from, &["KEY", "UNIQUE"]) && (*from..=*to).any(|i| code.word(i, "HASH"))
    }) {
        return whole();
    }
    let primary = items
        .iter()
        .any(|(from, _)| code.words(*from, &["PRIMARY", "KEY"]));
    // The key that numbers rows must be there when they come; it is one of those that begin with the column.
    let counted: Option<&[u8]> = items
        .iter()
        .find(|(from, to)| {
            code.is(*from, Kind::Quoted) && (*from..=*to).any(|i| code.word(i, "AUTO_INCREMENT"))
        })
        .map(|(from, _)| code.bytes(*from));
    let (mut stay, mut waiting, mut words_last, mut foreign) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (from, to) in items {
        let Some(text) = text((from, to)) else {
            return whole();
        };
        let words = |list: &[&str]| code.words(from, list);
        let has = |word: &str| (from..=to).any(|i| code.word(i, word));
        let first = (from..=to)
            .find(|i| code.is(*i, Kind::Open))
            .map(|i| code.bytes(i + 1));
        let numbers = counted.is_some() && first == counted;
        if code.word(from, "CONSTRAINT") && code.words(from + 2, &["FOREIGN", "KEY"]) {
            foreign.push(text);
        } else if with_keys {
            stay.push(text);
        } else if words(&["FULLTEXT", "KEY"]) {
            words_last.push(text);
        } else if words(&["SPATIAL", "KEY"]) || (words(&["KEY"]) && !numbers) {
            waiting.push(text);
        } else if words(&["UNIQUE", "KEY"]) && primary && !numbers && !has("WITHOUT") {
            // Without a primary key a unique one may be what the rows are sorted by; one of periods is built by
            // copying the table.
            waiting.push(text);
        } else {
            if words(&["KEY"]) || words(&["UNIQUE", "KEY"]) {
                // Keys keep their order: among those of a kind, the server's own choices go by it.
                stay.append(&mut waiting);
            }
            stay.push(text);
        }
    }
    let (Some(open), Some(close)) = (code.token(open), closing(&code, open).and_then(|i| code.token(i)))
    else {
        return whole();
    };
    let adding = |list: &[&str]| {
        let adds: Vec<String> = list.iter().map(|text| format!("ADD {text}")).collect();
        format!("ALTER TABLE {name} {}", adds.join(", "))
    };
    let is_alone = |text: &str| text.starts_with("SPATIAL ");
    // The server builds full-text and spatial keys one at a time; the former stand last whenever they come.
    let groups = waiting.chunk_by(|one, next| !is_alone(one) && !is_alone(next));
    let mut keys: Vec<String> = groups.map(adding).collect();
    keys.extend(words_last.iter().map(|text| adding(&[text])));
    Split {
        table: format!(
            "{}\n  {}\n{}",
            &create[..open.end],
            stay.join(",\n  "),
            &create[close.start..]
        ),
        keys,
        settle: Vec::new(),
        foreign: (!foreign.is_empty()).then(|| adding(&foreign)),
    }
}

/// The parenthesis that opens the list of columns and keys, and each item's first and last token.
fn items(code: &Code<'_>) -> Option<(usize, Vec<(usize, usize)>)> {
    let open = (0..code.len()).find(|i| code.is(*i, Kind::Open))?;
    let close = closing(code, open)?;
    let mut out = Vec::new();
    let (mut depth, mut from) = (0, open + 1);
    for index in open + 1..close {
        match code.kind(index)? {
            Kind::Open => depth += 1,
            Kind::Close => depth -= 1,
            Kind::Comma if depth == 0 => {
                out.push((from, index - 1));
                from = index + 1;
            }
            _ => {}
        }
    }
    out.push((from, close - 1));
    Some((open, out))
}

fn closing(code: &Code<'_>, open: usize) -> Option<usize> {
    let mut depth = 0;
    (open..code.len()).find(|index| {
        match code.kind(*index) {
            Some(Kind::Open) => depth += 1,
            Some(Kind::Close) => depth -= 1,
            _ => {}
        }
        depth == 0
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_wait_and_what_the_rows_need_does_not() {
        let split = divided(
            "CREATE TABLE `t,(` (\n  `id` int(11) NOT NULL AUTO_INCREMENT COMMENT 'KEY `a` (`b`),',\n  `n` int(11) DEFAULT NULL,\n  `s` varchar(10) DEFAULT 'x,)',\n  \
             PRIMARY KEY (`id`),\n  UNIQUE KEY `u` (`s`),\n  KEY `k` (`n`,`s`(3)) COMMENT 'a, b',\n  FULLTEXT KEY `f` (`s`),\n  \
             CONSTRAINT `fk` FOREIGN KEY (`n`) REFERENCES `o` (`id`) ON DELETE CASCADE,\n  CONSTRAINT `c` CHECK (`n` > 0)\n) ENGINE=InnoDB AUTO_INCREMENT=7 COMMENT='x'",
            false,
        );
        assert_eq!(
            split.table,
            "CREATE TABLE `t,(` (\n  `id` int(11) NOT NULL AUTO_INCREMENT COMMENT 'KEY `a` (`b`),',\n  `n` int(11) DEFAULT NULL,\n  \
             `s` varchar(10) DEFAULT 'x,)',\n  PRIMARY KEY (`id`),\n  CONSTRAINT `c` CHECK (`n` > 0)\n) ENGINE=InnoDB AUTO_INCREMENT=7 COMMENT='x'"
        );
        assert_eq!(
            split.keys,
            [
                "ALTER TABLE `t,(` ADD UNIQUE KEY `u` (`s`), ADD KEY `k` (`n`,`s`(3)) COMMENT 'a, b'",
                "ALTER TABLE `t,(` ADD FULLTEXT KEY `f` (`s`)"
            ]
        );
        assert_eq!(
            split.foreign.as_deref(),
            Some(
                "ALTER TABLE `t,(` ADD CONSTRAINT `fk` FOREIGN KEY (`n`) REFERENCES `o` (`id`) ON DELETE CASCADE"
            )
        );
    }

    #[test]
    fn what_mysql_says_in_comments_goes_with_its_key() {
        let create = "CREATE TABLE `t` (\n  `n` int DEFAULT NULL /*!80023 INVISIBLE */,\n  KEY `k` (`n`) /*!80000 INVISIBLE */,\n  KEY `f` (((`n` + 1)),(upper(`n`)) DESC)\n) ENGINE=InnoDB\n/*!50100 PARTITION BY KEY (`n`) */";
        let split = divided(create, false);
        assert_eq!(
            split.table,
            "CREATE TABLE `t` (\n  `n` int DEFAULT NULL /*!80023 INVISIBLE */\n) ENGINE=InnoDB\n/*!50100 PARTITION BY KEY (`n`) */"
        );
        assert_eq!(
            split.keys,
            [
                "ALTER TABLE `t` ADD KEY `k` (`n`) /*!80000 INVISIBLE */, ADD KEY `f` (((`n` + 1)),(upper(`n`)) DESC)"
            ]
        );
    }

    #[test]
    fn of_a_small_table_foreign_keys_alone_wait() {
        let table = |foreign: &str| {
            format!(
                "CREATE TABLE `t` (\n  `n` int(11) DEFAULT NULL,\n  UNIQUE KEY `u` (`n`),\n  KEY `k` (`n`){foreign},\n  CONSTRAINT `c` CHECK (`n` > 0)\n) ENGINE=InnoDB"
            )
        };
        let key = "CONSTRAINT `fk` FOREIGN KEY (`n`) REFERENCES `o` (`id`)";
        let split = divided(&table(&format!(",\n  {key}")), true);
        assert_eq!(split.table, table(""));
        assert!(split.keys.is_empty());
        assert_eq!(split.foreign, Some(format!("ALTER TABLE `t` ADD {key}")));
    }

    #[test]
    fn keys_that_the_rows_need_stay() {
        let create = "CREATE TABLE `t` (\n  `a` int(11) NOT NULL,\n  `n` int(11) NOT NULL AUTO_INCREMENT,\n  UNIQUE KEY `u` (`a`),\n  KEY `k` (`n`)\n) ENGINE=InnoDB";
        assert_eq!(divided(create, false).table, create);
        assert!(divided(create, false).keys.is_empty());
    }

    #[test]
    fn keys_keep_their_order() {
        let create = "CREATE TABLE `t` (\n  `n` int(11) NOT NULL AUTO_INCREMENT,\n  `g` point NOT NULL,\n  KEY `a` (`g`(9)),\n  KEY `k` (`n`),\n  \
             KEY `b` (`n`,`g`(3)),\n  KEY `c` (`g`(4)),\n  SPATIAL KEY `s` (`g`),\n  KEY `d` (`g`(5)),\n  KEY `e` (`g`(6))\n) ENGINE=InnoDB";
        let split = divided(create, false);
        assert!(
            split
                .table
                .contains("KEY `a` (`g`(9)),\n  KEY `k` (`n`),\n  KEY `b` (`n`,`g`(3))\n)")
        );
        assert_eq!(
            split.keys,
            [
                "ALTER TABLE `t` ADD KEY `c` (`g`(4))",
                "ALTER TABLE `t` ADD SPATIAL KEY `s` (`g`)",
                "ALTER TABLE `t` ADD KEY `d` (`g`(5)), ADD KEY `e` (`g`(6))"
            ]
        );
    }

    #[test]
    fn a_text_that_is_no_table_stays_whole() {
        for text in ["", "CREATE TABLE `t`", "CREATE TABLE `t` (`a` int", "x ( y"] {
            assert_eq!(divided(text, false).table, text);
        }
    }
}
