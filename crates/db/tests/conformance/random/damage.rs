//! Small damages to a copy: a value, a row, two rows' keys, a definition.

use super::draw::Draw;
use super::mariadb::{Table, quoted};
use super::{types, values};

/// Statements that damage something of `tables`. They may find nothing to change, or be refused.
pub(crate) fn mariadb(draw: &mut Draw, tables: &[&Table]) -> Vec<String> {
    let table = tables[draw.below(tables.len())];
    let column = &table.columns[draw.below(table.columns.len())];
    let (name, c) = (quoted(&table.name), quoted(&column.name));
    let given: Vec<String> = table
        .columns
        .iter()
        .filter(|c| !c.computed)
        .map(|c| quoted(&c.name))
        .collect();
    let given = given.join(", ");
    let pick = format!("ORDER BY MD5(CONCAT(HEX({c}), {}))  LIMIT 1", draw.below(1000));
    match draw.below(20) {
        0..=4 => vec![format!(
            "UPDATE IGNORE {name} SET {c}={} {pick}",
            values::literal(draw, column.kind)
        )],
        5..=7 => vec![format!(
            "UPDATE IGNORE {name} SET {c}={} {pick}",
            slightly(draw, column.kind, &c)
        )],
        8 => vec![format!("DELETE FROM {name} {pick}")],
        9 => vec![format!(
            "INSERT IGNORE INTO {name} ({given}) SELECT {given} FROM {name} {pick}"
        )],
        10 => {
            let (a, b) = (draw.between(1, 5), draw.between(6, 9));
            let id = quoted(&table.columns[0].name);
            let from_to = |x: i64, y: i64| format!("UPDATE IGNORE {name} SET {id}={y} WHERE {id}={x}");
            let (a, b) = (i64::try_from(a).expect("small"), i64::try_from(b).expect("small"));
            vec![from_to(a, 999_999), from_to(b, a), from_to(999_999, b)]
        }
        11 => vec![format!("ALTER TABLE {name} COMMENT={}", values::comment(draw))],
        12 => vec![format!(
            "ALTER TABLE {name} ADD COLUMN {} {}",
            quoted(&draw.name(900)),
            types::any(draw).sql
        )],
        13 => vec![format!("ALTER TABLE {name} DROP COLUMN {c}")],
        14 => vec![format!(
            "ALTER TABLE {name} ALTER COLUMN {c} SET DEFAULT {}",
            values::literal(draw, column.kind)
        )],
        15 => vec![format!(
            "ALTER TABLE {name} ADD KEY {} ({c})",
            quoted(&draw.name(901))
        )],
        16 => vec![format!(
            "ALTER TABLE {name} CHANGE COLUMN {c} {} {}",
            quoted(&draw.name(902)),
            column.definition
        )],
        17 => vec![format!("ALTER TABLE {name} DROP PRIMARY KEY")],
        18 => vec![format!("RENAME TABLE {name} TO {}", quoted(&draw.name(903)))],
        _ => vec![format!(
            "ALTER TABLE {name} ADD CONSTRAINT {} CHECK ({c} IS NULL OR 1)",
            quoted(&draw.name(904))
        )],
    }
}

/// The value next to what is there.
fn slightly(draw: &mut Draw, kind: types::Kind, c: &str) -> String {
    use types::Kind::*;
    match kind {
        Integer | Bit | Members => format!("({c}+0) ^ 1"),
        Decimal => format!("{c} + 0.000000000000000000000000000001"),
        Float => format!("{c} * (1 + {})", draw.word(&["2.3e-16", "1.3e-7", "-2e0"])),
        Year | Day | Time | Moment => format!("{c} + INTERVAL 1 {}", draw.word(&["MICROSECOND", "YEAR"])),
        Text(_) => draw
            .word(&[
                "CONCAT(@c, ' ')",
                "CONCAT(' ', @c)",
                "SWAP(@c)",
                "TRIM(@c)",
                "CONCAT(@c, CHAR(0))",
                "UPPER(@c)",
                "IFNULL(@c, '')",
                "NULLIF(@c, '')",
            ])
            .replace("SWAP(", "REVERSE(")
            .replace("@c", c),
        Bytes(_) => format!(
            "{}({c}, {})",
            draw.word(&["CONCAT", "IFNULL", "NULLIF"]),
            draw.word(&["''", "0x00", "0x20"])
        ),
        Json => format!("CONCAT({c}, ' ')"),
        Uuid => "UUID()".into(),
        Inet4 => "'1.2.3.4'".into(),
        Inet6 => "'::2'".into(),
        Shape => format!("ST_GeomFromWKB(ST_AsWKB({c}), ST_SRID({c}) + 1)"),
    }
}
