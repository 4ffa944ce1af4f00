//! The statement that creates a table, as the server prints it, made to say everything and to mean it anywhere.

use super::Tables;
use crate::mariadb::MariaDb;
use crate::script::names::references;
use crate::script::{Code, Lexer, Syntax};
use crate::{Cell, Database, Result};

pub(super) fn read_statements(db: &mut MariaDb, out: &mut Tables) -> Result<()> {
    let own = db.database.clone();
    for place in 0..out.tables.len() {
        let name = out.tables[place].name.clone();
        let sql = format!("SHOW CREATE TABLE {}", db.dialect.quote(&name));
        let printed = match db.query(&sql)?.first().and_then(|r| r.get(1)) {
            Some(Cell::Bytes(bytes)) => bytes.clone(),
            _ => Vec::new(),
        };
        let Some((mut create, literals)) = readable(&printed) else {
            out.unsupported
                .push(format!("{name}: its definition is not UTF-8"));
            continue;
        };
        create = unqualified(&create, &own);
        for (_, column, srid) in out.references.iter().filter(|(t, ..)| *t == name) {
            create = with_reference(&create, &db.dialect.quote(column), *srid);
        }
        for more in unlisted(&create).chain(literals.iter().map(String::as_str)) {
            out.define_more(place, more);
        }
        // Somebody may have inserted since the catalog was asked; what the statement says is what a copy gets.
        if let (Some(counter), Some(said)) = (out.counters.get_mut(&name), counter(&create)) {
            *counter = said;
        }
        out.tables[place].create = create;
    }
    Ok(())
}

/// The number that the table gives next, where the statement says it.
fn counter(create: &str) -> Option<i128> {
    let code = Code::new(create.as_bytes(), Syntax::with_sql_mode(""));
    let at = (0..code.len()).rfind(|i| code.word(*i, "AUTO_INCREMENT") && code.sign(i + 1, "="))?;
    std::str::from_utf8(code.bytes(at + 2)).ok()?.parse().ok()
}

/// The statement as UTF-8, and the literals that had to be written in hexadecimal for it. The server prints a BINARY
/// column's default as its bytes. `None` where something else is not UTF-8.
fn readable(printed: &[u8]) -> Option<(String, Vec<String>)> {
    if let Ok(text) = std::str::from_utf8(printed) {
        return Some((text.to_string(), Vec::new()));
    }
    let mut out = Vec::with_capacity(printed.len() * 2);
    let mut literals = Vec::new();
    for token in Lexer::new(printed, Syntax::MARIADB) {
        let text = &printed[token.range()];
        match text {
            [b'\'', inside @ .., b'\''] if std::str::from_utf8(inside).is_err() => {
                let hex: String = plain(inside).iter().map(|b| format!("{b:02X}")).collect();
                let literal = format!("X'{hex}'");
                out.extend_from_slice(literal.as_bytes());
                literals.push(literal);
            }
            _ => out.extend_from_slice(text),
        }
    }
    Some((String::from_utf8(out).ok()?, literals))
}

/// What a string literal of the server's own printing stands for.
fn plain(inside: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(inside.len());
    let mut bytes = inside.iter().copied();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            // The quote that follows is the same quote.
            b'\'' => bytes.next().unwrap_or(byte),
            b'\\' => match bytes.next() {
                Some(b'0') => 0,
                Some(b'n') => b'\n',
                Some(b'r') => b'\r',
                Some(b't') => b'\t',
                Some(b'Z') => 0x1a,
                Some(other) => other,
                None => byte,
            },
            other => other,
        });
    }
    out
}

/// The text without its own schema's name: a column's default that reads a sequence has it.
pub(in crate::mariadb) fn unqualified(text: &str, own: &str) -> String {
    // The server quotes it wherever it prints it.
    if !text.contains(&format!("`{}`.", own.replace('`', "``"))) {
        return text.to_string();
    }
    let code = Code::new(text.as_bytes(), Syntax::MARIADB);
    let mut out = text.to_string();
    for reference in references(&code).into_iter().rev().filter(|r| r.schema == own) {
        out.replace_range(reference.start..reference.after_dot, "");
    }
    out
}

/// The statement with the spatial reference system that a column declares.
fn with_reference(create: &str, column: &str, srid: u32) -> String {
    let head = format!("  {column} ");
    let lines: Vec<String> = create
        .split('\n')
        .map(|line| match line.strip_prefix(&head) {
            Some(rest) => {
                let end = rest.find([' ', ',']).unwrap_or(rest.len());
                format!("{head}{} REF_SYSTEM_ID={srid}{}", &rest[..end], &rest[end..])
            }
            None => line.to_string(),
        })
        .collect();
    lines.join("\n")
}

/// Lines of the statement that say what no catalog view says: periods, keys without overlaps, parsers of full-text
/// indexes, block sizes of keys, and how history or keys are spread over partitions.
fn unlisted(create: &str) -> impl Iterator<Item = &str> {
    let key = |line: &str| {
        line.starts_with("  ")
            && line.contains("KEY ")
            && [" WITHOUT OVERLAPS)", " WITH PARSER ", " KEY_BLOCK_SIZE="]
                .iter()
                .any(|m| line.contains(m))
    };
    create
        .split('\n')
        .map(|line| line.trim_end_matches(','))
        .filter(move |line| {
            line.starts_with("  PERIOD FOR ")
                || key(line)
                || line.starts_with(" PARTITION BY SYSTEM_TIME")
                || (line.contains("PARTITION BY ") && line.contains("KEY ") && line.starts_with([' ', 'S']))
                // Where a partition's rows lie, beside the folder of the schema.
                || (line.contains("PARTITION `") && line.contains(" DIRECTORY = "))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_number_is_the_options_and_nothing_elses() {
        let table = |options: &str| {
            format!(
                "CREATE TABLE `AUTO_INCREMENT=3` (\n  `id` int(11) NOT NULL AUTO_INCREMENT COMMENT 'AUTO_INCREMENT=4',\n  PRIMARY KEY (`id`)\n) ENGINE=InnoDB{options} COMMENT='AUTO_INCREMENT=5'"
            )
        };
        assert_eq!(counter(&table("")), None);
        assert_eq!(
            counter(&table(" AUTO_INCREMENT=18446744073709551615")),
            Some(18_446_744_073_709_551_615)
        );
    }

    #[test]
    fn bytes_that_are_no_text_are_written_in_hexadecimal() {
        let printed = b"CREATE TABLE `t` (\n  `b` binary(3) DEFAULT '\xff\\0A',\n  `c` varbinary(9) DEFAULT '\n\\r''\xff\\\\' COMMENT '\xc3\xb1'\n)";
        let (text, literals) = readable(printed).expect("readable");
        assert_eq!(
            text,
            "CREATE TABLE `t` (\n  `b` binary(3) DEFAULT X'FF0041',\n  `c` varbinary(9) DEFAULT X'0A0D27FF5C' COMMENT '\u{f1}'\n)"
        );
        assert_eq!(literals, ["X'FF0041'", "X'0A0D27FF5C'"]);
        assert_eq!(readable(b"CREATE TABLE `\xff` (x int)"), None);
    }

    #[test]
    fn the_own_schema_goes_and_others_stay() {
        let text = "CREATE TABLE `t` (\n  `a` int(11) DEFAULT nextval(`own`.`s`),\n  `b` int(11) DEFAULT nextval(`other`.`s`) COMMENT 'nextval(`own`.`s`)'\n)";
        let bare = unqualified(text, "own");
        assert_eq!(bare, text.replacen("`own`.", "", 1));
    }

    #[test]
    fn a_reference_system_stands_behind_its_type() {
        let create = "CREATE TABLE `t` (\n  `p` point NOT NULL,\n  `l` linestring\n)";
        assert_eq!(
            with_reference(&with_reference(create, "`p`", 1), "`l`", 2),
            "CREATE TABLE `t` (\n  `p` point REF_SYSTEM_ID=1 NOT NULL,\n  `l` linestring REF_SYSTEM_ID=2\n)"
        );
    }
}
