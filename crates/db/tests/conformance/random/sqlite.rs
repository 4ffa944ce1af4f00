//! Random schemas of SQLite, with values of any type in any column.

use super::draw::Draw;

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Statements in groups: what of a group the library refuses is left out with the rest of its group.
pub(crate) fn case(draw: &mut Draw) -> Vec<Vec<String>> {
    let mut groups = vec![vec![
        format!("PRAGMA user_version={}", draw.below(1000)),
        format!("PRAGMA application_id={}", draw.below(1000)),
    ]];
    for number in 0..7 {
        groups.push(table(draw, number));
    }
    groups
}

fn table(draw: &mut Draw, number: usize) -> Vec<String> {
    let (strict, without_rowid) = (draw.one_in(3), draw.one_in(4));
    let name = quoted(&draw.name(number));
    let mut columns: Vec<(String, bool)> = Vec::new();
    let mut lines: Vec<String> = Vec::new();
    for at in 0..draw.between(1, 6) {
        let column = quoted(&draw.name(10 + at));
        if at > 0 && draw.one_in(6) {
            let source = &columns[draw.below(columns.len())].0;
            let kind = if strict { "TEXT" } else { "" };
            lines.push(format!(
                "{column} {kind} AS (hex(coalesce({source}, 'x'))) {}",
                draw.word(&["STORED", "VIRTUAL"])
            ));
            columns.push((column, true));
            continue;
        }
        let kind = if strict {
            draw.word(&["INT", "INTEGER", "REAL", "TEXT", "BLOB", "ANY"])
        } else {
            draw.word(&[
                "",
                "INTEGER",
                "REAL",
                "TEXT",
                "BLOB",
                "NUMERIC",
                "VARCHAR(20)",
                "DATETIME",
                "FLOATING POINT",
                "CHARINT",
                "DECIMAL(65,30)",
            ])
        };
        let more = draw.word(&[
            "",
            "",
            "",
            " NOT NULL",
            " UNIQUE",
            " COLLATE NOCASE",
            " DEFAULT (1+2)",
            " DEFAULT X'00ff'",
            " DEFAULT 'it''s'",
            " CHECK (1)",
            " DEFAULT -1.5e300",
        ]);
        lines.push(format!("{column} {kind}{more}"));
        columns.push((column, false));
    }
    let first = columns[0].0.clone();
    let mut extra = Vec::new();
    match draw.below(5) {
        0 => lines[0] = format!("{first} INTEGER PRIMARY KEY AUTOINCREMENT"),
        1 => lines[0] = format!("{first} INTEGER PRIMARY KEY"),
        2 => extra.push(format!(
            "PRIMARY KEY ({})",
            columns
                .iter()
                .take(2)
                .map(|c| c.0.as_str())
                .collect::<Vec<_>>()
                .join(", ")
        )),
        3 if without_rowid => extra.push(format!("PRIMARY KEY ({first} DESC)")),
        _ => {}
    }
    if draw.one_in(4) {
        extra.push(format!(
            "CONSTRAINT {} FOREIGN KEY ({first}) REFERENCES {name} ({first}) DEFERRABLE INITIALLY DEFERRED",
            quoted(&draw.name(50))
        ));
    }
    let options: Vec<&str> = [(strict, "STRICT"), (without_rowid, "WITHOUT ROWID")]
        .iter()
        .filter(|o| o.0)
        .map(|o| o.1)
        .collect();
    lines.extend(extra);
    let mut out = vec![format!(
        "CREATE TABLE {name} ({}) {}",
        lines.join(",\n "),
        options.join(", ")
    )];
    let given: Vec<&str> = columns.iter().filter(|c| !c.1).map(|c| c.0.as_str()).collect();
    for _ in 0..draw.below(20) {
        let values: Vec<String> = given.iter().map(|_| value(draw)).collect();
        out.push(format!(
            "INSERT OR IGNORE INTO {name} ({}) VALUES ({})",
            given.join(", "),
            values.join(", ")
        ));
    }
    let label = quoted(&draw.name(100 + number));
    let column = &columns[draw.below(columns.len())].0;
    out.push(match draw.below(6) {
        0 => format!("CREATE INDEX {label} ON {name} ({column} DESC)"),
        1 => format!("CREATE INDEX {label} ON {name} (length({column})) WHERE {column} IS NOT NULL"),
        2 => format!("CREATE VIEW {label} AS SELECT {column} AS {column} FROM {name} -- why;"),
        3 => format!("CREATE TRIGGER {label} AFTER DELETE ON {name} WHEN OLD.{column} = ';' BEGIN SELECT 'a;b'; SELECT \"x\"\"y\" FROM (SELECT 1 AS \"x\"\"y\"); END"),
        4 => format!("CREATE INDEX {label} ON {name} ({column} COLLATE RTRIM, {first})"),
        _ => format!("DELETE FROM {name} WHERE {column} = 0"),
    });
    out
}

pub(crate) fn value(draw: &mut Draw) -> String {
    match draw.below(7) {
        0 => "NULL".into(),
        1 => draw
            .word(&[
                "0",
                "-0",
                "1",
                "9223372036854775807",
                "-9223372036854775808",
                "4611686018427387904",
            ])
            .into(),
        2 => draw
            .word(&[
                "0.0",
                "-0.0",
                "0.1",
                "1e999",
                "-1e999",
                "5e-324",
                "1.7976931348623157e308",
                "9007199254740993.0",
                "1e15",
                "-2.5",
            ])
            .into(),
        3 => match f64::from_bits(draw.next()) {
            any if any.is_finite() => format!("{any:e}"),
            _ => "3.0".into(),
        },
        4 => format!("X'{}'", draw.hex(200)),
        // Bytes that are no UTF-8 may be text all the same.
        5 => format!("CAST(X'{}' AS TEXT)", draw.hex(200)),
        _ => super::values::text(draw, 100).replacen("_utf8mb4 x", "CAST(X", 1) + " AS TEXT)",
    }
}
