//! Random schemas of MariaDB, with rows. Not every draw is one that the server takes: what it refuses is left out.

use super::draw::Draw;
use super::types::{self, Keyed, Kind};
use super::values;
use std::fmt::Write as _;

#[derive(Clone)]
pub(crate) struct Case {
    /// Statements that come before the tables.
    pub(crate) before: Vec<String>,
    pub(crate) tables: Vec<Table>,
    /// Statements that come after them; what fails is left out.
    pub(crate) after: Vec<String>,
}

#[derive(Clone)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) columns: Vec<Column>,
    pub(crate) keys: Vec<String>,
    pub(crate) options: String,
    /// A literal for each column that is not computed.
    pub(crate) rows: Vec<Vec<String>>,
    pub(crate) versioned: bool,
}

#[derive(Clone)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) definition: String,
    pub(crate) kind: Kind,
    pub(crate) computed: bool,
}

pub(crate) fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

impl Table {
    pub(crate) fn create(&self) -> String {
        let columns = self
            .columns
            .iter()
            .map(|c| format!("{} {}", quoted(&c.name), c.definition));
        let lines: Vec<String> = columns.chain(self.keys.iter().cloned()).collect();
        format!(
            "CREATE TABLE {} ({}){}",
            quoted(&self.name),
            lines.join(",\n"),
            self.options
        )
    }

    pub(crate) fn inserts(&self) -> Vec<String> {
        let given = || self.columns.iter().enumerate().filter(|(_, c)| !c.computed);
        let names: Vec<String> = given().map(|(_, c)| quoted(&c.name)).collect();
        let insert = |row: &Vec<String>| {
            let values: Vec<&str> = given().map(|(at, _)| row[at].as_str()).collect();
            format!(
                "INSERT IGNORE INTO {} ({}) VALUES ({})",
                quoted(&self.name),
                names.join(", "),
                values.join(", ")
            )
        };
        self.rows.iter().map(insert).collect()
    }
}

/// What MySQL calls otherwise, or has only something like it for.
const WORDS_OF_MYSQL: &[(&str, &str)] = &[
    (" WITH SYSTEM VERSIONING", ""),
    (" PAGE_COMPRESSED=1", ""),
    (" COMPRESSED DEFAULT", " DEFAULT"),
    (" IGNORED", " INVISIBLE"),
    ("REF_SYSTEM_ID=", "SRID "),
    ("utf8mb4_unicode_520_nopad_ci", "utf8mb4_0900_as_cs"),
    ("uca1400_spanish_ai_ci", "utf8mb4_es_0900_ai_ci"),
    ("utf8mb4_nopad_bin", "utf8mb4_0900_bin"),
    ("latin1_swedish_nopad_ci", "latin1_german2_ci"),
];

impl Case {
    /// The same case with what MySQL can take of it; the rest it refuses.
    pub(crate) fn in_the_words_of_mysql(mut self) -> Case {
        let translated = |text: &str| {
            let words = WORDS_OF_MYSQL.iter();
            words.fold(text.to_owned(), |text, (theirs, its)| text.replace(theirs, its))
        };
        for table in &mut self.tables {
            table.versioned = false;
            table.options = translated(&table.options);
            table.keys.iter_mut().for_each(|key| *key = translated(key));
            for column in &mut table.columns {
                column.definition = translated(&column.definition);
                for (theirs, its) in [
                    ("UUID", "BINARY(16)"),
                    ("INET4", "VARBINARY(48)"),
                    ("INET6", "VARCHAR(48)"),
                ] {
                    if let Some(rest) = column.definition.strip_prefix(theirs) {
                        let rest = rest.split(" DEFAULT").next().unwrap_or_default();
                        column.definition = format!("{its}{rest}");
                    }
                }
            }
        }
        self
    }
}

pub(crate) fn case(draw: &mut Draw) -> Case {
    let mut before = vec![
        format!(
            "SET SESSION sql_mode='{}', time_zone='+00:00', foreign_key_checks=0, innodb_strict_mode={}",
            draw.word(&[
                "ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO",
                "NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES,NO_BACKSLASH_ESCAPES"
            ]),
            draw.word(&["ON", "ON", "OFF"])
        ),
        format!(
            "ALTER DATABASE CHARACTER SET {} COMMENT {}",
            draw.word(&[
                "utf8mb4 COLLATE utf8mb4_spanish_ci",
                "latin1",
                "utf8mb3",
                "ucs2",
                "binary"
            ]),
            values::comment(draw)
        ),
    ];
    let mut sequences = Vec::new();
    for number in 0..draw.below(3) {
        let name = quoted(&draw.name(100 + number));
        before.push(format!(
            "CREATE SEQUENCE {name} START WITH {} INCREMENT BY {} MINVALUE -10 MAXVALUE {} {} {}",
            draw.below(10),
            draw.word(&["1", "-1", "3"]),
            draw.word(&["12", "9223372036854775806", "1000"]),
            draw.word(&["CYCLE", "NOCYCLE"]),
            draw.word(&["CACHE 5", "NOCACHE"]),
        ));
        for _ in 0..draw.below(4) {
            before.push(format!("DO NEXTVAL({name})"));
        }
        sequences.push(name);
    }
    let mut tables: Vec<Table> = Vec::new();
    for number in 0..7 {
        let table = table(draw, number, &tables, &sequences);
        tables.push(table);
    }
    let after = programs(draw, &tables);
    Case {
        before,
        tables,
        after,
    }
}

fn table(draw: &mut Draw, number: usize, others: &[Table], sequences: &[String]) -> Table {
    let mut columns: Vec<Column> = Vec::new();
    let mut keyed: Vec<Keyed> = Vec::new();
    let numbered = !draw.one_in(4);
    if numbered {
        let auto = draw.one_in(2);
        let default = match sequences.first() {
            Some(name) if !auto && draw.one_in(2) => format!(" DEFAULT NEXTVAL({name})"),
            _ if auto => " AUTO_INCREMENT".into(),
            _ => String::new(),
        };
        columns.push(Column {
            name: if draw.one_in(2) { "id".into() } else { draw.name(0) },
            definition: format!(
                "{} NOT NULL{default}",
                draw.word(&["INT", "BIGINT UNSIGNED", "INT"])
            ),
            kind: Kind::Integer,
            computed: false,
        });
        keyed.push(Keyed::Whole);
    }
    for at in 1..=draw.between(1, 9) {
        let computed = at > 1 && draw.one_in(7);
        let name = draw.name(at);
        if computed {
            let source = &columns[draw.below(columns.len())];
            let source = quoted(&source.name);
            columns.push(Column {
                name,
                definition: computed_column(draw, &source),
                kind: Kind::Integer,
                computed,
            });
            keyed.push(Keyed::Never);
            continue;
        }
        let drawn = types::any(draw);
        let mut definition = drawn.sql;
        attributes(draw, drawn.kind, &mut definition);
        columns.push(Column {
            name,
            definition,
            kind: drawn.kind,
            computed,
        });
        keyed.push(drawn.keyed);
    }
    let mut keys = keys(draw, &columns, &keyed, numbered);
    let versioned = draw.one_in(7);
    if let Some(other) = others
        .iter()
        .rfind(|o| o.columns[0].definition.starts_with("INT NOT NULL"))
        && draw.one_in(3)
    {
        columns.push(Column {
            name: "to".into(),
            definition: "INT".into(),
            kind: Kind::Integer,
            computed: false,
        });
        keys.push(format!(
            "CONSTRAINT {} FOREIGN KEY (`to`) REFERENCES {} ({}) {}",
            quoted(&draw.name(500 + number)),
            quoted(&other.name),
            quoted(&other.columns[0].name),
            draw.word(&[
                "",
                "ON DELETE CASCADE",
                "ON DELETE SET NULL ON UPDATE CASCADE",
                "ON UPDATE NO ACTION"
            ]),
        ));
    }
    let mut options = options(draw);
    if versioned {
        options.push_str(" WITH SYSTEM VERSIONING");
    } else if numbered && draw.one_in(5) {
        let id = quoted(&columns[0].name);
        options.push_str(&match draw.below(4) {
            0 => format!(" PARTITION BY HASH ({id} DIV 3) PARTITIONS 3"),
            1 => format!(" PARTITION BY KEY ({id}) PARTITIONS 2"),
            2 => format!(" PARTITION BY LIST ({id}) (PARTITION `a b` VALUES IN (1, 2, 3), PARTITION `ñ` DEFAULT)"),
            _ => format!(" PARTITION BY RANGE ({id}) (PARTITION p0 VALUES LESS THAN (10) COMMENT 'it''s', PARTITION `p``1` VALUES LESS THAN MAXVALUE)"),
        });
    }
    let rows = if draw.one_in(8) { 0 } else { draw.between(1, 25) };
    let rows = (0..rows).map(|row| {
        let literal = |(at, column): (usize, &Column)| match at {
            0 if numbered && !draw.one_in(6) => (row + 1).to_string(),
            _ if column.computed => String::new(),
            _ => values::literal(draw, column.kind),
        };
        columns.iter().enumerate().map(literal).collect()
    });
    let mut rows: Vec<Vec<String>> = rows.collect();
    if !rows.is_empty() && draw.one_in(2) {
        // Twice the same, where no key forbids it.
        rows.push(rows[0].clone());
    }
    Table {
        name: draw.name(number),
        columns,
        keys,
        options,
        rows,
        versioned,
    }
}

fn computed_column(draw: &mut Draw, source: &str) -> String {
    let stored = draw.word(&["STORED", "VIRTUAL", "STORED INVISIBLE"]);
    match draw.below(4) {
        0 => format!("INT AS (LENGTH({source})) {stored}"),
        1 => format!("VARCHAR(80) AS (HEX(LEFT({source}, 9))) {stored}"),
        2 => format!("VARBINARY(16) AS (UNHEX(MD5({source}))) {stored}"),
        _ => format!("BIT(1) AS ({source} IS NULL) {stored} COMMENT 'is it'"),
    }
}

fn attributes(draw: &mut Draw, kind: Kind, definition: &mut String) {
    if draw.one_in(4) && !definition.ends_with("NULL") {
        definition.push_str(" NOT NULL");
    }
    if draw.one_in(3) && kind != Kind::Shape {
        let literal = values::literal(draw, kind);
        if literal != "NULL" || !definition.ends_with("NOT NULL") {
            let _ = write!(definition, " DEFAULT {literal}");
        }
    } else if kind == Kind::Moment && draw.one_in(3) {
        let digits: String = definition.chars().filter(char::is_ascii_digit).collect();
        let _ = write!(
            definition,
            " DEFAULT CURRENT_TIMESTAMP({digits}) ON UPDATE CURRENT_TIMESTAMP({digits})"
        );
    } else if matches!(kind, Kind::Text(20..)) && draw.one_in(3) {
        definition.push_str(" DEFAULT (CONCAT('a', 'b''', HEX(3)))");
    }
    if draw.one_in(8) && (!definition.contains("NOT NULL") || definition.contains("DEFAULT")) {
        definition.push_str(" INVISIBLE");
    }
    if draw.one_in(5) {
        let _ = write!(definition, " COMMENT {}", values::comment(draw));
    }
}

fn keys(draw: &mut Draw, columns: &[Column], keyed: &[Keyed], numbered: bool) -> Vec<String> {
    let mut keys = Vec::new();
    let part = |draw: &mut Draw, at: usize| {
        let length = match keyed[at] {
            Keyed::Prefix => format!("({})", draw.between(1, 20)),
            _ => String::new(),
        };
        format!(
            "{}{length}{}",
            quoted(&columns[at].name),
            draw.word(&["", "", " DESC"])
        )
    };
    let parts = |draw: &mut Draw, most: usize| {
        let able: Vec<usize> = (0..columns.len())
            .filter(|at| keyed[*at] != Keyed::Never)
            .collect();
        if able.is_empty() {
            return String::new();
        }
        let first = draw.below(able.len());
        let count = draw.between(1, most.min(able.len()));
        let picked: Vec<String> = able
            .iter()
            .cycle()
            .skip(first)
            .take(count)
            .map(|at| part(draw, *at))
            .collect();
        picked.join(", ")
    };
    if numbered {
        let id = quoted(&columns[0].name);
        keys.push(match draw.below(8) {
            0 => format!("KEY ({id})"),
            1 => format!("UNIQUE KEY ({id})"),
            2 => format!("PRIMARY KEY ({id}, {})", parts(draw, 2)),
            _ => format!("PRIMARY KEY ({id})"),
        });
    } else if draw.one_in(2) {
        keys.push(format!("PRIMARY KEY ({})", parts(draw, 3)));
    }
    for number in 0..draw.below(4) {
        let name = quoted(&draw.name(200 + number));
        let tail = draw.word(&["", "", " COMMENT 'it''s \\ ñ'", " USING BTREE", " IGNORED"]);
        let parts = parts(draw, 3);
        if !parts.is_empty() {
            keys.push(format!(
                "{} {name} ({parts}){tail}",
                draw.word(&["KEY", "KEY", "UNIQUE KEY"])
            ));
        }
    }
    for (number, column) in columns.iter().enumerate() {
        let name = quoted(&column.name);
        let label = quoted(&draw.name(300 + number));
        match column.kind {
            Kind::Text(_) if draw.one_in(9) => keys.push(format!("FULLTEXT KEY {label} ({name})")),
            Kind::Bytes(250) if draw.one_in(9) => {
                keys.push(format!("UNIQUE KEY {label} ({name}) USING HASH"))
            }
            Kind::Shape if column.definition.contains("NOT NULL") => {
                keys.push(format!("SPATIAL KEY {label} ({name})"))
            }
            _ if draw.one_in(12) => keys.push(format!(
                "CONSTRAINT {label} CHECK ({name} IS NOT NULL OR LENGTH('a\\\\''') > 0)"
            )),
            _ => {}
        }
    }
    keys
}

fn options(draw: &mut Draw) -> String {
    let mut options = String::new();
    for _ in 0..draw.below(3) {
        options.push_str(draw.word(&[
            " ROW_FORMAT=DYNAMIC",
            " ROW_FORMAT=COMPACT",
            " ROW_FORMAT=REDUNDANT",
            " ROW_FORMAT=COMPRESSED",
            " KEY_BLOCK_SIZE=4",
            " AUTO_INCREMENT=500",
            " CHARACTER SET latin1",
            " COLLATE utf8mb4_nopad_bin",
            " STATS_PERSISTENT=0",
            " STATS_SAMPLE_PAGES=7",
            " PAGE_COMPRESSED=1",
            " CHECKSUM=1",
            " MAX_ROWS=77",
            " AVG_ROW_LENGTH=9",
            " PACK_KEYS=0",
            " DELAY_KEY_WRITE=1",
        ]));
    }
    if draw.one_in(3) {
        let _ = write!(options, " COMMENT={}", values::comment(draw));
    }
    options
}

/// Views, triggers, routines and events over tables with odd names, and what becomes history.
fn programs(draw: &mut Draw, tables: &[Table]) -> Vec<String> {
    let mut out = Vec::new();
    for (number, table) in tables.iter().enumerate() {
        let (name, column) = (
            quoted(&table.name),
            &table.columns[draw.below(table.columns.len())],
        );
        let (column, computed) = (quoted(&column.name), column.computed);
        if table.versioned && !computed {
            out.push(format!(
                "UPDATE IGNORE {name} SET {column}=NULL ORDER BY {column} LIMIT 3"
            ));
            out.push(format!("DELETE IGNORE FROM {name} ORDER BY {column} LIMIT 2"));
        }
        let own = quoted(&draw.name(700 + number));
        match draw.below(8) {
            0 => out.push(format!("CREATE VIEW {own} AS SELECT t.{column} AS {column}, 'a''b\\\\' AS x FROM {name} t WHERE t.{column} IS NOT NULL")),
            1 => out.push(format!("CREATE TRIGGER {own} AFTER DELETE ON {name} FOR EACH ROW SET @x = CONCAT('\"', OLD.{column}, '`')")),
            2 => out.push(format!("CREATE PROCEDURE {own}(INOUT `a b` INT) COMMENT 'ñ' SELECT COUNT({column}) FROM {name}")),
            3 => out.push(format!("CREATE EVENT {own} ON SCHEDULE EVERY 1 DAY STARTS '2037-01-01' DISABLE COMMENT 'it''s' DO DELETE FROM {name} LIMIT 0")),
            4 => out.push(format!("CREATE FUNCTION {own}(x TEXT CHARACTER SET latin1) RETURNS BLOB NO SQL RETURN CONCAT(x, '{{;}}', 0x00)")),
            _ => {}
        }
    }
    out
}
